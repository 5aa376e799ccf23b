"""The settings of one run, from a YAML file: which questions, which base model, how it is trained.

Every value has a type and limits; an unknown name is refused with those that exist. Where next:
``examples/language.yaml`` is a file with every setting.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final

import yaml  # type: ignore[import-untyped]  # ships no types

from include.errors import SettingsError
from language.brought import FORMS


@dataclass(frozen=True)
class BroughtFile:
    """A file of questions that a person brings, and what is known about it."""

    path: str
    """In the folder ``files`` of the language folder, or absolute."""
    form: str
    """``alpaca``, ``chat`` or ``csv``."""
    licence: str
    """Under which it may be used."""
    source: str
    """Where it is from, in words or as an address."""


@dataclass(frozen=True)
class DataSettings:
    """Which questions teach and judge."""

    version: str = "new"
    """A version such as ``v2``, or ``new``: made from what is stored now."""
    companies: tuple[str, ...] = ()
    """Tickers or numbers whose filings are asked about. Default: all."""
    per_kind: int = 40
    """Questions of a kind that a filing gives at most."""
    passages: int = 3
    """Passages that come with a question."""
    test_ratio: float = 0.2
    """Share of the companies that judge."""
    files: tuple[BroughtFile, ...] = ()
    """Files of questions that people bring."""


@dataclass(frozen=True)
class LoraSettings:
    """The adapter."""

    rank: int = 8
    """Rank of its matrices."""
    alpha: int = 16
    """Its scale is this divided by the rank."""
    dropout: float = 0.0
    """Share of its inputs that a step leaves out."""
    modules: str = "all-linear"
    """Which layers have one: ``all-linear``, or names separated by commas, such as ``q_proj, v_proj``."""


@dataclass(frozen=True)
class TrainingSettings:
    """How the adapter is trained."""

    learning_rate: float = 2e-4
    """Of AdamW, after the warm-up; it falls to 0 along a cosine."""
    steps: int = 200
    """Optimiser steps."""
    batch: int = 2
    """Questions of one pass."""
    accumulate: int = 4
    """Passes of one optimiser step."""
    warmup_ratio: float = 0.05
    """Share of the steps in which the rate rises."""
    cut_off: int = 1024
    """Tokens of a question with its answer; longer ones are left out, not cut."""
    checkpoint_every: int = 20
    """Steps between two checkpoints."""
    seed: int = 1
    """Of the order of the questions, the adapter's start and the dropout."""
    quantisation: str = "none"
    """``none``, or ``4bit`` (QLoRA), which needs a GPU and bitsandbytes."""
    device: str = "cpu"
    """``cpu``, ``cuda``, or ``auto`` for a GPU where there is one."""
    dtype: str = "float32"
    """``float32``, or ``bfloat16`` for half of the memory."""
    threads: int = 1
    """Threads of a CPU; one is a slot of the pool `training`."""


@dataclass(frozen=True)
class EvaluationSettings:
    """How answers are judged."""

    questions: int = 200
    """Judging questions that are asked, chosen by hash, as many of each kind as possible."""
    new_tokens: int = 64
    """Tokens of an answer at most."""
    batch: int = 4
    """Questions that are asked at once."""


@dataclass(frozen=True)
class RunSettings:
    """Every setting of a run."""

    name: str
    """Of the run, for people: letters, digits, ``-`` and ``_``."""
    base_model: str
    """A folder (absolute, or in the folder ``base`` of the language folder), or the name of a model of the hub."""
    base_file: str = ""
    """The GGUF file in that folder, where the weights are one."""
    chat_template: str = "model"
    """``model`` for that of the base model, ``plain``, or a Jinja file in the folder ``files``."""
    data: DataSettings = field(default_factory=DataSettings)
    lora: LoraSettings = field(default_factory=LoraSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)


_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_VERSION: Final = re.compile(r"new|v[1-9]\d*")
_GROUPS: Final[Mapping[str, type[Any]]] = {
    "DataSettings": DataSettings,
    "LoraSettings": LoraSettings,
    "TrainingSettings": TrainingSettings,
    "EvaluationSettings": EvaluationSettings,
}
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "quantisation": ("none", "4bit"),
    "device": ("cpu", "cuda", "auto"),
    "dtype": ("float32", "bfloat16"),
    "form": tuple(FORMS),
}
_LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "per_kind": (1, 10_000),
    "passages": (1, 10),
    "test_ratio": (0.01, 0.9),
    "rank": (1, 1024),
    "alpha": (1, 4096),
    "dropout": (0.0, 0.9),
    "learning_rate": (1e-8, 1.0),
    "steps": (1, 1_000_000),
    "batch": (1, 1024),
    "accumulate": (1, 1024),
    "warmup_ratio": (0.0, 0.9),
    "cut_off": (32, 131_072),
    "checkpoint_every": (1, 100_000),
    "seed": (0, 2**32 - 1),
    "threads": (1, 256),
    "questions": (1, 100_000),
    "new_tokens": (1, 4096),
}


def read_run_settings(text: str, place: str) -> RunSettings:
    """The settings in a YAML text; ``place`` is the name of the file, for messages.

    Raises:
        SettingsError: it is no YAML, a name is unknown or missing, or a value has another type or is out of its limits.
    """
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        message = f"{place} is no YAML: {' '.join(str(error).split())}."
        raise SettingsError(message) from error
    found: RunSettings = _group(RunSettings, values, place)
    if not _NAME.fullmatch(found.name):
        message = f"{place}: name={found.name!r} has to be up to 40 letters, digits, '-' and '_'."
        raise SettingsError(message)
    if not _VERSION.fullmatch(found.data.version):
        message = f"{place}: data.version={found.data.version!r} has to be 'new', or a version such as v2."
        raise SettingsError(message)
    return found


def _group(group: type[Any], values: object, place: str) -> Any:  # noqa: ANN401  # one of the groups
    if not isinstance(values, dict):
        message = f"{place} has to be names with values; it is {type(values).__name__}."
        raise SettingsError(message)
    known = {item.name: item for item in fields(group)}
    unknown = sorted(str(name) for name in values if name not in known)
    if unknown:
        message = f"{place}: {', '.join(unknown)} is unknown. Known are: {', '.join(known)}."
        raise SettingsError(message)
    missing = [
        name
        for name, item in known.items()
        if item.default is MISSING and item.default_factory is MISSING and values.get(name) is None
    ]
    if missing:
        message = f"{place}: {', '.join(missing)} is missing; see examples/language.yaml."
        raise SettingsError(message)
    return group(
        **{
            name: _value(str(known[name].type), value, f"{place}: {name}")
            for name, value in values.items()
            if value is not None
        }
    )


def _value(kind: str, value: object, place: str) -> Any:  # noqa: ANN401  # as above
    if kind in _GROUPS:
        return _group(_GROUPS[kind], value, place)
    if kind == "tuple[BroughtFile, ...]":
        return tuple(_group(BroughtFile, each, f"{place}[{number}]") for number, each in enumerate(_list(value, place)))
    if kind == "tuple[str, ...]":
        return tuple(_plain("str", each, place) for each in _list(value, place))
    return _plain(kind, value, place)


def _plain(kind: str, value: object, place: str) -> float | int | str:
    """A number or a text, within its limits or choices."""
    name = place.rpartition(": ")[2]
    if isinstance(value, bool) or not isinstance(value, _TYPES[kind]) or value == "":
        message = f"{place}={value!r} has to be {_KINDS[kind]}."
        raise SettingsError(message)
    if kind == "str":
        return _chosen(name, str(value).strip(), place)
    number = _within(name, _float(value, place), place)
    return int(number) if kind == "int" else number


def _chosen(name: str, value: str, place: str) -> str:
    if value not in _CHOICES.get(name, (value,)):
        message = f"{place}={value!r} has to be one of {', '.join(_CHOICES[name])}."
        raise SettingsError(message)
    return value


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {"float": (int, float, str), "int": (int,), "str": (str,)}
_KINDS: Final[Mapping[str, str]] = {"float": "a number", "int": "a whole number", "str": "a text (quote it if needed)"}


def _float(value: Any, place: str) -> float:  # noqa: ANN401  # a number, or a text that may be one
    """A number; YAML 1.1 reads ``2e-4`` as a text."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        message = f"{place}={value!r} has to be a number."
        raise SettingsError(message)
    return number


def _within(name: str, number: float, place: str) -> float:
    smallest, largest = _LIMITS[name]
    if not smallest <= number <= largest:
        message = f"{place}={number:g} has to be from {smallest:g} to {largest:g}."
        raise SettingsError(message)
    return number


def _list(value: object, place: str) -> list[object]:
    if not isinstance(value, list):
        message = f"{place} has to be a list; it is {value!r}."
        raise SettingsError(message)
    return value
