"""What a document says of a value, and what of a known value stays when it says nothing that can be read.

1. A value that cannot be read (NaN, infinity, an object, an error of a spreadsheet, a word without a figure, null in a
   layout that writes an empty text for nothing) never replaces a known one; it is counted and warned of.
2. A value that the document does not name at all (it has no such column, or the row ends before it) stays as it is.
3. An emptied value is a change, as when a source takes its forecast back: an empty text, a dash, null where the layout
   writes null for nothing. But when more than half of at least six known values of a column are emptied at once, the
   column was lost on the way: they stay, counted and warned of.
4. An impact, once known, is not taken back, and a row without a clock time does not take that of its day.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from workers.calendar.values import Event, Impact, Parsed
from workers.wording import count

FIGURES: Final = ("forecast", "previous", "actual")
#: Fewer values than this tell nothing of their column.
FEW: Final = 6
MOST_EMPTIED: Final = 0.5

_NOTHING: Final = frozenset({"", "-", "--", "\N{EN DASH}", "\N{EM DASH}", "none", "n/a", "na"})
_SAME_DAY: Final = timedelta(hours=36)  # a day of one zone lies within that of any other one's midnight


def is_unreadable(value: object, *, null: bool) -> bool:
    """Whether a cell holds something that is neither a figure nor nothing.

    Args:
        null: Whether null is no way to say nothing in this layout.
    """
    if value is None:
        return null
    if isinstance(value, (bool, dict, list)):
        return True
    if isinstance(value, float):
        return not math.isfinite(value)
    text = str(value).strip()
    return text.lower() not in _NOTHING and not any(char.isdigit() for char in text)


def unreadable(cells: Mapping[str, Any], *, null: bool) -> frozenset[str]:
    """The values of a row that cannot be read."""
    return frozenset(name for name in FIGURES if name in cells and is_unreadable(cells[name], null=null))


def unnamed(cells: Mapping[str, Any]) -> frozenset[str]:
    """The values that a row does not name."""
    return frozenset(name for name in (*FIGURES, "impact") if name not in cells)


@dataclass(frozen=True, slots=True)
class Readings:
    """The values of a document against the known ones.

    Attributes:
        events: Those of the document, with what stays of the known ones.
        lost: How many values of a field could not be read or were lost with their column.
    """

    events: tuple[Event, ...]
    lost: Mapping[str, int]

    def words(self) -> tuple[str, ...]:
        """Each field that was lost, in a sentence without its full stop."""
        return tuple(
            f"the {name} of {count(number, 'event')} could not be read; the last known stays"
            for name, number in self.lost.items()
        )


def kept(parsed: Parsed, pairs: Sequence[Event | None]) -> Readings:
    """Put what is known in the place of what cannot be read.

    Args:
        pairs: For each event of the document the known one that it is, or None.
    """
    emptied = _emptied(parsed, pairs)
    lost: Counter[str] = Counter()
    events = []
    for place, (event, old) in enumerate(zip(parsed.events, pairs, strict=True)):
        unread, silent = parsed.unread.get(place, frozenset()), parsed.unnamed.get(place, frozenset())
        lost.update(name for name in FIGURES if name in unread)
        if old is not None:
            names = {name for name in FIGURES if name in emptied and not getattr(event, name)} - unread - silent
            lost.update(name for name in names if getattr(old, name))
            event = _with(event, old, names | unread | silent, lost)
        events.append(event)
    return Readings(tuple(events), {name: lost[name] for name in (*FIGURES, "impact", "time") if lost[name]})


def _with(event: Event, old: Event, names: set[str] | frozenset[str], lost: Counter[str]) -> Event:
    stays: dict[str, Any] = {name: getattr(old, name) for name in FIGURES if name in names and getattr(old, name)}
    if event.impact is Impact.UNKNOWN and old.impact is not Impact.UNKNOWN:
        stays["impact"] = old.impact
        lost["impact"] += "impact" not in names
    if "time" in names and old.timed and abs(old.time - event.time) < _SAME_DAY:
        stays |= {"time": old.time, "all_day": old.all_day, "tentative": old.tentative}
        lost["time"] += 1
    return replace(event, **stays) if stays else event


def _emptied(parsed: Parsed, pairs: Sequence[Event | None]) -> frozenset[str]:
    """Fields of which so many are empty now that their column was lost."""
    found = set()
    for name in FIGURES:
        filled = [
            event
            for place, (event, old) in enumerate(zip(parsed.events, pairs, strict=True))
            if old is not None and getattr(old, name) and name not in parsed.unnamed.get(place, ())
        ]
        empty = sum(not getattr(event, name) for event in filled)
        if empty >= FEW and empty > MOST_EMPTIED * len(filled):
            found.add(name)
    return frozenset(found)
