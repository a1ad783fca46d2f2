"""The task ``update_economic_calendar``: its parameters, its result, and the run."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from app.errors import NothingToDo
from app.tasks import TaskContext, TaskParams, TaskResult
from workers.wording import count

if TYPE_CHECKING:
    from workers.calendar.update import Outcome, Updater


class CalendarParams(TaskParams):
    """Which calendar to read; empty values: as the settings say."""

    source: str | None = Field(
        default=None,
        max_length=4000,
        title="Source",
        description="Address, file or folder of a calendar; empty: the sources of the settings.",
    )
    time_zone: str | None = Field(
        default=None,
        max_length=64,
        title="Time zone",
        description="Zone of times that state none, by IANA name (Europe/London); empty: as the settings say.",
    )
    date_order: Literal["month_first", "day_first"] | None = Field(
        default=None,
        title="Date order",
        description="How dates such as 03/04/2025 are meant; empty: as the settings say.",
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        from zoneinfo import ZoneInfo

        if not value:
            return None
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            msg = "should be the name of a time zone such as Europe/London or UTC"
            raise ValueError(msg) from None
        return value


class CalendarResult(TaskResult):
    """What an update of the calendar brought."""

    events: int = Field(description="Events of the documents that were read.")
    refused: int = Field(description="Rows that could not be taken.")
    added: int = Field(description="Events that were not known.")
    removed: int = Field(description="Known events that their source took away.")
    moved: int = Field(description="Events whose time is another one now.")
    changed: int = Field(description="Events whose values are others now.")
    unchanged: int = Field(default=0, description="Sources that say that nothing changed.")
    stored: int = Field(description="Events in the stored calendar.")
    next_event: str = Field(default="", description="The next event with a clock time.")
    sources: tuple[dict[str, Any], ...] = Field(
        default=(), description="Each source: what it was recognised as, its time zone, counts, refused rows, notes."
    )

    def summary(self) -> str:
        parts = [count(self.events, "event")]
        if self.unchanged and self.unchanged == len(self.sources):
            parts.append("nothing changed")
        else:
            found = [
                f"{number} {word}"
                for number, word in (
                    (self.moved, "moved"),
                    (self.added, "new"),
                    (self.changed, "with other values"),
                    (self.removed, "removed"),
                )
                if number
            ]
            parts.extend(found or ["nothing changed"])
        if self.refused:
            parts.append(f"{count(self.refused, 'row')} refused")
        return ", ".join(parts)


def update_economic_calendar(ctx: TaskContext, params: CalendarParams) -> CalendarResult:
    """Fetch the calendar, put it into what is known, and store it."""
    # The registry imports this module when the window opens; the readers are not needed before the first run.
    from workers.calendar.update import Updater, refuse_if_nothing_came

    settings = ctx.settings.calendar
    sources = (params.source,) if params.source else settings.sources
    if not sources:
        raise NothingToDo("The calendar has no source.", advice="Add one under Settings, Calendar.")
    order = params.date_order or (settings.date_order if settings.date_order != "auto" else "")
    updater = Updater(ctx, params.time_zone or settings.time_zone or "", order)
    outcomes = updater.run(sources)
    now = ctx.clock.now()
    result = _result(outcomes, updater, now)
    refuse_if_nothing_came(outcomes, updater.calendar, now, result.model_dump(mode="json"))
    _warn(ctx, outcomes)
    return result


def _warn(ctx: TaskContext, outcomes: list[Outcome]) -> None:
    """Tell of what does not cost the run."""
    from workers.calendar.update import problem_of

    for outcome in outcomes:
        shown = outcome.place.shown
        if outcome.error is not None:
            ctx.warn(problem_of(outcome))
        if outcome.parsed is None:
            continue
        for warning in outcome.parsed.warnings:
            ctx.warn(f"{shown}: {warning}.")
        if outcome.parsed.refused:
            first = outcome.parsed.refusals[0]
            rows = count(outcome.parsed.refused, "row")
            ctx.warn(f"{shown}: {rows} refused; {first.place}: {first.reason}.")
        for lost in outcome.merged.lost:
            ctx.warn(f"{shown}: {lost}.")
        if outcome.merged.cut:
            ctx.warn(f"{shown}: {outcome.merged.why}.")


def _result(outcomes: list[Outcome], updater: Updater, now: datetime) -> CalendarResult:
    from workers.calendar.query import following

    good = [outcome for outcome in outcomes if outcome.good]
    merged = [outcome.merged for outcome in good]
    coming = following(updater.calendar.events, now)
    entries = tuple(outcome.as_entry() for outcome in outcomes)
    return CalendarResult(
        events=sum(outcome.state.events for outcome in good),
        refused=sum(entry["refused"] for entry, outcome in zip(entries, outcomes, strict=True) if not outcome.early),
        added=sum(found.added for found in merged),
        removed=sum(found.removed for found in merged),
        moved=sum(found.moved for found in merged),
        changed=sum(found.changed for found in merged),
        unchanged=sum(outcome.unchanged for outcome in good),
        stored=len(updater.calendar.events),
        next_event=f"{coming.time:%Y-%m-%d %H:%M} UTC {coming.currency} {coming.title}" if coming else "",
        sources=entries,
    )
