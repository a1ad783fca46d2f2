"""What the window tells a newcomer to do next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ui.engine_link import EngineLink
from ui.theme import Theme
from ui.widgets.hint_card import HintCard, Step
from ui.words import tr

if TYPE_CHECKING:
    from ui.main_window import MainWindow


def first_steps(theme: Theme, link: EngineLink, window: MainWindow) -> HintCard:
    """The card of the first start."""
    simulated = bool(link.terminal.simulated)
    remark = (
        tr("All tasks are paused: press Resume when you are ready. Nothing is sent to a broker.")
        if link.timetable.paused
        else tr("Metronome is at work on a simulated market, so that you can look around. Nothing is sent to a broker.")
        if simulated
        else tr("Metronome is at work. It advises only: it never sends an order.")
    )
    steps = [
        Step(
            tr("Choose your symbols"),
            tr("The watch list says which quotes and bars are collected and evaluated."),
            tr("Edit the watch list"),
            lambda: window.show_setting("market.watch_list"),
        ),
        Step(
            tr("Connect MetaTrader 5"),
            tr("Start the terminal and log in; Metronome only listens to it.")
            if sys.platform == "win32"
            else tr("Needs Windows, where the terminal runs. Until then the market is simulated."),
            tr("Choose the terminal"),
            lambda: window.show_setting("terminal.kind"),
        ),
        Step(
            tr("Set when tasks run"),
            tr("Choose a task and press Edit schedule. The next five runs are shown while you type."),
            tr("Show a task"),
            lambda: _show_first_task(link, window),
        ),
    ]
    return HintCard(theme, tr("What you could do next"), remark, steps)


def _show_first_task(link: EngineLink, window: MainWindow) -> None:
    scheduled = [spec for spec in link.specs if spec.schedule != "manual"]
    if scheduled:
        window.tasks.choose(scheduled[0].id)
