"""The published JSON Schemas and the readers say the same of every file."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import UserAction
from workers.strategy.profile import parse_profile
from workers.strategy.schema import parse_strategy

ROOT = Path(__file__).resolve().parents[4]
PUBLISHED = {
    name: jsonschema.Draft202012Validator(
        json.loads((ROOT / "resources" / "schema" / f"{name}.json").read_text(encoding="utf-8"))
    )
    for name in ("strategy", "profile")
}
READERS: dict[str, Any] = {"strategy": parse_strategy, "profile": parse_profile}

STRATEGY: dict[str, Any] = {
    "$schema": "x",
    "schema": 1,
    "id": "a",
    "name": "A",
    "description": "",
    "enabled": True,
    "symbol": "EURUSD",
    "timeframe": "H1",
    "sessions": ["London"],
    "indicators": {
        "ema": {"fast": 20, "slow": 50},
        "rsi": {"period": 14, "overbought": 70, "oversold": 30},
        "macd": {"fast": 12, "slow": 26, "signal": 9, "signal_average": "simple"},
        "atr": {"period": 14, "multiplier": 1.5},
    },
    "conditions": {"entry": ["close > 0"], "exit": [], "strong": [], "weak": []},
    "short_conditions": {"entry": ["close > 0"], "invalidations": []},
    "strategy": {
        "direction": "both",
        "min_rr": 2,
        "news_embargo_minutes": 30,
        "invalidations": [],
        "max_risk_pct": 0.01,
    },
    "created_at": "2025-10-28T10:00:00Z",
    "updated_at": "",
    "created_by": "me",
}
PROFILE: dict[str, Any] = {
    "symbol": "EURUSD",
    "bestSessions": ["London"],
    "bestTimeframes": ["H1"],
    "externalDrivers": ["yields"],
    "style": {"bias": "long", "rrTarget": 2, "maxRiskPct": 0.01},
    "management": {"breakevenAfterRR": 1, "partialAtRR": 1, "trailUsingATR": False, "atrMultiplier": 2},
    "invalidations": ["close > 0"],
}
WHOLE = {"strategy": STRATEGY, "profile": PROFILE}

ODD = [
    None, True, False, 0, 1, 2, 14, 14.0, 14.5, 49, 50, 60, 0.01, -1, 10**20, 1735689600, "", "x", "14", "off", "false",
    "1", "long", "LONG", "Long", "bullish", "Bullish", "neutral", "both", "up", " long", "simple", "London", "H1", "h1",
    "yesterday", "2025-01-02", "2025-01-02 03:04", "2025-01-02T03:04:05.123456+02:00", "2025-13-01", "2025-04-31",
    "2025-01-02T25:00:00Z", "2025-01-02t03:04:05z", "1735689600", "../x", [], [None], ["London"], ["Paris"], ["H1"],
    [""], ["close > 0", "close > 0"], [1], {}, {"entry": ["x"]}, {"entry": []}, {"fast": 60}, {"slow": 15}, {"a": 1},
    {"direction": "long"}, {"oversold": 50, "overbought": 50}, ["x"] * 51, "y" * 301,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def changed(document: dict[str, Any], path: tuple[Any, ...], value: Any, *, remove: bool = False) -> dict[str, Any]:
    found = copy.deepcopy(document)
    inside: Any = found
    try:
        for step in path[:-1]:
            inside = inside[step]
        if remove and isinstance(inside, dict):
            inside.pop(path[-1], None)
        else:
            inside[path[-1]] = copy.deepcopy(value)
    except (KeyError, IndexError, TypeError):
        pass  # an earlier change took the place away
    return found


def agree(kind: str, document: dict[str, Any]) -> None:
    errors = [error.message for error in PUBLISHED[kind].iter_errors(document)]
    try:
        READERS[kind](json.dumps(document), "a.json")
        refused = ""
    except UserAction as error:
        refused = str(error)
    if refused and not errors and "must be smaller than slow" in refused:
        return  # the one thing that the schema tells in a comment
    assert bool(errors) == bool(refused), (errors, refused)


ADDED = {
    "strategy": [("schema_version",), ("schema_",), ("indicators", "ema", "slw"), ("short_conditions", "strong")],
    "profile": [("schema",), ("schema_version",), ("$schema",), ("style", "x")],
}
PLACES = {kind: [*(path for path in places(WHOLE[kind]) if path), *ADDED[kind]] for kind in WHOLE}
CASES = [(kind, path) for kind, found in PLACES.items() for path in found]


@pytest.mark.parametrize(("kind", "path"), CASES, ids=lambda value: ".".join(map(str, value)))
def test_every_odd_value_in_every_place(kind: str, path: tuple[Any, ...]) -> None:
    agree(kind, changed(WHOLE[kind], path, None, remove=True))
    for value in ODD:
        agree(kind, changed(WHOLE[kind], path, value))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(WHOLE)).flatmap(
        lambda kind: st.tuples(
            st.just(kind),
            st.lists(st.tuples(st.sampled_from(PLACES[kind]), st.sampled_from(ODD), st.booleans()), max_size=5),
        )
    )
)
def test_they_agree_on_files_with_several_odd_values(
    case: tuple[str, list[tuple[tuple[Any, ...], Any, bool]]],
) -> None:
    kind, changes = case
    document = WHOLE[kind]
    for path, value, remove in changes:
        document = changed(document, path, value, remove=remove)
    agree(kind, document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("enabled",), 0), (("enabled",), "off"), (("indicators", "rsi", "period"), "14"), (("schema",), 2),
        (("created_at",), 1735689600), (("created_at",), "yesterday"), (("indicators", "ema"), {"fast": 60}),
    ],
)  # fmt: skip
def test_odd_values_are_refused_by_both(path: tuple[Any, ...], value: Any) -> None:
    document = changed(STRATEGY, path, value)
    assert not PUBLISHED["strategy"].is_valid(document)
    with pytest.raises(UserAction):
        parse_strategy(json.dumps(document), "a.json")


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("strategy", ("sessions",), None), ("strategy", ("indicators", "ema"), None), ("strategy", ("created_at",), ""),
        ("profile", ("style", "bias"), "bullish"), ("profile", ("style", "bias"), None), ("profile", ("style",), None),
        ("profile", ("style", "bias"), ""), ("profile", ("invalidations",), None),
        ("profile", ("management", "trailUsingATR"), None), ("strategy", ("schema_version",), 1),
    ],
)  # fmt: skip
def test_what_files_of_users_have_is_taken_by_both(kind: str, path: tuple[Any, ...], value: Any) -> None:
    document = changed(WHOLE[kind], path, value)
    assert PUBLISHED[kind].is_valid(document)
    READERS[kind](json.dumps(document), "a.json")


def test_an_earlier_version_took_more() -> None:
    """What an idea of it was made from can be read again."""
    document = changed(changed(STRATEGY, ("enabled",), "off"), ("indicators", "rsi", "period"), "14")
    found = parse_strategy(json.dumps(document), "a.json", earlier=True)
    assert (found.enabled, found.indicators.rsi.period) == (False, 14)
    assert parse_profile(json.dumps(changed(PROFILE, ("style", "bias"), " BullIsh ")), "a.json", earlier=True)


@pytest.mark.parametrize(
    ("path", "value", "part"),
    [
        (("conditions", "entry"), [], "conditions.entry: the list should have at least 1 item, not 0. Mend"),
        (("indicators", "ema"), {"fast": 50, "slow": 20}, "fast (50) must be smaller than slow (20). Mend"),
        (("indicators", "rsi", "period"), "14", "indicators.rsi.period: this should be a whole number, not '14'."),
        (("enabled",), 0, "enabled: this should be true or false, not 0."),
        (("created_at",), 5, "created_at: this should be a date and a time as in 2025-06-03T12:00:00Z, not 5."),
    ],
)
def test_messages_end_where_all_is_said(path: tuple[Any, ...], value: Any, part: str) -> None:
    with pytest.raises(UserAction) as caught:
        parse_strategy(json.dumps(changed(STRATEGY, path, value)), "a.json")
    assert part in str(caught.value)
