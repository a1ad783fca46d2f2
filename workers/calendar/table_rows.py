"""Rows out of delimited text: exports, scrapes, and tables pasted from a web page."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from workers.calendar.rows import Row, Table
from workers.calendar.times import Kind, TimeProblem, is_day_words, read_clock, read_date
from workers.calendar.values import Impact
from workers.calendar.vocabulary import NAMES, currency_of, impact_of, key_of, plain

_DELIMITERS: Final = (",", "\t", ";", "|")
_HEAD_WITHIN: Final = 30
_SAMPLE: Final = 60
_NEIGHBOURS: Final = 20
_LEAST_CELLS: Final = 3  # lines with fewer are headings
_MOST_LINE: Final = 20_000
_ZONE_IN_NAME: Final = re.compile(r"\b(utc|gmt|et|est|edt|new york)\b", re.IGNORECASE)
_DATE_ONLY: Final = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
_WHEN: Final = frozenset({"date", "time", "datetime", "epoch"})


def read_table(text: str) -> Table:
    """The rows of a delimited text, each with the number of its line.

    A line is a row: a calendar has no values of several lines, and a quote that is never closed then costs one row
    and not the rest of the document. A line that holds nothing but a date is the heading of the rows below it.
    """
    lines = text.splitlines()
    table = Table("csv")
    delimiter, head, columns = _head(lines)
    if not columns:
        delimiter, columns = _columns_by_content(lines)
        head = -1
        if not columns:
            return table
        table.shape = "no head"
        table.notes.append(f"it has no line of column names; told by what they hold they are: {_listed(columns)}")
    else:
        names = _cut(lines[head], delimiter) or []
        table.columns = tuple(plain(name, 40) for name in names)
        stated = {found[0].lower() for name in names if (found := _ZONE_IN_NAME.search(name.replace("_", " ")))}
        if len(stated) == 1:
            table.zone = "UTC" if stated & {"utc", "gmt"} else "America/New_York"
    _read(table, lines, head, delimiter, columns)
    if not text.endswith(("\n", "\r")):
        _leave_out_a_part(table, lines, delimiter)
    return table


def _leave_out_a_part(table: Table, lines: Sequence[str], delimiter: str) -> None:
    """The last line of a document that was cut is a part of a row; many whole documents end without a line end, too,
    but their last line has as many cells as the others.
    """
    place = f"line {len(lines)}"
    cells = _cut(lines[-1], delimiter)
    if cells is None:
        table.broken = f"it ends within {place}"
        return
    others = [len(found) for line in lines[-_NEIGHBOURS:-1] if (found := _cut(line, delimiter))]
    whole = min((number for number in others if number >= _LEAST_CELLS), default=0)
    if table.rows and table.rows[-1].place == place and len(cells) < whole:
        del table.rows[-1]
        table.refuse(place, "it has no end")
        table.broken = f"it ends within {place}"


def _read(table: Table, lines: Sequence[str], head: int, delimiter: str, columns: Sequence[str]) -> None:
    day = ""
    names = list(columns_of(table))
    for number, line in enumerate(lines[head + 1 :], head + 2):
        if not line.strip(f' \t{delimiter}"'):
            continue
        if table.full:
            return
        place = f"line {number}"
        cells = _cut(line, delimiter)
        if cells is None:
            table.refuse(place, "its quotes do not match, or it is far too long")
            continue
        heading = _heading(cells)
        if heading is not None:
            day = heading
            if not day:
                table.refuse(place, "it seems to name the day of the rows below it, but is not understood as a date")
            continue
        if any(cell.strip() for cell in cells[len(columns) :]):
            table.refuse(place, f"it has {len(cells)} values for {len(columns)} columns")
            continue
        row = {name: cell for name, cell in zip(columns, cells, strict=False) if name}
        if names and key_of(cells[0][:40]) == names[0] and [key_of(cell[:40]) for cell in cells] == names:
            continue  # the head again, as in files that were joined
        if day and not row.get("date", "").strip() and not row.get("datetime", "").strip():
            row["date"] = day
        table.rows.append(Row(place, row))


def _heading(cells: Sequence[str]) -> str | None:
    """The date of a line that is nothing but one; None for other lines, empty when it is a date that cannot be read.

    The date may stand in one cell, be cut at its own commas, or be repeated in every cell, as some scrapers do.
    """
    filled = list(dict.fromkeys(cell for cell in cells if cell))
    text = ", ".join(filled)
    if len(filled) > 3 or not (is_day_words(text) or _DATE_ONLY.fullmatch(text)):
        return None
    try:
        return text if read_date(text) is not None else ""
    except TimeProblem:
        return ""


def _cut(line: str, delimiter: str) -> list[str] | None:
    """The cells of one line; None when its quotes do not match."""
    if len(line) > _MOST_LINE:
        return None
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    if line.count('"') % 2:
        return None
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))]
    except (csv.Error, StopIteration):
        return None


def _head(lines: Sequence[str]) -> tuple[str, int, list[str]]:
    """Delimiter, place and canonical names of the line of column names; no names when there is none."""
    best: tuple[int, str, int, list[str]] = (0, "", -1, [])
    for place, line in enumerate(lines[:_HEAD_WITHIN]):
        for delimiter in _DELIMITERS:
            if delimiter not in line:
                continue
            names = _canonical(_cut(line, delimiter) or [])
            known = {name for name in names if name}
            if "title" in known and (_WHEN & known or "currency" in known) and len(known) > max(best[0], 2):
                best = (len(known), delimiter, place, names)
        if best[0]:
            break
    return best[1], best[2], best[3]


def _canonical(names: Sequence[str]) -> list[str]:
    """Each column by its canonical name; of two for the same thing the better known one counts."""
    winners: dict[str, tuple[int, int]] = {}
    for place, name in enumerate(names):
        bare = _ZONE_IN_NAME.sub("", name.replace("_", " ")) if key_of(name) not in NAMES else name
        canonical, rank = NAMES.get(key_of(bare), ("", 0))
        if canonical and (canonical not in winners or rank < winners[canonical][0]):
            winners[canonical] = (rank, place)
    found = [""] * len(names)
    for canonical, (_, place) in winners.items():
        found[place] = canonical
    return found


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(name or "(unused)" for name in columns)


# -- tables without a head ---------------------------------------------------------------------------------------------


def _columns_by_content(lines: Sequence[str]) -> tuple[str, list[str]]:
    """What the columns of a table without a head hold; none when that cannot be told."""
    sample = [line for line in lines[:400] if line.strip()][:_SAMPLE]
    for delimiter in _DELIMITERS:
        rows = [cells for line in sample if (cells := _cut(line, delimiter)) and sum(map(bool, cells)) > 2]
        if len(rows) < 3:
            continue
        columns = _told(rows)
        if columns:
            return delimiter, columns
    return "", []


def _told(rows: Sequence[Sequence[str]]) -> list[str]:
    width = max(len(row) for row in rows)
    cells = [[row[place] for row in rows if place < len(row) and row[place]] for place in range(width)]
    found = [""] * width

    def take(name: str, fits: Callable[[str], bool]) -> None:
        for place, column in enumerate(cells):
            if not found[place] and column and sum(map(fits, column)) >= 0.8 * len(column):
                found[place] = name
                return

    take("time", _is_clock)
    take("date", _is_date)
    take("currency", lambda cell: len(cell) == 3 and cell.isupper() and bool(currency_of(cell)))
    take("impact", lambda cell: not cell.isdigit() and impact_of(cell) not in (None, Impact.UNKNOWN))
    free = [place for place in range(width) if not found[place] and cells[place]]
    texts = {place: sum(sum(map(str.isalpha, cell)) for cell in cells[place]) / len(cells[place]) for place in free}
    if not texts:
        return []
    title = max(texts, key=lambda place: texts[place])
    if texts[title] < 5 or not ({"time", "date"} & set(found)) or "currency" not in found:
        return []
    found[title] = "title"
    after = [place for place in range(title + 1, width) if not found[place]]
    # Every calendar page shows them in this order; fewer columns could be any of them and stay unread.
    if len(after) >= 3:
        for place, name in zip(after, ("actual", "forecast", "previous"), strict=False):
            found[place] = name
    return found


def _is_clock(cell: str) -> bool:
    try:
        found = read_clock(cell)
    except TimeProblem:
        return False
    return found is not None and found is not Kind.TENTATIVE


def _is_date(cell: str) -> bool:
    try:
        return any(char.isdigit() for char in cell) and read_date(cell) is not None
    except TimeProblem:
        return False


def columns_of(table: Table) -> Iterator[str]:
    """The names of the columns as they are compared."""
    return (key_of(name) for name in table.columns)
