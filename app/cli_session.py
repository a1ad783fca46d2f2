"""One command at work on one home: it asks the process that owns the home, or becomes the owner itself."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import ipc
from app.errors import UserAction
from app.paths import Paths

if TYPE_CHECKING:
    from app.owner import Owner
    from app.settings_store import SettingsStore
    from app.tasks import Registry

#: How long to wait for another process that has just taken the home and does not listen yet, or is about to go.
TAKEOVER_S = 5.0
TAKEOVER_POLL_S = 0.1


@dataclass(slots=True)
class CommandSession:
    """The home that a command works on, with its settings and how it answers.

    Attributes:
        overrides: Settings of this process only (``--set``, ``--terminal``).
        load_registry: Makes the registry of all tasks; imports them.
        left_behind: A thread did not stop: the process must end without waiting for it.
        refused: The settings file was refused, and a window is to tell so; until then the defaults apply.
    """

    paths: Paths
    settings: SettingsStore
    overrides: Mapping[str, str]
    load_registry: Callable[[], Registry]
    as_json: bool
    left_behind: bool = False
    refused: UserAction | None = None

    @classmethod
    def open(
        cls,
        home: str | None,
        overrides: Mapping[str, str],
        load_registry: Callable[[], Registry],
        *,
        as_json: bool,
        window: bool = False,
    ) -> CommandSession:
        """Find the home and read its settings; nothing is created. Whatever is wrong with them is logged.

        Args:
            window: A window opens: settings of a newer version become ``refused`` instead of an exception, since
                whoever double-clicked sees no terminal.

        Raises:
            UsageError: an override is unknown or not allowed.
            UserAction: the settings are of a newer version, or the home is not a folder.
        """
        from app.cli_values import UsageError
        from app.settings_store import SettingsStore

        paths = Paths(Path(home).expanduser().resolve()) if home else Paths.default()
        if paths.home.exists() and not paths.home.is_dir():
            raise UserAction(
                f"{paths.home} is not a folder.", advice="Name a folder with --home; it is made if need be."
            )
        guest = ipc.owner_file(paths.lock_file).exists()
        settings = SettingsStore(paths.settings_file, overrides, guest=guest)
        session = cls(paths, settings, overrides, load_registry, as_json)
        try:
            settings.load()
        except UserAction as error:
            try:
                SettingsStore(paths.settings_file, guest=guest).load()
            except UserAction as refusal:  # the file is at fault and not the command line
                if not window:
                    raise
                session.refused = refusal
                try:
                    settings.use_defaults()
                except UserAction as override:
                    raise UsageError(override.message, advice=override.advice) from override
            else:
                raise UsageError(error.message, advice=error.advice) from error
        return session

    def read_refused_again(self) -> None:
        """Read settings that were refused once more: somebody may have mended or moved the file.

        Raises:
            UserAction: they are refused as before.
        """
        if self.refused is not None:
            self.settings.load()
            self.refused = None

    @property
    def owner_file(self) -> Path:
        """Where the owner of this home says how it is reached."""
        return ipc.owner_file(self.paths.lock_file)

    def ask_owner(self, op: str, args: Mapping[str, Any], on_event: Callable[[Any], None] | None = None) -> Any:
        """Ask the process that owns the home.

        Raises:
            NoOwner: there is none.
            UserAction: settings for this process only were given; the other process would not know them.
            MetronomeError: it refuses, or does not answer.
        """
        ipc.read_owner(self.owner_file)
        if self.overrides and op == "run":
            ipc.call(self.owner_file, "ping")
            raise UserAction(
                f"--set and --terminal have no effect: a running Metronome has {self.paths.home} open and runs it.",
                advice="Leave them out, close that Metronome, or choose another folder with --home.",
            )
        return ipc.call(self.owner_file, op, args, on_event=on_event)

    def ask(self, op: str, args: Mapping[str, Any], on_event: Callable[[Any], None] | None = None) -> Any:
        """Ask the owner; where there is none, own the home for the time of the answer.

        Raises:
            MetronomeError: the question is refused, or nobody can answer.
        """
        from app.files import AlreadyOwned

        give_up_at = time.monotonic() + TAKEOVER_S
        while True:
            try:
                return self.ask_owner(op, args, on_event)
            except ipc.NoOwner:
                pass
            try:
                with self.own(schedule=False) as owner:
                    answer = owner.desk.answer(op, args, on_event or ignore)
                    owner.wait_until_unasked()
                    return answer
            except AlreadyOwned:
                if time.monotonic() > give_up_at:
                    raise
            time.sleep(TAKEOVER_POLL_S)

    def new_owner(self, on_show: Callable[[], None] | None = None) -> Owner:
        """Take the home; the engine is not started yet.

        Raises:
            AlreadyOwned: another process has it.
        """
        from app.engine import Engine
        from app.owner import Owner

        return Owner(Engine(self.paths, self.settings, self.load_registry()), on_show)

    @contextlib.contextmanager
    def own(self, *, schedule: bool) -> Iterator[Owner]:
        """Own the home with a started engine.

        Raises:
            AlreadyOwned: another process has it.
        """
        owner = self.new_owner()
        owner.start(schedule=schedule)
        try:
            yield owner
        finally:
            owner.stop()
            self.left_behind = self.left_behind or owner.left_behind

    def log_to_console(self) -> None:
        """Write the log of this process to its file and, for people who watch, to stderr."""
        from app import log

        log.setup(self.paths, self.settings.current, sys.stderr)


def ignore(_event: object) -> None:
    """Nobody watches."""
