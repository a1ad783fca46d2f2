"""Several backtests beside each other: their equity, their figures, and where their rules differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui.models import backtest_words
from ui.models.ink_table import InkTable
from ui.theme import Theme
from ui.widgets.backtest_parts import curve_of, fit_height, lines_table, scrolling
from ui.widgets.curve_chart import Curve, CurveChart, style_of
from ui.widgets.elided import ElidedLabel
from ui.widgets.labels import label

if TYPE_CHECKING:
    from workers.backtest.shelf import Result

MOST = 4
"""So many are compared: more columns cannot be read."""


class Comparison(QWidget):
    """Two to four tests; the one that was made first is the first."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.title = ElidedLabel("sectionTitle")
        self.about = label("", "dim", wrap=True)
        self.chart = CurveChart(theme, self.tr("Equity of the compared backtests"))
        self.chart.setMinimumHeight(190)
        self.figures = InkTable((self.tr("Figure"),), self)
        self.rules = InkTable((self.tr("Place"),), self)
        self._figures = lines_table(theme, self.figures, self.tr("Figures side by side"), {}, 0)
        self._rules = lines_table(theme, self.rules, self.tr("Differences of rules and terms"), {}, 0)
        self._same = label(self.tr("Rules, terms, costs and bars are the same."), "dim", wrap=True)
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.setContentsMargins(0, 4, 8, 0)
        inner.setSpacing(6)
        inner.addWidget(self.chart)
        inner.addWidget(label(self.tr("Differences of rules, terms and bars"), "muted"))
        inner.addWidget(self._same)
        inner.addWidget(self._rules)
        inner.addWidget(label(self.tr("Figures"), "muted"))
        inner.addWidget(self._figures)
        inner.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.title)
        layout.addWidget(self.about)
        layout.addWidget(scrolling(content, self.tr("Comparison")), 1)

    def show_results(self, results: Sequence[Result]) -> None:
        """Show these beside each other."""
        shown = sorted(results, key=lambda result: result.text("created"))[:MOST]
        letters = [chr(ord("A") + place) for place in range(len(shown))]
        self.title.setText(self.tr("{n} backtests compared").format(n=len(shown)))
        names = [f"{letter}: {title_of(result)}" for letter, result in zip(letters, shown, strict=True)]
        left = len(results) - len(shown)
        more = self.tr("{n} more are not shown").format(n=left) if left > 0 else ""
        self.about.setText("\n".join(part for part in (*names, more) if part))
        self.chart.show_curves(_curves(letters, shown))
        columns = [*letters, self.tr("B \N{MINUS SIGN} A")] if len(shown) == 2 else letters
        self.figures.show_lines(
            backtest_words.compared_figures([result.part("statistics") for result in shown]),
            [self.tr("Figure"), *columns],
        )
        differences = backtest_words.rule_differences([result.document for result in shown])
        self.rules.show_lines(differences, [self.tr("Place"), *letters])
        self._same.setVisible(not differences)
        self._rules.setVisible(bool(differences))
        for table, count in ((self._figures, len(columns)), (self._rules, len(letters))):
            wide = 104 if table is self._figures else 150
            table.set_widths(
                dict.fromkeys(range(1, count + 1), wide),
                0,
                least=150,
                shrinking=dict.fromkeys(range(1, count + 1), 48),
            )
            fit_height(table)


def title_of(result: Result) -> str:
    """What a backtest is called where several are named: rule, symbol and when it was made."""
    made = result.text("created")[:16].replace("T", " ")
    return f"{result.text('name') or result.stem} {result.text('symbol')} {result.text('timeframe')} ({made})"


def _curves(letters: Sequence[str], results: Sequence[Result]) -> list[Curve]:
    found = []
    for place, (letter, result) in enumerate(zip(letters, results, strict=True)):
        curve = curve_of(result, letter)
        if curve is not None:
            role, style = style_of(place)
            found.append(replace(curve, role=role, style=style, lowest=()))
    return found
