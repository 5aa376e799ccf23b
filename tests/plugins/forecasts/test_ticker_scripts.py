"""The functions of the page's scripts that need no browser, in Node: the tests are the files of ``scripts``."""

import shutil
import subprocess
from pathlib import Path

import pytest

FILES = sorted(path.name for path in (Path(__file__).parent / "scripts").glob("*.test.mjs"))
NODE = shutil.which("node")


def test_there_are_tests_of_scripts() -> None:
    assert len(FILES) >= 4


@pytest.mark.skipif(NODE is None, reason="Node is not installed; it runs the tests of the scripts")
@pytest.mark.parametrize("name", FILES)
def test_scripts_do_what_their_tests_say(name: str, tmp_path: Path) -> None:
    # Node takes the scripts for modules if a package.json beside them says so; there is none in the project
    page = Path(__file__).resolve().parents[3] / "plugins" / "forecasts" / "static"
    shutil.copytree(page, tmp_path / "plugins" / "forecasts" / "static")
    tests = tmp_path / "tests" / "plugins" / "forecasts" / "scripts"
    shutil.copytree(Path(__file__).parent / "scripts", tests)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    done = subprocess.run(
        [str(NODE), "--test", str(tests / name)], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
