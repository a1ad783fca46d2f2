"""Trouble on demand: what settings, tests and rehearsals can make the simulated terminal do."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any


class Faults:
    """Switches of the simulated terminal; all off by default. May be set from any thread at any time.

    Attributes:
        not_running: ``initialize`` finds no terminal, and every other call finds no connection.
        offline: The terminal is up, but has lost the trade server: prices stand still, nothing can be traded.
        hang_s: Every call takes this long, or until it is set to 0.
        slow_s: Every call takes this long.
        error_code: Every call but ``initialize`` fails with this code of ``last_error()``.
        stale_s: The market stands still since so many seconds.
        zero_prices: Quotes have no prices, as before the first tick of a session.
        missing: Symbols that the server does not offer.
        late_history: The first request for bars of a symbol and timeframe gives None, the second too few.
        login: Another account than the usual one is logged in.
        trade_mode: Kind of that account: 0 demo, 1 contest, 2 real.
        auto_trading_off: The AutoTrading button is off: orders are refused with retcode 10027.
        api_trading_off: The terminal's option against trading through the API: ``order_send`` fails with code -8.
    """

    def __init__(self) -> None:
        self._waiting = threading.Event()
        self._hang_s = 0.0
        self._set_all_off()

    def _set_all_off(self) -> None:
        self.not_running = False
        self.offline = False
        self.slow_s = 0.0
        self.error_code = 0
        self.stale_s = 0.0
        self.zero_prices = False
        self.missing: frozenset[str] = frozenset()
        self.late_history = False
        self.login: int | None = None
        self.trade_mode = 0
        self.auto_trading_off = False
        self.api_trading_off = False

    def set(self, values: Mapping[str, Any]) -> None:
        """Set switches by their names.

        Raises:
            AttributeError: There is no such switch.
        """
        for name, value in values.items():
            getattr(self, name)
            setattr(self, name, value)

    @property
    def hang_s(self) -> float:
        """How long every call hangs."""
        return self._hang_s

    @hang_s.setter
    def hang_s(self, seconds: float) -> None:
        self._hang_s = seconds
        if seconds <= 0:
            waiting, self._waiting = self._waiting, threading.Event()
            waiting.set()

    def hang(self) -> None:
        """Wait as long as ``hang_s`` and ``slow_s`` say; the end of the hang ends both."""
        seconds = self._hang_s + self.slow_s
        if seconds > 0:
            self._waiting.wait(seconds)

    def release(self) -> None:
        """End the hang, for the call that waits and for all later ones."""
        self.hang_s = 0.0

    def clear(self) -> None:
        """Everything works again."""
        self.release()
        self._set_all_off()
