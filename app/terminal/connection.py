"""Connecting, checking and calling, on the session's thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PureWindowsPath
from typing import Any, Final

from app.clock import Clock
from app.errors import MetronomeError
from app.terminal.call_words import asked_for
from app.terminal.errors import (
    CONNECTION_LOST,
    NOT_FOUND,
    UNEXPLAINED,
    HostDied,
    HostHung,
    TerminalBusy,
    TerminalSilent,
    error_for,
    unknown_symbol,
)
from app.terminal.host import Host
from app.terminal.requests import CallRecord, LongCall
from app.terminal.structs import one_by_one
from app.terminal.values import AccountInfo, SessionState, SessionStatus

log = logging.getLogger(__name__)

_CONNECT_MS: Final = 10_000
#: The module's own time-out does not bound the start of a program, nor a pipe that never answers.
CONNECT_LIMIT_S: Final = 15.0
_NAMES_KEPT_S: Final = 600.0
_LOOK_S: Final = 0.25
_LOOKS: Final = 20
# Functions whose first argument is a symbol.
_ABOUT_SYMBOL = frozenset(
    {
        "symbol_info",
        "symbol_info_tick",
        "symbol_select",
        "copy_rates_from",
        "copy_rates_from_pos",
        "copy_rates_range",
        "copy_ticks_from",
        "copy_ticks_range",
        "market_book_add",
    }
)
_LOGIN_ADVICE = "Log in to the right account in the terminal, or change terminal.login and terminal.server."
_PROGRAM_ADVICE = "Close the other terminal, or change terminal.path."
_HOST_ADVICE = "Set terminal.host to child, so that a slow terminal cannot hold the window."


@dataclass(frozen=True, slots=True)
class Pinned:
    """The terminal and account that have to be found."""

    path: str
    login: int | None
    server: str

    def __bool__(self) -> bool:
        return self.login is not None or bool(self.server) or bool(self.path)


@dataclass(frozen=True, slots=True)
class Manner:
    """How to connect.

    Attributes:
        call_limit_s: Limit of the connection's own calls, besides ``initialize``.
        connect_limit_s: Limit of ``initialize``.
        settle_s: A new connection has to hold this long before work goes over it.
        password: Asked for right before a login; None when there is none.
        pause: Waits so many seconds; True when the session ends meanwhile.
    """

    call_limit_s: float
    connect_limit_s: float
    settle_s: float
    password: Callable[[], str | None]
    pause: Callable[[float], bool]


class Connection:
    """The module behind its host. Thread: the session's only.

    Attributes:
        lost: The last failed call showed that there is no connection any more.
    """

    def __init__(self, host: Host, pinned: Pinned, manner: Manner, clock: Clock, record: CallRecord) -> None:
        self.host = host
        self.pinned = pinned
        self.lost = False
        self._bad_looks = 0
        self._manner = manner
        self._clock = clock
        self._record = record
        self._known_names: tuple[float, tuple[str, ...]] | None = None

    def connect(self) -> SessionStatus:
        """Open the module and log on to the terminal; the status says how it went."""
        self._known_names = None
        try:
            self.host.open()
            self._log_on()
            self._bad_looks = 0
            return self._settled()
        except MetronomeError as error:
            return self.failed(error)

    def check(self, status: SessionStatus) -> SessionStatus:
        """Look again at an open connection: is it alive, and is it still the right account?"""
        try:
            fresh = self._inspect()
        except (HostHung, HostDied) as error:
            return self.failed(error)
        except TerminalBusy as error:
            # One slow answer is no lost connection, two in a row are.
            self._bad_looks += 1
            return self.failed(error) if self.lost or self._bad_looks > 1 else status
        except MetronomeError as error:
            return self.failed(error)
        self._bad_looks = 0
        return replace(fresh, since=status.since) if fresh.state is status.state else fresh

    def close(self) -> None:
        """Give up the connection and the host."""
        try:
            self.host.call("shutdown", limit_s=1.0)
        except MetronomeError:
            log.debug("there was no connection to give up")
        self.host.close()

    def failed(self, error: MetronomeError) -> SessionStatus:
        """The status after this error."""
        silent = isinstance(error, (HostHung, TerminalSilent))
        return self.unconnected(
            SessionState.NOT_ANSWERING if silent else SessionState.DISCONNECTED, error.message, error.advice
        )

    def unconnected(self, state: SessionState, reason: str = "", advice: str = "") -> SessionStatus:
        """The status without a connection."""
        return SessionStatus(
            state,
            self._clock.now(),
            reason=reason,
            advice=advice,
            simulated=self.host.simulated,
            market_note=self._note(),
            host=self.host.kind,
        )

    def call(
        self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, limit_s: float | None = None
    ) -> Any:
        """Call a function and turn its failure into an exception. Raises as ``Session.call``."""
        limit_s = self._manner.call_limit_s if limit_s is None else limit_s
        try:
            return self._call(name, args, kwargs, limit_s)
        except (HostHung, HostDied):
            self.lost = True
            raise

    def _call(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None, limit_s: float) -> Any:
        answer = self._timed(name, args, kwargs, limit_s)
        if answer is not None and answer is not False:
            self.lost = False
            return answer
        code, text = self.host.last_error
        self.lost = code in CONNECTION_LOST
        if code in (NOT_FOUND, UNEXPLAINED) and name in _ABOUT_SYMBOL and args:
            return self._about_symbol(name, args, kwargs, limit_s)
        raise error_for(asked_for(name, args), code, text)

    def _about_symbol(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None, limit_s: float) -> Any:
        """Tell an unknown symbol from one that is only missing in the Market Watch, and put that one there."""
        symbol = str(args[0])
        code, text = self.host.last_error
        info = self._timed("symbol_info", (symbol,), None, limit_s)
        if info is None and self.host.last_error[0] == NOT_FOUND:
            names = self._names(limit_s)
            if names is not None:
                raise unknown_symbol(symbol, names)
        if info is not None and not info["select"] and self._timed("symbol_select", (symbol, True), None, limit_s):
            answer = self._timed(name, args, kwargs, limit_s)
            if answer is not None and answer is not False:
                return answer
            code, text = self.host.last_error
        raise error_for(asked_for(name, args), code, text)

    def _names(self, limit_s: float) -> tuple[str, ...] | None:
        """All symbols, None when they cannot be had; a list of the last minutes will do for a hint."""
        now = self._clock.monotonic()
        if self._known_names is None or now - self._known_names[0] > _NAMES_KEPT_S:
            answer = self._timed("symbols_get", (), None, limit_s)
            if answer is None:
                return None
            found = one_by_one(answer)
            del answer
            self._known_names = (now, tuple(item["name"] for item in found))
        return self._known_names[1]

    def _timed(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None, limit_s: float) -> Any:
        began, outcome = self._clock.monotonic(), "ok"
        try:
            answer = self.host.call(name, args, kwargs, limit_s)
        except MetronomeError as error:
            outcome = type(error).__name__
            raise
        else:
            outcome = "none" if answer is None else "ok"
            return answer
        finally:
            seconds = self._clock.monotonic() - began
            if self._record.add(name, seconds, outcome):
                self._note_long(name, seconds)

    def _note_long(self, name: str, seconds: float) -> None:
        held = self.host.holds_window
        self._record.add_long(LongCall(name, seconds, self._clock.now(), held))
        if held:
            log.warning("terminal call held the window call=%s seconds=%.2f. %s", name, seconds, _HOST_ADVICE)

    def _log_on(self) -> None:
        args = (self.pinned.path,) if self.pinned.path else ()
        kwargs: dict[str, Any] = {"timeout": _CONNECT_MS}
        password = self._manner.password() if self.pinned.login is not None else None
        if password:
            kwargs |= {"login": self.pinned.login, "password": password}
            if self.pinned.server:
                kwargs["server"] = self.pinned.server
        self.call("initialize", args, kwargs, self._manner.connect_limit_s)

    def _settled(self) -> SessionStatus:
        """Look at a new connection until it has held for ``settle_s``: a terminal that starts has no account yet."""
        needed = round(self._manner.settle_s / _LOOK_S)
        status = self._inspect()
        held = 0
        for _ in range(needed + _LOOKS if needed else 0):
            if held >= needed or status.state is SessionState.WRONG_ACCOUNT or self._manner.pause(_LOOK_S):
                break
            before, status = status, self._inspect()
            same = (before.login, before.server) == (status.login, status.server)
            held = held + 1 if status.connected and same else 0
        return status

    def _note(self) -> str:
        try:
            return self.host.note()
        except MetronomeError:
            return ""  # its process is gone

    def _inspect(self) -> SessionStatus:
        terminal = self.call("terminal_info")
        if not terminal["connected"]:
            return self.unconnected(
                SessionState.DISCONNECTED,
                "The terminal has no connection to its trade server.",
                "Look at the connection in the terminal's status bar; it connects again by itself.",
            )
        account = AccountInfo.from_struct(self.call("account_info"))
        status = SessionStatus(
            SessionState.CONNECTED,
            self._clock.now(),
            server=account.server,
            login=account.login,
            account_kind=account.kind,
            ping_ms=terminal["ping_last"] / 1000,
            simulated=self.host.simulated,
            market_note=self.host.note(),
            host=self.host.kind,
            program=terminal["path"],
            trade_allowed=bool(terminal["trade_allowed"] and not terminal["tradeapi_disabled"]),
        )
        for wrong, advice in (
            (self._wrong_program(terminal["path"]), _PROGRAM_ADVICE),
            (self._wrong_account(account), _LOGIN_ADVICE),
        ):
            if wrong:
                return replace(status, state=SessionState.WRONG_ACCOUNT, reason=wrong, advice=advice)
        return status

    def _wrong_account(self, account: AccountInfo) -> str:
        login, server = self.pinned.login, self.pinned.server
        if (login is None or login == account.login) and (not server or server == account.server):
            return ""
        expected = f"{login or 'any account'} on {server or 'any server'}"
        return f"The terminal is logged in to account {account.login} on {account.server}; expected {expected}."

    def _wrong_program(self, folder: str) -> str:
        """Reports tell of connections that crossed between terminals: is it the one that was asked for?"""
        if not self.pinned.path or PureWindowsPath(folder) == PureWindowsPath(self.pinned.path).parent:
            return ""
        return f"The terminal in {folder} answers; expected {self.pinned.path}."
