"""A picture of a page of the real window with the real engine, once the first results are there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEventLoop, QTimer

from app.cli_values import UsageError
from app.errors import UserAction
from ui.main_window import PAGES, MainWindow
from ui.window_state import LEAST_SIZE

if TYPE_CHECKING:
    from app.cli_values import ScreenshotStart
    from app.engine import Engine

RESULTS_S = 12.0
"""How long to wait for the results of the start-up runs; the picture is taken with what is there then."""
SETTLE_MS = 350
LOOK_MS = 50


def save(start: ScreenshotStart) -> int:
    """Start everything, take the picture, stop everything; returns the exit code.

    Raises:
        UsageError: there is no such page, or the window cannot be so small.
        UserAction: the file cannot be written.
    """
    from ui.application import WindowProgram, make_application

    if start.page not in PAGES:
        raise UsageError(f"There is no page named {start.page!r}.", advice=f"Pages: {', '.join(PAGES)}.")
    if start.width < LEAST_SIZE.width() or start.height < LEAST_SIZE.height():
        raise UsageError(
            f"The window is never as small as {start.width}x{start.height}.",
            advice=f"Ask for {LEAST_SIZE.width()}x{LEAST_SIZE.height()} or more.",
        )
    os.environ["QT_SCALE_FACTOR"] = str(start.scale)
    app = make_application()
    program = WindowProgram(app, start, tray=False)
    try:
        program.theme.set_choice("light" if start.theme == "light" else "dark")
        program.window.resize(start.width, start.height)
        program.open()
        _until(lambda: program.link.ready or program.window.messages.current() is not None, RESULTS_S)
        if program.link.ready:
            take(program.window, program.link.engine, start.page, start.file)
            return 0
        message = program.window.messages.current()
        raise UserAction(
            message.text if message else "The engine did not start in time.", advice=message.advice if message else ""
        )
    finally:
        program.window.quitting = True
        program.window.hide()
        program.close()
        app.processEvents()


def take(window: MainWindow, engine: Engine, page: str, file: Path) -> None:
    """Show ``page``, wait for results (at most ``RESULTS_S``), save the picture.

    Raises:
        UserAction: the picture cannot be written.
    """
    window.show_page(page)
    waiting = [spec.id for spec in engine.registry if spec.on_start]

    def settled() -> bool:
        at_work = engine.runner.snapshot()
        return (
            window.current_page.built
            and not (at_work.running or at_work.queued)
            and all(engine.history.last(task) is not None for task in waiting)
        )

    _until(settled, RESULTS_S)
    loop = QEventLoop()
    QTimer.singleShot(SETTLE_MS, loop.quit)
    loop.exec()
    if not window.grab().save(str(file)):
        raise UserAction(
            f"The picture {file} could not be written.", advice="Is its folder there, and its ending .png?"
        )


def _until(condition: Callable[[], bool], timeout_s: float) -> None:
    """Let the window live until the condition holds or the time is over."""
    loop, poll, over = QEventLoop(), QTimer(), QTimer()
    poll.timeout.connect(lambda: loop.quit() if condition() else None)
    over.setSingleShot(True)
    over.timeout.connect(loop.quit)
    # Now and then only: asking without pause would keep every other thread from the interpreter.
    poll.start(LOOK_MS)
    over.start(int(timeout_s * 1000))
    loop.exec()
    poll.stop()
    over.stop()
