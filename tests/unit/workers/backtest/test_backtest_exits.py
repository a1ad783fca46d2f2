"""Each exit and each cost, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from arena import EURUSD, FREE, HOUR, IDEAL, MONDAY, USDJPY, bars, calls, flat, rows, trade
from hand_terminal import SPECIFICATION

from app.errors import UserAction
from app.terminal.values import Rates, SymbolInfo
from workers.backtest.management import Plan
from workers.backtest.market import Market
from workers.backtest.model import Costs, Played
from workers.backtest.statistics import daily_returns, statistics
from workers.strategy.prices import PriceGrid

QUIET = (1.1000, 1.1005, 1.0995, 1.1000)
LONG, SHORT = (0, 1, 1.0980, 1.1040), (0, -1, 1.1020, 1.0960)


def test_an_entry_is_filled_at_the_next_open_and_the_stop_at_its_level() -> None:
    played = trade(bars(QUIET, (1.1002, 1.1006, 1.0990, 1.1), (1.1, 1.1001, 1.0975, 1.0976)), calls(3, LONG))
    assert rows(played) == [(1, 2, 1.1002, 1.0980, "stop")]
    assert played.trades.profit.tolist() == pytest.approx([-220.0])
    assert played.trades.worst.tolist() == pytest.approx([0.0022])
    assert played.trades.best.tolist() == pytest.approx([0.0004])


def test_a_short_stops_above() -> None:
    played = trade(bars(QUIET, (1.0998, 1.1006, 1.0990, 1.1), (1.1, 1.1025, 1.0999, 1.1)), calls(3, SHORT))
    assert rows(played) == [(1, 2, 1.0998, 1.1020, "stop")]
    assert played.trades.profit.tolist() == pytest.approx([-220.0])


@pytest.mark.parametrize(
    ("entry", "bar", "price"), [(LONG, (1.1, 1.1045, 1.0999, 1.1), 1.1040), (SHORT, (1.1, 1.1001, 1.0955, 1.1), 1.0960)]
)
def test_a_target_is_filled_at_its_level(
    entry: tuple[int, int, float, float], bar: tuple[float, ...], price: float
) -> None:
    played = trade(bars(QUIET, bar), calls(2, entry))  # type: ignore[arg-type]
    assert rows(played) == [(1, 1, 1.1, price, "target")]
    assert played.trades.profit.tolist() == pytest.approx([400.0])


def test_a_bar_that_opens_beyond_a_level_is_filled_at_its_open() -> None:
    below = trade(bars(QUIET, QUIET, (1.0950, 1.0952, 1.0940, 1.0945)), calls(3, LONG))
    assert rows(below) == [(1, 2, 1.1, 1.0950, "stop")]
    beyond = trade(bars(QUIET, QUIET, (1.1060, 1.1070, 1.1050, 1.1060)), calls(3, LONG))
    assert rows(beyond) == [(1, 2, 1.1, 1.1060, "target")]
    short = trade(bars(QUIET, QUIET, (1.1060, 1.1070, 1.1050, 1.1060)), calls(3, SHORT))
    assert rows(short) == [(1, 2, 1.1, 1.1060, "stop")]


def test_the_stop_counts_before_the_target_and_the_trade_is_called_ambiguous() -> None:
    both = (1.1, 1.1050, 1.0970, 1.1)
    for entry, price in ((LONG, 1.0980), (SHORT, 1.1020)):
        wide = both if entry is LONG else (1.1, 1.1030, 1.0950, 1.1)
        played = trade(bars(QUIET, wide), calls(2, entry))
        assert rows(played) == [(1, 1, 1.1, price, "stop")]
        assert played.trades.ambiguous.tolist() == [True]
        assert played.tally.ambiguous == 1


def test_minutes_tell_which_came_first() -> None:
    up_first = bars((1.1, 1.1050, 1.0999, 1.1045), (1.1045, 1.1045, 1.0970, 1.1), start=MONDAY + HOUR, seconds=60)
    played = trade(bars(QUIET, (1.1, 1.1050, 1.0970, 1.1)), calls(2, LONG), minutes=up_first)
    assert rows(played) == [(1, 1, 1.1, 1.1040, "target")]
    assert (played.tally.ambiguous, played.tally.settled, played.trades.ambiguous.tolist()) == (1, 1, [False])
    one_bar = bars((1.1, 1.1050, 1.0970, 1.1), start=MONDAY + HOUR, seconds=60)
    played = trade(bars(QUIET, (1.1, 1.1050, 1.0970, 1.1)), calls(2, LONG), minutes=one_bar)
    assert rows(played) == [(1, 1, 1.1, 1.0980, "stop")]
    assert (played.tally.ambiguous, played.tally.settled) == (1, 0)


def test_an_exit_by_rule_is_filled_at_the_next_open() -> None:
    played = trade(bars(QUIET, QUIET, QUIET, (1.1003, 1.1004, 1.1, 1.1)), calls(4, LONG, leave=[2]))
    assert rows(played) == [(1, 3, 1.1, 1.1003, "exit_rule")]


def test_an_exit_condition_on_the_last_bar_comes_too_late() -> None:
    played = trade(bars(QUIET, QUIET, (1.1, 1.1004, 1.0999, 1.1002)), calls(3, LONG, leave=[2]))
    assert rows(played) == [(1, 2, 1.1, 1.1002, "end_of_bars")]


def test_a_level_touched_before_the_open_of_the_exit_counts() -> None:
    played = trade(bars(QUIET, QUIET, (1.1, 1.1, 1.0970, 1.1), QUIET), calls(4, LONG, leave=[2]))
    assert rows(played) == [(1, 2, 1.1, 1.0980, "stop")]


def test_a_new_position_is_decided_on_the_close_of_the_bar_that_closed_the_last_one() -> None:
    signals = calls(5, LONG, (1, 1, 1.0980, 1.1040), (2, 1, 1.0950, 1.1040))
    played = trade(bars(QUIET, QUIET, (1.1, 1.1, 1.0970, 1.0975), (1.0975, 1.0976, 1.0974, 1.0975), QUIET), signals)
    assert [row[:2] for row in rows(played)] == [(1, 2), (3, 4)]


def test_the_spread_is_paid_by_longs_on_the_way_in_and_by_shorts_on_the_way_out() -> None:
    rates = bars(QUIET, QUIET, (1.1, 1.1, 1.1, 1.1), spread=10)
    assert rows(trade(rates, calls(3, LONG))) == [(1, 2, 1.1001, 1.1, "end_of_bars")]
    assert rows(trade(rates, calls(3, SHORT))) == [(1, 2, 1.1, 1.1001, "end_of_bars")]
    fixed = replace(FREE, spread_points=20.0)
    assert rows(trade(rates, calls(3, LONG), costs=fixed)) == [(1, 2, 1.1002, 1.1, "end_of_bars")]
    assert rows(trade(rates, calls(3, LONG), costs=IDEAL)) == [(1, 2, 1.1, 1.1, "end_of_bars")]


def test_a_short_is_stopped_by_the_ask() -> None:
    rates = bars(QUIET, QUIET, (1.1, 1.1019, 1.1, 1.1), spread=10)
    assert rows(trade(rates, calls(3, SHORT))) == [(1, 2, 1.1, 1.1020, "stop")]


def test_slippage_worsens_market_orders_and_stops_and_not_targets() -> None:
    slips = replace(FREE, slippage_points=5.0)
    rates = bars(QUIET, QUIET, (1.1, 1.1, 1.0970, 1.1))
    assert rows(trade(rates, calls(3, LONG), costs=slips)) == [(1, 2, 1.10005, 1.09795, "stop")]
    rates = bars(QUIET, QUIET, (1.1, 1.1050, 1.1, 1.1))
    assert rows(trade(rates, calls(3, LONG), costs=slips)) == [(1, 2, 1.10005, 1.1040, "target")]
    rates = bars(QUIET, QUIET, QUIET)
    assert rows(trade(rates, calls(3, SHORT, leave=[1]), costs=slips)) == [(1, 2, 1.09995, 1.10005, "exit_rule")]


def test_commission_is_paid_for_both_sides_of_every_lot() -> None:
    played = trade(bars(QUIET, QUIET, QUIET), calls(3, LONG), costs=replace(FREE, commission=3.5), volume=2.0)
    assert played.trades.commission.tolist() == pytest.approx([-14.0])
    assert played.trades.profit.tolist() == pytest.approx([-14.0])


@pytest.mark.parametrize(
    ("first_hour", "hours", "nights"),
    [
        (1, 10, 0),  # within Monday
        (20, 10, 1),  # Monday to Tuesday
        (2 * 24 + 20, 10, 3),  # Wednesday to Thursday: the triple day
        (4 * 24 + 20, 72, 1),  # Friday to Monday: Saturday and Sunday do not count
        (1, 7 * 24, 7),  # a whole week
    ],
)
def test_swap_is_charged_by_night_and_three_times_on_the_triple_day(first_hour: int, hours: int, nights: int) -> None:
    rates = bars(*flat(hours + 2), start=MONDAY + HOUR * first_hour)
    played = trade(rates, calls(len(rates), (0, 1, 1.0, 1.2)), costs=Costs(), volume=0.5)
    assert played.trades.swap.tolist() == pytest.approx([-8.0 * 0.5 * nights])  # 8 points of 1 USD a lot
    played = trade(rates, calls(len(rates), (0, -1, 1.2, 1.0)), costs=Costs(), volume=0.5)
    assert played.trades.swap.tolist() == pytest.approx([2.0 * 0.5 * nights])


def test_equity_pays_each_night_when_it_ends_and_the_balance_at_the_closing() -> None:
    rates = bars(*flat(60), start=MONDAY + HOUR * 20)
    played = trade(rates, calls(60, (0, 1, 1.0, 1.2), leave=[51]), costs=Costs())
    assert rows(played) == [(1, 52, 1.1, 1.1, "exit_rule")]
    # Monday 21:00 to Thursday 00:00: two nights of one day, and the triple one.
    assert played.trades.swap.tolist() == pytest.approx([-8.0 * 5])
    by_night = played.curve.equity[[3, 4, 27, 28, 51, 52, 59]]
    assert by_night.tolist() == pytest.approx([100_000.0, 99_992.0, 99_992.0, 99_984.0, 99_984.0, 99_960.0, 99_960.0])
    assert played.curve.balance[[51, 52]].tolist() == pytest.approx([100_000.0, 99_960.0])
    returns = daily_returns(played.curve, rates["time"].astype(np.int64), 100_000.0)
    worth = [0.0, 99_992 / 100_000 - 1, 99_984 / 99_992 - 1, 99_960 / 99_984 - 1]
    assert returns.tolist() == pytest.approx(worth, abs=1e-12)


def test_exposure_counts_the_bars_with_an_open_position_by_hand() -> None:
    def exposed(played: Played, count: int) -> float:
        times = MONDAY + HOUR * np.arange(count)
        found = statistics(played.trades, played.curve, times, HOUR, np.full(count, 1.1), 100_000.0)
        return float(found["exposure_percent"])

    up, ten = (1.1, 1.106, 1.0999, 1.1), flat(10)
    # Filled on bar 1, open on 2 and 3, and closed inside of bar 4 by its target: four of ten.
    assert exposed(trade(bars(*flat(4), up, *flat(5)), calls(10, LONG)), 10) == 40.0
    # Entered and left inside of bar 1.
    assert exposed(trade(bars(*flat(1), up, *flat(8)), calls(10, LONG)), 10) == 10.0
    # Left by rule at the open of bar 4, of which nothing was held: 1, 2 and 3.
    assert exposed(trade(bars(*ten), calls(10, LONG, leave=[3])), 10) == 30.0
    # Held until the close of the last bar: 1 to 9.
    assert exposed(trade(bars(*ten), calls(10, LONG)), 10) == 90.0
    # Half of it went on bar 2, the rest inside of bar 4.
    half, plan = (1.1, 1.1025, 1.0999, 1.1), Plan(partial=1.0)
    played = trade(bars(*flat(2), half, *flat(1), up, *flat(5)), calls(10, LONG), plan=plan)
    assert [(row[1], row[4]) for row in rows(played)] == [(2, "partial"), (4, "target")]
    assert exposed(played, 10) == 40.0


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0, 0.0),
        (2, -8.0 * 1.1),  # of the base currency, at the price
        (4, -8.0),  # of the account's
        (5, -8.0 / 100 / 360 * 110_000),  # percent a year, of the value
        (7, 0.0),  # not modelled, and said so
    ],
)
def test_swaps_of_other_kinds(mode: int, expected: float) -> None:
    market = replace(EURUSD, swap_mode=mode)
    rates = bars(*flat(12), start=MONDAY + HOUR * 20)
    played = trade(rates, calls(12, (0, 1, 1.0, 1.2)), costs=Costs(), market=market)
    assert played.trades.swap.tolist() == pytest.approx([expected])
    assert bool(market.swap_trouble()) == (mode == 7)


def test_nights_end_at_midnight_of_the_server() -> None:
    rates = bars(*flat(4), start=MONDAY + HOUR * 20)  # 20:00 to 23:00 UTC is 23:00 to 02:00 in New York plus seven
    market = replace(EURUSD, clock="GMT+2/+3 New York")
    assert trade(rates, calls(4, (0, 1, 1.0, 1.2)), costs=Costs(), market=market).trades.swap.tolist() == [0.0]
    rates = bars(*flat(4), start=MONDAY + HOUR * 19)
    played = trade(rates, calls(4, (0, 1, 1.0, 1.2)), costs=Costs(), market=market)
    assert played.trades.swap.tolist() == pytest.approx([-8.0])


def test_yen_become_dollars_at_the_price_of_the_closing() -> None:
    rates = bars(*flat(2, 150.0), (150.0, 151.5, 150.0, 151.0))
    played = trade(rates, calls(3, (0, 1, 149.0, 151.5)), market=USDJPY)
    assert played.trades.profit.tolist() == pytest.approx([1.5 * 100_000 / 151.5])


def test_money_of_a_third_currency_is_converted_by_the_value_of_a_step() -> None:
    info = _info(
        currency_base="EUR", currency_profit="JPY", trade_tick_size=1e-3, trade_tick_value=0.66, digits=3, point=1e-3
    )
    market = Market.of(info, "USD", "UTC")
    assert (market.converted, market.by_price, market.value) == (True, False, pytest.approx(660.0))
    assert not Market.of(info, "JPY", "UTC").converted
    assert Market.of(info, "EUR", "UTC").by_price
    assert market.grid == PriceGrid(3, 1e-3, 1e-3)


@pytest.mark.parametrize("bad", [{"trade_contract_size": 0.0}, {"trade_tick_value": 0.0}, {"volume_min": 0.0}])
def test_a_specification_without_what_money_is_made_of_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UserAction, match="Nothing can be computed in money"):
        Market.of(_info(**bad), "USD", "UTC")


def test_an_entry_without_the_margin_for_it_is_left_out() -> None:
    played = trade(bars(*[QUIET] * 4), calls(4, LONG), deposit=1000.0)
    assert (len(played.trades), played.tally.no_money) == (0, 1)
    assert len(trade(bars(*[QUIET] * 4), calls(4, LONG), deposit=1000.0, costs=IDEAL).trades) == 1


@pytest.mark.parametrize("sign", [1, -1])
def test_the_broker_closes_when_equity_falls_to_half_of_the_margin(sign: int) -> None:
    # 1,200 of deposit, 1,100 of margin: at 550 of equity, 650 lost, 0.0065 away.
    far = (1.1, 1.1 + 0.01, 1.1 - 0.01, 1.1)
    entry = (0, sign, 1.1 - sign * 0.05, 1.1 + sign * 0.05)
    played = trade(bars(QUIET, QUIET, far, QUIET), calls(4, entry), deposit=1200.0)
    assert rows(played) == [(1, 2, 1.1, pytest.approx(1.1 - sign * 0.0065), "stop_out")]
    assert played.trades.profit.sum() == pytest.approx(-650.0)
    assert played.tally.stop_outs == 1
    nearer = (0, sign, 1.1 - sign * 0.006, 1.1 + sign * 0.05)
    assert rows(trade(bars(QUIET, QUIET, far, QUIET), calls(4, nearer), deposit=1200.0))[0][4] == "stop"


def test_nights_bring_the_stop_out_nearer() -> None:
    # 30 nights of 8: 1,200 - 240 = 960; 550 of equity, half of the margin, is 410 and so 0.0041 away.
    rates = bars(*flat(720), (1.1, 1.1, 1.0955, 1.0955), *flat(3, 1.0955))
    played = trade(rates, calls(len(rates), (0, 1, 1.05, 1.2)), costs=Costs(), deposit=1200.0)
    assert rows(played) == [(1, 720, 1.1, pytest.approx(1.0959), "stop_out")]
    assert played.trades.swap.tolist() == pytest.approx([-240.0])
    assert (played.trades.profit.sum(), played.tally.stop_outs) == (pytest.approx(-650.0), 1)
    # Without a move the nights alone do it: 650 are gone with the triple one that makes them 82, in the twelfth week.
    rates = bars(*flat(24 * 90))
    played = trade(rates, calls(len(rates), (0, 1, 1.05, 1.2)), costs=Costs(), deposit=1200.0)
    assert rows(played) == [(1, 24 * 80, 1.1, 1.1, "stop_out")]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("mode", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize(("market", "price"), [(EURUSD, 1.1), (USDJPY, 150.0)])
def test_a_stop_out_leaves_the_share_of_the_margin_however_nights_are_counted(
    sign: int, mode: int, market: Market, price: float
) -> None:
    market = replace(market, swap_mode=mode, swap_long=-8.0, swap_short=-8.0)
    far, count = (price, price * 1.03, price * 0.97, price), 24 * 20
    rates = bars(*flat(count, price), far, *flat(3, price))
    entry = (0, sign, price * (1 - sign * 0.1), price * (1 + sign * 0.1))
    margin = market.margin(1.0, price, 100.0)
    played = trade(rates, calls(len(rates), entry), costs=Costs(), market=market, deposit=margin * 2)
    assert [row[4] for row in rows(played)] == ["stop_out"]
    cent = market.profit(market.grid.point, 1.0, price)
    assert margin * 2 + played.trades.profit.sum() == pytest.approx(margin / 2, abs=cent)
    assert played.trades.swap[0] < 0


@pytest.mark.parametrize("sign", [1, -1])
def test_after_half_was_closed_the_broker_reckons_with_the_other_half(sign: int) -> None:
    # Half of a lot is closed 0.001 away: 50 won, less 2 of commission: 1,248. The other half binds 550 of margin: at
    # 275 of equity 973 are lost, 2 of commission and 971 by the price, 0.01942 away. Of the whole lot, 4 of commission
    # and 646 by the price are lost 0.00646 away.
    def beside(better: float, worse: float) -> tuple[float, float, float, float]:
        ends = (1.1 + sign * better, 1.1 - sign * worse)
        return (1.1, max(ends), min(ends), 1.1)

    entry = (0, sign, 1.1 - sign * 0.05, 1.1 + sign * 0.05)
    wide, costs, plan = beside(0.0, 0.0193), Costs(swap=False, commission=2.0), Plan(partial=0.02)
    half = (1, 2, 1.1, pytest.approx(1.1 + sign * 0.001), "partial")
    rates = bars(QUIET, QUIET, beside(0.0015, 0.0), wide, beside(0.0, 0.02), QUIET)
    played = trade(rates, calls(6, entry), deposit=1200.0, costs=costs, plan=plan)
    assert rows(played) == [half, (1, 4, 1.1, pytest.approx(1.1 - sign * 0.01942), "stop_out")]
    assert played.trades.volume.tolist() == pytest.approx([0.5, 0.5])
    assert played.trades.profit.tolist() == pytest.approx([48.0, -973.0])
    assert played.tally.stop_outs == 1
    # Inside one bar what is worse comes first: the whole lot goes.
    rates = bars(QUIET, QUIET, beside(0.0015, 0.0193), wide, QUIET)
    played = trade(rates, calls(5, entry), deposit=1200.0, costs=costs, plan=plan)
    assert rows(played) == [(1, 2, 1.1, pytest.approx(1.1 - sign * 0.00646), "stop_out")]
    assert played.trades.volume.tolist() == pytest.approx([1.0])


def test_a_position_too_small_for_halves_counts_as_such_only_where_it_got_so_far() -> None:
    entry, plan = (0, 1, 1.0, 1.2), Plan(partial=0.1)  # half at 1.11
    rates = bars(QUIET, QUIET, (1.1, 1.1, 1.02, 1.1), (1.1, 1.115, 1.1, 1.1))
    small = {"volume": 0.01, "plan": plan}
    out = trade(rates, calls(4, entry), deposit=12.0, **small)
    assert [row[4] for row in rows(out)] == ["stop_out"]
    assert out.tally.no_partial == 0
    assert trade(rates, calls(4, entry), **small).tally.no_partial == 1


def test_a_stop_out_of_a_pair_that_begins_with_the_currency_of_the_account() -> None:
    # Margin 1,000 USD; at 500 of equity 700 are lost: (150 - p) x 100,000 / p = 700.
    rates = bars(*flat(2, 150.0), (150.0, 150.0, 140.0, 141.0))
    played = trade(rates, calls(3, (0, 1, 130.0, 170.0)), market=USDJPY, deposit=1200.0)
    assert played.trades.exit.tolist() == pytest.approx([15_000_000 / 100_700], abs=6e-4)
    assert played.trades.profit.sum() == pytest.approx(-700.0, abs=1.0)


def test_half_is_closed_on_the_way_and_counts_as_a_trade_of_its_own() -> None:
    rates = bars(QUIET, QUIET, (1.1, 1.1022, 1.1, 1.1020), (1.1020, 1.1045, 1.1, 1.1))
    played = trade(rates, calls(4, LONG), plan=Plan(partial=1.0), volume=0.03)
    assert rows(played) == [(1, 2, 1.1, 1.1020, "partial"), (1, 3, 1.1, 1.1040, "target")]
    assert played.trades.volume.tolist() == pytest.approx([0.01, 0.02])
    assert played.trades.number.tolist() == [0, 0]
    whole = trade(rates, calls(4, LONG), plan=Plan(partial=1.0), volume=0.01)
    assert rows(whole) == [(1, 3, 1.1, 1.1040, "target")]
    assert whole.tally.no_partial == 1


def _minutes(*prices: float) -> Rates:
    """Minutes of the second hour that go from price to price."""
    return bars(*[(a, max(a, b), min(a, b), b) for a, b in pairwise(prices)], start=MONDAY + HOUR, seconds=60)


def _counted(played: Played) -> tuple[int, int, list[bool]]:
    return played.tally.ambiguous, played.tally.settled, played.trades.ambiguous.tolist()


HALF, STOP, TARGET = (1, 1, 1.1, 1.1020, "partial"), (1, 1, 1.1, 1.0980, "stop"), (1, 1, 1.1, 1.1040, "target")


def test_the_level_of_a_half_in_the_bar_of_the_stop_is_ambiguous() -> None:
    rates = bars(QUIET, (1.1, 1.1030, 1.0975, 1.1))
    played = trade(rates, calls(2, LONG), plan=Plan(partial=1.0))
    assert rows(played) == [STOP]
    assert _counted(played) == (1, 0, [True])
    # Nothing was to be halved: of a volume too small, of a half that was closed before, of a bar that opens below.
    assert _counted(trade(rates, calls(2, LONG), plan=Plan(partial=1.0), volume=0.01)) == (0, 0, [False])
    before = bars(QUIET, (1.1, 1.1022, 1.1, 1.1), (1.1, 1.1030, 1.0975, 1.1))
    assert _counted(trade(before, calls(3, LONG), plan=Plan(partial=1.0))) == (0, 0, [False, False])
    below = bars(QUIET, QUIET, (1.0970, 1.1030, 1.0965, 1.1))
    assert _counted(trade(below, calls(3, LONG), plan=Plan(partial=1.0))) == (0, 0, [False])


def test_minutes_tell_stop_and_target_of_a_position_that_is_looked_after() -> None:
    rates = bars(QUIET, (1.1, 1.1050, 1.0970, 1.1))
    up, down = _minutes(1.1, 1.1050, 1.0970, 1.1), _minutes(1.1, 1.0970, 1.1050, 1.1)
    for plan in (Plan(break_even=10.0), Plan(trail=50.0), Plan(partial=10.0)):
        played = trade(rates, calls(2, LONG), plan=plan, minutes=up)
        assert (rows(played), _counted(played)) == ([TARGET], (1, 1, [False]))
        played = trade(rates, calls(2, LONG), plan=plan, minutes=down)
        assert (rows(played), _counted(played)) == ([STOP], (1, 1, [False]))
    short = bars(QUIET, (1.1, 1.1030, 1.0950, 1.1))
    played = trade(short, calls(2, SHORT), plan=Plan(break_even=10.0), minutes=_minutes(1.1, 1.0950, 1.1030))
    assert (rows(played), _counted(played)) == ([(1, 1, 1.1, 1.0960, "target")], (1, 1, [False]))


def test_minutes_tell_the_half_from_the_stop() -> None:
    rates, plan = bars(QUIET, (1.1, 1.1030, 1.0975, 1.1)), Plan(partial=1.0)
    played = trade(rates, calls(2, LONG), plan=plan, minutes=_minutes(1.1, 1.1030, 1.0975))
    assert (rows(played), _counted(played)) == ([HALF, STOP], (1, 1, [False, False]))
    assert played.trades.volume.tolist() == pytest.approx([0.5, 0.5])
    played = trade(rates, calls(2, LONG), plan=plan, minutes=_minutes(1.1, 1.0975, 1.1030))
    assert (rows(played), _counted(played)) == ([STOP], (1, 1, [False]))
    one_bar = bars((1.1, 1.1030, 1.0975, 1.1), start=MONDAY + HOUR, seconds=60)
    for unknown in (one_bar, one_bar[:0], _minutes(1.1, 1.1005)):
        played = trade(rates, calls(2, LONG), plan=plan, minutes=unknown)
        assert (rows(played), _counted(played)) == ([STOP], (1, 0, [True]))
    small = trade(rates, calls(2, LONG), plan=plan, minutes=_minutes(1.1, 1.1030, 1.0975), volume=0.01)
    assert (rows(small), _counted(small), small.tally.no_partial) == ([STOP], (0, 0, [False]), 1)


def test_minutes_tell_half_stop_and_target_in_one_bar() -> None:
    rates, plan = bars(QUIET, (1.1, 1.1050, 1.0970, 1.1)), Plan(partial=1.0)
    for way, expected in (
        ((1.1, 1.1050, 1.0970), [HALF, TARGET]),
        ((1.1, 1.1030, 1.0970, 1.1050), [HALF, STOP]),
        ((1.1, 1.0970, 1.1050), [STOP]),
    ):
        played = trade(rates, calls(2, LONG), plan=plan, minutes=_minutes(*way))
        assert (rows(played), _counted(played)) == (expected, (1, 1, [False] * len(expected)))
    # Half is certain; then a minute holds both.
    last = bars((1.1, 1.1030, 1.1, 1.1), (1.1, 1.1050, 1.0970, 1.1), start=MONDAY + HOUR, seconds=60)
    played = trade(rates, calls(2, LONG), plan=plan, minutes=last)
    assert (rows(played), _counted(played)) == ([HALF, STOP], (1, 0, [False, True]))


def test_the_stop_goes_to_the_entry_from_the_bar_after_the_reward_was_reached() -> None:
    rates = bars(QUIET, QUIET, (1.1, 1.1021, 1.0990, 1.1010), (1.1010, 1.1011, 1.0970, 1.0975))
    played = trade(rates, calls(4, LONG), plan=Plan(break_even=1.0))
    assert rows(played) == [(1, 3, 1.1, 1.1, "break_even")]
    assert rows(trade(rates, calls(4, LONG))) == [(1, 3, 1.1, 1.0980, "stop")]


def test_the_stop_trails_the_closes_by_the_atr_and_never_falls_back() -> None:
    rates = bars(
        QUIET, QUIET, (1.1, 1.1030, 1.1, 1.1030), (1.1030, 1.1031, 1.1015, 1.1016), (1.1016, 1.1016, 1.0990, 1.1)
    )
    played = trade(rates, calls(5, LONG), plan=Plan(trail=2.0))
    assert rows(played) == [(1, 4, 1.1, 1.1010, "trailing_stop")]  # 1.1030 - 2 x 0.001
    short = bars(
        QUIET, QUIET, (1.1, 1.1, 1.0970, 1.0970), (1.0970, 1.0985, 1.0969, 1.0984), (1.0984, 1.1010, 1.0984, 1.1)
    )
    assert rows(trade(short, calls(5, SHORT), plan=Plan(trail=2.0))) == [(1, 4, 1.1, 1.0990, "trailing_stop")]


def test_sizes_are_those_of_live_ideas() -> None:
    rates = bars(QUIET, QUIET, QUIET)
    played = trade(rates, calls(3, (0, 1, 1.0980, 1.1020)), volume=None, deposit=10_000.0, risk=0.01)
    assert played.trades.volume.tolist() == pytest.approx([0.5])  # 100 at risk, 200 points of 1 USD
    half = trade(rates, calls(3, (0, 1, 1.0980, 1.1020), score=62.0), volume=None, deposit=10_000.0, risk=0.01)
    assert half.trades.volume.tolist() == pytest.approx([0.25])
    small = trade(rates, calls(3, (0, 1, 1.0980, 1.1020)), volume=None, deposit=100.0, risk=0.01)
    assert (len(small.trades), small.tally.no_volume) == (0, 1)
    assert "too small for this risk" in small.tally.no_volume_reason


def _info(**changes: Any) -> SymbolInfo:
    return SymbolInfo(**{**SPECIFICATION, "name": "EURJPY", **changes})
