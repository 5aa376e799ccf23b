"""How root runs a program as another user, and the errors where it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.errors import SettingsError
from include.local.privileges import Account, run_as, unprivileged_account

IS_ROOT = os.geteuid() == 0
NOBODY = Account(65534, 65534)
only_root = pytest.mark.skipif(not IS_ROOT, reason="only root runs programs as another user")


def _program(folder: Path, mode: int) -> Path:
    program = folder / "program"
    program.write_text("#!/bin/sh\nid -u\n")
    program.chmod(mode)
    return program


def test_an_ordinary_users_programs_run_as_they_are() -> None:
    assert run_as(None, ["postgres", "-D", "data"], Path("data")) == ["postgres", "-D", "data"]


@pytest.mark.skipif(IS_ROOT, reason="an ordinary user's case")
def test_an_ordinary_user_needs_no_other_account(tmp_path: Path) -> None:
    assert unprivileged_account([tmp_path]) is None


@only_root
def test_root_uses_the_owner_of_the_first_folder_that_is_not_roots(tmp_path: Path) -> None:
    roots, theirs, missing = tmp_path / "roots", tmp_path / "theirs", tmp_path / "missing"
    roots.mkdir()
    theirs.mkdir()
    os.chown(theirs, 1, 1)

    assert unprivileged_account([missing, roots, theirs]) == Account(1, 1)


@only_root
def test_root_uses_the_account_nobody_where_every_folder_is_roots_or_has_an_unknown_owner(tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    os.chown(stranger, 3_000_000, 3_000_000)

    assert unprivileged_account([tmp_path, stranger]) == NOBODY


@only_root
def test_a_readable_path_needs_no_capability() -> None:
    argv = run_as(NOBODY, ["/bin/sh", "-c", "id -u; grep CapEff /proc/self/status"], Path("/tmp"))

    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["65534", "CapEff:", "0" * 16]


@only_root
@pytest.mark.parametrize("mode", [0o755, 0o700], ids=["closed parent", "closed parent and program"])
def test_an_unreadable_path_needs_one_capability_and_no_change_of_a_folders_mode(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(0o700)
    program = _program(tmp_path, mode)

    argv = run_as(NOBODY, [str(program)], tmp_path / "data")

    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "65534"
    assert sum(part.startswith("--ambient-caps") for part in argv) == 1
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@only_root
@pytest.mark.parametrize(
    ("missing", "complaint"),
    [("-dac_read_search,-dac_override", "may not grant the capability"), ("-setuid", "lacks the capability setuid")],
)
def test_a_root_without_its_capabilities_gets_an_error_with_the_next_step(
    tmp_path: Path, missing: str, complaint: str
) -> None:
    tmp_path.chmod(0o700)
    program = _program(tmp_path, 0o755)
    code = (
        "import sys; sys.path = sys.argv[1].split(':'); from pathlib import Path; "
        "from include.local.privileges import *; "
        f"run_as(Account(65534, 65534), [{str(program)!r}], Path({str(tmp_path)!r}))"
    )
    argv = ["setpriv", f"--bounding-set={missing}", f"--inh-caps={missing}", sys.executable, "-c", code]

    done = subprocess.run([*argv, ":".join(sys.path)], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert complaint in done.stderr
    assert "HOURCAST_DATABASE_URL" in done.stderr


@only_root
def test_a_machine_without_setpriv_is_an_error_that_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(SettingsError, match="util-linux"):
        run_as(NOBODY, ["/bin/sh"], Path("/tmp"))
