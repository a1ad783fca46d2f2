"""What the commands have in common: exit codes, the error of a wrong command line, and what they hand to the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import UserAction

if TYPE_CHECKING:
    from app.cli_ideas import Work
    from app.cli_session import CommandSession
    from app.engine import Engine
    from app.paths import Paths
    from app.tasks import Registry

#: Exit codes; ``app.cli`` says when each is given.
OK, FAILED, USAGE, SKIPPED = 0, 1, 2, 3


class UsageError(UserAction):
    """The command line cannot be understood."""


@dataclass(frozen=True, slots=True)
class WindowStart:
    """What the window needs to come to life. It may paint itself before it calls ``start``.

    Attributes:
        session: The home with its settings.
        start: ``start(on_show, window_lag_ms) -> Engine`` takes the home and starts everything. ``on_show`` is called
            on any thread when a second start wants the window raised; ``window_lag_ms`` tells for how long the window
            was held. Raises ``MetronomeError``, and may be called again then.
        stop: Stops what ``start`` started; may be called without.
        minimized: Begin in the tray.
    """

    session: CommandSession
    start: Callable[[Callable[[], None], Callable[[], float]], Engine]
    stop: Callable[[], None]
    minimized: bool


@dataclass(frozen=True, slots=True)
class ScreenshotStart:
    """A picture of one page of the window."""

    session: CommandSession
    start: Callable[[Callable[[], None], Callable[[], float]], Engine]
    stop: Callable[[], None]
    page: str
    file: Path
    theme: str
    width: int
    height: int
    scale: float


@dataclass(frozen=True, slots=True)
class Wiring:
    """What ``main.py`` knows and this layer may not import: the tasks and the window."""

    registry: Callable[[], Registry]
    window: Callable[[WindowStart], int]
    screenshot: Callable[[ScreenshotStart], int]
    feeds: Callable[[Paths, str, Sequence[str]], dict[str, Any]] | None = None
    ideas: Work | None = None
    strategies: Callable[[Paths, str, Sequence[str]], dict[str, Any]] | None = None
