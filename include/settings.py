"""Settings: one frozen value, read once from ``HOURCAST_*`` environment variables.

Standard library only. A field ``x`` of any group is read from ``HOURCAST_X``; the docstring under it gives unit,
default and why. A ``HOURCAST_*`` name that is not a setting is refused, so that a typing error cannot pass for a
default. Secrets come in addresses (``HOURCAST_DATABASE_URL``) and are never shown by ``repr``.
Deep code receives the group it needs, never the whole, and never reads the environment itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from include.errors import SettingsError
from include.filings_settings import FilingsSettings

PREFIX = "HOURCAST_"
MOST_REFRESHES = 8
"""Refreshes of a night that there can be."""
_PROJECT_DIR = Path(__file__).resolve().parent.parent


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class StoreSettings:
    """The database."""

    database_url: str | None = field(default=None, repr=False)
    """SQLAlchemy address of the Hourcast database with the role that writes, driver written out
    (``postgresql+psycopg2://user:password@host:port/hourcast``). Default: none; `make run` starts its own server."""
    migration_url: str | None = field(default=None, repr=False)
    """SQLAlchemy address of the same database for `migrate` and `restore`, with the role that owns the schema or with a
    superuser. Default: ``database_url``; `make run` and `make up` set it for their own server."""
    export_uri: str | None = field(default=None, repr=False)
    """Folder or fsspec address (``s3://bucket/prefix``) that the Parquet files of an export go to. Default: `exports`
    in ``local_dir``."""
    revision_retention_days: int = 0
    """Days for which superseded readings of bars and superseded features are kept. Default 0: for ever. Never fewer
    than ``model_retention_days``."""
    log_retention_days: int = 30
    """Days for which the logs of tasks are kept. Default 30."""
    airflow_retention_days: int = 60
    """Days for which Airflow's own tables keep runs, their tasks and events. Default 60. 0 keeps them for ever."""
    reader_url: str | None = field(default=None, repr=False)
    """SQLAlchemy address of the same database with the role ``bi_reader``, for the page in Airflow. Default: none;
    `make run` sets it for its own server. Without it the page says that it has no database."""


@dataclass(frozen=True)
class MarketSettings:
    """The sources of bars."""

    bars_dir: Path | None = None
    """Folder of Parquet or CSV files for the source `files`. Default: none, which turns that source off."""
    cache_dir: Path = _PROJECT_DIR / ".local" / "cache"
    """Folder for what the Yahoo client keeps (time zones, cookies), one sub-folder a process."""
    history_days: int = 729
    """Days of bars fetched when a ticker is onboarded. Default 729: Yahoo refuses hourly bars older than 730 days."""
    update_days: int = 5
    """Days that every hourly update fetches again, to find revisions. Default 5."""
    stale_after_sessions: int = 3
    """Whole sessions without a bar after which a ticker is stale and gets no forecast. Default 3. In a market
    that never closes, a session is a day."""
    failed_after_sessions: int = 10
    """Whole sessions without a bar after which a ticker counts as failed. Default 10. It is still
    fetched, and becomes active again with its data."""
    yahoo_requests_per_second: float = 2.0
    """Pace of requests to Yahoo. Default 2: reports of bans start near 5."""
    yahoo_timeout_seconds: float = 10.0
    """Time one request to Yahoo may take. Default 10, as in yfinance."""
    suffix_calendars: str | None = None
    """Calendars of suffixes or tickers whose trading hours are not known, or are known wrongly: ``.XX=XNYS,KC=F=IEPA``.
    They come before Yahoo's word. Default: none."""
    calendars_file: Path | None = None
    """File whose holidays, hours and calendars are laid over ``include/market/calendars.toml``, in the same form.
    Default: none."""
    announcements_file: Path | None = None
    """File whose announcements are laid over ``include/market/announcements.toml``, in the same form. Default: none."""


@dataclass(frozen=True)
class ModelSettings:
    """The model and its training."""

    models_dir: Path = _PROJECT_DIR / ".local" / "models"
    """Folder of the model artefacts; with ``artifacts_uri``, of copies of what was read."""
    artifacts_uri: str | None = field(default=None, repr=False)
    """fsspec address of the model artefacts (``s3://bucket/prefix``), which all workers must reach. Default: none, the
    folder ``models_dir``."""
    artifacts_copies_megabytes: int = 2000
    """Megabytes of copies that a machine keeps of what it read from ``artifacts_uri``. Default 2000."""
    context_bars: int = 64
    """Bars the model reads (T). Default 64: on a CPU, 64 to 128 give the most supervised positions a second."""
    backbone_dir: Path = _PROJECT_DIR / "include" / "model" / "pretrained"
    """Folder of the backbone that new tickers start from, until one that was trained here is promoted. Default: the one
    that comes with the code. One made for another shape of network is not used; without any, a ticker is trained from
    nothing."""
    model_width: int = 64
    """Width of the Transformer. Default 64: 0.03 to 0.04 % of CRPS better than 32 on validation quarters."""
    model_layers: int = 2
    """Layers of the Transformer. Default 2."""
    model_heads: int = 4
    """Attention heads. Default 4; must divide the width into even parts."""
    first_training_steps: int = 150
    """Optimiser steps of a ticker that is trained from nothing. Default 150: so small a network overfits soon after."""
    backbone_training_steps: int = 0
    """Optimiser steps of a ticker that starts from the backbone. Default 0: its first model is the backbone itself."""
    hourly_training_steps: int = 4
    """Optimiser steps of an hour's fine-tuning. Default 4: careless fine-tuning is known to hurt."""
    hourly_training_scope: str = "head"
    """Weights that an hour's fine-tuning trains: `all` or `head` (the output layer). Default `head`."""
    hourly_learning_rate: float = 1e-5
    """Greatest step of an hour's fine-tuning for one weight. Default 1e-5: no rate was found that gains, and this
    does no harm."""
    training_policy: str = "always"
    """Which tickers an hour fine-tunes: `always` all, `when_drifting` those whose newest forecasts missed by more than
    chance and those whose fine-tuned model serves, `never` none. Default `always`: only a
    challenger that is trained can be proven better, and an hour of it costs tens of milliseconds a ticker."""
    model_max_age_hours: int = 72
    """Hours after which a fine-tuned model that no hour has renewed stops serving, and the backbone serves. Default 72:
    longer than a weekend."""
    model_retention_days: int = 90
    """Days for which the weights of every forecast are kept. Older ones are removed unless a ticker still needs them.
    Default 90."""
    backbone_pull: float = 0.02
    """Share of the way back to the backbone that each of these steps goes. Default 0.02: 35 steps halve
    the distance."""
    hourly_training_bars: int = 1000
    """Newest bars an hour's fine-tuning samples its windows from. Default 1000."""
    batch_windows: int = 16
    """Windows (N) in one optimiser step. Default 16."""
    minimum_history_bars: int = 400
    """Bars with features that a ticker needs to be trained from nothing; with fewer it gets labelled fallbacks. A
    ticker that starts from the backbone needs ``context_bars``. Default 400."""
    training_device: str = "cpu"
    """Where tickers are trained: `cpu`, `cuda`, or `auto` for a GPU where there is one. Default `cpu`: the way to a GPU
    was never run on one. Forecasts are made on the CPU whatever this says."""
    group_tickers: int = 0
    """Tickers stacked into one optimiser step (K). Default 0: what suits the device, 1 on a CPU, where stacking gains
    little and a ticker's bytes then do not depend on its neighbours, and 256 on a GPU."""
    seed: int = 20261121
    """Root of every seed. A ticker's seed in an hour is a hash of this, the ticker and the hour."""


@dataclass(frozen=True)
class ScheduleSettings:
    """The schedule, and the shards of an hour."""

    schedule_minute: int = 35
    """Minute of the hourly run. Default 35: US bars close at :30, most others on the hour."""
    night_schedule: str = "25 9 * * 1-5"
    """Additional runs of an hour, as a cron expression on New York's clock. Default: 09:25 on weekdays, five minutes
    before the open, when the night's prices say most."""
    night_refreshes: int = MOST_REFRESHES
    """Refreshes a night for tickers with extended hours, one request a ticker each: the N that gain most. Default 8:
    18:35, 20:35, hourly from 04:35 to 08:35, and 09:25, New York. 0 turns refreshed forecasts off."""
    pretrain_schedule: str | None = None
    """When a new backbone is trained, as a cron expression in UTC: ``0 6 * * 6``. Default: none, only when asked."""
    backbone_max_age_days: int = 180
    """Days after the end of its training bars from which on a backbone is old, and `watch_models` has another trained.
    Default 180: two quarters. 0: age alone trains none."""
    promotion: str = "automatic"
    """Who lets a new backbone serve that passed the rule: `automatic` nobody needs to, `approval` a person in Airflow.
    Default `automatic`."""
    approval_hours: float = 72.0
    """Hours for which a new backbone waits for that person; after that it is rejected. Default 72: over a weekend."""
    shard_count: int = field(default_factory=lambda: min(4, max(2, _cores())))
    """Largest number of shards of an hour. Default: the cores, from 2 to 4; above 5 an hour has more than 25 tasks."""
    shard_minimum_tickers: int = 8
    """Smallest number of tickers in a shard. Default 8, since every task spends about 2 s on importing torch."""
    training_slots: int = field(default_factory=_cores)
    """Slots of the Airflow pool `training`, one thread each. Default: the cores."""
    training_queue: str = "default"
    """Airflow queue of the tasks that train, for Celery workers that have a GPU. Default `default`: every worker."""


@dataclass(frozen=True)
class LocalSettings:
    """`make run` on this machine."""

    local_dir: Path = _PROJECT_DIR / ".local"
    """Folder of everything `make run` makes: the database, logs, passwords, models."""
    backup_dir: Path = _PROJECT_DIR / "backups"
    """Folder of the backups. Default: `backups` beside the code. Another disk is safer."""
    backup_keep: int = 7
    """Newest backups that are kept. Default 7."""
    airflow_port: int = 8080
    """First port tried for Airflow's page on 127.0.0.1. Default 8080; the next free one is taken."""
    postgres_port: int = 5432
    """First port tried for the embedded Postgres on 127.0.0.1. Default 5432; the next free one is taken."""
    airflow_database_url: str | None = field(default=None, repr=False)
    """SQLAlchemy address of Airflow's own database, driver written out, for use with a server of yours.
    Default: none; the embedded server holds it, or, with ``HOURCAST_DATABASE_URL`` set, a database ``airflow`` on that
    server, which is made if the role may."""


@dataclass(frozen=True)
class OperationsSettings:
    """What watches the installation."""

    metrics_token_file: Path | None = None
    """File with the token that Prometheus sends to `/hourcast/metrics`, at least 16 characters. Default: none, which
    closes it; `make run` makes one."""
    notify: str | None = None
    """Who gets a message about a failed run, separated by commas: ``mailto:`` addresses, and ids of Airflow connections
    with the address of a web hook. Default: nobody."""
    mlflow_uri: str | None = field(default=None, repr=False)
    """Address of an MLflow that shows experiments and backbones (``http://mlflow:5000``). Default: none; `make mlflow`
    keeps one in `mlflow` in ``local_dir``. No hour uses it."""


@dataclass(frozen=True)
class Settings:
    """Every setting, in groups."""

    store: StoreSettings
    market: MarketSettings
    model: ModelSettings
    schedule: ScheduleSettings
    local: LocalSettings
    operations: OperationsSettings
    filings: FilingsSettings


_GROUPS: dict[str, type[Any]] = {
    "store": StoreSettings,
    "market": MarketSettings,
    "model": ModelSettings,
    "schedule": ScheduleSettings,
    "local": LocalSettings,
    "operations": OperationsSettings,
    "filings": FilingsSettings,
}


def _path(text: str) -> Path:
    """The path; raises ValueError if its ``~`` names a user without a home."""
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(text) from error


_PARSERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "str | None": str,
    "Path": _path,
    "Path | None": _path,
    "int": int,
    "float": float,
}

_CHOICES: dict[str, tuple[str, ...]] = {
    "training_policy": ("always", "when_drifting", "never"),
    "hourly_training_scope": ("all", "head"),
    "promotion": ("automatic", "approval"),
}
"""The values that a text setting may have."""

_LIMITS: dict[str, tuple[int, int | None]] = {
    "schedule_minute": (0, 59),
    "backbone_training_steps": (0, None),
    "hourly_training_steps": (0, None),
    "group_tickers": (0, None),
    "night_refreshes": (0, MOST_REFRESHES),
    "backbone_max_age_days": (0, None),
    "revision_retention_days": (0, None),
    "airflow_retention_days": (0, None),
    "seed": (0, None),
    "airflow_port": (1, 65535),
    "postgres_port": (1, 65535),
}
"""Smallest and largest whole number that a setting may be; the others start at 1."""


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Every setting, from ``environment`` (default: this process's).

    Raises:
        SettingsError: a ``HOURCAST_*`` name is not a setting, or a value cannot be read as its type.
    """
    source = os.environ if environment is None else environment
    given = {name: value for name, value in source.items() if name.startswith(PREFIX) and value != ""}
    known = {PREFIX + item.name.upper() for group in _GROUPS.values() for item in fields(group)}
    unknown = sorted(set(given) - known)
    if unknown:
        message = f"{', '.join(unknown)}: not a setting. Known are: {', '.join(sorted(known))}."
        raise SettingsError(message)
    return Settings(**{name: _load_group(group, given) for name, group in _GROUPS.items()})


def s3_endpoint(environment: Mapping[str, str] | None = None) -> str | None:
    """The address of an S3-compatible server, from Amazon's own variables; None: Amazon itself."""
    source = os.environ if environment is None else environment
    return source.get("AWS_ENDPOINT_URL_S3") or source.get("AWS_ENDPOINT_URL") or None


def opendart_key(environment: Mapping[str, str] | None = None) -> str:
    """The key for OpenDART from ``OPENDART_KEY``; empty if there is none. An argument would show it to everybody."""
    return (os.environ if environment is None else environment).get("OPENDART_KEY", "")


def embedding_key(environment: Mapping[str, str] | None = None) -> str:
    """The key for a service of embeddings from ``EMBEDDING_KEY``; empty if there is none."""
    return (os.environ if environment is None else environment).get("EMBEDDING_KEY", "")


def _load_group(group: type[Any], given: Mapping[str, str]) -> Any:  # noqa: ANN401  # one of the groups
    values: dict[str, Any] = {}
    for item in fields(group):
        name = PREFIX + item.name.upper()
        if name in given:
            values[item.name] = _parse(name, given[name], str(item.type))
    loaded = group(**values)
    _require_sane(loaded)
    return loaded


def _parse(name: str, text: str, kind: str) -> object:
    try:
        return _PARSERS[kind](text)
    except ValueError as error:
        message = f"{name}={text!r} cannot be read as {kind}; correct it or unset it."
        raise SettingsError(message) from error


def _require_sane(group: object) -> None:
    """Refuses values that no part of the product can use."""
    for item in fields(group):  # type: ignore[arg-type]  # every group is a dataclass
        value = getattr(group, item.name)
        smallest, largest = _LIMITS.get(item.name, (1, None))
        wanted = None
        if isinstance(value, float) and not 0 < value < float("inf"):
            wanted = "above 0 and finite"
        elif isinstance(value, int) and (value < smallest or (largest is not None and value > largest)):
            wanted = f"at least {smallest}" if largest is None else f"from {smallest} to {largest}"
        if item.name in _CHOICES and value not in _CHOICES[item.name]:
            wanted = f"one of {', '.join(_CHOICES[item.name])}"
        if wanted:
            message = f"{PREFIX}{item.name.upper()}={value} must be {wanted}."
            raise SettingsError(message)
    if isinstance(group, ModelSettings) and group.model_width % (2 * group.model_heads):
        message = f"{PREFIX}MODEL_WIDTH={group.model_width} must be an even multiple of HEADS={group.model_heads}."
        raise SettingsError(message)
