"""Every bar source that the settings allow, by name."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from include.market.announcements import use_announcements_file
from include.market.calendar_definitions import use_calendars_file
from include.market.exchanges import parse_calendars
from include.market.files import FilesSource
from include.market.simulated import SimulatedSource
from include.market.source import FILES, SIMULATED, YAHOO, BarSource
from include.market.yahoo import YahooSource
from include.market.yahoo_gate import RateLimitGate
from include.settings import MarketSettings


class Budget(Protocol):
    """A rate limit that all processes share, so that together they send no more requests than one may."""

    def wait_for_turn(self, *, is_repeat: bool = False) -> float:
        """Waits until a request may be sent and returns 0; during a block it returns the seconds left at once.

        A repeated request lets the first requests of all processes go before it.
        """

    def block(self, seconds: float) -> None:
        """Blocks the requests of all processes for ``seconds``."""


def open_sources(settings: MarketSettings, budget: Budget | None = None) -> dict[str, BarSource]:
    """The bar sources by name: Yahoo and the simulated market always, files where a folder is set.

    Nothing is asked of any source here. Without a ``budget`` the process keeps a pace of its own. From here on the
    process follows ``settings.calendars_file`` and ``settings.announcements_file``.
    """
    use_calendars_file(settings.calendars_file)
    use_announcements_file(settings.announcements_file)
    pace = None if budget is None else budget.wait_for_turn
    repeat_pace = None if budget is None else partial(budget.wait_for_turn, is_repeat=True)
    gate = None if budget is None else RateLimitGate(tell=budget.block)
    yahoo = YahooSource(settings, pace, gate=gate, repeat_pace=repeat_pace)
    sources: dict[str, BarSource] = {YAHOO: yahoo, SIMULATED: SimulatedSource()}
    if settings.bars_dir is not None:
        sources[FILES] = FilesSource(settings.bars_dir, parse_calendars(settings.suffix_calendars))
    return sources
