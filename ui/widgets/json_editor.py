"""A rule file as text: line numbers, marks where something is wrong, quiet colours."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from ui.theme import Theme

PARAGRAPH = "\N{PARAGRAPH SEPARATOR}"
#: Longer texts are shown in one colour.
COLOURED = 20_000
_NAME = re.compile(r'"(?:[^"\\]|\\.)*"(?=\s*:)')
_SIGNS = re.compile(r"[{}\[\],:]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?')


class _Colours(QSyntaxHighlighter):
    """Names dim, brackets fainter, values as text."""

    def __init__(self, theme: Theme, document: QTextDocument) -> None:
        super().__init__(document)
        self._theme = theme
        self.on = True
        theme.changed.connect(self.rehighlight)

    def highlightBlock(self, text: str) -> None:
        if not self.on or len(text) > 1_000:
            return
        faint, dim = QTextCharFormat(), QTextCharFormat()
        faint.setForeground(self._theme.ink("muted"))
        dim.setForeground(self._theme.ink("dim"))
        hidden = _STRING.sub(lambda found: "x" * len(found[0]), text)
        for found in _SIGNS.finditer(hidden):
            self.setFormat(found.start(), 1, faint)
        for name in _NAME.finditer(text):
            self.setFormat(name.start(), len(name[0]), dim)


class _Numbers(QWidget):
    """The strip of line numbers."""

    def __init__(self, editor: JsonEditor) -> None:
        super().__init__(editor)
        self._editor = editor

    def sizeHint(self) -> QSize:
        return QSize(self._editor.numbers_width(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._editor.paint_numbers(QPainter(self), event.rect())


class JsonEditor(QPlainTextEdit):
    """Edits JSON. The text is exactly what was set, whatever characters it holds; see ``keeps``."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._marks: dict[int, str] = {}
        self.setObjectName("json")
        self.setAccessibleName(self.tr("Strategy file as JSON"))
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTabChangesFocus(True)
        self.setFont(theme.mono(12))
        self.setStyleSheet(f'#json {{ font-family: "{theme.mono_family}"; font-size: 12px; padding: 4px 0px; }}')
        self._numbers = _Numbers(self)
        self._colours = _Colours(theme, self.document())
        self.blockCountChanged.connect(self._make_room)
        self.updateRequest.connect(self._on_update)
        theme.changed.connect(self._show_marks)
        self._make_room()

    # -- text ------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The text. ``toPlainText`` would turn no-break spaces into spaces."""
        return self.document().toRawText().replace(PARAGRAPH, "\n")

    def keeps(self, text: str) -> bool:
        """Whether Qt's document can hold this text as it is: it takes some characters for ends of lines."""
        return not any(sign in text for sign in ("\r", "\0", PARAGRAPH, "\N{LINE SEPARATOR}", "\ufdd0", "\ufdd1"))

    def load(self, text: str) -> None:
        """Show another text; what was done before cannot be undone any more."""
        self._colours.on = len(text) <= COLOURED
        self._marks = {}
        self.setExtraSelections([])
        self.setPlainText(text)
        self.document().setModified(False)

    def replace(self, start: int, end: int, text: str) -> None:
        """Replace the characters of ``text()`` from ``start`` up to ``end``; one step to undo."""
        whole = self.text()
        cursor = QTextCursor(self.document())
        cursor.setPosition(_units(whole[:start]))
        cursor.setPosition(_units(whole[:end]), QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(text)

    def become(self, text: str) -> None:
        """Change to ``text`` by replacing only the middle part that differs."""
        whole = self.text()
        if whole == text:
            return
        start = 0
        most = min(len(whole), len(text))
        while start < most and whole[start] == text[start]:
            start += 1
        tail = 0
        while tail < most - start and whole[-1 - tail] == text[-1 - tail]:
            tail += 1
        self.replace(start, len(whole) - tail, text[start : len(text) - tail])

    # -- marks -----------------------------------------------------------------------------------------------------

    def mark(self, places: Sequence[tuple[int, int, int, str]]) -> None:
        """Mark what is wrong: line (from 1), start and end in characters, and the sentence."""
        self._marks = {}
        whole = self.text()
        selections = []
        for line, start, end, sentence in places:
            self._marks.setdefault(line, sentence)
            selection = QTextEdit.ExtraSelection()
            cursor = QTextCursor(self.document())
            cursor.setPosition(_units(whole[: min(start, len(whole))]))
            cursor.setPosition(_units(whole[: min(end, len(whole))]), QTextCursor.MoveMode.KeepAnchor)
            wave = QTextCharFormat()
            wave.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            wave.setUnderlineColor(self._theme.color("error"))
            selection.cursor, selection.format = cursor, wave
            selections.append(selection)
        self.setExtraSelections(selections)
        self.setAccessibleDescription(" ".join(self._marks.values()))
        self._numbers.update()

    @property
    def marked_lines(self) -> dict[int, str]:
        """What is wrong, by line."""
        return dict(self._marks)

    def show_line(self, line: int) -> None:
        """Put the cursor at the beginning of a line and bring it into sight."""
        block = self.document().findBlockByNumber(line - 1)
        if block.isValid():
            self.setTextCursor(QTextCursor(block))
            self.centerCursor()

    def _show_marks(self) -> None:
        self._numbers.update()

    # -- the strip of numbers --------------------------------------------------------------------------------------

    def numbers_width(self) -> int:
        """Pixels that the line numbers take."""
        digits = max(2, len(str(self.blockCount())))
        return int(QFontMetricsF(self._theme.mono(11)).horizontalAdvance("9") * digits) + 18

    def paint_numbers(self, painter: QPainter, rect: QRect) -> None:
        """Paint the numbers in ``rect``; a marked line has its number in the colour of an error, with a dot."""
        painter.setFont(self._theme.mono(11))
        block = self.firstVisibleBlock()
        top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top()
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        while block.isValid() and top <= rect.bottom():
            height = self.blockBoundingRect(block).height()
            line = block.blockNumber() + 1
            ink: QColor = self._theme.ink("error" if line in self._marks else "muted")
            painter.setPen(ink)
            painter.drawText(QRectF(0, top, self._numbers.width() - 8, height), right, str(line))
            if line in self._marks:
                painter.setBrush(ink)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.drawEllipse(QRectF(3, top + height / 2 - 2.5, 5, 5))
            top += height
            block = block.next()

    def _make_room(self, _count: int = 0) -> None:
        self.setViewportMargins(self.numbers_width(), 0, 0, 0)

    def _on_update(self, rect: QRect, dy: int) -> None:
        if dy:
            self._numbers.scroll(0, dy)
        else:
            self._numbers.update(0, rect.y(), self._numbers.width(), rect.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        inside = self.contentsRect()
        self._numbers.setGeometry(QRect(inside.left(), inside.top(), self.numbers_width(), inside.height()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not self.isReadOnly():
            before = self.textCursor().block().text()[: self.textCursor().positionInBlock()]
            indent = before[: len(before) - len(before.lstrip(" \t"))]
            deeper = "  " if before.rstrip().endswith(("{", "[")) else ""
            self.textCursor().insertText(f"\n{indent}{deeper}")
            self.ensureCursorVisible()
            return
        super().keyPressEvent(event)


def _units(text: str) -> int:
    """The length of a text as Qt counts it, in units of UTF-16."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
