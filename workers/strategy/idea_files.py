"""All trade ideas of a home with what was decided about them, for a list; files are read once."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.files import guarding
from app.terminal.timeframes import TIMEFRAMES
from workers.strategy.calibration import Calibrated, told
from workers.strategy.decision_book import Decision, Figures, Terms
from workers.strategy.idea_life import State, ends_at, state_at

_LARGEST: Final = 5_000_000
_NOT_MEASURED: Final = "its version of Metronome did not measure it"


@dataclass(frozen=True, slots=True)
class IdeaFacts:
    """What the file of an idea says.

    Attributes:
        time: When it was decided, aware UTC.
        closed: When the decided bar closed; ``time`` in ideas of earlier versions.
        bar_time: When it opened; None in ideas of earlier versions.
        inputs: Name of its evidence; empty in ideas of earlier versions.
        sha256: Of the file.
        calibration: What such a score was worth in a backtest; None in ideas of earlier versions.
        risk_share: Share of the equity that was to be put at risk; 0.01 is 1 %.
    """

    file: str
    id: str
    time: datetime
    symbol: str
    timeframe: str
    direction: str
    action: str
    score: float
    terms: Terms
    reward_risk: float
    risk_share: float
    strategy: str
    strategy_name: str
    closed: datetime
    bar_time: datetime | None
    inputs: str
    notes: str
    sha256: str
    calibration: Calibrated | None = None


@dataclass(frozen=True, slots=True)
class IdeaRow:
    """An idea as it stands.

    Attributes:
        ends: When it expires unless something is decided before.
        decisions: About it, in their order.
    """

    facts: IdeaFacts
    state: State
    ends: datetime
    decisions: tuple[Decision, ...] = ()

    @property
    def figures(self) -> Figures | None:
        """What the last edit made of it; None when it is as it was written."""
        return next((item.after for item in reversed(self.decisions) if item.after is not None), None)

    @property
    def terms(self) -> Terms:
        """Prices and volume as they are now, edits included."""
        figures = self.figures
        return figures.terms if figures else self.facts.terms

    @property
    def reward_risk(self) -> float:
        """Reward for one unit of risk, edits included."""
        figures = self.figures
        return figures.reward_risk if figures else self.facts.reward_risk

    @property
    def calibration(self) -> Calibrated | None:
        """What such a score was worth in a backtest, for the prices that the idea was written with; None when nothing
        is said of it, or other prices were set since."""
        then, now = self.facts.terms, self.terms
        same = (then.entry, then.stop, then.target) == (now.entry, now.stop, now.target)
        return self.facts.calibration if same else None

    @property
    def calibration_text(self) -> str:
        """The score with what it is worth, or why that is not known."""
        edited = self.facts.calibration is not None
        why = "its prices were edited, and other ones were measured" if edited else _NOT_MEASURED
        return told(self.facts.score, self.calibration, why)


@dataclass(frozen=True, slots=True)
class Board:
    """All ideas, the newest first, and all decisions, the newest first; ``broken`` names files that hold no idea."""

    rows: tuple[IdeaRow, ...]
    decisions: tuple[Decision, ...]
    broken: tuple[str, ...] = ()

    def count(self, state: State) -> int:
        """How many ideas are in that state."""
        return sum(row.state is state for row in self.rows)


class IdeaReader:
    """Reads the files of ideas; each only once, since they never change. Thread: any."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, tuple[tuple[int, int], IdeaFacts | None]] = {}

    def read(self, *, but: Iterable[str] = ()) -> tuple[tuple[IdeaFacts, ...], tuple[str, ...]]:
        """All ideas in the order of their bars, and the names of files that hold none.

        Args:
            but: Names of files that need not be read.

        Raises:
            StorageError: the folder cannot be read.
        """
        left_out = frozenset(but)
        with self._lock:
            with guarding(self._folder, "read"):
                there = list(self._folder.glob("*.json")) if self._folder.is_dir() else []
            known = {path.name: self._fact(path) for path in there if path.name not in left_out}
            self._known = {name: found for name, found in self._known.items() if name in known or name in left_out}
        facts = sorted((found for found in known.values() if found), key=lambda one: (one.closed, one.time, one.file))
        return tuple(facts), tuple(sorted(name for name, found in known.items() if found is None))

    def _fact(self, path: Path) -> IdeaFacts | None:
        try:
            status = path.stat()
            stamp = (status.st_size, status.st_mtime_ns)
            if (known := self._known.get(path.name)) is not None and known[0] == stamp:
                return known[1]
            content = path.read_bytes() if status.st_size <= _LARGEST else b""
        except OSError:
            return None
        found = facts_of(path.name, content)
        self._known[path.name] = (stamp, found)
        return found


def facts_of(name: str, content: bytes) -> IdeaFacts | None:
    """The facts in an idea's file; None when it holds no idea."""
    try:
        document = json.loads(content)
        return _facts(name, document, hashlib.sha256(content).hexdigest())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


def board(reader: IdeaReader, decisions: tuple[Decision, ...], bars: int, now: datetime) -> Board:
    """Every idea with what was decided about it.

    Args:
        bars: After so many bars of its timeframe an idea expires.

    Raises:
        StorageError: the folder of ideas cannot be read.
    """
    facts, broken = reader.read()
    return Board(tuple(reversed(rows(facts, decisions, bars, now))), tuple(reversed(decisions)), broken)


def rows(facts: Iterable[IdeaFacts], decisions: Iterable[Decision], bars: int, now: datetime) -> list[IdeaRow]:
    """Ideas with what was decided about each of them."""
    about: dict[str, list[Decision]] = {}
    for decision in decisions:
        about.setdefault(decision.idea, []).append(decision)
    return [_row(found, tuple(about.get(found.id, ())), bars, now) for found in facts]


def _row(facts: IdeaFacts, decisions: tuple[Decision, ...], bars: int, now: datetime) -> IdeaRow:
    ends = ends_at(facts.symbol, facts.timeframe, facts.closed, bars)
    return IdeaRow(facts, state_at(decisions, ends, now), ends, decisions)


def as_of(row: IdeaRow, now: datetime) -> IdeaRow:
    """The same idea at another time."""
    state = state_at(row.decisions, row.ends, now)
    return row if state is row.state else replace(row, state=state)


def _facts(name: str, item: Mapping[str, Any], sha256: str) -> IdeaFacts:
    evidence = item.get("evidence")
    evidence = evidence if isinstance(evidence, dict) else {}
    time = _moment(item["timestamp"])
    bar_time, closed = evidence.get("bar_time"), evidence.get("bar_close")
    volume, measured = item.get("volume"), item.get("calibration")
    plan = item.get("execution_plan")
    if item["timeframe"] not in TIMEFRAMES or item["direction"] not in ("long", "short"):
        raise ValueError("no timeframe or direction")
    return IdeaFacts(
        file=name,
        id=str(item["id"]),
        time=time,
        symbol=str(item["symbol"]),
        timeframe=str(item["timeframe"]),
        direction=str(item["direction"]),
        action=str(item.get("action", "")),
        score=float(item["confidence"]),
        terms=Terms(
            float(item["entry_price"]),
            float(item["stop_loss"]),
            float(item["take_profit"]),
            None if volume is None else float(volume),
        ),
        reward_risk=float(item["rr_ratio"]),
        risk_share=float(plan["riskPct"]) if isinstance(plan, dict) and plan.get("riskPct") is not None else 0.0,
        strategy=str(evidence.get("strategy_id", "")),
        strategy_name=str(evidence.get("strategy_name", "")),
        closed=_moment(closed) if closed else time,
        bar_time=_moment(bar_time) if bar_time else None,
        inputs=str(evidence.get("inputs_sha256", "")),
        notes=str(item.get("notes", "")),
        sha256=sha256,
        calibration=Calibrated.model_validate(measured) if isinstance(measured, dict) else None,
    )


def _moment(text: object) -> datetime:
    found = datetime.fromisoformat(str(text))
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    found = found.astimezone(UTC)
    if not datetime(1971, 1, 1, tzinfo=UTC) < found < datetime(2100, 1, 1, tzinfo=UTC):
        raise ValueError("a time out of the world")
    return found
