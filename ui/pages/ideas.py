"""Trade ideas: those that wait for a decision, what became of the others, and the history of all decisions."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QStackedWidget,
    QWidget,
)

from app.runs import Run
from ui import words
from ui.engine_link import EngineLink
from ui.models.decision_lines import History, history
from ui.models.idea_table import Column, IdeaTable, state_look
from ui.pages.page import Page
from ui.theme import Theme
from ui.widgets.cells import Cell
from ui.widgets.decision_history import DecisionHistory
from ui.widgets.idea_actions import IdeaActions
from ui.widgets.idea_card import IdeaCardView
from ui.widgets.idea_tabs import HISTORY, IdeaTabs
from ui.widgets.labels import button, card, label, set_icon
from ui.widgets.tables import Table, framed
from workers.strategy import idea_card
from workers.strategy.deciding import IdeaDesk
from workers.strategy.decision_book import Kind
from workers.strategy.idea_files import Board, IdeaRow, as_of
from workers.strategy.idea_life import State
from workers.strategy.idea_statistics import write_csv
from workers.strategy.replay import IdeaChecker

if TYPE_CHECKING:
    from app.engine import Engine
    from app.errors import MetronomeError

TASK: Final = "evaluate_all_strategies"
TASKS: Final = (TASK, "evaluate_single_symbol")
LIST_WIDTH: Final = 412
#: Below this width of the page the list shows less of each idea.
ROOMY: Final = 960
NARROW_LIST: Final = 216
#: The command line may decide, and bars come in; the page looks again this often while it is in sight.
LOOK_S: Final = 15.0
_IDEAS, _NOTHING = 0, 1


class IdeasPage(Page):
    """Signals:
    pending_changed: how many ideas wait for a decision.
    told: something was done: what to tell the user.
    """

    pending_changed = Signal(int)
    told = Signal(str)

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Trade ideas"), parent)
        self._theme = theme
        self._link = link
        self._board: Board | None = None
        self._file = ""
        self._wanted_file = ""
        self._looked: datetime | None = None
        self._desk: IdeaDesk | None = None
        self._checker: IdeaChecker | None = None
        self._card_asked = self._history_asked = 0
        self.decider = IdeaActions(link, self._own_desk, self)
        self.decider.over.connect(self.reload)
        self.subtitle.setText(self.tr("Not loaded yet"))
        self._make_head()
        self.model = IdeaTable(self)
        self.table = self._make_table()
        self.main = self.table
        self.card = IdeaCardView(theme)
        self.card.approve_asked.connect(self.approve)
        self.card.reject_asked.connect(self.ask_reason)
        self.card.edit_asked.connect(self.ask_terms)
        self.history = DecisionHistory(theme)
        self.history.wanted_changed.connect(self._ask_history)
        self.history.opened.connect(self.show_idea)
        self._empty = label("", "dim", wrap=True)
        nothing, inner = card()
        inner.addWidget(self._empty)
        inner.addStretch(1)
        self._right = QStackedWidget()
        self._right.addWidget(self.card)
        self._right.addWidget(nothing)
        ideas = QWidget()
        columns = QHBoxLayout(ideas)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(12)
        self._list = framed(self.table)
        self._list.setFixedWidth(LIST_WIDTH)
        columns.addWidget(self._list)
        columns.addWidget(self._right, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(ideas)
        self._stack.addWidget(self.history)
        self.body.addWidget(self._stack, 1)
        link.runs_changed.connect(self._on_runs)
        link.attached.connect(self.entered)

    # -- making ----------------------------------------------------------------------------------------------------

    def _make_head(self) -> None:
        self._export = button(
            self.tr("Export CSV\N{HORIZONTAL ELLIPSIS}"),
            self._on_export,
            tip=self.tr("Save all ideas with their states"),
        )
        set_icon(self._export, self._theme, "export", "text")
        self.evaluate = button(
            self.tr("Evaluate now"), lambda: self._link.submit(TASK), tip=self.tr("Evaluate all strategies (F5)")
        )
        self.head.addWidget(self._export)
        self.head.addWidget(self.evaluate)
        self.tabs = IdeaTabs(self)
        self.tabs.chosen.connect(self._on_tab)
        self.body.addWidget(self.tabs)

    def _make_table(self) -> Table:
        table = Table(self.tr("Trade ideas"))
        table.setModel(self.model)
        table.setItemDelegate(Cell(self._theme, table))
        table.setItemDelegateForColumn(Column.SYMBOL, Cell(self._theme, table, strong=True))
        widths = {Column.SIDE: 50, Column.SCORE: 50, Column.ACTION: 114, Column.TIME: 86}
        table.set_widths(
            {int(k): width for k, width in widths.items()},
            Column.SYMBOL,
            yielding=(Column.ACTION, Column.TIME),
            least=96,
        )
        table.selectionModel().currentChanged.connect(self._on_current_changed)
        return table

    # -- loading ---------------------------------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        if self._board is None or self.tabs.name == HISTORY:
            return self._board is not None
        return self.model.rowCount() == 0 or self.card.card is not None

    def entered(self) -> None:
        if self._link.ready:
            self.evaluate.setEnabled(self._link.spec(TASK) is not None)
            self.reload()

    def reload(self) -> None:
        """Read ideas and decisions anew, beside the window."""
        if not self._link.ready:
            return
        self._looked = self._link.now()
        desk = self._own_desk()

        def work(engine: Engine) -> Board:
            desk.bars = engine.settings.current.strategies.idea_expires_bars
            return desk.board()

        self._link.query(self, work, self._on_board, self._on_not_loaded)

    def _own_desk(self) -> IdeaDesk:
        if self._desk is None:
            engine = self._link.engine
            bars = engine.settings.current.strategies.idea_expires_bars
            self._desk = IdeaDesk(engine.storage.paths, engine.clock, bars, "window")
        return self._desk

    def _own_checker(self) -> IdeaChecker:
        if self._checker is None:
            self._checker = IdeaChecker(self._link.engine.storage.paths)
        return self._checker

    def _on_board(self, board: Board) -> None:
        self._board = board
        self._show_board()
        if self.tabs.name == HISTORY:
            self._ask_history()

    def _on_not_loaded(self, error: MetronomeError) -> None:
        self.subtitle.setText(self.tr("The ideas cannot be read"))
        self._empty.setText(str(error))
        self._right.setCurrentIndex(_NOTHING)

    def _on_runs(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            if run.task == TASK:
                self.evaluate.setEnabled(run.state.is_final)
                self.evaluate.setText(self.tr("Evaluate now") if run.state.is_final else self.tr("Evaluating"))
            if run.task in TASKS and run.state.is_final:
                self.reload()
            elif run.task == "collect_market_data" and run.state.is_success and self.isVisible():
                self._ask_card()

    def tick(self, now: datetime) -> None:
        self.model.now = now
        self.card.tick(now)
        if self._board is None:
            return
        if any(row.state is State.PENDING and now >= row.ends for row in self._board.rows):
            # Shown at once; the next evaluation records it.
            rows = tuple(as_of(row, now) for row in self._board.rows)
            self._board = Board(rows, self._board.decisions, self._board.broken)
            self._show_board()
        if self._looked is None or (now - self._looked).total_seconds() >= LOOK_S:
            self.reload()

    # -- showing ---------------------------------------------------------------------------------------------------

    def choose_tab(self, name: str) -> None:
        """Show the ideas of a state, or the history of decisions."""
        self.tabs.choose(name)

    def _on_tab(self, name: str) -> None:
        self._stack.setCurrentIndex(int(name == HISTORY))
        self.main = self.history.table if name == HISTORY else self.table
        if name == HISTORY:
            self._ask_history()
        elif self._board is not None:
            self._show_rows(self._board)

    def show_idea(self, file: str) -> None:
        """Show an idea in the list of its state."""
        row = self._row_of(file)
        if row is not None:
            self._wanted_file = file
            self.choose_tab(row.state.value)
            self.focus_main()

    def _show_board(self) -> None:
        board = self._board
        if board is None:
            return
        self.tabs.show_counts({state: board.count(state) for state in State})
        self._tell_subtitle(board)
        self.pending_changed.emit(board.count(State.PENDING))
        self._export.setEnabled(bool(board.rows))
        if self.tabs.name != HISTORY:
            self._show_rows(board)

    def _show_rows(self, board: Board) -> None:
        rows = [row for row in board.rows if row.state.value == self.tabs.name]
        place = max(0, self.table.currentIndex().row())
        self.model.now = self._link.now()
        self.model.set_rows(rows)
        if not rows:
            self._file = ""
            self._empty.setText(self._why_none(board))
            self._right.setCurrentIndex(_NOTHING)
            return
        self._right.setCurrentIndex(_IDEAS)
        wanted = self.model.place_of(self._wanted_file or self._file)
        self._wanted_file = ""
        # After a decision the idea leaves the list; the one that took its place is next.
        place = wanted if wanted >= 0 else min(place, len(rows) - 1)
        if self.table.currentIndex().row() != place:
            self.table.selectRow(place)
        self._show_row(rows[place])

    def _show_row(self, row: IdeaRow) -> None:
        before = self.card.row
        self.card.show_row(row, self._link.now())
        same = before is not None and before.facts.file == row.facts.file and before.decisions == row.decisions
        self._file = row.facts.file
        if not same or self.card.card is None:
            self._ask_card()

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        row = self.model.row_at(current)
        if row is not None and row.facts.file != self._file:
            self._show_row(row)

    def _ask_card(self) -> None:
        row = self._row_of(self._file)
        if row is None or not self._link.ready:
            return
        self._card_asked += 1
        number = self._card_asked

        def done(found: idea_card.IdeaCard) -> None:
            # Another one may have been chosen while this one was read.
            now = self._row_of(found.file)
            if number == self._card_asked and found.file == self._file and now is not None:
                self.card.show_card(found, now, self._link.now())

        self._link.query(self, partial(_card, row, self._own_checker()), done)

    def _ask_history(self) -> None:
        board = self._board
        if board is None or not self._link.ready:
            return
        self._history_asked += 1
        number, now = self._history_asked, self._link.now()
        wanted = self.history.wanted(now)

        def done(found: History) -> None:
            if number == self._history_asked:
                self.history.show_history(found)

        self._link.query(self, lambda _engine: history(board, wanted, now), done)

    def _row_of(self, file: str) -> IdeaRow | None:
        rows = self._board.rows if self._board is not None else ()
        return next((row for row in rows if row.facts.file == file), None)

    # -- telling ---------------------------------------------------------------------------------------------------

    def _tell_subtitle(self, board: Board) -> None:
        local = self._link.now().astimezone()
        monday = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=local.weekday())
        week = sum(item.time >= monday and item.kind in (Kind.APPROVE, Kind.REJECT) for item in board.decisions)
        parts = [
            self.tr("{n} pending").format(n=board.count(State.PENDING)),
            self.tr("{n} decided this week").format(n=week),
            self.tr("advice only, Metronome sends no orders"),
        ]
        if board.broken:
            parts.append(words.plural(len(board.broken), "file holds no idea", "files hold no idea"))
        self.subtitle.setText(words.joined(*parts))
        self.subtitle.setToolTip("\n".join(board.broken[:10]))

    def _why_none(self, board: Board) -> str:
        if not board.rows:
            return self.tr(
                "No trade idea yet. Strategies are evaluated every 15 minutes on closed bars; Evaluate now does so at "
                "once. The result of that task under Tasks says for each strategy why it has no idea."
            )
        if self.tabs.name == State.PENDING.value:
            return self.tr(
                "No idea waits for a decision. The next comes when a strategy's conditions hold on a newly closed bar; "
                "those before are under Approved, Rejected and Expired."
            )
        return self.tr("No idea was {state} yet.").format(state=state_look(State(self.tabs.name)).word.lower())

    # -- deciding --------------------------------------------------------------------------------------------------

    def approve(self) -> None:
        """Approve the idea shown."""
        if self.card.row is not None:
            self.decider.approve(self.card.row)

    def ask_reason(self) -> None:
        """Ask why the idea shown is rejected, then reject it."""
        if self.card.row is not None:
            self.decider.ask_reason(self.card.row)

    def ask_terms(self) -> None:
        """Ask for other prices or another volume of the idea shown."""
        row, found = self.card.row, self.card.card
        if row is not None and found is not None and found.basis is not None:
            self.decider.ask_terms(row, found.basis)

    # -- export ----------------------------------------------------------------------------------------------------

    def _on_export(self) -> None:
        if not self._link.ready:
            return
        name = f"metronome_ideas_{self._link.now().astimezone():%Y%m%d}.csv"
        dialog = QFileDialog(self, self.tr("Export trade ideas"), name, self.tr("CSV files (*.csv)"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(name)
        dialog.fileSelected.connect(lambda chosen: self.export(Path(chosen)))
        dialog.open()

    def export(self, file: Path) -> None:
        """Write all ideas with their states to ``file``."""
        desk = self._own_desk()

        def done(number: int) -> None:
            ideas = words.plural(number, "trade idea", "trade ideas")
            self.told.emit(self.tr("{ideas} exported to {file}.").format(ideas=ideas, file=file))

        self._link.query(self, lambda _engine: write_csv(file, desk.board().rows), done)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._list.setFixedWidth(LIST_WIDTH if self.width() >= ROOMY else NARROW_LIST)

    def escape(self) -> bool:
        if self.tabs.name == HISTORY:
            self.choose_tab(State.PENDING.value)
            return True
        return False


def _card(row: IdeaRow, checker: IdeaChecker, engine: Engine) -> idea_card.IdeaCard:
    return idea_card.load(engine.storage, row, engine.settings.current.terminal.server_time, checker)
