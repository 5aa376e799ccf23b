"""How a root process runs a program that refuses root, without changing anything outside the project's folder.

It creates no user and changes no folder's mode. Where the unprivileged account cannot reach the files (a project below
``/root`` with mode 0700), the program gets the one capability that it needs for that. Where next:
``include/local/postgres``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from include.errors import SettingsError

_FALLBACK_ACCOUNTS = ("nobody", "daemon")
_CAPABILITY_BITS = {"dac_override": 1, "dac_read_search": 2, "setgid": 6, "setuid": 7, "setpcap": 8}
_REMEDY = "Run `make` as an ordinary user, or set HOURCAST_DATABASE_URL to another server."


@dataclass(frozen=True)
class Account:
    """User and group number of an existing unprivileged account."""

    user_id: int
    group_id: int


def unprivileged_account(folders: Iterable[Path]) -> Account | None:
    """The account under which a root process runs its programs; None when this process is not root.

    It is the owner of the first of ``folders`` that exists and does not belong to root, else ``nobody``.

    Raises:
        SettingsError: the machine has no such account.
    """
    if os.geteuid() != 0:
        return None
    for folder in folders:
        if folder.exists() and (owner := folder.stat().st_uid) != 0 and (found := _account_of(owner)):
            return found
    for name in _FALLBACK_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    message = (
        f"This machine has none of the accounts {', '.join(_FALLBACK_ACCOUNTS)}, and Postgres refuses root. {_REMEDY}"
    )
    raise SettingsError(message)


def _account_of(user_id: int) -> Account | None:
    """The owner's account, if it has a passwd entry: initdb looks the user up by number."""
    try:
        return Account(user_id, pwd.getpwuid(user_id).pw_gid)
    except KeyError:
        return None


def run_as(account: Account | None, argv: list[str], data_folder: Path) -> list[str]:
    """``argv``, extended so that it runs as ``account`` and can reach its program and the parents of ``data_folder``.

    Raises:
        SettingsError: `setpriv` is missing, or this root process lacks a capability that is needed.
    """
    if account is None:
        return argv
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        message = f"Postgres refuses root, and `setpriv` (package util-linux) is missing. {_REMEDY}"
        raise SettingsError(message)
    missing = [name for name in ("setuid", "setgid") if not _is_permitted(name)]
    if missing:
        message = (
            f"Postgres refuses root, and this root process may not change its user (it lacks the capability "
            f"{', '.join(missing)}). {_REMEDY}"
        )
        raise SettingsError(message)
    switch = [setpriv, f"--reuid={account.user_id}", f"--regid={account.group_id}", "--clear-groups"]
    return [*switch, *_access_options(account, Path(argv[0]), data_folder), *argv]


def _access_options(account: Account, program: Path, data_folder: Path) -> list[str]:
    """Options of `setpriv` with which the account can reach both paths; none where the file modes allow it.

    Postgres' programs check themselves with ``access(2)``, which ignores the capabilities of a process that is not root
    unless the secure bit ``no_setuid_fixup`` is set.
    """
    is_readable = _is_allowed(program, account, stat.S_IRUSR | stat.S_IXUSR)
    is_reachable = all(
        _is_allowed(folder, account, stat.S_IXUSR)
        for path in (program, data_folder)
        for folder in path.parents
        if folder.exists()
    )
    if is_readable and is_reachable:
        return []
    wanted = ("dac_read_search", "dac_override") if is_readable else ("dac_override",)
    chosen = next((name for name in wanted if _is_permitted(name)), None)
    if chosen is None or not _is_permitted("setpcap"):
        message = (
            f"Postgres refuses root, user {account.user_id} cannot reach {program} or {data_folder}, and this root "
            f"process may not grant the capability {' or '.join(wanted)}. Move the project out of a private folder "
            f"such as /root. {_REMEDY}"
        )
        raise SettingsError(message)
    return [
        "--securebits=+no_setuid_fixup",
        f"--inh-caps=-all,+{chosen}",
        f"--ambient-caps=-all,+{chosen}",
        f"--bounding-set=-all,+{chosen}",
    ]


def _is_allowed(path: Path, account: Account, owner_bits: int) -> bool:
    """Whether the file mode grants the account the rights of ``owner_bits`` (as S_I?USR)."""
    state = path.stat()
    if state.st_uid == account.user_id:
        granted = state.st_mode
    elif state.st_gid == account.group_id:
        granted = state.st_mode << 3
    else:
        granted = state.st_mode << 6
    return granted & owner_bits == owner_bits


def _is_permitted(capability: str) -> bool:
    """Whether this process has the capability and may grant it (it is in the bounding set)."""
    status = dict(
        line.split(":\t", 1)
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        if ":\t" in line
    )
    bit = 1 << _CAPABILITY_BITS[capability]
    return bool(int(status["CapPrm"], 16) & int(status["CapBnd"], 16) & bit)
