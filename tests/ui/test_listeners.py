"""Who hears what is told within the GUI thread."""

from __future__ import annotations

import pytest
import shiboken6
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from ui.listeners import Listeners


class Ear(QObject):
    """Remembers what it heard."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[int] = []

    def hear(self, value: int) -> None:
        self.heard.append(value)


def test_all_hear_in_the_order_they_came() -> None:
    told: Listeners[int] = Listeners()
    heard: list[tuple[str, int]] = []
    told.connect(lambda value: heard.append(("first", value)))
    told.connect(lambda value: heard.append(("second", value)))
    told.emit(7)
    assert heard == [("first", 7), ("second", 7)]


def test_one_that_fails_keeps_none_from_hearing() -> None:
    told: Listeners[int] = Listeners()
    heard: list[int] = []

    def fail(value: int) -> None:
        raise ValueError(value)

    told.connect(fail)
    told.connect(heard.append)
    with pytest.raises(ValueError, match="7"):
        told.emit(7)
    assert heard == [7]


def test_an_object_that_qt_has_deleted_is_left_out(qtbot: QtBot) -> None:
    told: Listeners[int] = Listeners()
    gone, there = Ear(), Ear()
    told.connect(gone.hear)
    told.connect(there.hear)
    shiboken6.delete(gone)
    told.emit(7)
    assert (gone.heard, there.heard) == ([], [7])
