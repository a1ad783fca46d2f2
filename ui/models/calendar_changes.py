"""What changed about an event of the calendar, in the few words that a column has room for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from ui import words
from ui.words import Look
from workers.calendar.values import Change

_FIELDS = {
    "forecast": "forecast",
    "previous": "previous",
    "impact": "impact",
    "title": "title",
    "all_day": "time",
    "tentative": "time",
}


def changes_look(changes: Collection[Change], when: datetime, *, removed: bool) -> Look | None:
    """All that changed about an event, a move first; None when nothing did.

    Args:
        changes: Oldest first.
        when: The time of the event now.
        removed: Its source took it away.
    """
    if removed:
        return Look("cancelled", "idle", words.tr("removed"))
    kinds = {change.kind: change for change in changes}
    values = _value_words(changes, moved="moved" in kinds)
    if "moved" in kinds:
        before = datetime.fromisoformat(kinds["moved"].before).astimezone()
        same_day = before.date() == when.astimezone().date()
        shown = f"{before:%H:%M}" if same_day else f"{before:%a %H:%M}"
        return Look("moved", "warning", _listed(words.tr("was at {t}").format(t=shown), *values))
    if "added" in kinds:
        return Look("added", "running", _listed(words.tr("new"), *values))
    return Look("refresh", "running", _listed(*values)) if values else None


def _listed(*parts: str) -> str:
    return ", ".join(parts)


def _value_words(changes: Collection[Change], *, moved: bool) -> tuple[str, ...]:
    """The newest change of each value, the newest first; a move tells of the time already."""
    newest: dict[str, str] = {}
    for change in reversed([change for change in changes if change.kind == "values"]):
        name = words.tr(_FIELDS.get(change.field, change.field))
        if name in newest or (moved and change.field in ("all_day", "tentative")):
            continue
        if change.field == "actual" and not change.before:
            newest[name] = words.tr("released")
            continue
        before = change.before if change.field in ("forecast", "previous", "actual", "impact") else ""
        # Once is enough for "was": the column is narrow.
        said = moved or any(found != words.tr("released") for found in newest.values())
        text = words.tr("{field} {t}") if said else words.tr("{field} was {t}")
        newest[name] = text.format(field=name, t=before or words.DASH)
    return tuple(newest.values())
