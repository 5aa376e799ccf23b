"""Filings as Markdown: ``python -m include.filings files FILE...``, ``... edgar CIK...`` or ``... dart CODE...``.

With ``--to`` they are files below a folder, with ``--store`` they are in the database. ``... embed`` makes vectors of
what is in the database.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from include import durable
from include.errors import HourcastError, InvalidRequestError, SettingsError
from include.filings import loading
from include.filings.database import open_engine
from include.filings.documents import Document, convert
from include.filings.edgar import ARCHIVES, LISTS, Edgar, EdgarSettings
from include.filings.embedding import open_embedder
from include.filings.fetching import FORMS, REPORTS, Feed, dart_feed, edgar_feed, fetch_listed, list_filings
from include.filings.files import SEOUL, read_file
from include.filings.opendart import SERVICE, OpenDart, OpenDartSettings, described, unpack
from include.filings.vectors import embed_chunks
from include.settings import load_settings, opendart_key
from include.store.engine import transaction
from include.store.filing_vectors import drop_model, model_names


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status, 1 if a filing could not be read.

    A filing that cannot be read is named on standard error, and the others are converted nevertheless.
    """
    chosen = _parse(arguments)
    status = 0
    for wanted in chosen.wanted:
        try:
            for place in chosen.run(wanted, chosen):
                sys.stdout.write(f"{place}\n")
        except HourcastError as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            status = 1
    return status


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m include.filings", description="Filings as Markdown.")
    commands = parser.add_subparsers(required=True)
    files = commands.add_parser("files", help="convert files: full submissions of the SEC, reports of DART")
    files.add_argument("wanted", nargs="+", type=Path, metavar="FILE")
    files.set_defaults(run=_convert_file)
    edgar = commands.add_parser("edgar", help="fetch a company's filings from the SEC, and convert them")
    edgar.add_argument("wanted", nargs="+", metavar="CIK", help="the company's number at the SEC, such as 320193")
    edgar.add_argument("--contact", required=True, help="who asks, as the SEC wants it: 'Jane Doe jane@example.org'")
    edgar.add_argument("--forms", nargs="+", default=FORMS, help=f"without their amendments' /A; {', '.join(FORMS)}")
    edgar.add_argument("--lists", default=LISTS, help=argparse.SUPPRESS)
    edgar.add_argument("--archives", default=ARCHIVES, help=argparse.SUPPRESS)
    edgar.set_defaults(run=_fetch_from_edgar)
    dart = commands.add_parser(
        "dart", help="fetch a Korean company's filings from OpenDART, with the key in OPENDART_KEY"
    )
    dart.add_argument("wanted", nargs="+", metavar="CODE", help="the company's code at DART, such as 00126380")
    dart.add_argument("--forms", nargs="+", default=REPORTS, help=f"names of forms; {', '.join(REPORTS)}")
    dart.add_argument("--service", default=SERVICE, help=argparse.SUPPRESS)
    dart.set_defaults(run=_fetch_from_dart)
    embed = commands.add_parser("embed", help="embed what the model of HOURCAST_EMBEDDING_MODEL has not embedded")
    embed.add_argument("--drop", metavar="NAME", help="remove a model that is no longer used, with its vectors")
    embed.set_defaults(run=_embed, wanted=[""])
    for command in (edgar, dart):
        command.add_argument(
            "--since", type=date.fromisoformat, required=True, metavar="DAY", help="filed on this day or later"
        )
    for command in (files, edgar, dart):
        target = command.add_mutually_exclusive_group(required=command is not files)
        target.add_argument("--to", type=Path, metavar="FOLDER", help="write below this folder")
        target.add_argument("--store", action="store_true", help="store in the database of HOURCAST_DATABASE_URL")
    return parser.parse_args(arguments)


def _convert_file(path: Path, chosen: argparse.Namespace) -> Iterator[str]:
    filing, documents = read_file(path)
    if chosen.store:
        with open_engine() as engine:
            with transaction(engine) as connection:
                is_new = loading.keep(connection, filing, path.read_bytes(), datetime.now(UTC))
            counts = loading.convert_kept(engine)
        yield f"{filing.receipt}: {'stored' if is_new else 'stored already'}, {_in_words(counts)}"
        return
    document = convert(filing, documents)
    if chosen.to is None:
        yield document.with_front_matter().rstrip("\n")
    else:
        yield str(_write(document, chosen.to))


def _in_words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _store(feed: Feed, number: str, since: date) -> Iterator[str]:
    """Lists, fetches and converts a company's filings into the database."""
    with open_engine() as engine:
        listed = list_filings(engine, feed, [number], since)
        fetched = fetch_listed(engine, feed, [number], lambda: datetime.now(UTC))
        converted = loading.convert_kept(engine)
    yield f"{number}: {_in_words(listed)}; {_in_words(fetched)}; {_in_words(converted)}"
    if fetched["failed"]:
        message = f"{number}: {fetched['failed']} filings could not be fetched; run the command again."
        raise InvalidRequestError(message)


def _fetch_from_edgar(number: str, chosen: argparse.Namespace) -> Iterator[str]:
    """Fetches what is not there yet. The submission is kept as it came, so that a second run asks for nothing twice."""
    edgar = Edgar(EdgarSettings(chosen.contact, chosen.lists, chosen.archives))
    if chosen.store:
        yield from _store(edgar_feed(edgar, chosen.forms), number.zfill(10), chosen.since)
        return
    found = edgar.filings(number, chosen.since)
    for reason in found.skipped:
        sys.stderr.write(f"left out: {reason}\n")
    for filing in found.filings:
        if filing.form.removesuffix("/A") in chosen.forms:
            kept = chosen.to / "raw" / filing.company.number / f"{filing.receipt}.txt"
            if kept.exists():
                stated, documents = read_file(kept)
                exact = replace(filing, accepted_at=stated.accepted_at)
            else:
                exact, documents, content = edgar.fetch(filing)
                _keep(kept, content)
            yield str(_write(convert(exact, documents), chosen.to))


def _fetch_from_dart(number: str, chosen: argparse.Namespace) -> Iterator[str]:
    """Fetches what is not there yet; the ZIP files are kept as they came. The key is read from ``OPENDART_KEY``."""
    dart = OpenDart(OpenDartSettings(opendart_key(), chosen.service))
    today = datetime.now(SEOUL).date()
    if chosen.store:
        yield from _store(dart_feed(dart, today, chosen.forms), number, chosen.since)
        return
    for filing in dart.filings(number, chosen.since, today):
        if filing.form in chosen.forms:
            kept = chosen.to / "raw" / filing.company.number / f"{filing.receipt}.zip"
            if kept.exists():
                exact, documents = described(filing, unpack(filing.receipt, kept.read_bytes()))
            else:
                exact, documents, content = dart.fetch(filing)
                _keep(kept, content)
            yield str(_write(convert(exact, documents), chosen.to))


def _embed(_wanted: str, chosen: argparse.Namespace) -> Iterator[str]:
    """Embeds all chunks that are left, however long that takes; or removes a model."""
    settings = load_settings().filings
    if chosen.drop:
        yield _dropped(chosen.drop, settings.embedding_model)
        return
    embedder = open_embedder(settings)
    if embedder is None:
        message = "HOURCAST_EMBEDDING_MODEL is not set, so the search is by words; docs/filings.md says when to set it."
        raise SettingsError(message)
    with open_engine() as engine:
        yield f"{embedder.version.name}: {_in_words(embed_chunks(engine, embedder, math.inf))}"


def _dropped(name: str, used: str | None) -> str:
    if name == used:
        message = f"{name} is the model of HOURCAST_EMBEDDING_MODEL. Unset it or set another one first."
        raise InvalidRequestError(message)
    with open_engine() as engine, transaction(engine) as connection:
        count = drop_model(connection, name)
        names = model_names(connection)
    if not count:
        message = f"No model {name} has embedded anything here; there are {', '.join(names) or 'none'}."
        raise InvalidRequestError(message)
    return f"{name}: {count} {'versions' if count > 1 else 'version'} removed"


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write_whole(path, content)


def _write(document: Document, folder: Path) -> Path:
    """The place of the document below the folder; it is written if its content is another one."""
    place = folder / document.path()
    content = document.with_front_matter().encode()
    if not place.exists() or place.read_bytes() != content:
        place.parent.mkdir(parents=True, exist_ok=True)
        durable.write_whole(place, content)
    return place


if __name__ == "__main__":
    raise SystemExit(main())
