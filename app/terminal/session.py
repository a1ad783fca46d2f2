"""The session: the one owner of the terminal connection.

One thread makes all calls. A caller waits for its answer with a time limit; when a call hangs, the session says
so and refuses further calls at once until the hung one returns.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.clock import Clock
from app.errors import MetronomeError
from app.terminal.connection import Connection, Pinned
from app.terminal.errors import TerminalBusy, TerminalUnavailable, WrongAccount
from app.terminal.host import Host
from app.terminal.reading import Reading
from app.terminal.requests import CallRecord, CallTiming, LongCall, Request
from app.terminal.server_time import AUTO
from app.terminal.values import AccountInfo, SessionState, SessionStatus

log = logging.getLogger(__name__)

Listener = Callable[[SessionStatus], None]

_CHECK_S = 60.0
_LONGEST_PAUSE_S = 60.0
_CONNECT = "connect"
_CHECK = "check"
_STOP = "stop"
# Answers of the module that a caller can see; the session's own requests have no limit but this.
_OWN_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What the session needs to know.

    Attributes:
        path: Program of the terminal; empty for whichever runs.
        login, server: Account that has to be logged in; None and empty for any.
        call_timeout_s: Limit of a call for which the caller names none.
        server_time: The server's clock: ``auto`` or the name of a rule.
        check_s: Pause between looks at an idle connection.
        first_pause_s: Pause before the first try to connect again; doubled with each, up to a minute.
    """

    path: str = ""
    login: int | None = None
    server: str = ""
    call_timeout_s: float = 10.0
    server_time: str = "auto"
    check_s: float = _CHECK_S
    first_pause_s: float = 1.0


class Session(Reading):
    """The connection and all calls over it. The typed helpers (``tick``, ``rates`` ...) are in ``Reading``.

    Attributes:
        known_rule: Gives the clock that was learned of a server, or ``auto``; asked when a server is met, before
            anybody hears of the connection.

    Thread: every method may be called from any thread, but the window's thread should call none that waits.
    """

    def __init__(self, host: Host, options: SessionOptions, clock: Clock) -> None:
        super().__init__(options.server_time, clock)
        self._options = options
        self._record = CallRecord()
        self._connection = Connection(host, Pinned(options.path, options.login, options.server), clock, self._record)
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._listeners: tuple[Listener, ...] = ()
        self._state_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._current: Request | None = None
        self._before_hang: SessionStatus | None = None
        self._pause_s = 0.0
        self.known_rule: Callable[[str], str] = lambda _server: AUTO
        self._met = ""
        self._status = SessionStatus(
            SessionState.DISCONNECTED,
            clock.now(),
            reason="The terminal session has not been started.",
            simulated=host.simulated,
        )

    # What is known, without waiting.

    @property
    def status(self) -> SessionStatus:
        """The connection as it is now."""
        return self._status

    def timings(self) -> tuple[CallTiming, ...]:
        """Durations of all calls so far, by function."""
        return self._record.timings()

    def long_calls(self) -> tuple[LongCall, ...]:
        """The last calls that took longer than a window can stand still unnoticed."""
        return self._record.long_calls()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with each new status, on whichever thread it changes; returns how to stop that."""
        with self._state_lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._state_lock:
                self._listeners = tuple(other for other in self._listeners if other is not listener)

        return unsubscribe

    # Life.

    def start(self) -> None:
        """Begin to connect, in the background. A second start does nothing."""
        if self._thread is not None:
            return
        self._stopping = False
        self._publish(SessionStatus(SessionState.CONNECTING, self._clock.now(), simulated=self._status.simulated))
        self._requests.put(self._own(_CONNECT))
        # Daemon: a call that hangs for good must not keep the process from ending.
        self._thread = threading.Thread(target=self._serve, name="terminal-session", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Give up the connection and end the thread; False when a hung call kept it from ending in time."""
        thread = self._thread
        if thread is None:
            return True
        self._stopping = True
        self._requests.put(self._own(_STOP))
        thread.join(timeout_s)
        ended = not thread.is_alive()
        if ended:
            self._thread = None
        reason = "The terminal session has been stopped."
        self._publish(replace(self._status, state=SessionState.DISCONNECTED, since=self._clock.now(), reason=reason))
        return ended

    def ensure_connected(self, timeout_s: float = 10.0) -> SessionStatus:
        """Connect if need be, and look again whether the right account is logged in.

        Raises:
            TerminalUnavailable: There is no connection; the message says why.
            WrongAccount: Another account is logged in than the settings demand.
            TerminalBusy: It took longer than ``timeout_s``.
        """
        self._refuse_unless_started()
        self._refuse_when_hung()
        if self._status.state is SessionState.CONNECTED and not self._connection.pinned:
            return self._status
        self._submit(self._own(_CHECK if self._status.connected else _CONNECT), timeout_s)
        self._refuse_unless_connected()
        return self._status

    # Calls.

    def call(self, name: str, *args: Any, timeout_s: float | None = None, **kwargs: Any) -> Any:
        """Call a function of the module; structs come back as dicts.

        Raises:
            TerminalUnavailable: There is no connection, or an earlier call still hangs.
            TerminalBusy: No answer within ``timeout_s`` (default: the setting).
            UnknownSymbol: The terminal has no symbol of that name.
            MetronomeError: Whatever else ``last_error`` said; see ``app.terminal.errors``.
        """
        if self._status.state is not SessionState.CONNECTED:
            self._refuse_unless_started()
            if self._status.state is not SessionState.CONNECTING:
                self._refuse_unless_connected()
        limit_s = self._options.call_timeout_s if timeout_s is None else timeout_s
        return self._submit(Request(name, args, kwargs, limit_s), limit_s)

    def _submit(self, request: Request, timeout_s: float) -> Any:
        self._requests.put(request)
        if request.wait(timeout_s):
            return request.result()
        request.abandoned = True
        self._note_hang(request)
        raise TerminalBusy(
            f"The terminal did not answer {request.describe()} within {timeout_s:g} s.",
            advice="Metronome tries again; look whether a dialog is open in the terminal.",
        )

    def _own(self, name: str) -> Request:
        return Request(name, (), {}, _OWN_LIMIT_S)

    def _note_hang(self, waiting: Request) -> None:
        """A caller gave up: tell whether the session hangs, or was only busy with calls of others."""
        with self._state_lock:
            current = self._current
            if current is None or current.started is None or self._status.state is SessionState.NOT_ANSWERING:
                return
            seconds = self._clock.monotonic() - current.started
            if current is not waiting and seconds < current.limit_s:
                return
            self._before_hang = self._status
            reason = f"The terminal call {current.describe()} has not returned since it began."
            hung = replace(
                self._status,
                state=SessionState.NOT_ANSWERING,
                since=self._clock.now(),
                reason=reason,
                advice="Look whether a dialog is open in the terminal, or restart it.",
            )
            self._status = hung
        log.warning("terminal does not answer call=%s", current.describe())
        self._tell(hung)

    # Refusals.

    def _refuse_unless_started(self) -> None:
        if self._thread is None or self._stopping:
            msg = "The terminal session is not running."
            raise TerminalUnavailable(msg, advice="Start Metronome's engine.")

    def _refuse_when_hung(self) -> None:
        status = self._status
        if status.state is SessionState.NOT_ANSWERING:
            raise TerminalUnavailable(status.reason, advice=status.advice)

    def _refuse_unless_connected(self) -> None:
        status = self._status
        if status.state is SessionState.WRONG_ACCOUNT:
            raise WrongAccount(status.reason, advice=status.advice)
        if status.state is not SessionState.CONNECTED:
            raise TerminalUnavailable(status.reason or "The terminal is not connected.", advice=status.advice)

    # The session's thread.

    def _serve(self) -> None:
        while True:
            try:
                request = self._requests.get(timeout=self._idle_s())
            except queue.Empty:
                request = self._own(_CHECK if self._status.connected else _CONNECT)
            if request.name == _STOP:
                self._connection.close()
                self._drain()
                return
            if not request.abandoned:
                self._answer(request)

    def _answer(self, request: Request) -> None:
        request.started = self._clock.monotonic()
        self._current = request
        try:
            request.answer = self._perform(request)
        except BaseException as error:  # noqa: BLE001 - carried over to the caller, where it is raised
            request.error = error
        self._settle(request.error)
        if request.error is not None and not isinstance(request.error, MetronomeError):
            self._note_bug(request)
        request.finish()

    def _perform(self, request: Request) -> Any:
        if request.name == _CONNECT:
            return self._connect()
        if request.name == _CHECK:
            return self._publish(self._connection.check(self._status))
        if not self._status.connected and self._status.state is not SessionState.NOT_ANSWERING:
            self._refuse_unless_connected()
        return self._connection.call(request.name, request.args, request.kwargs)

    def _connect(self) -> None:
        if self._status.connected:
            return
        status = self._connection.connect()
        if status.connected:
            self._pause_s = 0.0
            log.info("terminal connected server=%s login=%s kind=%s", status.server, status.login, status.account_kind)
        else:
            self._pause_s = min(max(self._pause_s * 2, self._options.first_pause_s), _LONGEST_PAUSE_S)
        self._publish(status)

    def _settle(self, error: BaseException | None) -> None:
        """After a call: a hang is over, or the connection turned out to be lost."""
        with self._state_lock:
            self._current = None
            before, self._before_hang = self._before_hang, None
        if before is not None and self._status.state is SessionState.NOT_ANSWERING:
            self._publish(replace(before, since=self._clock.now()))
        if isinstance(error, MetronomeError) and self._connection.lost and self._status.connected:
            self._pause_s = self._options.first_pause_s
            self._publish(self._connection.disconnected(error.message, error.advice))

    def _note_bug(self, request: Request) -> None:
        """An error that nobody foresaw. In the session's own work nobody else may be waiting to hear of it."""
        if request.name not in (_CONNECT, _CHECK):
            return
        log.error("terminal %s failed", request.name, exc_info=request.error)
        reason = f"Connecting to the terminal failed: {type(request.error).__name__}: {request.error}."
        self._pause_s = _LONGEST_PAUSE_S
        self._publish(self._connection.disconnected(reason, "Please report this as a bug, with the log."))

    def _idle_s(self) -> float:
        return self._options.check_s if self._status.connected else max(self._pause_s, self._options.first_pause_s)

    def _drain(self) -> None:
        """Whoever still waits gets an answer."""
        while True:
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                return
            msg = f"The terminal session ended before the call {request.describe()}."
            request.error = TerminalUnavailable(msg, advice="Start Metronome's engine.")
            request.finish()

    def _publish(self, status: SessionStatus) -> None:
        if status.connected and status.server != self._met:
            self._met = status.server
            self.adopt_server_time(self.known_rule(status.server))
        with self._state_lock:
            changed = replace(status, since=self._status.since) != self._status
            if changed:
                same_state = status.state is self._status.state
                self._status = replace(status, since=self._status.since) if same_state else status
                status = self._status
        if changed:
            self._tell(status)

    def _tell(self, status: SessionStatus) -> None:
        for listener in self._listeners:
            try:
                listener(status)
            except Exception:
                # A listener's bug must not end the one thread that talks to the terminal.
                log.exception("terminal listener failed state=%s", status.state)

    # For Reading.

    def _invoke(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], timeout_s: float | None) -> Any:
        return self.call(name, *args, timeout_s=timeout_s, **kwargs)

    def account(self, timeout_s: float | None = None) -> AccountInfo:
        """The account that is logged in. Raises as ``call``."""
        return AccountInfo.from_struct(self.call("account_info", timeout_s=timeout_s))
