import pytest
import torch

from include.errors import DataContractError
from include.model.config import ModelConfig
from include.model.shard import concat, groups, initial_state, reproducible_torch
from tests.model.made_up import SMALL, bytes_of, stirred_state


def test_a_new_network_depends_on_its_seed_only():
    together = initial_state(("A", "B"), SMALL, (7, 8))
    alone = initial_state(("B",), SMALL, (8,))
    assert bytes_of(together, 1) == bytes_of(alone, 0)
    assert bytes_of(together, 0) != bytes_of(together, 1)


def test_every_ticker_needs_a_seed():
    with pytest.raises(DataContractError, match="2 tickers came with 1 seeds"):
        initial_state(("A", "B"), SMALL, (7,))


def test_what_was_split_and_joined_is_the_same():
    state = stirred_state(("A", "B", "C", "D", "E"))
    parts = state.split(2)
    assert [part.tickers for part in parts] == [("A", "B"), ("C", "D"), ("E",)]
    joined = concat(parts)
    assert joined.tickers == state.tickers
    assert all(torch.equal(joined.parameters[name], value) for name, value in state.parameters.items())


def test_a_selection_keeps_its_order_and_is_a_copy():
    state = initial_state(("A", "B", "C"), SMALL, (1, 2, 3))
    chosen = state.select([2, 0])
    assert chosen.tickers == ("C", "A")
    before = bytes_of(state, 2)
    chosen.parameters["input.weight"].zero_()
    assert bytes_of(state, 2) == before


def test_networks_of_different_configs_cannot_be_stacked():
    other = ModelConfig(input_count=6, context_bars=12, width=16, heads=2, horizon_count=3)
    with pytest.raises(DataContractError):
        concat([initial_state(("A",), SMALL, (1,)), initial_state(("B",), other, (1,))])
    with pytest.raises(DataContractError):
        concat([])


def test_a_shard_may_be_empty():
    empty = initial_state((), SMALL, ())
    assert empty.split(3) == []
    assert concat([empty, initial_state(("A",), SMALL, (1,))]).tickers == ("A",)


def test_groups_cover_every_position_once_and_in_order():
    assert [list(group) for group in groups(5, 2)] == [[0, 1], [2, 3], [4]]
    assert groups(0, 2) == []


def test_reproducible_torch_restores_the_settings_of_torch():
    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    with reproducible_torch():
        assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (1, True)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
