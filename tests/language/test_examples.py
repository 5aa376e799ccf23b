"""Questions as lines of JSON."""

import pytest

from include.errors import DataContractError
from language.examples import from_lines, to_lines
from tests.language.made_up import example


def test_questions_come_back_as_they_were_written():
    examples = [example("Wie viel?\n매출"), example(figure=None)]
    assert from_lines(to_lines(examples), "train.jsonl") == examples


def test_the_key_changes_with_every_part():
    assert len({example().key, example("Else?").key, example(figure="8").key, example(group="edgar/2").key}) == 4


@pytest.mark.parametrize("line", [b"{}", b"[1]", b"not JSON", b'{"kind": "cell", "passages": []}'])
def test_a_damaged_line_is_named(line):
    with pytest.raises(DataContractError, match=r"train\.jsonl, line 2"):
        from_lines(to_lines([example()]) + line + b"\n", "train.jsonl")
