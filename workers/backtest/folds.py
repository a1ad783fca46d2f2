"""Walk-forward: a test cut into parts to learn from and parts to prove it on, one after the other.

A trade belongs to the part in which it was decided. A part to learn from knows only what was closed before its end; the
part to prove it on begins there, and its trades may end after it, as they would have. Parts are compared in units of
risk (R: profit over what the stop would have lost), so that sizes that grew with the account weigh no more.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from app.errors import UserAction
from app.terminal.timeframes import DAY
from workers.backtest.model import Index, Trades

#: With a number of folds, a part to learn from is so many times as long as one to prove it on.
TRAIN_TO_TEST: Final = 3
_MOST: Final = 200
_FORM: Final = re.compile(r"\s*(?:(\d{1,3})|(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?))\s*")


@dataclass(frozen=True, slots=True)
class Fold:
    """Bars, by their places.

    Attributes:
        begin: The first one to learn from.
        middle: The first one to prove it on.
        end: The one after the last.
    """

    begin: int
    middle: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """What the trades of a part brought: sums, so that parts can be added up.

    Attributes:
        r, r_squares: Sum of the profits in units of risk, and of their squares, of those ``measured`` whose risk is
            known.
    """

    trades: int = 0
    won: int = 0
    gross_profit: float = 0.0
    gross_loss: float = 0.0
    measured: int = 0
    r: float = 0.0
    r_squares: float = 0.0

    @property
    def net_profit(self) -> float:
        """With all costs."""
        return self.gross_profit + self.gross_loss

    @property
    def profit_factor(self) -> float | None:
        """None without a loss."""
        return self.gross_profit / -self.gross_loss if self.gross_loss < 0 else None

    @property
    def r_mean(self) -> float | None:
        """What a trade brings in units of risk; None without trades."""
        return self.r / self.measured if self.measured else None

    @property
    def sqn(self) -> float | None:
        """``sqrt(N) x mean / standard deviation`` of the profits in units of risk; None where they do not vary."""
        if self.measured < 2:
            return None
        mean = self.r / self.measured
        variance = (self.r_squares - self.measured * mean * mean) / (self.measured - 1)
        return math.sqrt(self.measured) * mean / math.sqrt(variance) if variance > 1e-12 else None

    def figures(self) -> dict[str, Any]:
        """As reports show it."""
        return {
            "trades": self.trades,
            "won_percent": 100.0 * self.won / self.trades if self.trades else None,
            "net_profit": self.net_profit,
            "profit_factor": self.profit_factor,
            "r": self.r,
            "r_mean": self.r_mean,
            "sqn": self.sqn,
        }

    def sums(self) -> list[float]:
        """To be stored and read again by ``Part(*sums)``."""
        return list(asdict(self).values())


def added(parts: Iterable[Part]) -> Part:
    """All of them as one."""
    columns = list(zip(*(part.sums() for part in parts), strict=True))
    return Part(*(sum(column) for column in columns)) if columns else Part()


def check(text: str) -> None:
    """Refuse what ``folds`` would not understand.

    Raises:
        UserAction: it is no number of folds and no lengths.
    """
    _read(text)


def folds(text: str, times: Index, begin: int, end: int, seconds: int) -> tuple[Fold, ...]:
    """The folds of the bars from ``begin`` to before ``end``.

    Args:
        text: A number of folds, or days to learn from and to prove it on: ``180/30``.
        times: Open time of each bar, epoch seconds.

    Raises:
        UserAction: it is neither, or there is no room for a fold.
    """
    number, train, test = _read(text)
    first, last = int(times[begin]), int(times[end - 1]) + seconds
    if number:
        test = (last - first) / (number + TRAIN_TO_TEST)
        train = TRAIN_TO_TEST * test
    found = []
    count = number or int((last - first - train) / test + 1e-9)
    if not 0 < count <= _MOST:
        raise UserAction(
            f"There is no room for walk_forward={text}: the test is {(last - first) / DAY:,.0f} days long"
            + (f", and that would be {count:,} folds." if count > _MOST else "."),
            advice="Name fewer days, or a number of folds from 1 to 200.",
        )
    for place in range(count):
        edges = [first + place * test, first + place * test + train, first + (place + 1) * test + train]
        found.append(Fold(*(min(int(np.searchsorted(times, edge - 1e-6)), end) for edge in edges)))
    return tuple(found)


def _read(text: str) -> tuple[int, float, float]:
    """Number of folds, or seconds to learn from and to prove it on; the others are 0."""
    match = _FORM.fullmatch(text)
    if match and match[1] and 1 <= int(match[1]) <= _MOST:
        return int(match[1]), 0.0, 0.0
    if match and match[2] and float(match[2]) > 0 and float(match[3]) > 0:
        return 0, float(match[2]) * DAY, float(match[3]) * DAY
    raise UserAction(
        f"walk_forward is no number of folds and no lengths: {text!r}.",
        advice="Write 5 for five folds, or 180/30 to learn from 180 days and prove it on the next 30.",
    )


def divided(trades: Trades, found: Sequence[Fold]) -> list[tuple[Part, Part]]:
    """What the trades brought in each fold: where it learns, and where it is proved."""
    profit, decided, closed = trades.profit, trades.signal, trades.exit_bar
    parts = []
    for fold in found:
        first, middle, end = np.searchsorted(decided, [fold.begin, fold.middle, fold.end]).tolist()
        known = int(np.searchsorted(closed, fold.middle))
        parts.append((part(profit, trades.risk, first, max(known, first)), part(profit, trades.risk, middle, end)))
    return parts


def part(profit: Any, risk: Any, begin: int, end: int) -> Part:
    """What these rows brought."""
    if end <= begin:
        return Part()
    brought, held = profit[begin:end], risk[begin:end]
    won = brought >= 0
    gained = float(brought[won].sum())
    sound = held > 0
    units = brought[sound] / held[sound]
    return Part(
        end - begin,
        int(np.count_nonzero(won)),
        gained,
        float(brought[~won].sum()),
        len(units),
        float(units.sum()),
        float(units @ units),
    )


def report(trades: Trades, found: Sequence[Fold], times: Index, seconds: int, asked: str) -> dict[str, Any]:
    """The walk-forward of one rule, for reports: each fold, and all parts to prove it on together.

    ``efficiency`` is what a trade brought there in units of risk, over what it brought where it learned; None when that
    was nothing.
    """
    parts = divided(trades, found)
    trained, proved = added(learn for learn, _ in parts), added(prove for _, prove in parts)
    before, after = trained.r_mean, proved.r_mean
    return {
        "asked": asked,
        "folds": [
            {**spans(fold, times, seconds), "train": learn.figures(), "test": prove.figures()}
            for fold, (learn, prove) in zip(found, parts, strict=True)
        ],
        "out_of_sample": proved.figures(),
        "profitable_folds": sum(prove.net_profit > 0 for _, prove in parts),
        "efficiency": after / before if before is not None and before > 0 and after is not None else None,
    }


def spans(fold: Fold, times: Index, seconds: int) -> dict[str, str]:
    """When a fold learns and is proved."""

    def moment(bar: int) -> str:
        at = int(times[bar]) if bar < len(times) else int(times[-1]) + seconds
        return f"{np.datetime64(at, 's')}Z"

    return {"train_from": moment(fold.begin), "test_from": moment(fold.middle), "test_until": moment(fold.end)}
