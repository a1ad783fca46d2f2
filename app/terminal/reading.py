"""Typed questions to the terminal: quotes, bars and specifications in UTC."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from app.clock import Clock, require_aware
from app.terminal.errors import TerminalBusy
from app.terminal.server_time import ServerClock, ServerTimeRule
from app.terminal.structs import one_by_one
from app.terminal.timeframes import Times, bar_end, timeframe
from app.terminal.values import Bars, DayFigures, Rates, SessionStatus, Snapshot, SymbolInfo, Tick

# Listing thousands of symbols takes long; for a hint the list of the last minutes will do.
_CATALOGUE_KEPT_S = 600.0
_HOUR = 3600
_CATALOGUE_FIELDS = ("description", "path", "trade_mode", "trade_calc_mode", "select")


class Reading(ABC):
    """The part of the session that knows what the answers mean."""

    def __init__(self, server_time: str, clock: Clock) -> None:
        self._clock = clock
        self._server_clock = ServerClock(server_time)
        self._catalogue: tuple[str, float, Mapping[str, Mapping[str, Any]]] | None = None
        # Of quotes in an hour that the server's clock repeats: when each was made, as told when it was first seen.
        self._told_twice: dict[str, tuple[str, float, datetime]] = {}

    @property
    @abstractmethod
    def status(self) -> SessionStatus:
        """The connection as it is now."""

    @property
    def server_rule(self) -> ServerTimeRule:
        """The server's clock as far as it is known."""
        return self._server_clock.rule

    @property
    def server_time_automatic(self) -> bool:
        """Whether the clock is inferred, since the settings name none."""
        return self._server_clock.automatic

    @property
    def server_time_confirmed(self) -> bool:
        """Whether a fresh quote agreed with ``server_rule``, or the settings name it."""
        return self._server_clock.confirmed

    @property
    def server_time_known(self) -> bool:
        """Whether there is any evidence for ``server_rule``; else it is merely the usual one."""
        return self._server_clock.known

    @property
    def server_time_disputed(self) -> int | None:
        """Seconds from UTC that live quotes show instead of what the learned rule says; None while they do not."""
        return self._server_clock.disputed

    def adopt_server_time(self, rule: str) -> None:
        """Take over a rule that was learned from the present server, unless the settings name one.

        Raises:
            UserAction: It is no rule.
        """
        self._server_clock.adopt(rule)

    @abstractmethod
    def _invoke(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], timeout_s: float | None) -> Any:
        """Call a function of the module; raises as ``Session.call``."""

    def tick(self, symbol: str, timeout_s: float | None = None) -> Tick:
        """The newest quote; its time is the server's, which may be long ago.

        Raises:
            TerminalBusy: There is no quote yet.
            MetronomeError: As ``Session.call``.
        """
        raw = self._invoke("symbol_info_tick", (symbol,), {}, timeout_s)
        if raw["time"] <= 0 or (raw["bid"] <= 0 and raw["last"] <= 0):
            msg = f"The terminal has no quote of {symbol} yet."
            raise TerminalBusy(msg, advice="Wait for the market to open, or look at the symbol in the Market Watch.")
        stamp = raw["time_msc"] / 1000
        self._server_clock.observe(stamp, self._clock.now(), symbol)
        time = self._made_at(symbol, stamp)
        return Tick(symbol, time, raw["bid"], raw["ask"], raw["last"], raw["volume"], raw["flags"])

    def _made_at(self, symbol: str, stamp: float) -> datetime:
        """When a quote was made; in the hour that the server's clock repeats, as near to now as it can be."""
        rule = self._server_clock.rule
        if rule.told_twice(stamp) is None:
            return rule.to_utc(stamp)
        known = self._told_twice.get(symbol)
        if known is None or known[:2] != (rule.name, stamp):
            known = self._told_twice[symbol] = (rule.name, stamp, rule.to_utc_by(stamp, self._clock.now()))
        return known[2]

    def symbol_info(self, symbol: str, timeout_s: float | None = None) -> SymbolInfo:
        """The specification of a symbol. Raises as ``Session.call``."""
        return SymbolInfo.from_struct(self._invoke("symbol_info", (symbol,), {}, timeout_s))

    def symbol_names(self, group: str = "*", timeout_s: float | None = None) -> tuple[str, ...]:
        """Names of all symbols that match ``group``, in the terminal's order. Raises as ``Session.call``."""
        return tuple(item["name"] for item in one_by_one(self._invoke("symbols_get", (group,), {}, timeout_s)))

    def catalogue(self, timeout_s: float | None = None) -> Mapping[str, Mapping[str, Any]]:
        """All symbols of the server by name, with the fields that tell them apart; up to ten minutes old.

        Raises as ``Session.call``.
        """
        server, now = self.status.server, self._clock.monotonic()
        known = self._catalogue
        if known is None or known[0] != server or now - known[1] > _CATALOGUE_KEPT_S:
            found = one_by_one(self._invoke("symbols_get", (), {}, timeout_s))
            listed = {item["name"]: {field: item[field] for field in _CATALOGUE_FIELDS} for item in found}
            known = self._catalogue = (server, now, listed)
        return known[2]

    def snapshot(self, symbol: str, timeout_s: float | None = None) -> Snapshot:
        """Specification, newest quote and figures of the day of a symbol, with one call.

        A symbol that is not in the Market Watch is put there first: the terminal has no present quote of others.
        Before the first quote of a session there is none, which costs neither the specification nor the bars.

        Raises as ``Session.call``.
        """
        raw = self._invoke("symbol_info", (symbol,), {}, timeout_s)
        if not raw["select"]:
            self._invoke("symbol_select", (symbol, True), {}, timeout_s)
            raw = self._invoke("symbol_info", (symbol,), {}, timeout_s)
        if raw["time"] <= 0:
            return Snapshot(SymbolInfo.from_struct(raw), None, DayFigures.of(raw))
        stamp = float(raw["time"])
        self._server_clock.observe(stamp, self._clock.now(), symbol)
        time = self._made_at(symbol, stamp)
        tick = Tick(symbol, time, raw["bid"], raw["ask"], raw["last"], raw["volume"], 0)
        return Snapshot(SymbolInfo.from_struct(raw), tick, DayFigures.of(raw))

    def server_times(self, symbol: str, frame: str, count: int, timeout_s: float | None = None) -> Times:
        """The open times of the last ``count`` bars as the server stamped them, oldest first, not in UTC.

        Raises as ``rates``.
        """
        constant = timeframe(frame).constant
        rates = self._invoke("copy_rates_from_pos", (symbol, constant, 0, count), {}, timeout_s)
        return np.array(rates["time"], dtype=np.int64)

    def rates(self, symbol: str, frame: str, count: int, start_pos: int = 0, timeout_s: float | None = None) -> Bars:
        """The last ``count`` bars, oldest first, back from position ``start_pos`` (0: the newest, maybe forming).

        There may be fewer, or none: a history has a beginning, and a replay has no timeframe smaller than its file's.

        Raises:
            UserAction: There is no such timeframe.
            MetronomeError: As ``Session.call``.
        """
        constant, seconds = timeframe(frame)
        rates = self._invoke("copy_rates_from_pos", (symbol, constant, start_pos, count), {}, timeout_s)
        rule = self._server_clock.rule
        if seconds <= _HOUR and len(rates) == count and len(rates) and rule.told_twice(int(rates["time"][0])):
            # Which time of two is told by the bars before: ask for those, too.
            more = count + 2 * _HOUR // seconds
            rates = self._invoke("copy_rates_from_pos", (symbol, constant, start_pos, more), {}, timeout_s)
        return self._bars(symbol, frame, rates, count=count)

    def rates_range(
        self, symbol: str, frame: str, since: datetime, until: datetime, timeout_s: float | None = None
    ) -> Bars:
        """The bars that opened from ``since`` to ``until`` (both aware, both included), oldest first.

        Raises:
            UserAction: There is no such timeframe.
            MetronomeError: As ``Session.call``.
        """
        constant = timeframe(frame).constant
        rule = self._server_clock.rule
        first, last = (rule.to_server(require_aware(moment)) for moment in (since, until))
        begins, ends = rule.told_twice(first), rule.told_twice(last)
        # An hour that is told twice is asked for as a whole: which time is meant is told by the order of its bars.
        first, last = float(begins[0]) if begins else first, float(ends[1] - 1) if ends else last
        rates = self._invoke("copy_rates_range", (symbol, constant, first, last), {}, timeout_s)
        return self._bars(symbol, frame, rates, span=(since, until) if begins or ends else None)

    def _bars(
        self,
        symbol: str,
        frame: str,
        rates: Rates,
        *,
        count: int | None = None,
        span: tuple[datetime, datetime] | None = None,
    ) -> Bars:
        """The answer in UTC: of it the last ``count`` bars, or those that opened in ``span``."""
        if not len(rates):
            return Bars(symbol, frame, rates, forming=False)
        rule = self._server_clock.rule
        ends = bar_end(int(rates["time"][-1]), timeframe(frame).seconds)
        forming = ends > rule.to_server(self._clock.now())
        converted = np.array(rates)
        converted["time"] = rule.ordered_to_utc(rates["time"])
        if count is not None and len(converted) > count:
            converted = converted[-count:]
        if span is not None:
            first, last = (moment.timestamp() for moment in span)
            inside = (converted["time"] >= first) & (converted["time"] <= last)
            converted, forming = converted[inside], forming and bool(inside[-1])
        converted.setflags(write=False)
        return Bars(symbol, frame, converted, forming)
