"""What README.md says of the tree, the settings, the targets and the words is true.

It reads the first fenced block below "Layout" (a path, two spaces or more, what it is; two spaces of indentation a
level) and the tables below "Settings" and "Glossary".
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from include.settings import _GROUPS, PREFIX
from tests.architecture.project import PROJECT_DIR, product_files, relative, run, syntax_tree

README = (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
MAKEFILE = (PROJECT_DIR / "Makefile").read_text(encoding="utf-8")
SETTINGS = {PREFIX + field.name.upper(): field for group in _GROUPS.values() for field in fields(group)}
SQL_FILES = sorted((PROJECT_DIR / "sql").rglob("*.sql"))


def section(title: str) -> str:
    """The text below a heading, up to the next of its rank."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, flags=re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no section {title!r}"
    return found[1]


def table(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    rows = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def layout() -> list[str]:
    """The paths of the tree."""
    block = section("Layout").split("```")[1]
    paths: list[str] = []
    parents: list[str] = []
    for line in block.strip().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        parents = [*parents[:depth], line.split()[0]]
        paths.append("".join(parents))
    return paths


def held_paths() -> list[Path]:
    """Every file that git holds; without git, every file that is there."""
    listed = run(["git", "-c", "safe.directory=*", "ls-files", "-z"])  # the folder may belong to somebody else
    if listed.returncode == 0:
        return [PROJECT_DIR / name for name in listed.stdout.split("\0") if name]
    return [path for path in PROJECT_DIR.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


@pytest.mark.parametrize("path", layout())
def test_what_the_tree_shows_is_there(path):
    assert (PROJECT_DIR / path).is_dir() if path.endswith("/") else (PROJECT_DIR / path).is_file()


@pytest.mark.parametrize("folder", ["", "dags", "include", "sql"])
def test_the_tree_shows_what_is_there(folder):
    shown = {path.rstrip("/") for path in layout()}
    inside = [
        path.relative_to(PROJECT_DIR / folder) for path in held_paths() if path.is_relative_to(PROJECT_DIR / folder)
    ]
    there = {f"{folder}/{path.parts[0]}".strip("/") for path in inside if not path.parts[0].startswith((".", "__"))}
    assert there - shown == set()


def test_the_settings_table_names_every_setting_in_the_order_of_the_code():
    assert [row[0].strip("`") for row in table("Settings")] == list(SETTINGS)


@pytest.mark.parametrize("row", table("Settings"), ids=lambda row: row[0])
def test_the_settings_table_tells_the_default(row):
    field = SETTINGS[row[0].strip("`")]
    if field.default is MISSING:  # it depends on the machine, and is told in words
        assert not row[1].startswith("`")
        return
    default = field.default
    told = "none" if default is None else f"`{relative(default) if isinstance(default, Path) else default}`"
    assert row[1] == told


def test_every_setting_that_a_page_mentions_is_one():
    pages = [PROJECT_DIR / "README.md", PROJECT_DIR / ".env.example", *(PROJECT_DIR / "docs").glob("*.md")]
    mentioned = {name for page in pages for name in re.findall(r"\bHOURCAST_[A-Z_]*[A-Z]\b", page.read_text("utf-8"))}
    assert mentioned - set(SETTINGS) == set()


def test_every_make_command_on_the_page_is_a_target():
    told = set(re.findall(r"(?:`|^ *(?:\$ )?)make ([a-z][a-z-]*)", README, flags=re.MULTILINE))
    assert told - targets() == set()


def test_every_target_is_on_the_page():
    assert {name for name in targets() if re.search(rf"^{name}:.*## ", MAKEFILE, flags=re.MULTILINE)} == {
        row[0].strip("`").removeprefix("make ") for row in table("Make targets")
    }


@pytest.mark.parametrize("term", [term for row in table("Glossary") for term in row[0].split(", ")])
def test_a_term_of_the_glossary_is_in_use(term):
    pattern = re.compile(rf"{term.replace(' ', '[_ ]')}|{term.replace(' ', '_')}", flags=re.IGNORECASE)
    assert any(pattern.search(path.read_text(encoding="utf-8")) for path in [*product_files(), *SQL_FILES])


@pytest.mark.parametrize("word", re.findall(r"`(\w+)`", " ".join(row[2] for row in table("Glossary"))))
def test_a_word_that_the_glossary_refuses_is_part_of_no_name(word):
    using = [f"{place}: {name}" for place, name in names_in_use() if f"_{word}_" in f"_{name.lower()}_"]
    assert using == []


def targets() -> set[str]:
    """Every target of the Makefile."""
    return set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, flags=re.MULTILINE))


def names_in_use() -> Iterator[tuple[str, str]]:
    """Where, and which: the names that the product gives in Python, and every word of its SQL outside of its texts."""
    for path in product_files():
        for node in ast.walk(syntax_tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield relative(path), node.name
            elif isinstance(node, ast.arg):
                yield relative(path), node.arg
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield relative(path), node.id
    for path in SQL_FILES:
        text = re.sub(r"--[^\n]*|'[^']*'", " ", path.read_text(encoding="utf-8"))
        yield from ((relative(path), word) for word in re.findall(r"\w+", text))
