"""What the Strategies page has done beside the window: reading and changing rule files, and previews."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ui import words
from workers.strategy.editing import Binned, Opened, StrategyFiles, examples

if TYPE_CHECKING:
    from app.engine import Engine
    from workers.strategy.overview import Overview
    from workers.strategy.preview import Preview


@dataclass(frozen=True, slots=True)
class Loaded:
    """All that the page shows; ``after`` counts the changes that were made before it was asked for."""

    overview: Overview
    examples: tuple[str, ...]
    binned: tuple[Binned, ...]
    after: int


def files(engine: Engine) -> StrategyFiles:
    """The rule files of the engine's home."""
    return StrategyFiles(engine.storage.paths, engine.clock)


def load(after: int, engine: Engine) -> Loaded:
    """Read everything. Raises ``StorageError`` when a folder cannot be read."""
    from workers.strategy.overview import overview

    found = overview(engine.storage, engine.clock.now())
    return Loaded(found, examples(), files(engine).binned(), after)


def open_file(file_name: str, engine: Engine) -> Opened:
    """Read one file as text. Raises as ``StrategyFiles.open``."""
    return files(engine).open(file_name)


def look_now(text: str, file_name: str, engine: Engine) -> Preview:
    """What would come of a text on the bars of now. Raises ``MetronomeError``: it or the terminal cannot be used."""
    from workers.strategy.preview import preview, rule_of

    return preview(engine.services, rule_of(text, file_name))


def when_deleted(binned: Binned) -> str:
    """The time of a deletion, from the name of its folder in the bin."""
    try:
        moment = datetime.strptime(binned.place.partition("-")[0], "%Y%m%dT%H%M%S%z")
    except ValueError:
        return binned.place
    return words.local_time(moment)
