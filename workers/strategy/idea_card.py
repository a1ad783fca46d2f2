"""One idea in full, for a person to judge: its chart, the arithmetic of its score, and all that it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from app.errors import MetronomeError, UserAction
from app.files import guarding
from app.storage import Storage
from app.terminal.timeframes import TIMEFRAMES
from app.terminal.values import RATES_DTYPE, Rates
from workers.market import view
from workers.market.view import Chart, EventMark, IdeaMark
from workers.strategy import inputs as idea_inputs
from workers.strategy import sessions
from workers.strategy.alignment import wanted_sessions
from workers.strategy.deciding import side_of
from workers.strategy.decision_book import Figures
from workers.strategy.evidence import EvidenceStore, folder_of
from workers.strategy.idea_edit import Basis
from workers.strategy.idea_files import IdeaRow
from workers.strategy.inputs import Inputs
from workers.strategy.replay import IdeaChecker
from workers.wording import count

#: Bars after the decided one that are drawn at most.
SINCE_BARS: Final = 500
#: What a line of the score's arithmetic is called, by how it begins, and the conditions that decided it.
_SCORE_LINES: Final = (
    ("entry conditions", "Entry", "entry"),
    ("strong conditions", "Strong", "strong"),
    ("alignment", "Aligned", ""),
    ("scaled", "Scaled to 100", ""),
    ("weak condition", "Weak", "weak"),
    ("exit condition", "Exit", "exit"),
    ("news", "News", ""),
    ("score", "Score", ""),
)
_GROUPS: Final = {"entry": "Entry", "strong": "Strong", "weak": "Weak", "exit": "Exit", "invalidations": "Forbids"}


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One line of the score: what it is, what decided it, and the points."""

    title: str
    text: str
    points: str


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One piece of evidence; ``holds`` is None for what can neither hold nor fail."""

    group: str
    name: str
    text: str
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class SessionBand:
    """A session while the bars last: its name, first and last bar by their opening, in epoch seconds."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class IdeaCard:
    """An idea in full.

    Attributes:
        chart: The bars that were decided on, and those since then from the bar history.
        decided: Opening of the decided bar, epoch seconds; 0 when it is not known.
        bands: The sessions that the rule trades; empty when it trades at all hours.
        figures: What the terms come to now, edits included; None without evidence.
        basis: What an edit is judged by; None without evidence.
        chain: The check of chain and evidence in a sentence; ``intact`` says how it came out.
        trouble: What could not be shown, in words; empty when all could.
    """

    file: str
    chart: Chart
    decided: int
    bands: tuple[SessionBand, ...]
    score: tuple[ScoreRow, ...]
    evidence: tuple[EvidenceRow, ...]
    figures: Figures | None
    basis: Basis | None
    chain: str
    intact: bool
    trouble: str = ""


def load(storage: Storage, row: IdeaRow, server_time: str, checker: IdeaChecker) -> IdeaCard:
    """Everything about one idea.

    Args:
        checker: Of the home; it remembers what of the chain it has checked.
        server_time: The rule of the broker's clock, for bars since then that are made from smaller ones.

    Raises:
        StorageError: a file is there but cannot be read.
        UserAction: the file of the idea is gone or damaged.
    """
    facts = row.facts
    evidence = _evidence_of(storage, facts.file)
    inputs, trouble = _inputs(storage, row)
    basis = Basis.of(inputs, side_of(facts)) if inputs is not None else None
    rates, digits = _bars(storage, row, inputs, server_time)
    events = _events(storage, row, inputs, rates)
    mark_time = facts.bar_time or facts.closed
    terms = row.terms
    mark = IdeaMark(mark_time, facts.direction, terms.entry, terms.stop, terms.target, row.state.value, facts.timeframe)
    chain, intact = _chain(checker, row)
    return IdeaCard(
        facts.file,
        Chart(facts.symbol, facts.timeframe, rates, digits, events=events, ideas=(mark,)),
        int(facts.bar_time.timestamp()) if facts.bar_time else 0,
        tuple(_bands(inputs, rates, TIMEFRAMES[facts.timeframe].seconds)) if inputs is not None else (),
        score_rows(evidence),
        (*_conditions(evidence), *_gates(evidence), *_arithmetic(evidence), *_hashes(evidence)),
        row.figures or (basis.figures(terms) if basis is not None else None),
        basis,
        chain,
        intact,
        trouble or ("" if len(rates) else f"There are no bars of {facts.symbol} {facts.timeframe} to draw."),
    )


def _evidence_of(storage: Storage, file: str) -> dict[str, Any]:
    path = storage.paths.trade_ideas / file
    with guarding(path, "read"):
        try:
            document = json.loads(path.read_bytes())
        except (ValueError, RecursionError, FileNotFoundError):
            raise UserAction(
                f"The file {file} is gone or damaged.", advice="python main.py ideas verify tells what was touched."
            ) from None
    found = document.get("evidence") if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _inputs(storage: Storage, row: IdeaRow) -> tuple[Inputs | None, str]:
    if not row.facts.inputs:
        return None, "This idea is of an earlier version and has no evidence."
    try:
        return idea_inputs.load(row.facts.inputs, EvidenceStore(folder_of(storage.paths)))[0], ""
    except MetronomeError as error:
        return None, error.message


def _bars(storage: Storage, row: IdeaRow, inputs: Inputs | None, server_time: str) -> tuple[Rates, int]:
    """The bars of the evidence and those since then, and the decimals of their prices."""
    facts = row.facts
    history = view.chart(storage, facts.symbol, facts.timeframe, server_time)
    later = history.rates if history.timeframe == facts.timeframe else np.zeros(0, dtype=RATES_DTYPE)
    if inputs is None:
        return later, history.digits
    rates = inputs.rates
    newest = int(rates["time"][-1]) if len(rates) else 0
    later = later[later["time"] > newest][:SINCE_BARS]
    joined: Rates = np.concatenate([rates, later]).astype(RATES_DTYPE, copy=False)
    return joined, inputs.info.digits


def _events(storage: Storage, row: IdeaRow, inputs: Inputs | None, rates: Rates) -> tuple[EventMark, ...]:
    """The events that were decided by, and what the calendar of today knows of the time of the bars."""
    found = {
        (mark.time, mark.currency, mark.title): mark
        for mark in view.event_marks(storage.paths, row.facts.symbol, rates)
    }
    if inputs is not None and inputs.calendar is not None:
        wanted = idea_inputs.currencies(inputs.info)
        for event in inputs.calendar.events:
            if event.currency.upper() in wanted and not event.all_day:
                mark = EventMark(event.time, event.title, event.currency, event.impact.value)
                found[mark.time, mark.currency, mark.title] = mark
    return tuple(sorted(found.values(), key=lambda mark: mark.time))


def _bands(inputs: Inputs, rates: Rates, seconds: int) -> Iterator[SessionBand]:
    """Runs of bars that close while a session is open, session by session."""
    profile = inputs.profile.profile if inputs.profile else None
    times = rates["time"].astype(np.int64)
    if seconds >= 86_400 or not len(times):
        return
    for name in wanted_sessions(inputs.rule.strategy, profile):
        inside = np.concatenate(([False], sessions.open_at(times + seconds, (name,)), [False]))
        edges = np.flatnonzero(inside[1:] != inside[:-1])
        for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            yield SessionBand(name, int(times[first]), int(times[end - 1]))


def score_rows(evidence: dict[str, Any]) -> tuple[ScoreRow, ...]:
    """The arithmetic of the score, each line with the conditions that decided it."""
    conditions = [item for item in _dicts(evidence.get("conditions"))]
    found: list[ScoreRow] = []
    lines = [str(line) for line in evidence.get("score", ()) if isinstance(line, str)]
    for line in lines:
        text, _colon, points = line.rpartition(": ")
        begins, title, group = next((known for known in _SCORE_LINES if text.startswith(known[0])), ("", text, ""))
        if begins == "score":
            found += _untouched(found, conditions, evidence)
        said = _values(conditions, group) if group else _said(text)
        found.append(ScoreRow(title, said, points.replace("-", "\N{MINUS SIGN}")))
    return tuple(found)


def _untouched(found: list[ScoreRow], conditions: list[dict[str, Any]], evidence: dict[str, Any]) -> Iterator[ScoreRow]:
    """Lines that took nothing: weak and exit conditions that do not hold, and no news."""
    titles = {row.title for row in found}
    for title, group in (("Weak", "weak"), ("Exit", "exit")):
        if title not in titles and any(item.get("group") == group for item in conditions):
            yield ScoreRow(title, _values(conditions, group), "0")
    if "News" not in titles:
        gates = (str(item.get("text", "")) for item in _dicts(evidence.get("gates")) if item.get("name") == "news")
        yield ScoreRow("News", next(gates, ""), "0")


def _values(conditions: list[dict[str, Any]], group: str) -> str:
    return "; ".join(str(item.get("values") or item.get("name")) for item in conditions if item.get("group") == group)


def _said(text: str) -> str:
    """What stands in brackets, or behind the colon."""
    if text.endswith(")") and "(" in text:
        return text[text.index("(") + 1 : -1]
    return text.partition(": ")[2].removesuffix(", as points of 100")


def _conditions(evidence: dict[str, Any]) -> Iterator[EvidenceRow]:
    for item in _dicts(evidence.get("conditions")):
        group = str(item.get("group", ""))
        title = _GROUPS.get(group, group.capitalize())
        yield EvidenceRow(title, str(item.get("name", "")), str(item.get("values", "")), bool(item.get("holds")))


def _gates(evidence: dict[str, Any]) -> Iterator[EvidenceRow]:
    for item in _dicts(evidence.get("gates")):
        yield EvidenceRow("Gate", str(item.get("name", "")), str(item.get("text", "")), bool(item.get("holds")))


def _arithmetic(evidence: dict[str, Any]) -> Iterator[EvidenceRow]:
    for key, title in (("prices", "Price"), ("size", "Size")):
        for line in evidence.get(key, ()):
            name, _equals, _rest = str(line).partition(" ")
            yield EvidenceRow(title, name, str(line))


def _hashes(evidence: dict[str, Any]) -> Iterator[EvidenceRow]:
    names = {
        "inputs_sha256": "all together",
        "bars_sha256": f"{count(int(evidence.get('bars') or 0), 'bar')}",
        "rule_sha256": f"rule {evidence.get('rule_file', '')}",
        "profile_sha256": "profile",
        "symbol_sha256": "specification of the symbol",
        "calendar_sha256": "calendar",
        "calibration_sha256": "calibration of the score",
    }
    for key, name in names.items():
        if evidence.get(key):
            yield EvidenceRow("SHA-256", name, str(evidence[key]))
    others = evidence.get("other_bars_sha256")
    for frame, found in others.items() if isinstance(others, dict) else ():
        yield EvidenceRow("SHA-256", f"bars {frame}", str(found))
    if evidence.get("engine"):
        yield EvidenceRow("Engine", "version", str(evidence["engine"]))


def _chain(checker: IdeaChecker, row: IdeaRow) -> tuple[str, bool]:
    checked = checker.check(row.facts.file)
    if not checked.number and not row.facts.inputs:
        return "in no chain: of an earlier version, or put there by hand", False
    if checked.faults:
        more = f" And {count(len(checked.faults) - 1, 'further fault')}." if len(checked.faults) > 1 else ""
        return f"{checked.faults[0]}{more}", False
    return f"line {checked.number} of {checked.lines}, chain intact", True


def _dicts(items: object) -> Iterable[dict[str, Any]]:
    return (item for item in items if isinstance(item, dict)) if isinstance(items, (list, tuple)) else ()
