"""The list of backtests: several can be chosen to be compared; Enter opens the report, Del deletes."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView

from ui.models.backtest_list import BacktestList, Column
from ui.theme import Theme
from ui.widgets.strategy_cells import TwoLineCell
from ui.widgets.tables import Table

ROW = 46


class BacktestTable(Table):
    """Signals:
    delete_asked: the chosen ones are to be deleted.
    """

    delete_asked = Signal()

    def __init__(self, theme: Theme, backtests: BacktestList) -> None:
        super().__init__(self.tr("Backtests"), row_height=ROW)
        self._backtests = backtests
        self.setModel(backtests)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setItemDelegate(TwoLineCell(theme, self))
        self.setItemDelegateForColumn(Column.NAME, TwoLineCell(theme, self, strong=True))
        widths = {int(Column.NET): 88, int(Column.FALL): 96, int(Column.GRADE): 50}
        self.set_widths(widths, Column.NAME, yielding=(Column.GRADE, Column.FALL), least=132)
        delete = QShortcut(QKeySequence(Qt.Key.Key_Delete), self)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self.delete_asked.emit)

    def chosen(self) -> list[str]:
        """The stems of the chosen rows, the current one first."""
        current = self.currentIndex().row()
        places = {index.row() for index in self.selectionModel().selectedRows()}
        rows = self._backtests.rows
        return [rows[place].stem for place in sorted(places, key=lambda at: (at != current, at)) if place < len(rows)]
