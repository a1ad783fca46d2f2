"""Taken positions as rows, and from rows to money: prices of the fills, volumes, costs, and the account on each bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.backtest.fills import fill
from workers.backtest.market import Market, nights
from workers.backtest.model import Bools, Costs, Curve, Index, Reason, Trades
from workers.backtest.signals import Signals
from workers.backtest.walk import Sides, entry_fills
from workers.strategy.averages import Array


class Closing(NamedTuple):
    """The closing of a position or of a part of it.

    Attributes:
        number: Of the position, from 0.
        price: As the side sees it; NaN to be worked out from bar and reason.
        volume: Lots that were closed.
    """

    number: int
    candidate: int
    bar: int
    reason: int
    both: bool
    settled: bool
    price: float
    volume: float


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Many of them, as columns; see ``Closing``."""

    number: Index
    candidate: Index
    bar: Index
    reason: NDArray[np.int8]
    both: Bools
    settled: Bools
    price: Array
    volume: Array

    @classmethod
    def of(cls, closings: Sequence[Closing]) -> Rows:
        """Columns of rows."""
        columns = zip(*closings, strict=True) if closings else ((),) * len(Closing._fields)
        return cls(*(np.array(column, dtype=kind) for column, kind in zip(columns, _KINDS, strict=True)))


Signs = NDArray[np.int8]
_KINDS: Final = (np.int64, np.int64, np.int64, np.int8, np.bool_, np.bool_, np.float64, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """What turns rows into trades: the market, what trading costs, and the nights up to each bar."""

    signals: Signals
    sides: Sides
    market: Market
    costs: Costs
    nights: NDArray[np.int32]

    @classmethod
    def of(cls, signals: Signals, sides: Sides, market: Market, costs: Costs, times: Index) -> Book:
        """For the bars that open at ``times``."""
        charged = not costs.ideal and costs.swap and market.swap_mode != 0
        counted = nights(times, market.clock, market.triple_day) if charged else np.zeros(len(times), dtype=np.int32)
        return cls(signals, sides, market, costs, counted)

    def rounded(self, prices: Array) -> Array:
        """Real prices on the grid of the symbol; those of an ideal market are left as they are."""
        return prices if self.costs.ideal else self.market.grid.all_nearest(prices)

    def trades(self, rows: Rows) -> Trades:
        """The rows as trades, with all money."""
        candidate, bar, reason, volume = rows.candidate, rows.bar, rows.reason, rows.volume
        sign = self.signals.sign[candidate]
        entry_bar = self.signals.bar[candidate] + 1
        entry = self.rounded(entry_fills(self.sides, sign, entry_bar))
        price = self._exits(rows.price, candidate, bar, reason, sign)
        stop, target = self.signals.stop[candidate], self.signals.target[candidate]
        move = sign * (price - entry)
        worst, best = self._extremes(sign, entry_bar, bar, reason, entry, move)
        market = self.market
        commission = -2.0 * self.costs.commission * volume
        rate = np.where(sign > 0, market.swap_long, market.swap_short)
        held = self.nights[bar] - self.nights[entry_bar]
        return Trades(
            number=rows.number,
            signal=self.signals.bar[candidate],
            entry_bar=entry_bar,
            exit_bar=bar,
            sign=sign,
            volume=volume,
            entry=entry,
            exit=price,
            stop=stop,
            target=target,
            reason=reason,
            price_profit=market.profit(move, volume, price),
            commission=commission if self.costs.commission else np.zeros(len(bar)),
            swap=market.swap(rate, volume, held, entry, price),
            worst=worst,
            best=best,
            worst_money=market.profit(worst, volume, entry - sign * worst),
            best_money=market.profit(best, volume, entry + sign * best),
            ambiguous=rows.both & ~rows.settled,
            score=self.signals.score[candidate],
            risk=np.maximum(market.profit(sign * (entry - stop), volume, stop), 0.0),
        )

    def brought(self, closing: Closing) -> float:
        """The profit of one closing with all costs: what ``trades`` says of it, without arrays."""
        signals, market, grid = self.signals, self.market, self.market.grid
        sign = int(signals.sign[closing.candidate])
        side, begin = self.sides.of(sign), int(signals.bar[closing.candidate]) + 1
        entry = sign * (float(side.enters(begin)) + side.fall)
        price = closing.price
        if price != price:  # NaN
            stop, target = (
                sign * float(signals.stop[closing.candidate]),
                sign * float(signals.target[closing.candidate]),
            )
            price = fill(side, closing.bar, closing.reason, stop, target)
        price *= sign
        if not self.costs.ideal:
            entry, price = grid.nearest(entry), grid.nearest(price)
        held = float(self.nights[closing.bar] - self.nights[begin])
        rate = market.swap_long if sign > 0 else market.swap_short
        found = market.profit(sign * (price - entry), closing.volume, price)
        found += market.swap(rate, closing.volume, held, entry, price) - 2.0 * self.costs.commission * closing.volume
        return float(found)

    def _exits(self, known: Array, candidate: Index, bar: Index, reason: Signs, sign: Signs) -> Array:
        """Real prices of the fills of exits: those that are known, the others by bar and reason."""
        price = known.copy()
        for side in (self.sides.long, self.sides.short):
            if side is None:
                continue
            rows = np.flatnonzero((sign == side.sign) & np.isnan(price))
            at, why = bar[rows], reason[rows]
            stop, target = (levels[candidate[rows]] * side.sign for levels in (self.signals.stop, self.signals.target))
            opened = side.opens(at)
            price[rows] = np.select(
                [why == Reason.STOP, why == Reason.TARGET, why == Reason.RULE],
                [np.minimum(opened, stop) - side.fall, np.maximum(opened, target), opened - side.fall],
                side.closes(at),
            )
        return self.rounded(price * sign)

    def _extremes(
        self, sign: Signs, entry_bar: Index, bar: Index, reason: Signs, entry: Array, move: Array
    ) -> tuple[Array, Array]:
        """How far the price went against and for each row, from its entry until its closing; both from 0 up."""
        low, high = np.minimum(move, 0.0), np.maximum(move, 0.0)
        for side in (self.sides.long, self.sides.short):
            if side is None:
                continue
            rows = np.flatnonzero(sign == side.sign)
            if not len(rows):
                continue
            # What ends with the bars saw the whole last one; every other row only the bars before its closing.
            ends = bar[rows] + (reason[rows] == Reason.END)
            some = rows[ends > entry_bar[rows]]
            if not len(some):
                continue
            bars, starts = _each_bar(entry_bar[some], bar[some] + (reason[some] == Reason.END))
            own = entry[some] * side.sign
            low[some] = np.minimum(low[some], np.minimum.reduceat(side.lows(bars), starts) - own)
            high[some] = np.maximum(high[some], np.maximum.reduceat(side.highs(bars), starts) - own)
        return -low, high

    def curve(self, trades: Trades, deposit: float, count: int) -> Curve:
        """The account on each of ``count`` bars. Equity is the balance and what open positions would bring at the close
        of the bar, with the costs that are due until then."""
        closed: Array = np.bincount(trades.exit_bar, weights=trades.profit, minlength=count).astype(float, copy=False)
        closed[0] += deposit
        balance: Array = np.cumsum(closed, out=closed)
        equity, lowest = balance.copy(), balance.copy()
        partial = trades.reason == Reason.PARTIAL
        for rows in (np.flatnonzero(~partial), np.flatnonzero(partial)):
            for side in (self.sides.long, self.sides.short):
                if side is not None:
                    self._add_open(trades, rows[trades.sign[rows] == side.sign], equity, lowest)
        return Curve(balance, equity, np.minimum(lowest, equity, out=lowest))

    def _add_open(self, trades: Trades, rows: Index, equity: Array, lowest: Array) -> None:
        """Add what these rows would bring on each bar on which they are open; they are all of one side."""
        rows = rows[trades.exit_bar[rows] > trades.entry_bar[rows]]
        if not len(rows):
            return
        side, market = self.sides.of(int(trades.sign[rows[0]])), self.market
        bars, _starts = _each_bar(trades.entry_bar[rows], trades.exit_bar[rows])
        which = np.repeat(rows, trades.exit_bar[rows] - trades.entry_bar[rows])
        entry, volume, sign = trades.entry[which], trades.volume[which], side.sign
        rate = market.swap_long if sign > 0 else market.swap_short
        charged = market.swap_mode != 0 and bool(self.nights[-1] != self.nights[0])
        held = self.nights[bars] - self.nights[trades.entry_bar[which]] if charged else None
        commission = trades.commission[which] if self.costs.commission else 0.0
        for curve, prices in ((equity, side.closes(bars)), (lowest, side.lows(bars))):
            price = prices if sign > 0 else -prices
            open_profit = market.profit(sign * (price - entry), volume, price) + commission
            if held is not None:
                open_profit += market.swap(rate, volume, held, entry, price)
            curve[bars] += open_profit


def _each_bar(begins: Index, ends: Index) -> tuple[Index, Index]:
    """Every bar from each beginning to before its end, and where each of these runs begins; none of them is empty."""
    spans = ends - begins
    starts = np.cumsum(spans) - spans
    bars = np.repeat(begins - starts, spans)
    bars += np.arange(len(bars))
    return bars, starts
