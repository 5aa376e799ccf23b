"""The files and folders of an installation."""

import os
from pathlib import Path

from include.local.paths import PROJECT_DIR, LocalPaths


def test_the_project_is_where_the_makefile_is() -> None:
    assert (PROJECT_DIR / "Makefile").exists()


def test_everything_but_a_deep_socket_lies_below_the_local_folder() -> None:
    paths = LocalPaths(Path("/srv/hourcast/.local"))
    names = [name for name, value in vars(LocalPaths).items() if isinstance(value, property)]
    assert len(names) > 5
    assert all(getattr(paths, name).is_relative_to(paths.local_dir) for name in names)


def test_a_socket_path_always_fits_the_kernels_limit() -> None:
    for depth in range(40):
        paths = LocalPaths(Path("/", *["folder"] * depth, ".local"))
        assert len(os.fsencode(paths.socket)) + len(".4194304") < 104


def test_two_deep_folders_do_not_share_a_socket() -> None:
    one, other = (LocalPaths(Path("/", *["folder"] * 30, name)) for name in ("one", "other"))
    assert one.socket != other.socket
