"""What scores were worth: outcomes of signals by hand, the folds, and what is kept of a test."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arena import EURUSD, FREE, HOUR, bars, calls, flat, rule
from hypothesis import given
from hypothesis import strategies as st
from task_bench import hours

from app.errors import UserAction
from workers.backtest.calibrate import Outcomes, calibration, outcomes
from workers.backtest.engine import sides_of, spread_points
from workers.calendar import store as calendar_store
from workers.calendar.values import Calendar, SourceState
from workers.strategy.calibration import Calibration, break_even, calibrated, rule_key, wilson
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.schema import parse_strategy

UP, DOWN = (1.1, 1.102, 1.0999, 1.1), (1.1, 1.1001, 1.098, 1.1)
WIDE = (1.1, 1.102, 1.098, 1.1)


def became(
    prices: list[tuple[float, float, float, float]], *entries: int, leave: tuple[int, ...] = (), spread: int = 0
) -> Outcomes:
    """Longs from 1.1 with a stop at 1.099 and a target at 1.101, decided on these bars."""
    rates = bars(*prices, spread=spread)
    signals = calls(len(rates), *((bar, 1, 1.099, 1.101) for bar in entries), leave=leave)
    sides = sides_of(Evaluator(rates, HOUR), spread_points(rates, FREE), EURUSD, FREE, frozenset({1, -1}))
    return outcomes(signals, sides, None)


def test_target_first_is_reached_and_stop_first_is_not() -> None:
    found = became([*flat(2), UP, *flat(2), DOWN, *flat(2)], 0, 3)
    assert found.bar.tolist() == [0, 3]
    assert found.reached.tolist() == [True, False]


def test_a_bar_that_holds_both_counts_for_the_stop() -> None:
    assert became([*flat(2), WIDE, *flat(1)], 0).reached.tolist() == [False]


def test_ended_by_the_rule_is_not_reached_and_open_at_the_end_does_not_count() -> None:
    found = became([*flat(5), UP, *flat(3)], 0, 6, leave=(2,))
    assert (found.reached.tolist(), found.by_rule, found.still_open) == ([False], 1, 1)


def test_a_target_that_was_behind_the_fill_is_not_reached() -> None:
    above = (1.103, 1.104, 1.1025, 1.103)
    found = became([*flat(1), above, *flat(3), UP, *flat(1)], 0, 3)  # filled at 1.103, and closed there at once
    assert found.reached.tolist() == [False, True]
    assert found.past_target == 1
    told = calibration(found)
    assert (told["reached"], told["past_target"]) == (1, 1)


def test_the_spread_alone_can_put_the_fill_beyond_the_target() -> None:
    prices = [*flat(1), (1.1005, 1.102, 1.1004, 1.1005), *flat(2)]
    assert became(prices, 0, spread=40).reached.tolist() == [True]  # from 1.1009 to 1.101
    assert became(prices, 0, spread=50).reached.tolist() == [False]  # from 1.101 to 1.101: nothing
    assert became(prices, 0, spread=60).past_target == 1


def test_one_move_is_counted_once() -> None:
    found = became([*flat(5), UP, *flat(3), DOWN, *flat(1)], 0, 1, 2, 3, 6)
    assert found.bar.tolist() == [0, 6]


def spread(scores: list[float], came: list[bool]) -> dict[str, Any]:
    count = len(scores)
    return calibration(Outcomes(np.arange(count), np.array(scores), np.array(came), 0, 0))


def test_a_score_that_tells_gets_steps_and_one_that_does_not_the_plain_share() -> None:
    came = [number % 4 != 0 if number % 2 else number % 8 == 0 for number in range(400)]
    telling = spread([100.0 if number % 2 else 62.0 for number in range(400)], came)
    assert telling["method"] == "isotonic"
    assert [(step["low"], step["high"], step["signals"], step["reached"]) for step in telling["steps"]] == [
        (62.0, 62.0, 200, 50),
        (100.0, 100.0, 200, 200),
    ]
    assert telling["brier"] < telling["brier_of_share"]
    empty = spread([62.0 if number % 3 else 100.0 for number in range(400)], [number % 2 == 0 for number in range(400)])
    assert empty["method"] == "share"
    assert [(step["low"], step["high"], step["signals"], step["reached"]) for step in empty["steps"]] == [
        (62.0, 100.0, 400, 200)
    ]


def test_a_score_that_told_only_in_the_past_is_found_out_by_the_folds() -> None:
    """Higher scores win in the first half and lose in the second: what was learned does not hold."""
    scores = [62.0 if number % 2 else 100.0 for number in range(600)]
    came = [(number % 2 == 0) == (number < 300) for number in range(600)]
    found = spread(scores, came)
    assert found["brier"] > found["brier_of_share"]
    assert found["method"] == "share"


def test_too_few_signals_are_no_calibration() -> None:
    found = spread([100.0] * 29, [True] * 29)
    assert found["trouble"] == "29 signals ended, and a calibration needs 30"
    assert found["steps"] == []


@given(st.lists(st.tuples(st.sampled_from([62.0, 75.0, 85.0, 100.0]), st.booleans()), min_size=30, max_size=120))
def test_steps_rise_and_hold_every_signal(pairs: list[tuple[float, bool]]) -> None:
    found = spread([score for score, _ in pairs], [came for _, came in pairs])
    shares = [step["probability"] for step in found["steps"]]
    assert shares == sorted(shares)
    assert sum(step["signals"] for step in found["steps"]) == len(pairs) == found["signals"]
    assert sum(step["reached"] for step in found["steps"]) == found["reached"]
    assert sum(group["signals"] for group in found["reliability"]) == len(pairs) - _first_part(len(pairs))
    assert all(step["interval_low"] <= step["probability"] <= step["interval_high"] for step in found["steps"])


def _first_part(count: int) -> int:
    return int(np.linspace(0, count, min(6, count // 5) + 1)[1])


def test_wilson_by_published_values() -> None:
    """15 of 148 is 0.0624 to 0.1605, 81 of 263 is 0.2553 to 0.3662 (Newcombe 1998, method 3)."""
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20)[0] == 0.0
    assert wilson(20, 20)[1] == 1.0


def test_break_even_by_hand() -> None:
    assert break_even(10, 15) == 0.4  # 0.4 x 15 = 0.6 x 10
    p = break_even(10, 20, commission=1, slippage=0.5)
    assert p * (20 - 1 - 0.5) == pytest.approx((1 - p) * (10 + 1 + 2 * 0.5))
    assert break_even(1, 1, commission=5) == 1.0


STEPS = [
    {"low": 60, "high": 75, "signals": 29, "reached": 9},
    {"low": 80, "high": 90, "signals": 214, "reached": 122},
]


def kept(**changes: Any) -> Calibration:
    return Calibration.of(
        {"rule": "r", "steps": STEPS, "costs": {"commission": 0.0, "slippage": 0.0}, "simulated": False, **changes}
    )


def test_an_idea_says_what_its_score_is_worth() -> None:
    found = calibrated(kept(), "r", 82, 10, 15)
    assert found.text == "57 % (50-63 %, n=214) reached target first; break-even needs 40 %"
    assert found.short == "57 % (50-63 %, n=214), needs 40 %"
    assert calibrated(kept(), "r", 95, 10, 15).text == "not calibrated: its backtest had no signals of a score like 95"
    few = calibrated(kept(), "r", 78, 10, 15)  # between the steps: the lower one
    assert few.text == "not calibrated: its backtest had 29 signals of such a score, 30 are needed"
    assert calibrated(None, "r", 82, 10, 15).text == "not calibrated: no backtest of this strategy was calibrated"
    other = calibrated(kept(), "another", 82, 10, 15)
    assert other.text == "not calibrated: the rule or its profile changed since its backtest"
    assert other.break_even == 0.4


def test_an_idea_says_when_the_embargo_was_not_part_of_the_measurement() -> None:
    found = calibrated(kept(news="not applied: no calendar was stored"), "r", 82, 10, 15)
    assert found.text == (
        "57 % (50-63 %, n=214) reached target first; break-even needs 40 %; the news embargo of the rule was not "
        "applied: no calendar was stored"
    )
    assert found.short == "57 % (50-63 %, n=214), needs 40 %"
    assert calibrated(kept(), "r", 82, 10, 15).news == ""
    assert calibrated(kept(news="not applied"), "another", 82, 10, 15).news == ""


STAYS_AWAY = {"strategy": {"direction": "both", "min_rr": 1.5, "news_embargo_minutes": 30}}


def calendar_from(first: datetime, last: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    state = SourceState("file", succeeded=first, covers_from=first, covers_until=last)
    monkeypatch.setattr(calendar_store, "load", lambda _storage: Calendar((), (state,)))


@pytest.mark.allow_warnings("")
def test_an_embargo_that_no_calendar_covered_is_noted_in_what_is_kept(
    tester: Any, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = {"conditions": {"entry": ["ema(3) > ema(8)"], "strong": ["rsi > 50"]}, **STAYS_AWAY}
    result, _ctx = tester(hours(), rule=scored)
    assert result.calibration["kept"]
    assert result.calibration["news"] == "not applied: no calendar was stored"
    document = json.loads(kept_in(bench)[0].read_text(encoding="utf-8"))
    assert Calibration.of(document).news == "not applied: no calendar was stored"
    page = Path(result.report_html).read_text(encoding="utf-8")
    assert "The news embargo of the rule was not applied: no calendar was stored." in page
    calendar_from(datetime(2025, 1, 20, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC), monkeypatch)
    assert tester(hours(), rule=scored)[0].calibration["news"] == (
        "applied from 2025-01-20 on only, as far as the stored calendar reaches"
    )
    calendar_from(datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 20, tzinfo=UTC), monkeypatch)
    assert tester(hours(), rule=scored)[0].calibration["news"] == (
        "applied until 2025-01-20 only, as far as the stored calendar reaches"
    )
    calendar_from(datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC), monkeypatch)
    assert tester(hours(), rule=scored)[0].calibration["news"] == ""
    del scored["strategy"]
    assert tester(hours(), rule=scored)[0].calibration["news"] == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": None},
        {"steps": [{"low": 60, "high": 50, "signals": 1, "reached": 1}]},
        {"steps": [{"low": 60, "high": 70, "signals": 1, "reached": 2}]},
        {"costs": {"commission": -1.0, "slippage": 0.0}},
        {"costs": {"commission": float("nan"), "slippage": 0.0}},
    ],
)
def test_what_cannot_be_is_no_calibration(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no calibration"):
        kept(**changes)


def test_words_and_risk_do_not_change_a_rule_and_everything_else_does() -> None:
    own = rule_key(rule(), None)
    assert rule_key(rule(name="Other", description="x", enabled=False, created_by="you", id="other"), None) == own
    plan = {"direction": "both", "min_rr": 1.5, "news_embargo_minutes": 0}
    assert rule_key(rule(strategy={**plan, "max_risk_pct": 0.02}), None) == own
    others = [
        rule(strategy={**plan, "min_rr": 1.6}),
        rule(strategy={**plan, "invalidations": ["rsi > 90"]}),
        rule(symbol="GBPUSD"),
        rule(timeframe="M5"),
        rule(sessions=["London"]),
        rule(conditions={"entry": ["ema(3) crosses above ema(9)"]}),
        rule(indicators={"atr": {"multiplier": 1.6}}),
    ]
    assert len({own, *(rule_key(other, None) for other in others)}) == len(others) + 1


def test_the_key_of_a_file_is_that_of_its_rule_however_it_is_written() -> None:
    text = json.dumps(rule().model_dump(mode="json", exclude_unset=True))
    assert rule_key(parse_strategy(text, "b.json"), None) == rule_key(parse_strategy(f" {text}\n", "c.json"), None)


def kept_in(bench: Any) -> list[Path]:
    return sorted((bench.paths.data / "calibrations").glob("*.json"))


@pytest.mark.allow_warnings("")
def test_a_test_like_live_trading_keeps_what_it_found(tester: Any, bench: Any) -> None:
    scored = {"conditions": {"entry": ["ema(3) > ema(8)"], "strong": ["rsi > 50"]}}
    result, ctx = tester(hours(), rule=scored)
    found = result.calibration
    assert found["kept"], found
    assert found["signals"] > 30
    document = json.loads(kept_in(bench)[0].read_text(encoding="utf-8"))
    assert document["rule"] == rule_key(rule(**scored, id="rule"), None)
    assert document["bars_sha256"] == found["bars_sha256"]
    assert Calibration.of(document).steps
    assert "data/calibrations/rule_EURUSD_H1.json" in ctx.files
    assert "Calibration" in Path(result.report_html).read_text(encoding="utf-8")
    less, _ = tester(hours(), rule=scored, start="2025-01-14")
    assert less.calibration["not_kept"].startswith("what is kept rests on")
    assert json.loads(kept_in(bench)[0].read_text(encoding="utf-8")) == document
    forced, _ = tester(hours(), rule=scored, start="2025-01-14", calibrate=True)
    assert forced.calibration["kept"]
    assert json.loads(kept_in(bench)[0].read_text(encoding="utf-8"))["signals"] < document["signals"]


@pytest.mark.allow_warnings("")
def test_a_test_unlike_live_trading_keeps_nothing_unless_it_is_asked(tester: Any, bench: Any) -> None:
    assert tester(hours(), min_score=0)[0].calibration == {}
    assert tester(hours(), costs="none")[0].calibration == {}
    assert tester(hours(), calibrate=False)[0].calibration == {}
    assert not kept_in(bench)
    found, ctx = tester(hours(120), min_score=0, calibrate=True)
    assert not found.calibration["kept"]
    assert any("are not calibrated" in warning for warning in ctx.warnings)
    assert tester(hours(), min_score=0, calibrate=True)[0].calibration["kept"]


def test_an_ideal_market_is_refused(tester: Any) -> None:
    with pytest.raises(UserAction, match="without costs"):
        tester(hours(), costs="none", calibrate=True)
