"""The grade of stored bars, A to F: how far decisions may rest on them.

The last bars of a history (as many as the settings keep in view) are measured; each measure has its own limits, and the
worst of them is the grade. Shares are of the bars looked at; missing bars, of those that should be there.

=====================  =======  =======  =======  =====  =====  ====
measure                A        B        C        D      E      F
=====================  =======  =======  =======  =====  =====  ====
missing bars           0.5 %    2 %      5 %      15 %   30 %   more
stored twice, or out
of order               none     0.05 %   0.2 %    1 %    5 %    more
broken prices, lines
that hold no bar       none     0.05 %   0.2 %    1 %    5 %    more
outliers               0.05 %   0.2 %    0.5 %    2 %    5 %    more
=====================  =======  =======  =======  =====  =====  ====

Fewer than 100 bars, or a quote that is stale while the symbol should trade, allow a C at best. Missing are bars in the
symbol's sessions (see ``workers.market.gaps``). Broken is a bar whose high and low do not hold its open and close, or
with a price that is none. An outlier is a bar whose range, or whose jump from the close before it, is more than 25
times the median range; the first bar after a pause may jump.

Ranges that are known to be lost before the bars looked at count too: against all bars of the history, and one of two
days or more allows a B at best, however long the history grows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.terminal.timeframes import DAY
from workers.market.bar_history import is_sound
from workers.market.gaps import Gap
from workers.order import median

GRADES: Final = "ABCDEF"
_LIMITS: Final[Mapping[str, tuple[float, ...]]] = {
    "missing": (0.005, 0.02, 0.05, 0.15, 0.30),
    "repeated": (0.0, 0.0005, 0.002, 0.01, 0.05),
    "broken": (0.0, 0.0005, 0.002, 0.01, 0.05),
    "outliers": (0.0005, 0.002, 0.005, 0.02, 0.05),
}
_WORDS: Final = {
    "missing": "missing",
    "repeated": "stored twice or out of order",
    "broken": "broken",
    "outliers": "outliers",
}
_FEW: Final = 100
_AT_BEST: Final = 2
_LONG_S: Final = 2 * DAY
_LONG_AT_BEST: Final = 1
_OUTLIER: Final = 25.0


@dataclass(frozen=True, slots=True)
class Grade:
    """The grade of the bars of one symbol and timeframe, with what it comes from.

    Attributes:
        bars: How many were looked at.
        missing, repeated, broken, outliers: Counts.
        stale: The newest quote is old although the symbol should trade.
        reasons: What keeps it from an A.
    """

    letter: str
    bars: int
    missing: int = 0
    repeated: int = 0
    broken: int = 0
    outliers: int = 0
    stale: bool = False
    reasons: tuple[str, ...] = ()


def grade(
    rates: NDArray[Any],
    unreadable: int,
    gaps: Sequence[Gap],
    seconds: int,
    *,
    stale: bool,
    earlier: Sequence[Gap] = (),
    held: int = 0,
) -> Grade:
    """Grade bars.

    Args:
        rates: As they are stored, in UTC.
        unreadable: Lines among them that hold no bar.
        gaps: As ``find_gaps`` gives them.
        seconds: Length of a bar.
        stale: The newest quote is old although the symbol should trade.
        earlier: Gaps before these bars that the terminal cannot fill.
        held: Bars of the whole history.
    """
    bars = len(rates)
    good = is_sound(rates)
    counts = {
        "missing": sum(gap.missing for gap in gaps if not gap.closed),
        "repeated": int((np.diff(rates["time"]) <= 0).sum()),
        "broken": int((~good).sum()) + unreadable,
        "outliers": _outliers(rates if good.all() else rates[good], seconds),
    }
    whole = {name: max(1, bars + (counts["missing"] if name == "missing" else 0)) for name in counts}
    levels = {name: _level(name, counts[name] / whole[name]) for name in counts}
    reasons = [f"{counts[name]:,} of {whole[name]:,} bars {_WORDS[name]}" for name, level in levels.items() if level]
    if earlier:
        lost = sum(gap.missing for gap in earlier)
        counts["missing"] += lost
        level = _level("missing", counts["missing"] / (counts["missing"] + max(bars, held)))
        if any(gap.last - gap.first >= _LONG_S for gap in earlier):
            level = max(level, _LONG_AT_BEST)
        if level:
            levels["earlier"] = level
            reasons.append(f"{lost:,} bars lost further back in the history")
    if bars < _FEW:
        levels["few"] = _AT_BEST
        reasons.append(f"{bars} bars only")
    if stale:
        levels["stale"] = _AT_BEST
        reasons.append("the newest quote is stale")
    return Grade(GRADES[max(levels.values())], bars, **counts, stale=stale, reasons=tuple(reasons))


def _level(name: str, share: float) -> int:
    limits = _LIMITS[name]
    return next((level for level, limit in enumerate(limits) if share <= limit), len(limits))


def _outliers(rates: NDArray[Any], seconds: int) -> int:
    if len(rates) < _FEW:
        return 0
    ranges = rates["high"] - rates["low"]
    usual = median(ranges)
    if usual <= 0:
        return 0
    wild = ranges > _OUTLIER * usual
    jumps = np.abs(rates["open"][1:] - rates["close"][:-1]) > _OUTLIER * usual
    wild[1:] |= jumps & (np.diff(rates["time"]) == seconds)
    return int(wild.sum())
