"""What the session needs to know to connect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from app.terminal.connection import CONNECT_LIMIT_S

_CHECK_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What the session needs to know.

    Attributes:
        path: Program of the terminal; empty for whichever runs.
        login, server: Account that has to be logged in; None and empty for any.
        call_timeout_s: Limit of a call for which the caller names none.
        connect_limit_s: Limit of ``initialize``.
        settle_s: A new connection has to hold this long before work goes over it.
        server_time: The server's clock: ``auto`` or the name of a rule.
        check_s: Pause between looks at an idle connection.
        first_pause_s: Pause before the first try to connect again; doubled with each, up to 10 s, or a minute
            when a try holds the window.
        password: Asked for right before a login, on the session's thread; never kept.
    """

    path: str = ""
    login: int | None = None
    server: str = ""
    call_timeout_s: float = 10.0
    connect_limit_s: float = CONNECT_LIMIT_S
    settle_s: float = 0.0
    server_time: str = "auto"
    check_s: float = _CHECK_S
    first_pause_s: float = 1.0
    password: Callable[[], str | None] = lambda: None


class MadeUpMarket(Protocol):
    """What a simulated market is made of: the seed of what is generated, the files that are replayed by symbol, and
    what is appended to every name.
    """

    @property
    def seed(self) -> int: ...
    @property
    def replay(self) -> Mapping[str, str]: ...
    @property
    def suffix(self) -> str: ...
