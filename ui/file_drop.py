"""Files dropped on the window are imported, and what came of them is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from app.runs import Run
from ui.engine_link import EngineLink
from ui.theme import Theme

TASK = "import_files"


class FileDrop(QObject):
    """Takes drops on a window. The import itself is a run of its task; the window only asks for it and waits."""

    def __init__(self, window: QWidget, theme: Theme, link: EngineLink) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._link = link
        self._awaited: set[str] = set()
        self._ended: dict[str, Run] = {}
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        link.runs_changed.connect(self._on_runs)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDropEvent):
            files = _files_of(event)
            if files and self._link.ready:
                # A QDragEnterEvent is a QDropEvent too: it is only told that files are welcome.
                if not isinstance(event, QDragEnterEvent) and event.type() == QEvent.Type.Drop:
                    self.import_files(files)
                event.acceptProposedAction()
                return True
        return super().eventFilter(watched, event)

    def import_files(self, files: list[str], params: Mapping[str, Any] | None = None) -> None:
        """Import files; their report opens when it is done."""
        values = {**(params or {}), "files": files}

        def submit(engine: Any) -> Any:
            from app.runs import Trigger

            return engine.runner.submit(TASK, values, Trigger.MANUAL)

        self._link.query(self, submit, self._on_submitted)

    def _on_submitted(self, run: Run) -> None:
        # The run may have ended before its number was known here.
        ended = run if run.state.is_final else self._ended.get(run.run_id)
        if ended is not None:
            self._show(ended)
        else:
            self._awaited.add(run.run_id)

    def _on_runs(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            if run.task != TASK or not run.state.is_final:
                continue
            if run.run_id in self._awaited:
                self._awaited.discard(run.run_id)
                self._show(run)
            else:
                self._ended = {run.run_id: run}

    def _show(self, run: Run) -> None:
        from ui.widgets.import_report import ImportReport

        report = ImportReport(self._theme, run, self._window)
        report.again.connect(self.import_files)
        report.show()


def _files_of(event: QDropEvent) -> list[str]:
    """Full paths of the files that are dragged; nothing that lies on another machine or in the web."""
    data = event.mimeData()
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()] if data.hasUrls() else []
