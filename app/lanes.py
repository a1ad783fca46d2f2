"""Lanes: one QThreadPool per queue, whose threads stay and take one run after the other.

A QRunnable per run would cost a thread wake-up in C++ and a new Python thread state each; a ``LaneWorker`` stays in
its pool thread and waits on a queue instead, which begins a run some 20 microseconds after it was asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

from PySide6.QtCore import QRunnable, QThreadPool

from app.runs import Run
from app.tasks import Queue

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """A lane as the health panel shows it.

    Attributes:
        width: How many runs may be at work at the same time.
        oldest_wait_s: How long the run at the head of the line has waited; 0 when none waits.
        stuck: Runs whose hard limit has passed but whose thread has not come back.
    """

    queue: Queue
    width: int
    running: int
    queued: int
    oldest_wait_s: float
    stuck: tuple[Run, ...]


class Lane(Generic[T]):
    """A queue of items and the pool threads that handle them.

    Args:
        handle: Called with (item, worker) on a pool thread.

    Thread: every method may be called from any thread.
    """

    def __init__(self, queue: Queue, width: int, handle: Callable[[T, LaneWorker[T]], None]) -> None:
        self.queue = queue
        self._width = width
        self._handle = handle
        self._items: SimpleQueue[T | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._workers: set[LaneWorker[T]] = set()
        self._abandoned: set[LaneWorker[T]] = set()
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(width)
        self._pool.setExpiryTimeout(-1)
        self._open = True

    @property
    def width(self) -> int:
        """How many runs may be at work at the same time, stuck ones apart."""
        return self._width

    def put(self, item: T) -> None:
        """Add ``item`` to the line; a thread is started when none is free and the width allows it."""
        self._items.put(item)
        self._staff()

    def has_waiting(self) -> bool:
        """Whether items wait in line at this moment."""
        return not self._items.empty()

    def _staff(self) -> None:
        # Read without the lock. An idle thread that has just taken its item still counts as free here; it calls
        # this once more itself, so that no item waits for a busy thread while the width allows another.
        if len(self._workers) < self._width:
            idle = sum(worker.idle for worker in tuple(self._workers))
            if self._items.qsize() > idle:
                self._start_worker()

    def set_width(self, width: int) -> None:
        """Change the width: more threads at once, fewer as they become free."""
        with self._lock:
            surplus = len(self._workers) - width
            self._width = width
            self._pool.setMaxThreadCount(width + len(self._abandoned))
        for _ in range(max(surplus, 0)):
            self._items.put(None)
        self._staff()

    def abandon(self, worker: LaneWorker[T]) -> None:
        """Give up on a thread that does not come back: another one takes its place, so that work goes on."""
        with self._lock:
            if worker not in self._workers:
                return
            self._workers.discard(worker)
            self._abandoned.add(worker)
            self._pool.setMaxThreadCount(self._width + len(self._abandoned))
        self._staff()

    def _start_worker(self) -> None:
        with self._lock:
            if not self._open or len(self._workers) >= self._width:
                return
            worker = LaneWorker(self)
            self._workers.add(worker)
        self._pool.start(worker)

    def _work(self, worker: LaneWorker[T]) -> None:
        """The life of one pool thread."""
        try:
            while True:
                worker.idle = True
                item = self._items.get()
                worker.idle = False
                if item is None:
                    break
                self._staff()
                self._handle(item, worker)
                if worker in self._abandoned:
                    break
        finally:
            # Also when ``handle`` raised: a thread that is gone must not count as one that works.
            with self._lock:
                self._workers.discard(worker)
                if worker in self._abandoned:
                    self._abandoned.discard(worker)
                    self._pool.setMaxThreadCount(self._width + len(self._abandoned))
            self._staff()

    def close(self, timeout_s: float) -> bool:
        """Let all threads end; returns whether they did within ``timeout_s``."""
        with self._lock:
            self._open = False
            count = len(self._workers)
        for _ in range(count):
            self._items.put(None)
        return self._pool.waitForDone(max(int(timeout_s * 1000), 0))


class LaneWorker(QRunnable, Generic[T]):
    """One pool thread's work: take items until told to end."""

    def __init__(self, lane: Lane[T]) -> None:
        super().__init__()
        self.setAutoDelete(False)  # Python owns it: the pool does not touch it after run()
        self._lane = lane
        self.idle = False

    def run(self) -> None:
        self._lane._work(self)
