"""Bar files as they are packed: plain, gzip, or a zip archive with one table in it (as HistData gives them)."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from io import BytesIO

_TABLES = (".csv", ".txt")
_STATUS_REPORTS = "_report"
# Errors of the zip reader for damaged and for encrypted archives.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError)


def unpack(data: bytes, most: int) -> bytes:
    """The table in ``data``; at most ``most`` + 1 bytes, so that the caller can tell that it is too large.

    Raises:
        ValueError: The archive is broken or holds no single table; in words that complete "the file cannot be used: ".
    """
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=BytesIO(data)) as unpacked:
                return unpacked.read(most + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            msg = f"its compression is broken ({error})"
            raise ValueError(msg) from error
    if data[:4] == b"PK\x03\x04":
        return _unzip(data, most)
    return data


def _unzip(data: bytes, most: int) -> bytes:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            tables = [
                member
                for member in archive.infolist()
                if member.filename.lower().endswith(_TABLES) and _STATUS_REPORTS not in member.filename.lower()
            ]
            # HistData puts a status report in plain text beside the table.
            csv = [member for member in tables if member.filename.lower().endswith(".csv")]
            chosen = csv or tables
            if len(chosen) != 1:
                msg = f"the archive holds {len(chosen)} tables where one is needed"
                raise ValueError(msg)
            with archive.open(chosen[0]) as table:
                return table.read(most + 1)
    except _BROKEN as error:
        msg = f"its compression is broken ({error})"
        raise ValueError(msg) from error
