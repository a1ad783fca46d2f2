"""Which known events a document takes away, and which it only lacks because it is cut off.

A source that takes an event away sends everything else. A document that was cut (by a server that gave up, by a program
that was writing the file) lacks all that came after some place. So, of the known events inside of its span, these are
kept although the document lacks them:

1. all, when the document breaks off by its form: JSON, XML or a line of a table without its end, or a row that could
   not be read and may have been any of them;
2. all, when more than half of at least six known ones are missing: it is another, narrower calendar;
3. the tail: those at or after the time of its last event;
4. a stretch: six or more at three or more times in a row, while nothing of the document lies between the first and
   the last of these times;
5. those with the title of a row that was refused.

Every other one was taken away: single events in the midst, several of one time or of two. What is kept grows old with
its time (``store.KEEP``), so that an event that was kept in error does no lasting harm.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from workers.calendar.values import Event, Parsed
from workers.calendar.vocabulary import title_key
from workers.wording import count

#: When more than this share of the known events is missing, they are kept: it was a part of the calendar.
MOST_REMOVED: Final = 0.5
#: Fewer missing events than this tell nothing by their share or their stretch.
FEW: Final = 6
#: A stretch has at least so many different times.
STRETCH: Final = 3
#: So many events kept of a tail are noted; more are warned of.
QUIET: Final = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the missing events.

    Attributes:
        gone: Identities of those that the document takes away.
        why: Why others are kept, a sentence without its full stop; empty when none is.
        cut: The document looks as if it were cut off, so that it is worth a warning and another look.
    """

    gone: frozenset[str] = frozenset()
    why: str = ""
    cut: bool = False


def judge(parsed: Parsed, missing: Sequence[Event], known: int) -> Verdict:
    """Judge the missing events by the rules above.

    Args:
        missing: Known events inside of the span of the document that it lacks.
        known: How many known events are inside of that span.
    """
    if not missing:
        return Verdict()
    held = f"{count(len(missing), 'known event')} missing from it {_are(len(missing))} kept"
    if not parsed.complete:
        return Verdict(why=f"{held}, since the document is not whole", cut=True)
    if parsed.untitled:
        return Verdict(why=f"{held}, since rows that could not be read may have been {_them(len(missing))}", cut=True)
    if len(missing) >= FEW and len(missing) > MOST_REMOVED * known:
        return Verdict(why=f"{held}, since it seems to be only a part of the calendar", cut=True)
    times = sorted(event.time for event in parsed.events)
    tail = [event for event in missing if event.time >= times[-1]]
    stretches = [event for run in _stretches([e for e in missing if e.time < times[-1]], times) for event in run]
    cut = {event.id for event in (*tail, *stretches)}
    refused = {event.id for event in missing if title_key(event.title) in parsed.refused_titles}
    gone = frozenset(event.id for event in missing) - cut - refused
    return Verdict(gone, _why(tail, stretches, len(refused - cut), times[-1]), len(cut) > QUIET or bool(refused))


def _why(tail: Sequence[Event], stretches: Sequence[Event], refused: int, last: datetime) -> str:
    parts = []
    if tail:
        parts.append(f"{count(len(tail), 'known event')} after its last one ({last:%Y-%m-%d %H:%M} UTC)")
    if stretches:
        first = min(event.time for event in stretches)
        parts.append(f"{count(len(stretches), 'known event')} in a row from {first:%Y-%m-%d %H:%M} UTC on")
    if refused:
        parts.append(f"{count(refused, 'known event')} whose row was refused")
    if not parts:
        return ""
    number = len(tail) + len(stretches) + refused
    reason = ": the document may be cut off" if tail or stretches else ""
    return f"{' and '.join(parts)} {_are(number)} missing and {_are(number)} kept{reason}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _them(number: int) -> str:
    return "it" if number == 1 else "them"


def _stretches(missing: Sequence[Event], times: Sequence[datetime]) -> Iterator[list[Event]]:
    """Runs of missing events that nothing of the document interrupts.

    Args:
        times: Of the events of the document, sorted. At the first and the last time of a run there may be some of
            them: a cut may go through the events of one time.
    """
    by_time = [(moment, list(of_one)) for moment, of_one in groupby(sorted(missing, key=_time), key=_time)]
    run: list[tuple[datetime, list[Event]]] = []
    for moment, of_one in by_time:
        if run:
            since = run[-1][0]
            # The inner times of a run must be missing as a whole.
            first = bisect_left(times, since) if len(run) > 1 else bisect_right(times, since)
            if first < bisect_left(times, moment):
                yield from _long(run)
                run = []
        run.append((moment, of_one))
    yield from _long(run)


def _long(run: Sequence[tuple[datetime, list[Event]]]) -> Iterator[list[Event]]:
    events = [event for _, of_one in run for event in of_one]
    if len(run) >= STRETCH and len(events) >= FEW:
        yield events


def _time(event: Event) -> datetime:
    return event.time
