"""One pass over the watch list, on real files."""

from __future__ import annotations

import csv
import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_terminal import Bench, make_rates

from app.errors import Blocked, Cancelled, NothingToDo, Retryable, UserAction
from app.files import StorageError
from app.settings import SimulatedSettings
from app.terminal.symbols import SymbolBook
from app.terminal.values import DayFigures
from workers.data_tasks import CollectParams, CollectResult, collect_market_data
from workers.market.bar_source import Source


def collect(bench: Bench, *symbols: str) -> tuple[CollectResult, Any]:
    """A pass, with its context."""
    ctx = bench.context("collect_market_data")
    return collect_market_data(ctx, CollectParams(symbols=symbols or None)), ctx


def stored_quotes(bench: Bench, symbol: str = "EURUSD", day: str = "20250603") -> list[dict[str, Any]]:
    text = (bench.paths.market_data / f"{symbol}_{day}.json").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = json.loads(text)["entries"]
    return entries


def stored_bars(bench: Bench, symbol: str = "EURUSD") -> list[dict[str, str]]:
    with (bench.paths.bars / f"{symbol}_M5.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_first_pass_stores_quote_and_closed_bars(bench: Bench) -> None:
    bench.terminal.quote("EURUSD", 1.1, 1.10012, age_s=2.5)
    bench.terminal.days["EURUSD"] = DayFigures(1.12, 1.09, None, None, -0.25)
    result, ctx = collect(bench)
    (quote,) = stored_quotes(bench)
    assert quote == {
        "time": "2025-06-03T12:00:00.000Z",
        "tick_time": "2025-06-03T11:59:57.500Z",
        "age_s": 2.5,
        "bid": 1.1,
        "ask": 1.10012,
        "spread": 0.00012,
        "spread_points": 12.0,
        "volume": 3.0,
        "day_high": 1.12,
        "day_low": 1.09,
        "day_volume": None,
        "day_ticks": None,
        "day_change_percent": -0.25,
        "fresh": True,
        "quality": "fresh",
    }
    bars = stored_bars(bench)
    assert len(bars) == result.bars_appended == 100
    # 12:00 still forms; the newest stored bar opened at 11:55.
    assert bars[-1]["time"] == "2025-06-03T11:55:00Z"
    assert bars[-1]["close"] == f"{bench.terminal.history['EURUSD', 'M5']['close'][-2]:.5f}"
    assert ctx.files == [
        "data/cache/market_data/EURUSD_20250603.json",
        "data/bars/EURUSD_M5.csv",
        "data/cache/data_grades.json",
    ]
    assert result.grades == {"EURUSD M5": "A"}
    assert ctx.warnings == []
    assert result.summary() == "1 symbol, 100 bars added"


def test_second_pass_adds_nothing_and_asks_for_no_bars(bench: Bench) -> None:
    collect(bench)
    before = (bench.paths.bars / "EURUSD_M5.csv").read_bytes()
    bench.terminal.calls.clear()
    result, ctx = collect(bench)
    assert (result.bars_appended, result.summary()) == (0, "1 symbol, no new bars")
    assert (bench.paths.bars / "EURUSD_M5.csv").read_bytes() == before
    assert bench.terminal.calls == ["snapshot", "rates"]  # the quote, and the ticks of the day
    assert len(stored_quotes(bench)) == 2
    assert "data/bars/EURUSD_M5.csv" not in ctx.files


def test_bars_missed_while_away_are_back_filled(bench: Bench) -> None:
    bench.clock.advance(-7200)
    bench.terminal.quote("EURUSD", 1.1, 1.1001)
    collect(bench)
    bench.clock.advance(7200)
    bench.terminal.quote("EURUSD", 1.1, 1.1001)
    result, _ = collect(bench)
    times = [datetime.fromisoformat(bar["time"]) for bar in stored_bars(bench)]
    assert {later - earlier for earlier, later in itertools.pairwise(times)} == {timedelta(minutes=5)}
    assert (result.bars_appended, result.bars_healed) == (24, 21)
    assert result.summary() == "1 symbol, 24 bars added (21 back-filled)"


@pytest.mark.allow_warnings("was torn by an interrupted write")
def test_torn_last_line_is_healed(bench: Bench) -> None:
    collect(bench)
    path = bench.paths.bars / "EURUSD_M5.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    result, _ = collect(bench)
    assert result.bars_appended == 1
    assert path.read_bytes() == whole


@pytest.mark.allow_warnings("The quote of EURUSD is")
@pytest.mark.parametrize(
    ("bid", "ask", "age_s", "quality", "warns"),
    [
        (1.1, 1.1001, 301.0, "stale", True),
        (1.1, 1.1001, 300.0, "fresh", False),
        (0.0, 1.1001, 1.0, "zero", True),
        (1.1, 0.0, 1.0, "zero", True),
        (float("nan"), 1.1, 1.0, "zero", True),
        (1.1002, 1.1001, 1.0, "crossed", True),
        (1.1, 1.1001, -3600.0, "ahead", True),
    ],
)
def test_quote_that_is_not_the_present_price_is_marked(
    bench: Bench, bid: float, ask: float, age_s: float, quality: str, warns: bool
) -> None:
    bench.terminal.quote("EURUSD", bid, ask, age_s)
    result, ctx = collect(bench)
    (stored,) = stored_quotes(bench)
    assert (stored["quality"], stored["fresh"]) == (quality, quality == "fresh")
    assert result.qualities == {"EURUSD": quality}
    assert bool(ctx.warnings) is warns


@pytest.mark.allow_warnings
def test_one_bad_symbol_never_costs_the_others(bench: Bench) -> None:
    bench.terminal.add("GBPUSD", make_rates(1.3 + np.arange(50) * 1e-5, bench.clock.now() - timedelta(hours=4)))
    bench.terminal.errors["GBPUSD"] = Retryable("The terminal did not answer.")
    bench.market(watch_list=("NOSUCH", "EURUSD", "GBPUSD"))
    result, ctx = collect(bench)
    assert (result.symbols, result.collected, result.fresh, result.failed) == (3, 1, 1, ("NOSUCH", "GBPUSD"))
    assert "NOSUCH was not collected: The terminal has no symbol 'NOSUCH'." in ctx.warnings[0]
    assert "Market Watch" in ctx.warnings[0]
    assert result.summary() == "3 symbols, 2 failed, 100 bars added"


def test_all_symbols_failing_is_the_error(bench: Bench) -> None:
    bench.terminal.errors["EURUSD"] = Retryable("The terminal did not answer.")
    bench.terminal.errors["GBPUSD"] = Retryable("The terminal did not answer.")
    bench.market(watch_list=("EURUSD", "GBPUSD"))
    with pytest.raises(Retryable, match="None of 2 symbols could be collected; EURUSD: The terminal did not answer"):
        collect(bench)


def test_unknown_symbol_asked_for_is_for_the_user(bench: Bench) -> None:
    with pytest.raises(UserAction, match="no symbol 'EURUSX'") as caught:
        collect(bench, "EURUSX")
    assert "EURUSD" in caught.value.advice


def test_empty_watch_list_is_nothing_to_do(bench: Bench) -> None:
    bench.market(watch_list=())
    with pytest.raises(NothingToDo, match="watch list is empty"):
        collect(bench)


def test_terminal_away_is_blocked(bench: Bench) -> None:
    bench.terminal.connected = False
    with pytest.raises(Blocked):
        collect(bench)


def test_disk_trouble_is_not_a_trouble_of_a_symbol(bench: Bench) -> None:
    bench.paths.bars.rmdir()
    bench.paths.bars.write_text("a file in the place of the folder", encoding="utf-8")
    with pytest.raises(StorageError):
        collect(bench)


def test_cancelled_between_symbols(bench: Bench) -> None:
    bench.cancel.set()
    with pytest.raises(Cancelled):
        collect(bench)
    assert list(bench.paths.market_data.iterdir()) == []


@pytest.mark.allow_warnings
def test_broken_bars_are_left_out_and_told(bench: Bench) -> None:
    bench.terminal.history["EURUSD", "M5"]["high"][-3] = 0.5
    result, ctx = collect(bench)
    assert (result.bars_appended, result.bars_rejected) == (99, 1)
    assert "1 bars of EURUSD have impossible prices" in ctx.warnings[0]


@pytest.mark.allow_warnings
def test_foreign_file_in_the_place_of_the_history(bench: Bench) -> None:
    (bench.paths.bars / "EURUSD_M5.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UserAction, match="is a bar") as caught:
        collect(bench)
    assert "Move the file away" in caught.value.advice


def test_names_of_brokers_become_names_of_files(bench: Bench) -> None:
    bench.terminal.add("US500/USD", make_rates(np.full(20, 5000.0), datetime(2025, 6, 3, 10, 0, tzinfo=UTC)))
    collect(bench, "US500/USD")
    assert (bench.paths.bars / "US500%2FUSD_M5.csv").is_file()


def test_real_bars_survive_the_way_into_the_history(bench: Bench, shared: Path) -> None:
    from app.terminal.bars_csv import read_bars

    rates = read_bars(shared / "data/bars/mt5/EURUSD_M5_2025_fullyear.csv").rates
    bench.terminal.history["EURUSD", "M5"] = rates
    bench.market(history_bars=500)
    collect(bench)
    for _ in range(5):
        bench.clock.advance(300)
        bench.terminal.quote("EURUSD", 1.1, 1.1001)
        collect(bench)
    stored = stored_bars(bench)
    until = int(bench.clock.now().timestamp()) - 300
    expected = rates[rates["time"] <= until][-len(stored) :]
    assert [int(datetime.fromisoformat(bar["time"]).timestamp()) for bar in stored] == expected["time"].tolist()
    assert [float(bar["close"]) for bar in stored] == [round(value, 5) for value in expected["close"].tolist()]
    assert len(stored) == 505


def source_of(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bench.paths.bars / "EURUSD_M5.source.json").read_text(encoding="utf-8"))
    return found


def test_history_says_where_its_bars_come_from(bench: Bench) -> None:
    bench.terminal.server, bench.terminal.simulated = "Metronome-Simulated", True
    collect(bench)
    assert source_of(bench) == {
        "schema": 1,
        "server": "Metronome-Simulated",
        "simulated": True,
        "seed": 1,
        "replay": "",
        "symbol": "",
        "clock": "GMT+2/+3 New York",
    }


@pytest.mark.allow_warnings("EURUSD_M5.csv")
def test_real_bars_are_never_appended_to_simulated_ones(bench: Bench) -> None:
    bench.terminal.simulated = True
    collect(bench)
    generated = (bench.paths.bars / "EURUSD_M5.csv").read_bytes()
    bench.terminal.simulated, bench.terminal.server = False, "Broker/Live"
    bench.clock.advance(240)
    result, ctx = collect(bench)
    assert (result.bars_appended, result.failed) == (100, ())
    kept = "EURUSD_M5.simulated-20250603T120400Z"
    assert (bench.paths.bars / f"{kept}.csv").read_bytes() == generated
    assert json.loads((bench.paths.bars / f"{kept}.source.json").read_text(encoding="utf-8"))["simulated"] is True
    assert len(stored_bars(bench)) == 100
    assert (source_of(bench)["server"], source_of(bench)["simulated"]) == ("Broker/Live", False)
    (warning,) = ctx.warnings
    assert f"the simulated market with seed 1, the terminal now shows Broker/Live. They were kept as {kept}" in warning
    assert collect(bench)[1].warnings == []


@pytest.mark.allow_warnings("EURUSD_M5.csv")
def test_histories_moved_in_the_same_second_do_not_overwrite_each_other(bench: Bench) -> None:
    for server in ("A", "B", "A", "B"):
        bench.terminal.server = server
        collect(bench)
    names = sorted(path.name for path in bench.paths.bars.glob("EURUSD_M5.*-*.csv"))
    stamp = "20250603T120000Z"
    assert names == [f"EURUSD_M5.A-{stamp}-2.csv", f"EURUSD_M5.A-{stamp}.csv", f"EURUSD_M5.B-{stamp}.csv"]


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (Source("S", True, 1), Source("S", True, 2), True),
        (Source("S", True, 1), Source("S", True, replay="a.csv"), True),
        (Source("S", True, replay="a.csv"), Source("S", True, replay="b.csv"), True),
        (Source("S", True, 1), Source("S", True, 1), False),
        (Source("A"), Source("B"), True),
        (Source("A"), Source(""), False),
        (Source("A"), Source("A", True, 1), True),
    ],
)
def test_which_sources_may_share_a_history(one: Source, other: Source, differs: bool) -> None:
    assert (one.differs(other), other.differs(one)) == (differs, differs)


def test_replay_is_named_whatever_the_suffix(bench: Bench) -> None:
    simulated = SimulatedSettings(replay={"EURUSD": "some/where/eur.csv"}, suffix=".a")
    bench.settings = bench.settings.model_copy(
        update={"terminal": bench.settings.terminal.model_copy(update={"simulated": simulated})}
    )
    bench.terminal.simulated = True
    found = Source.present(bench.context(), "EURUSD.a")
    assert (found.replay, found.seed) == ("eur.csv", None)
    assert Source.present(bench.context(), "XAUUSD.a").seed == 1


def test_history_without_a_noted_source_is_adopted(bench: Bench) -> None:
    bench.terminal.server = "Broker"
    collect(bench)
    (bench.paths.bars / "EURUSD_M5.source.json").unlink()
    bench.clock.advance(300)
    bench.terminal.quote("EURUSD", 1.1, 1.1001)
    result, ctx = collect(bench)
    assert (result.bars_appended, ctx.warnings) == (1, [])
    assert source_of(bench)["server"] == "Broker"
    assert len(stored_bars(bench)) == 101


@pytest.mark.allow_warnings("EURUSD_M5.csv is damaged")
@pytest.mark.parametrize("noted", [True, False])
def test_damaged_history_of_ours_is_kept_aside_and_begun_anew(bench: Bench, noted: bool) -> None:
    collect(bench)
    path = bench.paths.bars / "EURUSD_M5.csv"
    damaged = path.read_bytes().splitlines(keepends=True)[0] + b"x,y\n" * 3000
    path.write_bytes(damaged)
    if not noted:
        (bench.paths.bars / "EURUSD_M5.source.json").unlink()
    result, ctx = collect(bench)
    assert (result.bars_appended, result.failed) == (100, ())
    (aside,) = bench.paths.bars.glob("EURUSD_M5.csv.damaged-*")
    assert aside.read_bytes() == damaged
    assert aside.name in ctx.warnings[0]
    assert len(stored_bars(bench)) == 100
    assert collect(bench)[1].warnings == []


@pytest.mark.allow_warnings("EURUSD was not collected")
def test_a_likely_symbol_is_not_collected_before_it_is_confirmed(bench: Bench) -> None:
    history = bench.terminal.history["EURUSD", "M5"]
    del bench.terminal.symbols["EURUSD"]
    bench.terminal.server = "Broker"
    bench.terminal.add("EURUSDm", history)
    bench.terminal.add("XAUUSD", history)
    bench.market(watch_list=("EURUSD", "XAUUSD"))
    result, ctx = collect(bench)
    assert (result.failed, result.names) == (("EURUSD",), {})
    assert "python main.py symbols confirm EURUSD EURUSDm" in ctx.warnings[0]
    SymbolBook(bench.storage, bench.clock).confirm("Broker", "EURUSD", "EURUSDm")
    result, ctx = collect(bench)
    assert (result.failed, result.names, ctx.warnings) == ((), {"EURUSD": "EURUSDm"}, [])
    # Files keep the user's name; the side file says whose bars they are.
    assert {path.name for path in bench.paths.bars.glob("EURUSD*")} == {"EURUSD_M5.csv", "EURUSD_M5.source.json"}
    assert source_of(bench)["symbol"] == "EURUSDm"


@pytest.mark.allow_warnings("although its market is open")
def test_a_bar_in_which_the_feed_stopped_is_not_stored_as_closed(bench: Bench) -> None:
    bench.terminal.history["EURUSD", "M5"] = bench.terminal.history["EURUSD", "M5"][:-2]
    bench.terminal.quote("EURUSD", 1.1, 1.1001, age_s=400)  # 11:53:20, in the bar of 11:50
    collect(bench)
    assert stored_bars(bench)[-1]["time"] == "2025-06-03T11:45:00Z"
    bench.terminal.quote("EURUSD", 1.1, 1.1001)
    collect(bench)
    assert stored_bars(bench)[-1]["time"] == "2025-06-03T11:50:00Z"


@pytest.mark.allow_warnings
def test_a_history_that_cannot_be_read_costs_its_own_symbol_only(bench: Bench) -> None:
    bench.terminal.add("GBPUSD", make_rates(1.3 + np.arange(50) * 1e-5, bench.clock.now() - timedelta(hours=4)))
    (bench.paths.bars / "EURUSD_M5.csv").mkdir(parents=True)
    result, ctx = collect(bench, "EURUSD", "GBPUSD")
    assert (result.failed, result.collected) == (("EURUSD",), 1)
    assert any("EURUSD_M5.csv" in warning for warning in ctx.warnings)


def test_bars_are_those_of_the_market_of_the_start_whatever_the_settings_say_now(bench: Bench) -> None:
    bench.terminal.simulated = True
    bench.terminal.made_up = SimulatedSettings(seed=7)
    collect(bench)
    side = json.loads((bench.paths.bars / "EURUSD_M5.source.json").read_text(encoding="utf-8"))
    assert (side["simulated"], side["seed"]) == (True, 7)


@pytest.mark.allow_warnings("The quote of EURUSD is zero")
def test_a_symbol_without_any_quote_yet_is_marked_and_its_bars_are_collected(bench: Bench) -> None:
    bench.terminal.ticks["EURUSD"] = None
    result, ctx = collect(bench)
    (stored,) = stored_quotes(bench)
    assert (stored["quality"], stored["fresh"], stored["bid"], stored["ask"]) == ("zero", False, 0.0, 0.0)
    assert (stored["tick_time"], stored["age_s"], stored["spread"]) == (None, None, None)
    assert (result.qualities, result.fresh, result.invalid, result.failed) == ({"EURUSD": "zero"}, 0, 1, ())
    assert len(stored_bars(bench)) == result.bars_appended == 100
    assert "Market Watch" in ctx.warnings[0]


@pytest.mark.allow_warnings("bars of EURUSD were not collected")
def test_bars_that_still_load_do_not_cost_the_quote(bench: Bench) -> None:
    bench.terminal.bar_errors["EURUSD"] = Retryable("The history loads.", advice="Wait.")
    result, ctx = collect(bench)
    assert (result.qualities, result.failed, result.bars_appended) == ({"EURUSD": "fresh"}, (), 0)
    assert len(stored_quotes(bench)) == 1
    assert ctx.warnings == [
        "The M5 bars of EURUSD were not collected, the next pass asks again: The history loads. Wait."
    ]
    bench.terminal.bar_errors.clear()
    assert collect(bench)[0].bars_appended == 100
