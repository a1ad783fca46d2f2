"""Opening files that somebody else made: plain, gzip or zip, any encoding, in pieces of bounded size.

Nothing is unpacked to the disk and no name inside an archive is ever used as a path.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

from workers.imports.errors import BadImport, Unknown

#: Text of a file, unpacked: some 20 million rows. More is a bomb, or something to split by years.
MAX_BYTES: Final = 2 * 2**30
#: A member that shrinks better than this is no table of prices: those come down to a tenth at best.
MAX_RATIO: Final = 200
MAX_MEMBERS: Final = 1_000
#: What is read at once: its rows and their columns stay in the processor's cache.
PIECE: Final = 1 << 20
#: What tells the kind of a file lies within this.
HEAD: Final = 1 << 16

_TEXTS: Final = (".csv", ".txt", ".tsv", ".prn")
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_BROKEN: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class Source:
    """A text to be read: a file, or a member of an archive.

    Attributes:
        name: As shown: ``EURUSD.csv`` or ``archive.zip/member.csv``.
        hint: The name in which symbol and timeframe are looked for.
        outer: The name of the file itself.
        head: Its first bytes, unpacked, as UTF-8.
        encoding: In words, when it is not UTF-8.
    """

    path: Path
    name: str
    hint: str
    outer: str
    head: bytes
    encoding: str
    _open: Callable[[], contextlib.AbstractContextManager[IO[bytes]]]

    def blocks(self) -> Iterator[tuple[bytes, int]]:
        """Its text as UTF-8 in whole lines, each block with the number of its first line.

        Raises:
            BadImport: it is damaged, too large, or no text.
        """
        rest, line, total = b"", 1, 0
        decoder = _decoder(self.encoding)
        for piece in self._pieces():
            total += len(piece)
            if total > MAX_BYTES:
                raise BadImport(f"{self.name} is larger than {MAX_BYTES // 2**30} GB.", advice="Split it by years.")
            text = _decoded(self.name, decoder, piece) if decoder else piece
            text = rest + (text.replace(b"\r", b"\n") if b"\n" not in self.head else text)
            cut = text.rfind(b"\n") + 1
            block, rest = text[:cut], text[cut:]
            if len(rest) > PIECE:
                raise BadImport(f"Line {line + block.count(bytes((10,)))} of {self.name} does not end: it is no table.")
            if block:
                yield block, line
                line += block.count(b"\n")
        if rest.strip(b"\0"):
            yield rest, line

    def whole(self, limit: int) -> bytes:
        """All of it as it is, for documents that are no tables of lines.

        Raises:
            BadImport: it is damaged or larger than ``limit`` bytes.
        """
        parts, total = [], 0
        for piece in self._pieces():
            total += len(piece)
            if total > limit:
                raise BadImport(f"{self.name} is larger than {limit // 2**20} MB.", advice="Export a shorter period.")
            parts.append(piece)
        return b"".join(parts)

    def _pieces(self) -> Iterator[bytes]:
        try:
            with self._open() as file:
                begun = False
                while piece := file.read(PIECE):
                    yield piece if begun else piece.removeprefix(codecs.BOM_UTF8)
                    begun = True
        except _BROKEN as error:
            if isinstance(error, BadImport):
                raise
            raise _broken(self.name, error) from error


def sources(path: Path) -> tuple[list[Source], Path | None]:
    """The texts in a file; and the file itself when it is a workbook instead.

    Raises:
        BadImport: it cannot be read, or is an archive that must not be unpacked.
        Unknown: there is nothing in it that could be imported.
    """
    try:
        if path.is_dir():
            raise BadImport(f"{path} is a folder.", advice="Name the files in it.")
        with path.open("rb") as file:
            magic = file.read(4)
    except FileNotFoundError as error:
        raise BadImport(f"There is no file {path}.", advice="Check the path.") from error
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise BadImport(f"{path} cannot be read: {said}.", advice="Check that you may read it.") from error
    if not magic:
        raise Unknown(f"{path.name} is empty.", advice="Export it anew.")
    if magic in (_ZIP, _EMPTY_ZIP):
        return _members(path)
    if magic[:2] == _GZIP:
        inner = path.name[: -len(path.suffix)] if path.suffix.lower() == ".gz" else path.name
        return [_source(path, path.name, inner, lambda: cast(Any, gzip.open(path, "rb")))], None
    return [_source(path, path.name, path.name, lambda: path.open("rb"))], None


def _members(path: Path) -> tuple[list[Source], Path | None]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except _BROKEN as error:
        raise _broken(path.name, error) from error
    if any(info.filename == "xl/workbook.xml" for info in infos):
        return [], path
    if len(infos) > MAX_MEMBERS:
        raise BadImport(f"{path.name} holds {len(infos)} files.", advice=f"Import at most {MAX_MEMBERS} at once.")
    wanted = [info for info in infos if info.filename.lower().endswith(_TEXTS) and not info.is_dir()]
    bars = [info for info in wanted if not info.filename.lower().endswith(".txt")] or wanted
    if not bars:
        raise Unknown(
            f"{path.name} holds no table (.csv or .txt).", advice="Unpack it and import what is inside, if it is known."
        )
    return [_member(path, info, alone=len(bars) == 1) for info in bars], None


def _member(path: Path, info: zipfile.ZipInfo, *, alone: bool) -> Source:
    inner = info.filename.rpartition("/")[2]
    check_member(path.name, info)

    @contextlib.contextmanager
    def unpack() -> Iterator[IO[bytes]]:
        with zipfile.ZipFile(path) as archive, archive.open(info.filename) as file:
            yield file

    return _source(path, path.name if alone else f"{path.name}/{inner}", inner, unpack)


def check_member(archive: str, info: zipfile.ZipInfo) -> None:
    """Refuse a member that would fill memory or disk, or needs a password.

    Raises:
        BadImport: it must not be unpacked.
    """
    if info.flag_bits & 1:
        raise BadImport(f"{archive} is locked with a password.", advice="Unpack it first.")
    ratio = info.file_size / max(1, info.compress_size)
    if info.file_size > MAX_BYTES or (ratio > MAX_RATIO and info.file_size > PIECE):
        raise BadImport(
            f"{archive} would unpack to {info.file_size / 1e6:,.0f} MB, {ratio:,.0f} times its size: it is left alone.",
            advice="If you trust it, unpack it yourself and import what is inside.",
        )


def _source(
    path: Path, name: str, hint: str, opener: Callable[[], contextlib.AbstractContextManager[IO[bytes]]]
) -> Source:
    try:
        with opener() as file:
            head = file.read(HEAD)
    except _BROKEN as error:
        raise _broken(name, error) from error
    encoding = _encoding(head)
    if encoding:
        head = head[: len(head) // 2 * 2].decode(encoding, "replace").encode()
    head = head.removeprefix(codecs.BOM_UTF8)
    return Source(path, name, hint, path.name, head, encoding, opener)


def _encoding(head: bytes) -> str:
    """The encoding when it is one of two bytes a letter; else empty: figures are the same in all others."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[:512]
    if len(sample) >= 8 and not any(sample[1::2]) and all(sample[::2]):
        return "utf-16-le"
    return ""


def _decoder(encoding: str) -> codecs.IncrementalDecoder | None:
    return codecs.getincrementaldecoder(encoding)("strict") if encoding else None


def _decoded(name: str, decoder: codecs.IncrementalDecoder, piece: bytes) -> bytes:
    try:
        return decoder.decode(piece).encode("utf-8", "replace")
    except UnicodeError as error:
        raise BadImport(f"{name} begins as UTF-16 and is none further on.", advice="Export it anew.") from error


def _broken(name: str, error: Exception) -> BadImport:
    """An archive that is damaged: what was read of it so far cannot be trusted either."""
    if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile) and error.strerror:
        return BadImport(f"{name} cannot be read: {error.strerror}.", advice="Check the disk and that you may read it.")
    return BadImport(
        f"{name} is damaged: its compression is broken ({error}). Nothing of it was taken.",
        advice="Fetch or pack it anew.",
    )
