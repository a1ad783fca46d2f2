"""The form of a new backtest, made from the parameters of its task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCompleter, QFileDialog, QLineEdit, QWidget

from ui.engine_link import EngineLink
from ui.icons import icon
from ui.theme import Theme
from ui.widgets.dialogs import RunDialog
from ui.words import tr
from workers.backtest.values import number

if TYPE_CHECKING:
    from app.tasks import TaskSpec
    from workers.backtest.shelf import Result

_FILES = ("bars", "minutes")


class BacktestDialog(RunDialog):
    """Strategies are completed while their name is typed; files can be chosen."""

    def __init__(
        self,
        theme: Theme,
        link: EngineLink,
        spec: TaskSpec,
        strategies: Sequence[str],
        values: Mapping[str, Any] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(link, spec, values, parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        strategy = self.line("strategy")
        if strategy is not None:
            completer = QCompleter(list(strategies), strategy)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
            strategy.setCompleter(completer)
            strategy.setPlaceholderText(strategies[0] if strategies else "")
            strategy.setFocus()
        for name in _FILES:
            line = self.line(name)
            if line is not None:
                action = line.addAction(icon("search", theme.ink("dim")), QLineEdit.ActionPosition.TrailingPosition)
                action.setToolTip(tr("Choose a file"))
                action.triggered.connect(lambda _checked=False, line=line: self._choose(line))

    def line(self, name: str) -> QLineEdit | None:
        """The line of a parameter; None when it has none."""
        found = self.form.findChild(QLineEdit, f"parameter_{name}")
        return found if isinstance(found, QLineEdit) else None

    def _choose(self, line: QLineEdit) -> None:
        dialog = QFileDialog(self, tr("Choose a file of bars"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(line.setText)
        dialog.open()


def asked_again(result: Result, stored: str) -> dict[str, Any]:
    """The parameters that would make a test again, as far as its result tells them.

    Args:
        stored: Folder of the stored history, whose files need not be named.
    """
    bars, terms, costs = result.part("bars"), result.part("terms"), result.part("costs")
    path, values = str(bars.get("path") or ""), dict[str, Any]()
    values["strategy"] = result.text("strategy")
    values["symbol"], values["timeframe"] = result.text("symbol"), result.text("timeframe") or None
    for name, end in (("start", "tested_from"), ("end", "tested_until")):
        values[name] = str(bars.get(end) or "")
    if path and not path.startswith(stored):
        values["bars"] = path
    values["time_zone"], values["point"] = str(bars.get("time_zone") or ""), number(bars.get("point")) or 0.0
    values["costs"] = "none" if costs.get("ideal") else "bars"
    values["spread"], values["commission"] = number(costs.get("spread_points")), number(costs.get("commission")) or 0.0
    values["slippage"], values["swap"] = number(costs.get("slippage_points")) or 0.0, bool(costs.get("swap", True))
    for name in ("volume", "min_score", "deposit", "leverage"):
        if (value := number(terms.get(name))) is not None:
            values[name] = value
    warm_up, stop_out = number(terms.get("warm_up")), number(terms.get("stop_out"))
    if warm_up is not None:
        values["warm_up"] = int(warm_up)
    if stop_out is not None:
        values["stop_out"] = 100.0 * stop_out
    return values
