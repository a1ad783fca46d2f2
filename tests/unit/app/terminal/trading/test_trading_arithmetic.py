"""Margin, profit and swap against figures worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hand_market import BUY, DAY, HOUR, SELL, HandMarket, deal, done, hand_market, spec, trading

from app.terminal.simulated.symbols import Spec
from app.terminal.simulated.trading.margin import Leg, lot_margin, symbol_margin
from app.terminal.simulated.trading.profit import price_profit, swap_of_night


@dataclass(frozen=True, slots=True)
class Ticked(Spec):
    """A symbol whose tick has a price of its own."""

    size: float = 0.25
    price: float = 12.5

    @property
    def tick_size(self) -> float:
        return self.size

    @property
    def tick_price(self) -> float:
        return self.price


@pytest.mark.parametrize(
    ("symbol", "currency", "volume", "price", "margin"),
    [
        ("EURUSD", "USD", 1.0, 1.1, 1_100.00),  # 100,000 EUR / 100 = 1,000 EUR at 1.10
        ("USDJPY", "USD", 0.5, 150.0, 500.00),  # 50,000 USD / 100
        ("XAUUSD", "USD", 0.1, 2_500.0, 250.00),  # 10 ounces at 2,500 = 25,000 USD / 100
        ("DE40", "USD", 2.0, 20_000.0, 2_200.00),  # 40,000 EUR at 5 % = 2,000 EUR at 1.10
        ("EURUSD", "JPY", 0.1, 1.1, 16_500.0),  # 10,000 EUR / 100 = 100 EUR at 165
        ("USDJPY", "EUR", 1.1, 150.0, 1_000.0),  # 110,000 USD / 100 = 1,100 USD at 1 / 1.10
    ],
)
def test_margin_of_a_position(symbol: str, currency: str, volume: float, price: float, margin: float) -> None:
    server = trading(hand_market(), currency=currency)
    assert server.order_calc_margin(BUY, symbol, volume, price) == margin
    assert server.order_calc_margin(SELL, symbol, volume, price) == margin


@pytest.mark.parametrize(
    ("symbol", "currency", "side", "volume", "opened", "closed", "profit"),
    [
        ("EURUSD", "USD", BUY, 1.0, 1.1, 1.105, 500.00),
        ("EURUSD", "USD", SELL, 0.1, 1.1, 1.105, -50.00),
        ("USDJPY", "USD", BUY, 0.5, 150.0, 150.3, 100.00),  # 15,000 JPY at 1 / 150
        ("XAUUSD", "USD", SELL, 0.1, 2_500.0, 2_490.0, 100.00),
        ("DE40", "USD", BUY, 2.0, 20_000.0, 20_010.5, 23.10),  # 21 EUR at 1.10
        ("EURUSD", "JPY", BUY, 0.1, 1.1, 1.105, 7_500.0),  # 50 USD at 150
        ("USDJPY", "JPY", BUY, 0.01, 150.0, 150.3, 300.0),
        ("DE40", "EUR", SELL, 2.0, 20_000.0, 20_010.5, -21.00),
    ],
)
def test_profit_between_two_prices(
    symbol: str, currency: str, side: int, volume: float, opened: float, closed: float, profit: float
) -> None:
    server = trading(hand_market(), currency=currency)
    assert server.order_calc_profit(side, symbol, volume, opened, closed) == profit


@pytest.mark.parametrize("arguments", [(2, "EURUSD", 1.0, 1.1), (0, "EURUSD", 0.0, 1.1), (0, "EURUSD", 1.0, -1.0)])
def test_arguments_that_make_no_sense_give_none(arguments: tuple[Any, ...]) -> None:
    server = trading(hand_market())
    assert server.order_calc_margin(*arguments) is None
    assert server.order_calc_profit(*arguments, 1.2) is None


def test_what_cannot_be_converted_is_not_made_up() -> None:
    server = trading(hand_market(), currency="SEK")
    assert server.order_calc_margin(BUY, "EURUSD", 1.0, 1.1) is None
    assert server.order_calc_profit(BUY, "EURUSD", 1.0, 1.1, 1.2) is None
    assert server.order_send(deal(BUY)).retcode == 10021


def test_leverage_counts_where_the_mode_says_so() -> None:
    more = {"digits": 2, "contract": 10.0, "base": "USD", "profit": "USD"}
    by_mode = {mode: lot_margin(spec("X", calc_mode=mode, **more), 50, 200.0) for mode in (0, 2, 3, 4, 5, 32)}
    assert by_mode == {0: 0.2, 2: 2_000.0, 3: 2_000.0, 4: 40.0, 5: 10.0, 32: 2_000.0}


def test_futures_are_told_in_ticks() -> None:
    index = Ticked("ES", "ES", "F", 2, 50.0, "USD", "USD", {}, 0, 0, 0.0, 0.0, calc_mode=1, margin_initial=5_000.0)
    assert lot_margin(index, 100, 4_000.0) == 5_000.0
    assert price_profit(index, BUY, 2.0, 4_000.0, 4_001.0) == 100.0


def test_an_index_with_a_factor() -> None:
    index = Ticked("IX", "IX", "I", 1, 1.0, "USD", "USD", {}, 0, 0, 0.0, 0.0, calc_mode=3, size=0.5, price=5.0)
    assert lot_margin(index, 100, 1_000.0) == 10_000.0


def test_an_unknown_mode_is_an_error_and_no_guess() -> None:
    odd = spec("X", 2, 1.0, "USD", "USD", calc_mode=36, swap_mode=7)
    with pytest.raises(ValueError, match="36"):
        lot_margin(odd, 100, 1.0)
    with pytest.raises(ValueError, match="7"):
        swap_of_night(odd, BUY, 1.0, 1.0, 1.0)


def test_lots_held_both_ways_are_charged_once() -> None:
    symbol = spec("EURUSD", 5, 100_000.0, "EUR", "USD")
    legs = [Leg(BUY, 1.0, 1.10, 1.10), Leg(SELL, 0.4, 1.12, 1.12)]
    # 0.6 lots at 1.10 alone; 0.4 at the mean rate (1.0 x 1.10 + 0.4 x 1.12) / 1.4.
    mean = (1.10 + 0.4 * 1.12) / 1.4
    assert symbol_margin(symbol, 100, legs) == pytest.approx(0.6 * 1_000 * 1.10 + 0.4 * 1_000 * mean)


def test_margin_of_an_account_that_holds_both_ways() -> None:
    server = trading(hand_market())
    done(server, deal(BUY, 0.5))
    assert server.account_values()["margin"] == 550.0
    done(server, deal(SELL, 0.5))
    assert server.account_values()["margin"] == 550.0
    done(server, deal(SELL, 0.2))
    assert server.account_values()["margin"] == 770.0


def test_the_account_adds_up() -> None:
    market = hand_market()
    server = trading(market, credit=500.0, commission=3.5)
    done(server, deal(BUY, 1.0))
    market.move("EURUSD", 1.10110, 1.10120)
    account = server.account_values()
    # Bought at 1.10010, could be sold at 1.10110: 100 USD, after 3.50 USD of commission.
    assert (account["balance"], account["credit"], account["profit"]) == (9_996.5, 500.0, 100.0)
    assert (account["equity"], account["margin"], account["margin_free"]) == (10_596.5, 1_100.0, 9_496.5)
    assert account["margin_level"] == 963.32


# Swap.


def held_over(market: HandMarket, days: int, **settings: Any) -> float:
    """Swap of a lot of EURUSD bought on Monday, after so many midnights."""
    server = trading(market, **settings)
    done(server, deal(BUY, 1.0))
    market.now += days * DAY
    (position,) = server.positions_get()
    return float(position.swap)


@pytest.mark.parametrize(
    ("days", "nights"), [(0, 0), (1, 1), (2, 2), (3, 5), (4, 6), (5, 7), (6, 7), (7, 7), (8, 8), (10, 12)]
)
def test_wednesday_counts_three_nights_and_the_weekend_none(days: int, nights: int) -> None:
    market = hand_market()
    market.change("EURUSD", swap_long=-7.0)
    # 7 points of a lot are 7 USD.
    assert held_over(market, days) == -7.0 * nights


def test_swap_is_charged_at_midnight_and_not_before() -> None:
    market = hand_market()
    market.change("EURUSD", swap_long=-7.0)
    server = trading(market)
    done(server, deal(BUY, 1.0))
    market.now += 14 * HOUR - 1
    assert server.positions_get()[0].swap == 0.0
    market.now += 1
    assert server.positions_get()[0].swap == -7.0
    assert server.positions_get()[0].swap == -7.0
    assert server.account_values()["equity"] == 10_000.0 - 10.0 - 7.0


@pytest.mark.parametrize(
    ("mode", "amount", "currency", "swap"),
    [
        (0, -7.0, "USD", 0.0),
        (1, -7.0, "JPY", -1_050.0),  # 7 USD
        (2, -7.0, "USD", -7.70),  # 7 EUR
        (3, -7.0, "USD", -7.70),
        (4, -7.0, "JPY", -7.0),
        (5, -3.6, "USD", -11.00),  # 110,000 USD at 3.6 % / 360
        (6, -3.6, "USD", -11.00),
    ],
)
def test_swap_by_its_mode(mode: int, amount: float, currency: str, swap: float) -> None:
    market = hand_market()
    market.change("EURUSD", swap_long=amount, swap_mode=mode)
    assert held_over(market, 1, currency=currency, balance=1_000_000.0) == swap


def test_short_positions_have_a_swap_of_their_own() -> None:
    market = hand_market()
    market.change("USDJPY", swap_long=9.0, swap_short=-15.0)
    server = trading(market)
    done(server, deal(SELL, 1.0, "USDJPY"))
    market.now += DAY
    # 15 points are 1,500 JPY, at 150.
    assert server.positions_get()[0].swap == -10.0
