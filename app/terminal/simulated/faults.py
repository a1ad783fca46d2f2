"""Trouble on demand: what tests and rehearsals can make the simulated terminal do."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Faults:
    """Switches of the simulated terminal; all off by default. May be set from any thread at any time.

    Attributes:
        not_running: ``initialize`` finds no terminal, and every other call finds no connection.
        offline: The terminal is up, but has lost the trade server.
        hang_s: Every call takes this long, or until ``release`` is called.
        error_code: Every call but ``initialize`` fails with this code of ``last_error()``.
        stale_s: The market stands still since so many seconds.
        zero_prices: Quotes have no prices, as before the first tick of a session.
        missing: Symbols that the server does not offer.
        login: Another account than the usual one is logged in.
        trade_mode: Kind of that account: 0 demo, 1 contest, 2 real.
    """

    not_running: bool = False
    offline: bool = False
    hang_s: float = 0.0
    error_code: int = 0
    stale_s: float = 0.0
    zero_prices: bool = False
    missing: frozenset[str] = frozenset()
    login: int | None = None
    trade_mode: int = 0
    _released: threading.Event = field(default_factory=threading.Event)

    def hang(self) -> None:
        """Wait as long as ``hang_s`` says, unless released."""
        if self.hang_s > 0:
            self._released.wait(self.hang_s)

    def release(self) -> None:
        """End the hang, for the call that waits and for all later ones."""
        self.hang_s = 0.0
        self._released.set()

    def clear(self) -> None:
        """Everything works again."""
        self.release()
        self.not_running = self.offline = self.zero_prices = False
        self.error_code = self.trade_mode = 0
        self.stale_s = 0.0
        self.missing = frozenset()
        self.login = None
        self._released = threading.Event()
