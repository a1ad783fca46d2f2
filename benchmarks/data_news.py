"""News: 300 feeds fetched while the real window is open, and 10,000 articles de-duplicated."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from PySide6.QtCore import Qt, QTimer

from app.cli_session import CommandSession
from app.cli_values import WindowStart
from app.engine import Engine
from app.paths import Paths
from app.runs import Run, RunState
from benchmarks import feed_server
from benchmarks.figures import Figure, distribution, single
from benchmarks.gui import PERIOD_MS, _turn, _turn_until
from benchmarks.window_process import ROOT, window
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
        fetched = _fetch(Path(folder) / "shown", address)
        weighed = _weigh_program(Path(folder) / "weighed", address)
    return [*fetched, *weighed, _dedupe()]


run = figures


def _fetch(home: Path, address: str) -> list[Figure]:
    from ui.application import WindowProgram, make_application

    app = make_application()
    settings = {"timetable.paused": "true", "news.feed_timeout_s": str(LIMIT_S)}
    session = CommandSession.open(str(home), settings, registry, as_json=False)
    _list_feeds(home, address)
    engines: list[Engine] = []

    def start(_on_show: object, _window_lag_ms: object) -> Engine:
        engine = Engine(session.paths, session.settings, session.load_registry())
        engine.start()
        engines.append(engine)
        return engine

    program = WindowProgram(
        app, WindowStart(session, start, lambda: [engine.stop() for engine in engines], minimized=False), tray=False
    )
    program.leave_collections_short()
    program.open()
    _turn_until(lambda: program.link.ready)
    program.window.show_page("news")
    _turn(1.0)
    watch = _Watch()
    done: list[Run] = []
    began = time.perf_counter()
    engines[0].runner.submit("collect_rss_news", on_done=done.append)
    _turn_until(lambda: bool(done))
    took = time.perf_counter() - began
    _turn(1.0)  # the page shows what came
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
        distribution(f"lateness of a {PERIOD_MS} ms timer meanwhile", "ms", watch.late, {"p99": 5}),
    ]


class _Watch:
    """Lateness of a timer in the window's thread."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._due = time.perf_counter() + PERIOD_MS / 1000
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(PERIOD_MS)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._due) * 1000))
        self._due = now + PERIOD_MS / 1000

    def stop(self) -> None:
        """Watch no longer."""
        self._timer.stop()


def _weigh_program(home: Path, address: str) -> list[Figure]:
    """Memory that a run takes: what the real program grows by and the process that works for it, at the same time.

    PSS shares out what both have in memory only once, so the sum counts each page once.
    """
    _list_feeds(home, address)
    command = [sys.executable, str(ROOT / "main.py"), "run", "collect_rss_news", "--home", str(home), "--json"]
    with window(home, "--set", "timetable.paused=true", "--set", f"news.feed_timeout_s={LIMIT_S}") as shown:
        shown.seconds_until("terminal connected")
        time.sleep(2.0)
        program = psutil.Process(shown.process.pid)
        before = window_mb = _pss_mb(program)
        worker_mb = both_mb = 0.0
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while run.poll() is None:
            shown_mb = _pss_mb(program)
            working_mb = sum(_pss_mb(child) for child in program.children() if _works(child))
            window_mb, worker_mb = max(window_mb, shown_mb), max(worker_mb, working_mb)
            both_mb = max(both_mb, shown_mb + working_mb)
            time.sleep(0.1)
        window_mb = max(window_mb, _pss_mb(program))
        both_mb = max(both_mb, window_mb)
    return [
        single(f"memory of {FEEDS} feeds: window's growth and worker (PSS)", "MB", both_mb - before, 120),
        single("of that, the process that works for it", "MB", worker_mb),
        single("the whole program before the run", "MB", before),
        single("the window at most", "MB", window_mb),
        single("window and worker together at most", "MB", both_mb),
    ]


def _works(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _list_feeds(home: Path, address: str) -> None:
    feeds = [Feed(f"{address}/{number}", f"Feed {number}") for number in range(FEEDS)]
    opml.save(Paths(home).feeds_file, feeds)


def _pss_mb(process: psutil.Process) -> float:
    try:
        info = process.memory_full_info()
    except psutil.Error:  # it has just ended
        return 0.0
    return float(getattr(info, "pss", info.uss)) / 1024**2


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
