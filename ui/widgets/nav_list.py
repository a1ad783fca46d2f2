"""A list of places to go: the pages at the left edge, the groups of the settings."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from ui.icons import paint_icon
from ui.theme import Theme

AnyIndex = QModelIndex | QPersistentModelIndex
GAP = 15
"""Room between two groups, with a line in it."""


class _Pages(QAbstractListModel):
    def __init__(self, entries: list[tuple[str, str, str]], keys: bool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries = entries
        self._keys = keys
        self.counts: dict[str, tuple[int, str]] = {}

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        page, title, _icon = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            count, meaning = self.counts.get(page, (0, ""))
            return f"{title}, {meaning}" if count else title
        if role == Qt.ItemDataRole.ToolTipRole:
            meaning = self.counts.get(page, (0, ""))[1]
            if not self._keys or index.row() >= 9:
                return meaning
            return f"{meaning} (Ctrl+{index.row() + 1})".lstrip() if meaning else f"Ctrl+{index.row() + 1}"
        return None


class _Entry(QStyledItemDelegate):
    def __init__(
        self, theme: Theme, model: _Pages, breaks: tuple[str, ...] = (), parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._model = model
        self._breaks = breaks

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        breaks = self._model.entries[index.row()][0] in self._breaks
        return QSize(180, 33 + (GAP if breaks else 0))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        page, title, icon = self._model.entries[index.row()]
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hover = bool(option.state & QStyle.StateFlag.State_MouseOver)
        whole = QRectF(option.rect)
        rect = whole.adjusted(0, 1, 0, -1)
        if page in self._breaks:
            painter.fillRect(
                QRectF(whole.left() + 4, whole.top() + GAP // 2, whole.width() - 8, 1), self._theme.color("line")
            )
            rect.adjust(0, GAP, 0, 0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if selected or hover:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("selected") if selected else self._theme.tint("selected", 0.45))
            painter.drawRoundedRect(rect, 6, 6)
        view = option.widget
        if selected and view is not None and view.hasFocus():
            painter.setPen(QPen(self._theme.color("accent"), 1.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        ink = self._theme.ink("accent" if selected else "dim")
        if icon:
            paint_icon(painter, icon, QRectF(rect.left() + 10, rect.center().y() - 7.5, 15, 15), ink)
        painter.setFont(self._theme.font(weight=QFont.Weight.Medium if selected else QFont.Weight.Normal))
        painter.setPen(self._theme.ink("text" if selected else "dim"))
        room = rect.adjusted(36 if icon else 12, 0, -34, 0)
        shown = QFontMetricsF(painter.font()).elidedText(title, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), shown)
        count = self._model.counts.get(page, (0, ""))[0]
        if count:
            painter.setFont(self._theme.font(11))
            painter.setPen(self._theme.ink("muted"))
            right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(rect.adjusted(0, 0, -10, 0), right, str(count))


class NavList(QListView):
    """Places, one line each with a count that tells what waits there.

    Args:
        entries: Name, title and icon (empty: none) of each.
        name: What a screen reader calls the list; empty: the pages, which Ctrl and a figure reach too.
        breaks: Names of places that begin a group.

    Signals:
        chosen: the place to show.
    """

    chosen = Signal(str)

    def __init__(
        self,
        theme: Theme,
        entries: list[tuple[str, str, str]],
        parent: QWidget | None = None,
        *,
        name: str = "",
        breaks: tuple[str, ...] = (),
    ) -> None:
        super().__init__(parent)
        self._pages = _Pages(entries, not name, self)
        self.setAccessibleName(name or self.tr("Pages"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setStyleSheet("QListView { background: transparent; }")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setModel(self._pages)
        self.setItemDelegate(_Entry(theme, self._pages, breaks, self))
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        theme.changed.connect(self.viewport().update)

    def choose(self, page: str) -> None:
        """Select a page."""
        for place, (name, _title, _icon) in enumerate(self._pages.entries):
            if name == page:
                self.setCurrentIndex(self._pages.index(place))

    def set_count(self, page: str, count: int, meaning: str) -> None:
        """The number beside a page and what it counts; 0 hides it."""
        if self._pages.counts.get(page, (0, "")) == (count, meaning):
            return
        self._pages.counts[page] = (count, meaning)
        for place, (name, _title, _icon) in enumerate(self._pages.entries):
            if name == page:
                cell = self._pages.index(place)
                self._pages.dataChanged.emit(cell, cell)

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(self._pages.entries[current.row()][0])
