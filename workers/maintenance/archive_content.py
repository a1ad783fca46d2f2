"""What is in a file, plain or packed, and whether a file of the archive is one itself."""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from workers.maintenance.archive_ops import opened
from workers.maintenance.scan import is_link

#: Read and packed at once.
CHUNK: Final = 1 << 20
_GZIP: Final = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a file, unpacked."""

    size: int
    sha256: str


def own_file(path: Path) -> IO[bytes] | None:
    """A file of the archive, open to be read; None when its name is no file's own: a link, a junction, a folder.

    Raises:
        OSError: it cannot be opened; FileNotFoundError when there is nothing of that name.
    """
    status = path.lstat()
    if is_link(status) or not stat.S_ISREG(status.st_mode):
        return None
    file = opened(path)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    return None


def stored(path: Path, source: os.stat_result | None, *, packed: bool) -> Content | None:
    """What a file of the archive holds on its own.

    Args:
        source: The open source, as its descriptor tells: another name of that file is no second copy.

    Returns:
        None when it is a link, another name of the source, or cannot be read as what its name says.
    """
    try:
        file = own_file(path)
        if file is None:
            return None
        with closing(file):
            if source is not None and os.path.samestat(os.fstat(file.fileno()), source):
                return None
            return content_of(file, packed=packed)
    except (OSError, zlib.error):
        return None


def content_of(file: IO[bytes], *, packed: bool = False) -> Content:
    """What an open file holds from here on.

    Raises:
        zlib.error: it is packed, and damaged.
    """
    size, digest = 0, hashlib.sha256()
    for piece in unpacked(file) if packed else pieces(file):
        size += len(piece)
        digest.update(piece)
    return Content(size, digest.hexdigest())


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The content as it is."""
    while piece := file.read(CHUNK):
        yield piece


def packed(file: IO[bytes]) -> Iterator[bytes]:
    """The content as gzip (RFC 1952), without a name or time in its head: equal content packs to equal bytes."""
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    for piece in pieces(file):
        if done := packer.compress(piece):
            yield done
    yield packer.flush()


def unpacked(file: IO[bytes]) -> Iterator[bytes]:
    """The content of a gzip file of one member.

    Raises:
        zlib.error: it is damaged or cut off.
    """
    unpacker = zlib.decompressobj(_GZIP)
    for piece in pieces(file):
        rest = piece
        while rest and not unpacker.eof:
            yield unpacker.decompress(rest, CHUNK)
            rest = unpacker.unconsumed_tail
    yield unpacker.flush()
    if not unpacker.eof:
        raise zlib.error("the file ends too early")
