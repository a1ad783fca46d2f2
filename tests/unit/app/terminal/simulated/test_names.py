"""Names of the simulated broker's symbols."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from app.clock import FakeClock
from app.errors import UserAction
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.symbols import CATALOGUE


@pytest.mark.parametrize(
    ("suffix", "rename", "complaint", "remedy"),
    [
        ("." + 20 * "a", {}, None, ""),
        ("." + 23 * "a", {}, "at most 29 characters, this one has 30", r"Shorten terminal\.simulated\.suffix"),
        ("", {"XAUUSD": 30 * "G"}, "call XAUUSD G+: a name has at most 29", r"Shorten terminal.*rename\.XAUUSD"),
        ("", {"XAUUSD": "EURUSD"}, "both EURUSD and XAUUSD EURUSD", r"another name in .*rename\.XAUUSD"),
        ("", {"EURUSD": "XAUUSD"}, "both EURUSD and XAUUSD XAUUSD", r"another name in .*rename\.EURUSD"),
        (".m", {"XAUUSD": "STK00002"}, r"both XAUUSD and STK00002 STK00002\.m", r"rename\.XAUUSD"),
        ("", {"XAUUSD": "EURSEK"}, "both XAUUSD and EURSEK", r"rename\.XAUUSD"),
        ("", {"XAUUSD": "EURUSD", "EURUSD": "XAUUSD"}, None, ""),
    ],
)
def test_names_are_usable_and_each_is_given_once(
    suffix: str, rename: Mapping[str, str], complaint: str | None, remedy: str
) -> None:
    def made() -> SimulatedTerminal:
        return SimulatedTerminal(
            FakeClock(), suffix=suffix, rename=rename, symbols=30, replay={"EURSEK": Path("sek.csv")}
        )

    if complaint is None:
        terminal = made()
        terminal.initialize()
        assert terminal.symbols_total() == 30
        assert terminal.symbol_info(rename.get(CATALOGUE[0].name, CATALOGUE[0].name) + suffix) is not None
        return
    with pytest.raises(UserAction, match=complaint) as caught:
        made()
    assert caught.value.advice
    with pytest.raises(UserAction, match=remedy):
        made()
