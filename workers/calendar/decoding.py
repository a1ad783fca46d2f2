"""Bytes to text: the encodings that calendars really come in, and a clear word on what is no text at all."""

from __future__ import annotations

import codecs
import re
from typing import Final

from app.errors import UserAction

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins alike
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC: Final = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x89PNG", "a picture"),
    (b"SQLite format 3", "a database"),
)
_DECLARED: Final = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
#: Share of control characters above which bytes are no text.
_MOST_CONTROL: Final = 0.01


def decode(data: bytes) -> tuple[str, str]:
    """The text of a document and the name of its encoding.

    A byte order mark decides, then the pattern of UTF-16, then UTF-8 if it is valid, then what an XML declaration
    names, then windows-1252, which Forex Factory's XML is written in.

    Raises:
        UserAction: it is empty or no text.
    """
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise UserAction("The document is empty.", advice="Look whether the source works in a browser.")
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            raise UserAction(f"It is {kind}, not a calendar.", advice="Unpack it, or export the calendar as CSV.")
    text, encoding = _decoded(data)
    sample = text[:100_000]
    if len(_CONTROL.findall(sample)) > _MOST_CONTROL * len(sample):
        raise UserAction("It is not text, so it is no calendar.", advice="Name a JSON, XML or CSV calendar.")
    return text.lstrip("\ufeff"), encoding


def _decoded(data: bytes) -> tuple[str, str]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), encoding
    head = data[:400]
    if len(head) >= 8:
        if head[1::2].count(0) > 0.4 * len(head) / 2 and head[::2].count(0) == 0:
            return data.decode("utf-16-le", "replace"), "utf-16-le"
        if head[::2].count(0) > 0.4 * len(head) / 2 and head[1::2].count(0) == 0:
            return data.decode("utf-16-be", "replace"), "utf-16-be"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3:  # cut inside its last character
            return data.decode("utf-8", "replace"), "utf-8"
    declared = _DECLARED.match(data)
    if declared:
        name = declared[1].decode("ascii").lower()
        # A declaration of a wide encoding is wrong here: such text would have shown zeros above.
        if name.startswith(("windows-125", "cp125", "iso-8859", "latin", "koi8")):
            try:
                return data.decode(name, "replace"), name
            except LookupError:
                pass
    return data.decode("cp1252", "replace"), "windows-1252"
