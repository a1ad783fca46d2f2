"""Bars and ticks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from app.terminal.simulated import arguments
from app.terminal.simulated.chart import Chart
from app.terminal.simulated.core import Core
from app.terminal.simulated.market import Market
from app.terminal.simulated.session_calls import MAX_BARS
from app.terminal.timeframes import SECONDS_BY_CONSTANT
from app.terminal.values import TICKS_DTYPE, Rates, Ticks

# With late history the second answer has so many bars.
_FEW_BARS = 10


class ChartCalls(Core):
    """Functions about the past of prices."""

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self._asked: dict[tuple[str, int], int] = {}

    def copy_rates_from(self, *args: Any) -> Rates | None:
        """Bars back from a date."""

        def copy(chart: Chart, seconds: int, date_from: float, count: int) -> Rates:
            return chart.before(seconds, int(date_from // 1), min(count, MAX_BARS), self._now())

        return self._bars(args, (arguments.moment, arguments.integer), copy)

    def copy_rates_from_pos(self, *args: Any) -> Rates | None:
        """Bars back from a position, 0 being the newest."""

        def copy(chart: Chart, seconds: int, start_pos: int, count: int) -> Rates | None:
            if start_pos < 0 or count < 0:
                return None
            now = self._now()
            bars = chart.before(seconds, now // 1000, min(start_pos + count, MAX_BARS), now)
            end = len(bars) - start_pos
            return bars[max(0, end - count) : max(0, end)]

        return self._bars(args, (arguments.integer, arguments.integer), copy)

    def copy_rates_range(self, *args: Any) -> Rates | None:
        """Bars between two dates."""

        def copy(chart: Chart, seconds: int, date_from: float, date_to: float) -> Rates:
            return chart.between(seconds, int(-(-date_from // 1)), int(date_to // 1), self._now())[-MAX_BARS:]

        return self._bars(args, (arguments.moment, arguments.moment), copy)

    def copy_ticks_from(self, *args: Any) -> Ticks | None:
        """Ticks from a date on."""

        def copy(chart: Chart, date_from: float, count: int) -> Ticks | None:
            now = self._now()
            return chart.ticks(_msc(date_from), now, now, count) if count >= 0 else None

        return self._ticks(args, (arguments.moment, arguments.integer), copy)

    def copy_ticks_range(self, *args: Any) -> Ticks | None:
        """Ticks between two dates."""

        def copy(chart: Chart, date_from: float, date_to: float) -> Ticks:
            return chart.ticks(_msc(date_from), _msc(date_to), self._now())

        return self._ticks(args, (arguments.moment, arguments.moment), copy)

    def _bars(
        self, args: tuple[Any, ...], checks: tuple[Callable[[Any], Any], ...], copy: Callable[..., Rates | None]
    ) -> Rates | None:
        checked = self._checked(args, (arguments.symbol_name, arguments.integer, *checks))
        if checked is None or not self._ready():
            return None
        name, timeframe, *rest = checked
        if not self._known(name):
            self._fail(-4)
            return None
        seconds = SECONDS_BY_CONSTANT.get(timeframe)
        bars = copy(self._market.chart(name), seconds, *rest) if seconds else None
        if bars is None:
            self._fail(-2)
            return None
        asked = self._asks_so_far(name, timeframe)
        if asked == 0:
            self._fail(-1)
            return None
        # A copy: what the caller does to it must not reach the market.
        return self._good(np.array(bars[-_FEW_BARS:] if asked == 1 else bars))

    def _ticks(
        self, args: tuple[Any, ...], checks: tuple[Callable[[Any], Any], ...], copy: Callable[..., Ticks | None]
    ) -> Ticks | None:
        checked = self._checked(args, (arguments.symbol_name, *checks, arguments.integer))
        if checked is None or not self._ready():
            return None
        name, *rest, flags = checked
        if not self._known(name) or name not in self._selected:
            self._fail(-4)
            return None
        ticks = copy(self._market.chart(name), *rest)
        if ticks is None:
            self._fail(-2)
            return None
        # No symbol here has deals, so none has ticks of them.
        return self._good(ticks if flags != self.COPY_TICKS_TRADE else np.zeros(0, dtype=TICKS_DTYPE))

    def _asks_so_far(self, name: str, timeframe: int) -> int:
        """How often these bars were asked for before, as long as history comes late; else many times."""
        if not self.faults.late_history:
            self._asked.clear()
            return 2
        asked = self._asked.get((name, timeframe), 0)
        self._asked[name, timeframe] = asked + 1
        return asked


def _msc(moment: float) -> int:
    return round(moment * 1000)
