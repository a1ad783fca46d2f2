"""The questions of the page of trade ideas: why it is rejected, and what is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QWidget

from app.errors import MetronomeError
from ui.widgets.dialogs import FormDialog
from ui.widgets.labels import label
from ui.words import joined, tr
from workers.strategy.decision_book import LONGEST_REASON, Figures, Terms
from workers.strategy.idea_edit import ENTRY, STOP, TARGET, VOLUME, Basis, faults_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class RejectDialog(FormDialog):
    """Signals:
    answered: the reason.
    """

    answered = Signal(str)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(
            tr("Reject {idea}").format(idea=title),
            tr("The reason stays in the history of decisions, where it teaches something later."),
            tr("Reject"),
            parent,
        )
        self.line = QLineEdit()
        self.line.setMaxLength(LONGEST_REASON)
        self.line.setPlaceholderText(tr("Why the idea is no good"))
        self.line.setAccessibleName(tr("Reason"))
        self.line.textChanged.connect(self._on_text)
        self.action.setEnabled(False)
        self.finish(self.line)
        self.line.setFocus()

    def _on_text(self, text: str) -> None:
        self.action.setEnabled(bool(text.strip()))

    def on_action(self) -> None:
        if self.line.text().strip():
            self.action.setEnabled(False)
            self.answered.emit(self.line.text())


class EditDialog(FormDialog):
    """Other prices or another volume; what follows from them is shown while they are typed.

    Signals:
        answered: the new terms.
    """

    answered = Signal(object)

    def __init__(self, title: str, basis: Basis, terms: Terms, parent: QWidget | None = None) -> None:
        super().__init__(
            tr("Edit {idea}").format(idea=title),
            tr("Reckoned with the specification and the account that the idea was made from. The idea stays pending."),
            tr("Save"),
            parent,
        )
        self._basis = basis
        self._before = terms
        self._after: Terms | None = None
        self.lines: dict[str, QLineEdit] = {}
        self._faults: dict[str, QLabel] = {}
        self.figures = label("", "strong", wrap=True)
        self._remark = label("", "dim", wrap=True)
        digits = max(0, basis.grid.digits)
        texts = {
            ENTRY: f"{terms.entry:.{digits}f}",
            STOP: f"{terms.stop:.{digits}f}",
            TARGET: f"{terms.target:.{digits}f}",
            VOLUME: "" if terms.volume is None else f"{terms.volume:g}",
        }
        names = {ENTRY: tr("Entry"), STOP: tr("Stop"), TARGET: tr("Target"), VOLUME: tr("Volume, lots")}
        content = QWidget()
        grid = QGridLayout(content)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for place, (field, text) in enumerate(texts.items()):
            line, fault = QLineEdit(text), label("", "small", wrap=True)
            line.setAccessibleName(names[field])
            line.textChanged.connect(self._reckon)
            fault.hide()
            grid.addWidget(label(names[field], "dim"), 2 * place, 0)
            grid.addWidget(line, 2 * place, 1)
            grid.addWidget(fault, 2 * place + 1, 1)
            self.lines[field], self._faults[field] = line, fault
        self.lines[VOLUME].setPlaceholderText(tr("none"))
        grid.addWidget(self.figures, 8, 0, 1, 2)
        grid.addWidget(self._remark, 9, 0, 1, 2)
        self.finish(content)
        self._reckon()
        self.lines[ENTRY].setFocus()

    def fault(self, field: str) -> str:
        """What is wrong with a field; empty when nothing is."""
        return self._faults[field].text()

    def on_action(self) -> None:
        if self._after is not None:
            self.action.setEnabled(False)
            self.answered.emit(self._after)

    def on_failed(self, error: MetronomeError) -> None:
        super().on_failed(error)
        self._reckon()

    def _reckon(self) -> None:
        terms, faults = self._typed()
        if terms is not None:
            faults = faults_of(self._basis, terms)
        self._show_faults(faults)
        good = terms is not None and not faults
        self._after = terms if good and terms != self._before else None
        self.action.setEnabled(self._after is not None)
        if not good or terms is None:
            self.figures.setText(tr("Not possible like this"))
            self._remark.setText("")
        else:
            figures = self._basis.figures(terms)
            self.figures.setText(figures_words(figures, self._basis.currency))
            self._remark.setText(joined(self._basis.remark(figures), self._most(terms), ""))
        self._fit()

    def _most(self, terms: Terms) -> str:
        largest = self._basis.largest(terms)
        if largest.volume is None:
            return tr("No volume: {why}").format(why=largest.reason)
        return tr("At most {lots} lots for the {risk} that may be lost").format(
            lots=f"{largest.volume:g}", risk=f"{self._basis.max_risk:.2%}"
        )

    def _typed(self) -> tuple[Terms | None, dict[str, str]]:
        values: dict[str, float | None] = {}
        faults = {}
        for field, line in self.lines.items():
            text = line.text().strip().replace(",", ".")
            try:
                values[field] = float(text) if text or field != VOLUME else None
            except ValueError:
                faults[field] = tr("This is no number.")
        if faults:
            return None, faults
        entry, stop, target = (values[field] or 0.0 for field in (ENTRY, STOP, TARGET))
        return Terms(entry, stop, target, values[VOLUME]), {}

    def _show_faults(self, faults: Mapping[str, str]) -> None:
        for field, place in self._faults.items():
            place.setText(faults.get(field, ""))
            place.setVisible(field in faults)
            line = self.lines[field]
            if bool(line.property("wrong")) != (field in faults):
                line.setProperty("wrong", field in faults)
                line.style().polish(line)


def figures_words(figures: Figures, currency: str) -> str:
    """Reward/risk and what may be lost, in words."""
    parts = [tr("Reward/risk {ratio}").format(ratio=f"{figures.reward_risk:.2f}")]
    if figures.risk_money is None:
        parts.append(tr("no volume, no risk"))
    else:
        share = "" if figures.risk_share is None else f" ({figures.risk_share:.2%})"
        parts.append(tr("risk {money}{share}").format(money=f"{figures.risk_money:,.2f} {currency}", share=share))
    return joined(*parts)
