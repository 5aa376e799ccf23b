"""How well a search finds passages that are known: ``make bench ARGS="--only retrieval --filings FOLDER"``.

The questions are in ``retrieval.toml``. The filings are not there: the folder is the user's own download. Half of the
questions choose the weight of the ranking by meaning, and the other half is held out. Where next:
``include/filings/searching.py``, which is measured.
"""

from __future__ import annotations

import hashlib
import math
import statistics
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from bench.database import temporary_product
from bench.results import Row, Section
from include.errors import HourcastError, InvalidRequestError
from include.filings import loading
from include.filings.contracts import Company, Filing, FilingSource
from include.filings.embedding import Embedder, Vector
from include.filings.files import SEOUL, end_of_day, read_file
from include.filings.searching import MEANING_WEIGHT, fused, rankings
from include.filings.vectors import embed_chunks
from include.store.engine import Engine, fetch_rows, transaction
from include.store.filing_vectors import ModelVersion
from include.store.filings_search import Bounds

QUESTIONS = Path(__file__).with_suffix(".toml")
WEIGHTS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
"""Weights of the ranking by meaning that are tried; that by words weighs 1."""
_FIRST = 10
_LATER = datetime(2100, 1, 1, tzinfo=UTC)
_HALVES = {False: "choosing", True: "held out"}


@dataclass(frozen=True)
class NamedFiling:
    """A filing that has answers: which it is, and the names that its files may have besides its receipt number."""

    id: str
    company: str
    number: str
    form: str
    period_end: date
    filed_on: date
    receipt: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """A question, the filing with its answer, and words by which the right passage is recognised."""

    filing: str
    ask: str
    passage: str

    @property
    def language(self) -> str:
        """``ko`` if it has a Korean syllable, else ``en``."""
        return "ko" if any("\uac00" <= letter <= "\ud7a3" for letter in self.ask) else "en"

    @property
    def is_held_out(self) -> bool:
        """Whether it is in the half that chooses nothing."""
        return hashlib.sha256(self.ask.encode()).digest()[0] % 2 == 1


def read_questions(path: Path = QUESTIONS) -> tuple[tuple[NamedFiling, ...], tuple[Question, ...]]:
    """The filings and the questions of a file."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    filings = tuple(NamedFiling(**{**row, "files": tuple(row.get("files", ()))}) for row in found["filing"])
    return filings, tuple(Question(**row) for row in found["question"])


def place_of(right: frozenset[int], ranking: Sequence[int]) -> int:
    """The place of the first right passage in a ranking, from 1 on; 0 if none is among the first ten."""
    return next((place for place, chunk_id in enumerate(ranking[:_FIRST], 1) if chunk_id in right), 0)


def scores_of(places: Sequence[int]) -> dict[str, float]:
    """The shares with a right passage among the first 5 and 10, the mean of 1 by its place, and the standard errors."""
    inverse = [1 / place if place else 0.0 for place in places]
    found: dict[str, float] = {"questions": len(places)}
    for first in (5, _FIRST):
        share = sum(0 < place <= first for place in places) / len(places)
        found |= {f"recall_{first}": share, f"se_{first}": math.sqrt(share * (1 - share) / len(places))}
    return found | {"mrr_10": statistics.fmean(inverse), "se_mrr": _error(inverse)}


def _error(values: Sequence[float]) -> float:
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def measure(folder: Path, embedder: Embedder | None, kept: Path | None = None, questions: Path = QUESTIONS) -> Section:
    """Stores the filings of a folder in a temporary product, asks, and scores.

    Without ``embedder`` only the search by words is measured. Vectors are kept in the folder ``kept``.

    Raises:
        InvalidRequestError: the folder has none of the filings.
    """
    filings, asked = read_questions(questions)
    if embedder is not None and kept is not None:
        embedder = KeptVectors(embedder, kept)
    with temporary_product() as services:
        receipts = store_filings(services.engine, filings, folder)
        if embedder is not None:
            embed_chunks(services.engine, embedder, math.inf)
        return ask_all(services.engine, embedder, receipts, asked)


def store_filings(engine: Engine, filings: Sequence[NamedFiling], folder: Path) -> dict[str, str]:
    """Stores those of the filings that the folder has, and converts them; their receipt numbers by their ids.

    Raises:
        InvalidRequestError: the folder has none of them.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    receipts: dict[str, str] = {}
    with transaction(engine) as connection:
        for named in filings:
            found = _content(named, paths)
            if found is not None:
                filing = _filing(named)
                loading.keep(connection, filing, found, _LATER)
                receipts[named.id] = filing.receipt
    if not receipts:
        message = f"{folder} has none of the {len(filings)} filings that bench/retrieval.toml names."
        raise InvalidRequestError(message)
    loading.convert_kept(engine)
    return receipts


def _content(named: NamedFiling, paths: Sequence[Path]) -> bytes | None:
    """The filing as it came; pages without their submission are put into one."""
    whole = _named_after(named, paths)
    if _is_korean(named):
        return whole[0].read_bytes() if whole else None
    for path in whole:
        content = path.read_bytes()
        if b"-HEADER>" in content[:20_000]:
            return content
    by_name = {path.name: path for path in paths}
    pages = [by_name[name] for name in named.files if name in by_name]
    pages = pages or [path for path in whole if path.suffix in {".htm", ".html"}]
    return _submission(named, pages) if pages else None


def _named_after(named: NamedFiling, paths: Sequence[Path]) -> list[Path]:
    """The files with the filing's receipt number in their names, or else the submissions whose header names it."""
    found = [path for path in paths if named.receipt in path.name] if named.receipt else []
    return found or [path for path in paths if path.suffix == ".txt" and _says(path, named)]


def _is_korean(named: NamedFiling) -> bool:
    return len(named.number) == 8


def _says(path: Path, named: NamedFiling) -> bool:
    try:
        filing, _ = read_file(path)
    except HourcastError:
        return False
    return (filing.company.number, filing.form, filing.period_end) == (named.number, named.form, named.period_end)


def _submission(named: NamedFiling, pages: Sequence[Path]) -> bytes:
    """Pages as a full submission: the first is the main document, the others are exhibits 99."""
    found = [b"<SEC-HEADER>\n</SEC-HEADER>\n"]
    for place, page in enumerate(pages):
        body = page.read_bytes()
        kind = named.form if place == 0 else f"EX-99.{place}"
        if not body.lstrip().startswith(b"<DOCUMENT>"):
            before = f"<DOCUMENT>\n<TYPE>{kind}\n<FILENAME>{page.name}\n<TEXT>\n"
            body = before.encode() + body + b"\n</TEXT>\n</DOCUMENT>\n"
        found.append(body)
    return b"".join(found)


def _filing(named: NamedFiling) -> Filing:
    source = FilingSource.DART if _is_korean(named) else FilingSource.EDGAR
    return Filing(
        source=source,
        receipt=named.receipt or named.id,
        company=Company(source, named.number, named.company),
        form=named.form,
        accepted_at=end_of_day(named.filed_on, SEOUL),
        filed_on=named.filed_on,
        period_end=named.period_end,
        main_document=(named.files or ("",))[0],
    )


@dataclass(frozen=True)
class _Asked:
    """A question with its right passages and its rankings."""

    question: Question
    right: frozenset[int]
    words: Sequence[int]
    meaning: Sequence[int] = ()
    both: Mapping[float, Sequence[int]] = field(default_factory=dict)


def ask_all(
    engine: Engine, embedder: Embedder | None, receipts: Mapping[str, str], questions: Sequence[Question]
) -> Section:
    """Asks what the stored filings answer, and scores each ranking by language and half."""
    with transaction(engine) as connection:
        rows = fetch_rows(
            connection,
            "select chunk_id, receipt, text from filings.chunk inner join filings.version using (version_id) "
            "where parent_number is not null",
        )
    chunks = [(int(row["chunk_id"]), str(row["receipt"]), plain(row["text"])) for row in rows]
    asked: list[_Asked] = []
    unknown: list[str] = []
    for question in (each for each in questions if each.filing in receipts):
        receipt, words = receipts[question.filing], plain(question.passage)
        right = frozenset(number for number, of, text in chunks if of == receipt and words in text)
        if right:
            asked.append(_rank(engine, embedder, question, right))
        else:
            unknown.append(question.ask)
    notes = [f"{len(receipts)} filings with {len(chunks)} chunks; {len(asked)} of {len(questions)} questions asked."]
    if unknown:
        notes.append(f"No passage has the words for: {'; '.join(unknown)}")
    return Section(_rows(asked, embedder is not None), [*notes, *(_compared(asked, embedder) if embedder else ())])


def plain(text: str) -> str:
    """The text with single spaces, as it is compared."""
    return " ".join(text.split())


def _rank(engine: Engine, embedder: Embedder | None, question: Question, right: frozenset[int]) -> _Asked:
    found = rankings(engine, question.ask, Bounds(_LATER), embedder)
    words = [each.chunk_id for each in found.by_words]
    weights = {*WEIGHTS, MEANING_WEIGHT} if embedder else set()
    both = {weight: [each.chunk_id for each in fused(found.by_words, found.by_meaning, weight)] for weight in weights}
    return _Asked(question, right, words, found.by_meaning, both)


def _rows(asked: Sequence[_Asked], has_meaning: bool) -> list[Row]:
    ways: list[tuple[str, list[Sequence[int]]]] = [("words", [each.words for each in asked])]
    if has_meaning and asked:
        ways.append(("meaning", [each.meaning for each in asked]))
        ways += [(f"both, {weight:g}", [each.both[weight] for each in asked]) for weight in sorted(asked[0].both)]
    rows: list[Row] = []
    for name, found in ways:
        for language in ("en", "ko"):
            for half, half_name in _HALVES.items():
                places = [
                    place_of(each.right, ranking)
                    for each, ranking in zip(asked, found, strict=True)
                    if each.question.language == language and each.question.is_held_out == half
                ]
                if places:
                    rows.append({"ranking": name, "language": language, "half": half_name, **scores_of(places)})
    return rows


def _compared(asked: Sequence[_Asked], embedder: Embedder) -> list[str]:
    """The weight that is best on the half that chooses, and the gain over words on the other half."""
    notes = [f"Model {embedder.version.name}; the search gives its ranking the weight {MEANING_WEIGHT:g}, and words 1."]
    choosing = [each for each in asked if not each.question.is_held_out]
    held_out = [each for each in asked if each.question.is_held_out]
    if not choosing or not held_out:
        return notes
    best = max(WEIGHTS, key=lambda weight: statistics.fmean(_gains(choosing, weight)))
    for weight in dict.fromkeys((best, MEANING_WEIGHT)):
        for language in ("en", "ko"):
            gains = _gains([each for each in held_out if each.question.language == language], weight)
            if gains:
                chosen = " (best on the choosing half)" if weight == best else ""
                notes.append(
                    f"Weight {weight:g}{chosen}, held out, {language}: MRR less that by words "
                    f"{statistics.fmean(gains):+.3f}, standard error {_error(gains):.3f}."
                )
    return notes


def _gains(asked: Sequence[_Asked], weight: float) -> list[float]:
    """For each question 1 by the place in the joined ranking, less the same by words."""
    found = []
    for each in asked:
        joined, words = place_of(each.right, each.both[weight]), place_of(each.right, each.words)
        found.append((1 / joined if joined else 0.0) - (1 / words if words else 0.0))
    return found


class KeptVectors:
    """A model whose vectors are kept in a file, so that a slow one embeds each text once."""

    def __init__(self, model: Embedder, folder: Path) -> None:
        self._model = model
        self._path = folder / f"{model.version.name.replace('/', '-')}-{model.version.fingerprint[:12]}.npz"
        self._kept: dict[str, Vector] = {}
        if self._path.exists():
            with np.load(self._path) as file:
                self._kept = dict(zip(file["texts"].tolist(), file["vectors"].tolist(), strict=True))

    @property
    def version(self) -> ModelVersion:
        """That of the model."""
        return self._model.version

    def passages(self, texts: Sequence[str]) -> list[Vector]:
        """One vector for each text; see ``Embedder``."""
        keys = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._kept}
        if missing:
            self._kept |= dict(zip(missing, self._model.passages(list(missing.values())), strict=True))
            self._path.parent.mkdir(parents=True, exist_ok=True)
            vectors = np.asarray(list(self._kept.values()), dtype=np.float32)
            np.savez(self._path, texts=np.asarray(list(self._kept)), vectors=vectors)
        return [self._kept[key] for key in keys]

    def question(self, text: str) -> Vector:
        """The vector of a question; see ``Embedder``."""
        return self._model.question(text)
