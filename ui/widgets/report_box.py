"""The details of an error that nobody caught, to read and to copy; never in the way of the window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from ui.crash import Report
from ui.words import tr


def open_report(window: QWidget, report: Report, ask_bundle: Callable[[], object]) -> None:
    """Show a report over ``window``; ``ask_bundle`` is called when a support bundle is wanted."""
    box = QMessageBox(window)
    box.setWindowTitle(tr("Details of the error"))
    box.setText(report.sentence)
    box.setDetailedText(report.details)
    copy = box.addButton(tr("Copy"), QMessageBox.ButtonRole.ActionRole)
    copy.clicked.connect(lambda _checked=False: QGuiApplication.clipboard().setText(report.details))
    bundle = box.addButton(tr("Support bundle…"), QMessageBox.ButtonRole.ActionRole)
    bundle.clicked.connect(lambda _checked=False: ask_bundle())
    box.addButton(QMessageBox.StandardButton.Close)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setModal(False)
    box.show()
