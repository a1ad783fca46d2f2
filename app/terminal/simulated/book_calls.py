"""Depth of market: made of the newest quote, deeper levels with more volume."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.terminal.simulated import structs
from app.terminal.simulated.core import Core
from app.terminal.simulated.market import Market
from app.terminal.simulated.noise import hashes, key_for

_LOTS_AT_TOP = 5


class BookCalls(Core):
    """Functions about the market book."""

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self._books: set[str] = set()

    def market_book_add(self, *args: Any) -> bool:
        """Subscribe to the book of a symbol in the Market Watch."""
        return self._book(args, lambda name: self._books.add(name))

    def market_book_release(self, *args: Any) -> bool:
        """End the subscription."""
        return self._book(args, lambda name: self._books.discard(name))

    def market_book_get(self, *args: Any) -> tuple[structs.ModuleStruct, ...] | None:
        """The book of a symbol that was subscribed to, from the highest ask to the lowest bid; empty without depth."""
        found: tuple[structs.ModuleStruct, ...] | None = self._about(args, self._levels)
        return found

    def _book(self, args: tuple[Any, ...], change: Any) -> bool:
        def allowed(name: str) -> bool | None:
            if name not in self._selected:
                return None
            change(name)
            return True

        done = self._about(args, allowed) is not None
        if not done and not self._connected and self._error[0] == -10004:
            self._error = (1, "Success")  # so the genuine module says without a connection
        return done

    def _levels(self, name: str) -> tuple[structs.ModuleStruct, ...] | None:
        if name not in self._books or name not in self._selected:
            return None
        chart = self._market.chart(name)
        present = None if self.faults.zero_prices else chart.present(self._now())
        depth = chart.spec.book_depth
        if present is None or not depth:
            return ()
        bits = hashes(key_for(present.time_msc, name), np.arange(2 * depth, dtype=np.int64)).tolist()
        point, digits = chart.spec.point, chart.spec.digits
        rows = []
        for place in range(2 * depth):
            asks = place < depth
            level = depth - 1 - place if asks else place - depth
            price = present.ask + level * point if asks else present.bid - level * point
            lots = _LOTS_AT_TOP * (level + 1) + bits[place] % (_LOTS_AT_TOP * (level + 1))
            kind = self.BOOK_TYPE_SELL if asks else self.BOOK_TYPE_BUY
            rows.append(structs.BookInfo((kind, round(price, digits), lots, float(lots))))
        return tuple(rows)
