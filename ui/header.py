"""The line at the top: what terminal we talk to, what time it is where, and the switch that pauses everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from ui import words
from ui.theme import Theme
from ui.widgets.elided import ElidedLabel
from ui.widgets.labels import button, label, set_icon
from ui.widgets.state_badge import Chip
from ui.widgets.terminal_chip import TerminalChip

HEIGHT = 44
_APART = 14


class Header(QWidget):
    """Signals:
    pause_asked: the timetable shall be paused (True) or resumed (False).
    terminal_asked: the user wants to know more of the terminal.
    """

    pause_asked = Signal(bool)
    terminal_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("header")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._theme = theme
        self._paused = False
        self._has_broker = False
        self._fitted = False
        self._clocks: dict[str, QLabel] = {}
        self._pairs: dict[str, QWidget] = {}
        self.terminal = TerminalChip(theme, whole=True)
        self.terminal.clicked.connect(self.terminal_asked)
        self._is_simulated = False
        self.simulated = Chip(theme, whole=True)
        self.simulated.show_parts("warning", "warning", "", self.tr("Simulated market"))
        self.simulated.setToolTip(
            self.tr("Quotes, bars and the account are made up for rehearsal. Nothing here is a real price.")
        )
        self.simulated.clicked.connect(self.terminal_asked)
        self.simulated.hide()
        self.pause: QPushButton = button(self.tr("Pause all"), self._on_pause)
        set_icon(self.pause, theme, "pause", "text")
        self.pause.setShortcut("Ctrl+P")
        self.pause.setToolTip(self.tr("Start nothing by the timetable until resumed (Ctrl+P)"))
        self.pause.setEnabled(False)
        self._lay_out()

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 16, 0)
        layout.setSpacing(0)
        brand = label(self.tr("Metronome"), "brand")
        brand.setFixedWidth(180)
        layout.addWidget(brand)
        layout.addWidget(self.terminal)
        layout.addSpacing(12)
        layout.addWidget(self.simulated)
        layout.addSpacing(12)
        layout.addStretch(1)
        for name, title in (("local", self.tr("local")), ("broker", self.tr("broker")), ("utc", self.tr("UTC"))):
            caption = label(title, "small")
            clock = label("", "strong")
            clock.setAccessibleName(self.tr("{zone} time").format(zone=title))
            self._clocks[name] = clock
            pair = self._pairs[name] = QWidget()
            inner = QHBoxLayout(pair)
            inner.setContentsMargins(0, 0, 12, 0)
            inner.setSpacing(5)
            inner.addWidget(caption)
            inner.addWidget(clock)
            layout.addWidget(pair)
            pair.setVisible(name == "local")
        layout.addWidget(self.pause)

    def show_terminal(self, status: Any) -> None:
        """Show the state of the terminal session; the line below the header has the room for the reason."""
        self.terminal.show_terminal(status)
        self._is_simulated = bool(status.simulated)
        self._fit()

    def show_times(self, now: datetime, broker: datetime | None) -> None:
        """Show the time of day here, at the broker and in UTC."""
        self._clocks["local"].setText(f"{now.astimezone():%H:%M:%S}")
        self._clocks["utc"].setText(f"{now:%H:%M:%S}")
        fits = self._has_broker == (broker is not None) and self._fitted
        self._has_broker = broker is not None
        if broker is not None:
            self._clocks["broker"].setText(f"{broker:%H:%M:%S}")
        # Figures are of one width: what fitted a second ago fits now.
        if fits:
            self._tell_others()
        else:
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """What has no room steps back: the clock of UTC first, then the broker's, then the chip of the simulated
        market, which the line below says too. The local clock always tells all of them in its tip.
        """
        pairs = self._pairs
        needed = 16 + 180 + self.terminal.sizeHint().width() + 12 + 24 + self.pause.sizeHint().width() + 16
        needed += pairs["local"].sizeHint().width()
        room = self.width()
        _show(self.simulated, shown=self._is_simulated and needed + self.simulated.sizeHint().width() <= room)
        if not self.simulated.isHidden():
            needed += self.simulated.sizeHint().width()
        for name, wanted in (("broker", self._has_broker), ("utc", True)):
            width = pairs[name].sizeHint().width()
            _show(pairs[name], shown=wanted and needed + width <= room)
            needed += width if wanted else 0
        self._fitted = True
        self._tell_others()

    def _tell_others(self) -> None:
        others = [f"{self._clocks[name].accessibleName()}: {self._clocks[name].text()}" for name in ("broker", "utc")]
        self._clocks["local"].setToolTip("\n".join(others if self._has_broker else others[1:]))

    def show_paused(self, paused: bool) -> None:
        """Show whether the timetable is paused."""
        self._paused = paused
        self.pause.setEnabled(True)
        text = self.tr("Resume") if paused else self.tr("Pause all")
        self.pause.setText(text)
        self.pause.setAccessibleName(text)
        self.pause.setShortcut("Ctrl+P")  # setText drops it
        set_icon(self.pause, self._theme, "play" if paused else "pause", "text")

    def _on_pause(self) -> None:
        self.pause_asked.emit(not self._paused)


def _show(part: QWidget, *, shown: bool) -> None:
    if part.isHidden() == shown:
        part.setVisible(shown)


class Footer(QWidget):
    """The line at the bottom: what comes next, how the lanes are doing, and the terminal.

    Signals:
    terminal_asked: the user wants to know more of the terminal.
    """

    terminal_asked = Signal()

    def __init__(self, theme: Theme, jump: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("footer")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(26)
        self._next_caption = label(self.tr("Starting"), "small")
        self._next_task = ElidedLabel("strong")
        self._next_task.setFont(theme.font(12, QFont.Weight.DemiBold))
        self._next_time = label("", "small")
        self._lanes = label("", "small")
        self._lateness = label("", "small")
        self._lateness.setToolTip(self.tr("How late scheduled runs start: 99 of 100 are faster than this."))
        self.terminal = TerminalChip(theme, slim=True)
        self.terminal.clicked.connect(self.terminal_asked)
        self._search = button(self.tr("Ctrl+K  jump to a task or page"), jump, style="quiet")
        self._search.setObjectName("dim")
        self._search.setStyleSheet("font-size: 12px; padding: 0 4px; min-height: 14px;")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 16, 0)
        layout.setSpacing(4)
        for part in (self._next_caption, self._next_task, self._next_time):
            layout.addWidget(part)
        for part in (self._lanes, self._lateness):
            layout.addSpacing(_APART)
            layout.addWidget(part)
        layout.addStretch(1)
        layout.addWidget(self.terminal)
        layout.addWidget(self._search)

    def show_terminal(self, status: Any) -> None:
        """Show the state of the terminal session."""
        self.terminal.show_terminal(status)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """What has no room steps back: how late runs start first, then the hint of the key, then the lanes. Of what
        stays, the title of the task and the name of the server are cut.
        """
        fixed = (self._next_caption, self._next_time)
        cut = (self._next_task, self.terminal)
        needed = 32 + 2 * _APART + 4 * 8  # margins and what lies between the parts
        needed += sum(part.sizeHint().width() for part in fixed) + sum(part.minimumSizeHint().width() for part in cut)
        for part in (self._lanes, self._search, self._lateness):
            needed += part.sizeHint().width()
            _show(part, shown=needed <= self.width())

    def show_next(self, title: str, left: str, *, paused: bool) -> None:
        """Show the next scheduled task and the time until then."""
        if paused:
            texts = (self.tr("Paused: nothing starts by the timetable"), "", "")
        elif title:
            texts = (self.tr("Next:"), title, self.tr("in {t}").format(t=left) if left[:1].isdigit() else left)
        else:
            texts = (self.tr("Nothing is scheduled"), "", "")
        for target, text in zip((self._next_caption, self._next_task, self._next_time), texts, strict=True):
            if target.text() != text:
                target.setText(text)
        self._fit()

    def show_lanes(self, running: int, queued: int) -> None:
        """Show how many runs are at work and how many wait."""
        self._lanes.setText(self.tr("Running {r} \N{MIDDLE DOT} queued {q}").format(r=running, q=queued))
        self._fit()

    def show_lateness(self, seconds: float | None) -> None:
        """Show how late scheduled runs start."""
        self._lateness.setText("" if seconds is None else self.tr("Lateness p99 {t}").format(t=words.lateness(seconds)))
        self._fit()
