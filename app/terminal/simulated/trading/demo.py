"""An invented past for the account, so that there are closed trades to look at: every deal is marked as simulated.

The same seed and month give the same deals with the same tickets, whenever the terminal is started, so that what was
recorded yesterday is known again today.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from app.terminal.simulated.noise import hashes, key_for
from app.terminal.simulated.trading.book import Book
from app.terminal.simulated.trading.fills import fill
from app.terminal.simulated.trading.orders import DAY_MSC
from app.terminal.simulated.trading.records import Order
from app.terminal.simulated.trading.terms import DealType, OrderType

COMMENT = "simulated"
_AT_LEAST_DAYS = 30
_SYMBOLS = ("EURUSD", "GBPUSD", "USDJPY", "AUDUSD", "EURJPY", "XAUUSD")
_MOST_A_DAY = 3
_MINUTE_MSC = 60_000


@dataclass(frozen=True, slots=True)
class _Trade:
    symbol: str
    side: int
    volume: float
    opened_msc: int
    closed_msc: int


def write_history(book: Book, now_msc: int) -> None:
    """Deposit the balance at the beginning of a month at least 30 days ago, and trade by day since then."""
    past = datetime.fromtimestamp(now_msc // 1000, UTC) - timedelta(days=_AT_LEAST_DAYS)
    first = int(past.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1000
    book.count_from(first, first=0)
    book.deposit(DealType.BALANCE, book.settings.balance, first, "Simulated deposit")
    symbols = [name for name in _SYMBOLS if name in book.market.names]
    for day in range(first, now_msc, DAY_MSC):
        book.count_from(day, first=1)
        for trade in _trades(book.settings.seed, day, symbols):
            if trade.closed_msc < now_msc:
                _make(book, trade)


def _trades(seed: int, day_msc: int, symbols: list[str]) -> Iterator[_Trade]:
    """The trades of a day, one after the other: by hours from 8 o'clock on, for half an hour to two hours."""
    if not symbols:
        return
    bits = [int(value) for value in hashes(key_for(seed, f"demo/{day_msc}"), np.arange(1 + 4 * _MOST_A_DAY))]
    for index in range(bits[0] % (_MOST_A_DAY + 1)):
        pick, side, start, length = bits[1 + 4 * index : 5 + 4 * index]
        opened = day_msc + (8 + 4 * index) * 60 * _MINUTE_MSC + start % (90 * _MINUTE_MSC)
        closed = opened + 30 * _MINUTE_MSC + length % (90 * _MINUTE_MSC)
        yield _Trade(symbols[pick % len(symbols)], side & 1, (1 + (side >> 8) % 3) / 10, opened, closed)


def _make(book: Book, trade: _Trade) -> None:
    """Open and close at the market's prices; nothing on days without trading."""
    quotes = [book.quote(trade.symbol, msc) for msc in (trade.opened_msc, trade.closed_msc)]
    spec = book.spec(trade.symbol)
    traded = all(book.market.is_open(trade.symbol, msc) for msc in (trade.opened_msc, trade.closed_msc))
    if not traded or None in quotes or book.rate(spec.profit, trade.opened_msc) <= 0:
        return
    position_id = 0
    for side, quote, msc in zip(
        (trade.side, 1 - trade.side), quotes, (trade.opened_msc, trade.closed_msc), strict=True
    ):
        price = quote[1 - side] if quote is not None else 0.0
        volume = max(spec.volume_min, trade.volume)
        order = Order(
            book.next_ticket(), trade.symbol, OrderType(side), volume, volume, price, msc, msc,
            comment=COMMENT, position_id=position_id,
        )  # fmt: skip
        fill(book, order, price, msc)
        position_id = order.position_id
