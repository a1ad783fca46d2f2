"""Connecting, checking and calling, on the session's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.clock import Clock
from app.errors import MetronomeError
from app.terminal.errors import CONNECTION_LOST, NOT_FOUND, UNEXPLAINED, TerminalBusy, error_for, unknown_symbol
from app.terminal.host import Host
from app.terminal.requests import CallRecord
from app.terminal.values import AccountInfo, SessionState, SessionStatus

_CONNECT_MS = 10_000
_NAMES_KEPT_S = 600.0
# Functions whose first argument is a symbol.
_ABOUT_SYMBOL = frozenset(
    {"symbol_info", "symbol_info_tick", "symbol_select", "copy_rates_from", "copy_rates_from_pos", "copy_rates_range"}
)
_LOGIN_ADVICE = "Log in to the right account in the terminal, or change terminal.login and terminal.server."


@dataclass(frozen=True, slots=True)
class Pinned:
    """The terminal and account that have to be found."""

    path: str
    login: int | None
    server: str

    def __bool__(self) -> bool:
        return self.login is not None or bool(self.server)


class Connection:
    """The module behind its host. Thread: the session's only.

    Attributes:
        lost: The last failed call showed that there is no connection any more.
    """

    def __init__(self, host: Host, pinned: Pinned, clock: Clock, record: CallRecord) -> None:
        self._host = host
        self._clock = clock
        self._record = record
        self.pinned = pinned
        self.lost = False
        self._known_names: tuple[float, tuple[str, ...]] | None = None

    def connect(self) -> SessionStatus:
        """Open the module and log on to the terminal; the status says how it went."""
        self._known_names = None
        try:
            self._host.open()
            args = (self.pinned.path,) if self.pinned.path else ()
            self.call("initialize", args, {"timeout": _CONNECT_MS})
            return self._inspect()
        except MetronomeError as error:
            return self.disconnected(error.message, error.advice)

    def check(self, status: SessionStatus) -> SessionStatus:
        """Look again at an open connection: is it alive, and is it still the right account?"""
        try:
            fresh = self._inspect()
        except TerminalBusy as error:
            if not self.lost:
                return status  # one slow answer is no lost connection
            return self.disconnected(error.message, error.advice)
        except MetronomeError as error:
            return self.disconnected(error.message, error.advice)
        return replace(fresh, since=status.since) if fresh.state is status.state else fresh

    def close(self) -> None:
        """Give up the connection."""
        try:
            self._host.call("shutdown")
        except MetronomeError:
            return  # it was never open

    def disconnected(self, reason: str, advice: str) -> SessionStatus:
        """The status without a connection."""
        return SessionStatus(
            SessionState.DISCONNECTED,
            self._clock.now(),
            reason=reason,
            advice=advice,
            simulated=self._host.simulated,
            market_note=self._host.note(),
        )

    def call(self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Call a function and turn its failure into an exception. Raises as ``Session.call``."""
        answer = self._timed(name, args, kwargs)
        if answer is not None and answer is not False:
            self.lost = False
            return answer
        code, text = self._host.call("last_error")
        self.lost = code in CONNECTION_LOST
        if code in (NOT_FOUND, UNEXPLAINED) and name in _ABOUT_SYMBOL and args:
            return self._about_symbol(name, args, kwargs, code, text)
        shown = f"{name}({', '.join(repr(item) for item in args[:3])})"
        raise error_for(shown, code, text)

    def _about_symbol(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None, code: int, text: str
    ) -> Any:
        """Tell an unknown symbol from one that is only missing in the Market Watch, and put that one there."""
        symbol = str(args[0])
        info = self._timed("symbol_info", (symbol,), None)
        if info is None:
            raise unknown_symbol(symbol, self._names())
        if not info["select"] and self._timed("symbol_select", (symbol, True), None):
            answer = self._timed(name, args, kwargs)
            if answer is not None and answer is not False:
                return answer
            code, text = self._host.call("last_error")
        raise error_for(f"{name}({symbol!r})", code, text)

    def _names(self) -> tuple[str, ...]:
        """All symbols. Listing thousands takes long, so the list of the last minutes will do for a hint."""
        now = self._clock.monotonic()
        if self._known_names is None or now - self._known_names[0] > _NAMES_KEPT_S:
            found = self._timed("symbols_get", (), None) or ()
            self._known_names = (now, tuple(item["name"] for item in found))
        return self._known_names[1]

    def _timed(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None) -> Any:
        began = self._clock.monotonic()
        answer = self._host.call(name, args, kwargs)
        seconds = self._clock.monotonic() - began
        if self._record.add(name, seconds):
            self._record.add_long(name, seconds, self._clock.now())
        return answer

    def _inspect(self) -> SessionStatus:
        terminal = self.call("terminal_info")
        if not terminal["connected"]:
            advice = "Look at the connection in the terminal's status bar; it connects again by itself."
            return self.disconnected("The terminal has no connection to its trade server.", advice)
        account = AccountInfo.from_struct(self.call("account_info"))
        status = SessionStatus(
            SessionState.CONNECTED,
            self._clock.now(),
            server=account.server,
            login=account.login,
            account_kind=account.kind,
            ping_ms=terminal["ping_last"] / 1000,
            simulated=self._host.simulated,
            market_note=self._host.note(),
        )
        wrong = self._wrong_account(account)
        if not wrong:
            return status
        return replace(status, state=SessionState.WRONG_ACCOUNT, reason=wrong, advice=_LOGIN_ADVICE)

    def _wrong_account(self, account: AccountInfo) -> str:
        login, server = self.pinned.login, self.pinned.server
        if (login is None or login == account.login) and (not server or server == account.server):
            return ""
        expected = f"{login or 'any account'} on {server or 'any server'}"
        return f"The terminal is logged in to account {account.login} on {account.server}; expected {expected}."
