"""A window of a history put in order: which of its lines stay, and which go to the side file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workers.market.bar_history import is_sound
from workers.market.bar_window import Window
from workers.wording import count

_PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Tidied:
    """A window in order.

    Attributes:
        lines: Those that stay, in the order of time, each time once.
        dropped: Those that do not, in the order of the file.
        no_bars, broken, repeated, differing: How many were dropped because they hold no bar, have impossible prices,
            are the same as one that stays, or tell another bar of the same time.
        moved: Of those that stay, how many stood after a newer one.
    """

    lines: list[bytes]
    dropped: list[bytes]
    no_bars: int
    broken: int
    repeated: int
    differing: int
    moved: int

    def __str__(self) -> str:
        """What was done, in words."""
        parts = (
            (self.no_bars, f"{count(self.no_bars, 'line')} held no bar"),
            (self.broken, f"{count(self.broken, 'bar')} had impossible prices"),
            (self.repeated, f"{count(self.repeated, 'bar')} stood there twice"),
            (self.differing, f"{count(self.differing, 'bar')} differed from another one of the same time"),
            (self.moved, f"{count(self.moved, 'bar')} stood out of order"),
        )
        return ", ".join(text for number, text in parts if number)


def needs_tidying(window: Window) -> bool:
    """Whether lines are no bars, have impossible prices, are out of order or stored twice."""
    return bool(window.spoiled) or not window.in_order or not bool(is_sound(window.rates).all())


def disputed(window: Window) -> NDArray[np.int64]:
    """The open times of which the window tells different sound bars, ascending."""
    good = window.rates[is_sound(window.rates)]
    different = np.unique(good)
    times, counts = np.unique(different["time"], return_counts=True)
    found: NDArray[np.int64] = times[counts > 1]
    return found


def tidied(window: Window, confirmed: NDArray[Any], digits: int) -> Tidied:
    """Put a window in order.

    Of bars of the same time that differ, the one whose prices and tick volume the terminal confirms stays; when it
    confirms none, the first.

    Args:
        window: Nothing in it may belong before its beginning.
        confirmed: The terminal's bars of the disputed times, in UTC.
        digits: Decimals of a price in the file.
    """
    good = is_sound(window.rates)
    known = {int(bar["time"]): _shown(bar, digits) for bar in confirmed}
    times = window.times.tolist()
    chosen: dict[int, int] = {}
    for at in np.flatnonzero(good).tolist():
        held = chosen.setdefault(times[at], at)
        if held == at or times[at] not in known:
            continue
        truth = known[times[at]]
        if _shown(window.rates[held], digits) != truth and _shown(window.rates[at], digits) == truth:
            chosen[times[at]] = at
    stays = np.zeros(len(times), dtype=np.bool_)
    stays[np.fromiter(chosen.values(), dtype=np.int64)] = True
    extra = np.flatnonzero(good & ~stays).tolist()
    repeated = sum(window.rates[at] == window.rates[chosen[times[at]]] for at in extra)
    kept = np.flatnonzero(stays)
    newest = np.maximum.accumulate(window.times[kept])
    lines = [window.lines[at] for at in kept[np.argsort(window.times[kept], kind="stable")]]
    dropped = [window.lines[at] for at in np.flatnonzero(~stays)]
    return Tidied(
        lines,
        [*window.spoiled, *dropped],
        len(window.spoiled),
        int((~good).sum()),
        int(repeated),
        len(extra) - int(repeated),
        int((window.times[kept] < newest).sum()),
    )


def _shown(bar: Any, digits: int) -> tuple[Any, ...]:
    return (*(round(float(bar[name]), digits) for name in _PRICES), int(bar["tick_volume"]))
