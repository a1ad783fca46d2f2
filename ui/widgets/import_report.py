"""What came of imported files, and the way to import those again that asked for something."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QFormLayout, QFrame, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from app.runs import Run
from app.terminal.server_time import EUROPE, NEW_YORK
from ui import words
from ui.theme import Theme
from ui.widgets.labels import button, card, label, row
from ui.widgets.state_badge import StateBadge
from ui.words import Look

_ZONES = ("", NEW_YORK, EUROPE, "UTC", "UTC+2", "UTC+3", "EST", "America/New_York", "Europe/London")
_SHOWN_REFUSALS = 20


class ImportReport(QDialog):
    """A card for each file. Those that could not be imported can be tried again with what was missing.

    Signals:
        again: files and parameters of another try.
    """

    again = Signal(list, dict)

    def __init__(self, theme: Theme, run: Run, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Import"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(False)
        self.resize(640, 520)
        files = [entry for entry in run.result.get("files", ()) if isinstance(entry, Mapping)]
        self.failed = [str(entry["file"]) for entry in files if entry.get("error")]
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 16, 16, 16)
        outer.setSpacing(10)
        outer.addWidget(label(run.summary or words.joined(run.reason, run.advice), "strong", wrap=True))
        content = QWidget()
        content.setObjectName("clear")
        cards = QVBoxLayout(content)
        cards.setContentsMargins(0, 0, 6, 0)
        cards.setSpacing(8)
        for entry in files:
            cards.addWidget(_file_card(theme, entry))
        cards.addStretch(1)
        area = QScrollArea()
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.viewport().setAutoFillBackground(False)
        area.setAccessibleName(self.tr("Files"))
        outer.addWidget(area, 1)
        self.zone = QComboBox()
        self.symbol = QLineEdit()
        self.point = QLineEdit()
        if self.failed:
            outer.addLayout(self._form())
        close = button(self.tr("Close"), self.close)
        parts: list[QWidget | int | None] = [None]
        if self.failed:
            parts.append(button(self.tr("Import again"), self._on_again, style="primary"))
        outer.addLayout(row(*parts, close))

    def _form(self) -> QFormLayout:
        self.zone.setEditable(True)
        self.zone.addItems(list(_ZONES))
        self.zone.setAccessibleName(self.tr("Time zone of the files"))
        self.symbol.setAccessibleName(self.tr("Symbol of the files"))
        self.point.setAccessibleName(self.tr("Size of a point"))
        self.point.setPlaceholderText(self.tr("only when prices are in points, for example 0.001"))
        form = QFormLayout()
        form.addRow(self.tr("Time zone"), self.zone)
        form.addRow(self.tr("Symbol"), self.symbol)
        form.addRow(self.tr("Point"), self.point)
        return form

    def _on_again(self) -> None:
        params: dict[str, Any] = {}
        if self.zone.currentText().strip():
            params["time_zone"] = self.zone.currentText().strip()
        if self.symbol.text().strip():
            params["symbol"] = self.symbol.text().strip()
        try:
            if self.point.text().strip():
                params["point"] = float(self.point.text().strip().replace(",", "."))
        except ValueError:
            self.point.setFocus()
            self.point.selectAll()
            return
        self.again.emit(self.failed, params)
        self.close()


def _file_card(theme: Theme, entry: Mapping[str, Any]) -> QFrame:
    frame, inner = card()
    badge = StateBadge(theme)
    if entry.get("error"):
        badge.set_look(Look("failed", "error", words.tr("Not imported")))
    elif entry.get("refused"):
        badge.set_look(Look("warning", "warning", words.tr("Imported in part")))
    else:
        badge.set_look(Look("succeeded", "ok", words.tr("Imported")))
    inner.addLayout(row(label(Path(str(entry.get("file", ""))).name, "strong"), None, badge))
    what = (entry.get("kind"), entry.get("symbol"), entry.get("timeframe"))
    counts = words.tr("{rows} rows read, {refused} refused, {added} new").format(
        rows=f"{entry.get('rows', 0):,}", refused=f"{entry.get('refused', 0):,}", added=f"{entry.get('added', 0):,}"
    )
    inner.addWidget(label(words.joined(*[str(part) for part in what if part], counts), "dim", wrap=True))
    if entry.get("first"):
        span = f"{entry['first']} \N{EN DASH} {entry['last']}"
        inner.addWidget(label(words.joined(span, str(entry.get("time_zone") or "")), "dim", wrap=True))
    if entry.get("error"):
        inner.addWidget(label(f"{entry['error']} {entry.get('advice') or ''}".strip(), wrap=True, selectable=True))
    for refusal in list(entry.get("refusals", ()))[:_SHOWN_REFUSALS]:
        line = words.tr("line {line}: {reason}").format(line=refusal["line"], reason=refusal["reason"])
        inner.addWidget(label(line, "small", wrap=True, selectable=True))
    for note in entry.get("notes", ()):
        inner.addWidget(label(str(note), "dim", wrap=True, selectable=True))
    return frame
