"""Near-duplicate texts: the share of common word groups (Jaccard), found by MinHash instead of comparing all pairs.

Source: A. Broder, On the resemblance and containment of documents (1997). Candidates come from bands of equal minima;
each candidate is then compared exactly, so the hashing can miss a pair and never invents one.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

_GROUP: Final = 3
"""Words of a group."""
_BANDS: Final = 24
_ROWS: Final = 4
"""With 24 bands of 4 minima a pair that shares 0.8 of its groups is found with a probability above 0.999."""
_WORD: Final = re.compile(r"\w+")

Hashes = npt.NDArray[np.uint64]


def groups_of(text: str) -> frozenset[str]:
    """Every three neighbouring words, in lower case; of a shorter text all its words as one group."""
    words = _WORD.findall(text.casefold())
    if len(words) < _GROUP:
        return frozenset([" ".join(words)]) if words else frozenset()
    return frozenset(" ".join(words[at : at + _GROUP]) for at in range(len(words) - _GROUP + 1))


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """The share of the groups that both have among those that any has; 0 for two empty texts."""
    return len(first & second) / len(first | second) if first or second else 0.0


def near_duplicates(texts: Sequence[str], others: Sequence[str], least: float) -> dict[int, int]:
    """Which of ``texts`` share at least ``least`` (0 to 1) of their groups with one of ``others``: place -> its place.

    Of several, the first. Empty texts resemble nothing.
    """
    known = [groups_of(text) for text in others]
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for place, groups in enumerate(known):
        for band in _bands(groups):
            buckets[band].append(place)
    found = {}
    for place, text in enumerate(texts):
        groups = groups_of(text)
        candidates = sorted({other for band in _bands(groups) for other in buckets.get(band, ())})
        match = next((other for other in candidates if jaccard(groups, known[other]) >= least), None)
        if match is not None:
            found[place] = match
    return found


def _bands(groups: frozenset[str]) -> list[tuple[int, bytes]]:
    """The minima of the groups under 96 orders, four by four."""
    if not groups:
        return []
    digests = b"".join(hashlib.blake2b(group.encode(), digest_size=8).digest() for group in sorted(groups))
    hashes = np.frombuffer(digests, dtype=np.uint64) >> np.uint64(32)  # 32 bits, so that the products fit into 64
    minima = ((hashes[:, None] * _FACTORS[None, :] + _SHIFTS[None, :]) >> np.uint64(32)).min(axis=0)
    return [(band, minima[band * _ROWS : (band + 1) * _ROWS].tobytes()) for band in range(_BANDS)]


def _orders() -> tuple[Hashes, Hashes]:
    """Odd factors and shifts of the orders, the same in every process."""
    generator = np.random.default_rng(20261121)
    factors = generator.integers(1, 1 << 63, _BANDS * _ROWS, dtype=np.uint64) | np.uint64(1)
    return factors, generator.integers(0, 1 << 63, _BANDS * _ROWS, dtype=np.uint64)


_FACTORS, _SHIFTS = _orders()
