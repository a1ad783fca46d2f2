"""The list of strategies: Space switches, Enter edits, Del deletes."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut

from ui.models.strategy_list import Column, StrategyList
from ui.theme import Theme
from ui.widgets.strategy_cells import SwitchCell, TwoLineCell
from ui.widgets.tables import Table

ROW = 46


class StrategyTable(Table):
    """Signals:
    delete_asked: the chosen strategy is to be deleted.
    """

    delete_asked = Signal()

    def __init__(self, theme: Theme, strategies: StrategyList) -> None:
        super().__init__(self.tr("Strategies"), row_height=ROW)
        self._strategies = strategies
        self.setModel(strategies)
        self.setItemDelegateForColumn(Column.ON, SwitchCell(theme, self))
        self.setItemDelegateForColumn(Column.NAME, TwoLineCell(theme, self, strong=True))
        self.setItemDelegateForColumn(Column.LAST, TwoLineCell(theme, self))
        widths = {int(Column.ON): 42, int(Column.LAST): 106}
        self.set_widths(widths, Column.NAME, yielding=(Column.LAST,), least=120)
        for key, act in ((Qt.Key.Key_Space, self.toggle_current), (Qt.Key.Key_Delete, self.delete_asked.emit)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(act)

    def toggle_current(self) -> None:
        """Switch the chosen strategy on or off."""
        row = self._strategies.row_at(self.currentIndex())
        if row is not None and row.enabled is not None:
            state = Qt.CheckState.Unchecked if row.enabled else Qt.CheckState.Checked
            cell = self._strategies.index(self.currentIndex().row(), Column.ON)
            self._strategies.setData(cell, state, Qt.ItemDataRole.CheckStateRole)
