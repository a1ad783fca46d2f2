"""One update of the calendar: every source fetched, read, put into what is known, and stored at once.

A source that fails costs nothing but itself: the last good calendar stays, and its state says why and since when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from app.errors import Blocked, Cancelled, MetronomeError, Retryable, UserAction
from app.log_scrub import scrub
from app.runs import iso
from app.tasks import TaskContext
from app.workprocess import Report
from workers.calendar import fetch, identity, store
from workers.calendar.fetch import Place
from workers.calendar.identity import Merged
from workers.calendar.parse import parse
from workers.calendar.values import MAX_EVENTS, Calendar, Event, Options, Parsed, SourceState
from workers.wording import count, seconds

#: Documents above this are read in a process of their own: they would hold the window's interpreter too long.
BIG: Final = 400_000
PARSE_LIMIT_S: Final = 90.0

#: Of a document that was refused; what it was recognised as comes with the error.
_NOTHING_READ: Final[dict[str, Any]] = {
    "recognised": "",
    "provider": "",
    "time_zone": "",
    "events": 0,
    "refused": 0,
    "refusals": [],
    "notes": [],
    "complete": False,
}


@dataclass(slots=True)
class Outcome:
    """What came of one document."""

    place: Place
    state: SourceState
    parsed: Parsed | None = None
    merged: Merged = field(default_factory=Merged)
    unchanged: bool = False
    early: tuple[str, datetime] | None = None
    error: MetronomeError | None = None

    @property
    def good(self) -> bool:
        """Whether the calendar of this source is right now."""
        return self.error is None and self.early is None

    def as_entry(self) -> dict[str, Any]:
        """The outcome as the result of the run carries it."""
        state, parsed = self.state, self.parsed
        return {
            "source": self.place.shown,
            "recognised": state.recognised,
            "layout": parsed.layout if parsed else "",
            "provider": state.provider,
            "time_zone": state.time_zone,
            "events": state.events,
            "refused": state.refused,
            "refusals": [refusal.as_json() for refusal in state.refusals],
            "notes": list(state.notes),
            "complete": parsed.complete and not self.merged.cut if parsed else True,
            "unchanged": self.unchanged,
            "fetched": iso(state.succeeded),
            "problem": state.problem or (str(self.error) if self.error else ""),
            "next_try": iso(self.early[1] if self.early else state.next_try),
            **(_NOTHING_READ | dict(self.error.findings) if self.error is not None else {}),
        }


class Updater:
    """Updates the stored calendar from sources, one after the other."""

    def __init__(self, ctx: TaskContext, time_zone: str = "", date_order: str = "") -> None:
        self._ctx = ctx
        self._zone = time_zone
        self._order = date_order
        self._asked: set[str] = set()
        self.calendar = store.load(ctx.storage)

    def run(self, sources: Sequence[str]) -> list[Outcome]:
        """Update from every source.

        Raises:
            Cancelled: the run was asked to stop; what was fetched before is stored.
            StorageError: the calendar cannot be read or written.
        """
        outcomes: list[Outcome] = []
        self._asked = {scrub(source.strip()) for source in (*sources, *self._ctx.settings.calendar.sources)}
        for number, source in enumerate(sources):
            self._ctx.progress(number, len(sources), f"Source {number + 1} of {len(sources)}")
            try:
                found = fetch.places(source)
            except Cancelled:
                raise
            except MetronomeError as error:
                place = Place(source)
                outcomes.append(Outcome(place, self.calendar.state_of(source), error=error))
                continue
            for place in found:
                self._ctx.check_cancelled()
                outcomes.append(self._one(place))
        self._ctx.progress(len(sources), len(sources))
        return outcomes

    def _one(self, place: Place) -> Outcome:
        now = self._ctx.clock.now()
        outcome = Outcome(place, self.calendar.state_of(place.shown))
        outcome.early = fetch.too_early(outcome.state, now) if place.path is None else None
        if outcome.early is not None:
            return outcome
        try:
            self._fetch(outcome, now)
        except Cancelled:
            raise
        except MetronomeError as error:
            outcome.error = error
            outcome.state = _failed(outcome.state, error, now)
        self._keep(outcome, now)
        return outcome

    def _fetch(self, outcome: Outcome, now: datetime) -> None:
        state, place = outcome.state, outcome.place
        known = any(place.shown in event.sources for event in self.calendar.events)
        document = fetch.get(place, state, self._ctx.http, known=known)
        fresh = replace(state, attempted=now, failures=0, next_try=None, problem="")
        if document.data is None:
            outcome.unchanged = True
            outcome.state = replace(fresh, succeeded=now)
            return
        options = Options(now=now, time_zone=self._zone, date_order=self._order)
        digest = hashlib.sha256(document.data + f"\n{self._zone}\n{self._order}".encode()).hexdigest()[:16]
        if known and digest == state.digest:
            # What another source has corrected since is not put back by a document that was read before.
            outcome.unchanged = True
            outcome.state = replace(fresh, succeeded=now, etag=document.etag, modified=document.modified)
            return
        parsed = self._parsed(document.data, options)
        before = [event for event in self.calendar.events if event.provider == parsed.provider]
        others = [event for event in self.calendar.events if event.provider != parsed.provider]
        merged = identity.merge(before, parsed, place.shown, now, gone=self._gone(before))
        outcome.parsed, outcome.merged = parsed, merged
        since, until = identity.span(parsed)
        whole = parsed.complete and not merged.cut and not merged.lost
        outcome.state = replace(
            fresh,
            provider=parsed.provider,
            recognised=parsed.recognised,
            time_zone=parsed.time_zone,
            notes=(*parsed.notes, *parsed.warnings, *merged.lost, *((merged.why,) if merged.why else ())),
            events=len(parsed.events),
            refused=parsed.refused,
            refusals=parsed.refusals,
            succeeded=now,
            # Half a document is asked for again as a whole.
            etag=document.etag if whole else "",
            modified=document.modified if whole else "",
            covers_from=since,
            covers_until=until,
            digest=digest if whole and not parsed.refused and not parsed.warnings else "",
        )
        events = sorted((*others, *merged.events), key=lambda event: (event.time, event.currency, event.title))
        self.calendar = replace(self.calendar, events=tuple(events), changes=(*merged.changes, *self.calendar.changes))

    def _gone(self, events: Sequence[Event]) -> frozenset[str]:
        """Sources that these events are from and that there are no more: files deleted, addresses not asked now."""
        named = {source for event in events for source in event.sources}
        return frozenset(source for source in named - self._asked if fetch.is_web(source) or not Path(source).exists())

    def _parsed(self, data: bytes, options: Options) -> Parsed:
        if len(data) <= BIG:
            return parse(data, options)
        found = self._ctx.compute(_parse_apart, data, options, limit_s=PARSE_LIMIT_S)
        if not isinstance(found, Parsed) or len(found.events) > MAX_EVENTS:
            raise UserAction("The reader of the calendar gave no calendar.", advice="Report it with the log.")
        return found

    def _keep(self, outcome: Outcome, now: datetime) -> None:
        rest = tuple(state for state in self.calendar.sources if state.source != outcome.place.shown)
        self.calendar = store.bounded(replace(self.calendar, sources=(*rest, outcome.state)), now)
        self._ctx.wrote(store.save(self._ctx.storage, self.calendar, now))


def _parse_apart(_report: Report, data: bytes, options: Options) -> Parsed:
    return parse(data, options)


def _failed(state: SourceState, error: MetronomeError, now: datetime) -> SourceState:
    failures = state.failures + 1
    return replace(
        state,
        attempted=now,
        failures=failures,
        next_try=fetch.pause_after(failures, error, now),
        problem=str(error),
    )


def refuse_if_nothing_came(
    outcomes: Sequence[Outcome], calendar: Calendar, now: datetime, findings: Mapping[str, Any]
) -> None:
    """A run that brought no calendar is no success.

    Args:
        findings: The result all the same, for the run that fails.

    Raises:
        Blocked: every source has to be left in peace for now.
        Retryable, UserAction: every source that was asked failed; the sentence says what stays.
    """
    if any(outcome.good for outcome in outcomes):
        return
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    stays = what_stays(calendar, now)
    if not failed:
        early = min((outcome.early for outcome in outcomes if outcome.early), key=lambda found: found[1])
        raise Blocked(
            f"The calendar was not fetched: {early[0]}. {stays}",
            until=early[1],
            advice=f"It is fetched again from {early[1]:%H:%M} UTC on.",
        )
    kind = Retryable if all(isinstance(outcome.error, Retryable) for outcome in failed) else UserAction
    told = [problem_of(outcome) for outcome in failed[:5]]
    more = f" {count(len(failed) - 5, 'more source')} failed." if len(failed) > 5 else ""
    advice = next((outcome.error.advice for outcome in failed if outcome.error is not None), "")
    refused = kind(f"{' '.join(told)}{more} {stays}", advice=advice)
    refused.findings = findings
    raise refused


def problem_of(outcome: Outcome) -> str:
    """The failure of a source as a sentence that names it."""
    message = outcome.error.message if outcome.error is not None else ""
    named = outcome.place.shown in message
    return message if named else f"{outcome.place.shown}: {message}"


def what_stays(calendar: Calendar, now: datetime) -> str:
    """What the user still has."""
    if calendar.fetched is None:
        return "There is no calendar yet."
    age = seconds(max((now - calendar.fetched).total_seconds(), 0.0))
    return f"The calendar of {age} ago stays ({count(len(calendar.events), 'event')})."
