"""One run in full: only what is so is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.runs import Run, RunState, Trigger
from ui.theme import Theme
from ui.widgets.run_details import RunDetails

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

NOW = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("params", "line"),
    [
        ({}, ""),
        ({"symbols": None}, ""),
        ({"symbols": [], "note": ""}, ""),
        ({"symbols": None, "depth": 0}, "With depth = 0"),
        ({"symbols": ["EURUSD"]}, "With symbols = ['EURUSD']"),
    ],
)
def test_parameters_are_told_when_there_are_any(
    qtbot: QtBot, theme: Theme, params: dict[str, object], line: str
) -> None:
    details = RunDetails(theme)
    qtbot.addWidget(details)
    details.show_run(Run("00000000000001", "x", RunState.SUCCEEDED, Trigger.MANUAL, NOW, params=params), NOW)
    told = [text for part in details.findChildren(QLabel) for text in part.text().splitlines() if "With" in text]
    assert told == ([line] if line else [])
