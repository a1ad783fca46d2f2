"""Where everything lives: one home folder that holds ``data/`` and ``logs/``."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import UserAction
from app.files import guarding

#: A file of this name beside the program makes it portable: data and logs then live beside it too.
PORTABLE_MARK: Final = "portable.txt"

_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*%\x00-\x1f]')
_RESERVED: Final = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders and files of one home. Nothing is created before ``create``."""

    home: Path

    @classmethod
    def default(cls) -> Paths:
        """The home when none is named: beside a portable program, else per user; in a source tree the tree itself."""
        if getattr(sys, "frozen", False):
            beside = Path(sys.executable).resolve().parent
            return cls(beside if (beside / PORTABLE_MARK).exists() else _per_user())
        root = Path(__file__).resolve().parent.parent
        return cls(root if (root / "pyproject.toml").is_file() else _per_user())

    @property
    def data(self) -> Path:
        """What the tasks write."""
        return self.home / "data"

    @property
    def logs(self) -> Path:
        """Log files and trade logs."""
        return self.home / "logs"

    @property
    def config(self) -> Path:
        """What the user decides."""
        return self.data / "config"

    @property
    def settings_file(self) -> Path:
        """The settings, as TOML."""
        return self.config / "settings.toml"

    @property
    def strategies(self) -> Path:
        """One JSON file for each strategy."""
        return self.config / "strategies"

    @property
    def strategy_bin(self) -> Path:
        """Deleted strategies, each in a folder named by when that was."""
        return self.data / "bin" / "strategies"

    @property
    def profiles(self) -> Path:
        """One JSON file for each symbol."""
        return self.config / "profiles"

    @property
    def feeds_file(self) -> Path:
        """The news feeds, as OPML."""
        return self.config / "feeds.opml"

    @property
    def cache(self) -> Path:
        """What can be fetched again."""
        return self.data / "cache"

    @property
    def market_data(self) -> Path:
        """Collected quotes: one JSON file for each symbol and day."""
        return self.cache / "market_data"

    @property
    def bars(self) -> Path:
        """The bar history; never cleaned."""
        return self.data / "bars"

    @property
    def imports(self) -> Path:
        """What was imported and is no bar history of ours: ticks, reports, tester settings, bars of other markets."""
        return self.data / "imports"

    @property
    def trade_ideas(self) -> Path:
        """One JSON file for each trade idea."""
        return self.data / "trade_ideas"

    @property
    def evaluations(self) -> Path:
        """One JSON file of evaluations for each day."""
        return self.data / "evaluations"

    @property
    def health_checks(self) -> Path:
        """One JSON file of health checks for each day."""
        return self.data / "health_checks"

    @property
    def backtests(self) -> Path:
        """Reports, trades and equity curves."""
        return self.data / "backtests"

    @property
    def backtest_bin(self) -> Path:
        """Deleted backtests, each in a folder named by when that was."""
        return self.data / "bin" / "backtests"

    @property
    def support(self) -> Path:
        """Support bundles."""
        return self.data / "support"

    @property
    def database(self) -> Path:
        """The history of runs (SQLite)."""
        return self.data / "metronome.db"

    @property
    def outages_file(self) -> Path:
        """The last times without a terminal."""
        return self.data / "outages.json"

    @property
    def lock_file(self) -> Path:
        """Held by the one engine of this home."""
        return self.data / "metronome.lock"

    @property
    def log_file(self) -> Path:
        """The log; rotated ones end in .1, .2 and so on."""
        return self.logs / "metronome.log"

    @property
    def archive(self) -> Path:
        """Trade logs of long ago."""
        return self.logs / "archive"

    def create(self) -> None:
        """Make every folder that is not there yet.

        Home, data and logs must be there. Another one that cannot be made (its parent is read-only, say) costs only
        the runs that write to it: they make it themselves and say what is wrong.

        Raises:
            StorageError: home, data or logs cannot be made; it is named.
        """
        for folder in (self.home, self.data, self.logs):
            with guarding(folder, "create"):
                folder.mkdir(parents=True, exist_ok=True)
        for folder in (
            self.strategies,
            self.profiles,
            self.market_data,
            self.bars,
            self.trade_ideas,
            self.evaluations,
            self.health_checks,
            self.backtests,
            self.archive,
        ):
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)

    def inside(self, path: Path | str) -> Path:
        """``path`` as an absolute one, links followed; a relative path counts from the home.

        Raises:
            UserAction: it leads out of the home.
        """
        home = self.home.resolve()
        found = (home / path).resolve()
        if not found.is_relative_to(home):
            raise UserAction(f"The path {path} leads out of the folder {home}.", advice="Name a path inside it.")
        return found


def safe_name(text: str) -> str:
    """``text`` (a symbol, say) as one part of a file name, on every system; equal texts only give equal names.

    Characters that some system forbids become ``%`` and their number in hexadecimal: ``US500/USD`` is ``US500%2FUSD``.
    """
    name = _FORBIDDEN.sub(lambda found: f"%{ord(found[0]):02X}", text)
    if _RESERVED.match(name) or name.startswith("."):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if name.endswith((".", " ")):
        name = f"{name[:-1]}%{ord(name[-1]):02X}"
    return name


def _per_user() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Metronome"
    elif sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Metronome"
    else:
        given = os.environ.get("XDG_DATA_HOME", "")
        return (Path(given) if Path(given).is_absolute() else Path.home() / ".local" / "share") / "metronome"
