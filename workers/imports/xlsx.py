"""The cells of the first sheet of a workbook, with the standard library alone.

A report of MetaTrader is a plain sheet of texts and numbers; openpyxl would be one more dependency, knows formulas,
styles and links that nobody asks for, and unpacks whatever it is given. Here every part has a limit, a document type
(and with it every entity) is refused, and names inside the archive are only looked up.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final
from xml.parsers import expat

from workers.imports.errors import BadImport, Unknown
from workers.imports.sources import PIECE, check_member

Row = list[str]

#: Of one part, unpacked. A report with 100,000 deals has some 100 MB.
_MAX_PART: Final = 256 * 2**20
_MAX_CELLS: Final = 8_000_000
_MAX_TEXT: Final = 64 * 2**20
#: A report of MetaTrader has up to 15 columns.
_MAX_COLUMN: Final = 64
_PLACE: Final = re.compile(r"([A-Z]{1,3})(\d+)")
_SHEET: Final = "xl/worksheets/sheet1.xml"
_STRINGS: Final = "xl/sharedStrings.xml"


def rows(path: Path) -> list[Row]:
    """All rows of the first sheet as texts; an empty cell is an empty text.

    Raises:
        BadImport: it is damaged or too large.
        Unknown: it has no sheet.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            strings = _Strings()
            if _STRINGS in archive.namelist():
                _parse(path.name, archive, _STRINGS, strings.start, strings.end, strings.text)
            if _SHEET not in archive.namelist():
                raise Unknown(f"{path.name} is a workbook without a first sheet.", advice="Save the report anew.")
            sheet = _Sheet(path.name, strings.found)
            _parse(path.name, archive, _SHEET, sheet.start, sheet.end, sheet.text)
    except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
        raise BadImport(
            f"{path.name} is damaged ({error}). Nothing of it was taken.", advice="Save it anew."
        ) from error
    return sheet.rows


def _parse(
    name: str,
    archive: zipfile.ZipFile,
    part: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
) -> None:
    info = archive.getinfo(part)
    check_member(name, info)
    if info.file_size > _MAX_PART:
        raise BadImport(f"{name} is too large: {part} unpacks to {info.file_size / 1e6:,.0f} MB.")
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, attributes: start(tag.rpartition(" ")[2], attributes)
    parser.EndElementHandler = lambda tag: end(tag.rpartition(" ")[2])
    parser.CharacterDataHandler = text

    def refuse(*_: Any) -> None:
        raise BadImport(f"{name} has a document type in {part}: workbooks have none, it is not read.")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    with archive.open(part) as file:
        try:
            _feed(parser, file)
        except expat.ExpatError as error:
            raise BadImport(
                f"{name} is damaged: {part} is no XML ({error}). Nothing of it was taken.", advice="Save it anew."
            ) from error


def _feed(parser: expat.XMLParserType, file: IO[bytes]) -> None:
    while piece := file.read(PIECE):
        parser.Parse(piece, False)
    parser.Parse(b"", True)


class _Strings:
    """The texts that cells refer to by number."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._parts: list[str] = []
        self._inside = False
        self._total = 0

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        if tag == "si":
            self._parts = []
        self._inside = tag == "t"

    def end(self, tag: str) -> None:
        self._inside = False
        if tag == "si":
            self.found.append("".join(self._parts))

    def text(self, text: str) -> None:
        if self._inside:
            self._total += len(text)
            if self._total > _MAX_TEXT:
                raise BadImport("The workbook holds more text than a report can have.")
            self._parts.append(text)


class _Sheet:
    """The rows of a sheet, made as its cells come by."""

    def __init__(self, name: str, strings: list[str]) -> None:
        self.rows: list[Row] = []
        self._name = name
        self._strings = strings
        self._kind = ""
        self._column = 0
        self._parts: list[str] = []
        self._inside = False
        self._cells = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "row":
            self.rows.append([])
        elif tag == "c":
            self._kind = attributes.get("t", "n")
            place = _PLACE.fullmatch(attributes.get("r", ""))
            self._column = _column(place[1]) if place else (len(self.rows[-1]) if self.rows else 0)
            self._parts = []
        self._inside = tag in ("v", "t")

    def end(self, tag: str) -> None:
        self._inside = False
        if tag != "c" or not self._parts or not self.rows or self._column >= _MAX_COLUMN:
            return
        self._cells += 1
        if self._cells > _MAX_CELLS:
            raise BadImport(f"{self._name} has more cells than a report can have.")
        text = "".join(self._parts)
        if self._kind == "s":
            if not text.isdecimal() or int(text) >= len(self._strings):
                raise BadImport(f"{self._name} is damaged: a cell refers to a text that is not there.")
            text = self._strings[int(text)]
        row = self.rows[-1]
        row.extend([""] * (self._column + 1 - len(row)))
        row[self._column] = text

    def text(self, text: str) -> None:
        if self._inside:
            self._parts.append(text)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
