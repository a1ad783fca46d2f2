"""The session: the one owner of the terminal connection.

One thread makes all calls. A caller waits for its answer with a time limit; when a call hangs, the session says
so and refuses further calls at once: until the hung one returns (host ``in_process``), or until its process has been
ended and another one has connected (host ``child``).
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from app.clock import Clock
from app.errors import MetronomeError
from app.terminal.board import Listener, StatusBoard
from app.terminal.connection import Connection, Manner, Pinned
from app.terminal.dealing import Dealing
from app.terminal.errors import HostHung, TerminalBusy, TerminalUnavailable, WrongAccount
from app.terminal.host import Host
from app.terminal.options import MadeUpMarket
from app.terminal.options import SessionOptions as SessionOptions
from app.terminal.outages import Outage, OutageLog
from app.terminal.requests import CallRecord, CallTiming, LongCall, Request
from app.terminal.server_time import AUTO
from app.terminal.values import AccountInfo, SessionState, SessionStatus

log = logging.getLogger(__name__)

_LONGEST_PAUSE_S: Final = 60.0
_LONGEST_CHEAP_PAUSE_S: Final = 10.0
#: A try to connect that took longer is not made again for a caller before its pause is over.
_COSTLY_S: Final = 1.0
_CONNECT, _CHECK, _RECONNECT, _USE, _STOP = "connect", "check", "reconnect", "use", "stop"
_OWN: Final = frozenset({_CONNECT, _CHECK, _RECONNECT, _USE})


class Session(Dealing):
    """The connection and all calls over it. The typed helpers are in ``Reading`` and ``Dealing``.

    Attributes:
        made_up: What the simulated market is made of. It is that of the start: later settings take effect at the next.
        known_rule: Gives the clock that was learned of a server, or ``auto``; asked when a server is met, before
            anybody hears of the connection.

    Thread: every method may be called from any thread, but the window's thread should call none that waits.
    """

    def __init__(self, host: Host, options: SessionOptions, clock: Clock, outages: OutageLog | None = None) -> None:
        super().__init__(options.server_time, clock)
        self._options = options
        self._record = CallRecord()
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._hang_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._current: Request | None = None
        self._before_hang: SessionStatus | None = None
        self._pause_s = 0.0
        self.made_up: MadeUpMarket | None = None
        self.known_rule: Callable[[str], str] = lambda _server: AUTO
        self._met = ""
        self._not_before = 0.0
        self._connection = self._connection_over(host, options)
        first = self._connection.unconnected(SessionState.DISCONNECTED, "The terminal session has not been started.")
        self._board = StatusBoard(first, clock, outages or OutageLog())

    # What is known, without waiting.

    @property
    def status(self) -> SessionStatus:
        """The connection as it is now."""
        return self._board.current

    def timings(self) -> tuple[CallTiming, ...]:
        """Durations of all calls so far, by function."""
        return self._record.timings()

    def long_calls(self) -> tuple[LongCall, ...]:
        """The last calls that took longer than a window can stand still unnoticed."""
        return self._record.long_calls()

    def on_call(self, listener: Callable[[str, float, str], None]) -> None:
        """Tell ``listener`` of every call from now on (see ``CallRecord``), on the session's own thread."""
        self._record.on_call = listener

    def outages(self) -> tuple[Outage, ...]:
        """The last times without a terminal, oldest first; reads a file at the first use."""
        return self._board.outages()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with each new status, on whichever thread it changes; returns how to stop that."""
        return self._board.subscribe(listener)

    # Life.

    def start(self) -> None:
        """Begin to connect, in the background. A second start does nothing."""
        if self._thread is not None:
            return
        self._ending.clear()
        self._board.publish(self._connection.unconnected(SessionState.CONNECTING))
        self._requests.put(self._own(_CONNECT))
        # Daemon: a call that hangs for good must not keep the process from ending.
        self._thread = threading.Thread(target=self._serve, name="terminal-session", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Give up the connection and end the thread; False when a hung call kept it from ending in time."""
        thread = self._thread
        if thread is None:
            return True
        self._ending.set()
        self._requests.put(self._own(_STOP))
        thread.join(timeout_s / 2)
        if thread.is_alive():
            self._connection.host.abort()
            thread.join(timeout_s / 2)
        ended = not thread.is_alive()
        if ended:
            self._thread = None
        reason = "The terminal session has been stopped."
        self._board.end(
            replace(self.status, state=SessionState.DISCONNECTED, since=self._clock.now(), reason=reason, advice="")
        )
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
        if self.status.connected:
            self._submit(self._own(_CHECK), min(timeout_s, self._options.call_timeout_s))
        else:
            self._submit(self._own(_CONNECT), timeout_s)
        self._refuse_unless_connected()
        return self.status

    def look(self, timeout_s: float = 2.0) -> SessionStatus:
        """The status after a fresh look at an open connection; never connects and never raises.

        While the session connects, its outcome is waited for.
        """
        waits = self.status.connected or self.status.state is SessionState.CONNECTING
        if waits and self._thread is not None:
            try:
                self._submit(self._own(_CHECK), timeout_s)
            except MetronomeError as error:
                log.debug("the look at the terminal came to nothing: %s", error.message)
        return self.status

    def reconnect(self) -> None:
        """Give up the connection, with the process that holds it, and connect anew; does not wait."""
        self._requests.put(self._own(_RECONNECT))

    def use(self, host: Host, options: SessionOptions) -> None:
        """Go over to another host or account: connect anew as these options say, once a call under way has ended.

        The server's clock stays as it is. Does not wait.
        """
        self._requests.put(Request(_USE, (host, options), {}, options.connect_limit_s))

    def set_call_limit(self, seconds: float) -> None:
        """Change the limit of calls for which the caller names none."""
        self._options = replace(self._options, call_timeout_s=seconds)

    def set_faults(self, **faults: Any) -> None:
        """Set faults of the simulated terminal by name (``app.terminal.simulated.Faults``), in either host.

        They hold from the next call on and for each later process; does not wait.

        Raises:
            AttributeError: There is no such fault, or the terminal is the genuine one.
        """
        self._connection.host.set_faults(faults)

    # Calls.

    def call(self, name: str, *args: Any, timeout_s: float | None = None, **kwargs: Any) -> Any:
        """Call a function of the module; structs come back as dicts.

        Raises:
            TerminalUnavailable: There is no connection, or an earlier call still hangs.
            TerminalBusy: No answer within ``timeout_s`` (default: the setting).
            UnknownSymbol: The terminal has no symbol of that name.
            MetronomeError: Whatever else ``last_error`` said; see ``app.terminal.errors``.
        """
        if not self.status.connected:
            self._refuse_unless_started()
            if self.status.state is not SessionState.CONNECTING:
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
            f"The terminal did not answer within {timeout_s:g} s when it was asked for {request.describe()}.",
            advice="Metronome tries again; look whether a dialog is open in the terminal.",
        )

    def _own(self, name: str) -> Request:
        return Request(name, (), {}, self._options.connect_limit_s)

    def _note_hang(self, waiting: Request) -> None:
        """A caller gave up: tell whether the session hangs, or was only busy with calls of others."""
        with self._hang_lock:
            current, status = self._current, self.status
            if current is None or current.started is None or status.state is SessionState.NOT_ANSWERING:
                return
            seconds = self._clock.monotonic() - current.started
            if current is not waiting and seconds < current.limit_s:
                return
            self._before_hang = status
            hung = replace(
                status,
                state=SessionState.NOT_ANSWERING,
                since=self._clock.now(),
                reason=f"The terminal has not answered since it was asked for {current.describe()}.",
                advice="Look whether a dialog is open in the terminal, or restart it.",
            )
            self._board.post(hung)
        log.warning("terminal does not answer call=%s", current.name)
        self._board.tell()

    # Refusals.

    def _refuse_unless_started(self) -> None:
        if self._thread is None or self._ending.is_set():
            msg = "The terminal session is not running."
            raise TerminalUnavailable(msg, advice="Start Metronome's engine.")

    def _refuse_when_hung(self) -> None:
        status = self.status
        if status.state is SessionState.NOT_ANSWERING and self._before_hang is not None:
            raise TerminalUnavailable(status.reason, advice=status.advice)

    def _refuse_unless_connected(self) -> None:
        status = self.status
        if status.state is SessionState.WRONG_ACCOUNT:
            raise WrongAccount(status.reason, advice=status.advice)
        if not status.connected:
            raise TerminalUnavailable(status.reason or "The terminal is not connected.", advice=status.advice)

    # The session's thread.

    def _serve(self) -> None:
        while True:
            try:
                request = self._requests.get(timeout=self._idle_s())
            except queue.Empty:
                request = self._own(_CHECK if self.status.connected else _CONNECT)
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
            return self._check()
        if request.name in (_RECONNECT, _USE):
            return self._begin_anew(*request.args)
        self._refuse_unless_connected()
        return self._connection.call(request.name, request.args, request.kwargs, request.limit_s)

    def _check(self) -> None:
        status = self.status
        if status.connected or status.state is SessionState.WRONG_ACCOUNT:
            self._publish(self._connection.check(status))

    def _connect(self) -> None:
        began = self._clock.monotonic()
        if self.status.connected or began < self._not_before:
            return
        status = self._connection.connect()
        if status.connected:
            self._pause_s = 0.0
            log.info("terminal connected server=%s login=%s kind=%s", status.server, status.login, status.account_kind)
        else:
            ended = self._clock.monotonic()
            costly = ended - began > _COSTLY_S
            # A try that stops the window is made seldom, one that costs nothing often.
            longest = _LONGEST_PAUSE_S if costly and self._connection.host.holds_window else _LONGEST_CHEAP_PAUSE_S
            self._pause_s = min(max(self._pause_s * 2, self._options.first_pause_s), longest)
            self._not_before = ended + self._pause_s if costly else 0.0
        self._publish(status)

    def _publish(self, status: SessionStatus) -> None:
        """Recall the clock of a server that is met, then say that it is there."""
        if status.connected and status.server != self._met:
            self._met = status.server
            self._server_clock.meet(self.known_rule(status.server))
        self._board.publish(status)

    def _begin_anew(self, host: Host | None = None, options: SessionOptions | None = None) -> None:
        self._connection.close()
        if host is not None and options is not None:
            self._options = options
            self._connection = self._connection_over(host, options)
            log.info("terminal host=%s", host.kind)
        self._pause_s = self._not_before = 0.0
        self._board.publish(self._connection.unconnected(SessionState.CONNECTING))
        self._connect()

    def _connection_over(self, host: Host, options: SessionOptions) -> Connection:
        manner = Manner(
            options.call_timeout_s, options.connect_limit_s, options.settle_s, options.password, self._ending.wait
        )
        pinned = Pinned(options.path, options.login, options.server)
        return Connection(host, pinned, manner, self._clock, self._record)

    def _settle(self, error: BaseException | None) -> None:
        """After a call: a hang is over, or the connection turned out to be lost."""
        with self._hang_lock:
            self._current = None
            before, self._before_hang = self._before_hang, None
        if self._connection.lost:
            # A look or a connect that failed has published why; a call raised it.
            if not isinstance(error, MetronomeError) or self._ending.is_set():
                return
            if self.status.connected or isinstance(error, HostHung) or before is not None:
                self._pause_s = self._options.first_pause_s
                self._board.publish(self._connection.failed(error))
        elif before is not None and self.status.state is SessionState.NOT_ANSWERING:
            self._board.publish(replace(before, since=self._clock.now()))

    def _note_bug(self, request: Request) -> None:
        """An error that nobody foresaw. In the session's own work nobody else may be waiting to hear of it."""
        if request.name not in _OWN:
            return
        log.error("terminal %s failed", request.name, exc_info=request.error)
        reason = f"Connecting to the terminal failed: {type(request.error).__name__}: {request.error}."
        self._pause_s = _LONGEST_PAUSE_S
        self._board.publish(
            self._connection.unconnected(
                SessionState.DISCONNECTED, reason, "Please report this as a bug, with the log."
            )
        )

    def _idle_s(self) -> float:
        return self._options.check_s if self.status.connected else max(self._pause_s, self._options.first_pause_s)

    def _drain(self) -> None:
        """Whoever still waits gets an answer."""
        while True:
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                return
            msg = f"The connection to the terminal was given up before it was asked for {request.describe()}."
            request.error = TerminalUnavailable(msg, advice="Start Metronome's engine.")
            request.finish()

    # For Reading.

    def _invoke(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], timeout_s: float | None) -> Any:
        return self.call(name, *args, timeout_s=timeout_s, **kwargs)

    def account(self, timeout_s: float | None = None) -> AccountInfo:
        """The account that is logged in. Raises as ``call``."""
        return AccountInfo.from_struct(self.call("account_info", timeout_s=timeout_s))
