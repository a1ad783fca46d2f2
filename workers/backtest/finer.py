"""The order of stop and target inside a bar, told from finer bars where there are any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.backtest.fills import Side, first_touch
from workers.backtest.model import Index


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
        side = self.long if sign > 0 else self.short
        if side is None:
            return None
        begin = int(self.starts[bar])
        first, last = np.searchsorted(self.times, (begin, begin + self.seconds))
        _at, stopped, both = first_touch(side, int(first), int(last), stop, target)
        if _at < 0 or both:
            return None
        return not stopped
