"""The card of one health check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from ui import words
from ui.theme import Theme
from ui.widgets.labels import button, label, row
from ui.widgets.state_badge import StateBadge

#: The words that a check may use for its verdict, and those that the window shows.
_VERDICTS = {"ok": "ok", "warn": "warning", "warning": "warning", "error": "error", "failed": "error"}
#: No trouble, but nothing that was looked at either.
NOT_JUDGED = "not_judged"


class CheckCard(QFrame):
    """Verdict and value large, rule and time small, and what to do when something is to be done."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setMinimumHeight(118)
        self.verdict = ""
        self._title = label("", "strong")
        self._badge = StateBadge(theme)
        self._value = label("", "value", wrap=True, selectable=True)
        self._rule = label("", "muted", wrap=True)
        self._since = label("", "small", wrap=True)
        self._advice = label("", "small", wrap=True, selectable=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(15, 12, 15, 12)
        layout.setSpacing(4)
        layout.addLayout(row(self._title, None, self._badge))
        for part in (self._value, self._rule, self._since, self._advice):
            layout.addWidget(part)
        layout.addStretch(1)
        self.buttons: list[QPushButton] = []
        self._offered: tuple[tuple[str, str], ...] = ()
        self._remedies = QVBoxLayout()  # below one another: side by side they would widen the card's column
        self._remedies.setSpacing(6)
        layout.addLayout(self._remedies)

    def offer(self, remedies: Sequence[tuple[str, str]], act: Callable[[str], object]) -> None:
        """Offer a button for each remedy: its name and its word. ``act`` gets the name."""
        if tuple(remedies) == self._offered:
            return
        self._offered = tuple(remedies)
        for old in self.buttons:
            self._remedies.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.buttons = [button(word, partial(act, name)) for name, word in remedies]
        for new in self.buttons:
            new.setAccessibleName(f"{self._title.text()}: {new.text()}")
            self._remedies.addWidget(new, 0, Qt.AlignmentFlag.AlignLeft)

    def show_check(self, check: Mapping[str, Any], now: datetime) -> None:
        """Show the findings of a check: title or name, verdict, value, rule, since, advice."""
        verdict = str(check.get("verdict", ""))
        self.verdict = _VERDICTS.get(verdict, verdict or "unknown")
        if self.verdict == "ok" and check.get("judged") is False:
            self.verdict = NOT_JUDGED
        look = words.verdict_look(self.verdict)
        title = str(
            check.get("title") or str(check.get("name") or check.get("id") or "").replace("_", " ").capitalize()
        )
        self._title.setText(title)
        self._badge.set_look(look)
        self._value.setText(_sentence(check.get("value")))
        _say(self._rule, _sentence(check.get("rule")))
        _say(self._since, _since(check.get("since"), now))
        _say(self._advice, str(check.get("advice") or check.get("what_to_do") or ""))
        self.setAccessibleName(f"{title}: {look.word}, {check.get('value', '')}")


def _sentence(raw: Any) -> str:
    """The text with a capital at its beginning."""
    text = str(raw or "")
    return text[:1].upper() + text[1:]


def _since(raw: Any, now: datetime) -> str:
    """``since 09:12`` from ISO text; empty when there is none."""
    if not raw:
        return ""
    try:
        moment = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw))
    except ValueError:
        return str(raw)
    local = moment.astimezone()
    if local.date() == now.astimezone().date():
        return words.tr("since {t}").format(t=f"{local:%H:%M}")
    return words.tr("since {t}").format(t=f"{local:%a %d %b %H:%M}")


def _say(target: Any, text: str) -> None:
    target.setText(text)
    target.setVisible(bool(text))
