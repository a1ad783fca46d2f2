"""What a broker may call a market."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.terminal.symbol_likeness import suggestions


@pytest.mark.parametrize(
    ("wanted", "names", "expected"),
    [
        ("EURUSD", ["GBPUSD", "EURUSDm", "EURJPYm"], ("EURUSDm",)),
        ("EURUSD", ["EURUSD.a", "EURUSD.ecn", "EURUSDpro"], ("EURUSD.a", "EURUSDpro", "EURUSD.ecn")),
        ("EURUSD", ["mEURUSD", "#EURUSD", "FX:EURUSD"], ("#EURUSD", "mEURUSD", "FX:EURUSD")),
        ("EURUSD", ["EUR/USD", "EUR/USD.m", "eurusd"], ("eurusd", "EUR/USD", "EUR/USD.m")),
        ("EURUSD", ["#EURUSD.cash"], ("#EURUSD.cash",)),
        ("EURUSD", ["EURUSDM", "EURUSD+", "EURUSD!"], ("EURUSD!", "EURUSD+", "EURUSDM")),
        ("XAUUSD", ["GOLD", "GOLDmicro", "XAUEUR", "XAUUSDm"], ("XAUUSDm", "GOLD", "GOLDmicro")),
        ("XAGUSD", ["SILVER", "XAGEUR"], ("SILVER",)),
        ("GOLD", ["XAUUSD.a"], ("XAUUSD.a",)),
        ("US30", ["US30.cash", "DJ30", "US300", "AUS30"], ("US30.cash", "DJ30")),
        ("DJ30", ["US30"], ("US30",)),
        ("US500", ["SPX500", "US5000", "US500.cash"], ("US500.cash", "SPX500")),
        ("GER40", ["DE40", "DAX40", "DE40.cash", "GER40_Z5"], ("GER40_Z5", "DE40", "DAX40", "DE40.cash")),
        ("NAS100", ["USTEC", "USTECm", "NAS100ft"], ("NAS100ft", "USTEC", "USTECm")),
        ("BTCUSD", ["BTCUSDT", "BTCUSDC", "BTCUSD.r"], ("BTCUSD.r",)),
        ("EURUSD", ["EURUSD"], ()),
        ("EURUSD", ["EURUSDGBPJPY", "XEURUSD", "GOLDMANEURUSD"], ()),
        ("", ["EURUSD"], ()),
    ],
)
def test_likely_names(wanted: str, names: list[str], expected: tuple[str, ...]) -> None:
    assert suggestions(wanted, names) == expected


def test_what_cannot_be_traded_comes_last_and_what_is_shown_first() -> None:
    names = {
        "EURUSD.a": {"trade_mode": 0, "select": True},
        "EURUSD.b": {"trade_mode": 4, "select": False},
        "EURUSD.c": {"trade_mode": 4, "select": True},
    }
    assert suggestions("EURUSD", names) == ("EURUSD.c", "EURUSD.b", "EURUSD.a")


def test_five_at_most() -> None:
    assert len(suggestions("EURUSD", [f"EURUSD.{n}" for n in range(20)])) == 5


@given(st.text(max_size=12), st.lists(st.text(max_size=16), max_size=20))
def test_suggestions_are_names_of_the_broker_unchanged(wanted: str, names: list[str]) -> None:
    found = suggestions(wanted, names)
    assert set(found) <= set(names)
    assert wanted not in found
