"""The market at the present instant: what of every series is already known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from app.clock import Clock
from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated.generated import GeneratedSeries
from app.terminal.simulated.replay import ReplaySeries
from app.terminal.simulated.series import EMPTY, Inside, Series, day_of, inside, resample
from app.terminal.simulated.symbols import CATALOGUE, Spec, spec_for_replay
from app.terminal.timeframes import DAY, MONTH, WEEK, bar_end, bar_start
from app.terminal.values import Rates

# Bars of the smallest timeframe that are looked at together: keeps the memory of long requests small.
_CHUNK = 12_000


class Chart:
    """One symbol: its series, cut off at the present."""

    def __init__(self, spec: Spec, series: Series) -> None:
        self.spec = spec
        self.series = series

    def present(self, now_msc: int) -> Inside | None:
        """The newest bar and tick; None before the first bar. ``now_msc`` is on the server's clock."""
        newest = self.series.newest(now_msc // 1000)
        return inside(newest, self.series.seconds, now_msc, self.spec.digits) if len(newest) else None

    def has(self, seconds: int) -> bool:
        """Whether bars of this length can be had: those of the series and whatever they add up to."""
        step = self.series.seconds
        return seconds == step or (step <= DAY and (seconds % step == 0 or seconds in (WEEK, MONTH)))

    def before(self, seconds: int, moment: int, count: int, now_msc: int) -> Rates:
        """The last ``count`` bars that opened at ``moment`` or before, oldest first; the newest one may be forming."""
        # The bar that holds ``moment`` is given as far as it is known: its parts may be later than ``moment``.
        horizon = bar_end(bar_start(min(moment, now_msc // 1000), seconds), seconds) - 1
        newest = self.series.newest(min(horizon, now_msc // 1000))
        if not len(newest) or not self.has(seconds) or count <= 0:
            return EMPTY
        end = bar_end(bar_start(int(newest["time"][0]), seconds), seconds)
        part = max(self.series.seconds, min(seconds, DAY))
        # Weeks and months are put together from days, one more than asked for, since the oldest may be torn.
        need = count if seconds == part else (count + 1) * (31 if seconds == MONTH else 7)
        days = self._chunk_days(int(need * part / DAY * 1.5) + 1)
        pieces: list[Rates] = []
        while need > 0 and end > self.series.first:
            start = day_of(end - 1) - (days - 1) * DAY
            piece = self._known(start, end, part, now_msc)
            pieces.append(piece)
            need -= len(piece)
            end = start
        bars = np.concatenate(pieces[::-1])
        return resample(bars, seconds)[-count:] if seconds > part else bars[-count:]

    def between(self, seconds: int, first: int, last: int, now_msc: int) -> Rates:
        """The bars that opened from ``first`` to ``last``, oldest first."""
        first, last = max(first, self.series.first - seconds), min(last, now_msc // 1000)
        if not self.has(seconds) or last < first:
            return EMPTY
        part = max(self.series.seconds, min(seconds, DAY))
        start, end = day_of(bar_start(first, seconds)), bar_end(bar_start(last, seconds), seconds)
        days = self._chunk_days((end - start) // DAY + 1)
        pieces = [self._known(at, min(at + days * DAY, end), part, now_msc) for at in range(start, end, days * DAY)]
        bars = np.concatenate(pieces)
        if seconds > part:
            bars = resample(bars, seconds)
        low, high = np.searchsorted(bars["time"], (first, last + 1))
        return bars[low:high]

    def _chunk_days(self, wanted: int) -> int:
        return max(1, min(wanted, _CHUNK * self.series.seconds // DAY))

    def _known(self, start: int, end: int, part: int, now_msc: int) -> Rates:
        """Bars of ``part`` seconds from whole days, without what is still to come."""
        step = self.series.seconds
        bars = self.series.window(start, min(end, now_msc // 1000 + 1))
        if len(bars) and now_msc < (int(bars["time"][-1]) + step) * 1000:
            bars = bars.copy()
            bars[-1:] = inside(bars[-1:], step, now_msc, self.spec.digits).bar
        return resample(bars, part) if part > step else bars


class Market:
    """All symbols at the time of the injected clock.

    Args:
        replay: Bar files by canonical symbol (without the suffix).
        suffix: Appended to every name, as some brokers do.
    """

    def __init__(self, clock: Clock, rule: ServerTimeRule, seed: int, replay: Mapping[str, Path], suffix: str) -> None:
        self._clock = clock
        self._rule = rule
        self._seed = seed
        self._replay = dict(replay)
        self._suffix = suffix
        self._specs = {spec.name: spec for spec in CATALOGUE}
        self._charts: dict[str, Chart] = {}
        extra = [name for name in replay if name not in self._specs]
        self.names: tuple[str, ...] = tuple(name + suffix for name in (*self._specs, *extra))
        self.shown: frozenset[str] = frozenset(
            name + suffix for name in (*self._specs, *extra) if name in extra or self._specs[name].shown
        )

    def now_msc(self) -> int:
        """The server's time in milliseconds."""
        return round(self._rule.to_server(self._clock.now()) * 1000)

    def chart(self, name: str) -> Chart:
        """The chart of a symbol in ``names``; its file is read when it is first asked for.

        Raises:
            BadBarsFile: The file to replay cannot be used.
        """
        chart = self._charts.get(name)
        if chart is None:
            chart = self._charts[name] = self._make(name.removesuffix(self._suffix) if self._suffix else name)
        return chart

    def rate_to_usd(self, currency: str, now_msc: int) -> float:
        """How many US dollars a unit of ``currency`` is worth; 1 when no symbol tells."""
        for name, inverse in ((f"{currency}USD", False), (f"USD{currency}", True)):
            if name in self._specs:
                present = self.chart(name + self._suffix).present(now_msc)
                if present is not None:
                    return 1 / present.bid if inverse else present.bid
        return 1.0

    def note(self) -> str:
        """What is replayed and what is made up, in one sentence."""
        if not self._replay:
            return f"Simulated market, generated from seed {self._seed}."
        names = ", ".join(sorted(self._replay))
        note = f"Simulated market: {names} replayed from files, all else generated from seed {self._seed}."
        return " ".join([note, *self._ended()])

    def _ended(self) -> list[str]:
        """Which replays have come to their end, as far as their files have been read."""
        now_s = self.now_msc() // 1000
        return [
            f"The replay of {name} ended at {self._rule.to_utc(series.last + series.seconds):%Y-%m-%d %H:%M} UTC."
            for name, series in ((name, chart.series) for name, chart in self._charts.items())
            if isinstance(series, ReplaySeries) and series.last + series.seconds <= now_s
        ]

    def _make(self, name: str) -> Chart:
        path = self._replay.get(name)
        spec = self._specs.get(name)
        if path is None and spec is not None:
            return Chart(spec, GeneratedSeries(spec, self._seed))
        series = ReplaySeries(self._replay[name], self._rule)
        return Chart(spec or spec_for_replay(name, series.digits), series)
