"""The window: header, sidebar, pages, footer; and the keys that work everywhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QPaintEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.runs import Run
from ui import words
from ui.crash import Report
from ui.engine_link import EngineLink
from ui.file_drop import FileDrop
from ui.header import Footer, Header
from ui.hints import first_steps
from ui.log_feed import LogFeed
from ui.pages.page import Page
from ui.pages.tasks import TasksPage
from ui.second_hand import SecondHand
from ui.theme import Theme
from ui.widgets.inline_message import InlineMessages, Message
from ui.widgets.nav_list import NavList
from ui.widgets.simulated_banner import SimulatedBanner
from ui.window_state import WindowState, areas_in_sight, keep_in_sight, open_at

PAGES = (
    "tasks", "health", "ideas", "strategies", "backtests", "market", "calendar", "news", "history", "logs", "settings",
)  # fmt: skip
GROUPS = ("ideas", "market", "history")
"""Pages before which the list of pages has a line."""
EVALUATIONS = ("evaluate_all_strategies", "evaluate_single_symbol")
SIDEBAR = 196


class MainWindow(QMainWindow):
    """Signals:
    painted: the window was painted for the first time.
    closing: the user closed the window; whoever owns it decides whether to hide or to quit.
    support_asked: the user wants a support bundle.
    """

    painted = Signal()
    closing = Signal()
    support_asked = Signal()

    def __init__(self, theme: Theme, link: EngineLink, state: WindowState, feed: LogFeed) -> None:
        super().__init__()
        self._theme = theme
        self._link = link
        self._state = state
        self._was_painted = False
        self.quitting = False
        self._feed = feed
        self._broker_offset: timedelta | None = None
        self._broker_hour: datetime | None = None
        self._titles = {
            "tasks": self.tr("Tasks"),
            "health": self.tr("Health"),
            "ideas": self.tr("Trade ideas"),
            "strategies": self.tr("Strategies"),
            "backtests": self.tr("Backtests"),
            "market": self.tr("Market"),
            "calendar": self.tr("Calendar"),
            "news": self.tr("News"),
            "history": self.tr("History"),
            "logs": self.tr("Logs"),
            "settings": self.tr("Settings"),
        }
        self.setWindowTitle(self.tr("Metronome"))
        self.header = Header(theme)
        self.footer = Footer(theme, self.jump)
        self.messages = InlineMessages(theme)
        self.terminal_chips = (self.header.terminal, self.footer.terminal)
        self.banner = SimulatedBanner(theme)
        self.nav = NavList(theme, [(name, self._titles[name], name) for name in PAGES], breaks=GROUPS)
        self._stack = QStackedWidget()
        self._pages: dict[str, Page] = {}
        self.tasks = TasksPage(theme, link)
        self._add_page("tasks", self.tasks)
        self.tasks.log_asked.connect(self.show_log_of)
        self._hint: QWidget | None = None
        self.drop = FileDrop(self, theme, link)
        self.clock = SecondHand(self)
        self.clock.ticked.connect(self._on_second)
        self._lay_out()
        self._connect()
        self._shortcuts()
        self.nav.choose("tasks")
        self.nav.setFocus()
        open_at(self, state.geometry(), areas_in_sight())

    def _lay_out(self) -> None:
        sidebar = QWidget()
        sidebar.setObjectName("sidebar")
        sidebar.setFixedWidth(SIDEBAR)
        inner = QVBoxLayout(sidebar)
        inner.setContentsMargins(8, 9, 8, 8)
        inner.addWidget(self.nav)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        strip = QVBoxLayout()
        strip.setContentsMargins(20, 12, 20, 0)
        strip.addWidget(self.messages)
        self._strip = QWidget()
        self._strip.setLayout(strip)
        self._strip.hide()
        column.addWidget(self.banner)
        column.addWidget(self._strip)
        column.addWidget(self._stack, 1)
        middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        middle.addWidget(sidebar)
        middle.addLayout(column, 1)
        body = QWidget()
        body.setObjectName("body")
        outer = QVBoxLayout(body)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.header)
        outer.addLayout(middle, 1)
        outer.addWidget(self.footer)
        self.setCentralWidget(body)

    def _connect(self) -> None:
        link = self._link
        link.attached.connect(self._on_attached)
        link.runs_changed.connect(self._on_runs)
        link.timetable_changed.connect(self._on_timetable)
        link.terminal_changed.connect(self._on_terminal)
        link.settings_changed.connect(self._on_settings)
        self.header.pause_asked.connect(link.set_paused)
        for line in (self.header, self.footer):
            line.terminal_asked.connect(lambda: self.show_page("health"))
        self.nav.chosen.connect(self.show_page)
        self.messages.shown.connect(self._strip.setVisible)

    def _shortcuts(self) -> None:
        keys: list[tuple[str, Callable[[], object]]] = [
            ("F5", self._run_current),
            ("Ctrl+R", self._run_with_parameters),
            ("Ctrl+K", self.jump),
            ("Ctrl+F", self._find),
        ]
        # The tenth page is Ctrl+0, as in browsers; settings have the key that they have everywhere.
        keys += [(f"Ctrl+{number % 10}", partial(self.show_page, name)) for number, name in enumerate(PAGES[:10], 1)]
        keys.append(("Ctrl+,", partial(self.show_page, "settings")))
        for key, action in keys:
            QShortcut(QKeySequence(key), self).activated.connect(action)

    # -- pages -----------------------------------------------------------------------------------------------------

    @property
    def page(self) -> str:
        """The name of the page in sight."""
        return next(name for name, page in self._pages.items() if page is self._stack.currentWidget())

    @property
    def current_page(self) -> Page:
        """The page in sight."""
        return self._pages[self.page]

    def show_page(self, name: str) -> None:
        """Bring a page into sight; it is built when it is first asked for."""
        if name != self.page and not self.current_page.may_leave(partial(self.show_page, name)):
            self.nav.choose(self.page)
            return
        page = self._pages.get(name) or self._build_page(name)
        if self._stack.currentWidget() is not page:
            by_list = self.nav.hasFocus()
            self._stack.setCurrentWidget(page)
            if by_list:
                self.nav.setFocus()
            else:
                page.focus_main()
            page.entered()
            if self._link.ready:
                page.tick(self._link.now())
        self.nav.choose(name)

    def show_log_of(self, run_id: str, task: str) -> None:
        """Show the log of one run."""
        from ui.pages.logs import LogsPage

        self.show_page("logs")
        page = self._pages["logs"]
        if isinstance(page, LogsPage):
            page.show_run(run_id, task)

    def show_setting(self, key: str) -> None:
        """Show one setting, with the cursor in it."""
        from ui.pages.settings import SettingsPage

        self.show_page("settings")
        page = self._pages["settings"]
        if isinstance(page, SettingsPage):
            page.show_key(key)

    def _build_page(self, name: str) -> Page:
        page: Page
        if name == "health":
            from ui.pages.health import HealthPage

            page = HealthPage(self._theme, self._link)
            page.support_asked.connect(self.support_asked)
        elif name == "calendar":
            from ui.pages.calendar import CalendarPage

            page = CalendarPage(self._theme, self._link)
        elif name == "strategies":
            from ui.pages.strategies import StrategiesPage

            page = StrategiesPage(self._theme, self._link)
        elif name == "backtests":
            from ui.pages.backtests import BacktestsPage

            page = BacktestsPage(self._theme, self._link)
            page.told.connect(lambda text: self.messages.post(Message("info", text)))
            page.import_asked.connect(self.drop.import_files)
        elif name == "market":
            from ui.pages.market import MarketPage

            page = MarketPage(self._theme, self._link)
        elif name == "ideas":
            from ui.pages.ideas import IdeasPage

            page = IdeasPage(self._theme, self._link)
            page.pending_changed.connect(self._show_pending)
            page.told.connect(lambda text: self.messages.post(Message("info", text)))
        elif name == "history":
            from ui.pages.history import HistoryPage

            page = HistoryPage(self._theme, self._link)
            page.log_asked.connect(self.show_log_of)
            page.exported.connect(lambda text: self.messages.post(Message("info", text)))
        elif name == "news":
            from ui.pages.news import NewsPage

            page = NewsPage(self._theme, self._link)
            page.unread_changed.connect(self._show_unread)
        elif name == "settings":
            from ui.pages.settings import SettingsPage

            page = SettingsPage(self._theme, self._link)
            page.tasks_asked.connect(lambda: self.show_page("tasks"))
        else:
            from ui.pages.logs import LogsPage

            page = LogsPage(self._theme, self._link, self._feed)
        self._add_page(name, page)
        return page

    def _add_page(self, name: str, page: Page) -> None:
        self._pages[name] = page
        self._stack.addWidget(page)

    # -- what the engine says --------------------------------------------------------------------------------------

    def _on_attached(self) -> None:
        self._on_timetable(self._link.timetable)
        self._on_terminal(self._link.terminal)
        QTimer.singleShot(0, self, self._greet)

    def _greet(self) -> None:
        if not self._link.ready:
            return  # detached again before this turn of the event loop
        self._show_lanes()
        self.nav.set_count("tasks", len(self._link.specs), words.plural(len(self._link.specs), "task", "tasks"))
        self._link.query(self, _pending, self._show_pending)
        self._on_second()
        QTimer.singleShot(0, self, self._show_hint)  # a slot of its own: each stays short

    def _on_runs(self, runs: tuple[Run, ...]) -> None:
        self._show_lanes()
        if "news" not in self._pages and any(run.task == "collect_rss_news" and run.state.is_success for run in runs):
            self._link.query(self, _unread, self._show_unread)
        if "ideas" not in self._pages and any(run.task in EVALUATIONS and run.state.is_final for run in runs):
            self._link.query(self, _pending, self._show_pending)
        for run in runs:
            checks = run.result.get("checks") if run.state.is_success else None
            if checks and run.task == "system_health_check":
                bad = sum(1 for check in checks if str(check.get("verdict", "ok")) != "ok")
                self.nav.set_count("health", bad, words.plural(bad, "check needs attention", "checks need attention"))

    def _show_unread(self, unread: int) -> None:
        self.nav.set_count("news", unread, words.plural(unread, "article is unread", "articles are unread"))

    def _show_pending(self, pending: int) -> None:
        self.nav.set_count("ideas", pending, words.plural(pending, "idea is pending", "ideas are pending"))

    def _show_lanes(self) -> None:
        snapshot = self._link.engine.runner.snapshot()
        self.footer.show_lanes(len(snapshot.running), len(snapshot.queued))
        self.footer.show_lateness(self._link.timetable.lateness_p99_s)

    def _on_timetable(self, snapshot: Any) -> None:
        self.header.show_paused(snapshot.paused)
        self.footer.show_lateness(snapshot.lateness_p99_s)
        self._show_next(self._link.now())

    def _on_terminal(self, status: Any) -> None:
        self.header.show_terminal(status)
        self.footer.show_terminal(status)
        self.banner.show_terminal(status)
        self._broker_hour = None

    def _on_settings(self, changed: frozenset[str], settings: Any) -> None:
        if "ui.theme" in changed:
            self._theme.set_choice(settings.ui.theme)
        if any(key.startswith("terminal.") for key in changed):
            self._broker_hour = None

    def _on_second(self) -> None:
        now = self._link.now()
        if not self._link.ready:
            self.header.show_times(now, None)
            return
        self._ask_broker_offset(now)
        self.header.show_times(now, now + self._broker_offset if self._broker_offset is not None else None)
        self._show_next(now)
        page = self._stack.currentWidget()
        if isinstance(page, Page):
            page.tick(now)

    def _ask_broker_offset(self, now: datetime) -> None:
        # The offset changes with summer time only; once an hour is enough, and it is worked out on the pool.
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._broker_hour:
            self._broker_hour = hour
            self._link.query(self, lambda engine: _broker_offset(engine, now), self._on_broker_offset)

    def _on_broker_offset(self, offset: timedelta | None) -> None:
        self._broker_offset = offset
        now = self._link.now()
        self.header.show_times(now, now + offset if offset is not None else None)

    def _show_next(self, now: datetime) -> None:
        snapshot = self._link.timetable
        upcoming = [timing for timing in snapshot.tasks.values() if timing.next_run is not None]
        if not upcoming:
            self.footer.show_next("", "", paused=snapshot.paused)
            return
        first = min(upcoming, key=lambda timing: timing.next_run)
        left = words.countdown(first.next_run - now)
        self.footer.show_next(self._link.title(first.task), left, paused=snapshot.paused)

    # -- the first steps of a newcomer -----------------------------------------------------------------------------

    def _show_hint(self) -> None:
        if self._state.text("hints/first_steps") == "done" or self._hint is not None:
            return
        self._hint = first_steps(self._theme, self._link, self)
        if self._hint is not None:
            self._hint.dismissed.connect(self.dismiss_hint)
            self.tasks.add_card(self._hint)

    def dismiss_hint(self) -> None:
        """Take the first steps away for good."""
        self._state.set_text("hints/first_steps", "done")
        if self._hint is not None:
            self._hint.hide()
            self._hint.deleteLater()
            self._hint = None

    @property
    def hint_visible(self) -> bool:
        """Whether the first steps are shown."""
        return self._hint is not None

    # -- keys ------------------------------------------------------------------------------------------------------

    def jump(self) -> None:
        """Open the box that goes anywhere by typing."""
        from ui.widgets.jump_box import Target, open_over

        targets = [Target(self._titles[name], self.tr("page"), partial(self.show_page, name)) for name in PAGES]
        for spec in self._link.specs:
            targets.append(Target(spec.title, self.tr("task"), partial(self._show_task, spec.id)))
        for spec in self._link.specs:
            run = self.tr("Run {task} now").format(task=spec.title)
            targets.append(Target(run, self.tr("action"), partial(self.tasks.run_or_cancel, spec.id)))
        open_over(self, targets)

    def _show_task(self, task: str) -> None:
        self.show_page("tasks")
        self.tasks.choose(task)

    def _run_current(self) -> None:
        if self.page == "tasks":
            self.tasks.run_current()
        elif self.page == "health":
            self._link.submit("system_health_check")
        elif self.page == "ideas":
            self._link.submit("evaluate_all_strategies")
        elif self.page == "calendar":
            self._link.submit("update_economic_calendar")
        elif self.page == "news":
            self._link.submit("collect_rss_news", {"anew": True})
        elif self.page == "market":
            self._link.submit("collect_market_data")
        elif self.page == "strategies":
            self._evaluate_strategy()
        elif self.page == "backtests":
            self._test_strategy(again=False)

    def _evaluate_strategy(self) -> None:
        from ui.pages.strategies import StrategiesPage

        page = self._pages["strategies"]
        if isinstance(page, StrategiesPage):
            page.evaluate()

    def _test_strategy(self, *, again: bool) -> None:
        from ui.pages.backtests import BacktestsPage

        page = self._pages["backtests"]
        if isinstance(page, BacktestsPage):
            page.again() if again and page.shown is not None else page.new()

    def _run_with_parameters(self) -> None:
        if self.page == "backtests":
            self._test_strategy(again=True)
        elif self.page == "tasks" and self.tasks.current_task:
            self.tasks.ask_parameters(self.tasks.current_task)

    def _find(self) -> None:
        from ui.pages.logs import LogsPage
        from ui.pages.news import NewsPage
        from ui.pages.settings import SettingsPage

        if self.page not in ("settings", "news"):
            self.show_page("logs")
        page = self._pages[self.page]
        if isinstance(page, LogsPage | NewsPage | SettingsPage):
            page.focus_search()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            page = self._stack.currentWidget()
            if isinstance(page, Page) and page.escape():
                return
            if self.messages.current() is not None:
                self.messages.dismiss()
                return
        super().keyPressEvent(event)

    # -- life of the window ----------------------------------------------------------------------------------------

    def show_report(self, report: Report) -> None:
        """Tell of an error that nobody caught, with its details a click away."""
        advice = self.tr("Metronome goes on. The details help whoever mends it.")
        self.messages.post(
            Message("error", report.sentence, advice, self.tr("Show details"), lambda: self._show_details(report))
        )

    def _show_details(self, report: Report) -> None:
        from ui.widgets.report_box import open_report

        open_report(self, report, self.support_asked.emit)

    def bring_to_front(self) -> None:
        """Show the window, also out of the tray or the task bar."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        keep_in_sight(self, areas_in_sight())
        self.show()
        self.raise_()
        self.activateWindow()

    def in_sight(self) -> bool:
        """Whether somebody can see the window."""
        return self.isVisible() and not self.isMinimized()

    def may_quit(self, then: Callable[[], object]) -> bool:
        """Whether no page has to ask first; one that has is shown, and calls ``then`` when it may."""
        for name, page in self._pages.items():
            if not page.may_leave(then):
                self.bring_to_front()
                self.show_page(name)
                return False
        return True

    def remember(self) -> None:
        """Keep size and place for the next start."""
        self._state.set_geometry(self.saveGeometry())
        self._state.save()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            # Out of the paint itself: what follows must not hold the first picture back.
            QTimer.singleShot(0, self, self.painted.emit)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._watch_clock()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._watch_clock()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._watch_clock()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.quitting:  # quit() closes windows too: then the answer is already given
            event.accept()
            return
        event.ignore()
        self.closing.emit()

    def _watch_clock(self) -> None:
        if self.in_sight():
            self._on_second()
            self.clock.start()
        else:
            self.clock.stop()


def _unread(engine: Any) -> int:
    from workers.news.reading import unread_count

    return unread_count(engine.storage)


def _pending(engine: Any) -> int:
    from workers.strategy.deciding import IdeaDesk

    bars = engine.settings.current.strategies.idea_expires_bars
    return IdeaDesk(engine.storage.paths, engine.clock, bars, "window").pending()


def _broker_offset(engine: Any, now: datetime) -> timedelta | None:
    from app.terminal.server_time import ServerTimeRule

    return timedelta(seconds=ServerTimeRule(engine.settings.current.terminal.server_time).offset_s(now))
