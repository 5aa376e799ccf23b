"""Where a shard is trained, and how many tickers one step takes there.

The product was measured on CPUs; the way to a GPU is short and was never run on one (``docs/model.md``). Only training
goes there: forecasts are always computed on the CPU, from the stored weights, to the same bits everywhere. It knows
nothing of networks. Where next: ``train.py``.
"""

from __future__ import annotations

import torch

from include.errors import SettingsError

DEVICES = ("cpu", "cuda", "auto")
"""What can be asked for; ``auto`` is the GPU where there is one."""

_GROUPS = {"cpu": 1, "cuda": 256}
"""Tickers in one step. On a CPU stacking gains little, and alone a ticker's bytes depend on no neighbour; a GPU is idle
on one small network, and 256 of them, all weights trained, keep 3.6 GB for the backward pass (counted on a CPU)."""


def has_gpu() -> bool:
    """Whether torch was built for a GPU and finds one."""
    return torch.cuda.is_available()


def choose_device(wanted: str, *, has_cuda: bool) -> str:
    """``cpu`` or ``cuda``, for one of ``DEVICES``.

    Raises:
        SettingsError: it is none of them, or the GPU that is insisted on is not there.
    """
    if wanted not in DEVICES:
        message = f"{wanted} is no device to train on; choose of {', '.join(DEVICES)}."
        raise SettingsError(message)
    if wanted == "cuda" and not has_cuda:
        message = "A GPU is asked for and torch finds none; install torch for CUDA, or choose cpu or auto."
        raise SettingsError(message)
    return "cuda" if wanted != "cpu" and has_cuda else "cpu"


def choose_group(wanted: int, device: str) -> int:
    """The number of tickers in one step: what is ``wanted``, or for 0 what suits the device."""
    return wanted or _GROUPS[device]
