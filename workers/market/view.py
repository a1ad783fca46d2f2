"""What the market page shows, read from the files that the tasks wrote. Nothing here asks the terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.files import guarding
from app.paths import Paths, safe_name
from app.storage import Storage
from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import TIMEFRAMES
from app.terminal.values import RATES_DTYPE, Rates
from workers.imports.columns import numbers, split
from workers.imports.stamps import stamps
from workers.market import bar_source
from workers.market.bar_history import HEADER, bars_file
from workers.market.quotes import Quality
from workers.market.resample import larger

#: The timeframes of the switch.
FRAMES: Final = ("M1", "M5", "M15", "M30", "H1", "H4", "D1")
#: Bars of a chart: more than a wide screen shows at once, a few months of H1.
CHART_BARS: Final = 2_000
#: Closes of a sparkline.
SPARK: Final = 60
_LINE_BYTES: Final = 90
#: Bars of a smaller timeframe that are read to make a larger one.
_MOST_PARTS: Final = 60_000
_IDEAS: Final = 40
_MAX_JSON: Final = 16 * 2**20
GRADES_FILE: Final = "data_grades.json"


@dataclass(frozen=True, slots=True)
class WatchRow:
    """One symbol of the watch list as last collected.

    Attributes:
        taken: When it was collected; None when it never was.
        time: The tick's own time.
        quality: Of the quote; None without one.
        low, high: Of the day; None while unknown.
        spark: The newest closes of the smallest stored timeframe, oldest first.
        grade: A to F, or empty when it was not graded yet.
        why: Reasons of the grade, or why there is no quote.
    """

    symbol: str
    taken: datetime | None = None
    time: datetime | None = None
    bid: float = 0.0
    ask: float = 0.0
    spread_points: float | None = None
    quality: Quality | None = None
    low: float | None = None
    high: float | None = None
    spark: tuple[float, ...] = ()
    grade: str = ""
    why: str = ""
    digits: int = 5


@dataclass(frozen=True, slots=True)
class EventMark:
    """A calendar event on the chart."""

    time: datetime
    title: str
    currency: str
    impact: str


@dataclass(frozen=True, slots=True)
class IdeaMark:
    """A trade idea on the chart; prices are those of the symbol."""

    time: datetime
    direction: str
    entry: float
    stop: float
    target: float
    status: str
    timeframe: str


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Bars of one symbol with what is drawn on them.

    Attributes:
        rates: Records of ``RATES_DTYPE``, UTC, ascending; never written to.
        made_from: The stored timeframe that they were made from; empty when they are stored as such.
        frames: Timeframes that can be shown.
        source: Which market filled the history, in words; empty when nobody noted it.
    """

    symbol: str
    timeframe: str
    rates: Rates
    digits: int = 5
    made_from: str = ""
    frames: tuple[str, ...] = ()
    source: str = ""
    events: tuple[EventMark, ...] = ()
    ideas: tuple[IdeaMark, ...] = ()


def watch_list(storage: Storage, symbols: tuple[str, ...], frames: tuple[str, ...], now: datetime) -> list[WatchRow]:
    """The newest quote of each symbol, with its sparkline and grade.

    Raises:
        StorageError: a file is there but cannot be read.
    """
    grades = _grades(storage.paths)
    return [_row(storage, symbol, frames, grades, now) for symbol in symbols]


def chart(storage: Storage, symbol: str, timeframe: str, server_time: str) -> Chart:
    """The newest bars of a symbol, made from a smaller timeframe when they are not stored.

    Args:
        timeframe: One of ``FRAMES``; the nearest that can be shown is taken when it cannot.
        server_time: The rule of the broker's clock, for bars that are made.

    Raises:
        StorageError: a file is there but cannot be read.
    """
    stored = [frame for frame in FRAMES if bars_file(storage.paths.bars, symbol, frame).exists()]
    if not stored:
        return Chart(symbol, timeframe, np.zeros(0, dtype=RATES_DTYPE))
    least = FRAMES.index(stored[0])
    frames = FRAMES[least:]
    shown = timeframe if timeframe in frames else frames[0]
    part = shown if shown in stored else next(f for f in reversed(FRAMES[: FRAMES.index(shown)]) if f in stored)
    ratio = TIMEFRAMES[shown].seconds // TIMEFRAMES[part].seconds
    path = bars_file(storage.paths.bars, symbol, part)
    rates, digits = tail(path, min(_MOST_PARTS, CHART_BARS * ratio))
    if part != shown:
        rates = larger(rates, part, shown, ServerTimeRule(server_time))
    rates = rates[-CHART_BARS:]
    known = bar_source.read(storage, path)
    events, ideas = event_marks(storage.paths, symbol, rates), _ideas(storage.paths, symbol, rates)
    made = part if part != shown else ""
    return Chart(symbol, shown, rates, digits, made, frames, str(known) if known else "", events, ideas)


def tail(path: Path, count: int) -> tuple[Rates, int]:
    """The newest ``count`` bars of a history at most, and the decimals of their prices. Damaged lines are left out.

    Raises:
        StorageError: it is there but cannot be read.
    """
    empty: Rates = np.zeros(0, dtype=RATES_DTYPE)
    with guarding(path, "read"):
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                start = max(0, size - (count + 1) * _LINE_BYTES)
                file.seek(start)
                text = file.read(size - start)
        except FileNotFoundError:
            return empty, 5
    text = text[text.find(b"\n") + 1 : text.rfind(b"\n") + 1]
    if not text:
        return empty, 5
    block = split(text, 1, ",")
    rows = np.flatnonzero(block.counts == len(HEADER))
    times = stamps(block.column(0, rows))
    columns = [numbers(block.column(place, rows)) for place in range(1, len(HEADER))]
    good = times.good & np.logical_and.reduce([column.good for column in columns])
    kept = np.flatnonzero(good)[-count:]
    rates: Rates = np.zeros(len(kept), dtype=RATES_DTYPE)
    rates["time"] = times.msc[kept] // 1000
    for name, column in zip(HEADER[1:], columns, strict=True):
        rates[name] = column.values[kept]
    _, first = np.unique(rates["time"], return_index=True)
    return rates[first], int(columns[3].decimals[kept].max(initial=0)) if len(kept) else 5


def _row(
    storage: Storage, symbol: str, frames: tuple[str, ...], grades: Mapping[str, tuple[str, str]], now: datetime
) -> WatchRow:
    spark, digits, day = _spark(storage.paths, symbol, frames, now)
    grade, why = grades.get(symbol, ("", ""))
    for back in range(5):  # over a long weekend the newest file is some days old
        path = storage.paths.market_data / f"{safe_name(symbol)}_{now - timedelta(days=back):%Y%m%d}.json"
        entry = storage.last_json_item(path)
        if entry is not None:
            return _from_entry(symbol, entry, spark, digits, day, grade, why)
    low, high = day
    return WatchRow(symbol, low=low, high=high, spark=spark, grade=grade, why=why, digits=digits)


def _from_entry(
    symbol: str,
    entry: Mapping[str, Any],
    spark: tuple[float, ...],
    digits: int,
    day: tuple[float | None, float | None],
    grade: str,
    why: str,
) -> WatchRow:
    try:
        quality = Quality(str(entry.get("quality", "")))
    except ValueError:
        quality = None
    return WatchRow(
        symbol,
        _moment(entry.get("time")),
        _moment(entry.get("tick_time")),
        _number(entry.get("bid")) or 0.0,
        _number(entry.get("ask")) or 0.0,
        _number(entry.get("spread_points")),
        quality,
        _number(entry.get("day_low")) or day[0],
        _number(entry.get("day_high")) or day[1],
        spark,
        grade,
        why,
        digits,
    )


def _spark(
    paths: Paths, symbol: str, frames: tuple[str, ...], now: datetime
) -> tuple[tuple[float, ...], int, tuple[float | None, float | None]]:
    """Newest closes, decimals, and low and high of the last 24 hours, from the smallest stored timeframe."""
    for frame in (*sorted(frames, key=lambda name: TIMEFRAMES[name].seconds), *FRAMES):
        path = bars_file(paths.bars, symbol, frame)
        if path.exists():
            rates, digits = tail(path, max(SPARK, 86_400 // TIMEFRAMES[frame].seconds))
            today = rates[rates["time"] > now.timestamp() - 86_400]
            day = (float(today["low"].min()), float(today["high"].max())) if len(today) else (None, None)
            return tuple(rates["close"][-SPARK:].tolist()), digits, day
    return (), 5, (None, None)


def _grades(paths: Paths) -> dict[str, tuple[str, str]]:
    """The worst grade of each symbol, with its timeframe and reasons."""
    found: dict[str, tuple[str, str]] = {}
    document = _document(paths.cache / GRADES_FILE)
    entries = document.get("grades")
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("grade"), str):
            continue
        symbol, letter = str(entry.get("symbol", "")), str(entry["grade"])[:1]
        reasons = entry.get("reasons")
        why = "; ".join(str(reason) for reason in reasons) if isinstance(reasons, list) else ""
        if symbol not in found or letter > found[symbol][0]:
            found[symbol] = letter, f"{entry.get('timeframe', '')}: {why}" if why else str(entry.get("timeframe", ""))
    return found


def event_marks(paths: Paths, symbol: str, rates: Rates) -> tuple[EventMark, ...]:
    """Events of the symbol's currencies while the bars last, and those of the next day."""
    if not len(rates):
        return ()
    first, last = float(rates["time"][0]), float(rates["time"][-1]) + 86_400
    marks = []
    events = _document(paths.cache / "economic_calendar.json").get("events")
    for event in events if isinstance(events, list) else []:
        if not isinstance(event, dict) or event.get("all_day"):
            continue
        currency, time = str(event.get("currency", "")), _moment(event.get("time"))
        if time is None or len(currency) != 3 or currency.upper() not in symbol.upper():
            continue
        if first <= time.timestamp() <= last:
            marks.append(EventMark(time, str(event.get("title", ""))[:120], currency, str(event.get("impact", ""))))
    return tuple(marks)


def _ideas(paths: Paths, symbol: str, rates: Rates) -> tuple[IdeaMark, ...]:
    """The newest trade ideas of the symbol while the bars last."""
    if not len(rates) or not paths.trade_ideas.is_dir():
        return ()
    prefix = f"{safe_name(symbol)}_"
    with guarding(paths.trade_ideas, "read"):
        names = sorted(path.name for path in paths.trade_ideas.iterdir() if path.name.startswith(prefix))
    marks = []
    for name in names[-_IDEAS:]:
        found = _document(paths.trade_ideas / name)
        prices = [_number(found.get(key)) for key in ("entry_price", "stop_loss", "take_profit")]
        evidence = found.get("evidence")
        decided = evidence.get("bar_time") if isinstance(evidence, dict) else None
        time = _moment(decided) or _moment(found.get("timestamp"))
        if found.get("symbol") != symbol or time is None or time.timestamp() < rates["time"][0]:
            continue
        entry, stop, target = prices
        if entry is None or stop is None or target is None:
            continue
        marks.append(
            IdeaMark(
                time,
                str(found.get("direction", "")),
                entry,
                stop,
                target,
                str(found.get("status", "")),
                str(found.get("timeframe", "")),
            )
        )
    return tuple(marks)


def _document(path: Path) -> dict[str, Any]:
    """A JSON document of a task, for a look; a missing or damaged one is its task's to tell of."""
    try:
        if path.stat().st_size > _MAX_JSON:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if np.isfinite(value) else None
