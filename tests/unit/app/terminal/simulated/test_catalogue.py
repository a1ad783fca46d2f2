"""Which symbols there are, how they are specified, and how many there can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from app.clock import FakeClock
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.symbols import CATALOGUE, FILL_BOC, FILL_FOK, FILL_IOC
from app.terminal.timeframes import TIMEFRAMES

NOW = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)


def opened(**kwargs: Any) -> SimulatedTerminal:
    terminal = SimulatedTerminal(FakeClock(NOW), **kwargs)
    assert terminal.initialize()
    return terminal


def info(terminal: SimulatedTerminal, name: str) -> Any:
    found = terminal.symbol_info(name)
    assert found is not None, (name, terminal.last_error())
    return found


def test_there_are_majors_crosses_metals_indices_and_crypto() -> None:
    groups = {spec.group for spec in CATALOGUE}
    assert {"Forex\\Majors", "Forex\\Crosses", "Metals", "Indices", "Crypto"} <= groups
    assert len(CATALOGUE) >= 12
    assert len({spec.name for spec in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
def test_a_specification_is_consistent(spec: Any) -> None:
    terminal = opened()
    found = info(terminal, spec.name)
    assert found.point == round(10**-found.digits, found.digits) == found.trade_tick_size
    assert found.ask == round(found.bid + found.spread * found.point, found.digits)
    assert 0 < found.volume_min <= found.volume_step * 100 <= found.volume_max * 100
    assert found.volume_min % found.volume_step in (0, pytest.approx(found.volume_step))
    assert found.filling_mode & ~(FILL_FOK | FILL_IOC | FILL_BOC) == 0
    assert found.filling_mode > 0
    assert found.bidlow <= found.bid <= found.bidhigh
    assert found.bidlow <= found.session_open <= found.bidhigh
    assert found.asklow <= found.ask
    # One step of the price for one lot, in the account's currency, as the trade server reckons it.
    step = terminal.order_calc_profit(0, spec.name, 1.0, found.bid, found.bid + found.point)
    assert step == pytest.approx(found.trade_tick_value, abs=0.006)
    assert terminal.order_calc_margin(0, spec.name, 1.0, found.ask) > 0  # type: ignore[operator]


def test_the_value_of_a_tick_follows_the_rate_of_its_currency() -> None:
    terminal = opened()
    dollar_yen = terminal.symbol_info_tick("USDJPY")
    euro = terminal.symbol_info_tick("EURUSD")
    assert dollar_yen is not None
    assert euro is not None
    assert info(terminal, "EURUSD").trade_tick_value == pytest.approx(1.0)
    assert info(terminal, "EURJPY").trade_tick_value == pytest.approx(100 / dollar_yen.bid)
    assert info(terminal, "GER40").trade_tick_value == pytest.approx(0.1 * euro.bid)
    assert info(terminal, "GER40").currency_profit == "EUR"


@pytest.mark.parametrize(
    ("pair", "rate"),
    [
        (("USD", "USD"), 1.0),
        (("EUR", "USD"), "EURUSD"),
        (("GBP", "JPY"), "GBPJPY"),
        (("XAU", "USD"), "XAUUSD"),
        (("SEK", "USD"), 0.0),
    ],
)
def test_rates_between_currencies(pair: tuple[str, str], rate: float | str) -> None:
    market = opened()._market
    now = market.now_msc()
    expected = market.quote(rate, now)[1] if isinstance(rate, str) else rate  # type: ignore[index]
    assert market.rate(*pair, now) == expected
    if expected:
        assert market.rate(pair[1], pair[0], now) == pytest.approx(1 / expected)


def test_rates_go_over_the_dollar() -> None:
    market = opened()._market
    now = market.now_msc()
    assert market.rate("CHF", "AUD", now) == pytest.approx(
        1 / market.quote("USDCHF", now)[1] / market.quote("AUDUSD", now)[1]  # type: ignore[index]
    )


def test_brokers_have_names_of_their_own() -> None:
    terminal = opened(suffix=".pro", rename={"XAUUSD": "GOLD", "US30": "DJ30"})
    assert terminal.symbol_info("XAUUSD") is None
    assert info(terminal, "GOLD.pro").name == "GOLD.pro"
    assert info(terminal, "GOLD.pro").path == "Metals\\GOLD.pro"
    assert info(terminal, "DJ30.pro").description == "US Wall Street 30 Index"
    found = terminal.symbols_get("*USD*")
    assert found is not None
    assert {item.name for item in found} >= {"EURUSD.pro", "USDJPY.pro"}
    # Another name, the same market.
    plain = opened()
    for mine, theirs in (("GOLD.pro", "XAUUSD"), ("EURJPY.pro", "EURJPY")):
        ours, usual = (t.copy_rates_from_pos(n, 1, 0, 50) for t, n in ((terminal, mine), (plain, theirs)))
        assert ours is not None
        assert usual is not None
        assert ours.tobytes() == usual.tobytes()
    assert info(terminal, "EURJPY.pro").trade_tick_value == info(plain, "EURJPY").trade_tick_value


def test_groups_and_the_market_watch() -> None:
    terminal = opened()
    majors = terminal.symbols_get("*USD*,!EUR*,!*X*")
    assert majors is not None
    assert {item.name for item in majors} >= {"GBPUSD", "USDJPY", "BTCUSD"}
    assert not {item.name for item in majors} & {"EURUSD", "XAUUSD"}
    assert terminal.symbols_get(group="GER*")[0].name == "GER40"  # type: ignore[index]
    shown = [item.name for item in terminal.symbols_get() or () if item.visible]
    assert shown == [spec.name for spec in CATALOGUE if spec.shown]


def test_the_list_can_be_filled_up_with_shares() -> None:
    terminal = opened(symbols=500, suffix=".x")
    found = terminal.symbols_get()
    assert found is not None
    assert len(found) == terminal.symbols_total() == 500
    assert len({item.name for item in found}) == 500
    shares = [item for item in found if item.path.startswith("Shares\\")]
    assert len(shares) == 500 - len(CATALOGUE)
    assert all(item.name.endswith(".x") and len(item.name) <= 29 for item in shares)
    assert all(0 < item.bidlow <= item.bid <= item.bidhigh and item.ask > item.bid for item in shares)
    prices = np.array([item.bid for item in shares])
    assert prices.min() > 5
    assert prices.max() < 1200
    assert len(np.unique(prices)) > 400
    assert not any(item.visible for item in shares)


def test_shares_agree_across_timeframes() -> None:
    terminal = opened(symbols=40)
    for name in ("STK00001", "STK00005"):
        minutes = terminal.copy_rates_from_pos(name, TIMEFRAMES["M1"].constant, 0, 3000)
        hours = terminal.copy_rates_from_pos(name, TIMEFRAMES["H1"].constant, 1, 20)
        assert minutes is not None
        assert hours is not None
        for bar in hours:
            part = minutes[minutes["time"] // 3600 == bar["time"] // 3600]
            assert (bar["open"], bar["close"]) == (part["open"][0], part["close"][-1])
            assert (bar["high"], bar["low"]) == (part["high"].max(), part["low"].min())
            assert (bar["tick_volume"], bar["spread"]) == (part["tick_volume"].sum(), part["spread"].min())
        ranged = terminal.copy_rates_range(
            name, TIMEFRAMES["H1"].constant, int(hours["time"][0]), int(hours["time"][-1])
        )
        assert ranged is not None
        assert ranged.tobytes() == hours.tobytes()


# The book.


def test_the_book_stands_around_the_quote() -> None:
    terminal = opened()
    assert terminal.market_book_get("EURUSD") is None
    assert terminal.market_book_add("EURUSD")
    book = terminal.market_book_get("EURUSD")
    tick = terminal.symbol_info_tick("EURUSD")
    assert book is not None
    assert tick is not None
    sells = [row for row in book if row.type == terminal.BOOK_TYPE_SELL]
    buys = [row for row in book if row.type == terminal.BOOK_TYPE_BUY]
    assert (len(sells), len(buys)) == (10, 10) == (info(terminal, "EURUSD").ticks_bookdepth,) * 2
    assert (sells[-1].price, buys[0].price) == (tick.ask, tick.bid)
    prices = [row.price for row in book]
    assert prices == sorted(prices, reverse=True)
    assert len(set(prices)) == 20
    assert all(row.volume == row.volume_dbl > 0 for row in book)
    assert terminal.market_book_get("EURUSD") == book
    assert terminal.market_book_release("EURUSD")
    assert terminal.market_book_get("EURUSD") is None
    assert terminal.last_error()[0] == -4


def test_a_symbol_without_depth_has_an_empty_book() -> None:
    terminal = opened()
    assert terminal.symbol_select("EURGBP")
    assert terminal.market_book_add("EURGBP")
    assert terminal.market_book_get("EURGBP") == ()


def test_no_quote_before_the_first_bar() -> None:
    terminal = SimulatedTerminal(FakeClock(datetime(2004, 6, 1, tzinfo=UTC)))
    terminal.initialize()
    tick = terminal.symbol_info_tick("EURUSD")
    assert tick is not None
    assert (tick.bid, tick.time) == (0.0, 0)
    assert terminal._market.quote("EURUSD", terminal._market.now_msc()) is None
    assert terminal.copy_ticks_from("EURUSD", NOW - timedelta(days=9), 5, -1).size == 0  # type: ignore[union-attr]
