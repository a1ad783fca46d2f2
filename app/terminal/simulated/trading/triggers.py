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
        held = list(book.positions.values())
        symbols = sorted({position.symbol for position in held})
        times = np.unique(np.concatenate([self._after(symbol, book.margin_msc)["time_msc"] for symbol in symbols]))
        if not len(times):
            return None
        equity = np.full(len(times), book.balance + book.credit + sum(position.swap for position in held))
        for symbol in symbols:
            equity += self._profits([item for item in held if item.symbol == symbol], times)
        hits = np.flatnonzero(equity <= margin * book.settings.stop_out / 100)
        if not len(hits):
            return None
        index = hits[0]
        return Event(int(times[index]), Rank.STOP_OUT, 0, reason=Reason.SO, level=float(equity[index]) / margin * 100)

    def _profits(self, held: list[Position], times: Times) -> Values:
        """Floating profit of all positions of one symbol at each time, in the account's currency."""
        book, symbol = self._book, held[0].symbol
        spec, path = book.spec(symbol), self._path(symbol)
        places = np.searchsorted(path["time_msc"], times, side="right") - 1
        before = book.quote(symbol, self._start) or (held[0].price, held[0].price)
        total = np.zeros(len(times))
        for side, name in ((0, "bid"), (1, "ask")):
            prices = np.append(path[name], before[side])[places]
            for item in held:
                if item.side == side:
                    moves = prices - item.price_open if side == 0 else item.price_open - prices
                    total += moves * (unit_value(spec) * item.volume)
        if spec.profit == book.settings.currency:
            return total
        hours, which = np.unique(times // _HOUR_MSC, return_inverse=True)
        rates: Values = np.array([book.rate(spec.profit, int(hour) * _HOUR_MSC) for hour in hours])
        total *= rates[which]
        return total


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
