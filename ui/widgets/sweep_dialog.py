"""The stored sweeps: which values were proved best, and heat maps of what they brought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from app.errors import MetronomeError
from ui import words
from ui.engine_link import EngineLink
from ui.models.backtest_words import LUCK, shown
from ui.models.ink_table import Ink, InkTable, Line
from ui.theme import Theme
from ui.widgets.backtest_parts import lines_table
from ui.widgets.choice import Choice
from ui.widgets.elided import ElidedLabel
from ui.widgets.heat_map import HeatMapView
from ui.widgets.labels import button, label, row

if TYPE_CHECKING:
    from app.engine import Engine
    from workers.backtest.sweep_shelf import Sweep, TopPoint

WORDS = {"sqn": "SQN", "r_mean": "mean R", "net_profit": "net profit", "profit_factor": "profit factor"}


class SweepDialog(QDialog):
    """One sweep after the other."""

    def __init__(self, theme: Theme, link: EngineLink, stems: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._link, self._stems = link, tuple(stems)
        self.sweep: Sweep | None = None
        self.setWindowTitle(self.tr("Sweeps"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(760, 520)
        self.choice = Choice(self.tr("Sweep"))
        self.choice.addItems(list(self._stems))
        self.choice.currentIndexChanged.connect(self._open)
        self.about = label("", "dim", wrap=True, selectable=True)
        self.maps = Choice(self.tr("Fields of the heat map"))
        self.maps.currentIndexChanged.connect(self._show_map)
        self.map = HeatMapView(theme)
        self.pointed = ElidedLabel("small")
        self.map.pointed.connect(self.pointed.setText)
        titles = (
            self.tr("Values"),
            self.tr("Proved"),
            self.tr("Trades"),
            self.tr("Plateau"),
            self.tr("Deflated Sharpe"),
        )
        self.top = InkTable(titles, self, right=range(1, 5), strong=(0, 1))
        widths = {1: 74, 2: 62, 3: 66, 4: 108}
        self._table = lines_table(theme, self.top, self.tr("The best by the parts to prove them on"), widths, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(8)
        for part in (self.choice, self.about, self._table, self.maps, self.map, self.pointed):
            layout.addWidget(part, 1 if part in (self._table, self.map) else 0)
        layout.addLayout(row(None, button(self.tr("Close"), self.close)))
        self._open(0)

    def _open(self, place: int) -> None:
        if 0 <= place < len(self._stems):
            stem = self._stems[place]

            def work(engine: Engine) -> Sweep:
                from workers.backtest.sweep_shelf import open_sweep

                return open_sweep(engine.storage.paths, stem)

            self._link.query(self, work, self._show, self._refuse)

    def _refuse(self, error: MetronomeError) -> None:
        self.sweep = None
        self.about.setText(f"{error.message} {error.advice}".strip())
        self.top.show_lines(())
        self.maps.clear()
        self.map.show_map(None, 0.0)

    def _show(self, sweep: Sweep) -> None:
        self.sweep = sweep
        word = words.tr(WORDS.get(sweep.objective, sweep.objective))
        proved = shown(sweep.proved.get("trades"), "i"), shown(sweep.proved.get("net_profit"), "m")
        head = words.joined(
            f"{sweep.name}, {sweep.symbol} {sweep.timeframe}",
            words.plural(sweep.points, "point", "points"),
            self.tr("by {what}").format(what=word),
            self.tr("{n} trials").format(n=f"{sweep.trials:,}") if sweep.trials is not None else "",
        )
        walked = self.tr("Choosing the best as it went would have brought {net} in {trades} trades.")
        self.about.setText(f"{head}. " + (walked.format(trades=proved[0], net=proved[1]) if sweep.proved else ""))
        self.top.show_lines([_line(point) for point in sweep.top])
        self.maps.blockSignals(True)
        self.maps.clear()
        self.maps.addItems([f"{one.x} \N{MULTIPLICATION SIGN} {one.y}" if one.y else one.x for one in sweep.maps])
        self.maps.blockSignals(False)
        self._show_map(0)

    def _show_map(self, place: int) -> None:
        sweep = self.sweep
        there = sweep is not None and 0 <= place < len(sweep.maps)
        self.map.show_map(sweep.maps[place] if sweep is not None and there else None, sweep.middle if sweep else 0.0)


def short_values(values: str) -> str:
    """Named values of a point with the last parts of their names, as many as tell them apart; two at the least."""
    fields = [field.rpartition(" ") for field in values.split(", ")]
    names = [name.split(".") for name, _gap, _value in fields]
    most = max(map(len, names))
    for parts in range(2, most + 1):
        tails = [".".join(name[-parts:]) for name in names]
        if len(set(tails)) == len(names):
            return ", ".join(f"{tail} {value}" for tail, (_name, _gap, value) in zip(tails, fields, strict=True))
    return values


def _line(point: TopPoint) -> Line:
    deflated = point.deflated
    ink = "dim" if deflated is None else "ok" if deflated >= LUCK else "warning"
    return (
        Ink(short_values(point.values), tip=point.values.replace(", ", "\n")),
        shown(point.objective, "n"),
        shown(point.trades, "i"),
        shown(point.ratio, "n"),
        Ink(shown(deflated, "n"), ink),
    )
