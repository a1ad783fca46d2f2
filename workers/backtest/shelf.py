"""The stored backtests of a home: a list that stays quick with thousands, one of them in full, notes, and a bin.

A result is never written to again. Notes lie beside it in a file of their own.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.clock import Clock
from app.errors import UserAction
from app.files import StorageError, atomic_write_bytes, folder_of_its_own, guarding, replace
from app.paths import Paths, safe_name
from workers.backtest.trade_rows import TradeRow, read_rows
from workers.backtest.values import moment, number

#: A result has some 120 KB; what is far larger is none of ours.
LARGEST: Final = 32 * 2**20
#: Characters of a note.
LONGEST_NOTE: Final = 20_000
NOTE: Final = "_note.txt"
_ENDINGS: Final = (".json", "_trades.csv", ".html", NOTE)
#: The curve is the last and by far the longest part of a document; the list does without.
_CURVE: Final = b'\n "curve": {'


@dataclass(frozen=True, slots=True)
class Entry:
    """One backtest in the list.

    Attributes:
        stem: Its files are called so; their endings differ.
        stamp: Time (nanoseconds) and size of the document, by which a change is seen.
        created: When it was made; of a damaged one, when its file was written.
        first, last: Days of the test, as ISO dates; empty when unknown.
        drawdown, drawdown_percent: Maximal drawdown of equity, in money and in percent of its peak.
        deflated: Deflated Sharpe ratio, a probability.
        problem: Why it cannot be shown; empty when it can.
        noted: Whether there are notes.
    """

    stem: str
    stamp: tuple[int, int]
    created: datetime
    name: str = ""
    strategy: str = ""
    symbol: str = ""
    timeframe: str = ""
    first: str = ""
    last: str = ""
    currency: str = ""
    net: float | None = None
    factor: float | None = None
    drawdown: float | None = None
    drawdown_percent: float | None = None
    trades: int | None = None
    grade: str = ""
    deflated: float | None = None
    problem: str = ""
    noted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One backtest in full.

    Attributes:
        document: As in its file.
        trades: Of its table, in their order.
        trouble: Why there are no trades although the document counts some; empty when there are.
        note: What its owner noted.
        html: Whether the report for people is there.
    """

    stem: str
    document: Mapping[str, Any]
    trades: tuple[TradeRow, ...]
    trouble: str
    note: str
    html: bool

    def part(self, name: str) -> Mapping[str, Any]:
        """An object of the document; empty when it has none of that name."""
        found = self.document.get(name)
        return found if isinstance(found, dict) else {}

    def text(self, name: str) -> str:
        """A text of the document."""
        return str(self.document.get(name) or "")


@dataclass(frozen=True, slots=True)
class Binned:
    """A deleted backtest: where it lies below the bin, and what its files are called."""

    place: str
    stem: str


class Damaged(UserAction):
    """The document of a backtest is none, or not a whole one."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path.name} is damaged: {why}.", advice="Delete it, and run the test again.")


class Shelf:
    """The backtests of one home. Thread: any; all methods read or write the disk."""

    def __init__(self, paths: Paths, clock: Clock) -> None:
        self._paths, self._clock = paths, clock
        self.folder, self.bin = paths.backtests, paths.backtest_bin

    # -- reading ---------------------------------------------------------------------------------------------------

    def look(self, known: Mapping[str, Entry], most: int) -> tuple[tuple[Entry, ...], bool]:
        """The list, the newest first, and whether there are more that were not read yet.

        Args:
            known: What an earlier look found, by stem; what did not change is not read again.
            most: Documents that are read at most; asking again with what came of it goes on.

        Raises:
            StorageError: the folder cannot be read.
        """
        found, unread, more = list[Entry](), 0, False
        with guarding(self.folder, "read"):
            files = list(os.scandir(self.folder)) if self.folder.is_dir() else []
            names = {file.name for file in files}
            documents = [
                (file.stat(), file) for file in files if file.name.endswith(".json") and not file.name.startswith(".")
            ]
        documents.sort(key=lambda item: item[0].st_mtime_ns, reverse=True)
        for stat, file in documents:
            stem, stamp = file.name.removesuffix(".json"), (stat.st_mtime_ns, stat.st_size)
            noted, before = f"{stem}{NOTE}" in names, known.get(stem)
            if before is not None and before.stamp == stamp and before.noted == noted:
                found.append(before)
            elif unread < most:
                unread += 1
                found.append(_entry(Path(file.path), stem, stamp, noted))
            else:
                more = True
        return _ordered(found), more

    def open(self, stem: str) -> Result:
        """One backtest in full.

        Raises:
            UserAction: it is not there any more, or damaged.
            StorageError: it cannot be read.
        """
        document = _document(self._path(stem, ".json"), whole=True)
        trades, trouble = tuple[TradeRow, ...](), ""
        table = self._path(stem, "_trades.csv")
        try:
            trades = read_rows(table)
        except UserAction as error:
            if _count(_part(document, "statistics").get("total_trades")):
                trouble = str(error)
        return Result(stem, document, trades, trouble, self.note(stem), self._path(stem, ".html").is_file())

    def note(self, stem: str) -> str:
        """What was noted of a backtest; empty when nothing was.

        Raises:
            StorageError: it cannot be read.
        """
        path = self._path(stem, NOTE)
        with guarding(path, "read"):
            if not path.is_file():
                return ""
            with path.open("rb") as file:
                return file.read(4 * LONGEST_NOTE).decode("utf-8", "replace")[:LONGEST_NOTE]

    def path(self, stem: str, ending: str) -> Path:
        """A file of a backtest, to be opened by another program.

        Raises:
            UserAction: it is not there any more.
        """
        path = self._path(stem, ending)
        if not path.is_file():
            raise UserAction(f"{path.name} is not there any more.", advice=f"Look into {self.folder}.")
        return path

    # -- changing --------------------------------------------------------------------------------------------------

    def keep_note(self, stem: str, text: str) -> None:
        """Keep notes beside a backtest; an empty text removes them.

        Raises:
            UserAction: the backtest is not there any more.
            StorageError: they cannot be written.
        """
        self.path(stem, ".json")
        path, text = self._path(stem, NOTE), text[:LONGEST_NOTE]
        if text.strip():
            atomic_write_bytes(path, text.encode("utf-8", "backslashreplace"))
            return
        with guarding(path, "remove"):
            path.unlink(missing_ok=True)

    def delete(self, stem: str) -> Binned:
        """Move all files of a backtest to the bin.

        Raises:
            UserAction: it is not there any more.
            StorageError: they cannot be moved; then those that were are moved back.
        """
        self.path(stem, ".json")
        place = folder_of_its_own(self.bin, self._clock)
        _move([(self._path(stem, end), place / f"{stem}{end}") for end in _ENDINGS])
        return Binned(place.name, stem)

    def restore(self, binned: Binned) -> str:
        """Take a deleted backtest back; returns its stem.

        Raises:
            UserAction: it is not in the bin any more, or there is one of that name.
            StorageError: its files cannot be moved.
        """
        place = self.bin / safe_name(binned.place)
        if not (place / f"{binned.stem}.json").is_file():
            raise UserAction(f"{binned.stem} is not in the bin any more.", advice=f"Look into {self.bin}.")
        if self._path(binned.stem, ".json").exists():
            raise UserAction(f"There is a backtest {binned.stem} already.", advice="Delete that one first.")
        _move([(place / f"{binned.stem}{end}", self._path(binned.stem, end)) for end in _ENDINGS])
        with suppress(OSError):  # somebody keeps more in it
            place.rmdir()
        return binned.stem

    def binned(self) -> tuple[Binned, ...]:
        """What was deleted, the newest first.

        Raises:
            StorageError: the bin cannot be read.
        """
        with guarding(self.bin, "read"):
            files = [path for path in self.bin.glob("*/*.json") if path.is_file()] if self.bin.is_dir() else []
        files.sort(key=lambda path: (path.parent.name, path.name), reverse=True)
        return tuple(Binned(path.parent.name, path.stem) for path in files)

    def export(self, stem: str, ending: str, target: Path) -> None:
        """Copy a file of a backtest to a place that its owner chose.

        Raises:
            UserAction: it is not there, or the place cannot be written to.
        """
        source, part = self.path(stem, ending), target.with_name(f"{target.name}.part")
        try:
            shutil.copyfile(source, part)
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise UserAction(
                f"The backtest could not be exported to {target}: {error.strerror}.", advice="Choose another folder."
            ) from error

    # -- inside ----------------------------------------------------------------------------------------------------

    def _path(self, stem: str, ending: str) -> Path:
        if not stem or stem != Path(stem).name or "\\" in stem or "\0" in stem:
            raise UserAction(f"{stem!r} is not the name of a backtest.", advice="Choose one of the list.")
        return self.folder / f"{stem}{ending}"


def _move(pairs: list[tuple[Path, Path]]) -> None:
    """Move the files that are there; all of them or none."""
    moved: list[tuple[Path, Path]] = []
    try:
        for source, target in pairs:
            if source.is_file():
                with guarding(source, "move"):
                    replace(source, target)
                moved.append((source, target))
    except StorageError:
        for source, target in reversed(moved):
            with suppress(OSError):
                target.replace(source)
        raise


def _ordered(found: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(found, key=lambda entry: (entry.created, entry.stem), reverse=True))


def _document(path: Path, *, whole: bool) -> dict[str, Any]:
    """The document of a backtest; unless ``whole`` without its curve.

    Raises:
        Damaged: it is none.
        UserAction: it is not there.
        StorageError: it cannot be read.
    """
    with guarding(path, "read"):
        try:
            if path.stat().st_size > LARGEST:
                raise Damaged(path, f"it has more than {LARGEST:,} bytes")
            content = path.read_bytes()
        except FileNotFoundError:
            raise UserAction(
                f"{path.name} is not there any more.", advice="Another program moved or deleted it."
            ) from None
    if not content.rstrip().endswith(b"}"):
        raise Damaged(path, "it is cut off, or empty")
    place = -1 if whole else content.rfind(_CURVE)
    try:
        found = json.loads(content if place < 0 else content[:place].rstrip(b", \r\n") + b"}")
    except (ValueError, RecursionError) as error:
        raise Damaged(path, "it is not valid JSON") from error
    if not isinstance(found, dict) or not isinstance(found.get("statistics"), dict):
        raise Damaged(path, "it is not the result of a backtest")
    return found


def _entry(path: Path, stem: str, stamp: tuple[int, int], noted: bool) -> Entry:
    written = datetime.fromtimestamp(stamp[0] / 1e9, UTC)
    try:
        found = _document(path, whole=False)
    except UserAction as error:
        return Entry(stem, stamp, written, name=stem, problem=error.message, noted=noted)
    figures, bars = found["statistics"], _part(found, "bars")
    return Entry(
        stem,
        stamp,
        moment(found.get("created")) or written,
        _text(found, "name") or _text(found, "strategy"),
        _text(found, "strategy"),
        _text(found, "symbol"),
        _text(found, "timeframe"),
        _text(bars, "tested_from")[:10],
        _text(bars, "tested_until")[:10],
        _text(found, "currency"),
        number(figures.get("total_net_profit")),
        number(figures.get("profit_factor")),
        number(figures.get("equity_drawdown_maximal")),
        number(figures.get("equity_drawdown_maximal_percent")),
        _count(figures.get("total_trades")),
        _text(bars, "grade")[:1],
        number(figures.get("deflated_sharpe_ratio")),
        noted=noted,
    )


def _count(value: object) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _text(document: Mapping[str, Any], name: str) -> str:
    return str(document.get(name) or "")[:200]
