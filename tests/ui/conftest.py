"""Qt without a screen, and a window over an engine that does what the test says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from fake_engine import FakeEngine
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.engine_link import EngineLink
from ui.log_feed import LogFeed
from ui.main_window import MainWindow
from ui.theme import Theme
from ui.window_state import WindowState


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    """The engine of the sketches."""
    return FakeEngine(tmp_path)


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    """The dark theme, applied."""
    theme = Theme("dark")
    theme.apply(qapp)
    return theme


@pytest.fixture
def link(qapp: QApplication) -> Iterator[EngineLink]:
    """A link that is not attached yet."""
    link = EngineLink()
    yield link
    link.detach()


@pytest.fixture
def bare_window(qtbot: QtBot, theme: Theme, link: EngineLink) -> MainWindow:
    """The window as it is before the engine is there."""
    window = MainWindow(theme, link, WindowState(None), LogFeed(tuple, lambda _listener: lambda: None))
    qtbot.addWidget(window, before_close_func=lambda shown: setattr(shown, "quitting", True))
    window.show()
    qtbot.waitExposed(window)
    return window


@pytest.fixture
def window(qtbot: QtBot, bare_window: MainWindow, link: EngineLink, engine: FakeEngine) -> MainWindow:
    """The window with its engine, its stored runs loaded."""
    link.attach(engine)
    qtbot.waitUntil(lambda: bool(bare_window.tasks.model.row_of("collect_rss_news").last))
    return bare_window
