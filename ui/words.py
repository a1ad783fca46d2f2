"""How states, times and amounts read: every table, card and tooltip words them alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QCoreApplication

from app.runs import Run, RunState, Trigger

DASH = "\N{EM DASH}"
DOT = " \N{MIDDLE DOT} "
GAP = "\N{NO-BREAK SPACE}"


def tr(text: str) -> str:
    """``text`` in the user's language."""
    return QCoreApplication.translate("Metronome", text)


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown: an icon, a colour and always a word."""

    icon: str
    role: str
    word: str


_STATES = {
    RunState.QUEUED: ("queued", "idle", "Queued"),
    RunState.RUNNING: ("running", "running", "Running"),
    RunState.SUCCEEDED: ("succeeded", "ok", "Succeeded"),
    RunState.SUCCEEDED_WITH_WARNINGS: ("warning", "warning", "With warnings"),
    RunState.FAILED: ("failed", "error", "Failed"),
    RunState.CANCELLED: ("cancelled", "idle", "Cancelled"),
    RunState.TIMED_OUT: ("timed_out", "error", "Timed out"),
    RunState.SKIPPED: ("skipped", "idle", "Skipped"),
    RunState.MISSED: ("missed", "idle", "Missed"),
    RunState.INTERRUPTED: ("interrupted", "warning", "Interrupted"),
}
_TRIGGERS = {
    Trigger.SCHEDULE: "by the timetable",
    Trigger.MANUAL: "by hand",
    Trigger.CATCH_UP: "to catch up",
    Trigger.RETRY: "as another try",
    Trigger.REST: "over REST",
    Trigger.CLI: "from the command line",
    Trigger.STARTUP: "at the start",
}
_VERDICTS = {
    "ok": ("succeeded", "ok", "OK"),
    "warning": ("warning", "warning", "Warning"),
    "error": ("failed", "error", "Error"),
    "not_judged": ("skipped", "idle", "Not judged"),
    "unknown": ("skipped", "idle", "Unknown"),
}
NEVER_RUN = Look("skipped", "idle", "Not run yet")
ON_DEMAND = Look("skipped", "idle", "On demand")
OFF = Look("off", "idle", "Off")


def state_look(state: RunState) -> Look:
    """Icon, colour and word of a state."""
    icon, role, word = _STATES[state]
    return Look(icon, role, tr(word))


def run_look(run: Run) -> Look:
    """Icon, colour and word of a run; a running one tells how far it is, or that it is being stopped."""
    look = state_look(run.state)
    if run.cancelling and not run.state.is_final:
        return Look(look.icon, look.role, tr("Cancelling"))
    if run.state is RunState.RUNNING and run.progress and run.progress.total > 0:
        return Look(look.icon, look.role, f"{look.word} {run.progress.done}/{run.progress.total}")
    return look


def verdict_look(verdict: str) -> Look:
    """Icon, colour and word of the verdict of a health check; an unknown word stays visible as it is."""
    icon, role, word = _VERDICTS.get(verdict, ("skipped", "idle", verdict or "Unknown"))
    return Look(icon, role, tr(word))


def trigger_words(trigger: Trigger) -> str:
    """Who asked for the run."""
    return tr(_TRIGGERS[trigger])


def sentence(run: Run) -> str:
    """What a run has to say: its result, or why there is none."""
    if run.state is RunState.RUNNING:
        return run.progress.text if run.progress and run.progress.text else tr("At work")
    if run.state is RunState.QUEUED:
        return run.reason or tr("Waits for a free place in its queue")
    if run.state.is_success:
        # One warning is the news itself; of several the count is.
        if len(run.warnings) == 1 and run.warnings[0] not in run.summary:
            return joined(run.summary, run.warnings[0])
        return run.summary or tr("Done")
    return run.reason or run.summary or tr("No reason was recorded")


def joined(*parts: str) -> str:
    """The parts that say something, with a middle dot between them."""
    return DOT.join(part.rstrip(".") if len(parts) > 1 else part for part in parts if part)


def duration(seconds: float | None) -> str:
    """Elapsed time, for example ``0.04 s``, ``12.3 s``, ``4 min 10 s``."""
    if seconds is None:
        return DASH
    if seconds < 0.0995:
        return f"{seconds:.2f}{GAP}s" if seconds >= 0.005 else f"{seconds * 1000:.1f}{GAP}ms"
    if seconds < 100:
        return f"{seconds:.1f}{GAP}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes}{GAP}min {rest}{GAP}s"
    return f"{minutes // 60}{GAP}h {minutes % 60}{GAP}min"


def lateness(seconds: float | None) -> str:
    """Lateness, in milliseconds while it is small."""
    if seconds is None:
        return DASH
    return f"{seconds * 1000:.1f}{GAP}ms" if seconds < 0.1 else duration(seconds)


def countdown(left: timedelta) -> str:
    """Time until something: ``2:28`` below two hours, then ``15 h`` and ``5 d``."""
    seconds = round(left.total_seconds())
    if seconds <= 0:
        return tr("now")
    if seconds < 7200:
        return f"{seconds // 60}:{seconds % 60:02d}"
    if seconds < 48 * 3600:
        return f"{round(seconds / 3600)}{GAP}h"
    return f"{round(seconds / 86400)}{GAP}d"


def age(moment: datetime, now: datetime) -> str:
    """How long ago, coarsely enough to be read at a glance and to change seldom."""
    seconds = (now - moment).total_seconds()
    if seconds < 5:
        return tr("just now")
    if seconds < 60:
        return tr("{n} s ago").format(n=int(seconds // 5 * 5))
    if seconds < 3600:
        return tr("{n} min ago").format(n=int(seconds // 60))
    if seconds < 20 * 3600:
        return tr("{n} h ago").format(n=int(seconds // 3600))
    local, today = moment.astimezone(), now.astimezone()
    days = (today.date() - local.date()).days
    if days <= 1:
        return tr("yesterday")
    if days < 14:
        return tr("{n} days ago").format(n=days)
    return f"{local:%Y-%m-%d}"


def local_time(moment: datetime | None, now: datetime | None = None) -> str:
    """A time as the user's clock shows it; the date too unless it is today, the year when it is long ago."""
    if moment is None:
        return DASH
    local = moment.astimezone()
    if now is not None and local.date() == now.astimezone().date():
        return f"{local:%H:%M:%S}"
    if now is not None and abs((now - moment).days) < 300:
        return f"{local:%a %d %b %H:%M}"
    return f"{local:%Y-%m-%d %H:%M}"


def short_date(moment: datetime, now: datetime) -> str:
    """The day in UTC, as short as it is still clear; empty today."""
    day, today = moment.astimezone(UTC), now.astimezone(UTC)
    if day.date() == today.date():
        return ""
    return f"{day:%a} {day.day} {day:%b}" if abs((now - moment).days) < 300 else f"{day:%Y-%m-%d}"


def both_times(moment: datetime | None, broker: datetime | None = None) -> str:
    """Local time, broker time and UTC, for tooltips."""
    if moment is None:
        return ""
    lines = [tr("local {t}").format(t=f"{moment.astimezone():%a %Y-%m-%d %H:%M:%S}")]
    if broker is not None:
        lines.append(tr("broker {t}").format(t=f"{broker:%a %Y-%m-%d %H:%M:%S}"))
    lines.append(tr("UTC {t}").format(t=f"{moment:%a %Y-%m-%d %H:%M:%S}"))
    return "\n".join(lines)


def queue_title(queue: str) -> str:
    """``ai_evaluation`` as ``AI evaluation``."""
    text = queue.replace("_", " ").capitalize()
    return f"AI{text[2:]}" if queue.startswith("ai_") else text


def plural(count: int, one: str, many: str) -> str:
    """``1 run``, ``2 runs``, ``1,204 runs``."""
    return f"{count:,} {tr(one) if count == 1 else tr(many)}"
