"""Rows out of XML.

The parser is expat of the standard library with handlers of our own, not ``defusedxml``: no new dependency is needed
to refuse a document at its first entity declaration. Entities that nobody may declare can neither name a file or an
address (external entities) nor unfold into gigabytes (entity bombs); expat fetches nothing by itself.
"""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat  # the handlers below refuse what makes XML dangerous

from app.errors import UserAction
from workers.calendar.rows import Row, Table
from workers.calendar.vocabulary import NAMES, key_of

_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]{0,400}\?>")
_DEPTH: Final = 24
_MOST_NAMES: Final = 200
_MOST_FAULTS: Final = 20
_MOST_TEXT: Final = 4_000
_PIECE: Final = 65_536
_EVENT: Final = frozenset({"event", "item", "row", "record", "news", "calendarevent", "entry"})


class _Reader:
    """Gathers the children of each event element as the cells of a row."""

    def __init__(self) -> None:
        self.table = Table("xml")
        self._columns: dict[str, None] = {}
        self._path: list[str] = []
        self._cells: dict[str, tuple[int, str]] = {}
        self._text: list[str] = []
        self._length = 0
        self._event_depth = 0
        self.lines = 0
        self.root = ""
        self.fault: tuple[int, str] | None = None
        self.where = ""
        self.begin(0)

    def begin(self, lines: int) -> None:
        """Parse from here on with a parser of its own; ``lines`` came before."""
        self._path, self._event_depth, self.lines = [], 0, lines
        self.parser = expat.ParserCreate(encoding="utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.EntityDeclHandler = self._entity
        self.parser.ExternalEntityRefHandler = self._external

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= _DEPTH:
            raise UserAction("The XML is nested too deeply for a calendar.", advice="Use another address.")
        self._path.append(name)
        if len(self._path) == 1:
            self.root = self.root or name
            self.table.shape = self.root.lower()
        elif not self._event_depth and (name.lower() in _EVENT):
            self._event_depth = len(self._path)
            self._cells = {}
            for key, value in attributes.items():
                self._keep(key, value)
        self._text, self._length = [], 0

    def _characters(self, text: str) -> None:
        if self._length < _MOST_TEXT:
            self._text.append(text)
            self._length += len(text)

    def _end(self, _name: str) -> None:
        depth = len(self._path)
        name = self._path.pop()
        if self._event_depth and depth == self._event_depth:
            self._event_depth = 0
            if not self.table.full:
                cells = {canonical: value for canonical, (_, value) in self._cells.items()}
                place = f"line {self.lines + self.parser.CurrentLineNumber}"
                self.table.rows.append(Row(place, cells))
        elif self._event_depth and depth == self._event_depth + 1:
            self._keep(name, "".join(self._text).strip())
        self._text, self._length = [], 0

    def _keep(self, name: str, value: str) -> None:
        self._columns[name.lower()] = None
        if len(self._columns) > _MOST_NAMES:
            raise UserAction("The XML names far too many things for a calendar.", advice="Use another address.")
        canonical, rank = NAMES.get(key_of(name), ("", 0))
        if canonical and (canonical not in self._cells or rank < self._cells[canonical][0]):
            self._cells[canonical] = (rank, value)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the children of events, each once, in lower case."""
        return tuple(self._columns)

    def _entity(self, *_: object) -> None:
        raise UserAction(
            "The XML declares entities, which no calendar needs and which can unfold without end; it was not read.",
            advice="Use another address, or ask its owner for plain XML.",
        )

    def _external(self, *_: object) -> bool:
        self._entity()
        return False


def read_xml(text: str) -> Table:
    """The rows of an XML document; a damaged event is refused and reading goes on at the next one.

    Raises:
        UserAction: it declares entities, is nested too deeply or names far too many things.
    """
    # The text is decoded already; what the declaration says of its encoding would only mislead the parser.
    declaration = _DECLARATION.match(text)
    lines = declaration[0].count("\n") if declaration else 0
    body = (text[declaration.end() :] if declaration else text.lstrip()).encode("utf-8", "replace")
    reader = _Reader()
    reader.begin(lines)
    _parse(reader, body)
    faults = 0
    while reader.fault is not None and faults < _MOST_FAULTS:
        place, reason = reader.fault
        onward = body.find(b"<event", place + 1)
        reader.table.broken = f"it is damaged at {reader.where}: {reason}"
        if onward < 0:
            break
        faults += 1
        reader.table.refuse(reader.where, f"it is damaged ({reason})")
        reader.begin(lines + body.count(b"\n", 0, onward))
        _parse(reader, body[onward:], f"<{reader.root or 'events'}>".encode(), onward)
    reader.table.columns = reader.columns
    return reader.table


def _parse(reader: _Reader, body: bytes, before: bytes = b"", offset: int = 0) -> None:
    """Feed ``body`` to the reader, after a start of our own; ``reader.fault`` tells where in the whole it fails."""
    reader.fault = None
    try:
        reader.parser.Parse(before, False)
        for start in range(0, len(body), _PIECE):
            reader.parser.Parse(body[start : start + _PIECE], False)
            if reader.table.full:
                return
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        place = offset + reader.parser.ErrorByteIndex - len(before)
        reader.fault = place, expat.ErrorString(error.code)
        reader.where = f"line {reader.lines + error.lineno}"
