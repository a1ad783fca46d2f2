"""The trades of a backtest, and the chosen one on its bars."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.errors import MetronomeError
from ui.models.backtest_trades import Column, TradeTable, decimals, told
from ui.theme import Theme
from ui.widgets.backtest_parts import lines_table
from ui.widgets.labels import label
from ui.widgets.trade_chart import TradeChart

if TYPE_CHECKING:
    from workers.backtest.shelf import Result
    from workers.backtest.trade_rows import BarsSeen

Done = Callable[["BarsSeen"], None]
Failed = Callable[[MetronomeError], None]
#: The bars of a test are kept for the next row while they are not more than these: some 20 MB.
KEPT = 400_000


class TradesView(QWidget):
    """A row is a closing; choosing it shows it.

    Args:
        fetch: Reads the bars of a test beside the window.

    Signals:
        shown: a trade is on the chart, or the reason why it is not.
    """

    shown = Signal()

    def __init__(
        self, theme: Theme, fetch: Callable[[Result, Done, Failed], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._fetch = fetch
        self._result: Result | None = None
        self._bars: BarsSeen | None = None
        self._asked = False
        self._trouble = ""
        self.model = TradeTable(self)
        widths = {
            int(Column.NUMBER): 48,
            int(Column.SIDE): 50,
            int(Column.VOLUME): 54,
            int(Column.ENTRY): 78,
            int(Column.EXIT): 78,
            int(Column.REASON): 104,
            int(Column.BARS): 52,
            int(Column.PROFIT): 88,
        }
        yielding = (Column.BARS, Column.NUMBER, Column.VOLUME, Column.EXIT, Column.ENTRY, Column.SIDE)
        self.table = lines_table(
            theme, self.model, self.tr("Trades"), widths, Column.OPENED, yielding=yielding, least=140
        )
        self.table.selectionModel().currentChanged.connect(self._on_current_changed)
        self.chart = TradeChart(theme)
        self.chart.setMinimumSize(200, 110)
        self.words = label("", "small", wrap=True, selectable=True)
        self.remark = label("", "dim", wrap=True, selectable=True)
        self.remark.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.table, 4)
        layout.addWidget(self.words)
        layout.addWidget(self.remark)
        layout.addWidget(self.chart, 5)

    def show_result(self, result: Result) -> None:
        """Show the trades of a backtest, the first of them on its bars."""
        if self._result is not None and self._result.stem == result.stem:
            self._result = result
            return
        self._result, self._bars, self._asked, self._trouble = result, None, False, ""
        self.model.show_rows(result.trades)
        self.chart.clear()
        self.words.setText("")
        self._say(result.trouble or ("" if result.trades else result.text("no_trades")))
        self.chart.setVisible(bool(result.trades))
        if result.trades:
            self.table.selectRow(0)

    def forget(self) -> None:
        """Let go of everything: no backtest is shown."""
        self._result = self._bars = None
        self.model.show_rows(())
        self.chart.clear()

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        trade = self.model.row_at(current)
        if trade is None or self._result is None:
            return
        self.words.setText(told(trade, decimals(self._result.trades)))
        if self._bars is not None:
            self._show(self._bars)
        elif self._trouble:
            self.shown.emit()
        elif not self._asked:
            self._asked = True
            stem = self._result.stem
            self._fetch(self._result, lambda bars: self._on_bars(stem, bars), lambda why: self._on_no_bars(stem, why))

    def _on_bars(self, stem: str, bars: BarsSeen) -> None:
        if self._result is None or self._result.stem != stem:
            return
        self._asked = False
        self._bars = bars if len(bars.rates) <= KEPT else None
        self._say(
            self.tr("The file of the bars changed since the test: the trade may not fit them.") if bars.changed else ""
        )
        self._show(bars)

    def _on_no_bars(self, stem: str, error: MetronomeError) -> None:
        if self._result is None or self._result.stem != stem:
            return
        self._trouble = f"{error.message} {error.advice}".strip()
        self._say(self._trouble)
        self.chart.hide()
        self.shown.emit()

    def _show(self, bars: BarsSeen) -> None:
        from app.terminal.timeframes import TIMEFRAMES

        trade, result = self.model.row_at(self.table.currentIndex()), self._result
        if trade is None or result is None:
            return
        frame = result.text("timeframe")
        seconds = TIMEFRAMES[frame].seconds if frame in TIMEFRAMES else 60
        self.chart.show()
        self.chart.show_trade(trade, bars, result.text("symbol"), frame, seconds)
        self.shown.emit()

    def _say(self, text: str) -> None:
        self.remark.setText(text)
        self.remark.setVisible(bool(text))
