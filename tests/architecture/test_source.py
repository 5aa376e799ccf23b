"""Size, shape and names of the product's source."""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.project import PROJECT_DIR, product_files, relative, syntax_tree

LONGEST_FILE = 350
LONG_FUNCTION = 40
USUAL_FUNCTION = 12
ABOUT_A_WHOLE_ROOM = {"test_controls.py", "test_live.py", "test_makefile.py"}
ABOUT_YAHOO = {f"test_yahoo_{topic}.py" for topic in ("faults", "pace", "profiles", "refused")}
"""Files about include/market/yahoo.py, which one file of tests would not hold."""
INSTANTS = {"as_of", "until_as_of", "at", "since", "until", "before", "after", "value"}  # beside whatever ends in _at

SILENCED = re.compile(r"# (noqa|type: ignore)(?!\[import-untyped\])")  # a library without types is its own reason
SILENCED_LINT = re.compile(r"# noqa")
REASON = re.compile(r"# (noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\]) +[#-] \w")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(syntax_tree(path)) if isinstance(node, Function))


def length(function: Function) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


@pytest.mark.parametrize("path", product_files(), ids=relative)
def test_a_file_fits_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_functions_are_short():
    lengths = [length(function) for path in product_files() for function in functions(path)]
    assert statistics.median(lengths) <= USUAL_FUNCTION
    assert statistics.quantiles(lengths, n=10)[-1] < LONG_FUNCTION


@pytest.mark.parametrize("path", sorted(path for path in product_files() if path.name == "__init__.py"), ids=relative)
def test_a_package_says_what_it_is_and_nothing_else(path):
    body = syntax_tree(path).body
    assert ast.get_docstring(syntax_tree(path))
    assert len(body) == 1


def test_every_folder_with_code_is_a_package():
    rooms = ("include", "research", "tracking", "language")
    folders = {path.parent for top in rooms for path in (PROJECT_DIR / top).rglob("*.py")}
    assert [relative(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_tests_stand_where_what_they_test_stands():
    rooms = {f"tests/{room.name}": room for room in packages("include")} | {
        f"tests/{name}": PROJECT_DIR / name for name in ("research", "tracking", "language")
    }
    astray = [
        relative(path)
        for tests, room in rooms.items()
        for path in (PROJECT_DIR / tests).rglob("test_*.py")
        if path.name not in ABOUT_A_WHOLE_ROOM | ABOUT_YAHOO
        and not module_about(path, PROJECT_DIR / tests, room).exists()
    ]
    assert astray == []


def module_about(path: Path, tests: Path, room: Path) -> Path:
    """The module that a test file is about."""
    return room / path.relative_to(tests).parent / path.name.removeprefix("test_")


def packages(folder: str) -> list[Path]:
    return [path for path in (PROJECT_DIR / folder).iterdir() if (path / "__init__.py").exists()]


def test_a_docstring_says_more_than_the_name():
    hollow = [
        f"{relative(path)}:{node.lineno} {node.name}"
        for path in product_files()
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, Function | ast.ClassDef)
        and words(ast.get_docstring(node) or "x y z") <= words(node.name.replace("_", " "))
    ]
    assert hollow == []


def test_every_silenced_rule_has_its_reason_beside_it():
    tests = [path for path in (PROJECT_DIR / "tests").rglob("*.py") if path.parent != Path(__file__).parent]
    bare = [
        f"{relative(path)}:{number}"
        for paths, silenced in [(product_files(), SILENCED), (tests, SILENCED_LINT)]  # tests are not type-checked
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if silenced.search(line) and not REASON.search(line)
    ]
    assert bare == []


def test_nothing_is_left_for_later():
    marks = ("TODO", "FIXME", "HACK", "NotImplementedError")
    left = [
        f"{relative(path)}: {mark}" for path in product_files() for mark in marks if mark in path.read_text("utf-8")
    ]
    assert left == []


def test_names_of_instants_and_truths_say_what_they_are():
    wrong = [
        f"{relative(path)}:{line} {name}: {kind}"
        for path in product_files()
        for line, name, kind in [*fields_of_classes(path), *parameters(path)]
        if (
            kind in {"datetime", "datetime | None"}
            and not name.endswith(("_at", "_at_exchange"))
            and name not in INSTANTS
        )
        or (kind == "bool" and not name.startswith(("is_", "has_")))
    ]
    assert wrong == []


def fields_of_classes(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, name and type of every field of a class."""
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.ClassDef):
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    yield field.lineno, field.target.id, ast.unparse(field.annotation)


def parameters(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, name and type of every parameter of a public function."""
    for function in functions(path):
        if not function.name.startswith("_"):
            for argument in [*function.args.args, *function.args.kwonlyargs]:
                if argument.annotation is not None:
                    yield argument.lineno, argument.arg, ast.unparse(argument.annotation)


def words(text: str) -> set[str]:
    return {word.strip(".,:;`'").lower() for word in text.split()} - {"a", "an", "the"}
