"""What an idea comes to: volume, risk, reward, its time, and whether its evidence is what it was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from ui import words
from ui.icons import paint_icon
from ui.theme import Theme
from ui.widgets.labels import label, row
from ui.words import tr
from workers.strategy.decision_book import Kind
from workers.strategy.idea_life import State

if TYPE_CHECKING:
    from workers.strategy.idea_card import IdeaCard
    from workers.strategy.idea_files import IdeaRow


class _Line(QWidget):
    """A dim name, a strong value and a dim remark in one line."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name, self._value, self._rest = label(name, "dim"), label("", "strong", selectable=True), label("", "dim")
        parts = row(self._name, self._value, self._rest, None, spacing=5)
        self.setLayout(parts)
        self._rest.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(part.text() for part in (self._name, self._value, self._rest) if part.text())

    def say(self, value: str, rest: str = "", name: str = "") -> None:
        """Show another value."""
        for part, text in ((self._value, value), (self._rest, rest), (self._name, name or self._name.text())):
            if part.text() != text:
                part.setText(text)
                part.setToolTip(text)


class _Seal(QWidget):
    """A mark for evidence that is intact, or for evidence that is not."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.intact = True
        self.setFixedSize(14, 16)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        name, role = ("check", "ok") if self.intact else ("warning", "error")
        paint_icon(QPainter(self), name, QRectF(0, 2, 12, 12), self._theme.ink(role))


class IdeaFigures(QWidget):
    """The figures of one idea."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.volume, self.risk = _Line(tr("Volume")), _Line(tr("Risk"))
        self.reward, self.closed, self.end = (
            _Line(tr("Reward / risk")),
            _Line(tr("Bar closed")),
            _Line(tr("Expires in")),
        )
        self.told = label("", "small", wrap=True, selectable=True)
        self.notes = label("", "small", wrap=True, selectable=True)
        self._seal = _Seal(theme)
        self.chain = label("", "muted", wrap=True, selectable=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(6)
        for part in (self.volume, self.risk, self.reward, self.closed, self.end, self.told, self.notes):
            layout.addWidget(part)
        proof = row(self._seal, spacing=5)
        proof.addWidget(self.chain, 1)
        layout.addLayout(proof)
        layout.addStretch(1)

    def show_idea(self, idea: IdeaRow, card: IdeaCard | None, now: datetime) -> None:
        """Show an idea; ``card`` is None while it is read."""
        terms = idea.terms
        if terms.volume is None:
            self.volume.say(tr("none"))
        else:
            self.volume.say(tr("{lots} lots").format(lots=f"{terms.volume:g}"))
        self._show_risk(idea, card)
        self.reward.say(f"{idea.reward_risk:.2f}")
        closed = idea.facts.closed.astimezone(UTC)
        self.closed.say(_when(closed, now), name=tr("Closed") if words.short_date(closed, now) else tr("Bar closed"))
        self.closed.setToolTip(words.both_times(closed))
        self.show_end(idea, now)
        _say(self.told, decided_words(idea, now))
        _say(self.notes, idea.facts.notes if idea.figures is None else "")
        self._seal.setVisible(card is not None)
        if card is None:
            self.chain.setText(tr("Checking the evidence"))
            return
        self._seal.intact = card.intact
        self._seal.update()
        seal = f"evidence {idea.facts.inputs[:4]}\N{HORIZONTAL ELLIPSIS}{idea.facts.inputs[-3:]}"
        self.chain.setText(words.joined(seal if idea.facts.inputs else "", card.chain))
        self.chain.setToolTip(idea.facts.inputs)

    def show_end(self, idea: IdeaRow, now: datetime) -> None:
        """How long it waits still."""
        ends = idea.ends.astimezone(UTC)
        if idea.state is State.PENDING and now < idea.ends:
            self.end.say(words.countdown(idea.ends - now), f"at {ends:%H:%M} UTC", tr("Expires in"))
        elif idea.state in (State.PENDING, State.EXPIRED):
            self.end.say(_when(ends, now), name=tr("Expired"))
            self.end.setToolTip(words.both_times(ends))
        self.end.setVisible(idea.state in (State.PENDING, State.EXPIRED))

    def _show_risk(self, idea: IdeaRow, card: IdeaCard | None) -> None:
        figures = card.figures if card is not None else idea.figures
        if figures is None or figures.risk_money is None:
            self.risk.say(words.DASH)
            return
        last = next((item for item in reversed(idea.decisions) if item.kind is Kind.EDIT), None)
        currency = card.basis.currency if card is not None and card.basis is not None else last.currency if last else ""
        share = "" if figures.risk_share is None else f"({figures.risk_share:.2%})"
        self.risk.say(f"{figures.risk_money:,.2f} {currency}", share)


def _when(moment: datetime, now: datetime) -> str:
    """An instant in UTC in as few words as a line has room for; long ago only its day."""
    if not words.short_date(moment, now):
        return f"{moment:%H:%M} UTC"
    return f"{moment.day} {moment:%b %H:%M} UTC" if abs((now - moment).days) < 300 else f"{moment:%Y-%m-%d} UTC"


def decided_words(idea: IdeaRow, now: datetime) -> str:
    """What was decided about an idea, the newest first."""
    lines = []
    for item in reversed(idea.decisions):
        when = words.local_time(item.time, now)
        if item.kind is Kind.APPROVE:
            lines.append(tr("Approved {when}, {by}").format(when=when, by=by_words(item.by)))
        elif item.kind is Kind.REJECT:
            text = tr("Rejected {when}, {by}: {reason}")
            lines.append(text.format(when=when, by=by_words(item.by), reason=item.reason))
        elif item.kind is Kind.EDIT:
            lines.append(tr("Edited {when}, {by}").format(when=when, by=by_words(item.by)))
    return "\n".join(lines)


def by_words(by: str) -> str:
    """Who decided."""
    known = {"window": tr("in the window"), "command line": tr("on the command line"), "evaluation": tr("by the clock")}
    return known.get(by, by)


def _say(target: QLabel, text: str) -> None:
    target.setText(text)
    target.setVisible(bool(text))
