"""Files dropped on the window: a run is asked for, and what came of it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_engine import NOW, FakeEngine, make_run
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.runs import RunState
from ui.main_window import MainWindow
from ui.theme import Theme
from ui.widgets.import_report import ImportReport

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

DONE: dict[str, Any] = {
    "file": "/exports/EURUSD_M5.csv", "kind": "mt5_bars", "symbol": "EURUSD", "timeframe": "M5", "rows": 1234,
    "refused": 1, "added": 1200, "first": "2025-01-01T22:00:00.000Z", "last": "2025-06-01T20:00:00.000Z",
    "time_zone": "UTC", "notes": ["Time zone UTC: told from 20 of 20 weekends."],
    "refusals": [{"line": 7, "reason": "the open is not a number: 'x'"}], "error": None, "advice": None,
}  # fmt: skip
FAILED = DONE | {"file": "/exports/b.csv", "error": "The clock cannot be told.", "advice": "Give it.", "refused": 0}


def drop(window: MainWindow, *urls: QUrl) -> bool:
    data = QMimeData()
    data.setUrls(list(urls))
    everything = (data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPointF(400, 300).toPoint(), Qt.DropAction.CopyAction, *everything)
    QApplication.sendEvent(window, enter)
    if enter.isAccepted():
        QApplication.sendEvent(window, QDropEvent(QPointF(400, 300), Qt.DropAction.CopyAction, *everything))
    return enter.isAccepted()


def report_of(window: MainWindow) -> ImportReport | None:
    return window.findChild(ImportReport)


def test_dropped_files_are_imported_and_reported(
    qtbot: QtBot, window: MainWindow, engine: FakeEngine, tmp_path: Path
) -> None:
    file = tmp_path / "EURUSD M5.csv"
    file.write_text("x", encoding="utf-8")
    assert drop(window, QUrl.fromLocalFile(str(file)))
    qtbot.waitUntil(lambda: bool(engine.runner.submitted))
    assert engine.runner.submitted == [("import_files", {"files": [QUrl.fromLocalFile(str(file)).toLocalFile()]})]


def test_what_is_no_file_is_not_taken(window: MainWindow, engine: FakeEngine) -> None:
    assert not drop(window, QUrl("https://example.com/EURUSD.csv"))
    assert not drop(window)
    assert engine.runner.submitted == []


def test_nothing_is_taken_before_the_engine_is_there(bare_window: MainWindow) -> None:
    assert not drop(bare_window, QUrl.fromLocalFile(str(Path.home() / "x.csv")))


def test_the_report_of_a_run_opens_when_it_ends(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    run = make_run(1_000_001, "import_files", RunState.SUCCEEDED, NOW, result={"files": [DONE]})
    window.drop._awaited.add(run.run_id)
    engine.runner.tell(run)
    qtbot.waitUntil(lambda: report_of(window) is not None)
    report = report_of(window)
    assert report is not None
    texts = " ".join(label.text() for label in report.findChildren(QLabel))
    for said in (
        "EURUSD_M5.csv",
        "1,234 rows read, 1 refused, 1,200 new",
        "line 7: the open is not a number",
        "20 of 20",
    ):
        assert said in texts
    assert report.failed == []
    report.close()


def test_a_run_that_ends_before_its_number_is_known(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    run = make_run(99, "import_files", RunState.SUCCEEDED, NOW, result={"files": [DONE]})
    engine.runner.tell(run)
    qtbot.waitUntil(lambda: run.run_id in window.drop._ended)
    window.drop.import_files(["/exports/EURUSD_M5.csv"])
    qtbot.waitUntil(lambda: report_of(window) is not None)


def test_a_file_that_asked_for_something_can_be_tried_again(qtbot: QtBot, theme: Theme) -> None:
    run = make_run(1_000_002, "import_files", RunState.FAILED, NOW, result={"files": [DONE, FAILED]})
    report = ImportReport(theme, run)
    qtbot.addWidget(report)
    report.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    report.show()
    asked: list[tuple[list[str], dict[str, Any]]] = []
    report.again.connect(lambda files, params: asked.append((files, params)))
    report.point.setText("x")
    report._on_again()
    assert asked == []
    report.zone.setCurrentText(" UTC+3 ")
    report.symbol.setText("EURUSD.x")
    report.point.setText("0,001")
    report._on_again()
    assert asked == [(["/exports/b.csv"], {"time_zone": "UTC+3", "symbol": "EURUSD.x", "point": 0.001})]
