"""What the README and the documentation say is true: layout, settings, commands, views, terms and links.

A page is a Markdown file at the top of the project or in `docs`. The layout is the first fenced block below "Layout" in
`docs/architecture.md`: a path, spaces, what it is; two spaces of indentation a level.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path

import pytest

from include.features.frame import WARM_UP_BARS
from include.settings import _CHOICES, _GROUPS, PREFIX, ModelSettings
from include.store.engine import create_store_engine, fetch_rows, transaction
from tests.architecture.project import PROJECT_DIR, product_files, relative, run, syntax_tree

PAGES = {
    path.relative_to(PROJECT_DIR).as_posix(): path.read_text(encoding="utf-8")
    for path in [*PROJECT_DIR.glob("*.md"), *(PROJECT_DIR / "docs").glob("*.md")]
}
README, ARCHITECTURE, OPERATIONS = PAGES["README.md"], PAGES["docs/architecture.md"], PAGES["docs/operations.md"]
SETTINGS_PAGE, SQL_PAGE, GLOSSARY = PAGES["docs/settings.md"], PAGES["docs/sql.md"], PAGES["docs/glossary.md"]
GENERATED = ("docs/leaks.md", "docs/faults.md", "docs/faults-at-night.md")
ABOUT_OLD_NAMES = ("docs/decisions.md", "docs/glossary.md")

MAKEFILE = (PROJECT_DIR / "Makefile").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text(encoding="utf-8"))
SETTINGS = {PREFIX + field.name.upper(): field for group in _GROUPS.values() for field in fields(group)}
SQL_FILES = sorted((PROJECT_DIR / "sql").rglob("*.sql"))
DAG_FILES = sorted((PROJECT_DIR / "dags").glob("*.py"))
OURS = r"(?:include|research|tracking|language|bench|tests|dags|sql|docs|docker|plugins)"
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)


def section(page: str, title: str) -> str:
    """The text below a heading of the second rank, up to the next one."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {title!r}"
    return found[1]


def table(text: str) -> list[list[str]]:
    """The cells of all tables of a text, without their heads."""
    blocks = re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE)
    rows = [row for block in blocks for row in block.splitlines()[2:]]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def first_cells(text: str) -> list[str]:
    """The first cells of all tables of a text, without their quotes."""
    return [row[0].strip("`") for row in table(text)]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language on a page."""
    return [text for named, text in FENCED.findall(page) if named == language]


def code_lines(page: str) -> list[str]:
    """Every line of the fenced blocks of a page, and every inline piece of code."""
    inline = re.findall(r"`([^`]+)`", FENCED.sub("", page))
    return [line for _, text in FENCED.findall(page) for line in text.splitlines()] + inline


def prose(page: str) -> str:
    """A page without its fenced blocks and inline code."""
    return re.sub(r"`[^`]+`", "", FENCED.sub("", page))


def layout() -> list[str]:
    """The paths of the layout."""
    paths: list[str] = []
    parents: list[str] = []
    for line in section(ARCHITECTURE, "Layout").split("```")[1].strip().splitlines():
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
def test_what_the_layout_shows_is_there(path):
    assert (PROJECT_DIR / path).is_dir() if path.endswith("/") else (PROJECT_DIR / path).is_file()


@pytest.mark.parametrize("folder", ["", "dags", "include", "include/pipeline", "research", "sql"])
def test_the_layout_shows_what_is_there(folder):
    shown = {path.rstrip("/") for path in layout()}
    inside = [
        path.relative_to(PROJECT_DIR / folder) for path in held_paths() if path.is_relative_to(PROJECT_DIR / folder)
    ]
    there = {f"{folder}/{path.parts[0]}".strip("/") for path in inside if not path.parts[0].startswith((".", "__"))}
    assert there - shown == set()


@pytest.mark.parametrize(("place", "contract"), [(0, "layers"), (1, "pipeline")])
def test_the_import_layers_are_those_of_the_contract(place, contract):
    (found,) = [each for each in PYPROJECT["tool"]["importlinter"]["contracts"] if each["id"] == contract]
    assert blocks(section(ARCHITECTURE, "Imports"), "")[place].splitlines() == found["layers"]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_and_module_on_a_page_exists(page):
    named = [word for line in code_lines(PAGES[page]) for word in re.findall(rf"(?<![\w/.]){OURS}/[\w./-]+", line)]
    modules = [word for line in code_lines(PAGES[page]) for word in re.findall(rf"-m ({OURS}(?:\.\w+)*)", line)]
    paths = named + [module.replace(".", "/") for module in modules]
    there = [path for path in paths if (PROJECT_DIR / path).exists() or (PROJECT_DIR / f"{path}.py").exists()]
    assert [path for path in paths if path not in there] == []


@pytest.mark.parametrize("name", _GROUPS)
def test_the_settings_page_has_a_group_in_the_order_of_the_code(name):
    expected = [PREFIX + field.name.upper() for field in fields(_GROUPS[name])]
    assert first_cells(section(SETTINGS_PAGE, name.capitalize())) == expected


@pytest.mark.parametrize("row", table(SETTINGS_PAGE), ids=lambda row: row[0])
def test_the_settings_page_has_the_default(row):
    field = SETTINGS[row[0].strip("`")]
    if field.default is MISSING:  # it depends on the machine, and the page describes it in words
        assert not row[1].startswith("`")
        return
    default = field.default
    expected = "none" if default is None else f"`{relative(default) if isinstance(default, Path) else default}`"
    assert row[1] == expected


@pytest.mark.parametrize("name", _CHOICES)
def test_the_settings_page_names_every_choice(name):
    (row,) = [row for row in table(SETTINGS_PAGE) if row[0] == f"`{PREFIX}{name.upper()}`"]
    assert [choice for choice in _CHOICES[name] if f"`{choice}`" not in row[2]] == []


def test_every_setting_that_a_page_mentions_is_one():
    texts = [*PAGES.values(), (PROJECT_DIR / ".env.example").read_text(encoding="utf-8")]
    mentioned = {name for text in texts for name in re.findall(r"\bHOURCAST_[A-Z_]*[A-Z]\b", text)}
    assert mentioned - set(SETTINGS) == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_make_command_on_a_page_is_a_target(page):
    named = re.findall(r"(?:`|^ *(?:\$ )?|[A-Z_]+=\S+ )make ([a-z][a-z-]*)", PAGES[page], flags=re.MULTILINE)
    assert set(named) - targets() == set()


def test_the_operations_page_describes_the_targets_in_the_groups_of_make_help():
    groups = re.findall(r"^##@ ([^\n]+)\n(.*?)(?=^##@ |\Z)", MAKEFILE, flags=re.MULTILINE | re.DOTALL)
    shown = re.findall(
        r"^### ([^\n]+)\n(.*?)(?=^### |\Z)", section(OPERATIONS, "Make targets"), flags=re.MULTILINE | re.DOTALL
    )
    described = [(title, re.findall(r"^([a-z-]+):.*## ", text, flags=re.MULTILINE)) for title, text in groups]
    assert [(title, first_cells(text)) for title, text in shown] == [
        (title, [f"make {name}" for name in names]) for title, names in described
    ]


@pytest.mark.parametrize("module", ["include/cli.py", "include/local/__main__.py"])
def test_every_command_and_option_on_a_page_is_one(module):
    text = (PROJECT_DIR / module).read_text(encoding="utf-8")
    commands = set(re.findall(r'add_parser\(\s*"([a-z-]+)"', text))
    options = {"--help", *re.findall(r'"(--[a-z-]+)"', text)}
    called = re.escape(module.removesuffix(".py").removesuffix("/__main__").replace("/", "."))
    lines = [line for page in PAGES.values() for line in code_lines(page) if re.search(rf"{called}(?![.\w])", line)]
    arguments = [re.split(rf"{called}(?![.\w])", line)[-1].partition(" exec ")[0].partition("#")[0] for line in lines]
    assert {word for words in arguments for word in re.findall(r"^ ([a-z][a-z-]*)", words)} <= commands | {"exec"}
    assert {word for words in arguments for word in re.findall(r"--[a-z-]+", words)} <= options


def test_the_commands_of_the_command_line_are_all_named():
    text = (PROJECT_DIR / "include" / "cli.py").read_text(encoding="utf-8")
    (listed,) = re.findall(r"include\.cli --help +# (.+)", OPERATIONS)
    assert set(listed.split(", ")) == set(re.findall(r'add_parser\(\s*"([a-z-]+)"', text))


def test_the_views_of_the_sql_page_are_those_of_the_schema():
    views = [path for path in SQL_FILES if path.parent.name == "views"]
    grains = {f"bi.{path.stem}": path.read_text(encoding="utf-8").splitlines()[0] for path in views}
    shown = {row[0].strip("`"): row[1].partition(":")[0] for row in table(section(SQL_PAGE, "Views"))}
    assert shown == {
        name: grain.removeprefix("-- grain: one row per ").partition(":")[0] for name, grain in grains.items()
    }


def test_the_sql_page_lists_every_query():
    queries = [relative(path) for path in SQL_FILES if path.parent.name == "queries"]
    assert sorted(first_cells(section(SQL_PAGE, "Examples"))) == queries


@pytest.mark.integration
@pytest.mark.parametrize("query", [text for page in PAGES.values() for text in blocks(page, "sql")])
def test_a_query_on_a_page_runs_as_the_reading_role(reader_url, query):
    engine = create_store_engine(reader_url)
    with transaction(engine) as connection:
        fetch_rows(connection, query)
    engine.dispose()


def test_the_readme_shows_every_dag():
    assert sorted(first_cells(section(README, "The DAGs"))) == [path.stem for path in DAG_FILES]


def test_the_table_of_an_hour_shows_its_tasks():
    assert set(first_cells(section(ARCHITECTURE, "An hour"))) <= tasks_of(PROJECT_DIR / "dags" / "hourly_forecast.py")


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md"])
def test_a_diagram_names_tasks_and_dags_that_exist(page):
    known = {name for path in DAG_FILES for name in (path.stem, *tasks_of(path))}
    for diagram in blocks(PAGES[page], "mermaid"):
        unlabelled = re.sub(r'\w+\[\(?"[^"]*"\)?\]', "", diagram)
        assert set(re.findall(r"[a-z]+(?:_[a-z]+)+", unlabelled)) - known == set()


@pytest.mark.parametrize("term", [term for row in table(GLOSSARY) for term in row[0].split(", ")])
def test_a_term_of_the_glossary_is_in_use(term):
    spelling = re.sub(r"[-_ ]", "[-_ ]?", term.removeprefix("to "))
    pattern = re.compile(rf"(?<![a-z]){spelling}", flags=re.IGNORECASE)
    assert any(pattern.search(text) for text in product_texts())


@pytest.mark.parametrize("word", re.findall(r"`(\w+)`", " ".join(row[2] for row in table(GLOSSARY))))
def test_a_word_that_the_glossary_refuses_is_in_no_name_and_on_no_page(word):
    using = [f"{place}: {name}" for place, name in names_in_use() if f"_{word}_" in f"_{name.lower()}_"]
    pages = [name for name in PAGES if name not in (*GENERATED, *ABOUT_OLD_NAMES)]
    using += [name for name in pages if re.search(rf"\b{word}s?\b", prose(PAGES[name]), flags=re.IGNORECASE)]
    assert using == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page):
    lost = [
        f"{path}#{heading}"
        for path, heading in links(page)
        if not (PROJECT_DIR / path).exists() or (heading and heading not in headings(PAGES.get(path, "")))
    ]
    assert lost == []


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), ["README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [path for path, _ in links(page) if path in PAGES]
    assert set(PAGES) - reached == set()


def test_the_changelog_has_the_version_of_the_project():
    assert f"\n## {PYPROJECT['project']['version']} - " in PAGES["CHANGELOG.md"]


@pytest.mark.parametrize("page", ["README.md", "docs/model.md"])
def test_a_page_has_the_number_of_bars_that_a_young_listing_needs(page):
    needed = WARM_UP_BARS + ModelSettings().context_bars
    assert f"{needed} bars" in PAGES[page]


def test_the_licence_file_is_the_licence_that_the_project_names():
    text = (PROJECT_DIR / PYPROJECT["project"]["license-files"][0]).read_text(encoding="utf-8")
    assert PYPROJECT["project"]["license"] == "Apache-2.0"
    assert text.split()[:5] == ["Apache", "License", "Version", "2.0,", "January"]


def targets() -> set[str]:
    """Every target of the Makefile."""
    return set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, flags=re.MULTILINE))


def tasks_of(path: Path) -> set[str]:
    """The ids of the tasks that a DAG file defines with a function."""
    return {
        node.name
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.FunctionDef) and any("task" in ast.unparse(each) for each in node.decorator_list)
    }


def links(page: str) -> list[tuple[str, str]]:
    """Path, from the project's folder, and heading of every relative link of a page."""
    text = FENCED.sub("", PAGES[page])
    found = [target.partition("#") for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    folder = PROJECT_DIR / Path(page).parent
    return [
        ((folder / path).resolve().relative_to(PROJECT_DIR).as_posix() if path else page, heading)
        for path, _, heading in found
    ]


def headings(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@cache
def product_texts() -> tuple[str, ...]:
    """The text of every Python and SQL file of the product."""
    return tuple(path.read_text(encoding="utf-8") for path in [*product_files(), *SQL_FILES])


@cache
def names_in_use() -> frozenset[tuple[str, str]]:
    """Where, and which: the names that the product gives in Python, and every word of its SQL outside of its texts."""
    return frozenset(_names_in_use())


def _names_in_use() -> Iterator[tuple[str, str]]:
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
