"""A report of MetaTrader's own tester beside ours: what it says, what its deals add up to, and the chosen test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from ui import words
from ui.models.backtest_words import shown
from ui.models.ink_table import Ink, InkTable, Line
from ui.theme import Theme
from ui.widgets.backtest_parts import WIDEST, lines_table
from ui.widgets.choice import Choice
from ui.widgets.labels import button, label

if TYPE_CHECKING:
    from workers.backtest.shelf import Result
    from workers.backtest.tester_shelf import TesterReport

#: Reports show money to the cent and other figures to some decimals; what is nearer agrees.
_AGREES = 0.0051
_KINDS = {"total_trades": "i", "ahpr": "r", "ghpr": "r"}


class TesterView(QWidget):
    """Signals:
    import_asked: files that somebody chose to be imported.
    """

    import_asked = Signal(list)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reports: tuple[TesterReport, ...] = ()
        self._result: Result | None = None
        self.choice = Choice(self.tr("Tester report"))
        self.choice.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.setMinimumContentsLength(10)
        self.choice.currentIndexChanged.connect(self._refresh)
        self.import_button = button(
            self.tr("Import report\N{HORIZONTAL ELLIPSIS}"),
            self._on_import,
            tip=self.tr("XLSX or HTML, as the tester saves it; files can be dropped on the window too"),
        )
        self.about = label("", "dim", wrap=True, selectable=True)
        self.model = InkTable(
            (self.tr("Figure"), self.tr("Report"), self.tr("Its deals"), self.tr("Ours")),
            self,
            right=(1, 2, 3),
            strong=(0, 1, 2, 3),
        )
        self.table = lines_table(
            theme,
            self.model,
            self.tr("Tester report beside ours"),
            {1: 116, 2: 116, 3: 116},
            0,
            least=100,
            shrinking={1: 84, 2: 84, 3: 84},
        )
        self.table.setMaximumWidth(WIDEST)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(8)
        chosen = QHBoxLayout()
        chosen.setSpacing(8)
        chosen.addWidget(self.choice, 1)
        chosen.addWidget(self.import_button)
        layout.addLayout(chosen)
        layout.addWidget(self.about)
        layout.addWidget(self.table, 1)
        self._refresh()

    def show_reports(self, reports: Sequence[TesterReport]) -> None:
        """Offer these; the chosen one stays chosen, and a new one is."""
        before = {report.folder for report in self._reports}
        chosen = self._chosen()
        fresh = [report.folder for report in reports if report.folder not in before]
        wanted = fresh[0] if before and fresh else chosen.folder if chosen else ""
        self._reports = tuple(reports)
        self.choice.blockSignals(True)
        self.choice.clear()
        for report in reports:
            self.choice.addItem(words.joined(report.file, f"{report.symbol} {report.timeframe}"))
        place = next((at for at, report in enumerate(reports) if report.folder == wanted), 0 if reports else -1)
        self.choice.setCurrentIndex(place)
        self.choice.blockSignals(False)
        self._refresh()

    def show_result(self, result: Result | None) -> None:
        """Set this test of ours beside it."""
        self._result = result
        self._refresh()

    def _chosen(self) -> TesterReport | None:
        place = self.choice.currentIndex()
        return self._reports[place] if 0 <= place < len(self._reports) else None

    def _refresh(self, _place: int = 0) -> None:
        report, result = self._chosen(), self._result
        self.choice.setVisible(report is not None)
        self.table.setVisible(report is not None)
        if report is None:
            self.about.setText(
                self.tr(
                    "No report of MetaTrader's Strategy Tester was imported yet. Save one there as XLSX or HTML, and "
                    "import it here or drop it on the window: its figures, those of its deals and ours then stand side "
                    "by side."
                )
            )
            return
        ours = result.part("statistics") if result is not None else {}
        lines: list[Line] = []
        for line in report.lines(ours):
            kind = _KINDS.get(line.name, "m")
            checked = _checked(line.report, line.deals, kind)
            lines.append((line.title, shown(line.report, kind), checked, shown(line.ours, kind)))
        self.model.show_lines(lines)
        inks = [line[2].ink for line in lines if isinstance(line[2], Ink)]
        apart = inks.count("warning")
        agrees = (
            self.tr("{n} figures are not what its deals add up to").format(n=apart)
            if apart
            else self.tr("it agrees with its deals")
            if "ok" in inks
            else self.tr("it states nothing that its deals could be compared with")
            if report.recomputed
            else self.tr("it has no table of deals to check it by")
        )
        names = words.joined(report.expert, report.period, report.currency, agrees)
        beside = self._beside(report, result)
        self.about.setText(f"{names}. {beside}")

    def _beside(self, report: TesterReport, result: Result | None) -> str:
        if result is None:
            return self.tr("Choose a backtest to set it beside.")
        name = result.text("name") or result.stem
        text = self.tr("Ours: {name}, {symbol} {frame}.").format(
            name=name, symbol=result.text("symbol"), frame=result.text("timeframe")
        )
        if (result.text("symbol"), result.text("timeframe")) != (report.symbol, report.timeframe):
            text += " " + self.tr("It is another market or timeframe than the report's.")
        return text

    def _on_import(self) -> None:
        dialog = QFileDialog(self, self.tr("Import a tester report"), "", self.tr("Reports (*.xlsx *.html *.htm)"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self.import_asked.emit)
        dialog.open()


def _checked(report: float | None, deals: float | None, kind: str) -> Ink:
    """What the deals add up to: marked where the report says something else."""
    if report is None or deals is None:
        return Ink(shown(deals, kind), "dim")
    apart = abs(report - deals) > _AGREES
    tip = words.tr("The report says {n}").format(n=f"{report:,.4f}") if apart else words.tr("agrees with the report")
    return Ink(shown(deals, kind), "warning" if apart else "ok", tip)
