"""What is wrong with a rule file, with its place in the text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.strategy import findings
from workers.strategy.findings import Finding, look
from workers.strategy.library import EXAMPLES, Profiles, load_profiles

NONE = Profiles()


def text(**changes: Any) -> str:
    document: dict[str, Any] = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "sessions": ["London"],
        "conditions": {"entry": ["ema_fast_gt_slow"], "weak": ["rsi_gt_70"]},
        "strategy": {"direction": "both"},
    }
    return json.dumps(document | changes, indent=1)


def found(content: str, profiles: Profiles = NONE, **owners: str) -> tuple[Finding, ...]:
    return look(content, "a.json", profiles, owners).findings


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_the_examples_have_nothing_wrong(example: Path) -> None:
    assert found(example.read_text(encoding="utf-8")) == ()


@pytest.mark.parametrize(
    ("changes", "line", "words"),
    [
        ({"timeframe": "M7"}, 3, "timeframe: input should be 'M1'"),
        ({"sessions": ["london"]}, 5, "sessions.0: input should be 'London', 'NewYork', 'Tokyo' or 'Sydney'"),
        ({"sessions": ["london"]}, 5, "Did you mean 'London'?"),
        ({"storng": []}, 18, "storng: there is no such name"),
        ({"conditions": {"entry": ["rsi <"]}}, 9, "conditions.entry[0] 'rsi <', column 6"),
        ({"conditions": {"entry": ["ema_fast_gt_slwo"]}}, 9, "ema_fast_gt_slow"),
        ({"conditions": {"entry": ["rsi < 30", "rsi > 70"]}}, 8, "can never hold together"),
        ({"conditions": {"exit": []}}, 7, "conditions.entry: this is missing"),
        ({"strategy": {"direction": "both", "max_risk_pct": 1}}, 17, "a fraction: 0.01 is 1 %"),
        ({"indicators": {"ema": {"fast": 60, "slow": 50}}}, 19, "indicators.ema: fast (60) must be smaller"),
        ({"schema": 99}, 1, "layout 99"),
    ],
)
def test_each_has_its_line_and_what_is_allowed(changes: dict[str, Any], line: int, words: str) -> None:
    problems = found(text(**changes))
    assert any(words in item.text and item.line == line for item in problems), problems


def test_all_is_told_at_once() -> None:
    problems = found(text(timeframe="M7", conditions={"entry": ["rsi <", "close > ema(20)", 5]}))
    assert [item.path for item in problems] == [
        ("timeframe",),
        ("conditions", "entry", 2),
        ("conditions", "entry", 0),
    ]


def test_text_that_is_no_json_has_a_line_too() -> None:
    (problem,) = found('{\n "a": 1,\n "b" 2\n}')
    assert (problem.line, problem.path) == (3, ())
    assert problem.text.startswith("Line 3, column 6")
    (problem,) = found('{\n "a": 1\n\n\n')
    assert problem.line == 2
    assert "holds a list" in found("[]")[0].text
    assert "nested too deeply" in found('{"a": ' + "[" * 80 + "]" * 80 + "}")[0].text


def test_an_id_that_another_file_has_is_told() -> None:
    (problem,) = found(text(id="b"), b="other.json")
    assert problem.path == ("id",)
    assert "other.json has the id 'b' already" in problem.text


def test_a_profile_that_cannot_be_used_is_told_and_its_conditions_count(tmp_path: Path) -> None:
    (tmp_path / "EURUSD.json").write_text("{", encoding="utf-8")
    (problem,) = found(text(), load_profiles(tmp_path))
    assert problem.path == ("symbol",)
    profile = {"symbol": "EURUSD", "invalidations": ["spread <"]}
    (tmp_path / "EURUSD.json").write_text(json.dumps(profile), encoding="utf-8")
    profiles = load_profiles(tmp_path)
    assert "profile EURUSD: invalidations[0]" in found(text(), profiles)[0].text
    assert look(text(), "a.json", profiles).profile is not None


@given(
    st.text()
    | st.recursive(st.none() | st.integers() | st.text(), lambda e: st.lists(e) | st.dictionaries(st.text(), e)).map(
        json.dumps
    )
)
def test_no_text_is_too_strange(content: str) -> None:
    for item in look(content, "a.json", NONE).findings:
        assert item.text
        assert 1 <= item.line <= content.count("\n") + 1
        assert 0 <= item.start <= item.end <= len(content)


def test_words_for_completion_are_those_of_the_language() -> None:
    known = dict(findings.words())
    assert {"ema_fast_gt_slow", "rsi([source,] period)", "upper_wick", "crosses above"} <= set(known)
    assert all(known.values())
