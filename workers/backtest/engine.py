"""A rule traded over past bars.

Decided on the close of a bar, filled at the open of the next; one position at a time; the stop is looked at before the
target; what opens beyond a level is filled at the open. docs/backtests.md says all of it for users.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np

from workers.backtest.fills import Side, stop_fill
from workers.backtest.finer import Finer
from workers.backtest.management import Plan
from workers.backtest.market import Market
from workers.backtest.model import Costs, Played, Reason, Tally, Terms, Trades
from workers.backtest.positions import Book, Closing, Rows
from workers.backtest.signals import Signals
from workers.backtest.walk import Sides, Walk
from workers.strategy.averages import Array
from workers.strategy.language.evaluation import Evaluator, Rates
from workers.strategy.sizing import bare_lots, floor_to_step, loss_per_lot, lots

#: ``watch(bar, so_far)``: the bar that the walk has reached; ``so_far()`` gives the positions and the money until then.
Watch = Callable[[int, Callable[[], tuple[int, float]]], None]
#: Candidates between two of these when they are taken one by one.
_TELL_EVERY: Final = 512


def sides_of(bars: Evaluator, spread: Array, market: Market, costs: Costs, directions: frozenset[int]) -> Sides:
    """The market as each side that is traded sees it.

    Args:
        bars: Closed bars (bids).
        spread: Of each bar, in points.
        directions: +1 and -1, those that are traded.
    """
    begin = bars.rates["open"]  # looked at here and there only: not worth a column of its own
    high, low, end = (bars.column(name) for name in ("high", "low", "close"))
    paid = None if costs.ideal else spread
    fall = 0.0 if costs.ideal else costs.slippage_points * market.grid.point
    found = {sign: Side(sign, begin, high, low, end, paid, market.grid.point, fall) for sign in directions}
    return Sides(found.get(1), found.get(-1))


def spread_points(rates: Rates, costs: Costs) -> Array:
    """The spread of each bar in points: fixed, or that of the bars; none in an ideal market."""
    if costs.ideal:
        return np.zeros(len(rates))
    if costs.spread_points is not None:
        return np.full(len(rates), costs.spread_points)
    found: Any = rates["spread"]  # looked at here and there only: not worth a copy
    points: Array = np.maximum(found, 0) if (found < 0).any() else found
    return points


def play(
    rates: Rates,
    signals: Signals,
    sides: Sides,
    market: Market,
    terms: Terms,
    costs: Costs,
    plan: Plan,
    risk: float,
    finer: Finer | None = None,
    watch: Watch | None = None,
) -> Played:
    """Trade the signals over the bars.

    Args:
        risk: Share of the account that a position may lose, for sizes by risk.
        finer: Bars of minutes that tell the order inside a bar.
        watch: Told how far it is; may raise ``Cancelled``.
    """
    book = Book.of(signals, sides, market, costs, rates["time"].astype(np.int64))
    game = _Game(book, Walk(signals, sides, plan, finer), terms, plan, risk, watch)
    found = game.quick() if terms.volume is not None and not plan else None
    if found is None:
        found = game.careful()
    trades, tally = found
    order = np.argsort(trades.exit_bar, kind="stable")
    if not (np.diff(order) == 1).all():
        trades = Trades(*(getattr(trades, name)[order] for name in Trades.__slots__))
    settled = tally.settled
    tally = replace(tally, ambiguous=int(np.count_nonzero(trades.ambiguous)) + settled)
    curve = book.curve(trades, terms.deposit, len(rates))
    begun = np.flatnonzero(rates["time"] >= terms.start) if terms.start is not None else np.zeros(1, dtype=np.int64)
    first = int(begun[0]) if len(begun) else len(rates) - 1
    last = len(rates) - 1
    if terms.end is not None:
        last = max(first, int(np.searchsorted(rates["time"], terms.end)) - 1, int(trades.exit_bar.max(initial=0)))
    return Played(trades, curve, tally, first, last)


@dataclass(slots=True)
class _Game:
    """One pass over the candidates."""

    book: Book
    walk: Walk
    terms: Terms
    plan: Plan
    risk: float
    watch: Watch | None

    def quick(self) -> tuple[Trades, Tally] | None:
        """With a fixed volume, first without a look at the account; None when it would have mattered on the way."""
        walk, taken = self.walk, list[int]()
        candidate = 0
        while candidate < len(walk):
            found, candidate = walk.chain(candidate)
            taken += found
            if self.watch is not None:
                self.watch(int(walk.bar[found[-1]]), partial(self._so_far, taken))
        rows = self._rows(taken, self.terms.volume or 0.0)
        trades = self.book.trades(rows)
        if not self.book.costs.ideal and not self._affordable(trades, self.terms.deposit):
            return None
        return trades, Tally(signals=len(walk), settled=int(np.count_nonzero(rows.settled)))

    def _rows(self, taken: list[int], volumes: float | list[float]) -> Rows:
        """Candidates that were taken whole."""
        walk, places = self.walk, np.array(taken, dtype=np.int64)
        count = len(places)
        return Rows(
            np.arange(count),
            places,
            walk.bar[places],
            walk.reason[places],
            walk.both[places],
            walk.settled[places],
            np.full(count, np.nan),
            np.full(count, volumes, dtype=np.float64),
        )

    def _so_far(self, taken: list[int]) -> tuple[int, float]:
        rows = self._rows(taken, self.terms.volume or 0.0)
        return len(taken), self.terms.deposit + float(self.book.trades(rows).profit.sum())

    def _affordable(self, trades: Trades, balance: float) -> bool:
        """Whether the account could pay for every position, and none came near to a stop-out.

        Args:
            balance: Before the first of them.
        """
        market, terms = self.book.market, self.terms
        before = balance + np.concatenate(([0.0], np.cumsum(trades.profit)[:-1]))[: len(trades)]
        price = trades.entry if market.margin_value and not market.by_price else np.ones(len(trades))
        margin = price * trades.volume * market.margin(1.0, 1.0, terms.leverage)
        lowest_price = trades.entry - trades.sign * trades.worst
        lost = (
            market.profit(-trades.worst, trades.volume, lowest_price) + trades.commission + np.minimum(trades.swap, 0)
        )
        return bool(((margin <= before) & (before + lost > terms.stop_out * margin)).all())

    def careful(self) -> tuple[Trades, Tally]:
        """Position by position, with size, margin and stop-out by the account as it is then; many at once as long as
        they are sized by risk and none of them needs a closer look."""
        closings, walk, tally = list[Closing](), self.walk, _Counts()
        candidate, told, number, alone = 0, _TELL_EVERY, 0, 0
        balance = self.terms.deposit
        at_once = self.terms.volume is None and not self.plan and not self.book.market.volumes.trouble()
        while candidate < len(walk):
            several = None
            if at_once and candidate >= alone:
                taken, alone = walk.chain(candidate)
                several = self._several(taken, number, balance)
            if several is not None:
                new, balance = several
                closings += new
                number += len(new)
                candidate = alone
            elif (volume := self._volume(candidate, balance, tally)) is None:
                candidate += 1
            else:
                new = self._take(number, candidate, volume, balance, tally)
                closings += new
                balance += sum(self.book.brought(closing) for closing in new)
                number += 1
                candidate = walk.following(new[-1].bar, candidate)
            if self.watch is not None and candidate >= told:
                self.watch(closings[-1].bar if closings else 0, partial(_told, number, balance))
                told = candidate + _TELL_EVERY
        settled = sum(closing.settled for closing in closings)
        return self.book.trades(Rows.of(closings)), tally.done(len(walk), settled)

    def _several(self, taken: list[int], number: int, balance: float) -> tuple[list[Closing], float] | None:
        """These candidates one after the other, each sized by risk, and the balance after them; None when one of them
        has no volume, or margin and stop-out have to be looked at.

        Args:
            number: Of the first position.
        """
        rows = self._rows(taken, 1.0)
        signals, rules, places = self.book.signals, self.book.market.volumes, rows.candidate
        one_lot: Array = self.book.trades(rows).profit
        shares = np.where(signals.full[places], self.risk, self.risk / 2)
        distances = np.abs(signals.entry[places] - signals.stop[places])
        after, volumes = balance, list[float]()
        for brought, share, distance in zip(one_lot.tolist(), shares.tolist(), distances.tolist(), strict=True):
            volume = bare_lots(after, share, loss_per_lot(distance, rules), rules)
            if volume is None:
                return None
            volumes.append(volume)
            after += brought * volume
        rows = replace(rows, volume=np.array(volumes, dtype=np.float64))
        if not self.book.costs.ideal and not self._affordable(self.book.trades(rows), balance):
            return None
        columns = (rows.bar, rows.reason, rows.both, rows.settled)
        found = zip(taken, *(column.tolist() for column in columns), volumes, strict=True)
        return [
            Closing(number + place, candidate, bar, reason, both, settled, np.nan, volume)
            for place, (candidate, bar, reason, both, settled, volume) in enumerate(found)
        ], after

    def _volume(self, candidate: int, balance: float, tally: _Counts) -> float | None:
        """The volume that the account has for this entry; None when it has none."""
        signals, market, terms = self.book.signals, self.book.market, self.terms
        volume = terms.volume
        if volume is None:
            share = self.risk if signals.full[candidate] else self.risk / 2
            distance = abs(float(signals.entry[candidate]) - float(signals.stop[candidate]))
            size = lots(balance, share, distance, market.volumes)
            if size.volume is None:
                tally.no_volume += 1
                tally.no_volume_reason = tally.no_volume_reason or size.reason
                return None
            volume = size.volume
        if not self.book.costs.ideal:
            needed = market.margin(volume, abs(float(signals.entry[candidate])), terms.leverage)
            if needed > balance:
                tally.no_money += 1
                return None
        return volume

    def _take(self, number: int, candidate: int, volume: float, balance: float, tally: _Counts) -> list[Closing]:
        """Take a position: its closings, the last one last."""
        found = self.walk.exit_of(candidate)
        if found.legs is None:
            whole = Closing(number, candidate, found.bar, found.reason, found.both, found.settled, np.nan, volume)
            return self._stopped_out([whole], volume, balance, tally)
        closings, left, rules = list[Closing](), volume, self.book.market.volumes
        half, too_small = floor_to_step(volume / 2, rules.step), list[int]()
        halves = min(half, volume - half) >= rules.least * (1 - 1e-9)
        for leg in found.legs:
            if leg.reason is Reason.PARTIAL and not halves:
                too_small.append(leg.bar)
                continue
            part = half if leg.reason is Reason.PARTIAL else left
            left = round(left - part, 8)
            both = leg.both or (leg.half and halves)
            closings.append(
                Closing(number, candidate, leg.bar, leg.reason, both, both and leg.settled, leg.price, part)
            )
        closings = self._stopped_out(closings, volume, balance, tally)
        # A position that the broker closed before was never to be halved.
        out = closings[-1].bar if closings[-1].reason == Reason.STOP_OUT else len(self.book.nights)
        tally.no_partial += sum(bar < out for bar in too_small)
        return closings

    def _stopped_out(self, closings: list[Closing], left: float, balance: float, tally: _Counts) -> list[Closing]:
        """The closings of a position; from where equity falls to the broker's share of the margin on, one that closes
        what is left then.

        On the bar of a partial closing the whole volume counts, since what is worse comes first inside a bar.

        Args:
            left: What is open before the first of them; ``balance`` is that of then too.
        """
        if self.book.costs.ideal:
            return closings
        begin = int(self.book.signals.bar[closings[0].candidate]) + 1
        for place, closing in enumerate(closings):
            until = closing.bar + (0 if closing.reason == Reason.RULE else 1)
            forced = self._forced(closing.candidate, left, begin, until, balance)
            if forced is not None:
                tally.stop_outs += 1
                at, price = forced
                out = Closing(closing.number, closing.candidate, at, Reason.STOP_OUT, False, False, price, left)
                return [*closings[:place], out]
            balance += self.book.brought(closing)
            left = round(left - closing.volume, 8)
            begin = until
        return closings

    def _forced(
        self, candidate: int, volume: float, begin: int, until: int, balance: float
    ) -> tuple[int, float] | None:
        """The bar from ``begin`` to before ``until`` on which equity falls to the broker's share of the margin, and the
        price there as the side sees it; None when none does.

        Args:
            volume: That is open.
            balance: Without the open position.
        """
        book, market = self.book, self.book.market
        sign, opened = int(book.signals.sign[candidate]), int(book.signals.bar[candidate]) + 1
        side = book.sides.of(sign)
        entry = sign * (float(side.enters(opened)) + side.fall)
        margin = market.margin(volume, entry, self.terms.leverage)
        open_then = self.terms.stop_out * margin - balance + 2.0 * book.costs.commission * volume
        held = book.nights[begin:until] - book.nights[opened]
        levels = sign * self._prices_at(open_then, sign, volume, entry, held)
        # What comes to a level that is not above the stop has met the stop before.
        touched = (side.lows(slice(begin, until)) <= levels) & (levels > sign * float(book.signals.stop[candidate]))
        place = int(touched.argmax()) if len(touched) else 0
        if not len(touched) or not touched[place]:
            return None
        return begin + place, stop_fill(side, begin + place, float(levels[place]))

    def _prices_at(self, money: float, sign: int, volume: float, entry: float, held: Array) -> Array:
        """Real prices at which an open position and its nights come to this money, for each count of nights.

        Both follow the price in a straight line, or its inverse where the price of the closing converts them, however
        swaps are counted: two prices tell the line.
        """
        market = self.book.market
        rate = market.swap_long if sign > 0 else market.swap_short
        here, there = (
            market.profit(sign * (price - entry), volume, price) + market.swap(rate, volume, held, entry, price)
            for price in (entry, 2.0 * entry)
        )
        with np.errstate(divide="ignore", invalid="ignore"):  # nights that cost as much as the whole contract
            share = (money - here) / (there - here)
            if not market.by_price:
                return np.asarray(entry * (1.0 + share))
            inverse = 1.0 - share / 2.0
            return np.where(inverse > 0, entry / inverse, -np.inf * sign)


@dataclass(slots=True)
class _Counts:
    no_money: int = 0
    no_volume: int = 0
    no_volume_reason: str = ""
    stop_outs: int = 0
    no_partial: int = 0

    def done(self, signals: int, settled: int) -> Tally:
        return Tally(
            signals=signals,
            settled=settled,
            no_money=self.no_money,
            no_volume=self.no_volume,
            no_volume_reason=self.no_volume_reason,
            stop_outs=self.stop_outs,
            no_partial=self.no_partial,
        )


def _told(positions: int, balance: float) -> tuple[int, float]:
    return positions, balance
