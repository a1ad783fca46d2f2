"""The market at the present instant: what of every series is already known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from app.clock import Clock
from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated import hours
from app.terminal.simulated.chart import Chart, SeriesChart
from app.terminal.simulated.factors import usual_price
from app.terminal.simulated.generated import GeneratedSeries
from app.terminal.simulated.names import broker_names
from app.terminal.simulated.replay import ReplaySeries
from app.terminal.simulated.series import Series, ShiftedSeries
from app.terminal.simulated.stocks import StockChart, stock_specs
from app.terminal.simulated.symbols import CATALOGUE, Spec, spec_for_replay
from app.terminal.simulated.ticks import Path as TickPath
from app.terminal.simulated.ticks import path_of

# Offsets from UTC are looked up anew for each of these.
_STEP_S = 900
_VEHICLES = ("USD", "EUR")


class Market:
    """All symbols at the time of the injected clock.

    Args:
        replay: Bar files by canonical symbol (without the suffix).
        suffix: Appended to every name, as some brokers do.
        rename: Other names for symbols of the catalogue (``GOLD`` for ``XAUUSD``), before the suffix.
        symbols: Fill up with shares until there are so many symbols.
        replay_clock: Clocks of those files by canonical symbol, for files that do not tell theirs.

    Raises:
        UserAction: Two symbols would have one name, or a name is too long.
    """

    def __init__(
        self,
        clock: Clock,
        rule: ServerTimeRule,
        seed: int,
        replay: Mapping[str, Path],
        *,
        suffix: str = "",
        rename: Mapping[str, str] | None = None,
        symbols: int = 0,
        replay_clock: Mapping[str, str] | None = None,
    ) -> None:
        self._clock = clock
        self._rule = rule
        self._seed = seed
        self._replay = dict(replay)
        self._replay_clock = dict(replay_clock or {})
        self._offset = (-1, 0)
        # Specs under the names of the server; under which name each was in the catalogue.
        self._specs: dict[str, Spec] = {}
        self._canonical: dict[str, str] = {}
        self._stocks: dict[str, str] = {}
        usual = {spec.name: spec for spec in CATALOGUE}
        files = [name for name in replay if name not in usual]
        shares = [pair for pair in stock_specs(symbols - len(usual) - len(files), seed) if pair[0].name not in replay]
        names = broker_names([*usual, *files, *(share.name for share, _ in shares)], rename or {}, suffix)
        for canonical, spec in usual.items():
            self._enter(replace(spec, name=names[canonical]), canonical)
        self._unread = {names[canonical]: canonical for canonical in files}
        for share, parent in shares:
            self._enter(replace(share, name=names[share.name]), share.name)
            self._stocks[names[share.name]] = names[parent]
        self._by_canonical = names
        self._charts: dict[str, Chart] = {}
        self.names: tuple[str, ...] = (*self._specs, *self._unread)
        self.shown: frozenset[str] = frozenset(
            name for name in self.names if name in self._unread or self._specs[name].shown
        )

    def _enter(self, spec: Spec, canonical: str) -> None:
        self._specs[spec.name] = spec
        self._canonical[spec.name] = canonical

    def __contains__(self, name: object) -> bool:
        return name in self._specs or name in self._unread

    # What trading looks at. Times are in ms on the server's clock.

    def utc_s(self) -> float:
        """The present in UTC epoch seconds."""
        return self._clock.now().timestamp()

    def server_msc(self, utc_s: float) -> int:
        """An instant as the server stamps it, in milliseconds."""
        return round((utc_s + self._offset_at(utc_s)) * 1000)

    def turns_back(self, from_s: float, to_s: float) -> tuple[int, ...]:
        """The instants (UTC epoch seconds) between these at which the server's clock is set back."""
        return self._rule.turns_back(from_s, to_s)

    def now_msc(self) -> int:
        """The server's time in milliseconds."""
        return self.server_msc(self.utc_s())

    def spec(self, name: str) -> Spec:
        """The specification of a symbol in ``names``; its name is the server's.

        Raises:
            BadBarsFile: The file to replay cannot be used.
        """
        return self.chart(name).spec

    def quote(self, name: str, now_msc: int) -> tuple[int, float, float] | None:
        """Time in ms, bid and ask of the newest tick of a symbol; None before its first."""
        present = self.chart(name).present(now_msc)
        return (present.time_msc, present.bid, present.ask) if present else None

    def price_path(self, name: str, from_msc: int, to_msc: int) -> TickPath:
        """The ticks after ``from_msc`` up to ``to_msc``, oldest first: records of time_msc, bid and ask.

        A day of a lively symbol has some 100,000 ticks of 60 bytes: ask for long times in pieces.
        """
        return path_of(self.chart(name).ticks(from_msc + 1, to_msc, to_msc))

    def rate(self, from_currency: str, to_currency: str, now_msc: int) -> float:
        """How much of one currency a unit of the other is worth, by bids; 0.0 when no symbol tells."""
        if from_currency == to_currency:
            return 1.0
        direct = self._pair_rate(from_currency, to_currency, now_msc)
        if direct:
            return direct
        for vehicle in _VEHICLES:
            there, on = (self._pair_rate(*pair, now_msc) for pair in ((from_currency, vehicle), (vehicle, to_currency)))
            if there and on:
                return there * on
        # Over both, for what is quoted against the euro alone.
        for first, second in (_VEHICLES, _VEHICLES[::-1]):
            hops = ((from_currency, first), (first, second), (second, to_currency))
            there, over, on = (self._pair_rate(*pair, now_msc) for pair in hops)
            if there and over and on:
                return there * over * on
        return 0.0

    def is_open(self, name: str, now_msc: int) -> bool:
        """Whether the symbol is in a session; a replay is closed before its first bar and after its last."""
        chart = self.chart(name)
        spec = chart.spec
        moment = now_msc // 1000
        if isinstance(chart, SeriesChart) and isinstance(chart.series, ReplaySeries):
            series = chart.series
            if not series.first <= moment < series.last + series.seconds:
                return False
        return hours.is_open(self._on_clock(moment, spec.hours.clock), spec.hours)

    # The rest of the terminal.

    def chart(self, name: str) -> Chart:
        """The chart of a symbol in ``names``; its file is read when it is first asked for.

        Raises:
            BadBarsFile: The file to replay cannot be used.
        """
        chart = self._charts.get(name)
        if chart is None:
            chart = self._charts[name] = self._make(name)
        return chart

    def note(self) -> str:
        """What is replayed and what is made up, in one sentence."""
        if not self._replay:
            return f"Simulated market, generated from seed {self._seed}."
        names = ", ".join(sorted(self._replay))
        note = f"Simulated market: {names} replayed from files, all else generated from seed {self._seed}."
        return " ".join([note, *self._replayed()])

    def _replayed(self) -> list[str]:
        """What was left out of replays and which have come to their end, as far as their files have been read."""
        now_s = self.now_msc() // 1000
        told: list[str] = []
        for name, chart in self._charts.items():
            if not isinstance(chart, SeriesChart) or not isinstance(chart.series, ReplaySeries):
                continue
            series = chart.series
            told += series.notes
            if series.last + series.seconds <= now_s:
                symbol = self._canonical.get(name) or self._unread[name]
                end = self._rule.to_utc(series.last + series.seconds)
                told.append(f"The replay of {symbol} ended at {end:%Y-%m-%d %H:%M} UTC.")
        return told

    def _make(self, name: str) -> Chart:
        if name in self._stocks:
            return StockChart(self._specs[name], self.chart(self._stocks[name]), self._seed)
        canonical = self._canonical.get(name) or self._unread[name]
        spec = self._specs.get(name)
        path = self._replay.get(canonical)
        if path is None and spec is not None:
            # Seeded by the name in the catalogue: a broker's other name leaves the prices alone.
            series: Series = GeneratedSeries(replace(spec, name=canonical), self._seed)
            own = ServerTimeRule(spec.hours.clock)
            return SeriesChart(spec, series if own.name == self._rule.name else ShiftedSeries(series, own, self._rule))
        replayed = ReplaySeries(
            self._replay[canonical],
            self._rule,
            spec.spread if spec else 0,
            clock=self._replay_clock.get(canonical, ""),
            usual=usual_price(spec.legs) if spec else 0.0,
        )
        if spec is not None and spec.digits != replayed.digits:
            spec = self._specs[name] = replace(spec, digits=replayed.digits)
        return SeriesChart(spec or replace(spec_for_replay(canonical, replayed.digits), name=name), replayed)

    def _pair_rate(self, from_currency: str, to_currency: str, now_msc: int) -> float:
        """By the pair of these two; 0.0 when there is none."""
        if from_currency == to_currency:
            return 1.0
        for first, second, inverse in ((from_currency, to_currency, False), (to_currency, from_currency, True)):
            name = self._by_canonical.get(first + second)
            quote = self.quote(name, now_msc) if name is not None else None
            if quote is not None and quote[1] > 0:
                return 1 / quote[1] if inverse else quote[1]
        return 0.0

    def _offset_at(self, seconds: float) -> int:
        """By how many seconds the server's clock is ahead of UTC."""
        step = int(seconds // _STEP_S)
        if step != self._offset[0]:
            self._offset = (step, self._rule.offset_s(datetime.fromtimestamp(seconds, UTC)))
        return self._offset[1]

    def _on_clock(self, server_s: int, clock: str) -> int:
        if clock == self._rule.name:
            return server_s
        return int(ServerTimeRule(clock).to_server(self._rule.to_utc(server_s)))
