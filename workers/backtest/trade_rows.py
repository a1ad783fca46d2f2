"""The trades of a stored test, read back from its table, and the bars around one of them."""

from __future__ import annotations

import csv
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.errors import UserAction
from app.files import guarding
from app.terminal.values import Rates
from workers.backtest.bars import Asked, read
from workers.backtest.values import moment, number

#: Trades that are read at most, and bytes of a file of bars that is read to show one.
MOST: Final = 200_000
LARGEST_TABLE: Final = 64 * 2**20
LARGEST_BARS: Final = 256 * 2**20


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One closing of a position or of a part of it.

    Attributes:
        number: Line of the table, from 1.
        opened, closed: Open times of the bars of entry and exit, UTC epoch seconds.
        long: Whether it was a long.
        reason: Of the exit, as the table says it.
        profit: With all costs, in the currency of the account.
    """

    number: int
    opened: int
    closed: int
    long: bool
    volume: float
    entry: float
    exit: float
    reason: str
    profit: float
    stop: float
    target: float
    commission: float
    swap: float
    bars_held: int
    score: float
    ambiguous: bool


@dataclass(frozen=True, slots=True, eq=False)
class BarsSeen:
    """The bars of a test.

    Attributes:
        rates: Records of ``RATES_DTYPE``, UTC, ascending.
        digits: Decimals of prices.
        changed: The file holds other bars than those of the test.
    """

    rates: Rates
    digits: int
    changed: bool


def read_rows(path: Path) -> tuple[TradeRow, ...]:
    """The trades of a table; lines that are none are left out.

    Raises:
        UserAction: there is no such table, or it is none of ours.
        StorageError: it cannot be read.
    """
    with guarding(path, "read"):
        try:
            if path.stat().st_size > LARGEST_TABLE:
                raise UserAction(f"{path.name} is far too large.", advice="Open it in another program.")
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            raise UserAction(
                f"The table of the trades, {path.name}, is not there any more.", advice="Run the test again."
            ) from None
    rows = csv.reader(lines)
    place = {name: at for at, name in enumerate(next(rows, []))}
    if not {"entry_time", "exit_time", "direction", "entry", "exit", "profit"} <= set(place):
        raise UserAction(f"{path.name} is no table of trades.", advice="Run the test again.")
    found: list[TradeRow] = []
    for line, row in enumerate(rows, 1):
        if len(found) >= MOST:
            break
        try:
            found.append(_row(line, place, row))
        except (ValueError, IndexError, OverflowError):
            continue
    return tuple(found)


def _row(line: int, place: Mapping[str, int], row: list[str]) -> TradeRow:
    def value(name: str) -> float:
        found = float(row[place[name]]) if name in place else 0.0
        if not math.isfinite(found):
            raise ValueError(name)
        return found

    def text(name: str) -> str:
        return row[place[name]] if name in place else ""

    opened, closed = (int(datetime.fromisoformat(row[place[name]]).timestamp()) for name in ("entry_time", "exit_time"))
    return TradeRow(
        line,
        opened,
        closed,
        text("direction") == "long",
        value("volume"),
        value("entry"),
        value("exit"),
        text("exit_reason"),
        value("profit"),
        value("stop"),
        value("target"),
        value("commission"),
        value("swap"),
        int(value("bars_held")),
        value("score"),
        text("ambiguous") == "yes",
    )


def bars_of(bars: Mapping[str, Any], timeframe: str, server_time: str) -> BarsSeen:
    """The bars that a test used, from the file that it names.

    Args:
        bars: The part ``bars`` of its document.
        server_time: The rule of the broker's clock, for files that do not name theirs.

    Raises:
        UserAction: they came from a terminal, or the file is not there any more or cannot be used any more.
        StorageError: it cannot be read.
    """
    source, name = str(bars.get("source") or "the bars"), str(bars.get("path") or "")
    if not name:
        raise UserAction(
            f"The bars came from {source}, which does not keep them in a file.",
            advice="Import or collect this history to see trades on their bars.",
        )
    path = Path(name)
    with guarding(path, "read"):
        if not path.is_file():
            raise UserAction(f"The bars are not there any more: {path}.", advice="Put the file back to see the trade.")
        if path.stat().st_size > LARGEST_BARS:
            raise UserAction(f"{path.name} is too large to be shown here.", advice="Open the report instead.")
    point = number(bars.get("point")) or 0.0
    asked = Asked(timeframe, str(bars.get("time_zone") or ""), point, server_time, True)
    history = read(path, asked)
    first, last = moment(bars.get("first")), moment(bars.get("last"))
    times = history.rates["time"]
    if first is None or last is None:
        return BarsSeen(history.rates, history.digits, True)
    used = history.rates[(times >= first.timestamp()) & (times <= last.timestamp())]
    same = f"{zlib.crc32(np.ascontiguousarray(used).tobytes()):08x}" == bars.get("crc32")
    return BarsSeen(history.rates, history.digits, not same)
