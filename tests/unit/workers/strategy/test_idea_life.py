"""What may be decided about an idea when, and when it ends: on the hours of its market."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.strategy.decision_book import Decision, Kind
from workers.strategy.idea_life import State, after, ends_at, refusal, state_at

TUESDAY = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)
#: Currencies close at 17:00 in New York, 21:00 UTC in summer.
FRIDAY = datetime(2025, 6, 6, 20, 30, tzinfo=UTC)
SUNDAY = datetime(2025, 6, 8, 21, 0, tzinfo=UTC)
CHOSEN = [Kind.APPROVE, Kind.REJECT, Kind.EDIT, Kind.EXPIRE]


def decisions(*kinds: Kind) -> list[Decision]:
    return [Decision(TUESDAY, "x", kind, "window") for kind in kinds]


@pytest.mark.parametrize(
    ("symbol", "timeframe", "closed", "bars", "ends"),
    [
        ("EURUSD", "M5", TUESDAY, 12, TUESDAY + timedelta(hours=1)),
        ("EURUSD", "H1", TUESDAY, 12, TUESDAY + timedelta(hours=12)),
        # Six bars are left on Friday, the other six come from Sunday evening on.
        ("EURUSD", "M5", FRIDAY, 12, SUNDAY + timedelta(minutes=30)),
        ("EURUSD", "M5", FRIDAY, 6, FRIDAY + timedelta(minutes=30)),
        ("EURUSD", "H1", FRIDAY - timedelta(minutes=30), 2, SUNDAY + timedelta(hours=1)),
        # The day of Friday has closed: three more close on Monday, Tuesday and Wednesday.
        ("EURUSD", "D1", FRIDAY + timedelta(minutes=30), 3, datetime(2025, 6, 11, 21, 0, tzinfo=UTC)),
        ("BTCUSD", "M5", FRIDAY, 12, FRIDAY + timedelta(hours=1)),
        ("ACME", "M5", FRIDAY, 12, SUNDAY + timedelta(minutes=30)),
        ("EURUSD", "W1", FRIDAY, 2, FRIDAY + timedelta(days=14)),
        # Christmas is no trading day.
        ("EURUSD", "H4", datetime(2025, 12, 24, 22, 0, tzinfo=UTC), 1, datetime(2025, 12, 26, 2, 0, tzinfo=UTC)),
    ],
)
def test_an_idea_ends_after_so_many_bars_of_its_market(
    symbol: str, timeframe: str, closed: datetime, bars: int, ends: datetime
) -> None:
    assert ends_at(symbol, timeframe, closed, bars) == ends


@given(
    st.sampled_from(["EURUSD", "XAUUSD", "US500", "GER40", "BTCUSD", "ACME"]),
    st.sampled_from(["M1", "M5", "M15", "H1", "H4", "D1"]),
    st.integers(0, 60 * 24 * 400),
    st.integers(1, 500),
)
def test_more_bars_never_end_earlier(symbol: str, timeframe: str, minutes: int, bars: int) -> None:
    closed = datetime(2024, 12, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    first, later = ends_at(symbol, timeframe, closed, bars), ends_at(symbol, timeframe, closed, bars + 1)
    assert closed < first < later


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ((), State.PENDING),
        ((Kind.EDIT, Kind.EDIT), State.PENDING),
        ((Kind.EDIT, Kind.APPROVE), State.APPROVED),
        ((Kind.APPROVE, Kind.REJECT), State.REJECTED),
        ((Kind.REJECT, Kind.APPROVE), State.REJECTED),
        ((Kind.EXPIRE, Kind.APPROVE), State.EXPIRED),
        ((Kind.APPROVE, Kind.EXPIRE), State.APPROVED),
    ],
)
def test_the_first_decision_that_was_possible_counts(kinds: tuple[Kind, ...], state: State) -> None:
    assert after(decisions(*kinds)) is state


def test_a_pending_idea_is_over_at_its_end_recorded_or_not() -> None:
    ends = TUESDAY + timedelta(hours=1)
    assert state_at([], ends, ends - timedelta(seconds=1)) is State.PENDING
    assert state_at([], ends, ends) is State.EXPIRED
    assert state_at(decisions(Kind.APPROVE), ends, ends) is State.APPROVED
    # A clock that goes back does not wake what was recorded as ended.
    assert state_at(decisions(Kind.EXPIRE), ends, TUESDAY) is State.EXPIRED


def test_refusals_are_sentences() -> None:
    ends = TUESDAY + timedelta(hours=1)
    for kind in CHOSEN:
        assert refusal(State.PENDING, kind, ends, TUESDAY) == ""
    assert refusal(State.APPROVED, Kind.REJECT, ends, TUESDAY) == ""
    assert refusal(State.APPROVED, Kind.REJECT, ends, ends).startswith(
        "It was approved and its time ended at 2025-06-03"
    )
    assert refusal(State.APPROVED, Kind.APPROVE, ends, TUESDAY) == "It was approved already, so it cannot be approved."
    assert refusal(State.REJECTED, Kind.APPROVE, ends, TUESDAY) == "It was rejected already, so it cannot be approved."
    assert refusal(State.EXPIRED, Kind.EDIT, ends, ends).startswith("It expired at 2025-06-03 13:00 UTC")
