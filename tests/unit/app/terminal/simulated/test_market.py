from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from app.clock import FakeClock
from app.terminal.bars_csv import BadBarsFile, read_bars
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.symbols import CATALOGUE
from app.terminal.timeframes import TIMEFRAMES, bar_starts
from app.terminal.values import Rates

WEDNESDAY = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)
FIELDS = ["time", "open", "high", "low", "close", "tick_volume"]


def opened(clock: FakeClock, replay: dict[str, Path] | None = None, seed: int = 1) -> SimulatedTerminal:
    terminal = SimulatedTerminal(clock, seed=seed, replay=replay)
    assert terminal.initialize()
    return terminal


def bars(terminal: SimulatedTerminal, symbol: str, frame: str, count: int, start: int = 0) -> Rates:
    rates = terminal.copy_rates_from_pos(symbol, TIMEFRAMES[frame].constant, start, count)
    assert rates is not None, terminal.last_error()
    return rates


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    one, same, other = (bars(opened(FakeClock(WEDNESDAY), seed=s), "EURUSD", "M5", 500) for s in (7, 7, 8))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


def test_the_past_does_not_depend_on_the_present() -> None:
    clock = FakeClock(WEDNESDAY)
    terminal = opened(clock)
    before = bars(terminal, "XAUUSD", "M1", 300, start=1)
    clock.advance(3600)
    assert bars(terminal, "XAUUSD", "M1", 300, start=61).tobytes() == before.tobytes()


@pytest.mark.parametrize("symbol", [spec.name for spec in CATALOGUE])
def test_generated_bars_are_possible_and_the_tick_agrees(symbol: str) -> None:
    terminal = opened(FakeClock(WEDNESDAY))
    terminal.symbol_select(symbol)
    minutes = bars(terminal, symbol, "M1", 3000)
    assert len(minutes) == 3000
    assert np.all(minutes["high"] >= np.maximum(minutes["open"], minutes["close"]))
    assert np.all(minutes["low"] <= np.minimum(minutes["open"], minutes["close"]))
    assert np.all(minutes["low"] > 0)
    assert np.all(np.diff(minutes["time"]) > 0)
    tick, info = terminal.symbol_info_tick(symbol), terminal.symbol_info(symbol)
    assert tick is not None
    assert info is not None
    newest = minutes[-1]
    assert tick.bid == newest["close"] == info.bid
    assert round((tick.ask - tick.bid) / info.point) == newest["spread"] == info.spread
    assert newest["low"] <= tick.bid <= newest["high"]
    assert 0 <= WEDNESDAY.timestamp() + 2 * 3600 - tick.time_msc / 1000 < 2


@pytest.mark.parametrize("frame", list(TIMEFRAMES))
@pytest.mark.parametrize("symbol", ["EURUSD", "BTCUSD"])
def test_every_timeframe_is_the_sum_of_its_minutes(symbol: str, frame: str) -> None:
    terminal = opened(FakeClock(WEDNESDAY))
    minutes = bars(terminal, symbol, "M1", 60_000)
    seconds = TIMEFRAMES[frame].seconds
    larger = bars(terminal, symbol, frame, 4)
    starts = bar_starts(minutes["time"], seconds)
    compared = 0
    for bar in larger:
        part = minutes[starts == bar["time"]]
        if bar["time"] < minutes["time"][0] or not len(part):
            continue
        assert (bar["open"], bar["close"]) == (part["open"][0], part["close"][-1])
        assert (bar["high"], bar["low"]) == (part["high"].max(), part["low"].min())
        assert (bar["tick_volume"], bar["spread"]) == (part["tick_volume"].sum(), part["spread"].min())
        compared += 1
    assert compared >= 1


def test_crosses_agree_with_their_majors() -> None:
    terminal = opened(FakeClock(WEDNESDAY))
    euro, dollar, cross = (bars(terminal, s, "H1", 100, 1)["close"] for s in ("EURUSD", "USDJPY", "EURJPY"))
    assert np.allclose(euro * dollar, cross, rtol=1e-5)


def test_weekends_are_closed_for_forex_and_open_for_crypto() -> None:
    saturday = datetime(2025, 11, 22, 12, 0, tzinfo=UTC)
    terminal = opened(FakeClock(saturday))
    terminal.symbol_select("BTCUSD")
    euro, bitcoin = terminal.symbol_info_tick("EURUSD"), terminal.symbol_info_tick("BTCUSD")
    assert euro is not None
    assert bitcoin is not None
    assert datetime.fromtimestamp(euro.time, UTC).strftime("%a %H:%M") == "Fri 23:59"
    assert saturday.timestamp() + 7200 - bitcoin.time < 60
    days = bars(terminal, "EURUSD", "D1", 300)["time"]
    assert {datetime.fromtimestamp(int(day), UTC).weekday() for day in days} == {0, 1, 2, 3, 4}


def test_a_minute_unfolds_into_its_bar() -> None:
    clock = FakeClock(WEDNESDAY.replace(second=0))
    terminal = opened(clock)
    seen: list[float] = []
    for _ in range(600):
        tick, bar = terminal.symbol_info_tick("EURUSD"), bars(terminal, "EURUSD", "M1", 1)[0]
        assert tick is not None
        seen.append(tick.bid)
        assert (bar["close"], bar["high"], bar["low"]) == (tick.bid, max(seen), min(seen))
        clock.advance(0.1)
    whole = bars(terminal, "EURUSD", "M1", 1, start=1)[0]
    assert (seen[0], seen[-1], max(seen), min(seen)) == tuple(whole[["open", "close", "high", "low"]])


def test_ways_to_ask_for_bars_agree() -> None:
    terminal = opened(FakeClock(WEDNESDAY))
    for frame in ("M5", "H4", "D1", "W1"):
        constant = TIMEFRAMES[frame].constant
        by_position = bars(terminal, "EURUSD", frame, 20)
        first, last = int(by_position["time"][0]), int(by_position["time"][-1])
        by_range = terminal.copy_rates_range("EURUSD", constant, first, last)
        by_date = terminal.copy_rates_from("EURUSD", constant, last + 1, 20)
        assert by_range is not None
        assert by_date is not None
        assert by_range.tobytes() == by_position.tobytes() == by_date.tobytes()
        older = terminal.copy_rates_from("EURUSD", constant, last - 1, 5)
        assert older is not None
        assert older.tobytes() == by_position[-6:-1].tobytes()


def test_what_is_given_can_be_written_to_without_harm() -> None:
    terminal = opened(FakeClock(WEDNESDAY))
    before = bars(terminal, "EURUSD", "M1", 3)
    copy = before.copy()
    before["close"] = 0
    assert bars(terminal, "EURUSD", "M1", 3).tobytes() == copy.tobytes()


# Replay.


@pytest.fixture
def year(shared: Path) -> Path:
    return shared / "data" / "bars" / "mt5" / "EURUSD_M5_2025_fullyear.csv"


def test_replayed_hours_are_those_of_the_same_terminal(year: Path) -> None:
    hours = read_bars(year.with_name("EURUSD_H1_2025.csv")).rates
    terminal = opened(FakeClock(datetime(2025, 12, 30, 21, 59, 59, tzinfo=UTC)), {"EURUSD": year})
    replayed = bars(terminal, "EURUSD", "H1", 99_999)
    assert replayed[FIELDS][:-1].tolist() == hours[FIELDS][: len(replayed) - 1].tolist()
    assert len(replayed) > 6_000
    assert replayed["spread"][:-1].tolist() == hours["spread"][: len(replayed) - 1].tolist()


def test_a_replay_stands_where_the_clock_stands(year: Path) -> None:
    file = read_bars(year).rates
    clock = FakeClock(datetime(2025, 6, 3, 12, 2, tzinfo=UTC))
    terminal = opened(clock, {"EURUSD": year})
    row = file[file["time"] == int(datetime(2025, 6, 3, 15, 0, tzinfo=UTC).timestamp())][0]  # summer: GMT+3
    two = bars(terminal, "EURUSD", "M5", 2)
    assert two[-1]["time"] == row["time"]
    assert two[0] == file[int(np.flatnonzero(file["time"] == row["time"])[0]) - 1]
    tick = terminal.symbol_info_tick("EURUSD")
    assert tick is not None
    assert row["low"] <= tick.bid <= row["high"]
    assert 0 < two[-1]["tick_volume"] < row["tick_volume"]
    clock.advance(180)
    assert bars(terminal, "EURUSD", "M5", 1, start=1)[0] == row


def test_a_replay_has_no_smaller_timeframes(year: Path) -> None:
    terminal = opened(FakeClock(datetime(2025, 6, 3, 12, tzinfo=UTC)), {"EURUSD": year})
    assert len(bars(terminal, "EURUSD", "M1", 10)) == 0
    assert len(bars(terminal, "EURUSD", "M12", 10)) == 0
    assert terminal.last_error() == (1, "Success")


def test_after_its_end_a_replay_shows_its_last_bar_at_its_true_time(year: Path) -> None:
    terminal = opened(FakeClock(datetime(2026, 5, 1, 12, tzinfo=UTC)), {"EURUSD": year})
    tick, last = terminal.symbol_info_tick("EURUSD"), read_bars(year).rates[-1]
    assert tick is not None
    assert last["time"] <= tick.time < last["time"] + 300
    assert (tick.bid, bars(terminal, "EURUSD", "M5", 1)[0]) == (last["close"], last)
    assert "ended at 2025-12-30 22:05 UTC" in terminal.note()


def test_a_file_in_utc_is_moved_to_the_servers_clock(tmp_path: Path) -> None:
    path = tmp_path / "SEK.csv"
    path.write_text("time,open,high,low,close\n2025-06-03T12:00:00Z,1.5,2,1,2\n2025-06-03T12:01:00Z,2,2,1,1\n")
    terminal = opened(FakeClock(datetime(2025, 6, 3, 13, tzinfo=UTC)), {"EURSEK": path})
    assert bars(terminal, "EURSEK", "M1", 9)["time"][0] == datetime(2025, 6, 3, 15, tzinfo=UTC).timestamp()
    info = terminal.symbol_info("EURSEK")
    assert info is not None
    assert (info.currency_base, info.currency_profit, info.visible) == ("EUR", "SEK", True)


def test_a_bad_replay_file_is_told_when_its_symbol_is_asked_for(tmp_path: Path) -> None:
    terminal = opened(FakeClock(WEDNESDAY), {"EURUSD": tmp_path / "none.csv"})
    assert terminal.symbol_info_tick("GBPUSD") is not None
    with pytest.raises(BadBarsFile, match=r"none\.csv"):
        terminal.symbol_info_tick("EURUSD")


@pytest.mark.parametrize(
    ("name", "moment", "told"),
    [
        ("mt5/EURUSD_M1_tab_10k.csv", datetime(2024, 11, 20, 12, tzinfo=UTC), "326 rows .* the first in line 107"),
        ("histdata/HISTDATA_COM_ASCII_SPXUSD_M12019.zip", datetime(2019, 11, 6, 12, tzinfo=UTC), "56 rows .* 257572"),
    ],
)
def test_a_replay_does_without_bad_rows_and_says_so(
    shared: Path, caplog: pytest.LogCaptureFixture, name: str, moment: datetime, told: str
) -> None:
    terminal = opened(FakeClock(moment), {"EURUSD": shared / "data" / "bars" / name})
    assert "left out" not in terminal.note()
    assert len(bars(terminal, "EURUSD", "M1", 1000)) == 1000
    assert re.search(told, terminal.note())
    (warning,) = [record for record in caplog.records if "left out" in record.message]
    assert warning.levelname == "WARNING"
    assert re.search(told, warning.message)


def test_a_suffix_is_part_of_every_name() -> None:
    terminal = SimulatedTerminal(FakeClock(WEDNESDAY), suffix=".a")
    terminal.initialize()
    assert terminal.symbol_info("EURUSD") is None
    assert terminal.last_error()[0] == -4
    found = terminal.symbols_get("*.a")
    assert found is not None
    assert len(found) == len(CATALOGUE) == terminal.symbols_total()


def test_an_archive_of_histdata_is_replayed_on_the_servers_clock(shared: Path) -> None:
    file = shared / "data" / "bars" / "histdata" / "HISTDATA_COM_ASCII_EURUSD_M12018.zip"
    raw = read_bars(file).rates
    terminal = opened(FakeClock(datetime(2018, 7, 6, 12, 30, 20, tzinfo=UTC)), {"EURUSD": file})
    # American employment at 8:30 in New York, which is 15:30 on the server's clock in summer.
    row = raw[raw["time"] == int(datetime(2018, 7, 6, 8, 29, tzinfo=UTC).timestamp())][0]
    bar = bars(terminal, "EURUSD", "M1", 1, start=1)[0]
    assert bar["time"] == int(datetime(2018, 7, 6, 15, 29, tzinfo=UTC).timestamp())
    assert tuple(bar[["open", "high", "low", "close"]]) == tuple(row[["open", "high", "low", "close"]])
    tick, info = terminal.symbol_info_tick("EURUSD"), terminal.symbol_info("EURUSD")
    assert tick is not None
    assert info is not None
    assert info.digits == 5
    assert tick.ask > tick.bid, "a file without spreads gets the usual one of the symbol"
    market = terminal._market
    assert market.is_open("EURUSD", market.now_msc())
    assert not market.is_open("EURUSD", int(datetime(2018, 7, 7, 12, tzinfo=UTC).timestamp()) * 1000)
    assert not market.is_open("EURUSD", int(datetime(2019, 7, 8, 12, tzinfo=UTC).timestamp()) * 1000)
    # Every week opens with the server's Monday.
    days = bars(terminal, "EURUSD", "D1", 200)["time"]
    assert {datetime.fromtimestamp(int(day), UTC).weekday() for day in days} == {0, 1, 2, 3, 4}


def test_digits_of_a_replay_are_those_of_its_specification_at_once(tmp_path: Path) -> None:
    path = tmp_path / "XAUUSD.csv"
    path.write_text("time,open,high,low,close\n2025-06-03 12:00,1.5,2,1,1.9999\n2025-06-03 12:01,2,2,1,1.1111\n")
    terminal = opened(FakeClock(datetime(2025, 6, 3, 13, tzinfo=UTC)), {"XAUUSD": path})
    assert terminal._market.spec("XAUUSD").digits == 4


def test_no_more_bars_than_the_chart_holds() -> None:
    terminal = opened(FakeClock(WEDNESDAY))
    info = terminal.terminal_info()
    assert info is not None
    assert len(bars(terminal, "EURUSD", "M1", 250_000)) == info.maxbars == 100_000
    ranged = terminal.copy_rates_range("EURUSD", 1, datetime(2025, 1, 1, tzinfo=UTC), WEDNESDAY)
    assert ranged is not None
    assert len(ranged) == 100_000
    assert len(bars(terminal, "EURUSD", "M1", 10, start=99_995)) == 5
    assert len(bars(terminal, "EURUSD", "M1", 10, start=100_000)) == 0


def test_the_forming_bar_is_at_position_nought() -> None:
    terminal = opened(FakeClock(WEDNESDAY))
    for frame in TIMEFRAMES:
        newest = bars(terminal, "EURUSD", frame, 1)[0]
        tick = terminal.symbol_info_tick("EURUSD")
        assert tick is not None
        assert newest["close"] == tick.bid
        assert newest["time"] == bar_starts(np.array([tick.time]), TIMEFRAMES[frame].seconds)[0]


@pytest.mark.parametrize(("start", "count"), [(-1, 10), (0, -5)])
def test_impossible_positions_are_refused(start: int, count: int) -> None:
    terminal = opened(FakeClock(WEDNESDAY))
    assert terminal.copy_rates_from_pos("EURUSD", 1, start, count) is None
    assert terminal.copy_rates_from_pos("EURUSD", 7, 0, 1) is None
    assert terminal.last_error()[0] == -2
