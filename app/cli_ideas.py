"""The command ``ideas``: what was asked, at which time, and how the answer is printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app import ipc
from app.cli_text import idea_table, write, write_json
from app.cli_values import FAILED, OK, UsageError
from app.clock import Clock, RehearsalClock, SystemClock

if TYPE_CHECKING:
    from app.cli_session import CommandSession
    from app.paths import Paths


@dataclass(frozen=True, slots=True)
class IdeaOptions:
    """What an action on ideas goes by beside its values.

    Attributes:
        status: Only ideas in that state; empty: all.
        reason: Of a rejection.
        clock: The time at which it is decided: that of the process that has the home open.
        expires_bars: The setting ``strategies.idea_expires_bars``.
    """

    status: str = ""
    reason: str = ""
    clock: Clock = field(default_factory=SystemClock)
    expires_bars: int = 12


Work = Callable[["Paths", str, Sequence[str], IdeaOptions], Mapping[str, Any]]


def ideas(
    session: CommandSession,
    work: Work | None,
    action: str,
    values: Sequence[str],
    *,
    status: str = "",
    reason: str = "",
) -> int:
    """List trade ideas, decide on one, export them, make one again from its evidence, or check all.

    Returns:
        ``FAILED`` when one was touched or comes out otherwise.

    Raises:
        UsageError: an option does not go with the action, or this program has no ideas.
        UserAction: an id is missing or unknown, or the decision is refused.
        MetronomeError: files cannot be read or written.
    """
    if work is None:
        raise UsageError("This program has no trade ideas.")
    if status and action not in ("list", "export"):
        raise UsageError(f"--status does not go with ideas {action}.", advice="It goes with list and export.")
    if reason and action != "reject":
        raise UsageError(f"--reason does not go with ideas {action}.", advice="It goes with reject.")
    settings = session.settings.current
    options = IdeaOptions(status, reason, clock_of(session), settings.strategies.idea_expires_bars)
    answer = work(session.paths, action, values, options)
    if session.as_json:
        write_json(answer["ideas"] if action == "list" else answer)
    elif action == "list":
        idea_table(answer["ideas"])
    else:
        for text in (answer["message"], *answer.get("faults", ()), *answer.get("notes", ())):
            write(str(text))
    return OK if answer["ok"] else FAILED


def clock_of(session: CommandSession) -> Clock:
    """The clock by which ideas end: that of the process that has the home open, else the one that it would have.

    Raises:
        MetronomeError: that process does not answer.
    """
    from app.engine import clock_for

    try:
        return RehearsalClock(datetime.fromisoformat(session.ask_owner("time", {})["now"]))
    except ipc.NoOwner:
        return clock_for(session.settings.current)
