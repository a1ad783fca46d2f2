"""Each precondition of an idea, holding and not, and what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.terminal.values import SessionState, SessionStatus
from workers.calendar.values import Calendar, Event, Impact, SourceState
from workers.strategy import calendar_news, gates
from workers.strategy.confidence import News

NOW = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)  # a Tuesday
DAY = timedelta(hours=24)


def event(minutes: float, impact: Impact = Impact.HIGH, currency: str = "USD", title: str = "CPI") -> Event:
    return Event(title, NOW + timedelta(minutes=minutes), currency, impact, title)


def calendar(*events: Event, age: timedelta = timedelta(hours=1)) -> Calendar:
    source = SourceState(
        "a", succeeded=NOW - age, covers_from=NOW - timedelta(days=7), covers_until=NOW + timedelta(days=7)
    )
    return Calendar(tuple(sorted(events, key=lambda item: item.time)), (source,))


def open_at(
    moment: datetime, symbol: str = "EURUSD", mode: int = 4, side: str = "long", age_s: float | None = 1.0,
    own: bool = True,
) -> gates.Gate:  # fmt: skip
    return gates.market_open(symbol, mode, side, moment, age_s, 300.0, lambda: own)


def test_terminal() -> None:
    away = SessionStatus(SessionState.DISCONNECTED, NOW, reason="No terminal runs.")
    assert not gates.connected(away).holds
    assert gates.connected(away).text == "The terminal is not connected. No terminal runs."
    there = SessionStatus(SessionState.CONNECTED, NOW, server="Broker")
    assert gates.connected(there) == gates.Gate("terminal", True, "Connected to Broker.")


@pytest.mark.parametrize(
    ("symbol", "moment", "holds"),
    [
        ("EURUSD", datetime(2025, 6, 2, 9, 30, tzinfo=UTC), True),
        ("EURUSD", datetime(2025, 6, 7, 12, 0, tzinfo=UTC), False),  # a Saturday
        ("EURUSD", datetime(2025, 6, 1, 20, 0, tzinfo=UTC), False),  # a Sunday
        ("EURUSD", datetime(2025, 12, 25, 12, 0, tzinfo=UTC), False),
        ("GER40", datetime(2025, 6, 3, 21, 30, tzinfo=UTC), False),  # its night
        ("XAUUSD", datetime(2025, 6, 3, 21, 30, tzinfo=UTC), False),  # its daily break
        ("XAUUSD", datetime(2025, 6, 3, 22, 30, tzinfo=UTC), True),
        ("BTCUSD", datetime(2025, 6, 7, 12, 0, tzinfo=UTC), True),
    ],
)
def test_hours_are_those_of_the_kind_of_market(symbol: str, moment: datetime, holds: bool) -> None:
    found = open_at(moment, symbol, age_s=10_000.0)
    assert found.holds is holds
    assert (found.text == f"{symbol} does not trade at this time: its market is closed.") is not holds


def test_a_market_that_has_just_closed_is_closed_although_its_quote_is_young() -> None:
    close = datetime(2025, 6, 6, 21, 0, tzinfo=UTC)
    assert open_at(close - timedelta(seconds=1)).holds
    found = open_at(close + timedelta(minutes=2), age_s=121.0)
    assert (found.holds, found.text) == (False, "EURUSD does not trade at this time: its market has just closed.")


def test_who_is_quoted_outside_of_the_usual_hours_trades_by_its_own_bars() -> None:
    night = datetime(2025, 6, 3, 21, 30, tzinfo=UTC)
    assert open_at(night, "GER40", age_s=1.0).holds
    found = open_at(night, "GER40", age_s=1.0, own=False)
    assert (found.holds, "by the hours of its own bars" in found.text) == (False, True)


@pytest.mark.parametrize(
    ("age_s", "own", "holds"), [(1.0, True, True), (1.0, False, False), (301.0, True, False), (None, True, False)]
)
def test_of_other_symbols_quote_and_own_bars_decide(age_s: float | None, own: bool, holds: bool) -> None:
    assert open_at(NOW, "ACME", age_s=age_s, own=own).holds is holds


@pytest.mark.parametrize(
    ("mode", "side", "text"),
    [
        (0, "long", "switched trading in EURUSD off"),
        (3, "short", "closing deals in EURUSD only"),
        (1, "short", "takes buys of EURUSD only"),
        (2, "long", "takes sells of EURUSD only"),
    ],
)
def test_what_the_broker_takes(mode: int, side: str, text: str) -> None:
    found = open_at(datetime(2025, 6, 2, 9, 30, tzinfo=UTC), mode=mode, side=side)
    assert not found.holds
    assert text in found.text


def test_one_sided_symbols_take_their_side() -> None:
    moment = datetime(2025, 6, 2, 9, 30, tzinfo=UTC)
    assert open_at(moment, mode=1, side="long").holds
    assert open_at(moment, mode=2, side="short").holds


def test_fresh_bar_is_up_to_two_bars_and_five_minutes_old() -> None:
    assert gates.fresh_bar(NOW - timedelta(minutes=15), 300, NOW, is_open=False).holds
    old = gates.fresh_bar(NOW - timedelta(minutes=16), 300, NOW, is_open=False)
    assert not old.holds
    assert "16 min ago: the market seems closed." in old.text
    strange = gates.fresh_bar(NOW - timedelta(minutes=16), 300, NOW, is_open=True)
    assert "16 min ago although the market is open. The feed stands still" in strange.text
    assert gates.fresh_bar(NOW - timedelta(days=3), 86_400, NOW, is_open=True).holds
    assert not gates.fresh_bar(NOW - timedelta(days=5), 86_400, NOW, is_open=True).holds


@pytest.mark.parametrize(
    ("age_s", "is_open", "holds"), [(300.0, True, True), (301.0, True, False), (9e4, False, True), (None, False, False)]
)
def test_a_feed_that_moves(age_s: float | None, is_open: bool, holds: bool) -> None:
    assert gates.moving_feed("EURUSD", age_s, 300.0, is_open=is_open).holds is holds


@pytest.mark.parametrize(("letter", "holds"), [("A", True), ("C", True), ("D", False), ("F", False), ("", False)])
def test_grade(letter: str, holds: bool) -> None:
    found = gates.good_data(letter, "C", "EURUSD M5")
    assert found.holds is holds
    assert f"grade {letter or 'unknown'}; C or better" in found.text


def no_news(known: Calendar | None, minutes: int = 30, made_up: bool = False) -> gates.Gate:
    return gates.no_news(known, {"EUR", "USD"}, NOW, minutes, DAY, made_up=made_up)


def test_news_near_forbid() -> None:
    assert no_news(calendar(event(31), event(-31))).holds
    found = no_news(calendar(event(30)))
    assert not found.holds
    assert found.text == "News: USD CPI (high) at 12:30 UTC. The strategy stays away for 30 min."
    assert not no_news(calendar(event(-30))).holds
    assert no_news(calendar(event(5, currency="JPY"))).holds
    assert no_news(calendar(event(5, Impact.MEDIUM))).holds
    assert not no_news(calendar(event(5, currency="ALL"))).holds


def test_an_old_or_missing_calendar_forbids_and_says_what_to_do() -> None:
    old = no_news(calendar(age=timedelta(hours=25)))
    assert not old.holds
    assert "25 h old; at most 24 h is relied on. Run the task Update economic calendar." in old.text
    for missing in (None, Calendar()):
        found = no_news(missing)
        assert not found.holds
        assert "Run the task Update economic calendar" in found.text
        assert "news_embargo_minutes 0" in found.text


def test_who_need_not_ask() -> None:
    assert no_news(None, minutes=0).holds
    assert no_news(None, made_up=True).holds
    # A made-up market with a calendar heeds it.
    assert not no_news(calendar(event(5)), made_up=True).holds
    assert not no_news(calendar(age=timedelta(hours=25)), made_up=True).holds


def test_points_of_the_worst_event_near() -> None:
    events = calendar(event(-20, Impact.MEDIUM, title="PMI"), event(45), event(3, Impact.LOW), event(1, currency="JPY"))
    # Medium within the embargo takes 30; high at one and a half of its distance the same 30, but is farther away.
    found = calendar_news.news(events, {"EUR", "USD"}, NOW, 30)
    assert found == News(30.0, "USD PMI, medium impact, 20 min ago")
    assert calendar_news.news(calendar(event(10)), {"USD"}, NOW, 30) == News(40.0, "USD CPI, high impact, in 10 min")
    assert calendar_news.news(calendar(event(61)), {"USD"}, NOW, 30) == News()
    assert calendar_news.news(events, {"EUR", "USD"}, NOW, 0) == News()
    assert calendar_news.news(None, {"EUR", "USD"}, NOW, 30) == News()


def test_events_without_a_clock_time_take_nothing() -> None:
    day = Event("x", NOW, "USD", Impact.HIGH, "Holiday", all_day=True)
    assert calendar_news.news(calendar(day), {"USD"}, NOW, 30) == News()


def test_excerpt_answers_as_the_whole_calendar_does() -> None:
    events = [event(minutes, impact) for minutes in range(-3000, 3000, 7) for impact in (Impact.HIGH, Impact.MEDIUM)]
    whole = calendar(*events, event(12, Impact.LOW))
    for minutes in (5, 30, 1440):
        part = calendar_news.excerpt(whole, {"USD"}, NOW, minutes)
        again = calendar_news.from_json(calendar_news.as_json(part))
        assert again == part
        assert len(part.events) < len(whole.events)
        assert calendar_news.news(again, {"USD"}, NOW, minutes) == calendar_news.news(whole, {"USD"}, NOW, minutes)
        for shift in (-3, 0, 3):
            moment = NOW + timedelta(minutes=shift)
            one = calendar_news.forbidden(
                calendar_news.excerpt(whole, {"USD"}, moment, minutes), {"USD"}, moment, minutes, DAY
            )
            other = calendar_news.forbidden(whole, {"USD"}, moment, minutes, DAY)
            assert (one.blocked, one.reason) == (other.blocked, other.reason)
