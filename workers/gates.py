"""Preconditions of tasks. A task whose gate is closed is skipped with the reason, it does not fail."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import Blocked, MetronomeError
from app.tasks import OPEN, GateAnswer, TaskContext


@dataclass(frozen=True, slots=True)
class TerminalConnected:
    """Open when the terminal is connected; asks the session to connect when it is not.

    The session is asked before every run: it also looks again whether the right account is logged in.

    Attributes:
        wait_s: Longest wait for a connection.
    """

    wait_s: float = 10.0

    def check(self, ctx: TaskContext) -> GateAnswer:
        try:
            ctx.terminal.ensure_connected(self.wait_s)
        except MetronomeError as error:
            until = error.until if isinstance(error, Blocked) else None
            return GateAnswer(blocked=True, reason=error.message, until=until, advice=error.advice)
        return OPEN
