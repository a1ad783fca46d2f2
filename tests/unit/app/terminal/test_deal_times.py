"""When deals of the hour that the server's clock shows twice were made: laws, and what each piece of evidence tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import FakeClock
from app.terminal.deal_times import DealRecord, deal_records, told_apart
from app.terminal.dealing import Dealing
from app.terminal.server_time import EUROPE, NEW_YORK, ServerTimeRule
from app.terminal.values import SessionStatus

RULE = ServerTimeRule(NEW_YORK)
#: From here on the server's clock shows the hour from 8:00 again.
TURN = datetime(2025, 11, 2, 6, tzinfo=UTC)
MUCH_LATER = TURN + timedelta(days=1)


def at(minutes: float) -> datetime:
    return TURN + timedelta(minutes=minutes)


def deal(minutes: float, ticket: int, order: int = 0, rule: ServerTimeRule = RULE) -> dict[str, Any]:
    """A deal as the server stamps it, so many minutes after the turn."""
    msc = round(rule.to_server(at(minutes)) * 1000)
    return {"ticket": ticket, "order": order or ticket, "time": msc // 1000, "time_msc": msc}


def order(minutes: float, ticket: int, kind: int = 0) -> dict[str, Any]:
    msc = round(RULE.to_server(at(minutes)) * 1000)
    return {"ticket": ticket, "type": kind, "time_setup": msc // 1000, "time_setup_msc": msc}


def minutes_of(records: tuple[DealRecord, ...]) -> list[float | tuple[float, float]]:
    """Minutes after the turn of each deal; both where it has two times."""
    found: list[float | tuple[float, float]] = []
    for record in records:
        first, last = ((moment - TURN).total_seconds() / 60 for moment in (record.time, record.latest))
        found.append(first if record.decided else (first, last))
    return found


@given(st.lists(st.integers(-180, 180), max_size=30), st.permutations(range(30)), st.integers(0, 400))
def test_the_true_time_is_never_excluded(moments: list[int], shuffled: list[int], read: int) -> None:
    moments = sorted(moment for moment in moments if moment <= read)
    deals = [deal(moment, 100 + number) for number, moment in enumerate(moments)]
    order_given = [place for place in shuffled if place < len(deals)]
    records = deal_records([deals[place] for place in order_given], RULE, at(read))
    for place, record in zip(order_given, records, strict=True):
        assert record.fields is deals[place]
        assert at(moments[place]) in (record.time, record.latest)
    first, second = ([moment for moment in moments if low <= moment < low + 60] for low in (-60, 0))
    if first and second and second[0] + 60 < first[-1] + 120 and second[0] - 60 < first[-1]:
        told = {record.ticket: record for record in records}
        # The step back tells: up to the last of the first hour, and from the first of the second on.
        for number, moment in enumerate(moments):
            if -60 <= moment <= first[-1] or second[0] <= moment < 60:
                assert told[100 + number].decided


@pytest.mark.parametrize("rule", [NEW_YORK, EUROPE, "Europe/Athens", "UTC+2"])
def test_times_outside_of_that_hour_are_those_of_the_rule(rule: str) -> None:
    known = ServerTimeRule(rule)
    deals = [deal(60 * hour, hour + 10_000, rule=known) for hour in range(-9000, 4000, 7)]
    records = deal_records(deals, known, MUCH_LATER + timedelta(days=400))
    for record in records:
        assert record.time == known.to_utc(record.fields["time"])
        assert record.decided == (known.told_twice(record.fields["time"]) is None)


def test_a_step_back_tells_of_all_around_it() -> None:
    deals = [deal(-59, 1), deal(-10, 2), deal(20, 3), deal(59, 4)]
    assert minutes_of(deal_records(deals, RULE, MUCH_LATER)) == [-59, -10, 20, 59]


def test_without_a_step_back_both_times_stay() -> None:
    deals = [deal(-90, 1), deal(-50, 2), deal(-20, 3), deal(61, 4)]
    assert minutes_of(deal_records(deals, RULE, MUCH_LATER)) == [-90, (-50, 10), (-20, 40), 61]


def test_nothing_was_made_later_than_now() -> None:
    deals = [deal(-50, 1), deal(-20, 2)]
    assert minutes_of(deal_records(deals, RULE, at(12))) == [-50, -20]
    # The computer's clock may be late; and what precedes a deal of the second time may be of either.
    assert minutes_of(deal_records([deal(-20, 1), deal(10, 2)], RULE, at(9.5))) == [-20, 10]
    # By a clock that is far behind both are impossible: then it tells nothing.
    assert minutes_of(deal_records(deals, RULE, at(-600))) == [(-50, 10), (-20, 40)]


def test_stamps_that_are_a_little_out_of_order_are_no_step_back() -> None:
    deals = [deal(-30, 1), deal(-30 - 3 / 60, 2), deal(-29, 3)]
    assert not any(record.decided for record in deal_records(deals, RULE, MUCH_LATER))


def test_deals_without_milliseconds_are_read_by_their_seconds() -> None:
    (record,) = deal_records([deal(-90, 1) | {"time_msc": 0}], RULE, MUCH_LATER)
    assert (record.time, record.decided) == (at(-90), True)
    assert deal_records([], RULE, MUCH_LATER) == ()


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([], (-30, 30)),
        ([order(-30, 1)], (-30, 30)),
        # The order was set up later than the deal is stamped.
        ([order(-10, 1, kind=2)], 30),
        # Orders of later tickets are stamped before it: it was the first time.
        ([order(-30, 1), order(5, 2, kind=2)], -30),
        # An earlier order is stamped after it: it was the second time.
        ([order(-10, 0, kind=2), order(30, 1)], 30),
        # A limit order may have waited: that it was set up the first time tells nothing of its deal.
        ([order(-30, 1, kind=2), order(5, 2, kind=2)], (-30, 30)),
        # Orders of other hours tell nothing.
        ([order(-90, 0), order(-30, 1), order(90, 2)], (-30, 30)),
    ],
)
def test_orders_tell(orders: list[dict[str, Any]], expected: Any) -> None:
    records = deal_records([deal(-30, 7, order=1)], RULE, MUCH_LATER)
    assert minutes_of(told_apart(records, RULE, orders)) == [expected]


def test_what_is_known_otherwise() -> None:
    first, second = deal_records([deal(-30, 1), deal(-20, 2)], RULE, MUCH_LATER)
    assert minutes_of((first.not_before(at(-28)), first.not_before(at(-29.5)))) == [30, (-30, 30)]
    assert minutes_of((first.not_after(at(28)), first.not_after(at(29.5)))) == [-30, (-30, 30)]
    # What neither time agrees with tells nothing.
    assert first.not_before(MUCH_LATER) == first == first.not_after(at(-300))
    # One that is known tells of its neighbours.
    assert minutes_of(told_apart((first.not_before(at(0)), second), RULE)) == [30, 40]
    assert minutes_of(told_apart((first, second.not_after(at(-20))), RULE)) == [-30, -20]


def test_tickets_that_contradict_what_is_known_change_nothing() -> None:
    records = (*deal_records([deal(-30, 1)], RULE, MUCH_LATER), *deal_records([deal(-50, 2)], RULE, at(-49)))
    (first, last) = told_apart((records[0].not_before(at(0)), records[1]), RULE)
    assert minutes_of((first, last)) == [30, -50]


class _Asked(Dealing):
    """A terminal with deals of both hours that gives those of the stamps asked for."""

    def __init__(self, minutes: list[float]) -> None:
        super().__init__(NEW_YORK, FakeClock(MUCH_LATER))
        self.deals = [deal(each, number) for number, each in enumerate(minutes)]
        self.calls: list[str] = []

    @property
    def status(self) -> SessionStatus:
        raise NotImplementedError

    def _invoke(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], timeout_s: float | None) -> Any:
        self.calls.append(name)
        if name != "history_deals_get":
            return ()
        return tuple(item for item in self.deals if args[0] <= item["time_msc"] / 1000 <= args[1])


def test_a_range_that_begins_or_ends_in_that_hour_is_whole() -> None:
    made = [-90.0, -55, -40, -5, 10, 25, 50, 70]
    asked = _Asked(made)
    for since in range(-100, 80, 15):
        for until in range(since, 80, 15):
            found = minutes_of(asked.deal_records(at(since), at(until)))
            assert found == [each for each in made if since <= each <= until]
    assert set(asked.calls) == {"history_deals_get"}
    undecided = _Asked([-30.0])
    assert minutes_of(undecided.deal_records(at(-60), at(60))) == [(-30, 30)]
    assert undecided.calls == ["history_deals_get", "history_orders_get", "orders_get"]
