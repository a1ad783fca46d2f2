"""News: 300 feeds fetched while the real window is open, and 10,000 articles de-duplicated."""

from __future__ import annotations

import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from PySide6.QtCore import Qt, QTimer

from app.cli import WindowStart
from app.cli_session import CommandSession
from app.engine import Engine
from app.runs import Run, RunState
from benchmarks import feed_server
from benchmarks.figures import Figure, distribution, single
from benchmarks.gui import PERIOD_MS, _turn
from workers import registry
from workers.news import opml
from workers.news.dedupe import merge
from workers.news.values import Article, Feed

FEEDS = 300
LIMIT_S = 5.0
ARTICLES = 10_000


def figures() -> list[Figure]:
    """All figures about news."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, feed_server.running() as address:
        fetched = _fetch(Path(folder), address)
    return [*fetched, _dedupe()]


run = figures


def _fetch(home: Path, address: str) -> list[Figure]:
    from ui.application import WindowProgram, make_application

    app = make_application()
    settings = {"timetable.paused": "true", "news.feed_timeout_s": str(LIMIT_S)}
    session = CommandSession.open(str(home), settings, registry, as_json=False)
    opml.save(session.paths.feeds_file, [Feed(f"{address}/{number}", f"Feed {number}") for number in range(FEEDS)])
    engines: list[Engine] = []

    def start(_on_show: object) -> Engine:
        engine = Engine(session.paths, session.settings, session.load_registry())
        engine.start()
        engines.append(engine)
        return engine

    program = WindowProgram(
        app, WindowStart(session, start, lambda: [engine.stop() for engine in engines], minimized=False), tray=False
    )
    program.open()
    _turn(lambda: program.link.ready, 30)
    if "news" in getattr(program.window, "_titles", {}):
        program.window.show_page("news")
    _turn(lambda: False, 1.0)
    before = _pss_mb(psutil.Process())
    watch = _Watch()
    done: list[Run] = []
    began = time.perf_counter()
    engines[0].runner.submit("collect_rss_news", on_done=done.append)
    _turn(lambda: bool(done), 60)
    took = time.perf_counter() - began
    _turn(lambda: False, 1.0)  # the page shows what came
    watch.stop()
    program.window.quitting = True
    program.window.hide()
    program.close()
    bad = sum(feed_server.kind(number) != "good" for number in range(FEEDS))
    result = done[0].result
    if done[0].state is not RunState.SUCCEEDED_WITH_WARNINGS or result["failed"] != bad:
        raise RuntimeError(f"the run is {done[0].state}: {done[0].reason} {result.get('failed')} of {bad} failed")
    return [
        single(
            f"{FEEDS} feeds, 5 % hanging, 5 % broken, limit {LIMIT_S:g} s a feed",
            "s",
            done[0].duration_s or took,
            LIMIT_S + 1,
        ),
        single("articles read", "articles", result["articles"], (FEEDS - bad) * feed_server.ITEMS, at_least=True),
        single("memory of the window meanwhile (PSS)", "MB", watch.window_mb, 120),
        single("of that, more than before the run", "MB", watch.window_mb - before),
        single("memory of the process that works (PSS)", "MB", watch.worker_mb, 120),
        distribution(f"lateness of a {PERIOD_MS} ms timer meanwhile", "ms", watch.late, {"p99": 5}),
    ]


class _Watch:
    """Lateness of a timer in the window's thread, and the memory of this process and its worker."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.window_mb = self.worker_mb = 0.0
        self._due = time.perf_counter() + PERIOD_MS / 1000
        self._process = psutil.Process()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(PERIOD_MS)
        self._ended = threading.Event()
        self._weigher = threading.Thread(target=self._weigh_on, name="weigher")
        self._weigher.start()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._due) * 1000))
        self._due = now + PERIOD_MS / 1000

    def _weigh_on(self) -> None:
        while not self._ended.wait(0.4):
            self._weigh()

    def _weigh(self) -> None:
        self.window_mb = max(self.window_mb, _pss_mb(self._process))
        for child in self._process.children():
            try:
                if "spawn_main" in " ".join(child.cmdline()):
                    self.worker_mb = max(self.worker_mb, _pss_mb(child))
            except psutil.Error:
                continue

    def stop(self) -> None:
        """Watch no longer."""
        self._timer.stop()
        self._ended.set()
        self._weigher.join()


def _pss_mb(process: psutil.Process) -> float:
    info = process.memory_full_info()
    return float(getattr(info, "pss", info.uss)) / 1e6


def _dedupe() -> Figure:
    """Half of the articles tell the news of the other half again, with other words around them."""
    now = datetime.now(UTC)
    words = feed_server.WORDS
    articles = []
    for number in range(ARTICLES):
        news = number // 2
        picked = [words[(news // len(words) ** power + news * (power + 3)) % len(words)] for power in range(7)]
        title = " ".join(picked)
        if number % 2:
            title = f"UPDATE 1-{title.title()} - Agency"
        when = now - timedelta(minutes=news % 4_000)
        link = f"https://site{number % 50}.example/{number}?utm_source=feed"
        articles.append(
            Article(
                title,
                link,
                "",
                when,
                "published",
                now,
                f"Source {number % 50}",
                f"https://site{number % 50}.example/rss",
                str(number),
            )
        )
    began = time.perf_counter()
    merged = merge((), articles)
    took = time.perf_counter() - began
    if not merged.duplicates:
        raise RuntimeError("no duplicate was found")
    return single(f"{ARTICLES:,} articles de-duplicated ({merged.duplicates:,} duplicates)", "s", took, 1)
