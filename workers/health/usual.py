"""What one number of one task usually is, and when a value is out of character.

Values are kept by kind of hour (``workers.health.normal``): the last 60 of each, and the extremes of each of the last
nine weeks. They are compared as logarithms, log(1 + x), since counts and durations vary by factors: the centre is the
median, the spread 1.4826 times the median of the absolute deviations (MAD), which is the standard deviation of a normal
distribution (Rousseeuw and Croux, 1993, J. Am. Stat. Assoc. 88, 1273). A value is *odd* when it is outside of both the
robust band and the extremes. One odd value may be chance; two among three runs, or one that is beyond doubt, are told.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Final

#: Fewer values of a kind of hour say nothing.
LEAST: Final = 20
KEPT: Final = 60
WEEKS: Final = 9
#: The band is reckoned anew with every so many values, and with each that is beyond the extremes of its week.
_RENEWED: Final = 4
#: After so many odd runs in a row that is how things are now: everything older is forgotten.
RELEARN: Final = 10
#: Spreads from the median to the end of the band.
_SPREADS: Final = 6.0
_MAD: Final = 1.4826
#: A number that hardly ever changes is odd from 25 % on; one that varies by itself from a factor of three on.
_STEADY: Final = math.log(1.25)
_VARIED: Final = math.log(3.0)
#: A count is judged as too low only when it usually is at least so much, and as too high when it is so much more.
_LOW_COUNT: Final = 5.0
_HIGH_COUNT: Final = 5.0
#: Durations: from which factor on, and how much longer at least, seconds.
_LONGER: Final = math.log(5.0)
_SHORTER: Final = math.log(10.0)
_LONGER_S: Final = 5.0
_SHORTER_S: Final = 5.0
#: Beyond doubt: nothing at all where there always were some. A single long run never is: a network has such days.
_SURE_COUNT: Final = 10.0
_SURE_LEAST: Final = 3.0
_SURE_VALUES: Final = 40
#: A value beyond the extremes is beyond them by so much.
_BEYOND: Final = 1.5


@dataclass(frozen=True, slots=True)
class Odd:
    """A value that is out of character, and what it usually is."""

    value: float
    usual: float
    sure: bool


class Bucket:
    """The values of one kind of hour.

    Attributes:
        low, high: What lies between them is usual; all is until ``LEAST`` values are known.
    """

    __slots__ = ("_extremes", "_stale", "_values", "high", "low", "usual")

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=KEPT)
        self._extremes: deque[tuple[int, float, float]] = deque(maxlen=WEEKS)
        self._stale = 0
        self.low, self.high, self.usual = -math.inf, math.inf, 0.0

    def add(self, value: float, week: int, *, duration: bool) -> None:
        """Learn a value."""
        self._values.append(value)
        if self._extremes and self._extremes[-1][0] == week:
            _, least, most = self._extremes.pop()
            inside = least <= value <= most
            self._extremes.append((week, min(least, value), max(most, value)))
        else:
            inside = False
            self._extremes.append((week, value, value))
        self._stale += 1
        if len(self._values) >= LEAST and (self._stale >= _RENEWED or not inside):
            self._stale = 0
            self._set_band(duration)

    def _set_band(self, duration: bool) -> None:
        logs = [math.log1p(value) for value in self._values]
        centre = median(logs)
        spread = _SPREADS * _MAD * median(abs(value - centre) for value in logs)
        self.usual = math.expm1(centre)
        least, most = min(one[1] for one in self._extremes), max(one[2] for one in self._extremes)
        if duration:
            longer = math.expm1(centre + spread)
            self.high = max(longer, self.usual * math.exp(_LONGER), self.usual + _LONGER_S, most * _BEYOND)
            shorter = self.usual >= _SHORTER_S
            self.low = min(self.usual / math.exp(_SHORTER), least / _BEYOND) if shorter else -math.inf
            return
        width = max(spread, min(_VARIED, _STEADY + 2 * (math.log1p(most) - math.log1p(least))))
        self.high = max(math.expm1(centre + width), self.usual + _HIGH_COUNT, most * _BEYOND if most > least else most)
        self.low = min(math.expm1(centre - width), least - 0.5) if self.usual >= _LOW_COUNT else -math.inf

    def odd(self, value: float, *, duration: bool) -> Odd | None:
        """Whether a value is out of character."""
        if self.low <= value <= self.high:
            return None
        sure = value == 0 and self.usual >= _SURE_COUNT and len(self._values) >= _SURE_VALUES and not duration
        return Odd(value, self.usual, sure and min(one[1] for one in self._extremes) >= _SURE_LEAST)


class Usual:
    """One number of one task, over all kinds of hours.

    Args:
        duration: It is a span of seconds and not a count.
    """

    __slots__ = ("_buckets", "_duration", "_odd", "_since", "_told")

    def __init__(self, *, duration: bool) -> None:
        self._duration = duration
        self._buckets: dict[int, Bucket] = {}
        self._odd: list[tuple[int, float, int]] = []
        self._since = 0
        self._told = False

    def judge(self, kind: int, value: float, week: int, *, learn: bool) -> Odd | None:
        """What is out of character with a value, if anything.

        Args:
            kind: The kind of hour.
            week: Its number, for the extremes.
            learn: Learn the value; of runs that follow each other closely one is enough.
        """
        bucket = self._buckets.get(kind)
        if bucket is None:
            bucket = self._buckets[kind] = Bucket()
        odd = bucket.odd(value, duration=self._duration)
        if odd is None:
            if learn:
                bucket.add(value, week, duration=self._duration)
                self._calm()
            return None
        self._since = 0
        self._odd.append((kind, value, week))
        if len(self._odd) >= RELEARN:
            self._begin_anew()
        elif not odd.sure and len(self._odd) < 2:
            return None
        self._told = True
        return odd

    def _calm(self) -> None:
        """A usual value: after two in a row what was odd is over; chance, if it was never told, and learned as such."""
        if not self._odd:
            return
        self._since += 1
        if self._since < 2:
            return
        if not self._told:
            self._learn_odd()
        self._odd.clear()
        self._told = False

    def _begin_anew(self) -> None:
        self._buckets.clear()
        self._learn_odd()
        self._odd.clear()

    def _learn_odd(self) -> None:
        for kind, value, week in self._odd:
            self._buckets.setdefault(kind, Bucket()).add(value, week, duration=self._duration)
