"""The parts of a chosen backtest: overview, all figures, when it won, and how far to believe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QAbstractTableModel, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from ui import words
from ui.models import backtest_words
from ui.models.ink_table import InkTable
from ui.theme import Theme
from ui.widgets.cells import PADDING, AnyIndex, Cell
from ui.widgets.curve_chart import Curve, CurveChart
from ui.widgets.figure_grid import FigureGrid
from ui.widgets.labels import label
from ui.widgets.profit_bars import ProfitBars, ReliabilityPlot
from ui.widgets.strategy_cells import TwoLineCell
from ui.widgets.tables import Table
from workers.backtest.values import moment, number

if TYPE_CHECKING:
    from workers.backtest.shelf import Result

ROW: Final = 26
TWO_LINES: Final = 42
SMALL: Final = 11.5
WIDEST: Final = 1100
"""On a very wide screen, a figure must not stand metres away from its name."""
#: Below this width, in pixels, the months stand under each other.
MONTHS_FIT: Final = 500


def lines_table(
    theme: Theme,
    model: QAbstractTableModel,
    name: str,
    widths: Mapping[int, int],
    stretch: int,
    *,
    yielding: Sequence[int] = (),
    least: int = 120,
    shrinking: Mapping[int, int] | None = None,
) -> Table:
    """A dense table of lines."""
    table = Table(name, row_height=ROW)
    table.setModel(model)
    table.setItemDelegate(Cell(theme, table))
    table.set_widths(widths, stretch, yielding=yielding, least=least, shrinking=shrinking)
    return table


def fit_height(table: Table) -> None:
    """As high as its rows; for tables inside of something that scrolls."""
    rows, tall = table.model().rowCount(), table.verticalHeader().defaultSectionSize()
    table.setFixedHeight(30 + tall * max(1, rows) + 2)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)


def scrolling(content: QWidget, name: str) -> QScrollArea:
    """Content that scrolls up and down only."""
    content.setObjectName("clear")
    content.setMaximumWidth(WIDEST)
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.viewport().setAutoFillBackground(False)
    area.setAccessibleName(name)
    return area


def curve_of(result: Result, name: str = "") -> Curve | None:
    """The equity of a test; None when its document has no usable curve."""
    found = result.part("curve")
    times, equity = found.get("time"), found.get("equity")
    if not isinstance(times, list) or not isinstance(equity, list) or len(times) != len(equity):
        return None
    rows = [
        (when.timestamp(), value)
        for when, value in ((moment(time), number(value)) for time, value in zip(times, equity, strict=True))
        if when is not None and value is not None
    ]
    lowest = found.get("lowest")
    low = [number(value) for value in lowest] if isinstance(lowest, list) else []
    kept = [value for value in low if value is not None]
    return Curve(
        name or words.tr("equity"),
        [time for time, _value in rows],
        [value for _time, value in rows],
        lowest=kept if len(kept) == len(rows) else (),
    )


def _balance(result: Result, equity: Curve) -> Curve | None:
    found = result.part("curve").get("balance")
    values = [number(value) for value in found] if isinstance(found, list) else []
    kept = [value for value in values if value is not None]
    if len(kept) != len(equity.times):
        return None
    return Curve(words.tr("balance"), equity.times, kept, "dim", width=1.0)


class NarrowCell(Cell):
    """A cell with little room at its sides, for many narrow columns."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        self.paint_row(painter, option, index)
        self.paint_content(painter, QRectF(option.rect).adjusted(3, 0, -3, 0), index)

    def font(self) -> QFont:
        return self.theme.font(SMALL)

    def metrics(self) -> QFontMetricsF:
        return self.theme.metrics(SMALL)


class Overview(QWidget):
    """The figures that are looked at first, and the curve."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.grid = FigureGrid(theme, self.tr("Figures"))
        self.chart = CurveChart(theme, self.tr("Equity and drawdown"), drawdown=True)
        self.remark = label("", "dim", wrap=True, selectable=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(self.grid)
        layout.addWidget(self.remark)
        layout.addWidget(self.chart, 1)

    def show_result(self, result: Result) -> None:
        """Show a backtest."""
        self.grid.show_figures(backtest_words.head_figures(result.part("statistics")))
        why = result.text("no_trades")
        self.remark.setText(self.tr("There were no trades. {why}").format(why=why) if why else "")
        self.remark.setVisible(bool(why))
        equity = curve_of(result)
        if equity is None:
            self.chart.show_curves(())
            return
        balance = _balance(result, equity)
        curves = (equity,) if balance is None else (equity, balance)
        self.chart.show_curves(curves, number(result.part("statistics").get("initial_deposit")))


class Figures(QWidget):
    """All figures by MetaTrader's names."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = InkTable((self.tr("Figure"), self.tr("Value")), self, right=(1,), strong=(0, 1))
        self.table = lines_table(theme, self.model, self.tr("Figures"), {1: 150}, 0)
        self.table.setMaximumWidth(WIDEST)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)

    def show_result(self, result: Result) -> None:
        """Show a backtest."""
        self.model.show_lines(backtest_words.figure_lines(result.part("statistics")))


class When(QWidget):
    """Distribution of the profits, months, and hours, weekdays and sessions."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tables: Mapping[str, Any] = {}
        self._narrow = False
        self.bars = ProfitBars(theme)
        self.bars.setFixedHeight(120)
        titles = backtest_words.month_titles()
        self.months = InkTable(titles, self, right=range(1, 14))
        self._months = Table(self.tr("Net profit by month"), row_height=ROW)
        self._months.setModel(self.months)
        self._months.setItemDelegate(NarrowCell(theme, self._months))
        self._months.horizontalHeader().setStyleSheet("QHeaderView::section { padding: 0 3px; }")
        months = dict.fromkeys(range(1, 13), 50) | {13: 58}
        least = dict.fromkeys(range(1, 13), 25) | {13: 40}
        self._months.set_widths(months, 0, least=44, shrinking=least)
        self.groups = InkTable(
            (self.tr("Trades"), self.tr("Number"), self.tr("Net profit"), self.tr("Won"), self.tr("Factor")),
            self,
            right=range(1, 5),
            strong=(0, 1, 2),
        )
        self._groups = lines_table(
            theme, self.groups, self.tr("Groups of trades"), {1: 72, 2: 104, 3: 78, 4: 72}, 0, yielding=(4, 3)
        )
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.setContentsMargins(0, 4, 8, 0)
        inner.setSpacing(6)
        self._by_month = label(self.tr("Net profit by month of the closing (UTC)"), "muted")
        for part in (label(self.tr("Distribution of profits"), "muted"), self.bars, self._by_month, self._months):
            inner.addWidget(part)
        inner.addWidget(label(self.tr("Groups of trades (UTC)"), "muted"))
        inner.addWidget(self._groups)
        inner.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolling(content, self.tr("When it won")))

    def show_result(self, result: Result) -> None:
        """Show a backtest."""
        tables, bins = result.part("breakdowns"), result.part("distribution")
        self.bars.show_bins(_numbers(bins.get("borders")), [int(count) for count in _numbers(bins.get("counts"))])
        self._tables = tables
        self._show_tables()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if (self.width() < MONTHS_FIT) != self._narrow:
            self._show_tables()

    def _show_tables(self) -> None:
        self._narrow = self.width() < MONTHS_FIT
        for part in (self._by_month, self._months):
            part.setVisible(not self._narrow)
        self.months.show_lines(backtest_words.month_lines(self._tables.get("month")))
        self.groups.show_lines(backtest_words.breakdown_lines(self._tables, months=self._narrow))
        fit_height(self._months)
        fit_height(self._groups)


def _numbers(values: object) -> list[float]:
    found = [number(value) for value in values] if isinstance(values, list) else []
    return [value for value in found if value is not None]


class Trust(QWidget):
    """How far to believe it: data, ambiguity, look-ahead, luck, calibration, and the warnings of the run."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.warnings = label("", wrap=True, selectable=True)
        self.model = InkTable((self.tr("Question"), self.tr("Found")), self, right=(1,), strong=(0, 1))
        self._table = Table(self.tr("How far to believe it"), row_height=TWO_LINES)
        self._table.setModel(self.model)
        self._table.setItemDelegate(TwoLineCell(theme, self._table))
        self._theme = theme
        titles = (self.tr("Proved"), self.tr("Learned"), self.tr("Net profit"), self.tr("Factor"), self.tr("Trades"))
        self.walk = InkTable(titles, self, right=range(1, 5))
        self._walk = lines_table(
            theme, self.walk, self.tr("Walk-forward"), {1: 92, 2: 92, 3: 60, 4: 60}, 0, yielding=(4, 3, 1), least=170
        )
        self.calibration = label("", "dim", wrap=True)
        self.plot = ReliabilityPlot(theme)
        self.plot.setFixedSize(204, 190)
        self.steps = InkTable(
            (self.tr("Score"), self.tr("Reached"), self.tr("95 %"), self.tr("n")), self, right=(1, 2, 3)
        )
        self._steps = lines_table(
            theme,
            self.steps,
            self.tr("What the scores are worth"),
            {1: 64, 2: 100, 3: 60},
            0,
            yielding=(2,),
            least=96,
            shrinking={1: 58, 3: 46},
        )
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.setContentsMargins(0, 4, 8, 0)
        inner.setSpacing(6)
        self._warned = label(self.tr("Warnings"), "muted")
        inner.addWidget(self._warned)
        inner.addWidget(self.warnings)
        inner.addWidget(self._table)
        self._walked = label(self.tr("Walk-forward: what it learned from, and what came after"), "muted")
        inner.addWidget(self._walked)
        inner.addWidget(self._walk)
        inner.addWidget(label(self.tr("Calibration of the score"), "muted"))
        inner.addWidget(self.calibration)
        beside = QHBoxLayout()
        beside.addWidget(self.plot)
        beside.addWidget(self._steps, 1, Qt.AlignmentFlag.AlignTop)
        inner.addLayout(beside)
        inner.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolling(content, self.tr("How far to believe it")))

    def show_result(self, result: Result) -> None:
        """Show a backtest."""
        found = result.document.get("warnings")
        texts = [str(text) for text in found] if isinstance(found, list) else []
        self.warnings.setText("\n".join(f"\N{BULLET} {text}" for text in texts))
        self._warned.setVisible(bool(texts))
        self.warnings.setVisible(bool(texts))
        self.model.show_lines(backtest_words.trust_lines(result))
        self._fit_found()
        fit_height(self._table)
        walked = backtest_words.walk_lines(result.part("walk_forward"))
        self._walked.setVisible(bool(walked))
        self._walk.setVisible(bool(walked))
        self.walk.show_lines(walked)
        fit_height(self._walk)
        self._show_calibration(result.part("calibration"))

    def _fit_found(self) -> None:
        """As wide as the widest finding: a band of large amounts is worth nothing when its end is cut off."""
        widest = max(self._theme.metrics().horizontalAdvance(line[1]) for line in self.model.texts())
        self._table.set_widths({1: max(164, int(widest) + 2 * PADDING + 4)}, 0, least=120, shrinking={1: 140})

    def _show_calibration(self, found: Mapping[str, Any]) -> None:
        groups, lines = backtest_words.reliability(found), backtest_words.calibration_lines(found)
        self.plot.setVisible(bool(groups))
        self._steps.setVisible(bool(lines))
        self.calibration.setText(backtest_words.calibration_words(found))
        self.plot.show_groups(groups)
        self.steps.show_lines(lines)
        fit_height(self._steps)
