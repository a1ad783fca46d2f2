"""What a sweep tries: fields by their paths, ranges, points of a grid and at random."""

from __future__ import annotations

import pytest
from arena import rule
from hypothesis import given
from hypothesis import strategies as st

from app.errors import UserAction
from workers.backtest.space import MOST_POINTS, applied, axes, fields, points

FAST, STOP = "indicators.ema.fast", "indicators.atr.multiplier"


def values(text: str, *, at_random: bool = False) -> dict[str, tuple[float, ...]]:
    return {axis.path: axis.values for axis in axes(text, at_random=at_random)}


def test_ranges_and_lists_are_read() -> None:
    found = values(f" {FAST} = 10..50/20 ;{STOP}=2,1.5,1, 1.5; strategy.min_rr=0.5..1.1/0.1;")
    assert found == {
        FAST: (10, 30, 50),
        STOP: (1, 1.5, 2),
        "strategy.min_rr": (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1),
    }
    assert values(f"{FAST}=3..5") == {FAST: (3, 4, 5)}
    assert values(f"{STOP}=1..2", at_random=True) == {STOP: ()}


def test_every_numeric_field_of_the_rule_file_may_be_varied() -> None:
    known = fields()
    assert {FAST, STOP, "indicators.rsi.oversold", "strategy.min_rr", "strategy.max_risk_pct"} <= set(known)
    assert known[FAST]
    assert not known[STOP]
    assert not {"enabled", "id", "schema_version", "created_at"} & set(known)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("indicators.ema.fats=1..5", "no numeric field 'indicators.ema.fats'"),
        ("symbol=1,2", "no numeric field 'symbol'"),
        ("", "varies 1 to 8 fields, not 0"),
        (f"{FAST}", "cannot be read"),
        (f"{FAST}=", "cannot be read"),
        (f"{FAST}=a..b", "cannot be read"),
        (f"{FAST}=1..1e999", "takes whole numbers"),
        (f"{STOP}=nan,1", "takes numbers"),
        (f"{FAST}=1.5,2", "takes whole numbers"),
        (f"{FAST}=5..1", "takes whole numbers"),
        (f"{STOP}=1..2/-1", "takes numbers"),
        (f"{STOP}=1..2", "has no step"),
        (f"{FAST}=1,2;{FAST}=3", "is varied twice"),
    ],
)
def test_what_cannot_be_varied_is_told(text: str, words: str) -> None:
    with pytest.raises(UserAction, match=words) as caught:
        axes(text, at_random=False)
    assert caught.value.advice


def test_a_wrong_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UserAction) as caught:
        axes("indicators.ema.fats=1..5", at_random=False)
    assert caught.value.advice.startswith("Did you mean indicators.ema.fast?")


def test_a_grid_has_every_point_once_in_its_order() -> None:
    found = points(axes(f"{FAST}=1..2; {STOP}=1,2,3", at_random=False), None, 1)
    assert found == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]


def test_a_grid_that_is_too_large_is_refused() -> None:
    wide = axes(f"{FAST}=1..500; indicators.ema.slow=2..500", at_random=False)
    with pytest.raises(UserAction, match="249,500 points; at most"):
        points(wide, None, 1)
    assert len(points(wide, 1000, 1)) == 1000 <= MOST_POINTS


@given(st.integers(1, 60), st.integers(0, 1000))
def test_points_at_random_are_the_same_by_seed_each_once_and_within(count: int, seed: int) -> None:
    found = axes(f"{FAST}=2..9; {STOP}=1..3; strategy.min_rr=1,2", at_random=True)
    drawn = points(found, count, seed)
    assert drawn == points(found, count, seed)
    assert len(set(drawn)) == len(drawn) == count
    assert all(2 <= fast <= 9 and fast == int(fast) and 1 <= stop <= 3 and rr in (1, 2) for fast, stop, rr in drawn)


def test_points_at_random_of_a_small_grid_are_the_whole_grid() -> None:
    found = axes(f"{FAST}=1..3; {STOP}=1,2", at_random=True)
    assert points(found, 100, 1) == points(found, None, 1)
    assert len(points(axes(f"{FAST}=1..500; {STOP}=1..9/0.001;strategy.min_rr=1..9/0.0001;"
                           "strategy.max_risk_pct=0.001..0.1/0.000001", at_random=True), 9, 1)) == 9  # fmt: skip


def test_a_point_changes_its_fields_and_nothing_else() -> None:
    own, found = rule(), axes(f"{FAST}=9; {STOP}=1.25", at_random=False)
    made = applied(own, found, (9.0, 1.25))
    assert not isinstance(made, str)
    assert (made.indicators.ema.fast, made.indicators.ema.slow, made.indicators.atr.multiplier) == (9, 50, 1.25)
    assert made.model_copy(update={"indicators": own.indicators}) == own
    assert "multiplier" in made.indicators.atr.model_fields_set


def test_a_point_that_is_no_rule_says_why() -> None:
    found = axes(f"{FAST}=60", at_random=False)
    assert applied(rule(), found, (60.0,)) == "indicators.ema: Value error, fast (60) must be smaller than slow (50)"
