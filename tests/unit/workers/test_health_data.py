"""The check of the collected bars: quiet while the market is, loud when it goes on without them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hand_terminal import Bench

from workers.health import data_check
from workers.health.checks import Verdict
from workers.market.bar_history import bars_file


@pytest.fixture
def settled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A process that has run for a day."""
    began = bench.clock.now().timestamp() - 86_400.0
    monkeypatch.setattr(data_check, "process_start", lambda: began)
    return bench


def store(bench: Bench, opened: datetime, frame: str = "M5") -> None:
    path = bars_file(bench.paths.bars, "EURUSD", frame)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "time,open,high,low,close,tick_volume,spread,real_volume\n"
        f"{opened:%Y-%m-%dT%H:%M:%SZ},1.10000,1.10010,1.09990,1.10000,10,2,0\n",
        encoding="utf-8",
    )


@pytest.mark.parametrize(("minutes", "verdict"), [(65, Verdict.OK), (70, Verdict.OK), (71, Verdict.WARNING)])
def test_bars_that_lag_behind_an_open_market(settled: Bench, minutes: int, verdict: Verdict) -> None:
    store(settled, settled.clock.now() - timedelta(minutes=minutes))
    found = data_check.bars(settled.context(), {})
    assert (found.verdict, found.judged) == (verdict, True)
    assert found.figures == {"bars_age_s": (minutes - 5) * 60.0}
    assert ("Collect market data" in found.advice) == (verdict is Verdict.WARNING)


def test_the_setting_is_the_threshold(settled: Bench) -> None:
    store(settled, settled.clock.now() - timedelta(minutes=71))
    health = settled.settings.health.model_copy(update={"data_age_warn_s": 7200.0})
    settled.settings = settled.settings.model_copy(update={"health": health})
    found = data_check.bars(settled.context(), {})
    assert found.verdict is Verdict.OK
    assert "more than 2 hours" in found.rule


def test_a_market_that_is_closed_or_just_opened_has_no_new_bars(settled: Bench) -> None:
    store(settled, datetime.fromisoformat("2025-06-06T20:50:00+00:00"))  # Friday, the last but one
    for moment in ("2025-06-07T12:00:00+00:00", "2025-06-08T21:30:00+00:00"):
        settled.clock.advance((datetime.fromisoformat(moment) - settled.clock.now()).total_seconds())
        assert data_check.bars(settled.context(), {}).verdict is Verdict.OK
    settled.clock.advance(3 * 3600)
    found = data_check.bars(settled.context(), {})
    assert found.verdict is Verdict.WARNING
    assert found.value.startswith("M5 bars of 1 symbol lag behind an open market: EURUSD ")


def test_what_was_missed_while_away_may_still_be_fetched(settled: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    store(settled, settled.clock.now() - timedelta(hours=9))
    monkeypatch.setattr(data_check, "process_start", lambda: settled.clock.now().timestamp() - 5)
    found = data_check.bars(settled.context(), {})
    assert (found.verdict, found.judged) == (Verdict.OK, False)
    assert found.value.endswith("Metronome began only just now")


def test_nothing_collected_is_not_judged(settled: Bench) -> None:
    assert not data_check.bars(settled.context(), {}).judged
    bars_file(settled.paths.bars, "EURUSD", "M5").parent.mkdir(parents=True, exist_ok=True)
    bars_file(settled.paths.bars, "EURUSD", "M5").write_bytes(b"\x00\xff" * 4000)  # the collection tells
    assert not data_check.bars(settled.context(), {}).judged


def test_on_monday_the_first_long_bar_may_still_form(settled: Bench) -> None:
    settled.market(timeframes=("D1", "H4"))
    store(settled, datetime.fromisoformat("2025-06-06T17:00:00+00:00"), "H4")
    for moment, verdict in (("2025-06-09T00:30:00+00:00", Verdict.OK), ("2025-06-09T03:00:00+00:00", Verdict.WARNING)):
        settled.clock.advance((datetime.fromisoformat(moment) - settled.clock.now()).total_seconds())
        assert data_check.bars(settled.context(), {}).verdict is verdict
    settled.market(timeframes=("W1", "MN1"))
    assert not data_check.bars(settled.context(), {}).judged
