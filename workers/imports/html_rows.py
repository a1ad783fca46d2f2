"""The rows of the tables in an HTML report. Nothing is executed, fetched or rendered."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

from workers.imports.errors import BadImport

_MAX_CELLS: Final = 8_000_000
_MAX_SPAN: Final = 64
_SILENT: Final = frozenset({"script", "style", "title"})


@dataclass(frozen=True, slots=True)
class Page:
    """The tables of a page.

    Attributes:
        rows: All rows of all tables as texts; a cell over several columns is followed by empty ones.
        lines: In which line of the file each of them begins.
        broken: Where the page breaks off, a sentence; empty when it is whole.
    """

    rows: list[list[str]]
    lines: list[int]
    broken: str = ""


def page(name: str, text: str) -> Page:
    """Read all tables of a page.

    Raises:
        BadImport: it has more cells than a report can have.
    """
    reader = _Reader(name)
    reader.feed(text)
    begun, tables, document = reader.rest, reader.tables, reader.document
    reader.close()
    kept = [(row, line) for row, line in zip(reader.rows, reader.lines, strict=True) if row]
    broken = ""
    if begun or tables or document:
        last = text.count("\n") + 1 - text.endswith("\n")
        where = "inside a row" if begun else "before the end of a table" if tables else "before the end of the page"
        lacks = "</tr>" if begun else "</table>" if tables else "</html>"
        broken = f"The file breaks off in line {last:,}, {where}: there is no {lacks}."
    return Page([row for row, _ in kept], [line for _, line in kept], broken)


class _Reader(HTMLParser):
    def __init__(self, name: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._name = name
        self._parts: list[str] | None = None
        self._hidden = False
        self._span = 1
        self._silent = 0
        self._cells = 0
        self.lines: list[int] = []
        self.tables = 0
        self.document = False
        self._in_row = False

    @property
    def rest(self) -> bool:
        """Whether a row or a tag has begun that does not end."""
        return self._in_row or self._parts is not None or "<" in self.rawdata

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "tr":
            self._close_cell()
            self._begin_row()
            self._in_row = True
        elif tag == "table":
            self.tables += 1
        elif tag == "html":
            self.document = True
        elif tag in ("td", "th"):
            self._close_cell()
            values = dict(attrs)
            # Rows of positions carry a cell for the comment that no header has.
            self._hidden = "hidden" in (values.get("class") or "").split()
            span = values.get("colspan") or "1"
            self._span = min(int(span), _MAX_SPAN) if span.isdecimal() and len(span) < 4 else 1
            self._parts = []

    def _begin_row(self) -> None:
        self.rows.append([])
        self.lines.append(self.getpos()[0])

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in ("td", "th", "tr", "table"):
            self._close_cell()
            self._in_row = self._in_row and tag in ("td", "th")
            self.tables = max(0, self.tables - (tag == "table"))
        elif tag == "html":
            self.document = False

    def handle_data(self, data: str) -> None:
        if self._parts is not None and not self._silent:
            self._parts.append(data)

    def _close_cell(self) -> None:
        if self._parts is None:
            return
        text = " ".join("".join(self._parts).split())
        self._parts = None
        if self._hidden:
            return
        if not self.rows:
            self._begin_row()
        self.rows[-1].append(text)
        self.rows[-1].extend([""] * (self._span - 1))
        self._cells += self._span
        if self._cells > _MAX_CELLS:
            raise BadImport(f"{self._name} has more cells than a report can have.")
