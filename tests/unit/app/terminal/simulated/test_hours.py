"""When the simulated market trades, and when it is nervous."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from app.clock import FakeClock
from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.holidays import easter
from app.terminal.timeframes import TIMEFRAMES
from app.terminal.values import Rates

NOW = datetime(2025, 12, 31, 12, 0, 30, tzinfo=UTC)


def opened(moment: datetime = NOW, server_time: str = "auto") -> SimulatedTerminal:
    terminal = SimulatedTerminal(FakeClock(moment), server_time=server_time)
    assert terminal.initialize()
    return terminal


def minutes(terminal: SimulatedTerminal, symbol: str, first: datetime, last: datetime) -> Rates:
    rates = terminal.copy_rates_range(symbol, TIMEFRAMES["M1"].constant, first, last)
    assert rates is not None
    return rates


def day(terminal: SimulatedTerminal, symbol: str, *when: int) -> tuple[str, str] | None:
    """First and last minute of a day of the server's clock; None without trading."""
    start = datetime(*when, tzinfo=UTC)  # type: ignore[misc]
    rates = minutes(terminal, symbol, start, start + timedelta(hours=23, minutes=59, seconds=59))
    if not len(rates):
        return None
    first, last = (datetime.fromtimestamp(int(rates["time"][i]), UTC).strftime("%H:%M") for i in (0, -1))
    return first, last


@pytest.mark.parametrize(
    ("symbol", "when", "session"),
    [
        ("EURUSD", (2025, 11, 19), ("00:00", "23:59")),
        ("EURUSD", (2025, 11, 22), None),
        ("EURUSD", (2025, 12, 25), None),
        ("EURUSD", (2025, 1, 1), None),
        ("EURUSD", (2025, 4, 18), ("00:00", "23:59")),  # Good Friday: currencies are traded
        ("XAUUSD", (2025, 11, 19), ("01:00", "23:59")),
        ("XAUUSD", (2025, 4, 18), None),
        ("XAUUSD", (2025, 11, 27), ("01:00", "21:29")),  # Thanksgiving
        ("XAUUSD", (2025, 12, 24), ("01:00", "20:44")),
        ("US500", (2025, 11, 19), ("01:00", "23:59")),
        ("US500", (2025, 7, 4), ("01:00", "19:59")),
        ("US500", (2025, 1, 20), ("01:00", "19:59")),  # Martin Luther King
        ("US500", (2025, 5, 26), ("01:00", "19:59")),  # Memorial Day
        ("US500", (2025, 4, 18), None),
        ("GER40", (2025, 11, 19), ("01:15", "22:59")),
        ("GER40", (2025, 4, 21), None),  # Easter Monday
        ("GER40", (2025, 5, 1), None),
        ("GER40", (2025, 12, 24), None),
        ("GER40", (2025, 7, 4), ("01:15", "22:59")),
        ("BTCUSD", (2025, 11, 22), ("00:00", "23:59")),
        ("BTCUSD", (2025, 12, 25), ("00:00", "23:59")),
    ],
)
def test_sessions_and_holidays(symbol: str, when: tuple[int, ...], session: tuple[str, str] | None) -> None:
    assert day(opened(), symbol, *when) == session


def test_an_index_has_a_break_in_the_evening() -> None:
    rates = minutes(
        opened(), "US500", datetime(2025, 11, 19, 23, tzinfo=UTC), datetime(2025, 11, 19, 23, 45, tzinfo=UTC)
    )
    gap = int(np.argmax(np.diff(rates["time"])))
    assert [datetime.fromtimestamp(int(t), UTC).strftime("%H:%M") for t in rates["time"][gap : gap + 2]] == [
        "23:14",
        "23:30",
    ]


@pytest.mark.parametrize(
    ("year", "sunday"),
    [(1961, (4, 2)), (2000, (4, 23)), (2019, (4, 21)), (2024, (3, 31)), (2025, (4, 20)), (2038, (4, 25))],
)
def test_easter(year: int, sunday: tuple[int, int]) -> None:
    assert easter(year) == date(year, *sunday)


@pytest.mark.parametrize("symbol", ["EURUSD", "XAUUSD", "US500", "GER40", "BTCUSD"])
def test_is_open_says_what_the_bars_show(symbol: str) -> None:
    market = opened()._market
    first = int(datetime(2025, 11, 20, tzinfo=UTC).timestamp())
    rates = minutes(opened(), symbol, datetime(2025, 11, 20, tzinfo=UTC), datetime(2025, 11, 30, tzinfo=UTC))
    traded = set(rates["time"].tolist())
    for moment in range(first, first + 10 * 86_400, 900):
        assert market.is_open(symbol, moment * 1000) == (moment in traded)


# Nervousness.


def test_spreads_widen_at_the_roll_over() -> None:
    rates = minutes(opened(), "EURUSD", datetime(2025, 11, 18, tzinfo=UTC), datetime(2025, 11, 18, 23, 59, tzinfo=UTC))
    midnight, noon, evening = rates["spread"][:60], rates["spread"][720:780], rates["spread"][-10:]
    assert midnight.mean() > 2.5 * noon.mean()
    assert evening.mean() > 1.5 * noon.mean()


@pytest.mark.parametrize(
    ("symbol", "release", "moved"),
    [
        ("EURUSD", datetime(2025, 7, 4, 15, 30, tzinfo=UTC), True),  # first Friday: American employment
        ("GBPJPY", datetime(2025, 7, 4, 15, 30, tzinfo=UTC), True),
        ("EURUSD", datetime(2025, 6, 12, 15, 15, tzinfo=UTC), True),  # the ECB
        ("AUDUSD", datetime(2025, 6, 12, 15, 15, tzinfo=UTC), False),
        ("XAUUSD", datetime(2025, 6, 18, 21, 0, tzinfo=UTC), True),  # the Fed
    ],
)
def test_news_widen_spreads_and_move_prices(symbol: str, release: datetime, moved: bool) -> None:
    rates = minutes(opened(), symbol, release - timedelta(hours=2), release + timedelta(minutes=4))
    before, after = rates[:100], rates[-5:]
    ranges = (rates["high"] - rates["low"]) / rates["close"]
    assert bool(after["spread"].mean() > 2 * before["spread"].mean()) is moved
    assert bool(after["tick_volume"].astype(float).mean() > 2 * before["tick_volume"].astype(float).mean()) is moved
    assert bool(ranges[-5:].mean() > 1.4 * ranges[:100].mean()) is moved


# Other clocks of the server.


@pytest.mark.parametrize(
    "rule", ["GMT+2/+3 Europe", "UTC", "UTC+3", "UTC-5", "GMT+5:30", "Europe/Athens", "Asia/Tokyo", "America/New_York"]
)
@pytest.mark.parametrize("symbol", ["EURUSD", "GER40", "BTCUSD"])
def test_another_clock_shows_the_same_market(rule: str, symbol: str) -> None:
    """Over both weeks in which the clocks of Europe and America disagree."""
    usual, other = ServerTimeRule("auto"), ServerTimeRule(rule)
    first, last = datetime(2025, 10, 20, tzinfo=UTC), datetime(2025, 11, 12, tzinfo=UTC)
    bars = {
        name: minutes(opened(server_time=name), symbol, first - timedelta(days=2), last + timedelta(days=2))
        for name in ("auto", rule)
    }
    times = {name: ServerTimeRule(name).times_to_utc(found["time"]) for name, found in bars.items()}
    assert np.all(np.diff(bars[rule]["time"]) > 0)
    shared, mine, theirs = np.intersect1d(times["auto"], times[rule], return_indices=True)
    within = (shared >= first.timestamp()) & (shared < last.timestamp())
    # At most the hour that a clock repeats is told by one of them only.
    for found in times.values():
        inside = found[(found >= first.timestamp()) & (found < last.timestamp())]
        assert len(inside) - np.count_nonzero(within) in (0, 60)
    for field in ("open", "high", "low", "close", "tick_volume", "spread"):
        assert np.array_equal(bars["auto"][field][mine], bars[rule][field][theirs])
    assert usual.name != other.name


def test_a_quote_is_stamped_with_the_clock_of_the_server() -> None:
    for rule, hours in (("auto", 2), ("UTC", 0), ("Asia/Tokyo", 9), ("UTC-5", -5)):
        tick = opened(server_time=rule).symbol_info_tick("EURUSD")
        assert tick is not None
        assert 0 <= NOW.timestamp() + hours * 3600 - tick.time_msc / 1000 < 5


@pytest.mark.parametrize("rule", ["UTC", "GMT+2/+3 Europe", "auto"])
def test_the_week_opens_with_new_york(rule: str) -> None:
    for sunday in (datetime(2025, 7, 6, tzinfo=UTC), datetime(2025, 11, 9, tzinfo=UTC)):
        server = ServerTimeRule(rule)
        opening = sunday + timedelta(hours=21 if sunday.month == 7 else 22)
        rates = minutes(opened(server_time=rule), "EURUSD", sunday - timedelta(hours=12), sunday + timedelta(hours=48))
        assert int(rates["time"][0]) == server.to_server(opening)


# Determinism.


def test_the_market_is_the_same_on_every_machine() -> None:
    """Digests of a week of bars, taken once: they hold for every processor, system and version of numpy."""
    terminal = opened()
    found = {}
    for symbol in ("EURUSD", "GBPJPY", "XAUUSD", "US30", "GER40", "BTCUSD"):
        rates = minutes(terminal, symbol, datetime(2025, 6, 2, tzinfo=UTC), datetime(2025, 6, 9, tzinfo=UTC))
        terminal.symbol_select(symbol)
        ticks = terminal.copy_ticks_from(symbol, datetime(2025, 6, 2, tzinfo=UTC), 5000, -1)
        assert ticks is not None
        found[symbol] = hashlib.sha256(rates.tobytes() + ticks.tobytes()).hexdigest()[:16]
    assert found == DIGESTS


DIGESTS = {
    "EURUSD": "d9f72a2931e6ae94",
    "GBPJPY": "247615200c5488b4",
    "XAUUSD": "aea6785092bcbd44",
    "US30": "6bbda36dbbda22ac",
    "GER40": "7ae7f4e36c84e2b8",
    "BTCUSD": "e745aee29391b4b2",
}
