"""A replayed file keeps the clock that its weekends show; damaged prices stay out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.clock import FakeClock
from app.errors import UserAction
from app.settings import TerminalSettings
from app.terminal.bars_csv import BadBarsFile, read_bars
from app.terminal.server_time import NEW_YORK, ServerTimeRule
from app.terminal.setup import rehearsal_start
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.replay import ReplaySeries

SERVER = ServerTimeRule(NEW_YORK)
HOUR = 3600


def weeks_of_utc(path: Path, *, zone: str = "UTC", weeks: int = 3) -> Path:
    """Hours of three weeks, as a file on this clock would have them."""
    rule = ServerTimeRule(zone)
    sunday = datetime(2025, 6, 1, 21, tzinfo=UTC)
    lines = ["time,open,high,low,close,tick_volume,spread,real_volume"]
    for week in range(weeks):
        for hour in range(120):
            moment = sunday + timedelta(weeks=week, hours=hour)
            stamp = datetime.fromtimestamp(rule.to_server(moment), UTC)
            price = 1.1 + hour / 10_000
            lines.append(
                f"{stamp:%Y.%m.%d %H:%M},{price:.5f},{price + 0.001:.5f},{price - 0.001:.5f},{price:.5f},9,1,0"
            )
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("zone", ["UTC", "UTC-5", "GMT+2/+3 New York", "UTC+8"])
def test_the_replay_reads_the_clock_of_a_file_from_its_weekends(tmp_path: Path, zone: str) -> None:
    series = ReplaySeries(weeks_of_utc(tmp_path / "EURUSD.csv", zone=zone), SERVER)
    assert SERVER.to_utc(series.first) == datetime(2025, 6, 1, 21, tzinfo=UTC)
    (note,) = series.notes
    assert f"are on {ServerTimeRule(zone).name}" in note or "UTC-4" in note


def test_a_named_clock_is_obeyed(tmp_path: Path) -> None:
    file = weeks_of_utc(tmp_path / "EURUSD.csv")
    series = ReplaySeries(file, SERVER, clock="UTC+1")
    assert SERVER.to_utc(series.first) == datetime(2025, 6, 1, 20, tzinfo=UTC)
    assert "replay_clock" in series.notes[0]
    with pytest.raises(UserAction, match="replay_clock"):
        ReplaySeries(file, SERVER, clock="Mars")


def test_a_file_that_tells_no_clock_is_on_the_servers(tmp_path: Path) -> None:
    series = ReplaySeries(weeks_of_utc(tmp_path / "EURUSD.csv", weeks=1), SERVER)
    assert datetime.fromtimestamp(series.first, UTC) == datetime(2025, 6, 1, 21, tzinfo=UTC)
    assert "taken for the server's" in series.notes[0]


@pytest.mark.allow_warnings("rows of")
def test_real_files_in_utc_are_replayed_in_utc(shared: Path) -> None:
    for name in ("mt5/EURUSD_M1_tab_10k.csv", "pypi_backtesting/EURUSD.csv"):
        file = shared / "data" / "bars" / name
        stamped = int(read_bars(file, leave_out=True).rates["time"][-1])
        series = ReplaySeries(file, SERVER)
        assert SERVER.to_utc(series.last).timestamp() == stamped
        assert any("on UTC, told from" in note for note in series.notes)
        assert series._rates["high"].max() < 2
        settings = TerminalSettings(simulated={"replay": {"EURUSD": str(file)}})
        start = rehearsal_start(settings)
        assert start is not None
        assert (start.weekday(), start.hour) == (2, 12)


@pytest.mark.allow_warnings("rows of")
def test_the_present_of_a_replay_in_utc_is_the_present(shared: Path) -> None:
    file = shared / "data" / "bars" / "mt5" / "EURUSD_M1_tab_10k.csv"
    start = rehearsal_start(TerminalSettings(simulated={"replay": {"EURUSD": str(file)}}))
    assert start is not None
    terminal = SimulatedTerminal(FakeClock(start), replay={"EURUSD": file})
    assert terminal.initialize()
    tick = terminal.symbol_info_tick("EURUSD")
    rates = terminal.copy_rates_from_pos("EURUSD", 1, 0, 2)
    assert tick is not None
    assert rates is not None
    assert 0 <= (start - SERVER.to_utc(tick.time)).total_seconds() < 180
    raw = read_bars(file, leave_out=True).rates
    at = int(np.searchsorted(raw["time"], SERVER.to_utc(int(rates["time"][0])).timestamp()))
    assert raw["open"][at] == rates["open"][0]


def bars_file(path: Path, closes: list[float], **odd: Any) -> Path:
    start = datetime(2025, 6, 2, tzinfo=UTC)
    lines = ["time,open,high,low,close"]
    for place, close in enumerate(closes):
        lines.append(
            f"{start + timedelta(minutes=place):%Y-%m-%d %H:%M},{close},{close * 1.001},{close * 0.999},{close}"
        )
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_bars_that_lost_their_decimal_points_are_left_out_with_their_lines(tmp_path: Path) -> None:
    closes = [1.05] * 400
    closes[40] = 1056.0
    closes[100:103] = [1057.0, 1057.5, 1058.0]
    closes[200] = 0.105
    file = read_bars(bars_file(tmp_path / "EURUSD.csv", closes), leave_out=True)
    assert (file.left_out, len(file.rates), float(file.rates["close"].max())) == (5, 395, 1.05)
    (note,) = file.notes
    assert "line 42" in note
    for line in (102, 103, 104, 202):
        assert str(line) in note
    with pytest.raises(BadBarsFile, match=r"damaged in line 42: .*5 times"):
        read_bars(tmp_path / "EURUSD.csv")


def test_prices_that_lie_apart_within_a_bar_are_left_out(tmp_path: Path) -> None:
    path = bars_file(tmp_path / "EURUSD.csv", [1.05] * 100)
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[50] = lines[50].split(",")[0] + ",1056,1057,1.05,1.05"
    path.write_text("\n".join(lines), encoding="utf-8")
    file = read_bars(path, leave_out=True)
    assert (file.left_out, float(file.rates["high"].max()) < 2) == (1, True)
    assert "line 51" in file.notes[0]


def test_a_move_that_stays_is_no_damage(tmp_path: Path) -> None:
    closes = [1.0] * 200 + [8.0] * 200 + [60.0] * 200
    assert read_bars(bars_file(tmp_path / "X.csv", closes), leave_out=True).left_out == 0


def test_damage_at_the_ends_is_left_out_too(tmp_path: Path) -> None:
    closes = [1056.0, 1057.0] + [1.05] * 300 + [1055.0]
    assert read_bars(bars_file(tmp_path / "X.csv", closes), leave_out=True).left_out == 3


@pytest.mark.allow_warnings("may be points")
def test_a_file_in_points_is_told(shared: Path) -> None:
    terminal = SimulatedTerminal(
        FakeClock(datetime(2016, 6, 1, 12, tzinfo=UTC)),
        replay={"XAUUSD": shared / "data" / "bars" / "ejtrader" / "XAUUSDh1.csv"},
    )
    assert terminal.initialize()
    assert terminal.symbol_info("XAUUSD") is not None
    assert "they may be points, not prices" in terminal.note()
