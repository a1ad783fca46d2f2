"""Decisions about trade ideas, ``data/trade_decisions.json``: appended, never changed, in a file of their own.

Files of ideas and their chain stay as they were written; what became of an idea is its file and the decisions about it.
Window, command line and evaluation may decide at the same time in several processes: whoever does holds a lock, reads
what was decided meanwhile, and appends. A decision that was told as made is on the disk.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from app import entries
from app.clock import Clock
from app.errors import UserAction
from app.files import AlreadyOwned, FolderLock, atomic_write_pieces, guarding, quarantine
from app.paths import Paths
from app.runs import iso
from app.storage import JSON_SCHEMA, Storage, refuse_newer

FILE_NAME: Final = "trade_decisions.json"
LOCK_NAME: Final = "trade_decisions.lock"
#: Longest reason that is kept; an entry stays well below a page.
LONGEST_REASON: Final = 500
#: Another decider holds the lock for milliseconds; a process that hangs with it is told of.
_PATIENCE_S: Final = 10.0
_POLL_S: Final = 0.01
_BLANKS: Final = b" \t\r"

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """What was decided."""

    APPROVE = "approve"
    REJECT = "reject"
    EDIT = "edit"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a trader would type into an order: prices of the symbol, and lots; None when there is no volume."""

    entry: float
    stop: float
    target: float
    volume: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Terms and what follows from them.

    Attributes:
        reward_risk: Reward for one unit of risk.
        risk_money: What is lost at the stop, in the currency of the account; None without a volume.
        risk_share: The same as a fraction of the equity that the idea was sized for.
    """

    terms: Terms
    reward_risk: float
    risk_money: float | None
    risk_share: float | None


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision.

    Attributes:
        time: When, aware UTC.
        idea: Id of the idea; ``file`` and ``sha256`` say which content was decided on.
        by: ``window``, ``command line`` or ``evaluation``.
        reason: Why; only a rejection needs one.
        symbol, timeframe, strategy, direction, action, score: Of the idea, so that the history reads by itself.
        before, after: Of an edit.
        currency: Of the money in them.
    """

    time: datetime
    idea: str
    kind: Kind
    by: str
    reason: str = ""
    file: str = ""
    sha256: str = ""
    symbol: str = ""
    timeframe: str = ""
    strategy: str = ""
    direction: str = ""
    action: str = ""
    score: float = 0.0
    before: Figures | None = None
    after: Figures | None = None
    currency: str = ""

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        found: dict[str, Any] = {
            "time": iso(self.time),
            "idea": self.idea,
            "decision": self.kind.value,
            "by": self.by,
            "reason": self.reason,
            "file": self.file,
            "sha256": self.sha256,
            "symbol": self.symbol,
            "timeframe": self.timeframe,
            "strategy": self.strategy,
            "direction": self.direction,
            "action": self.action,
            "score": self.score,
        }
        if self.before is not None and self.after is not None:
            found["before"], found["after"] = _figures_json(self.before), _figures_json(self.after)
            found["currency"] = self.currency
        return found

    @classmethod
    def from_json(cls, item: dict[str, Any]) -> Decision:
        """From what is stored.

        Raises:
            KeyError, TypeError, ValueError: it is no decision.
        """
        moment = datetime.fromisoformat(item["time"])
        if moment.tzinfo is None or not isinstance(item["idea"], str):
            raise ValueError("a decision needs a time with its zone and the id of an idea")
        edited = "before" in item and "after" in item
        if item["decision"] == Kind.EDIT and not edited:
            raise ValueError("an edit needs its figures")
        return cls(
            time=moment.astimezone(UTC),
            idea=item["idea"],
            kind=Kind(item["decision"]),
            score=float(item.get("score") or 0.0),
            before=_figures(item["before"]) if edited else None,
            after=_figures(item["after"]) if edited else None,
            **{name: str(item.get(name) or "") for name in _TEXTS},
        )


_TEXTS: Final = (
    "by", "reason", "file", "sha256", "symbol", "timeframe", "strategy", "direction", "action", "currency",
)  # fmt: skip

Decide = Callable[[tuple[Decision, ...]], Sequence[Decision]]


class DecisionBook:
    """All decisions of one home.

    Thread: any; other processes may decide at the same time.
    """

    def __init__(self, paths: Paths, clock: Clock) -> None:
        self.path = paths.data / FILE_NAME
        self._lock_path = paths.data / LOCK_NAME
        self._paths = paths
        self._clock = clock
        self._known: tuple[bytes, tuple[Decision, ...]] = (b"", ())

    def read(self) -> tuple[Decision, ...]:
        """All decisions in their order; needs no lock, for the file is valid at every instant.

        Raises:
            StorageError: the file is there but cannot be read.
            UserAction: it was written by a newer Metronome.
        """
        data = _content(self.path)
        known = self._known
        if data != known[0]:
            _refuse_newer(self.path, data)
            known = self._known = (data, tuple(_decisions(data)))
        return known[1]

    def change(self, decide: Decide) -> tuple[Decision, ...]:
        """Append what ``decide`` makes of the decisions so far; nobody else decides meanwhile.

        Returns:
            What was appended; it is on the disk.

        Raises:
            UserAction: ``decide`` refuses, another program does not let go of the file, or a newer Metronome wrote it.
            StorageError: the file cannot be read or written.
        """
        with self._alone():
            self._mend()
            made = tuple(decide(self.read()))
            # A storage of its own: what one remembers of a file from an earlier time may be out of date, for another
            # process may have written since, within the same tick of the file system's clock.
            storage = Storage(self._paths, self._clock)
            for number, decision in enumerate(made, 1):
                storage.append_json_item(self.path, decision.as_json(), durable=number == len(made))
        return made

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock, give_up = FolderLock(self._lock_path), time.monotonic() + _PATIENCE_S
        while True:
            try:
                lock.acquire()
                break
            except AlreadyOwned as error:
                if time.monotonic() > give_up:
                    raise UserAction(
                        f"Nothing was decided: another process (number {error.pid}) holds {self.path}.",
                        advice="Decide again; if it stays so, end that process.",
                    ) from None
            time.sleep(_POLL_S)
        try:
            yield
        finally:
            lock.release()

    def _mend(self) -> None:
        """A damaged file is moved aside, and what can be read of it goes into the new one."""
        data = _content(self.path)
        if not data or entries.in_our_layout(data) is not None or _whole(data) is not None:
            return
        _refuse_newer(self.path, data)
        kept = [entries.encoded(found.as_json()) for found in _decisions(data)]
        aside = quarantine(self.path, self._clock)
        if kept:
            atomic_write_pieces(self.path, entries.begun({"schema": JSON_SCHEMA}, kept).pieces)
        log.warning(
            "The file of decisions was damaged; it was kept as %s, and the %d decisions that could be read are in a "
            "new one.",
            aside.name,
            len(kept),
        )


def _content(path: Path) -> bytes:
    with guarding(path, "read"):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return b""


def _refuse_newer(path: Path, data: bytes) -> None:
    head = entries.head_of(data)
    if head is None and data:  # perhaps another program laid it out
        try:
            head = json.loads(data)
        except (ValueError, RecursionError):
            return
    if isinstance(head, dict):
        refuse_newer(path, head, JSON_SCHEMA)


def _decisions(data: bytes) -> list[Decision]:
    """What can be read, line by line: a document parsed in one call would hold the window up."""
    lines = [found for line in data.split(b"\n") if (found := _decision(_parsed(line))) is not None]
    if lines or not data:
        return lines
    # Laid out by another program: as a whole.
    return [found for item in _whole(data) or () if (found := _decision(item)) is not None]


def _decision(item: Any) -> Decision | None:
    try:
        return Decision.from_json(item) if isinstance(item, dict) else None
    except (KeyError, TypeError, ValueError):
        return None


def _parsed(line: bytes) -> Any:
    text = line.strip(_BLANKS).removeprefix(b",")
    if not text.startswith(b"{"):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _whole(data: bytes) -> list[Any] | None:
    """The entries of a document that another program laid out; None when it is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    found = document.get("entries") if isinstance(document, dict) else None
    return found if isinstance(found, list) else None


def _figures_json(found: Figures) -> dict[str, Any]:
    terms = found.terms
    return {
        "entry_price": terms.entry,
        "stop_loss": terms.stop,
        "take_profit": terms.target,
        "volume": terms.volume,
        "rr_ratio": found.reward_risk,
        "risk_money": found.risk_money,
        "risk_share": found.risk_share,
    }


def _figures(item: dict[str, Any]) -> Figures:
    def optional(name: str) -> float | None:
        return None if item[name] is None else float(item[name])

    terms = Terms(float(item["entry_price"]), float(item["stop_loss"]), float(item["take_profit"]), optional("volume"))
    return Figures(terms, float(item["rr_ratio"]), optional("risk_money"), optional("risk_share"))
