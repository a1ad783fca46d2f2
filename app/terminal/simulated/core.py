"""What all functions of the simulated module share: the market, the connection, ``last_error`` and the faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from app.terminal.constants import ModuleConstants
from app.terminal.simulated import arguments
from app.terminal.simulated.arguments import INVALID, Refused
from app.terminal.simulated.faults import Faults
from app.terminal.simulated.market import Market

_T = TypeVar("_T")

ERROR_TEXTS = {
    1: "Success",
    -1: "Terminal: Call failed",
    -2: INVALID,
    -3: "Terminal: Out of memory",
    -4: "Terminal: Not found",
    -5: "Terminal: Incompatible versions, please install the latest version of Terminal and Python module",
    -6: "Terminal: Authorization failed",
    -7: "Terminal: Unsupported function",
    -8: "Auto-Trading using Python API disabled in Terminal",
    -10000: "IPC call failed",
    -10001: "IPC send failed",
    -10002: "IPC recv failed",
    -10003: "IPC initialize failed, MetaTrader 5 x64 not found",
    -10004: "No IPC connection",
    -10005: "IPC timeout",
}


class Core(ModuleConstants):
    """State of the module. Thread: one thread only; ``faults`` may be set from any."""

    def __init__(self, market: Market) -> None:
        self.faults = Faults()
        self._market = market
        self._selected = set(market.shown)
        self._connected = False
        self._error: tuple[int, str] = (0, "")
        self._offline_s: float | None = None

    def note(self) -> str:
        """What is replayed and what is made up."""
        return self._market.note()

    def last_error(self) -> tuple[int, str]:
        """Code and text of the last call."""
        return self._error

    def _ready(self, code: int = -10004) -> bool:
        """Whether a call can be answered; else ``last_error`` says why not."""
        self.faults.hang()
        if self.faults.not_running:
            self._connected = False
        if not self._connected:
            self._fail(code)
        elif self.faults.error_code:
            self._fail(self.faults.error_code)
        else:
            return True
        return False

    def _seen_s(self) -> float:
        """The instant of the newest prices that the terminal has, in UTC epoch seconds."""
        now = self._market.utc_s()
        if not self.faults.offline:
            self._offline_s = None
        elif self._offline_s is None:
            self._offline_s = now
        else:
            now = self._offline_s
        return now - self.faults.stale_s

    def _now(self) -> int:
        """That instant in ms on the server's clock."""
        return self._market.server_msc(self._seen_s())

    def _known(self, name: str) -> bool:
        return name in self._market and name not in self.faults.missing

    def _names(self) -> tuple[str, ...]:
        missing = self.faults.missing
        return tuple(name for name in self._market.names if name not in missing) if missing else self._market.names

    def _about(self, args: tuple[Any, ...], give: Callable[[str], Any]) -> Any:
        """Answer a call with a symbol as its only argument; None from ``give`` means that there is nothing."""
        try:
            name = arguments.symbol_name(*arguments.only(args, 1))
        except Refused as refused:
            self._fail(-2, str(refused))
            return None
        if not self._ready():
            return None
        answer = give(name) if self._known(name) else None
        if answer is None:
            self._fail(-4)
            return None
        return self._good(answer)

    def _checked(self, args: tuple[Any, ...], checks: tuple[Callable[[Any], Any], ...]) -> list[Any] | None:
        """The arguments as their checks give them; None when one is refused.

        Raises:
            SystemError: One is of a kind over which the extension stumbles.
        """
        try:
            given = arguments.only(args, len(checks))
            return [check(value) for check, value in zip(checks, given, strict=True)]
        except Refused as refused:
            self._fail(-2, str(refused))
            return None
        except SystemError as error:
            if isinstance(error.__cause__, TypeError):
                self._error = (-2, INVALID)
            raise

    def _good(self, value: _T) -> _T:
        self._error = (1, ERROR_TEXTS[1])
        return value

    def _no(self, code: int, text: str = "") -> bool:
        self._fail(code, text)
        return False

    def _fail(self, code: int, text: str = "") -> None:
        self._error = (code, text or ERROR_TEXTS.get(code, "Terminal: Call failed"))
