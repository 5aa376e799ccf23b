"""Every bar source that the settings allow, by name."""

from __future__ import annotations

from collections.abc import Callable

from include.market.files import FilesSource
from include.market.simulated import SimulatedSource
from include.market.source import FILES, SIMULATED, YAHOO, BarSource
from include.market.yahoo import YahooSource
from include.settings import MarketSettings


def open_sources(settings: MarketSettings, pace: Callable[[], None] | None = None) -> dict[str, BarSource]:
    """The bar sources by name: Yahoo and the simulated market always, files where a folder is set.

    Nothing is asked of any source here. ``pace`` is called before each request to Yahoo and may wait; without one,
    the process keeps its own pace.
    """
    sources: dict[str, BarSource] = {YAHOO: YahooSource(settings, pace), SIMULATED: SimulatedSource()}
    if settings.bars_dir is not None:
        sources[FILES] = FilesSource(settings.bars_dir)
    return sources
