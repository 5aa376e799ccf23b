"""The device on which a shard is trained, and how many tickers are stacked in one step.

**Training on a GPU was never run** (``docs/model.md``): its speed and its results are unknown. All measurements are
from CPUs. Forecasts are always computed on the CPU, from the stored weights, with the same bits on every machine of the
same kind. Where next: ``train.py``.
"""

from __future__ import annotations

import torch

from include.errors import SettingsError

DEVICES = ("cpu", "cuda", "auto")
"""Values of the setting; ``auto`` means the GPU if there is one. ``cuda`` was never run."""

_GROUPS = {"cpu": 1, "cuda": 256}
"""Tickers in one step. On a CPU stacking gains little, and with one ticker the bytes of its weights do not depend on
other tickers. One small network does not fill a GPU. With all weights trained, 256 networks need 3.6 GB for the
backward pass (computed on a CPU; never run on a GPU)."""


def has_gpu() -> bool:
    """Whether torch has CUDA and finds a GPU."""
    return torch.cuda.is_available()


def choose_device(wanted: str, *, has_cuda: bool) -> str:
    """``cpu`` or ``cuda``, for one of ``DEVICES``.

    Raises:
        SettingsError: it is none of them, or it is ``cuda`` and torch finds no GPU.
    """
    if wanted not in DEVICES:
        message = f"{wanted} is no device to train on; choose one of {', '.join(DEVICES)}."
        raise SettingsError(message)
    if wanted == "cuda" and not has_cuda:
        message = "The training device is cuda, but torch finds no GPU; install torch for CUDA, or choose cpu or auto."
        raise SettingsError(message)
    return "cuda" if wanted != "cpu" and has_cuda else "cpu"


def choose_group(wanted: int, device: str) -> int:
    """Number of tickers in one step: ``wanted``, or the default of the device for 0."""
    return wanted or _GROUPS[device]
