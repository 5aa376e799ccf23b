"""Checks of the artefacts: whether the weights that the database names are there with the content of their hash.

The name of a checkpoint file is a hash of its bytes, and a backbone's is the hash of its weights (see
``include/model/checkpoint.py``, which needs torch; here the standard library is enough).
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from include.local.doctor.installation import Installation
from include.local.doctor.problem import Problem
from include.store.engine import fetch_rows
from include.store.reader import Engine, reading

_DTYPES = {"F32": "torch.float32", "F64": "torch.float64", "F16": "torch.float16", "BF16": "torch.bfloat16"}
_SAMPLE = 50
_FILES = """
select artefact, string_agg(distinct ticker, ', ') as tickers, bool_or(is_newest) as is_newest
from (
    select
        version.ticker,
        version.artefact,
        row_number() over (partition by version.ticker order by version.as_of desc) = 1 as is_newest
    from forecast.model_version as version
    inner join forecast.ticker on ticker.ticker = version.ticker
    where not version.is_pruned and ticker.retired_as_of is null
) as kept
group by artefact
order by bool_or(is_newest) desc, md5(artefact)
"""
"""Files of weights that are kept; those of each ticker's newest version first, the others in a fixed random order."""


def check_artefacts(found: Installation, engine: Engine, *, is_complete: bool = False) -> Iterator[Problem]:
    """Whether the files are there and intact: those of the newest versions and some others; all if ``is_complete``."""
    with reading(engine) as connection:
        rows = fetch_rows(connection, _FILES)
    newest = sum(bool(row["is_newest"]) for row in rows)
    chosen = rows if is_complete else rows[: newest + _SAMPLE]
    bases: set[str] = set()
    for row in chosen:
        path = found.models_dir / str(row["artefact"])
        yield from _problems(path, f"the weights of {row['tickers']}")
        bases |= _base_names(path)
    for name in sorted(bases):
        yield from _problems(found.models_dir / name, "the backbone that models start from")


def _problems(path: Path, what: str) -> Iterator[Problem]:
    """What is wrong with one file."""
    advice = (
        "Restore the file from a backup. Until then an older version or the backbone serves; forecasts made with it "
        "cannot be replayed."
    )
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        yield Problem("artefact-missing", f"{path.name} is missing from {path.parent}: {what}.", advice)
        return
    except OSError as error:
        yield Problem("artefact-unreadable", f"{path} cannot be read ({error.strerror}): {what}.", advice)
        return
    if hash_of(path.name, content) != path.stem.partition("-")[2]:
        is_short = _is_short(content)
        state = "is truncated" if is_short else "has changed since it was written"
        yield Problem("artefact-truncated" if is_short else "artefact-changed", f"{path} {state}: {what}.", advice)


def hash_of(name: str, content: bytes) -> str:
    """The hash that a file of this name and content should have in its name; empty if the content is no checkpoint."""
    if not name.startswith("base-"):
        return hashlib.sha256(content).hexdigest()[:32]
    with suppress(ValueError, KeyError, TypeError, struct.error):
        header, body = _split(content)
        description = json.loads(header.pop("__metadata__")["hourcast"])
        row = description["rows"][0]
        identity = {"format": 1, "config": description["config"], "rows": [row]}
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True, separators=(",", ":")).encode())
        for tensor in sorted(header):
            first, end = header[tensor]["data_offsets"]
            digest.update(f"{tensor}:{_DTYPES[header[tensor]['dtype']]}:".encode() + body[first:end])
        return digest.hexdigest()
    return ""


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the tensors' bytes of a safetensors file."""
    (size,) = struct.unpack("<Q", content[:8])
    header: dict[str, Any] = json.loads(content[8 : 8 + size])
    return header, content[8 + size :]


def _is_short(content: bytes) -> bool:
    """Whether a safetensors file ends before what its header announces; False if the header itself is damaged."""
    if len(content) < 8:
        return True
    (size,) = struct.unpack("<Q", content[:8])
    with suppress(ValueError, KeyError, TypeError, AttributeError, IndexError):
        header, body = _split(content)
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        return bool(max(ends, default=0) > len(body))
    return bool(8 + size > len(content))


def _base_names(path: Path) -> set[str]:
    """The file that this one builds on, if it names one."""
    with suppress(OSError, ValueError, KeyError, TypeError, struct.error):
        header, _ = _split(path.read_bytes())
        return {str(json.loads(header["__metadata__"]["hourcast"])["base"]["artefact"])}
    return set()
