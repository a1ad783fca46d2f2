"""The watch list with its newest quotes, and a candle chart of the chosen symbol."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QBoxLayout, QButtonGroup, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.runs import Run
from ui import words
from ui.engine_link import EngineLink
from ui.models.watch_table import Column, WatchTable
from ui.pages.page import Page
from ui.theme import Theme
from ui.widgets.candle_chart import CandleChart
from ui.widgets.cells import Cell
from ui.widgets.elided import ElidedLabel
from ui.widgets.labels import button, card, label
from ui.widgets.tables import Table, framed
from ui.widgets.watch_cells import CourseCell, RangeCell

if TYPE_CHECKING:
    from app.engine import Engine
    from workers.market.view import Chart, WatchRow

TASK = "collect_market_data"
FRAMES = ("M1", "M5", "M15", "M30", "H1", "H4", "D1")
#: The list takes what the chart leaves, within these bounds.
LIST_WIDTHS = (296, 512)
PANEL_WIDTH = 400
#: A narrower panel shows its timeframes under the name.
NAME_BESIDE = 430
#: Another program may write the files; the page looks again this often while it is in sight.
LOOK_S = 15.0


class MarketPage(Page):
    """What the market does, as far as it was collected."""

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Market"), parent)
        self._link = link
        self._symbol = ""
        self._frame = "M15"
        self._looked: datetime | None = None
        self.subtitle.setText(self.tr("Nothing collected yet"))
        self.collect_now = button(self.tr("Collect now"), lambda: link.submit(TASK), style="primary")
        self.head.addWidget(self.collect_now)
        self.model = WatchTable(self)
        self.table = self._make_table(theme)
        self.main = self.table
        self.chart = CandleChart(theme)
        self.frames = QButtonGroup(self)
        self._list = framed(self.table)
        columns = QHBoxLayout()
        columns.setSpacing(12)
        columns.addWidget(self._list)
        columns.addWidget(self._make_panel(), 1)
        self.body.addLayout(columns, 1)
        link.runs_changed.connect(self._on_runs)
        link.attached.connect(self.entered)

    def _make_table(self, theme: Theme) -> Table:
        table = Table(self.tr("Watch list"))
        table.setModel(self.model)
        table.setItemDelegate(Cell(theme, table))
        table.setItemDelegateForColumn(Column.SYMBOL, Cell(theme, table, strong=True))
        table.setItemDelegateForColumn(Column.GRADE, Cell(theme, table, strong=True))
        table.setItemDelegateForColumn(Column.RANGE, RangeCell(theme, table))
        table.setItemDelegateForColumn(Column.SPARK, CourseCell(theme, table))
        widths = {
            Column.BID: 80,
            Column.ASK: 80,
            Column.SPREAD: 54,
            Column.AGE: 56,
            Column.RANGE: 52,
            Column.SPARK: 60,
            Column.GRADE: 48,
        }
        table.set_widths(
            {int(k): width for k, width in widths.items()},
            Column.SYMBOL,
            yielding=(Column.RANGE, Column.SPARK, Column.GRADE, Column.SPREAD),
            least=56,
        )
        table.selectionModel().currentChanged.connect(self._on_current_changed)
        return table

    def _make_panel(self) -> QWidget:
        panel, inner = card()
        self._name = ElidedLabel("sectionTitle")
        self._about = ElidedLabel("dim")
        self._switch: dict[str, QPushButton] = {}
        buttons = QWidget()
        strip = QHBoxLayout(buttons)
        strip.setContentsMargins(0, 0, 0, 0)
        strip.setSpacing(2)
        for number, frame in enumerate(FRAMES, start=1):
            part = button(frame, partial(self.choose_frame, frame), style="quiet")
            part.setCheckable(True)
            part.setProperty("switch", True)
            part.setFixedWidth(38)
            part.setAccessibleName(self.tr("Timeframe {frame}").format(frame=frame))
            part.setToolTip(self.tr("Show {frame} bars (Alt+{n})").format(frame=frame, n=number))
            QShortcut(QKeySequence(f"Alt+{number}"), self).activated.connect(partial(self.choose_frame, frame))
            self.frames.addButton(part)
            strip.addWidget(part)
            self._switch[frame] = part
        self._switch[self._frame].setChecked(True)
        self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top.addWidget(self._name, 1)
        self._top.addWidget(buttons, 0, Qt.AlignmentFlag.AlignLeft)
        inner.addLayout(self._top)
        inner.addWidget(self._about)
        self._pointed = label("", "dim", wrap=True)
        self._pointed.setAccessibleName(self.tr("Bar under the pointer"))
        inner.addWidget(self._pointed)
        stack = QVBoxLayout()
        stack.addWidget(self.chart)
        inner.addLayout(stack, 1)
        self.chart.pointed.connect(self._on_pointed)
        return panel

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self.contentsRect().width() - 40 - 12
        width = max(LIST_WIDTHS[0], min(LIST_WIDTHS[1], room - PANEL_WIDTH))
        self._list.setFixedWidth(width)
        beside = room - width >= NAME_BESIDE
        way = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self._top.setDirection(way)

    # -- what is shown ---------------------------------------------------------------------------------------------

    def entered(self) -> None:
        if self._link.ready:
            self.collect_now.setEnabled(self._link.spec(TASK) is not None)
            self._looked = self._link.now()
            self._link.query(self, _watch_list, self._on_rows)

    def tick(self, now: datetime) -> None:
        self.model.tick(now)
        if self._looked is None or (now - self._looked).total_seconds() >= LOOK_S:
            self.entered()

    def choose_symbol(self, symbol: str) -> None:
        """Show the chart of a symbol."""
        place = self.model.place_of(symbol)
        if place >= 0:
            self.table.selectRow(place)

    def choose_frame(self, frame: str) -> None:
        """Show bars of another timeframe."""
        if not self._switch[frame].isEnabled():
            return
        self._frame = frame
        self._switch[frame].setChecked(True)
        self._ask_chart()

    def _on_runs(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            if run.task == TASK:
                self.collect_now.setEnabled(run.state.is_final)
                self.collect_now.setText(self.tr("Collect now") if run.state.is_final else self.tr("Collecting"))
            if run.state.is_success and run.task in (TASK, "import_files", "update_economic_calendar"):
                self.entered()

    def _on_rows(self, rows: list[WatchRow]) -> None:
        self.model.show_rows(rows)
        taken = [found.taken for found in rows if found.taken is not None]
        fresh = sum(found.quality is not None and found.quality.value == "fresh" for found in rows)
        if not rows:
            self.subtitle.setText(self.tr("The watch list is empty. Add symbols under Settings, Market."))
        elif not taken:
            self.subtitle.setText(self.tr("Nothing collected yet"))
        else:
            self.subtitle.setText(
                words.joined(
                    words.plural(len(rows), "symbol", "symbols"),
                    self.tr("{n} with a fresh quote").format(n=fresh),
                    self.tr("collected {age}").format(age=words.age(max(taken), self._link.now())),
                )
            )
        if rows and not self.table.currentIndex().isValid():
            self.table.selectRow(0)
        else:
            self._ask_chart()

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        found = self.model.row_at(current)
        if found is not None and found.symbol != self._symbol:
            self._symbol = found.symbol
            self._ask_chart()

    def _ask_chart(self) -> None:
        if self._symbol and self._link.ready:
            self._link.query(self, partial(_chart, self._symbol, self._frame), self._on_chart)

    def _on_chart(self, chart: Chart) -> None:
        if chart.symbol != self._symbol:
            return  # another one was chosen meanwhile
        from app.terminal.timeframes import TIMEFRAMES

        for frame, part in self._switch.items():
            part.setEnabled(frame in chart.frames)
        if chart.timeframe in self._switch:
            self._switch[chart.timeframe].setChecked(True)
        self._name.setText(f"{chart.symbol} {chart.timeframe}")
        about = [words.plural(len(chart.rates), "bar", "bars")] if len(chart.rates) else []
        if chart.made_from:
            about.append(self.tr("made from {frame}").format(frame=chart.made_from))
        if chart.source:
            about.append(self.tr("from {source}").format(source=chart.source))
        self._about.setText(words.joined(*about, ""))
        self.chart.show_chart(chart, TIMEFRAMES[chart.timeframe].seconds)
        if not self.chart.underMouse():
            self._on_pointed("")

    def _on_pointed(self, text: str) -> None:
        self._pointed.setText(text or self.chart.newest_words())


def _watch_list(engine: Engine) -> list[WatchRow]:
    from workers.market import view

    market = engine.settings.current.market
    symbols, frames = tuple(market.watch_list), tuple(market.timeframes)
    return view.watch_list(engine.storage, symbols, frames, engine.clock.now())


def _chart(symbol: str, frame: str, engine: Engine) -> Any:
    from workers.market import view

    return view.chart(engine.storage, symbol, frame, engine.settings.current.terminal.server_time)
