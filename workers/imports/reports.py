"""Strategy tester reports and trade history reports, from the rows of a sheet or of an HTML table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.quoting import quoted
from workers.imports.errors import BadImport, Unknown
from workers.imports.refusals import Refusals

TESTER: Final = "mt5_tester_report"
HISTORY: Final = "mt5_history_report"
_TITLES: Final = {"strategy tester report": TESTER, "trade history report": HISTORY}
_TABLES: Final = ("positions", "orders", "deals", "open positions", "working orders")
_TIME: Final = re.compile(r"\d{4}\.\d\d\.\d\d \d\d:\d\d(:\d\d)?")
_NUMBER: Final = re.compile(r"[+-]?\d{1,3}(?:[  \u202f]\d{3})*(?:\.\d+)?|[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_PERIOD: Final = re.compile(r"(?P<frame>\w+) \((?P<from>[\d.]+) - (?P<to>[\d.]+)\)")
_FRAMES: Final = {"Daily": "D1", "Weekly": "W1", "Monthly": "MN1"}

#: Titles of columns, by which the tables are told, and what we call them. A title may come twice: open and close.
_NAMES: Final = {
    "time": ("time", "close_time"),
    "open time": ("open_time",),
    "deal": ("deal",),
    "order": ("order",),
    "position": ("position",),
    "symbol": ("symbol",),
    "type": ("type",),
    "direction": ("direction",),
    "volume": ("volume",),
    "price": ("price", "close_price"),
    "s / l": ("sl",),
    "s/l": ("sl",),
    "t / p": ("tp",),
    "t/p": ("tp",),
    "state": ("state",),
    "commission": ("commission",),
    "fee": ("fee",),
    "swap": ("swap",),
    "profit": ("profit",),
    "balance": ("balance",),
    "comment": ("comment",),
    "market price": ("market_price",),
}
_TEXTS: Final = frozenset({"symbol", "type", "direction", "state", "comment", "time", "open_time", "close_time"})
_WHOLE: Final = frozenset({"deal", "order", "position"})
#: Tables that every report has: an account begins with a deposit, and a test does too.
_EXPECTED: Final = {TESTER: ("orders", "deals"), HISTORY: ("deals",)}
#: What a sheet may leave out at the end of a row, since it is often empty.
_OFTEN_EMPTY: Final = frozenset({"comment", "state", "sl", "tp", "close_time", "close_price", "swap", "fee"})
#: What a row of a table needs to be one.
_NEEDED: Final = {
    "deals": ("time", "deal", "type"),
    "orders": ("open_time", "order", "symbol", "type"),
    "positions": ("time", "position", "symbol", "type"),
    "open positions": ("time", "position", "symbol", "type"),
    "working orders": ("open_time", "order", "symbol", "type"),
}


@dataclass(slots=True)
class ReportTable:
    """One table: its columns in order, and its rows as texts of plain numbers and ISO times."""

    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """A report.

    Attributes:
        kind: ``mt5_tester_report`` or ``mt5_history_report``.
        facts: Label and value of everything that is no table, in order; numbers without their thousands' blanks.
        inputs: Inputs of the expert, by name.
        tables: By name: deals, orders, positions.
        missing: What a report that breaks off lacks, in sentences.
    """

    kind: str
    server: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    tables: dict[str, ReportTable] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals)
    missing: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(len(table.rows) for table in self.tables.values())

    @property
    def symbol(self) -> str:
        """The symbol that was tested; of a history the only one traded, or empty."""
        if "Symbol" in self.facts:
            return self.facts["Symbol"]
        named = [table for table in self.tables.values() if "symbol" in table.columns]
        traded = {row[table.columns.index("symbol")] for table in named for row in table.rows}
        traded.discard("")
        return traded.pop() if len(traded) == 1 else ""

    @property
    def timeframe(self) -> str:
        """The timeframe that was tested; empty when none is named."""
        found = _PERIOD.match(self.facts.get("Period", ""))
        return _FRAMES.get(found["frame"], found["frame"]) if found else ""

    @property
    def span(self) -> tuple[str, str]:
        """First and last time in a table, on the broker's clock; empty when there is none."""
        times = sorted(
            row[place]
            for table in self.tables.values()
            for place, name in enumerate(table.columns)
            if name.endswith("time")
            for row in table.rows
            if row[place]
        )
        return (times[0], times[-1]) if times else ("", "")


def read(name: str, cells: Sequence[Sequence[str]], lines: Sequence[int] = (), broken: str = "") -> Report:
    """Read a report from its rows of cells.

    Args:
        lines: Lines of the file in which the rows begin, of a page whose rows have all their cells; none for a sheet,
            which leaves empty cells out.
        broken: Where the file breaks off, a sentence; empty when it is whole.

    Raises:
        Unknown: it is no report of MetaTrader 5 in English.
        BadImport: it is one, but without a table that could be read.
    """
    kind = next((_TITLES[text] for row in cells[:20] for text in map(_plain, row) if text in _TITLES), "")
    if not kind:
        raise Unknown(
            f"{name} is no report of MetaTrader 5 that we know.",
            advice="Known are strategy tester and trade history reports, saved with the terminal in English.",
        )
    report = Report(kind)
    reader = _Reader(report, ragged=not lines)
    for number, row in enumerate(cells, start=1):
        reader.take(lines[number - 1] if lines else number, row)
    report.missing += [broken] if broken else []
    report.missing += [f"There is no table of {table}." for table in _EXPECTED[kind] if table not in report.tables]
    if not report.tables:
        raise BadImport(
            f"{name} is a report without a table of deals, orders or positions.",
            advice="Save the report anew, whole.",
        )
    return report


class _Reader:
    """Goes through the rows of a report and knows in which part it is."""

    def __init__(self, report: Report, *, ragged: bool) -> None:
        self._report = report
        self._ragged = ragged
        self._table = ""
        self._places: list[int] = []
        self._in_inputs = False

    def take(self, number: int, row: Sequence[str]) -> None:
        filled = [text for text in row if text.strip()]
        if not filled:
            return
        alone = _plain(filled[0]) if len(filled) == 1 else ""
        if alone in _TABLES:
            self._table, self._places = alone, []
        elif alone in ("results", "summary", "settings") or alone in _TITLES:
            self._table, self._in_inputs = "", False
        elif self._table and not self._places:
            self._head(row)
        elif self._table:
            self._row(number, row)
        else:
            self._fact(row, filled)

    def _head(self, row: Sequence[str]) -> None:
        seen: dict[str, int] = {}
        columns, places = [], []
        for place, text in enumerate(row):
            names = _NAMES.get(_plain(text))
            if names is None:
                continue
            turn = seen.get(names[0], 0)
            seen[names[0]] = turn + 1
            if turn < len(names):
                columns.append(names[turn])
                places.append(place)
        if not set(_NEEDED[self._table]) <= set(columns):
            self._table = ""
            return
        self._report.tables[self._table] = ReportTable(columns)
        self._places = places

    def _row(self, number: int, row: Sequence[str]) -> None:
        table = self._report.tables[self._table]
        cells = [row[place].strip() if place < len(row) else "" for place in self._places]
        if not cells[0]:
            return  # the totals below a table have no time
        if not _TIME.fullmatch(cells[0]):
            if ":" in cells[0] and not _TIME.match(cells[0]):
                self._table = ""  # the results of a history follow its deals without a heading
                self._fact(row, [text for text in row if text.strip()])
                return
            self._refuse(number, "the time cannot be read", cells[0])
            return
        lacking = [name for name, place in zip(table.columns, self._places, strict=True) if place >= len(row)]
        if self._ragged:
            lacking = [name for name in lacking if name not in _OFTEN_EMPTY]
        if lacking:
            self._refuse(number, f"the row breaks off before its {lacking[0]}", " ".join(cells[:2]))
            return
        values = []
        for column, text in zip(table.columns, cells, strict=True):
            value = _value(column, text)
            if value is None:
                self._refuse(number, f"the {column} cannot be read", text)
                return
            values.append(value)
        needed = _NEEDED[self._table]
        if any(not values[table.columns.index(name)] for name in needed if name != "symbol"):
            self._refuse(number, "it lacks a number or a type", " ".join(cells[:4]))
            return
        table.rows.append(values)

    def _refuse(self, number: int, kind: str, shown: str) -> None:
        self._report.refusals.add(number, f"{kind}: {quoted(shown)}", kind)

    def _fact(self, row: Sequence[str], filled: Sequence[str]) -> None:
        if not self._report.server and len(filled) == 1 and "(build" in filled[0].lower():
            self._report.server = filled[0].strip()
            return
        label = ""
        for text in filled:
            text = text.strip()
            if text.endswith(":"):
                label = text[:-1].strip()
                self._in_inputs = label.lower() == "inputs"
            elif self._in_inputs and (label or len(filled) == 1):
                name, equals, value = text.partition("=")
                if equals and name.strip():
                    self._report.inputs[name.strip()] = value.strip()
                label = ""
            elif label:
                self._report.facts[label] = _tidy(_number(text)) or text
                label = ""


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _number(text: str) -> str:
    """A number without its thousands' blanks; empty when the text is none."""
    return re.sub(r"[  \u202f]", "", text) if _NUMBER.fullmatch(text) else ""


def _tidy(number: str) -> str:
    """Sheets pad numbers with zeros: ``592.000000``."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _value(column: str, text: str) -> str | None:
    """A cell as it is stored; None when it cannot be what its column says."""
    if not text:
        return ""
    if column.endswith("time"):
        if not _TIME.fullmatch(text):
            return None
        form = "%Y.%m.%d %H:%M:%S" if len(text) > 16 else "%Y.%m.%d %H:%M"
        try:
            return datetime.strptime(text, form).isoformat()  # noqa: DTZ007 - the broker's clock, which is not named
        except ValueError:
            return None
    if column in _TEXTS:
        return text
    if column == "volume":  # of an order: what was asked for and what was filled
        parts = [_number(part.strip()) for part in text.split("/")]
        return " / ".join(parts) if all(parts) and len(parts) <= 2 else None
    number = _number(text)
    if not number:
        return text if column == "price" and text.casefold() == "market" else None
    return str(int(float(number))) if column in _WHOLE else number
