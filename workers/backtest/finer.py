"""The order of stop, target and closing of a half inside a bar, told from finer bars where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workers.backtest.fills import Side, first_touch
from workers.backtest.model import Index


class Order(NamedTuple):
    """What came before the stop within a bar that holds it.

    Attributes:
        half: The level at which half is closed.
        target: The target.
        settled: The finer bars tell all of it; where they do not, the stop counts first.
    """

    half: bool
    target: bool
    settled: bool


@dataclass(frozen=True, slots=True, eq=False)
class Finer:
    """Bars of one minute under the bars of a backtest.

    Attributes:
        times: Open times of the finer bars, UTC epoch seconds, ascending.
        long, short: Their prices as each side sees them; None for a side that is not traded.
        starts, seconds: Open times of the coarse bars, and their length.
    """

    times: Index
    long: Side | None
    short: Side | None
    starts: Index
    seconds: int

    def target_first(self, sign: int, bar: int, stop: float, target: float) -> bool | None:
        """Whether the target of a position was touched before its stop within a bar; None when that stays unknown.

        Args:
            stop, target: As the side sees them.
        """
        order = self.order(sign, bar, stop, np.inf, target)
        return order.target if order.settled else None

    def order(self, sign: int, bar: int, stop: float, half: float, target: float) -> Order:
        """What came before the stop within a bar that holds the stop and one of the others.

        Args:
            stop: As the side sees it.
            half, target: As the side sees them; infinite when the bar does not hold it.
        """
        side = self.long if sign > 0 else self.short
        if side is None:
            return Order(False, False, False)
        opened = int(self.starts[bar])
        begin, end = (int(place) for place in np.searchsorted(self.times, (opened, opened + self.seconds)))
        halved = half < np.inf
        if halved:
            begin, stopped, both = first_touch(side, begin, end, stop, half)
            if begin < 0 or stopped:
                return Order(False, False, begin >= 0 and not both)
            if target == np.inf:
                return Order(True, False, True)
        at, stopped, both = first_touch(side, begin, end, stop, target)
        return Order(halved, at >= 0 and not stopped, at >= 0 and not both)
