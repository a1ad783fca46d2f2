"""The commands, one function each; every one returns its exit code."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from app import ipc
from app.cli_text import (
    as_text,
    feed_table,
    import_table,
    run_details,
    run_table,
    say,
    symbol_table,
    table,
    task_table,
    words,
    write,
    write_json,
)
from app.cli_values import FAILED, OK, SKIPPED, ScreenshotStart, UsageError, WindowStart
from app.errors import MetronomeError, UserAction
from app.files import StorageError
from app.runs import RunState

if TYPE_CHECKING:
    from app.cli_session import CommandSession
    from app.engine import Engine
    from app.owner import Owner
    from app.paths import Paths
    from app.tasks import TaskSpec

#: Windows cannot interrupt a wait by Ctrl+C: it waits in pieces of this length.
PIECE_S = 0.5


def tasks(session: CommandSession) -> int:
    """Print all tasks."""
    rows = session.ask("tasks", {})
    if session.as_json:
        write_json(rows)
    else:
        task_table(rows)
        if session.settings.current.timetable.paused:
            write("All tasks are paused: none begins by itself until the window or a setting resumes them.")
    return OK


def runs(session: CommandSession, task: str, state: str, limit: int) -> int:
    """Print runs, newest first.

    Raises:
        UsageError: no such task or state, or a limit below 1.
    """
    if limit < 1:
        raise UsageError(f"--limit {limit} shows nothing.", advice="Give a number above 0.")
    if state and state not in set(RunState):
        raise UsageError(f"There is no state {state!r}.", advice=f"States: {', '.join(RunState)}.")
    if task:
        known_task(session, task)
    rows = session.ask("runs", {"task": task, "state": state, "limit": limit})
    if session.as_json:
        write_json(rows)
    else:
        run_table(rows)
    return OK


def run(session: CommandSession, task: str, texts: Mapping[str, str]) -> int:
    """Run a task and print the run.

    Raises:
        UsageError: no such task or parameter.
    """
    params = checked_params(known_task(session, task), texts)
    session.log_to_console()
    watch = Watch(sys.stderr is not None and sys.stderr.isatty())
    try:
        with interrupt_on_terminate():
            found = session.ask("run", {"task": task, "params": params}, watch.on_event)
    except KeyboardInterrupt:
        watch.end()
        found = cancelled_run(session, watch.run_id)
    watch.end()
    if session.as_json:
        write_json(found)
    else:
        run_details(found)
    return exit_code(str(found["state"]))


def import_files(session: CommandSession, options: Mapping[str, Any]) -> int:
    """Import files and print what came of each; 1 when one of them could not be imported.

    Raises:
        UsageError: an option does not fit.
    """
    texts = {name: str(options[name]) for name in ("time_zone", "symbol", "timeframe", "point") if options[name]}
    if options["replace"]:
        texts["replace"] = "true"
    task = "import_files"
    params = checked_params(known_task(session, task), texts)
    params["files"] = [str(file.absolute()) for file in options["files"]]
    session.log_to_console()
    with interrupt_on_terminate():
        found = session.ask("run", {"task": task, "params": params})
    files = found["result"].get("files")
    if files is None:  # stopped, or skipped because another import waits already
        raise UserAction(f"Nothing was imported: {found['reason']}", advice=str(found["advice"]))
    if session.as_json:
        write_json({"files": files})
    else:
        import_table(files)
    return FAILED if any(file["error"] for file in files) else OK


def exit_code(state: str) -> int:
    """The exit code that tells the outcome of a run."""
    if RunState(state).is_success:
        return OK
    return SKIPPED if state == RunState.SKIPPED else FAILED


def cancelled_run(session: CommandSession, run_id: str) -> Mapping[str, Any]:
    """Ask the owner to stop the run after Ctrl+C, and return how it stands then.

    Raises:
        UserAction: nothing was begun.
    """
    if run_id:
        with contextlib.suppress(ipc.NoOwner):
            return dict(session.ask_owner("cancel", {"run_id": run_id}))
    raise UserAction("Stopped before the run began.")


def known_task(session: CommandSession, task: str) -> TaskSpec:
    """The task of that id.

    Raises:
        UsageError: there is none.
    """
    try:
        return session.load_registry().get(task)
    except UserAction as error:
        raise UsageError(error.message, advice=error.advice) from error


def checked_params(spec: TaskSpec, texts: Mapping[str, str]) -> dict[str, Any]:
    """The parameters as plain JSON values, checked against the task's model.

    Raises:
        UsageError: a name is unknown or a value does not fit.
    """
    from app.params import params_from_texts
    from app.runner import validated_params

    try:
        model = validated_params(spec, params_from_texts(spec.params, texts))
    except UserAction as error:
        raise UsageError(error.message, advice=error.advice) from error
    return model.model_dump(mode="json", exclude_unset=True)


class Watch:
    """Shows the progress of a run on a terminal, on one line, and remembers which run it is."""

    def __init__(self, shown: bool) -> None:
        self.run_id = ""
        self._shown = shown
        self._width = 0

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Take the newest news of the run."""
        self.run_id = str(event["run_id"])
        if not self._shown:
            return
        steps = f" {event['done']}/{event['total']}" if event["total"] else ""
        line = f"{words(event['state'])}{steps} {event['text']}".rstrip()[:100]
        sys.stderr.write(f"\r{line.ljust(self._width)}")
        sys.stderr.flush()
        self._width = len(line)

    def end(self) -> None:
        """Clear the line."""
        if self._width:
            sys.stderr.write(f"\r{' ' * self._width}\r")
            sys.stderr.flush()
            self._width = 0


def settings_show(session: CommandSession, key: str | None) -> int:
    """Print one setting, or all.

    Raises:
        UsageError: there is no such setting.
    """
    store = session.settings
    if key is not None:
        try:
            value = store.get(key)
        except MetronomeError as error:
            raise UsageError(error.message, advice=error.advice) from error
        if session.as_json:
            write_json({"key": key, "value": value})
        else:
            write(as_text(value))
        return OK
    options = store.describe()
    if session.as_json:
        write_json(
            [
                {
                    "key": option.key,
                    "title": option.title,
                    "description": option.description,
                    "value": option.value,
                    "default": option.default,
                    "restart_needed": option.restart_needed,
                }
                for option in options
            ]
        )
    else:
        table(
            ("SETTING", "VALUE", "WHAT IT IS"),
            [(option.key, as_text(option.value), option.description) for option in options],
        )
    return OK


def settings_set(session: CommandSession, key: str, value: str) -> int:
    """Change one setting, in the running Metronome if there is one.

    Raises:
        UsageError: no such setting, or a value that does not fit.
    """
    try:
        try:
            session.ask_owner("settings_set", {"key": key, "value": value})
            session.settings.reload()
        except ipc.NoOwner:
            session.settings.set(key, value)
    except StorageError:  # the file cannot be written: no wrong usage
        raise
    except UserAction as error:
        raise UsageError(error.message, advice=error.advice) from error
    return settings_show(session, key)


def feeds(
    session: CommandSession,
    work: Callable[[Paths, str, Sequence[str]], Mapping[str, Any]] | None,
    action: str,
    values: Sequence[str],
) -> int:
    """Show or change the list of news feeds.

    Raises:
        UsageError: a value is missing or fits nothing, or this program has no news.
    """
    if work is None:
        raise UsageError("This program collects no news.")
    try:
        answer = work(session.paths, action, values)
    except StorageError:  # the file cannot be read or written: no wrong usage
        raise
    except UserAction as error:
        raise UsageError(error.message, advice=error.advice) from error
    if session.as_json:
        write_json(answer["feeds"] if action == "list" else answer)
    elif action == "list":
        feed_table(answer["feeds"])
    else:
        write(str(answer["message"]))
    return OK


def symbols(session: CommandSession, options: Mapping[str, Any]) -> int:
    """Show what the broker calls the symbols of the watch list, or settle one of them.

    Returns:
        ``FAILED`` when a symbol is not settled.
    """
    wanted = {name: options[name] for name in ("action", "symbol", "name") if options.get(name)}
    found = session.ask("symbols", wanted)
    if session.as_json:
        write_json(found)
    else:
        symbol_table(found)
    return OK if all(item["name"] for item in found["symbols"]) or options["action"] == "forget" else FAILED


def headless(session: CommandSession) -> int:
    """Run the engine without a window until Ctrl+C or SIGTERM.

    Raises:
        AlreadyOwned: another process has this home.
    """
    session.log_to_console()
    # A queue and not an Event: putting into it is safe inside a signal handler.
    wanted: queue.SimpleQueue[int] = queue.SimpleQueue()

    def stop(number: int, _frame: FrameType | None) -> None:
        wanted.put(number)

    for number in stop_signals():
        signal.signal(number, stop)
    with session.own(schedule=True):
        say(f"Metronome runs without a window on {session.paths.home}. Ctrl+C stops it.")
        while True:
            with contextlib.suppress(queue.Empty):
                wanted.get(timeout=PIECE_S if sys.platform == "win32" else None)
                break
        say("Stopping ...")
    return OK


def stop_signals() -> tuple[signal.Signals, ...]:
    """The signals that ask a process to end."""
    if sys.platform == "win32":
        return (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
    return (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def interrupt_on_terminate() -> Iterator[None]:
    """Treat SIGTERM as Ctrl+C, so that a run that is told to go ends in good order."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


class LateOwner:
    """Becomes the owner when the window asks for it, after its first paint."""

    def __init__(self, session: CommandSession) -> None:
        self._session = session
        self._owner: Owner | None = None

    def start(self, on_show: Callable[[], None], window_lag_ms: Callable[[], float]) -> Engine:
        """Take the home and start everything.

        Raises:
            MetronomeError: another process has the home, its settings are refused, or the engine cannot start.
        """
        self._session.read_refused_again()
        owner = self._session.new_owner(on_show)
        owner.engine.window_lag_ms = window_lag_ms
        owner.start(schedule=True, first_runs=True)
        self._owner = owner
        return owner.engine

    def stop(self) -> None:
        """Stop what was started."""
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.stop()
            self._session.left_behind = self._session.left_behind or owner.left_behind


def window(session: CommandSession, open_window: Callable[[WindowStart], int], *, minimized: bool) -> int:
    """Open the window, or raise the one that is open already.

    Raises:
        UserAction: a Metronome without a window has this home, or there is no screen.
    """
    with contextlib.suppress(ipc.NoOwner):
        if not session.ask_owner("show", {})["shown"]:
            pid = ipc.read_owner(session.owner_file)["pid"]
            raise UserAction(
                f"A Metronome without a window (process {pid}) has {session.paths.home} open.",
                advice="End it first, or choose another folder with --home.",
            )
        return OK
    from app import log

    try:
        require_screen()
    except UserAction as no_screen:
        raise session.refused or no_screen from None
    log.setup(session.paths, session.settings.current, None)
    late = LateOwner(session)
    try:
        return open_window(WindowStart(session, late.start, late.stop, minimized))
    finally:
        late.stop()


def screenshot(session: CommandSession, take: Callable[[ScreenshotStart], int], options: Mapping[str, Any]) -> int:
    """Save a picture of a page of the window.

    Raises:
        UsageError: the folder of the picture does not exist.
    """
    file: Path = options["file"].resolve()
    if not file.parent.is_dir():
        raise UsageError(f"There is no folder {file.parent}.", advice="Make it first.")
    session.log_to_console()
    if sys.platform.startswith("linux"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # A picture needs no screen.
    late = LateOwner(session)
    width, height = options["size"]
    try:
        code = take(
            ScreenshotStart(
                session, late.start, late.stop, options["page"], file, options["theme"], width, height, options["scale"]
            )
        )
    finally:
        late.stop()
    if code == OK:
        if session.as_json:
            write_json({"file": str(file), "page": options["page"]})
        else:
            write(str(file))
    return code


def require_screen() -> None:
    """Stop with advice where Qt would abort the process: on Linux without a screen.

    Raises:
        UserAction: there is no screen, or a library that Qt needs for it is missing.
    """
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        raise UserAction(
            "There is no screen to show the window on (neither DISPLAY nor WAYLAND_DISPLAY is set).",
            advice="Start it without a window: python main.py --headless",
        )
    if os.environ.get("WAYLAND_DISPLAY"):
        return
    import ctypes

    from app.bootstrap import explain_missing_library

    try:
        ctypes.CDLL("libxcb-cursor.so.0")
    except OSError as error:
        raise UserAction(explain_missing_library(ImportError(str(error))) or str(error)) from error
