"""A chosen backtest: what it is called, what can be done with it, and its parts, each made when it is first shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from ui import words
from ui.theme import Theme
from ui.widgets.backtest_compare import Comparison
from ui.widgets.backtest_notes import Notes
from ui.widgets.backtest_parts import Figures, Overview, Trust, When
from ui.widgets.backtest_tester import TesterView
from ui.widgets.backtest_trades_view import Done, Failed, TradesView
from ui.widgets.elided import ElidedLabel
from ui.widgets.labels import button, icon_button, row

if TYPE_CHECKING:
    from workers.backtest.shelf import Result

PARTS: Final = ("overview", "trades", "when", "figures", "trust", "notes", "tester")
Fetch = Callable[["Result", Done, Failed], None]
_Part = TypeVar("_Part", bound=QWidget)


class BacktestDetails(QFrame):
    """Signals:
    asked: something is to be done with the shown backtest: report, folder, again or export.
    note_kept: stem and text of notes that are to be written.
    import_asked: files of tester reports.
    """

    asked = Signal(str)
    note_kept = Signal(str, str)
    import_asked = Signal(list)

    def __init__(self, theme: Theme, fetch: Fetch, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._theme, self._fetch = theme, fetch
        self.result: Result | None = None
        self.part = PARTS[0]
        self._stack = QStackedWidget()
        self._compare: Comparison | None = None
        self.title = ElidedLabel("sectionTitle")
        self.about = ElidedLabel("dim")
        self._actions = self._make_actions()
        self._tabs = self._make_tabs()
        self._single = QWidget()
        single = QVBoxLayout(self._single)
        single.setContentsMargins(0, 0, 0, 0)
        single.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(self.title, 1)
        for action in self._actions:
            head.addWidget(action)
        single.addLayout(head)
        single.addWidget(self.about)
        single.addLayout(self._tab_strip())
        single.addWidget(self._stack, 1)
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(14, 12, 12, 12)
        self._outer.addWidget(self._single)

    def _make_actions(self) -> list[QPushButton]:
        theme = self._theme
        return [
            icon_button(
                theme, "redo", self.tr("Test again with other terms (Ctrl+R)"), partial(self.asked.emit, "again")
            ),
            icon_button(
                theme, "external", self.tr("Open the report (Enter in the list)"), partial(self.asked.emit, "report")
            ),
            icon_button(theme, "folder", self.tr("Open the folder of the results"), partial(self.asked.emit, "folder")),
            icon_button(
                theme, "export", self.tr("Export trades, result or report (Ctrl+E)"), partial(self.asked.emit, "export")
            ),
        ]

    def _make_tabs(self) -> dict[str, QPushButton]:
        titles = {
            "overview": self.tr("Result"),
            "trades": self.tr("Trades"),
            "when": self.tr("When"),
            "figures": self.tr("Figures"),
            "trust": self.tr("Trust"),
            "notes": self.tr("Notes"),
            "tester": self.tr("Tester"),
        }
        group, tabs = QButtonGroup(self), dict[str, QPushButton]()
        for place, name in enumerate(PARTS, 1):
            tab = button(titles[name], partial(self.show_part, name), style="quiet", tip=f"Alt+{place}")
            tab.setCheckable(True)
            tab.setProperty("switch", True)
            tab.setMinimumWidth(tab.fontMetrics().horizontalAdvance(titles[name]) + 12)
            key = QShortcut(QKeySequence(f"Alt+{place}"), self)
            key.activated.connect(partial(self.show_part, name))
            group.addButton(tab)
            tabs[name] = tab
        tabs[self.part].setChecked(True)
        return tabs

    def _tab_strip(self) -> QHBoxLayout:
        return row(*self._tabs.values(), None, spacing=0)

    # -- what is shown ---------------------------------------------------------------------------------------------

    @property
    def export_button(self) -> QPushButton:
        """The button under which the menu of exports opens."""
        return self._actions[-1]

    @property
    def comparing(self) -> bool:
        """Whether several are shown beside each other."""
        return self._compare is not None and not self._compare.isHidden()

    def show_result(self, result: Result | None) -> None:
        """Show one backtest; None: only reports of the tester."""
        if self._compare is not None:
            self._compare.hide()
        self._single.show()
        self.result = result
        for name, tab in self._tabs.items():
            tab.setEnabled(result is not None or name == "tester")
        for action in self._actions:
            action.setEnabled(result is not None)
        if result is None:
            self.title.setText(self.tr("Tester reports"))
            self.about.setText(self.tr("Reports of MetaTrader's own tester beside ours"))
            if "trades" in self.__dict__:
                self.trades.forget()
            self.show_part("tester")
            return
        self.setAccessibleName(self.tr("Backtest {name}").format(name=result.text("name")))
        self.title.setText(result.text("name") or result.stem)
        self.about.setText(about(result))
        self.show_part(self.part)

    def show_comparison(self, results: Sequence[Result]) -> None:
        """Show several beside each other."""
        if self._compare is None:
            self._compare = Comparison(self._theme)
            self._outer.addWidget(self._compare)
        if "notes" in self.__dict__:
            self.notes.save()
        self._compare.show_results(results)
        self._single.hide()
        self._compare.show()

    @property
    def comparison(self) -> Comparison | None:
        """The comparison; None while none was made."""
        return self._compare

    def show_part(self, name: str) -> None:
        """Show a part of the backtest."""
        if not self._tabs[name].isEnabled():
            return
        self.part = name
        self._tabs[name].setChecked(True)
        part: Overview | TradesView | When | Figures | Trust | Notes | TesterView = getattr(self, name)
        self._stack.setCurrentWidget(part)
        if isinstance(part, TesterView):
            part.show_result(self.result)
        elif self.result is not None:
            part.show_result(self.result)

    # -- parts, made when they are first asked for ------------------------------------------------------------------

    def _added(self, part: _Part) -> _Part:
        self._stack.addWidget(part)
        return part

    @cached_property
    def overview(self) -> Overview:
        """The figures that are looked at first, and the curve."""
        return self._added(Overview(self._theme))

    @cached_property
    def trades(self) -> TradesView:
        """The trades, and the chosen one on its bars."""
        return self._added(TradesView(self._theme, self._fetch))

    @cached_property
    def when(self) -> When:
        """Distribution, months, hours."""
        return self._added(When(self._theme))

    @cached_property
    def figures(self) -> Figures:
        """All figures."""
        return self._added(Figures(self._theme))

    @cached_property
    def trust(self) -> Trust:
        """How far to believe it."""
        return self._added(Trust(self._theme))

    @cached_property
    def notes(self) -> Notes:
        """Notes."""
        notes = self._added(Notes(self._theme))
        notes.kept.connect(self.note_kept.emit)
        return notes

    @cached_property
    def tester(self) -> TesterView:
        """Reports of the tester beside ours."""
        tester = self._added(TesterView(self._theme))
        tester.import_asked.connect(self.import_asked.emit)
        return tester


def about(result: Result) -> str:
    """What was tested, in a line."""
    bars, terms = result.part("bars"), result.part("terms")
    span = f"{str(bars.get('tested_from') or '')[:10]} \N{EN DASH} {str(bars.get('tested_until') or '')[:10]}"
    volume = terms.get("volume")
    size = (
        words.tr("{n} lots").format(n=f"{volume:g}") if isinstance(volume, int | float) else words.tr("sized by risk")
    )
    score = terms.get("min_score")
    least = (
        words.tr("score from {n}").format(n=f"{score:g}")
        if isinstance(score, int | float) and score > 0
        else words.tr("entry conditions alone")
    )
    grade = words.tr("grade {letter}").format(letter=bars.get("grade") or words.DASH)
    return words.joined(f"{result.text('symbol')} {result.text('timeframe')}", span, least, size, grade)
