from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from include.market.source import SOURCE_NAMES
from include.market.sources import open_sources
from include.settings import MarketSettings


def test_files_are_a_source_only_where_a_folder_is_set(tmp_path: Path) -> None:
    without = open_sources(MarketSettings(cache_dir=tmp_path))
    assert set(without) == {"yahoo", "simulated"}
    with_files = open_sources(MarketSettings(cache_dir=tmp_path, bars_dir=tmp_path))
    assert set(with_files) == set(SOURCE_NAMES)


def test_every_source_answers_to_the_name_it_is_kept_under(tmp_path: Path) -> None:
    for name, source in open_sources(MarketSettings(cache_dir=tmp_path, bars_dir=tmp_path)).items():
        assert source.name == name


def test_every_source_takes_an_empty_question(tmp_path: Path) -> None:
    as_of = datetime(2025, 5, 28, 18, 35, tzinfo=UTC)
    for source in open_sources(MarketSettings(cache_dir=tmp_path, bars_dir=tmp_path)).values():
        assert source.describe([], as_of) == ({}, [])
        report = source.fetch_bars([], as_of)
        assert report.bars.empty
        assert report.failures == ()
