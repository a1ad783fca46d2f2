"""Ideas made again from their evidence, and proof that none was edited, removed or put in another order."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.errors import UserAction
from app.files import guarding
from app.paths import Paths
from workers.strategy import inputs as idea_inputs
from workers.strategy.chain import BEGINNING, FILE_NAME, Link, lines_of, parse
from workers.strategy.evidence import EvidenceLost, EvidenceStore, folder_of, sha256
from workers.strategy.ideas import EARLIER_ENGINES, ENGINE_VERSION, IdeaFiles, build, idea_bytes
from workers.strategy.witnesses import heard, orphans
from workers.wording import count

log = logging.getLogger(__name__)
_LARGEST: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """An idea made again: the content of its file, and the version of the engine that made it first."""

    content: bytes
    engine: str


def rebuild(inputs_sha256: str, evidence: EvidenceStore) -> Rebuilt:
    """Make an idea again from its evidence alone.

    Raises:
        EvidenceLost: a piece is missing, damaged or not understood.
        UserAction: this version's engine has no idea on it.
        StorageError: a piece cannot be read.
    """
    inputs, hashes, engine = idea_inputs.load(inputs_sha256, evidence)
    evaluation = inputs.evaluated()
    if evaluation.plan is None:
        raise UserAction(
            f"Engine {ENGINE_VERSION} has no idea on this evidence, engine {engine} had: {evaluation.reason}",
            advice="Use the version of Metronome that wrote the idea.",
        )
    by = engine if engine in EARLIER_ENGINES else ENGINE_VERSION
    return Rebuilt(idea_bytes(build(inputs, evaluation, inputs.sized(evaluation), hashes, by)), engine)


def mend(files: IdeaFiles, paths: Paths) -> list[Path]:
    """Complete what a kill interrupted: the last ideas of the chain without their files; what was written.

    Raises:
        StorageError: something cannot be read or written.
    """
    lines, _torn = lines_of(folder_of(paths) / FILE_NAME)
    made = []
    for line in reversed(lines):
        link = parse(line)
        if link is None or not _plain_name(link.file) or (files.folder / link.file).exists():
            break
        content = _again(link, files)
        if content is None:
            break
        files.write(link.file, content)
        log.info("The file %s of an interrupted write was made again from its evidence.", link.file)
        made.append(files.folder / link.file)
    return made


def _again(link: Link, files: IdeaFiles) -> bytes | None:
    try:
        content = rebuild(link.inputs, files.evidence).content
    except UserAction as error:
        log.warning("The file %s of the last trade idea is missing and cannot be made again: %s", link.file, error)
        return None
    if sha256(content) != link.sha256:
        log.warning("The file %s of the last trade idea is missing, and its evidence gives another idea.", link.file)
        return None
    return content


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of all ideas found.

    Attributes:
        ideas: Lines of the chain.
        witnesses: How many evaluations, runs and decisions saw the chain, and have seen nothing that it lacks.
        head: Hash of the last line: whoever keeps it elsewhere can prove that nothing was cut off the end.
        faults: What is wrong, one sentence each; empty when nothing is.
        notes: What is no fault but worth knowing.
    """

    ideas: int
    witnesses: int
    head: str
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def verify(paths: Paths) -> Verified:
    """Check every idea against the chain, and the chain against itself, the evidence and all who saw it.

    Raises:
        StorageError: a file is there but cannot be read.
    """
    lines, torn = lines_of(folder_of(paths) / FILE_NAME)
    evidence = EvidenceStore(folder_of(paths))
    faults: list[str] = []
    links = list(_sound_links(lines, faults))
    checked: set[str] = set()
    last = _without_files_at_the_end(links, paths)
    for link in links:
        faults += _idea_faults(link, paths, last=link.number in last)
        faults += _evidence_faults(link, evidence, checked)
    twice = Counter(link.file for link in links)
    faults += [f"The chain names the file {name} more than once." for name, times in twice.items() if times > 1]
    strangers, old = _strangers(paths, links)
    faults += [f"{name} is not in the chain: it was put there by hand, or its line was removed." for name in strangers]
    told = heard(paths, links)
    faults += told.faults
    notes = list(told.notes)
    named = checked | {link.inputs for link in links}
    if lost := orphans(folder_of(paths), named, evidence):
        notes.append(
            f"There is evidence of {count(lost, 'idea')} that no line of the chain names: writing was interrupted, or "
            "lines were cut off."
        )
    if torn:
        notes.append("The last line of the chain was torn by an interrupted write; its idea was never written.")
    if old:
        notes.append(f"Ideas of earlier versions, which are in no chain and cannot be approved: {old}.")
    return Verified(len(lines), told.witnesses, links[-1].hash if links else BEGINNING, tuple(faults), tuple(notes))


@dataclass(frozen=True, slots=True)
class CheckedIdea:
    """What a check of one idea found: its place in the chain (0: it is in none) of so many lines, and what is wrong."""

    number: int
    lines: int
    faults: tuple[str, ...]


class IdeaChecker:
    """Checks single ideas; of the chain only what is new since the last time is looked at again. Thread: any."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self._seen = b""
        self._links: dict[str, Link] = {}
        self._faults: list[str] = []
        self._lines = 0
        self._last = (0, BEGINNING)

    def check(self, file: str) -> CheckedIdea:
        """Check all lines of the chain, and the file and the evidence of one idea.

        Raises:
            StorageError: a file is there but cannot be read.
        """
        with self._lock:
            self._read_on()
            link, lines, faults = self._links.get(file), self._lines, list(self._faults)
        if link is None:
            return CheckedIdea(0, lines, (f"{file} is in no line of the chain.", *faults))
        faults += _idea_faults(link, self._paths, last=False)
        faults += _evidence_faults(link, EvidenceStore(folder_of(self._paths)), set())
        return CheckedIdea(link.number, lines, tuple(faults))

    def _read_on(self) -> None:
        path = folder_of(self._paths) / FILE_NAME
        data = _content(path) or b""
        data = data[: data.rfind(b"\n") + 1]
        if not data.startswith(self._seen):
            self._seen, self._links, self._faults, self._lines, self._last = b"", {}, [], 0, (0, BEGINNING)
        fresh = data[len(self._seen) :].split(b"\n")[:-1]
        for link in _sound_links(fresh, self._faults, self._lines, self._last):
            self._links[link.file] = link
            self._last = (link.number, link.hash)
        self._seen, self._lines = data, self._lines + len(fresh)


def _sound_links(
    lines: list[bytes], faults: list[str], before: int = 0, last: tuple[int, str] = (0, BEGINNING)
) -> Iterator[Link]:
    """The lines that can be read; what is wrong with the order or with any of them goes to ``faults``.

    Args:
        before: How many lines come before these.
        last: Number and hash of the line before.
    """
    number, previous = last
    for at, line in enumerate(lines, before + 1):
        link = parse(line)
        if link is None:
            faults.append(f"Line {at} of the chain is damaged.")
            number, previous = number + 1, sha256(line)
            continue
        if link.sealed().hash != link.hash:
            faults.append(f"Line {at} of the chain, idea {link.id}, was edited.")
        elif link.number != number + 1 or link.previous != previous:
            faults.append(
                f"Line {at} of the chain, idea {link.id}, does not follow the line before it: a line was removed, "
                "added or moved."
            )
        number, previous = link.number, link.hash
        yield link


def _without_files_at_the_end(links: Sequence[Link], paths: Paths) -> set[int]:
    """The numbers of the last ideas, as far back as none of them has its file."""
    found: set[int] = set()
    for link in reversed(links):
        if not _plain_name(link.file) or (paths.trade_ideas / link.file).exists():
            break
        found.add(link.number)
    return found


def _idea_faults(link: Link, paths: Paths, *, last: bool) -> Iterator[str]:
    if not _plain_name(link.file):
        yield f"Idea {link.id} names a file outside of its folder."
        return
    content = _content(paths.trade_ideas / link.file)
    if content is None and last:
        yield (
            f"The file {link.file} of idea {link.id}, one of the last, is missing: it was removed, or its writing was "
            "interrupted; then the next evaluation completes it."
        )
    elif content is None:
        yield f"The file {link.file} of idea {link.id} was removed."
    elif sha256(content) != link.sha256:
        yield f"The file {link.file} of idea {link.id} was edited."


def _evidence_faults(link: Link, evidence: EvidenceStore, checked: set[str]) -> Iterator[str]:
    try:
        names = idea_inputs.pieces(evidence.document(link.inputs))
    except EvidenceLost as error:
        yield f"Idea {link.id}: {error.message}"
        return
    for name in names:
        if name in checked:
            continue
        checked.add(name)
        try:
            evidence.get(name)
        except EvidenceLost as error:
            yield f"Idea {link.id}: {error.message}"


def _strangers(paths: Paths, links: Sequence[Link]) -> tuple[list[str], int]:
    """Files of ideas that are not in the chain, and how many there are from before there was one."""
    known, begun = {link.file for link in links}, links[0].time if links else "~"
    found, old = [], 0
    with guarding(paths.trade_ideas, "read"):
        names = sorted(item.name for item in paths.trade_ideas.glob("*.json")) if paths.trade_ideas.is_dir() else []
    for name in names:
        if name in known:
            continue
        document = _document(paths.trade_ideas / name)
        evidence = document.get("evidence")
        without = not isinstance(evidence, dict) or "inputs_sha256" not in evidence
        if without and str(document.get("timestamp") or "~") < begun:
            old += 1
        else:
            found.append(name)
    return found, old


def _content(path: Path) -> bytes | None:
    with guarding(path, "read"):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes()) if path.stat().st_size <= _LARGEST else None
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _plain_name(name: str) -> bool:
    return bool(name) and Path(name).name == name and "\\" not in name
