"""What the quotes of a stretch of time set off first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial

import numpy as np
import numpy.typing as npt

from app.terminal.simulated.ticks import PATH_DTYPE, Path
from app.terminal.simulated.trading.book import Book
from app.terminal.simulated.trading.orders import waits_below
from app.terminal.simulated.trading.profit import unit_value
from app.terminal.simulated.trading.records import Order, Position
from app.terminal.simulated.trading.terms import Reason

_HOUR_MSC = 3_600_000
_CENT = 0.01
_NO_PATH: Path = np.zeros(0, dtype=PATH_DTYPE)

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]


class Rank(IntEnum):
    """What comes first when two things happen at the same instant."""

    EXPIRY = 0
    POSITION = 1
    ORDER = 2
    STOP_OUT = 3


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something that happens to an order, a position or the account.

    Attributes:
        bid, ask: The quote that sets it off.
        level: Margin level of a stop-out, in percent.
    """

    msc: int
    rank: Rank
    ticket: int
    bid: float = field(default=0.0, compare=False)
    ask: float = field(default=0.0, compare=False)
    reason: Reason = field(default=Reason.EXPERT, compare=False)
    level: float = field(default=0.0, compare=False)


class Stretch:
    """The quotes of all symbols with something at stake, from the book's time to ``end_msc``.

    The first event depends on the quotes alone, not on how often the server is asked: searching goes symbol by symbol,
    but what happens first in time is carried out first.
    """

    def __init__(self, book: Book, end_msc: int) -> None:
        self._book = book
        self._start = book.time_msc
        self._end = end_msc
        self._paths: dict[str, Path] = {}
        self._found: dict[tuple[object, ...], Event | None] = {}

    def first(self) -> Event | None:
        """The next thing to happen; None when nothing does before the end."""
        return min(self._events(), default=None)

    def _events(self) -> Iterator[Event]:
        book = self._book
        for order in book.orders.values():
            if order.expires_msc and order.expires_msc <= self._end:
                yield Event(order.expires_msc, Rank.EXPIRY, order.ticket)
            event = self._once(_order_key(order), partial(self._order, order))
            if event is not None:
                yield event
        for position in book.positions.values():
            event = self._once(_position_key(position), partial(self._position, position))
            if event is not None:
                yield event
        event = self._once(("account", book.version, book.margin_msc), self._stop_out)
        if event is not None:
            yield event

    def _once(self, key: tuple[object, ...], search: Callable[[], Event | None]) -> Event | None:
        if key not in self._found:
            self._found[key] = search()
        return self._found[key]

    def _path(self, symbol: str) -> Path:
        path = self._paths.get(symbol)
        if path is None:
            path = self._book.market.price_path(symbol, self._start, self._end)
            times = path["time_msc"]
            low, high = np.searchsorted(times, (self._start, self._end), side="right")
            path = self._paths[symbol] = path[low:high] if len(path) else _NO_PATH
        return path

    def _after(self, symbol: str, msc: int) -> Path:
        path = self._path(symbol)
        return path[int(np.searchsorted(path["time_msc"], msc, side="right")) :]

    def _order(self, order: Order) -> Event | None:
        path = self._after(order.symbol, order.since_msc)
        prices = path["bid" if order.type.side else "ask"]
        if not order.type.is_pending:
            mask = np.ones(len(path), dtype=bool)
        elif waits_below(order.type):
            mask = prices <= order.price_open
        else:
            mask = prices >= order.price_open
        return _event(path, mask, Rank.ORDER, order.ticket, Reason.EXPERT)

    def _position(self, position: Position) -> Event | None:
        if not position.sl and not position.tp:
            return None
        path = self._after(position.symbol, position.since_msc)
        prices = path["ask" if position.side else "bid"]
        long = position.side == 0
        events = []
        if position.sl:
            mask = prices <= position.sl if long else prices >= position.sl
            events.append(_event(path, mask, Rank.POSITION, position.ticket, Reason.SL))
        if position.tp:
            mask = prices >= position.tp if long else prices <= position.tp
            events.append(_event(path, mask, Rank.POSITION, position.ticket, Reason.TP))
        return min((event for event in events if event is not None), default=None)

    def _stop_out(self) -> Event | None:
        """The first quote at which the margin level is at the stop-out level or below.

        Profits are converted at the rates of the beginning of each hour.
        """
        book = self._book
        margin = book.margin()
        if margin <= 0:
            return None
        threshold = margin * book.settings.stop_out / 100
        symbols = sorted({position.symbol for position in book.positions.values()})
        fixed = book.balance + book.credit + sum(position.swap for position in book.positions.values())
        # The worst of each symbol, were it all at once: mostly that is harmless, and costs far less to know.
        if fixed + sum(self._worst(symbol) for symbol in symbols) > threshold + _CENT:
            return None
        times: Times = np.concatenate([self._after(symbol, book.margin_msc)["time_msc"] for symbol in symbols])
        if not len(times):
            return None
        times.sort(kind="stable")
        equity = np.full(len(times), fixed)
        for symbol in symbols:
            equity += self._profits(symbol, times)
        hits = np.flatnonzero(equity <= threshold)
        if not len(hits):
            return None
        index = hits[0]
        return Event(int(times[index]), Rank.STOP_OUT, 0, reason=Reason.SO, level=float(equity[index]) / margin * 100)

    def _worst(self, symbol: str) -> float:
        """What all positions of a symbol bring at least, in the account's currency; one side at its own worst price."""
        path = self._after(symbol, self._book.margin_msc)
        total = 0.0
        for side, units, value in self._held(symbol):
            prices = np.append(path["ask" if side else "bid"], self._before(symbol)[side])
            total += value + units * float(prices.max() if side else prices.min())
        rates = self._rates(symbol, self._start, self._end)
        return total * float(rates.max() if total < 0 else rates.min())

    def _profits(self, symbol: str, times: Times) -> Values:
        """Floating profit of all positions of a symbol at each time, in the account's currency."""
        path = self._path(symbol)
        places = np.searchsorted(path["time_msc"], times, side="right") - 1
        total = np.zeros(len(times))
        for side, units, value in self._held(symbol):
            prices = np.append(path["ask" if side else "bid"], self._before(symbol)[side])[places]
            total += value + units * prices
        rates = self._rates(symbol, int(times[0]), int(times[-1]))
        total *= rates[times // _HOUR_MSC - times[0] // _HOUR_MSC]
        return total

    def _held(self, symbol: str) -> Iterator[tuple[int, float, float]]:
        """Side, units and value of each position of a symbol: at a price its profit is value + units * price."""
        unit = unit_value(self._book.spec(symbol))
        for item in self._book.positions.values():
            if item.symbol == symbol:
                units = unit * item.volume * (-1 if item.side else 1)
                yield item.side, units, -units * item.price_open

    def _before(self, symbol: str) -> tuple[float, float]:
        """Bid and ask before the first quote that is looked at: those at the beginning, or at the last stop."""
        found = self._book.quote(symbol, max(self._start, self._book.margin_msc))
        if found is not None:
            return found
        price = next(item.price for item in self._book.positions.values() if item.symbol == symbol)
        return price, price

    def _rates(self, symbol: str, first_msc: int, last_msc: int) -> Values:
        """The account's currency for one of the symbol's profit, at the beginning of each hour."""
        hours = range(first_msc // _HOUR_MSC, last_msc // _HOUR_MSC + 1)
        currency = self._book.spec(symbol).profit
        return np.array([self._book.rate(currency, hour * _HOUR_MSC) for hour in hours])


def _event(path: Path, mask: Mask, rank: Rank, ticket: int, reason: Reason) -> Event | None:
    index = int(np.argmax(mask)) if len(mask) else 0
    if not len(mask) or not mask[index]:
        return None
    row = path[index]
    return Event(int(row["time_msc"]), rank, ticket, float(row["bid"]), float(row["ask"]), reason)


def _order_key(order: Order) -> tuple[object, ...]:
    return ("order", order.ticket, order.since_msc, order.type, order.price_open)


def _position_key(position: Position) -> tuple[object, ...]:
    return ("position", position.ticket, position.since_msc, position.side, position.sl, position.tp)
