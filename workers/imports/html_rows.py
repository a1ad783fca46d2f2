"""The rows of the tables in an HTML report. Nothing is executed, fetched or rendered."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

from workers.imports.errors import BadImport

_MAX_CELLS: Final = 8_000_000
_MAX_SPAN: Final = 64
_SILENT: Final = frozenset({"script", "style", "title"})


def rows(name: str, text: str) -> list[list[str]]:
    """All rows of all tables as texts; a cell over several columns is followed by empty ones.

    Raises:
        BadImport: it has more cells than a report can have.
    """
    reader = _Reader(name)
    reader.feed(text)
    reader.close()
    return [row for row in reader.rows if row]


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

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "tr":
            self._close_cell()
            self.rows.append([])
        elif tag in ("td", "th"):
            self._close_cell()
            values = dict(attrs)
            # Rows of positions carry a cell for the comment that no header has.
            self._hidden = "hidden" in (values.get("class") or "").split()
            span = values.get("colspan") or "1"
            self._span = min(int(span), _MAX_SPAN) if span.isdecimal() and len(span) < 4 else 1
            self._parts = []

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in ("td", "th", "tr", "table"):
            self._close_cell()

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
            self.rows.append([])
        self.rows[-1].append(text)
        self.rows[-1].extend([""] * (self._span - 1))
        self._cells += self._span
        if self._cells > _MAX_CELLS:
            raise BadImport(f"{self._name} has more cells than a report can have.")
