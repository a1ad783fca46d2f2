"""Edits by hand: what they come to, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.strategy.decision_book import Terms
from workers.strategy.idea_edit import BadTerms, Basis, faults_of, recalculated
from workers.strategy.prices import PriceGrid
from workers.strategy.sizing import VolumeRules

#: One tick of one lot of EURUSD is 1 USD.
EURUSD = Basis(
    "EURUSD", "long", PriceGrid(5, 1e-5, 1e-5, 50), VolumeRules("EURUSD", 1e-5, 1.0, 0.01, 50.0, 0.01), 0.005, 2.0,
    10_000.0, "USD",
)  # fmt: skip
#: One tick (0.001 yen) of one lot of USDJPY is 100 yen: 0.64 USD at 156.25.
USDJPY = Basis(
    "USDJPY", "short", PriceGrid(3, 0.001, 0.001), VolumeRules("USDJPY", 0.001, 0.64, 0.01, 50.0, 0.01), 0.01, 1.5,
    20_000.0, "USD",
)  # fmt: skip
LONG = Terms(1.12621, 1.12492, 1.12879, 0.19)
SHORT = Terms(156.250, 156.500, 155.750, 1.0)


def test_eurusd_by_hand() -> None:
    # 129 ticks to the stop, 258 to the target; 129 x 1 USD x 0.19 lots = 24.51 USD of 10,000.
    found = recalculated(EURUSD, LONG)
    assert found.reward_risk == 2.0
    assert found.risk_money == pytest.approx(24.51)
    assert found.risk_share == pytest.approx(0.002451)
    # A stop at 100 ticks: 2.58 reward; 50 USD may be lost, which is half a lot.
    found = recalculated(EURUSD, replace(LONG, stop=1.12521, volume=0.5))
    assert found.reward_risk == pytest.approx(2.58)
    assert found.risk_money == pytest.approx(50.0)
    with pytest.raises(BadTerms) as refused:
        recalculated(EURUSD, replace(LONG, stop=1.12521, volume=0.51))
    assert refused.value.fields == {
        "volume": "The volume 0.51 would lose 51.00 USD at the stop, 0.51% of the equity; 0.50% is allowed, which is "
        "at most 0.5 lots."
    }


def test_usdjpy_by_hand() -> None:
    # 250 ticks to the stop, 500 to the target; 250 x 0.64 USD x 1 lot = 160 USD of 20,000.
    found = recalculated(USDJPY, SHORT)
    assert found.reward_risk == 2.0
    assert found.risk_money == pytest.approx(160.0)
    assert found.risk_share == pytest.approx(0.008)
    # 200 USD may be lost: 1.25 lots.
    assert recalculated(USDJPY, replace(SHORT, volume=1.25)).risk_money == pytest.approx(200.0)
    assert "at most 1.25 lots" in faults_of(USDJPY, replace(SHORT, volume=1.26))["volume"]


@pytest.mark.parametrize(
    ("terms", "field", "text"),
    [
        (replace(LONG, entry=1.126213), "entry", "is no multiple of the tick 1e-05; the nearest price is 1.12621."),
        (replace(LONG, entry=float("nan")), "entry", "The entry must be a price above zero."),
        (replace(LONG, target=-1.0), "target", "The target must be a price above zero."),
        (replace(LONG, target=float("inf")), "target", "The target must be a price above zero."),
        (replace(LONG, stop=1.12700), "stop", "The stop of a long must be below the entry 1.12621."),
        (replace(LONG, stop=1.12621), "stop", "The stop of a long must be below the entry 1.12621."),
        (replace(LONG, target=1.12600), "target", "The target of a long must be above the entry 1.12621."),
        (replace(LONG, stop=1.12600), "stop", "is 21 points from the entry, and the broker takes none nearer than 50."),
        (replace(LONG, volume=0.195), "volume", "is no multiple of the step 0.01; the next lower is 0.19 lots."),
        (replace(LONG, volume=0.001), "volume", "The volume 0.001 is below the least of 0.01 lots."),
        (replace(LONG, volume=51.0), "volume", "The volume 51 is above the 50 lots that one order may have."),
        (replace(LONG, volume=0.0), "volume", "The volume must be above zero lots"),
        (replace(LONG, volume=float("nan")), "volume", "The volume must be above zero lots"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_field(terms: Terms, field: str, text: str) -> None:
    faults = faults_of(EURUSD, terms)
    assert list(faults) == [field]
    assert text in faults[field]


def test_the_sides_of_a_short() -> None:
    faults = faults_of(USDJPY, replace(SHORT, stop=156.0, target=157.0))
    assert faults == {
        "stop": "The stop of a short must be above the entry 156.250.",
        "target": "The target of a short must be below the entry 156.250.",
    }


def test_without_a_volume_there_is_no_risk() -> None:
    found = recalculated(EURUSD, replace(LONG, volume=None))
    assert (found.risk_money, found.risk_share, found.reward_risk) == (None, None, 2.0)


def test_a_volume_needs_an_account_that_is_known_and_free() -> None:
    unknown = replace(EURUSD, equity=None)
    assert "The account was not known" in faults_of(unknown, LONG)["volume"]
    full = replace(EURUSD, no_position="Open: 3 positions; at most 3 at the same time.")
    assert "at most 3 at the same time" in faults_of(full, LONG)["volume"]
    limited = replace(EURUSD, rules=replace(EURUSD.rules, limit=1.0), open_volume=0.9)
    assert "the broker's limit" in faults_of(limited, LONG)["volume"]
    assert faults_of(unknown, replace(LONG, volume=None)) == {}


def test_a_specification_that_cannot_be_used() -> None:
    broken = replace(EURUSD, grid=PriceGrid(5, 0.0, 0.0))
    assert "has no usable point or tick size" in faults_of(broken, LONG)["entry"]
    worthless = replace(EURUSD, rules=replace(EURUSD.rules, tick_value=float("nan")))
    assert "has no usable tick value" in faults_of(worthless, LONG)["volume"]


def test_a_small_reward_is_remarked_not_refused() -> None:
    near = replace(LONG, target=1.12750)
    assert faults_of(EURUSD, near) == {}
    assert EURUSD.remark(EURUSD.figures(near)) == "Reward/risk 1.00 is below the 2 that the strategy wants."
    assert EURUSD.remark(EURUSD.figures(LONG)) == ""


@given(
    st.integers(3_000, 300_000), st.integers(-2_000, 2_000), st.integers(-2_000, 2_000), st.integers(0, 6_000),
    st.sampled_from(["long", "short"]),
)  # fmt: skip
def test_whatever_is_allowed_is_within_the_risk(entry: int, stop: int, target: int, steps: int, side: str) -> None:
    basis = replace(EURUSD, side="long" if side == "long" else "short")
    terms = Terms(
        round(entry * 1e-5, 5), round((entry + stop) * 1e-5, 5), round((entry + target) * 1e-5, 5),
        round(steps * 0.01, 2) if steps else None,
    )  # fmt: skip
    faults = faults_of(basis, terms)
    sign = 1 if side == "long" else -1
    assert ("stop" in faults) == (stop * sign > -50)
    if not faults:
        found = recalculated(basis, terms)
        assert found.reward_risk == pytest.approx(abs(target) / abs(stop))
        assert found.risk_money is None or found.risk_money <= 50.0 * (1 + 1e-9)
