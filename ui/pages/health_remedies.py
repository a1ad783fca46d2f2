"""What the buttons on the cards of the health page do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from ui.engine_link import EngineLink
from ui.widgets.question_bar import Answer, QuestionBar
from ui.words import tr

if TYPE_CHECKING:
    from app.engine import Engine
    from app.paths import Paths

#: Names of ``workers.health.finding.Remedy``, and what their buttons say.
WORDS: Final = {
    "reconnect": "Reconnect",
    "host_child": "Use a process of its own",
    "resume": "Resume",
    "open_home": "Open folder",
    "open_logs": "Open folder",
    "open_cache": "Open folder",
    "clean_logs": "Run clean-up now",
    "clean_cache": "Run clean-up now",
    "confirm_logs": "Confirm for logs",
    "confirm_cache": "Confirm for the cache",
    "fetch_news": "Fetch now",
    "fetch_calendar": "Fetch now",
}
_TASKS: Final = {
    "clean_logs": "cleanup_old_logs",
    "clean_cache": "cleanup_cache",
    "confirm_logs": "cleanup_old_logs",
    "confirm_cache": "cleanup_cache",
    "fetch_news": "collect_rss_news",
    "fetch_calendar": "update_economic_calendar",
}
_FOLDERS: Final[dict[str, Callable[[Paths], object]]] = {
    "open_home": lambda paths: paths.home,
    "open_logs": lambda paths: paths.logs,
    "open_cache": lambda paths: paths.cache,
}


class Remedies(QObject):
    """Does what a check offers, on the pool; nothing is deleted on a question that was not answered.

    Args:
        question: Where it asks before a clean-up deletes what it asked about.
    """

    def __init__(self, link: EngineLink, question: QuestionBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._question = question
        self.open_url: Callable[[QUrl], object] = QDesktopServices.openUrl

    def apply(self, name: str) -> None:
        """Do it."""
        if name == "reconnect":
            self._link.act(lambda engine: engine.terminal.reconnect())
        elif name == "host_child":
            self._link.act(lambda engine: engine.settings.set("terminal.host", "child"))
        elif name == "resume":
            self._link.set_paused(False)
        elif name in _FOLDERS:
            self._link.query(self, partial(_folder, name), self._open)
        elif name.startswith("confirm_"):
            self._ask(_TASKS[name])
        elif name in _TASKS:
            self._link.submit(_TASKS[name])

    def _ask(self, task: str) -> None:
        self._question.ask(
            tr("{task}: delete what it asked about?").format(task=self._link.title(task)),
            tr("Look at this computer's clock and at the files listed in its last run (Tasks) first."),
            Answer(tr("Delete"), lambda: self._link.submit(task, {"confirm": True})),
            Answer(tr("Keep"), lambda: None),
            focus=True,
        )

    def _open(self, folder: str) -> None:
        if not self.open_url(QUrl.fromLocalFile(folder)):
            advice = tr("Open it in your file manager.")
            self._link.troubled.emit(tr("The folder {path} could not be opened.").format(path=folder), advice)


def _folder(name: str, engine: Engine) -> str:
    return str(_FOLDERS[name](engine.storage.paths))
