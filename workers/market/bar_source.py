"""Where the bars of a history come from: a side file beside it, so that two markets never share one file.

``data/bars/EURUSD_M5.source.json`` says which market fills ``data/bars/EURUSD_M5.csv``.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from app.clock import Clock
from app.files import guarding, replace
from app.paths import safe_name
from app.storage import Storage
from app.tasks import TaskContext


@dataclass(frozen=True, slots=True)
class Source:
    """A market.

    Attributes:
        server: The trade server; empty while unknown.
        simulated: Generated or replayed, not a real market.
        seed: Of the generated market; None for all others.
        replay: Name of the replayed file; empty for all others.
        symbol: What the server calls the symbol; empty when it calls it as we do.
        imported: Name of the file from which the history was begun; empty when a terminal fills it.
        kind: What kind of file that was.
        clock: The rule of the server's clock by which the times became UTC; empty when nobody has noted it.
    """

    server: str = ""
    simulated: bool = False
    seed: int | None = None
    replay: str = ""
    symbol: str = ""
    imported: str = ""
    kind: str = ""
    clock: str = ""

    @classmethod
    def present(cls, ctx: TaskContext, symbol: str, broker_name: str = "") -> Source:
        """The market behind the terminal of this run, for one symbol; ``broker_name`` when it differs."""
        name = broker_name if broker_name != symbol else ""
        status, clock = ctx.terminal.status, ctx.terminal.server_rule.name
        if not status.simulated:
            return cls(status.server, symbol=name, clock=clock)
        simulated = ctx.terminal.made_up or ctx.settings.terminal.simulated
        # Replays are named without the suffix that the simulated broker appends.
        file = simulated.replay.get(symbol.removesuffix(simulated.suffix), "")
        if file:
            return cls(status.server, True, replay=PureWindowsPath(file).name, symbol=name, clock=clock)
        return cls(status.server, True, simulated.seed, symbol=name, clock=clock)

    def as_document(self) -> dict[str, Any]:
        """The source as it is stored."""
        document = {
            "server": self.server,
            "simulated": self.simulated,
            "seed": self.seed,
            "replay": self.replay,
            "symbol": self.symbol,
        }
        document |= {"imported": self.imported, "kind": self.kind} if self.imported else {}
        return document | ({"clock": self.clock} if self.clock else {})

    def differs(self, other: Source) -> bool:
        """Whether the bars of both must not be mixed; a real server that is unknown may be any real one."""
        if self.symbol != other.symbol:
            return True  # another symbol of the same server: EURUSD.raw is not EURUSDm
        if self.imported or other.imported:
            return bool(self.imported) != bool(other.imported) or self.kind != other.kind
        if self.simulated or other.simulated:
            return (self.simulated, self.seed, self.replay) != (other.simulated, other.seed, other.replay)
        return bool(self.server and other.server) and self.server != other.server

    def __str__(self) -> str:
        if self.imported:
            return f"the import of {self.imported}"
        name = f"{self.symbol} on " if self.symbol else ""
        if not self.simulated:
            return name + (self.server or "an unknown server")
        return name + (f"the replay of {self.replay}" if self.replay else f"the simulated market with seed {self.seed}")


def side_file(path: Path) -> Path:
    """The side file of a bar history."""
    return path.with_name(f"{path.stem}.source.json")


def read(storage: Storage, path: Path) -> Source | None:
    """The source of the history ``path``; None when nobody has noted it.

    Raises:
        StorageError: the side file is there but cannot be read.
        UserAction: it was written by a newer Metronome.
    """
    found = storage.read_json(side_file(path))
    if found is None or not isinstance(found.get("simulated"), bool):
        return None
    server, seed, replay, symbol = (found.get(name) for name in ("server", "seed", "replay", "symbol"))
    imported, kind, clock = found.get("imported"), found.get("kind"), found.get("clock")
    return Source(
        server if isinstance(server, str) else "",
        found["simulated"],
        seed if isinstance(seed, int) else None,
        replay if isinstance(replay, str) else "",
        symbol if isinstance(symbol, str) else "",
        imported if isinstance(imported, str) else "",
        kind if isinstance(kind, str) else "",
        clock if isinstance(clock, str) else "",
    )


def note(storage: Storage, path: Path, source: Source) -> None:
    """Write down the source of the history ``path``.

    Raises:
        StorageError: the side file cannot be written.
    """
    storage.write_json(side_file(path), source.as_document())


def move_aside(path: Path, source: Source, clock: Clock) -> Path:
    """Move a history and its side file to ``{name}.{server or "simulated"}-{time}``; nothing is overwritten.

    Returns:
        The new path of the history.

    Raises:
        StorageError: they cannot be moved.
    """
    label = "simulated" if source.simulated else safe_name(source.server or "unknown")
    if source.imported:
        label = "imported"
    stem = f"{path.stem}.{label}-{clock.now():%Y%m%dT%H%M%SZ}"
    names = (stem if number == 1 else f"{stem}-{number}" for number in itertools.count(1))
    aside = next(place for name in names if not (place := path.with_name(f"{name}.csv")).exists())
    with guarding(path, "move"):
        # The history first: after a kill in between, a side file alone is no harm, a history alone would be adopted.
        replace(path, aside)
        replace(side_file(path), side_file(aside))
    return aside
