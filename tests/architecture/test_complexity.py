"""No function has a cyclomatic complexity above 15, counted by radon.

Ruff's limit of 10 does not count conditions, comprehensions and boolean operators within one expression. Radon does.
"""

import pytest
from radon.complexity import add_inner_blocks, cc_visit
from radon.visitors import Function

from tests.architecture.project import PROJECT_DIR, product_files, relative

LARGEST = 15
FILES = [*product_files(), *sorted((PROJECT_DIR / "bench").rglob("*.py"))]

SIMPLE = """
def mean(values):
    return sum(values) / len(values) if values else 0.0
"""
CROWDED = """
class Chooser:
    def choose(self, rows):
        return [
            {name: value for name, value in row.items() if value and name or value == 1 and name != "a"}
            for row in rows
            if row and all(value > 0 or value < -1 for value in row.values() if value is not None)
            and any(name == "b" or name == "c" for name in row if name)
        ]
"""


def too_complex(source: str) -> dict[str, int]:
    """The functions, methods and inner functions of a source text above the limit, with their complexity."""
    functions = [block for block in add_inner_blocks(cc_visit(source)) if isinstance(block, Function)]
    return {function.fullname: function.complexity for function in functions if function.complexity > LARGEST}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_function_is_too_complex(path):
    assert too_complex(path.read_text(encoding="utf-8")) == {}


def test_a_planted_function_is_found_though_its_conditions_are_in_one_expression():
    assert too_complex(SIMPLE) == {}
    assert list(too_complex(CROWDED)) == ["Chooser.choose"]


def test_a_planted_inner_function_is_found():
    branches = "".join(f"        if x == {number}:\n            x += 1\n" for number in range(LARGEST))
    found = too_complex(f"def outer():\n    def inner(x):\n{branches}        return x\n    return inner\n")
    assert found == {"outer.inner": LARGEST + 1}
