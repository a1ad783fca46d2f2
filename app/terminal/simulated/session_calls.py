"""The connection: initialize, login, shutdown, version, terminal_info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.terminal.simulated import structs
from app.terminal.simulated.core import Core

SERVER = "Metronome-Simulated"
LOGIN = 5_000_001
MAX_BARS = 100_000
_BUILD = 5000
_PING_US = 1_000

# Kind and most characters of what can be given.
_KINDS: dict[str, tuple[type[Any], int]] = {
    "path": (str, 257),
    "login": (int, 0),
    "password": (str, 253),
    "server": (str, 253),
    "timeout": (int, 0),
    "portable": (int, 0),
}
_ORDINALS = ("1st", "2nd", "3rd")


class SessionCalls(Core):
    """Functions about the terminal itself."""

    def initialize(self, *args: Any, **kwargs: Any) -> bool:
        """Connect; see ``TerminalModule``. Unknown keywords are ignored, as in the genuine module."""
        refusal = _refusal(args, kwargs, ("path",))
        if refusal:
            return self._no(-2, refusal)
        self.faults.hang()
        path = args[0] if args else kwargs.get("path", "")
        if self.faults.not_running:
            what = f"Process create failed '{path}'" if path else "MetaTrader 5 x64 not found"
            self._connected = False
            return self._no(-10003, f"IPC initialize failed, {what}")
        if not _authorized(kwargs):
            self._connected = False
            return self._no(-6)
        self._connected = True
        return self._good(True)

    def login(self, *args: Any, **kwargs: Any) -> bool:
        """Log in to an account; the simulated server knows a single one."""
        names = ("login", "password", "server")
        refusal = _refusal(args, kwargs, names)
        if not refusal and not args and "login" not in kwargs:
            refusal = 'Invalid "login" argument'
        if refusal:
            return self._no(-2, refusal)
        if not self._ready():
            return False
        given = {**kwargs, **dict(zip(names, args, strict=False))}
        return self._good(True) if _authorized(given) else self._no(-6)

    def shutdown(self) -> bool:
        """Give up the connection."""
        self._connected = False
        return self._good(True)

    def version(self) -> tuple[int, int, str]:
        """Version, build and release date."""
        if not self._ready():
            return (0, 0, "")
        return self._good((500, _BUILD, "1 Jan 2025"))

    def terminal_info(self) -> structs.ModuleStruct | None:
        """State of the terminal."""
        if not self._ready():
            return None
        values = {
            "connected": not self.faults.offline,
            "trade_allowed": not self.faults.auto_trading_off,
            "tradeapi_disabled": self.faults.api_trading_off,
            "build": _BUILD,
            "maxbars": MAX_BARS,
            "codepage": 65_001,
            "ping_last": _PING_US,
            "company": "Metronome",
            "name": "Simulated terminal",
            "language": "English",
            "path": "simulated",
            "data_path": "simulated",
            "commondata_path": "simulated",
        }
        return self._good(structs.build(structs.TerminalInfo, values))


def _refusal(args: tuple[Any, ...], kwargs: Mapping[str, Any], positional: tuple[str, ...]) -> str:
    """Why arguments are refused; empty when they are not."""
    if len(args) > len(positional):
        return "Invalid number of arguments"
    for ordinal, name, value in zip(_ORDINALS, positional, args, strict=False):
        if not _fits(name, value):
            return f"Invalid {ordinal} unnamed argument"
    for name, value in kwargs.items():
        if not _fits(name, value):
            return f'Invalid "{name}" argument'
    return ""


def _fits(name: str, value: Any) -> bool:
    kind, most = _KINDS.get(name, (object, 0))
    return isinstance(value, kind) and not (most and len(value) > most)


def _authorized(given: Mapping[str, Any]) -> bool:
    """Whether the account that is asked for, if any, is the one that the server knows."""
    return given.get("login", LOGIN) == LOGIN and given.get("server", "") in ("", SERVER)
