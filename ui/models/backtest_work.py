"""What the Backtests page has done beside the window: looking at the shelf, opening, changing, and reading bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.backtest.shelf import Binned, Entry, Result, Shelf

if TYPE_CHECKING:
    from app.engine import Engine
    from workers.backtest.tester_shelf import TesterReport
    from workers.backtest.trade_rows import BarsSeen

TASK = "backtest_strategy"
#: Documents that are read in one go: some 0.1 s of one core, so that a full shelf fills the list bit by bit.
READ = 150


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the page shows; ``after`` counts the changes that were made before it was asked for."""

    entries: tuple[Entry, ...]
    more: bool
    binned: tuple[Binned, ...]
    reports: tuple[TesterReport, ...]
    strategies: tuple[str, ...]
    sweeps: tuple[str, ...]
    after: int


def shelf(engine: Engine) -> Shelf:
    """The backtests of the engine's home."""
    return Shelf(engine.storage.paths, engine.clock)


def load(known: Mapping[str, Entry], after: int, engine: Engine) -> Loaded:
    """Look at everything. Raises ``StorageError`` when a folder cannot be read."""
    from workers.backtest.sweep_shelf import sweeps
    from workers.backtest.tester_shelf import imported_reports

    found = shelf(engine)
    entries, more = found.look(known, READ)
    paths = engine.storage.paths
    strategies = sorted(path.stem for path in paths.strategies.glob("*.json")) if paths.strategies.is_dir() else []
    return Loaded(entries, more, found.binned(), imported_reports(paths), tuple(strategies), sweeps(paths), after)


def open_all(stems: tuple[str, ...], engine: Engine) -> tuple[Result, ...]:
    """Open some. Raises as ``Shelf.open``."""
    found = shelf(engine)
    return tuple(found.open(stem) for stem in stems)


def bars(result: Result, engine: Engine) -> BarsSeen:
    """The bars of a test. Raises as ``bars_of``."""
    from workers.backtest.trade_rows import bars_of

    rule = engine.settings.current.terminal.server_time
    return bars_of(result.part("bars"), result.text("timeframe"), rule)
