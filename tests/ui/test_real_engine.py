"""The window over the real engine and the real tasks, as a newcomer meets them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.engine import Engine
from app.paths import Paths
from app.runs import RunState
from app.settings_store import SettingsStore
from ui.engine_link import EngineLink
from ui.main_window import MainWindow
from ui.models.task_table import Column
from workers import registry

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [
    pytest.mark.qt_log_ignore("This plugin does not support"),
    pytest.mark.allow_warnings("Metronome was closed"),  # runs at work when the test ends are interrupted, and say so
]


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Engine]:
    """An engine on a fresh home; a weekday of the generated market, so that quotes come."""
    settings = SettingsStore(tmp_path / "settings.toml", {"terminal.simulated.now": "2025-06-03T12:00:00Z"})
    engine = Engine(Paths(tmp_path), settings, registry())
    engine.start(first_runs=True)
    yield engine
    engine.stop()


@pytest.fixture
def attached(bare_window: MainWindow, link: EngineLink, real: Engine) -> Iterator[MainWindow]:
    link.attach(real)
    yield bare_window
    link.detach()


def test_a_newcomer_sees_results_within_five_seconds(qtbot: QtBot, attached: MainWindow, real: Engine) -> None:
    model = attached.tasks.model
    first = [spec.id for spec in real.registry if spec.on_start]
    assert first

    def all_done() -> bool:
        return all((row := model.row_of(task)) is not None and row.last is not None for task in first)

    qtbot.waitUntil(all_done, timeout=5_000)
    for task in first:
        row = model.row_of(task)
        assert row is not None
        assert row.last is not None
        assert row.last.state.is_success, f"{task}: {row.last.reason}"
        assert row.last.summary
    qtbot.waitUntil(lambda: attached.hint_visible)


def test_a_run_asked_for_in_the_window_comes_back_to_it(qtbot: QtBot, attached: MainWindow, real: Engine) -> None:
    health = "system_health_check"
    qtbot.waitUntil(lambda: attached.tasks.model.row_of(health).last is not None, timeout=5_000)
    before = attached.tasks.model.row_of(health).last.run_id
    attached.tasks.choose(health)
    # F5 does nothing while the task is at work, as it is when the timetable has just started it.
    qtbot.waitUntil(lambda: attached.tasks.model.row_of(health).active is None, timeout=5_000)
    qtbot.keyClick(attached, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: attached.tasks.model.row_of(health).last.run_id != before, timeout=5_000)
    run = real.history.last(health)
    assert run is not None
    assert run.state in (RunState.SUCCEEDED, RunState.SUCCEEDED_WITH_WARNINGS)
    details = attached.tasks.details
    assert details is not None
    qtbot.waitUntil(lambda: details.details.run_id == run.run_id)


def test_switching_a_task_off_lasts(qtbot: QtBot, attached: MainWindow, real: Engine) -> None:
    task = "collect_market_data"
    attached.tasks.choose(task)
    qtbot.keyClick(attached.tasks.table, Qt.Key.Key_Space)
    cell = attached.tasks.model.index(attached.tasks.model.place_of(task), Column.NEXT)
    qtbot.waitUntil(lambda: not real.timetable.snapshot().tasks[task].enabled)
    qtbot.waitUntil(lambda: "off" in str(cell.data(Qt.ItemDataRole.ToolTipRole)))


def test_the_first_paint_needs_nothing_heavy() -> None:
    code = (
        "import sys, ui.application, ui.main_window;"
        "heavy = {'numpy', 'pydantic', 'apscheduler', 'app.engine', 'pyqtgraph', 'httpx', 'PySide6.QtNetwork'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip() == "[]"
