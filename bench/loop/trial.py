"""The trial: a market in a running installation, day after day, and what the product does about its changes.

Every step that decides something is a run of a DAG in the real Airflow. The hours between are run by the product's own
functions in this process, and so is the look of a quiet day: it is the function that the DAG's task calls. A day is
quiet if no request would follow from its look and no review is due; every twentieth look is a run all the same.
Where next: ``market.py`` for the market, ``page.py`` for what is written about it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.loop.hours import Session, sessions_of
from bench.loop.installation import BARS, marker_of, services_of
from bench.loop.market import TICKERS, Regime, make_market, write_market
from bench.loop.skill import Skill, skill_between
from bench.soak.product import Product
from include.evaluation.walkforward import instant
from include.features.windows import SIGNED_INPUT_COUNT
from include.local.run import ONBOARD, TRAINING_POOL
from include.model.backbone import backbone_version, save_backbone
from include.model.pretrain import PretrainConfig, pretrain
from include.model.train import TrainingArrays
from include.pipeline import hour
from include.pipeline.models import backbones
from include.pipeline.models.networks import network_config
from include.pipeline.pretraining import champions
from include.pipeline.pretraining.pretrain import training_arrays
from include.pipeline.pretraining.stored import known_histories
from include.pipeline.services import Services, code_version
from include.pipeline.watching import decisions, looks
from include.store import backbones as backbone_store
from include.store import drift as drift_store
from include.store import model_operations
from include.store.engine import fetch_rows, transaction

HISTORY_SINCE: Final = datetime(2024, 1, 2, tzinfo=UTC)
START: Final = datetime(2025, 2, 13, 3, 15, tzinfo=UTC)
CHANGE: Final = datetime(2025, 3, 3, tzinfo=UTC)
"""The regime changes before the first bar of this day."""
_BAD_AT: Final = START + timedelta(days=4)
_LAST: Final = datetime(2025, 12, 31, tzinfo=UTC)
_REACH: Final = timedelta(days=240)
"""How far the market's files reach past a change."""
TRIAL: Final = timedelta(days=champions.TRIAL_DAYS + 2)
_RUN_EVERY: Final = 20
WATCH: Final = "watch_models"
PRETRAIN: Final = "pretrain_backbone"
_SPARE_SECONDS: Final = 900.0


@dataclass
class Record:
    """What happened, as plain JSON values: events in order, each with its instant, and the skill of each period."""

    events: list[dict[str, Any]] = field(default_factory=list)
    periods: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
    """Where each event is written at once, so that a trial that is interrupted says how far it came."""

    def event(self, as_of: datetime, what: str, seconds: float | None = None, **more: Any) -> None:  # noqa: ANN401  # JSON
        """Adds an event; ``seconds`` of the wall clock that it took."""
        self.events.append({"as_of": as_of.isoformat(), "what": what, "seconds": seconds, **more})
        if self.path is not None:
            self.write(self.path)

    def period(self, name: str, since: datetime, until: datetime, one: Skill | None, seven: Skill | None) -> None:
        """Adds the skill of a period, one bar ahead and over all seven."""
        bounds = {"since": since.isoformat(), "until": until.isoformat()}
        found = {"one": one and vars(one), "seven": seven and vars(seven)}
        self.periods.append({"name": name, **bounds, **found})

    def write(self, path: Path) -> None:
        """Writes the record as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({"events": self.events, "periods": self.periods, "facts": self.facts}, indent=2, default=float)
            + "\n",
            encoding="utf-8",
        )


class Trial:
    """A market in an installation; ``report`` is called with a line about each step."""

    def __init__(
        self, product: Product, folder: Path, usual: Regime, changed: Regime, seed: int, report: Callable[[str], None]
    ) -> None:
        self.product = product
        self.services: Services = services_of(product)
        self.record = Record()
        self.usual, self.changed, self._seed = usual, changed, seed
        self.regimes: list[tuple[datetime, Regime]] = [(HISTORY_SINCE, usual)]
        self._bars, self._report = folder / BARS, report
        self._session_count = 0
        self._today: Iterator[Session] = iter(())

    def prepare(self) -> None:
        """Writes the market, onboards its tickers and trains the first backbone, both by runs of their DAGs."""
        self._write(CHANGE)
        conf = {"tickers": list(TICKERS), "source": "files", "history_days": 420, "as_of": START.isoformat()}
        self._run(ONBOARD, "loop_onboarding", conf, START, "the tickers are onboarded")
        conf = {"as_of": START.isoformat(), "simulated_tickers": 0}
        self._run(PRETRAIN, "loop_first", conf, START, "the first backbone is trained")
        self._note_decision("loop_first")
        self._today = sessions_of(START, _LAST)

    def change_to(self, regime: Regime, at: datetime) -> None:
        """From ``at`` on the market has another regime; its later bars are made again, and no earlier one changes."""
        self.regimes.append((at, regime))
        self._write(at)
        self.record.event(at, "the regime changes", echo=regime.echo)

    def run_until(self, is_done: Callable[[Session], bool], limit: datetime) -> Session:
        """Runs sessions with their looks until one of them is the last, or until ``limit``; that session."""
        for session in self._today:
            self._run_session(session)
            if is_done(session) or session.look_at >= limit:
                return session
        message = f"the market ends on {_LAST}"
        raise RuntimeError(message)

    def challenge_with_a_bad_one(self, as_of: datetime) -> str:
        """Requests a backbone and puts one in its place that learned shuffled targets; the id of the request.

        The DAG runs but for its training: with no slot in its pool the task cannot begin, and it is then marked as
        succeeded, as a person can do on the page. Scores and decision are those of the product.
        """
        run_id, slots = "loop_bad", self.services.settings.schedule.training_slots
        marker = marker_of(self.product)
        began = time.monotonic()
        with marker:
            marker.ensure_pool(TRAINING_POOL, 0, "Training tasks")
            marker.trigger(PRETRAIN, run_id, {"as_of": as_of.isoformat(), "simulated_tickers": 0})
            self.product.wait_for(lambda: self._is_planned(run_id), _SPARE_SECONDS, f"the plan of {run_id}")
            self._plant(run_id)
            marker.mark_success(PRETRAIN, run_id, "train")
            marker.ensure_pool(TRAINING_POOL, slots, "Training tasks")
        self.product.require_success(PRETRAIN, run_id)
        self.record.event(as_of, "a bad backbone is put in a request", time.monotonic() - began, run_id=run_id)
        self._note_decision(run_id)
        return run_id

    def ask_for_another(self, as_of: datetime) -> None:
        """Requests a backbone that the newest weeks teach, as a person does with the DAG's form."""
        run_id = "loop_asked"
        conf = {"as_of": as_of.isoformat(), **decisions.DRIFT_FORM}
        self._run(PRETRAIN, run_id, conf, as_of, "a person asks for another backbone")
        self._note_decision(run_id)

    def champion_at(self, as_of: datetime) -> str | None:
        """The version of the backbone in use."""
        found = backbones.backbone_at(self.services, as_of)
        return None if found is None else found.version

    def operations(self, *names: str) -> list[dict[str, Any]]:
        """The stored operations of these kinds, oldest first, as people read them."""
        query = "select * from bi.model_operation where operation = any(:names) order by as_of, happened_at"
        with transaction(self.services.engine) as connection:
            return [dict(row) for row in fetch_rows(connection, query, {"names": list(names)})]

    def measure(self, name: str, since: datetime, until: datetime) -> None:
        """Adds the skill of the stored forecasts over a period to the record."""
        skills = [skill_between(self.services.engine, since, until, horizons) for horizons in (1, 7)]
        self.record.period(name, since, until, skills[0], skills[1])
        self._report(f"{name}: {' / '.join(one.in_words if one else '-' for one in skills)} against HAR")

    def _run_session(self, session: Session) -> None:
        began = time.monotonic()
        for as_of in session.hours:
            hour.run_hour(self.services, as_of)
        facts = self.record.facts
        facts["hours"] = facts.get("hours", 0) + len(session.hours)
        facts["hour_seconds"] = facts.get("hour_seconds", 0.0) + time.monotonic() - began
        if session.look_at >= _BAD_AT and not any(one["what"].startswith("a bad") for one in self.record.events):
            self.challenge_with_a_bad_one(session.look_at)
        self._session_count += 1
        found = self._look(session.look_at)
        if self._is_decisive(session.look_at) or self._session_count % _RUN_EVERY == 0:
            self._watch(session.look_at)
        self._report(f"{session.day} {self._session_count:4d}  {found}  {time.monotonic() - began:.1f} s")

    def _look(self, as_of: datetime) -> str:
        """The look of a day; the evidence of each test, in words."""
        began = time.monotonic()
        looks.look(self.services, as_of)
        facts = self.record.facts
        facts["look_seconds"] = max(facts.get("look_seconds", 0.0), time.monotonic() - began)
        with transaction(self.services.engine) as connection:
            rows = drift_store.load_drift(connection, as_of)
        shown = [
            row for row in rows if row.kind in drift_store.OUTCOME_KINDS and row.market.calendar != drift_store.ALL
        ]
        return ", ".join(f"{row.kind} {row.e_value:.3g}" for row in shown)

    def _is_decisive(self, as_of: datetime) -> bool:
        """Whether a request would follow from the look, or a review is due."""
        backbone = backbones.backbone_at(self.services, as_of)
        with transaction(self.services.engine) as connection:
            name, _ = decisions.decision_of(self.services, connection, backbone, as_of)
            requests = model_operations.promoted_requests(connection, as_of)
            row = backbone_store.find_backbone(connection, requests[0]) if requests else None
            is_over = row is not None and row.model_version is not None and as_of >= row.as_of + TRIAL
            is_due = is_over and not model_operations.is_confirmed(connection, str(row and row.model_version), as_of)
        return name == decisions.RETRAIN or is_due

    def _watch(self, as_of: datetime) -> None:
        """Runs `watch_models` in Airflow, waits for what it starts, and notes what it decided."""
        run_id = f"loop_watch_{as_of:%Y%m%d}"
        began = time.monotonic()
        self.product.api.trigger(WATCH, run_id, {}, as_of)
        self.product.require_success(WATCH, run_id)
        watched = time.monotonic() - began
        with transaction(self.services.engine) as connection:
            made = model_operations.operations_at(connection, as_of)
        for one in made:
            if one.operation != "keep":
                self._note(as_of, one.operation, one.reason, watched, one.request_id)
        requested = [one.request_id for one in made if one.operation == decisions.RETRAIN and one.request_id]
        for request_id in requested:
            began = time.monotonic()
            self.product.require_success(PRETRAIN, request_id)
            self.record.event(as_of, "the requested backbone is trained and judged", time.monotonic() - began)
            self._note_decision(request_id)
        self.record.facts["watch_runs"] = self.record.facts.get("watch_runs", 0) + 1

    def _run(self, dag_id: str, run_id: str, conf: Mapping[str, object], as_of: datetime, what: str) -> None:
        began = time.monotonic()
        self.product.api.trigger(dag_id, run_id, conf)
        self.product.require_success(dag_id, run_id)
        self.record.event(as_of, what, time.monotonic() - began, run_id=run_id)
        self._report(f"{what} ({time.monotonic() - began:.0f} s)")

    def _note_decision(self, request_id: str) -> None:
        for one in self.operations("promote", "reject"):
            if one["request_id"] == request_id:
                self._note(one["as_of"], one["operation"], one["reason"], None, request_id)

    def _note(
        self, as_of: datetime, operation: str, reason: str, seconds: float | None, request_id: str | None
    ) -> None:
        self.record.event(as_of, operation, seconds, reason=reason, run_id=request_id)
        self._report(f"{as_of:%Y-%m-%d %H:%M} {operation}: {reason}")

    def _write(self, since: datetime) -> None:
        bars = make_market(HISTORY_SINCE, min(since + _REACH, _LAST), self.regimes, self._seed)
        write_market(self._bars, bars)

    def _is_planned(self, run_id: str) -> bool:
        return dict(self.product.api.task_states(PRETRAIN, run_id)).get("plan") == "success"

    def _plant(self, request_id: str) -> None:
        """Stores, as the request's backbone, one that was trained on targets in a random order."""
        with transaction(self.services.engine) as connection:
            row = backbone_store.find_backbone(connection, request_id)
        if row is None:
            message = f"{request_id} was not planned"
            raise RuntimeError(message)
        histories = known_histories(self.services, row.tickers, row.as_of)
        known = {ticker: found.until(instant(row.cutoff_at)) for ticker, found in histories.items()}
        config = network_config(self.services)
        spoiled = {ticker: _spoiled(one) for ticker, one in training_arrays(known, row.cutoff_at, config).items()}
        state = pretrain(spoiled, config, PretrainConfig(mirrored_inputs=SIGNED_INPUT_COUNT), row.seed)
        birth = {"as_of": row.as_of.isoformat(), "kind": "backbone", "seed": row.seed, "note": "targets were shuffled"}
        version = backbone_version(state, birth)
        save_backbone(backbones.backbone_store_of(self.services, version), state, birth)
        count = sum(len(history) for history in known.values())
        with transaction(self.services.engine) as connection:
            backbone_store.set_trained(connection, request_id, version, count, code_version())


def _spoiled(arrays: TrainingArrays) -> TrainingArrays:
    """The arrays with targets of other rows: what the network learns from them is wrong."""
    order = np.random.default_rng(0).permutation(len(arrays.y))
    return replace(arrays, y=arrays.y[order], has_target=arrays.has_target[order])
