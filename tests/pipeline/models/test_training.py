"""Which model serves an hour: warm starts, what a damaged artefact costs, and what a rerun trains from."""

from pathlib import Path

import pytest

from include.model.backbone import start_from
from include.model.config import TrainConfig
from include.pipeline import onboarding, replay
from include.pipeline.data.featuring import load_series
from include.pipeline.models import training
from include.pipeline.models.backbones import backbone_at
from tests.support.backbones import promote_a_backbone
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA, ORION = ROUND_THE_CLOCK


def artefact(product: Product, ticker: str, as_of: object) -> Path:
    ((name,),) = product.query(
        "select artefact from forecast.model_version where ticker = %s and as_of = %s", ticker, as_of
    )
    return product.services.settings.model.models_dir / str(name)


def test_an_hour_trains_on_from_the_model_that_served_before_it(product: Product) -> None:
    product.onboard(NOVA)
    product.run_hour(AT + HOUR)
    first, second = product.query(
        "select kind, model_version, parent_version from forecast.model_version order by as_of",
    )
    assert (first[0], second[0]) == ("first_training", "fine_tune")
    assert second[2] == first[1]


def test_a_tickers_models_of_an_hour_do_not_depend_on_who_else_is_tracked(product: Product) -> None:
    product.onboard(NOVA, ORION)
    product.run_hour(AT + HOUR)
    together = product.query("select as_of, model_version from forecast.model_version where ticker = %s", NOVA)
    product.query(
        "truncate forecast.ticker, forecast.onboarding, forecast.model_version, forecast.outcome, "
        "forecast.planned_hour cascade"
    )
    product.onboard(NOVA, request_id="alone")
    product.run_hour(AT + HOUR)
    assert product.query("select as_of, model_version from forecast.model_version where ticker = %s", NOVA) == together


def test_a_corrupt_checkpoint_gives_way_to_the_previous_good_one(product: Product) -> None:
    product.onboard(NOVA)
    product.run_hour(AT + HOUR)
    product.query("update forecast.model_version set is_promoted = true")
    path = artefact(product, NOVA, AT + HOUR)
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    assert product.run_hour(AT + 2 * HOUR) == {"forecast": 1}
    ((parent,),) = product.query("select parent_version from forecast.model_version where as_of = %s", AT + 2 * HOUR)
    assert [(parent,)] == product.query("select model_version from forecast.model_version where as_of = %s", AT)


def test_a_ticker_without_any_readable_model_gets_the_labelled_baseline_and_is_asked_to_be_trained(
    product: Product,
) -> None:
    product.onboard(NOVA, as_of=AT)
    product.onboard(ORION, as_of=AT, request_id="other")
    artefact(product, NOVA, AT).unlink()
    assert product.run_hour(AT + HOUR) == {"fallback": 1, "forecast": 1}
    ((is_fallback, reason, version),) = product.query(
        "select distinct is_fallback, fallback_reason, model_version from forecast.prediction_by_horizon "
        "where ticker = %s and as_of = %s",
        NOVA,
        AT + HOUR,
    )
    assert (is_fallback, version) == (True, None)
    assert reason.startswith("no model could be read")
    ((form),) = onboarding.pending_requests(product.services, AT + HOUR)
    assert form == {"tickers": [NOVA], "retrain": True}
    onboarding.onboard(product.services, onboarding.Request.from_params("again", AT + HOUR, form))
    assert product.run_hour(AT + 2 * HOUR) == {"forecast": 2}


def test_a_fallback_is_the_random_walk_that_stands_beside_it(product: Product) -> None:
    product.onboard(NOVA, history_days=1)
    differing = product.query(
        "select count(*) from forecast.prediction_by_horizon as prediction "
        "inner join forecast.baseline_by_horizon as walk using (ticker, as_of, horizon) "
        "where walk.baseline = 'random_walk' "
        "and (prediction.q05 <> walk.q05 or prediction.q95 <> walk.q95)",
    )
    assert differing == [(0,)]


def test_no_fine_tuning_leaves_the_champion_to_serve(product: Product) -> None:
    product.onboard(NOVA)
    product.change_model(hourly_training_steps=0)
    assert product.run_hour(AT + HOUR) == {"forecast": 1}
    assert product.query("select count(*) from forecast.model_version") == [(1,)]


@pytest.mark.parametrize("steps", [1, 0])
def test_a_new_backbone_is_every_tickers_start_in_the_next_hour_and_is_trained_on_from_there(
    product: Product, steps: int
) -> None:
    product.change_model(hourly_training_steps=steps)
    product.onboard(NOVA)
    product.run_hour(AT + HOUR)
    promote_a_backbone(product, AT + HOUR, "new")
    assert product.run_hour(AT + 2 * HOUR) == {"forecast": 1}
    assert product.run_hour(AT + 3 * HOUR) == {"forecast": 1}
    ((backbone,),) = product.query("select model_version from forecast.backbone")
    versions = product.query(
        "select as_of, kind, sequential_test ->> 'reference', parent_version, model_version "
        "from forecast.model_version order by as_of"
    )
    moved = next(row for row in versions if row[0] == AT + 2 * HOUR)
    assert moved[1:3] == ("restart", backbone)
    later = [row for row in versions if row[0] == AT + 3 * HOUR]
    assert [(row[1], row[3]) for row in later] == ([("fine_tune", moved[4])] if steps else [])
    before = product.checksum()
    for number in (1, 2, 3):
        product.run_hour(AT + number * HOUR)
    assert product.checksum() == before


def test_a_move_to_a_new_backbone_is_replayed_to_the_last_bit(product: Product) -> None:
    product.onboard(NOVA)
    product.run_hour(AT + HOUR)
    promote_a_backbone(product, AT + HOUR, "new")
    product.run_hour(AT + 2 * HOUR)
    product.run_hour(AT + 3 * HOUR)
    for number in (0, 1, 2, 3):
        assert replay.replay(product.services, NOVA, AT + number * HOUR, is_trained_again=True).differences == []


@pytest.mark.parametrize(
    ("history_days", "statement"),
    [
        (90, "select 1"),
        (16, "select 1"),
        (90, "delete from forecast.bar where mod(extract(hour from opened_at)::integer, 12) >= 4"),
    ],
    ids=["long", "short", "with holes"],
)
def test_a_training_without_steps_reads_the_newest_rows_and_counts_as_if_it_had_read_all(
    product: Product, history_days: int, statement: str
) -> None:
    promote_a_backbone(product, AT - HOUR, "new")
    product.onboard(NOVA, history_days=history_days)
    product.query(statement + "; commit")
    profiles = list(product.market.describe([NOVA], AT)[0].values())
    backbone = backbone_at(product.services, AT)
    assert backbone is not None

    trained = training.make_first(product.services, profiles, AT, backbone)

    assert trained is not None
    config = TrainConfig.from_dict(trained.versions[0].config)
    run = training.TrainingRun(AT, "first_training", config, {NOVA: backbone.version}, backbone)
    series = load_series(product.services.engine, profiles, AT)
    expected, _ = training.train(product.services, start_from(backbone.state, [NOVA]), series, run)
    assert expected is not None
    assert config.steps == 0
    assert trained.versions == expected.versions
    assert trained.provenance == expected.provenance
