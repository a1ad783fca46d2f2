"""What is wrong with a rule file while it is being written, each with its place in the text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from app.errors import UserAction
from workers.strategy import json_text
from workers.strategy.documents import errors_of, read_object, refuse_newer
from workers.strategy.facts import FACTS, vocabulary
from workers.strategy.heights import doubts
from workers.strategy.json_text import NotJson, Path
from workers.strategy.language.catalog import COLUMNS, FUNCTIONS
from workers.strategy.language.parser import parse
from workers.strategy.language.tokens import ConditionError
from workers.strategy.library import ProfileFile, Profiles
from workers.strategy.rules import GROUPS, prepare
from workers.strategy.schema import Indicators, Strategy, StrategyFileError, parse_strategy

_SCHEMA: Final = "resources/schema/strategy.json"
_GROUPS: Final = ("conditions", "short_conditions", "strategy")
#: So many are told; after those the reader has enough to do.
_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        path: The place in the document; empty when it is the text itself or the file as a whole.
        text: A sentence with the path, what is allowed, and the nearest known name where one is meant.
        line: Line in the text, counted from 1.
        start, end: Where that is in the text, in characters.
    """

    path: Path
    text: str
    line: int = 1
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Findings:
    """A text looked at.

    Attributes:
        document: The JSON object; None when the text is no JSON.
        strategy: The strategy; None when the file does not fit the format.
        findings: What is wrong; empty when the file can be evaluated and may come to a trade.
        profile: The profile of its symbol; None without one, or when it cannot be used (then that is a finding).
    """

    document: Mapping[str, Any] | None
    strategy: Strategy | None
    findings: tuple[Finding, ...]
    profile: ProfileFile | None = None


def look(text: str, file_name: str, profiles: Profiles, owners: Mapping[str, str] | None = None) -> Findings:
    """Look at the text of a rule file.

    Args:
        file_name: For messages, and for the id when the text has none.
        owners: Ids of the other files, with the names of these files.
    """
    label = f"Strategy file {file_name}"
    text = text.removeprefix("\ufeff")
    try:
        document = read_object(text, label, StrategyFileError, _SCHEMA)
    except StrategyFileError as error:
        return Findings(None, None, (_unreadable(text, error),))
    try:
        refuse_newer(document, label, StrategyFileError)
        json_text.outline(text)  # what this cannot follow, no form can change
        Strategy.model_validate(document)
        strategy = parse_strategy(text, file_name)
    except ValidationError as error:
        wrong = errors_of(error, Strategy)
        return Findings(document, None, _placed(text, [*wrong, *_conditions(document, {path for path, _ in wrong})]))
    except (StrategyFileError, NotJson) as error:
        return Findings(document, None, (Finding((), f"{error}", 1, 0, min(1, len(text))),))
    found: list[tuple[Path, str]] = []
    if owner := (owners or {}).get(strategy.id):
        found.append((("id",), f"id: {owner} has the id {strategy.id!r} already. Give this one another."))
    profile = None
    try:
        profile = profiles.of(strategy.symbol)
    except UserAction as error:
        found.append((("symbol",), f"symbol: {error}"))
    ready = prepare(strategy, profile.profile if profile else None)
    told = ready.problems or doubts(strategy, profile.profile if profile else None)
    found += [(_place_of(problem), problem) for problem in told]
    return Findings(document, strategy, _placed(text, found), profile)


def words() -> tuple[tuple[str, str], ...]:
    """What can be written into a condition, for completion: each word or call with what it means."""
    facts = [(fact.name, f"{fact.expression}: {fact.about}") for fact in FACTS.values()]
    functions = [(function.usage(), function.about) for function in FUNCTIONS.values()]
    columns = [(name, word.about) for name, word in COLUMNS.items()]
    values = [("ema_fast", "the fast average of this file"), ("ema_slow", "the slow average of this file")]
    joints = [
        ("crosses above", "was not above on the bar before, is now"),
        ("crosses below", "was not below on the bar before, is now"),
        ("between", "within two limits: rsi between 40 and 60"),
        ("and", "both"),
        ("or", "either"),
        ("not", "the opposite"),
    ]
    return (*facts, *values, *functions, *columns, *joints)


def _unreadable(text: str, error: StrategyFileError) -> Finding:
    cause = error.__cause__
    if isinstance(cause, json.JSONDecodeError):
        # Of a file that ends too early, the last line is shown rather than the empty one behind it.
        start = min(cause.pos, len(text.rstrip()))
        message = f"Line {cause.lineno}, column {cause.colno}: {cause.msg}."
        return Finding((), message, json_text.line_of(text, start), start, min(start + 1, len(text)))
    return Finding((), f"{error}", 1, 0, min(1, len(text)))


def _conditions(document: Mapping[str, Any], told: set[Path]) -> Iterator[tuple[Path, str]]:
    """Conditions that cannot be read, of a file that is wrong elsewhere too: all is told at once."""
    usual = vocabulary(Indicators())
    for head in _GROUPS:
        part = document.get(head)
        for group, listed in part.items() if isinstance(part, dict) else ():
            for number, name in enumerate(listed if isinstance(listed, list) and group in GROUPS else ()):
                path = (head, group, number)
                if not isinstance(name, str) or not name or path in told:
                    continue
                try:
                    parse(name, usual)
                except ConditionError as error:
                    yield path, f"{head}.{group}[{number}] {name!r}, {error}{'' if str(error).endswith('?') else '.'}"


def _placed(text: str, found: Iterable[tuple[Path, str]]) -> tuple[Finding, ...]:
    placed: list[Finding] = []
    told = list(found)[:_MOST]
    whole = json_text.outline(text) if told else None
    for path, sentence in told:
        start, end = json_text.place(whole, path) if whole is not None else (0, 0)
        placed.append(Finding(path, sentence, json_text.line_of(text, start), start, end))
    return tuple(placed)


def _place_of(problem: str) -> Path:
    """The place that a problem of a rule begins with: ``conditions.entry[0] '...'`` or ``short_conditions.entry: ...``.

    A problem of the symbol's profile is not in this file.
    """
    head = problem.split(" ", 1)[0].rstrip(":")
    names, bracket, place = head.partition("[")
    steps = names.split(".")
    if steps[0] not in _GROUPS:
        return ()
    number = place.rstrip("]:")
    return (*steps, int(number)) if bracket and number.isdecimal() else tuple(steps)
