"""The terminal on the health page: how the connection stands, where its module lives, and when it was away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from app.terminal.call_words import asked_for
from app.terminal.outages import Outage
from app.terminal.requests import CallTiming, LongCall
from ui import words
from ui.engine_link import EngineLink
from ui.terminal_words import HOSTS, kind_look, outage_length, outage_role, outage_times, state_look
from ui.theme import Theme
from ui.widgets.choice import Choice
from ui.widgets.elided import ElidedLabel
from ui.widgets.labels import button, label, row, set_icon
from ui.widgets.outage_strip import OutageStrip
from ui.widgets.state_badge import StateBadge

if TYPE_CHECKING:
    from app.engine import Engine

SHOWN = 6
_FACTS = ("server", "account", "ping", "program", "trading", "calls")


@dataclass(frozen=True, slots=True)
class TerminalFacts:
    """What is read off the session on the pool."""

    outages: tuple[Outage, ...]
    timings: tuple[CallTiming, ...]
    long_calls: tuple[LongCall, ...]
    host: str


class TerminalSection(QFrame):
    """State, server, account, host, reconnect and the log of outages."""

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setAccessibleName(self.tr("Terminal"))
        self._theme = theme
        self._link = link
        self._facts: TerminalFacts | None = None
        self.state = StateBadge(theme)
        self.since = ElidedLabel("small")
        self.kind = StateBadge(theme)
        self.reason = label("", "", wrap=True, selectable=True)
        self.advice = label("", "small", wrap=True, selectable=True)
        self.held = label("", "small", wrap=True, selectable=True)
        self.host = Choice(self.tr("Host of the terminal module"))
        for name, text in HOSTS.items():
            self.host.addItem(self.tr(text), name)
        self.host.setMinimumWidth(112)
        self.host.setToolTip(
            self.tr("A process of its own can be ended when a call hangs, and never holds the window. It costs 40 MB.")
        )
        self.host.activated.connect(self._on_host)
        self.reconnect = button(self.tr("Reconnect"), self._on_reconnect)
        set_icon(self.reconnect, theme, "refresh", "text")
        self.reconnect.setToolTip(self.tr("Give up the connection to the terminal and connect anew"))
        self.values: dict[str, QLabel] = {}
        self.strip = OutageStrip(theme)
        self.outages = QGridLayout()
        self.nothing = label(self.tr("No outage was recorded."), "dim")
        self._lay_out()
        link.attached.connect(self.refresh)
        link.terminal_changed.connect(lambda _status: self.refresh())
        link.settings_changed.connect(lambda _changed, _settings: self.refresh())

    def _lay_out(self) -> None:
        title = label(self.tr("Terminal"), "strong")
        caption = label(self.tr("Module"), "small")
        caption.setBuddy(self.host)
        head = row(title, 4, self.state, self.since, None, caption, self.host, self.reconnect)
        facts = QGridLayout()
        facts.setHorizontalSpacing(10)
        facts.setVerticalSpacing(3)
        titles = (
            self.tr("Server"),
            self.tr("Account"),
            self.tr("Ping"),
            self.tr("Program"),
            self.tr("AutoTrading"),
            self.tr("Slowest call"),
        )
        for place, (name, text) in enumerate(zip(_FACTS, titles, strict=True)):
            self.values[name] = ElidedLabel()
            line, column = place % 3, place // 3 * 2
            facts.addWidget(label(text, "small"), line, column)
            cell = row(self.values[name], self.kind, None) if name == "account" else row(self.values[name], None)
            facts.addLayout(cell, line, column + 1)
        facts.setColumnStretch(1, 1)
        facts.setColumnStretch(3, 1)
        self.outages.setHorizontalSpacing(14)
        self.outages.setVerticalSpacing(3)
        self.outages.setColumnStretch(3, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(15, 12, 15, 12)
        layout.setSpacing(6)
        layout.addLayout(head)
        for part in (self.reason, self.advice, self.held):
            layout.addWidget(part)
            part.hide()
        layout.addLayout(facts)
        layout.addSpacing(4)
        layout.addWidget(label(self.tr("Outages, last 24 h"), "small"))
        layout.addWidget(self.strip)
        layout.addWidget(self.nothing)
        layout.addLayout(self.outages)

    # -- what is so ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the newest status, and ask for the rest."""
        if self._link.ready and self.isVisible():
            self._show_status(self._link.terminal)
            self._link.query(self, _read, self._on_facts)

    def tick(self, now: datetime) -> None:
        """A second has passed: an outage that goes on grows."""
        if self._facts is not None and self._facts.outages and self._facts.outages[-1].open:
            self._show_outages(self._facts.outages, now)

    def _show_status(self, status: Any) -> None:
        self.state.set_look(state_look(status.state))
        self.since.setText(self.tr("since {t}").format(t=words.local_time(status.since, self._link.now())))
        self.since.setToolTip(words.both_times(status.since))
        _say(self.reason, status.reason)
        _say(self.advice, status.advice)
        self.kind.set_look(kind_look(status.account_kind))
        self.kind.setVisible(bool(status.account_kind))
        ping = f"{status.ping_ms:.0f}{words.GAP}ms" if status.ping_ms is not None else words.DASH
        trading = {None: words.DASH, True: self.tr("On"), False: self.tr("Off")}[status.trade_allowed]
        texts = {
            "server": status.server or words.DASH,
            "account": str(status.login or words.DASH),
            "ping": ping,
            "program": status.program or words.DASH,
            "trading": trading,
        }
        for name, text in texts.items():
            self.values[name].setText(text)
        self.values["trading"].setToolTip(self.tr("The AutoTrading button of the terminal. Metronome sends no orders."))

    def _on_facts(self, facts: TerminalFacts) -> None:
        self._facts = facts
        self.host.setCurrentIndex(self.host.findData(facts.host))
        slowest = facts.timings[0] if facts.timings else None
        self.values["calls"].setText(
            f"{asked_for(slowest.name)}, {words.duration(slowest.max_ms / 1000)}" if slowest else words.DASH
        )
        self.values["calls"].setToolTip("\n".join(_timing(timing) for timing in facts.timings[:12]))
        held = [call for call in facts.long_calls if call.held]
        text = ""
        if held and facts.host == "in_process":
            worst = max(held, key=lambda call: call.seconds)
            text = self.tr(
                "Asking for {name} held the window for {t}. "
                "Let the module live in a process of its own: then it cannot."
            ).format(name=asked_for(worst.name), t=words.duration(worst.seconds))
        _say(self.held, text)
        self._show_outages(facts.outages, self._link.now())

    def _show_outages(self, outages: tuple[Outage, ...], now: datetime) -> None:
        spans = [
            (outage.began, outage.ended or (now if outage.open else outage.began), outage_role(outage))
            for outage in outages
        ]
        self.strip.show_spans(spans, now)
        shown = outages[::-1][:SHOWN]
        seen = len(self.strip.spans_in_sight())
        self.strip.setAccessibleName(words.plural(seen, "outage in the last 24 h", "outages in the last 24 h"))
        self.nothing.setVisible(not shown)
        while (item := self.outages.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for line, outage in enumerate(shown):
            badge = StateBadge(self._theme)
            badge.set_look(state_look(outage.state))
            when = ElidedLabel("small", outage_times(outage, now))
            when.setToolTip(words.both_times(outage.began))
            why = label(outage.reason, "small", wrap=True, selectable=True)
            length = label(outage_length(outage, now), "small")
            length.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for column, part in enumerate((when, length, badge, why)):
                self.outages.addWidget(part, line, column)

    # -- what the user wants ---------------------------------------------------------------------------------------

    def _on_host(self, place: int) -> None:
        wanted = self.host.itemData(place)
        if self._facts is None or wanted == self._facts.host:
            return
        self._link.query(
            self, lambda engine: engine.settings.set("terminal.host", wanted), self._on_done, self._on_refused
        )

    def _on_reconnect(self) -> None:
        self._link.act(lambda engine: engine.terminal.reconnect())

    def _on_done(self, _result: object) -> None:
        self.refresh()

    def _on_refused(self, error: Any) -> None:
        self._link.troubled.emit(error.message, error.advice)
        self.refresh()


def _read(engine: Engine) -> TerminalFacts:
    terminal = engine.terminal
    return TerminalFacts(
        terminal.outages(), terminal.timings(), terminal.long_calls(), engine.settings.current.terminal.host
    )


def _timing(timing: CallTiming) -> str:
    mean, most = words.duration(timing.mean_ms / 1000), words.duration(timing.max_ms / 1000)
    name = f"{asked_for(timing.name)} ({timing.name})"
    return f"{name}: {timing.count:,} \N{MULTIPLICATION SIGN}, mean {mean}, longest {most}"


def _say(target: QLabel, text: str) -> None:
    target.setText(text)
    target.setVisible(bool(text))
