"""The one door between the window and the engine: queued signals in, work on a small pool out.

The window is shown before the engine exists. Then ``attach`` hands the engine over, once. Nothing here waits: facts
that the engine publishes as frozen values are read where they lie, everything else runs on the pool and comes back by
a signal.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal, Slot
from shiboken6 import isValid

from app.errors import MetronomeError
from app.runs import Run, Trigger
from ui.listeners import Listeners

if TYPE_CHECKING:
    from app.engine import Engine
    from app.settings import Settings
    from app.tasks import TaskSpec

_log = logging.getLogger(__name__)

DRAIN_MS = 100
"""Changes of runs are shown at most this often (10 Hz)."""
SLOWEST_DRAIN_MS = 500
"""While changes come without end they are shown ever less often, down to this: nobody reads rows that flicker."""
BREATH_MS = 25
"""Between the news of one task and of the next, so that each repaint is a short one."""
MANY = 4
"""News of more tasks than this come at half the pace: then most tasks are at work, and the window waits longer for each
repaint."""

Done = Callable[[Any], None]
Failed = Callable[[MetronomeError], None]


class EngineLink(QObject):
    """What the window knows of the engine.

    Attributes:
        runs_changed: Tells a tuple of the newest values of the runs that changed.

    Signals:
        attached: the engine is there; ``specs`` and ``timetable`` can be read.
        timetable_changed: the new frozen timetable snapshot.
        terminal_changed: the new status of the terminal session.
        settings_changed: the keys that changed and the new settings.
        troubled: something that the user asked for was refused: message, advice.

    Thread: lives in the GUI thread; only ``show_changes`` of the engine's own threads reach in, by queued signals.
    """

    attached = Signal()
    timetable_changed = Signal(object)
    terminal_changed = Signal(object)
    settings_changed = Signal(object, object)
    troubled = Signal(str, str)

    _returned = Signal(object)
    _timetable_poked = Signal()
    _terminal_poked = Signal(object)
    _settings_poked = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine: Engine | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._waiting: dict[int, tuple[QObject, Done, Failed | None]] = {}
        self._ticket = 0
        self.runs_changed: Listeners[tuple[Run, ...]] = Listeners()
        self._since_drain = QElapsedTimer()
        self._drain_ms = DRAIN_MS
        self._drain_timer = _single_shot(self, self._drain)
        self._timetable_timer = _single_shot(self, self._read_timetable)
        self._news: dict[str, list[Run]] = {}
        self._news_timer = _single_shot(self, self._tell_next_task)
        self.specs: tuple[TaskSpec, ...] = ()
        self.timetable: Any = None
        self.terminal: Any = None
        self.settings_at_start: Settings | None = None
        queued = Qt.ConnectionType.QueuedConnection
        self._returned.connect(self._on_returned, queued)
        self._timetable_poked.connect(self._on_timetable_poked, queued)
        self._terminal_poked.connect(self._on_terminal_poked, queued)
        self._settings_poked.connect(self.settings_changed, queued)

    # -- coming and going ------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether the engine is there."""
        return self._engine is not None

    @property
    def engine(self) -> Engine:
        """The engine; only for work on the pool and for frozen facts.

        Raises:
            RuntimeError: it is not there yet.
        """
        if self._engine is None:
            raise RuntimeError("The engine is not attached yet")
        return self._engine

    def attach(self, engine: Engine) -> None:
        """Take the running engine over."""
        self._engine = engine
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="window")
        self.specs = tuple(engine.registry)
        self.timetable = engine.timetable.snapshot()
        self.terminal = engine.terminal.status
        self.settings_at_start = engine.settings.current
        engine.runner.signals.changed.connect(self._on_runner_changed, Qt.ConnectionType.QueuedConnection)
        # Bound methods of signals cross threads; the receivers above are queued into the GUI thread.
        for answer in (
            engine.timetable.subscribe(self._timetable_poked.emit),
            engine.terminal.subscribe(self._terminal_poked.emit),
            engine.settings.subscribe(self._settings_poked.emit),
        ):
            if callable(answer):
                self._unsubscribe.append(answer)
        # The watch begins before the receivers look at what is at work: a run that ends in between is not lost.
        engine.runner.take_changes()
        self.attached.emit()

    def detach(self) -> None:
        """Let go of the engine: no signal arrives and no work starts any more."""
        if self._engine is None:
            return
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe.clear()
        self._engine.runner.signals.changed.disconnect(self._on_runner_changed)
        self._drain_timer.stop()
        self._timetable_timer.stop()
        self._news_timer.stop()
        self._news.clear()
        self._waiting.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._engine = None

    # -- facts -----------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The engine's time (a rehearsal has its own), aware UTC."""
        return self._engine.clock.now() if self._engine is not None else datetime.now(UTC)

    def spec(self, task_id: str) -> TaskSpec | None:
        """The task of that id, or None."""
        return next((spec for spec in self.specs if spec.id == task_id), None)

    def title(self, task_id: str) -> str:
        """What the window calls a task."""
        spec = self.spec(task_id)
        return spec.title if spec else task_id

    # -- asking ----------------------------------------------------------------------------------------------------

    def query(self, owner: QObject, work: Callable[[Engine], Any], done: Done, failed: Failed | None = None) -> None:
        """Run ``work(engine)`` on the pool, then ``done(result)`` in the GUI thread while ``owner`` lives.

        An error of the policy tree goes to ``failed``, or is shown to the user; any other is a bug and is raised in
        the GUI thread for the crash report.
        """
        if self._engine is None or self._pool is None:
            return
        self._ticket += 1
        ticket = self._ticket
        self._waiting[ticket] = (owner, done, failed)
        future = self._pool.submit(work, self._engine)
        future.add_done_callback(lambda finished: self._returned.emit((ticket, finished)))

    def act(self, work: Callable[[Engine], Any]) -> None:
        """Do something on the pool; a refusal is shown to the user."""
        self.query(self, work, _nothing)

    def submit(self, task_id: str, params: Mapping[str, Any] | None = None) -> None:
        """Run a task now."""
        values = dict(params) if params else None
        self.act(lambda engine: engine.runner.submit(task_id, values, Trigger.MANUAL))

    def cancel(self, run_id: str) -> None:
        """Ask a run to stop."""
        self.act(lambda engine: engine.runner.cancel(run_id))

    def set_enabled(self, task_id: str, enabled: bool) -> None:
        """Switch the schedule of a task on or off."""
        self.act(lambda engine: engine.timetable.set_enabled(task_id, enabled))

    def set_paused(self, paused: bool) -> None:
        """Pause or resume the whole timetable."""
        self.act(lambda engine: engine.timetable.pause_all() if paused else engine.timetable.resume_all())

    # -- arrivals --------------------------------------------------------------------------------------------------

    @Slot()
    def _on_runner_changed(self) -> None:
        # The runner stays silent until its changes are taken: a burst costs one signal and at most ten drains a second.
        if self._drain_timer.isActive():
            return
        passed = self._since_drain.elapsed() if self._since_drain.isValid() else SLOWEST_DRAIN_MS
        if passed >= 2 * SLOWEST_DRAIN_MS:
            self._drain_ms = DRAIN_MS
        if passed >= self._drain_ms:
            self._drain()
        else:
            self._drain_timer.start(self._drain_ms - int(passed))
            self._drain_ms = min(self._drain_ms + DRAIN_MS // 4, SLOWEST_DRAIN_MS)

    @Slot()
    def _drain(self) -> None:
        if self._engine is None:
            return
        self._since_drain.restart()
        for run in self._engine.runner.take_changes():
            self._news.setdefault(run.task, []).append(run)
        self._tell_next_task()

    @Slot()
    def _tell_next_task(self) -> None:
        # One task at a time with room between: a repaint of all rows at once would take too long while tasks compute.
        if not self._news or self._news_timer.isActive():
            return
        task = next(iter(self._news))
        self.runs_changed.emit(tuple(self._news.pop(task)))
        if self._news:
            self._news_timer.start(BREATH_MS if len(self._news) <= MANY else 2 * BREATH_MS)

    @Slot()
    def _on_timetable_poked(self) -> None:
        if not self._timetable_timer.isActive():
            self._timetable_timer.start(DRAIN_MS // 2)

    @Slot()
    def _read_timetable(self) -> None:
        if self._engine is None:
            return
        self.timetable = self._engine.timetable.snapshot()
        self.timetable_changed.emit(self.timetable)

    @Slot(object)
    def _on_terminal_poked(self, status: object) -> None:
        self.terminal = status
        self.terminal_changed.emit(status)

    @Slot(object)
    def _on_returned(self, answer: tuple[int, Future[Any]]) -> None:
        ticket, future = answer
        owner, done, failed = self._waiting.pop(ticket, (None, _nothing, None))
        if owner is None or not isValid(owner) or future.cancelled():
            return
        error = future.exception()
        if error is None:
            done(future.result())
        elif not isinstance(error, MetronomeError):
            raise error
        elif failed is not None:
            failed(error)
        else:
            self.troubled.emit(error.message, error.advice)


def _single_shot(parent: QObject, slot: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.timeout.connect(slot)
    return timer


def _nothing(_result: object) -> None:
    """Nobody waits for the result."""
