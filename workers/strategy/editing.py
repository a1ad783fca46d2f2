"""Changes of the rule files of a home: switch, copy, make, save, and a bin from which everything comes back.

Nothing of a user is ever lost: a file is replaced in one step and only when it is still what was read before, and a
deleted one is moved to the bin with its name.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.clock import Clock
from app.errors import UserAction
from app.files import atomic_write_bytes, folder_of_its_own, guarding, replace
from app.paths import Paths, safe_name
from app.runs import iso
from workers.strategy import json_text
from workers.strategy.json_text import NotJson
from workers.strategy.library import EXAMPLES, LARGEST, load

#: Characters of the name of a file that is made here, without what makes it unique.
LONGEST_STEM: Final = 60
_ENDING: Final = ".json"
_STRANGE: Final = re.compile(r"[^A-Za-z0-9_-]+")

#: One change after the other, whatever thread asks: each looks at the folder before it writes.
_changing = threading.RLock()


class ChangedOnDisk(UserAction):
    """The file is not what was read before: somebody else wrote or removed it. Nothing was overwritten.

    Attributes:
        gone: It is not there any more.
    """

    def __init__(self, file_name: str, *, gone: bool) -> None:
        what = "was removed" if gone else "was changed by another program"
        super().__init__(
            f"{file_name} {what} since it was opened; it was not saved.",
            advice="Save yours as a copy." if gone else "Load it again, or save yours as a copy.",
        )
        self.gone = gone


@dataclass(frozen=True, slots=True)
class Opened:
    """A rule file as it was read: its text, and the hash by which a later change on the disk is known."""

    file_name: str
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Binned:
    """A deleted rule file: where it lies (below the bin), and the name that it had."""

    place: str
    file_name: str


class StrategyFiles:
    """The rule files of one home.

    Thread: any. All methods read or write the disk, so the window asks them beside its own thread.
    """

    def __init__(self, paths: Paths, clock: Clock) -> None:
        self._paths = paths
        self._clock = clock
        self.folder = paths.strategies
        self.bin = paths.strategy_bin

    # -- reading ---------------------------------------------------------------------------------------------------

    def open(self, file_name: str) -> Opened:
        """Read one file as text, whatever is in it.

        Raises:
            UserAction: there is no such file, it is far too long, or not UTF-8.
            StorageError: it cannot be read.
        """
        path = self._path(file_name)
        content = self._content(path)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserAction(
                f"{file_name} is not UTF-8 text (byte {error.start}).", advice="Save it again as UTF-8 in its editor."
            ) from error
        return Opened(file_name, text.replace("\r\n", "\n"), hashlib.sha256(content).hexdigest())

    def binned(self) -> tuple[Binned, ...]:
        """What was deleted, the newest first.

        Raises:
            StorageError: the bin cannot be read.
        """
        with guarding(self.bin, "read"):
            files = [path for path in self.bin.glob("*/*.json") if path.is_file()] if self.bin.is_dir() else []
        files.sort(key=lambda path: (path.parent.name, path.name), reverse=True)
        return tuple(Binned(path.parent.name, path.name) for path in files)

    # -- changing --------------------------------------------------------------------------------------------------

    def save(self, file_name: str, text: str, sha256: str) -> Opened:
        """Write a text over the file that it was read from, with ``updated_at`` set; returns what is there now.

        A text that is no JSON is saved too: what cannot be evaluated is told with its place until it is mended.

        Args:
            sha256: Of what was read, as ``Opened`` has it.

        Raises:
            ChangedOnDisk: the file is another one now.
            UserAction: it is too long, or leads out of the home.
            StorageError: it cannot be written; what was there before is untouched.
        """
        with _changing:
            path = self._path(file_name, exists=False)
            before: bytes | None = None
            with guarding(path, "read"), suppress(FileNotFoundError):
                before = path.read_bytes()
            if before is None or hashlib.sha256(before).hexdigest() != sha256:
                raise ChangedOnDisk(file_name, gone=before is None)
            return self._write(path, self._stamped(text), before)

    def save_copy(self, file_name: str, text: str) -> Opened:
        """Write a text to a new file beside the one that it was read from, under an id of its own.

        Raises:
            UserAction: it is too long.
            StorageError: it cannot be written.
        """
        with _changing:
            stem = self._free(Path(file_name).stem)
            return self._write(self.folder / f"{stem}{_ENDING}", self._stamped(_changed(text, {"id": stem})), None)

    def set_enabled(self, file_name: str, enabled: bool) -> Opened:
        """Switch a strategy on or off; all else in its file stays as it is.

        Raises:
            UserAction: the file cannot be changed before it is mended.
            StorageError: it cannot be read or written.
        """
        with _changing:
            found = self.open(file_name)
            return self.save(file_name, _changed(found.text, {"enabled": enabled}, must=True), found.sha256)

    def duplicate(self, file_name: str) -> Opened:
        """A copy under a new id and file name, switched off: two alike would have every idea twice.

        Raises:
            UserAction: the file cannot be copied before it is mended.
            StorageError: it cannot be read or written.
        """
        with _changing:
            return self._new(self.open(file_name).text, Path(file_name).stem, " (copy)")

    def create(self, name: str, example: str = "") -> Opened:
        """A new strategy, switched off until it is wanted.

        Args:
            name: What people call it; the name of the file is made from it.
            example: Name of the file of an example that comes with the program; empty: a plain one.

        Raises:
            UserAction: there is no such example.
            StorageError: it cannot be read or written.
        """
        if example and example not in examples():
            raise UserAction(f"There is no example {example!r}.", advice=f"There are: {', '.join(examples())}.")
        with guarding(EXAMPLES, "read"):
            text = (EXAMPLES / example).read_text(encoding="utf-8") if example else _plain()
        with _changing:
            return self._new(text, name.strip() or Path(example).stem or "strategy", "", name.strip())

    def delete(self, file_name: str) -> Binned:
        """Move a file to the bin.

        Raises:
            UserAction: there is no such file.
            StorageError: it cannot be moved.
        """
        with _changing:
            path = self._path(file_name)
            shelf = folder_of_its_own(self.bin, self._clock)
            with guarding(path, "move"):
                replace(path, shelf / path.name)
            return Binned(shelf.name, path.name)

    def restore(self, binned: Binned) -> str:
        """Take a file back out of the bin; returns its name, another one when its old name is taken meanwhile.

        Raises:
            UserAction: it is not in the bin any more.
            StorageError: it cannot be moved.
        """
        with _changing:
            shelf = self.bin / safe_name(binned.place)
            source = self._paths.inside(shelf / _one_part(binned.file_name))
            if not source.is_file():
                raise UserAction(f"{binned.file_name} is not in the bin any more.", advice=f"Look into {self.bin}.")
            name = binned.file_name
            with guarding(self.folder, "create"):
                self.folder.mkdir(parents=True, exist_ok=True)
            if name.casefold() in self._taken_names():
                name = f"{self._free(Path(name).stem)}{_ENDING}"
            with guarding(source, "move"):
                replace(source, self.folder / name)
            with suppress(OSError):  # somebody keeps more in it
                shelf.rmdir()
            return name

    # -- inside ----------------------------------------------------------------------------------------------------

    def _new(self, text: str, stem: str, suffix: str, name: str = "") -> Opened:
        """Write the text of another strategy to a file of its own."""
        document = _document(text)
        known = str(document.get("name") or document.get("id") or stem)
        stem = self._free(stem)
        now = iso(self._clock.now())
        values: dict[str, Any] = {
            "id": stem,
            "name": name or f"{known[: 100 - len(suffix)]}{suffix}",
            "enabled": False,
            "created_at": now,
            "updated_at": now,
            "created_by": "user",
        }
        with guarding(self.folder, "create"):
            self.folder.mkdir(parents=True, exist_ok=True)
        return self._write(self.folder / f"{stem}{_ENDING}", _changed(text, values, must=True), None)

    def _write(self, path: Path, text: str, before: bytes | None) -> Opened:
        lines = text if before is None or b"\r\n" not in before else text.replace("\n", "\r\n")
        content = lines.encode("utf-8", "backslashreplace")
        if before is not None and before.startswith(b"\xef\xbb\xbf"):
            content = b"\xef\xbb\xbf" + content
        if len(content) > LARGEST:
            raise UserAction(
                f"{path.name} would have {len(content):,} bytes; {LARGEST:,} is the most.", advice="Make it shorter."
            )
        atomic_write_bytes(path, content)
        return Opened(path.name, text, hashlib.sha256(content).hexdigest())

    def _stamped(self, text: str) -> str:
        return _changed(text, {"updated_at": iso(self._clock.now())})

    def _path(self, file_name: str, *, exists: bool = True) -> Path:
        """The path of a file that is named by a user or by the list."""
        path = self._paths.inside(self.folder / _one_part(file_name))
        path = self.folder / path.name if path.parent == self.folder.resolve() else path
        if exists and not path.is_file():
            raise UserAction(
                f"There is no strategy file {file_name} any more.", advice=f"Look into {self.folder}; the list is new."
            )
        return path

    def _content(self, path: Path) -> bytes:
        with guarding(path, "read"):
            size = path.stat().st_size
            if size > LARGEST:
                raise UserAction(
                    f"{path.name} has {size:,} bytes; a strategy file has a few thousand.",
                    advice="Move it out of the folder, or open it in another program.",
                )
            return path.read_bytes()

    def _free(self, wanted: str) -> str:
        """An id that no file and no strategy has, on systems too that take no notice of capitals."""
        taken = {name.removesuffix(_ENDING) for name in self._taken_names()}
        taken |= {rule.strategy.id.casefold() for rule in load(self.folder).rules}
        return next(name for name in _numbered(file_stem(wanted)) if name.casefold() not in taken)

    def _taken_names(self) -> set[str]:
        with guarding(self.folder, "read"):
            return {item.name.casefold() for item in self.folder.iterdir()} if self.folder.is_dir() else set()


def examples() -> tuple[str, ...]:
    """The examples that come with the program, by the names of their files.

    Raises:
        StorageError: they cannot be read.
    """
    with guarding(EXAMPLES, "read"):
        return tuple(sorted(path.name for path in EXAMPLES.glob(f"*{_ENDING}")))


def file_stem(name: str) -> str:
    """An id and file name, without its ending, from what people call a strategy: safe on every system.

    Letters with marks lose them, whatever else is no letter, figure, ``-`` or ``_`` becomes ``_``.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    stem = _STRANGE.sub("_", plain).strip("_-")[:LONGEST_STEM].strip("_-")
    if not stem or safe_name(stem) != stem:  # nothing is left, or the name of a device on Windows
        stem = f"strategy_{stem}".strip("_")
    return stem


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    base = re.sub(r"_\d{1,4}$", "", stem) or stem
    number = 2
    while True:
        yield f"{base}_{number}"
        number += 1


def _one_part(name: str) -> str:
    """A name of a file without a folder.

    Raises:
        UserAction: it is none.
    """
    if not name.endswith(_ENDING) or name != Path(name).name or "\\" in name or "\0" in name:
        raise UserAction(f"{name!r} is not the name of a strategy file.", advice="It ends with .json.")
    return name


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserAction(f"The file is not valid JSON ({error}).", advice="Mend it first.") from error
    if not isinstance(document, dict):
        raise UserAction("The file does not hold one JSON object.", advice="Mend it first.")
    return document


def _changed(text: str, values: Mapping[str, Any], *, must: bool = False) -> str:
    """``text`` with other values of some names at its top; unchanged when it is no object, unless it ``must`` be."""
    if must:
        _document(text)
    try:
        for name, value in values.items():
            text = json_text.put(text, (name,), value).applied(text)
    except NotJson as error:
        if must:
            raise UserAction(f"The file cannot be changed: {error}.", advice="Mend it first.") from error
    return text


def _plain() -> str:
    document = {
        "schema": 1,
        "id": "",
        "name": "",
        "description": "",
        "enabled": False,
        "symbol": "EURUSD",
        "timeframe": "H1",
        "sessions": [],
        "conditions": {"entry": ["ema_fast_gt_slow"], "exit": [], "strong": [], "weak": []},
        "strategy": {"direction": "both", "min_rr": 2.0, "news_embargo_minutes": 30, "max_risk_pct": 0.01},
    }
    return json.dumps(document, indent=2) + "\n"
