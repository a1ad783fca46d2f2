"""Files of a rule, one after the other, out of folders that are really inside the home.

Links and junctions are never followed, not even those within the home: ``data/cache`` as a link to ``data/bars`` would
hand the bar history to the clean-up. Where the system can, each folder is opened from its parent and files are
named by it, so that a link put in its place meanwhile leads nowhere. A folder is read as a stream: a million files
take no memory.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workers.maintenance.rules import Rule

#: Name surrogates of Windows: a symbolic link and a junction. Files in a cloud folder have other tags and are files.
_LINK_TAGS: Final = frozenset({0xA000000C, 0xA0000003})

#: Told of what is left alone: its path from the home, why, and whether that is a trouble (links are none).
Tell = Callable[[str, str, bool], None]
_LINK: Final = "it is a link, and links are not followed"


class IsALink(OSError):
    """A folder is a link or a junction."""


def shown(path: str) -> str:
    """A path for people and JSON: bytes that are no text become ``\\udcNN`` in letters, separators are slashes."""
    text = path.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\\", "/") if sys.platform == "win32" else text


class Folder:
    """A folder of the home, held open until ``close``.

    Attributes:
        path: Where it is.
        parts: Its path from the home.

    Thread: not shared.
    """

    def __init__(self, home: Path, parts: tuple[str, ...]) -> None:
        """Open it.

        Raises:
            IsALink: it or a folder on the way to it is a link or a junction.
            OSError: it is not there or cannot be read.
        """
        self.parts = parts
        self.path = home.resolve().joinpath(*parts)
        self._descriptor: int | None = _opened(home.resolve(), parts)

    def close(self) -> None:
        """Let go of it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def entries(self) -> Iterator[os.DirEntry[str]]:
        """What is in it, as the system hands it out.

        Raises:
            OSError: it cannot be read (any further).
        """
        place: Any = self.path if self._descriptor is None else self._descriptor
        with os.scandir(place) as found:
            yield from found

    def unlink(self, name: str) -> None:
        """Remove a file of it.

        Raises:
            OSError: it is open in another program (Windows), gone, or must not be removed.
        """
        if self._descriptor is None:
            (self.path / name).unlink()
        else:
            os.unlink(name, dir_fd=self._descriptor)

    def named(self, name: str) -> str:
        """A file of it as its path from the home, fit to be shown."""
        return shown("/".join((*self.parts, name)))


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a rule covers; ``modified_ns`` in UTC epoch nanoseconds."""

    folder: Folder
    name: str
    size: int
    modified_ns: int

    @property
    def shown(self) -> str:
        """Its path from the home."""
        return self.folder.named(self.name)


def scan(home: Path, rule: Rule, tell: Tell) -> Iterator[Found]:
    """The files that ``rule`` covers; the folder of a file stays open until the next one is asked for.

    Args:
        tell: Told of folders that cannot be read and of links, which are left alone.
    """
    waiting = [rule.folder]
    while waiting:
        parts = waiting.pop()
        try:
            folder = Folder(home, parts)
        except FileNotFoundError:
            continue
        except IsALink:
            tell(shown("/".join(parts)), _LINK, False)
            continue
        except OSError as error:
            tell(shown("/".join(parts)), f"the folder cannot be read: {reason(error)}", True)
            continue
        with closing(folder):
            try:
                yield from _files(folder, rule, waiting, tell)
            except OSError as error:
                tell(shown("/".join(parts)), f"the folder cannot be read any further: {reason(error)}", True)


def _files(folder: Folder, rule: Rule, waiting: list[tuple[str, ...]], tell: Tell) -> Iterator[Found]:
    for entry in folder.entries():
        try:
            # The kind comes with the entry; a look at the file itself costs a call of the system.
            if entry.is_symlink():
                if rule.covers(entry.name) or (rule.below and entry.is_dir()):
                    tell(folder.named(entry.name), _LINK, False)
            elif entry.is_dir(follow_symlinks=False):
                if rule.below:
                    waiting.append((*folder.parts, entry.name))
            elif rule.covers(entry.name):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield Found(folder, entry.name, status.st_size, status.st_mtime_ns)
                else:
                    tell(folder.named(entry.name), "it is no ordinary file", False)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.filename is None:
                raise
            tell(folder.named(entry.name), f"it cannot be looked at: {reason(error)}", True)


def reason(error: OSError) -> str:
    """Why the system refused, in words."""
    if isinstance(error, PermissionError):
        return "it is open in another program or must not be touched"
    return (error.strerror or str(error)).lower()


def is_link(status: os.stat_result) -> bool:
    """Whether an ``lstat`` tells of a symbolic link or a junction."""
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) in _LINK_TAGS


if sys.platform == "win32":

    def _opened(home: Path, parts: tuple[str, ...]) -> None:
        """Look at each folder on the way: Windows has no folders that are opened from others."""
        place = home
        for part in parts:
            place = place / part
            status = place.lstat()
            if is_link(status):
                raise IsALink(f"{place} is a link")
            if not stat.S_ISDIR(status.st_mode):
                raise NotADirectoryError(f"{place} is no folder")

else:

    def _opened(home: Path, parts: tuple[str, ...]) -> int | None:
        """A descriptor of the folder, each step opened from the one before without following links."""
        descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in parts:
                try:
                    inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
                except OSError:
                    if _link_in(descriptor, part):
                        raise IsALink(f"{part} is a link") from None
                    raise
                os.close(descriptor)
                descriptor = inner
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _link_in(descriptor: int, part: str) -> bool:
        with suppress(OSError):
            return is_link(os.lstat(part, dir_fd=descriptor))
        return False
