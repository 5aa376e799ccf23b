"""The password files of the embedded Postgres."""

import stat
from pathlib import Path

from include.local.password_files import create_passwords, read_passwords, write_password


def test_every_role_gets_a_password_of_its_own_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "pgpass"
    create_passwords(path, ["writer", "reader"])
    passwords = read_passwords(path)
    assert list(passwords) == ["writer", "reader"]
    assert len(set(passwords.values())) == 2
    assert min(map(len, passwords.values())) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_password_is_one_complete_line_and_the_same_line_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "pgpass.reader"
    write_password(path, 5432, "shop", "reader", "word")
    before = path.stat()
    write_password(path, 5432, "shop", "reader", "word")
    assert path.read_text() == "127.0.0.1:5432:shop:reader:word\n"
    assert stat.S_IMODE(before.st_mode) == 0o600
    assert path.stat().st_ino == before.st_ino

    write_password(path, 5433, "shop", "reader", "word")
    assert path.read_text() == "127.0.0.1:5433:shop:reader:word\n"
