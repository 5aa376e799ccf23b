"""Challengers: tested, promoted only when proven, restarted when rejected, and the same in every rerun."""

import json
from datetime import timedelta
from typing import Any

import pytest

from include.artefacts.store import FolderStore
from include.contracts import HORIZON_COUNT, Shard
from include.evaluation.promotion import FRACTIONS, SequentialTest
from include.features.windows import window_ends
from include.model.checkpoint import load_tickers
from include.pipeline import hour as hours
from include.pipeline import replay
from include.pipeline.data.featuring import load_series
from include.pipeline.models import challengers, training
from include.pipeline.models.networks import network_config
from include.store.engine import transaction
from include.store.models import ModelVersion, find_versions
from tests.model.made_up import bytes_of
from tests.support.backbones import promote_a_backbone
from tests.support.products import AT, HOUR, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA = ROUND_THE_CLOCK[0]
PROVEN = {"is_proven": True, "log_e_values": [9.0] * len(FRACTIONS), "total_score_difference": -1.0}


@pytest.fixture
def tracked(product: Product) -> Product:
    """One ticker, onboarded, and its first hour of training."""
    product.onboard(NOVA, history_days=30)
    product.run_hour(AT + HOUR)
    return product


def stored(product: Product) -> list[ModelVersion]:
    with transaction(product.services.engine) as connection:
        return find_versions(connection, NOVA)


def served(product: Product, number: int) -> str:
    ((version,),) = product.query(
        "select distinct model_version from forecast.prediction_by_horizon where as_of = %s", hour(number)
    )
    return str(version)


def hour(number: int) -> Any:
    return AT + number * HOUR


def plant(product: Product, **changes: Any) -> None:
    """Changes the sequential test of the newest version."""
    newest = stored(product)[-1]
    assert newest.sequential_test is not None
    product.query(
        "update forecast.model_version set sequential_test = %s, is_promoted = %s where as_of = %s; commit",
        json.dumps(newest.sequential_test | changes),
        bool(changes.get("is_proven")),
        newest.as_of,
    )


def weights(product: Product, version: ModelVersion) -> dict[str, bytes]:
    folder = product.services.settings.model.models_dir
    state, failures = load_tickers(FolderStore(folder), [version.ref], network_config(product.services))
    assert failures == {}
    return bytes_of(state, 0)


def assert_all_comes_out_again(product: Product, *numbers: int) -> None:
    before = product.checksum()
    for number in numbers:
        product.run_hour(hour(number))
        assert replay.replay(product.services, NOVA, hour(number), is_trained_again=True).differences == []
    assert product.checksum() == before


def test_an_unproven_challenger_is_trained_further_and_does_not_serve(tracked: Product) -> None:
    tracked.run_hour(hour(2))
    first, *tuned = stored(tracked)
    assert [(version.kind, version.is_promoted) for version in tuned] == [("fine_tune", False)] * 2
    assert tuned[1].parent_version == tuned[0].ref.model_version
    assert served(tracked, 2) == first.ref.model_version
    assert weights(tracked, tuned[1]) != weights(tracked, tuned[0]) != weights(tracked, first)


def test_portions_change_the_files_but_no_weights(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    product.onboard(*ROUND_THE_CLOCK, history_days=30)
    profiles = list(product.market.describe(ROUND_THE_CLOCK, AT)[0].values())
    monkeypatch.setattr(challengers, "PORTION_TICKERS", 1)
    challengers.fine_tune(product.services, profiles, hour(1))
    apart = {row[:2]: row[2] for row in fine_tuned(product)}
    product.query("delete from forecast.model_version where kind = 'fine_tune'; commit")
    monkeypatch.undo()
    challengers.fine_tune(product.services, profiles, hour(1))
    together = {row[:2]: row[2] for row in fine_tuned(product)}
    assert apart.keys() == together.keys()
    assert (len(set(apart.values())), len(set(together.values()))) == (2, 1)


@pytest.mark.parametrize(("window_count", "kinds"), [(-1, ["first_training"]), (0, ["first_training", "fine_tune"])])
def test_a_ticker_with_fewer_windows_than_the_least_is_not_fine_tuned(
    product: Product, window_count: int, kinds: list[str]
) -> None:
    """``window_count``: the windows beyond ``LEAST_WINDOWS`` that the hour may read."""
    product.onboard(NOVA, history_days=30)
    context = product.services.settings.model.context_bars
    row_limit = challengers.LEAST_WINDOWS + window_count + context  # the newest row has no target, so no window
    product.change_model(hourly_training_bars=row_limit)
    profiles = list(product.market.describe([NOVA], AT)[0].values())
    series = load_series(product.services.engine, profiles, hour(1), row_limit=row_limit)[NOVA]
    assert len(window_ends(series, context)) == challengers.LEAST_WINDOWS + window_count
    assert product.run_hour(hour(1)) == {"forecast": 1}
    assert [version.kind for version in stored(product)] == kinds


def test_the_held_out_bars_of_the_least_windows_cover_the_bars_that_an_hour_counts() -> None:
    """A fifth of the windows is held out; an hour counts a bar when its last horizon is known, and no bar twice."""
    assert challengers.LEAST_WINDOWS // 5 > HORIZON_COUNT


def fine_tuned(product: Product) -> list[tuple[Any, ...]]:
    return product.query("select ticker, model_version, artefact from forecast.model_version where kind = 'fine_tune'")


def test_each_bar_is_counted_once_when_all_its_horizons_are_known(tracked: Product) -> None:
    for number in range(2, 11):
        tracked.run_hour(hour(number))
    tests = [SequentialTest.from_dict(version.sequential_test or {}) for version in stored(tracked)[1:]]
    assert [test.bar_count for test in tests] == [0] * 7 + [1, 2, 3]  # the first bar after AT closes at 16:00
    assert tests[-1].counted_at == (AT + 3 * HOUR).replace(minute=0)
    assert tests[-1].log_e_values != tests[0].log_e_values
    assert_all_comes_out_again(tracked, 9, 10)


def test_a_proven_challenger_serves_with_each_hours_weights(tracked: Product) -> None:
    plant(tracked, **PROVEN)
    for number in (2, 3):
        tracked.run_hour(hour(number))
        newest = stored(tracked)[-1]
        assert newest.is_promoted
        assert served(tracked, number) == newest.ref.model_version
    assert_all_comes_out_again(tracked, 2, 3)


@pytest.mark.parametrize(
    "loss",
    [
        {"log_alarm_e_values": [9.0] * len(FRACTIONS)},
        PROVEN | {"log_e_values": [-1.0] * len(FRACTIONS)},
        PROVEN | {"total_score_difference": 1.0},
    ],
)
def test_a_rejected_challenger_is_restarted_and_its_reference_serves(tracked: Product, loss: dict[str, Any]) -> None:
    plant(tracked, **loss)
    tracked.run_hour(hour(2))
    first, ended, restart = stored(tracked)
    assert (restart.kind, restart.is_promoted, restart.parent_version) == ("restart", True, ended.ref.model_version)
    assert restart.config == {"reason": "it lost against its reference"}
    assert weights(tracked, restart) == weights(tracked, first)
    assert served(tracked, 2) == restart.ref.model_version
    assert restart.sequential_test == SequentialTest(first.ref.model_version, hour(2), challenger_number=2).to_dict()
    tracked.run_hour(hour(3))
    anew = stored(tracked)[-1]
    assert (anew.kind, anew.parent_version, anew.is_promoted) == ("fine_tune", restart.ref.model_version, False)
    assert_all_comes_out_again(tracked, 2, 3)


def test_a_loss_that_rises_too_much_on_the_held_out_bars_restarts_the_challenger(
    tracked: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tracked, **PROVEN)
    monkeypatch.setattr(training, "STEP_TOLERANCE", -1.0)
    tracked.run_hour(hour(2))
    restart = stored(tracked)[-1]
    assert restart.kind == "restart"
    assert restart.config["reason"].startswith("an hour's fine-tuning raised the loss on the held-out bars from ")


def test_a_training_that_diverges_leaves_the_serving_model(tracked: Product) -> None:
    plant(tracked, **PROVEN)
    proven = stored(tracked)[-1]
    tracked.change_model(hourly_learning_rate=float("nan"))
    assert tracked.run_hour(hour(2)) == {"forecast": 1}
    assert stored(tracked)[-1] == proven
    assert served(tracked, 2) == proven.ref.model_version


def test_a_version_without_a_stored_test_is_restarted(tracked: Product) -> None:
    tracked.query("update forecast.model_version set sequential_test = null, is_promoted = true; commit")
    assert served(tracked, 1) == stored(tracked)[0].ref.model_version
    tracked.run_hour(hour(2))
    assert stored(tracked)[-1].kind == "restart"
    again = replay.replay(tracked.services, NOVA, hour(1), is_trained_again=True)
    assert "a training from before sequential tests were stored is not made again" in again.remarks


def test_with_when_drifting_only_a_challenger_that_serves_is_trained(tracked: Product) -> None:
    tracked.change_model(training_policy="when_drifting")
    tracked.run_hour(hour(2))
    assert len(stored(tracked)) == 2
    plant(tracked, **PROVEN)
    tracked.run_hour(hour(3))
    assert [version.as_of for version in stored(tracked)[2:]] == [hour(3)]
    tracked.change_model(training_policy="never")
    tracked.run_hour(hour(4))
    assert len(stored(tracked)) == 3


def test_a_fine_tuned_model_that_is_too_old_is_replaced_and_the_outcome_says_so(tracked: Product) -> None:
    plant(tracked, **PROVEN)
    tracked.change_model(training_policy="never")
    tracked.change_model(model_max_age_hours=2)
    first, proven = stored(tracked)
    tracked.run_hour(hour(3))
    assert served(tracked, 3) == proven.ref.model_version
    tracked.run_hour(hour(4))
    assert served(tracked, 4) == first.ref.model_version
    ((status, reason),) = tracked.query("select status, reason from forecast.outcome where as_of = %s", hour(4))
    assert status == "forecast"
    assert reason.startswith(f"an older model serves: the fine-tuned model of {hour(1).isoformat()} was not renewed")
    assert_all_comes_out_again(tracked, 3, 4)


def test_without_a_readable_model_the_backbone_serves_and_the_outcome_says_so(product: Product) -> None:
    promote_a_backbone(product, AT - timedelta(days=1), "own")
    product.onboard(NOVA, history_days=30)
    ((backbone,),) = product.query("select model_version from forecast.backbone")
    for path in product.services.settings.model.models_dir.glob("shard-*"):
        path.unlink()
    product.change_model(hourly_training_steps=0)
    assert product.run_hour(hour(1)) == {"forecast": 1}
    restart = stored(product)[-1]
    assert (restart.kind, restart.config) == ("restart", {"reason": "its weights cannot be read"})
    for path in product.services.settings.model.models_dir.glob("shard-*"):
        path.unlink()
    product.query("delete from forecast.prediction; delete from forecast.baseline_prediction; commit")
    product.query("update forecast.outcome set stage = 'trained', status = 'planned', reason = null; commit")
    hours.predict(product.services, Shard(hour(1), 0, 1))
    assert served(product, 1) == backbone
    ((reason,),) = product.query("select reason from forecast.outcome where as_of = %s", hour(1))
    assert reason.startswith("the backbone serves: no model could be read")
    again = replay.replay(product.services, NOVA, hour(1))
    assert again.differences == []
    assert again.remarks == ["that the backbone served in a model's place is accepted: it cannot be checked"]


def test_only_the_output_of_a_ticker_is_stored_beside_its_backbone(product: Product) -> None:
    promote_a_backbone(product, AT - timedelta(days=1), "own")
    product.onboard(NOVA, history_days=30)
    product.run_hour(hour(1))
    folder = product.services.settings.model.models_dir
    first, tuned = stored(product)
    sizes = [(folder / version.ref.artefact).stat().st_size for version in (first, tuned)]
    (base,) = folder.glob("base-*")
    output_bytes = 4 * (8 * 7 * 9 + 7 * 9)
    assert sizes[0] < base.stat().st_size
    assert 0 < sizes[1] - sizes[0] < 2 * output_bytes < base.stat().st_size
    assert_all_comes_out_again(product, 1)


def test_hours_after_the_backbone_was_lost_come_out_again_without_it(product: Product) -> None:
    promote_a_backbone(product, AT - timedelta(days=1), "lost")
    product.onboard(NOVA, history_days=30)
    product.query("delete from forecast.backbone; commit")
    for number in (1, 2):
        product.run_hour(hour(number))
    assert product.query("select count(*) from forecast.backbone_choice where model_version is null") == [(2,)]
    assert_all_comes_out_again(product, 1, 2)
