"""Whether the account may take another idea, by what is open and what the day has cost. Fails closed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.settings import RiskSettings
from workers.wording import count


class _Position(Protocol):
    """The part of a position of the terminal that exposure needs; ``type`` is 0 for a buy, 1 for a sell."""

    @property
    def symbol(self) -> str: ...
    @property
    def type(self) -> int: ...
    @property
    def volume(self) -> float: ...


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """One open position: symbol, +1 for a buy and -1 for a sell, and lots."""

    symbol: str
    direction: int
    volume: float

    @classmethod
    def of(cls, position: _Position) -> OpenPosition:
        """A position as the terminal tells it."""
        return cls(position.symbol, 1 if position.type == 0 else -1, position.volume)


@dataclass(frozen=True, slots=True)
class Exposure:
    """The account as it is; None stands for what could not be learnt.

    Attributes:
        positions: All open positions.
        orders: All pending orders: each may become a position, so each counts as one.
        equity: Now, in the currency of the account.
        day_start_equity: Equity when the server's day began.
    """

    positions: Sequence[OpenPosition] | None
    equity: float | None
    day_start_equity: float | None
    orders: Sequence[OpenPosition] = ()

    @property
    def taken(self) -> tuple[OpenPosition, ...]:
        """Positions and orders."""
        return (*(self.positions or ()), *self.orders)

    def volume(self, symbol: str, direction: int) -> float:
        """Lots of a symbol in one direction, open or ordered."""
        return sum(item.volume for item in self.taken if item.symbol == symbol and item.direction == direction)


def refusal(symbol: str, limits: RiskSettings, found: Exposure) -> str:
    """Why the account may not take another position of this symbol; empty when it may.

    What is not known counts as a reason: a limit that cannot be checked is not respected.
    """
    if found.positions is None:
        return "The open positions are not known, so their limits cannot be checked."
    every, of_symbol = len(found.taken), sum(item.symbol == symbol for item in found.taken)
    if every >= limits.max_concurrent_positions:
        return f"{_what(found, every)}; at most {limits.max_concurrent_positions} at the same time."
    if of_symbol >= limits.max_positions_per_symbol:
        return f"{_what(found, of_symbol)} of {symbol}; at most {limits.max_positions_per_symbol}."
    return _daily_loss(limits, found)


def _what(found: Exposure, number: int) -> str:
    kind = "Open or ordered" if found.orders else "Open"
    return f"{kind}: {count(number, 'position')}"


def _daily_loss(limits: RiskSettings, found: Exposure) -> str:
    now, start = found.equity, found.day_start_equity
    if now is None or start is None or not math.isfinite(now) or not math.isfinite(start) or start <= 0:
        return "Equity now and at the beginning of the day are not known, so the day's loss cannot be checked."
    lost = (start - now) / start
    if lost >= limits.max_daily_loss * (1 - 1e-12):
        return (
            f"Equity has fallen by {lost:.2%} today, from {start:.2f} to {now:.2f}; {limits.max_daily_loss:.2%} is "
            "the limit of a day."
        )
    return ""
