"""Reading models from their checkpoints: the first readable one of each ticker, and reasons for the others."""

import pytest

from include.artefacts.store import FolderStore
from include.contracts import ModelRef
from include.features.windows import MODEL_INPUT_COUNT
from include.model.checkpoint import save_shard
from include.model.shard import initial_state
from include.pipeline.models.networks import load_models, network_config, only
from tests.model.made_up import bytes_of
from tests.support.products import AT, Product

pytestmark = pytest.mark.integration


def saved(product: Product, ticker: str, seed: int) -> ModelRef:
    """A network with random weights in a file of its own."""
    state = initial_state((ticker,), network_config(product.services), (seed,))
    provenance = {"as_of": AT.isoformat(), "kind": "first_training", "seed": seed}
    (ref,) = save_shard(FolderStore(product.services.settings.model.models_dir), state, {ticker: provenance})
    return ref


def remove(product: Product, ref: ModelRef) -> None:
    (product.services.settings.model.models_dir / ref.artefact).unlink()


def test_the_network_has_the_shape_of_the_settings_and_the_inputs_of_the_features(product: Product) -> None:
    product.change_model(context_bars=24, model_width=16)
    config = network_config(product.services)
    assert (config.context_bars, config.width, config.input_count) == (24, 16, MODEL_INPUT_COUNT)


def test_the_first_candidate_of_each_ticker_is_loaded(product: Product) -> None:
    refs = {
        ticker: [saved(product, ticker, seed), saved(product, ticker, seed + 10)] for seed, ticker in enumerate("AB")
    }
    loaded = load_models(product.services, refs)
    assert loaded.refs == {ticker: candidates[0] for ticker, candidates in refs.items()}
    assert loaded.problems == {}
    assert loaded.state is not None
    assert loaded.state.tickers == ("A", "B")
    for seed in (0, 1):
        expected = initial_state(("AB"[seed],), loaded.state.config, (seed,))
        assert bytes_of(loaded.state, seed) == bytes_of(expected, 0)


def test_an_unreadable_candidate_gives_way_to_the_next_one_and_its_reason_is_kept(product: Product) -> None:
    newest, older, other = saved(product, "A", 1), saved(product, "A", 2), saved(product, "B", 3)
    remove(product, newest)
    loaded = load_models(product.services, {"A": [newest, older], "B": [other]})
    assert loaded.refs == {"A": older, "B": other}
    assert list(loaded.problems) == ["A"]
    assert f"{newest.artefact} is missing" in loaded.problems["A"]
    assert loaded.state is not None
    assert loaded.state.tickers == ("B", "A")  # those of the second round come last


def test_without_a_readable_candidate_a_ticker_has_a_reason_and_no_network(product: Product) -> None:
    ref = saved(product, "A", 1)
    product.change_model(context_bars=24)
    loaded = load_models(product.services, {"A": [ref], "B": []})
    assert (loaded.state, loaded.refs) == (None, {})
    assert list(loaded.problems) == ["A"]
    assert "another model config" in loaded.problems["A"]
    assert load_models(product.services, {}).state is None


def test_only_selects_networks_in_the_order_of_the_tickers(product: Product) -> None:
    state = initial_state(("A", "B", "C"), network_config(product.services), (1, 2, 3))
    chosen = only(state, ["C", "A"])
    assert chosen.tickers == ("C", "A")
    assert [bytes_of(chosen, k) for k in range(2)] == [bytes_of(state, 2), bytes_of(state, 0)]
    assert only(state, []).tickers == ()
