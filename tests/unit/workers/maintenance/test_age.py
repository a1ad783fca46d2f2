"""How old a file is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.maintenance.age import date_in, dated

NOW = datetime(2025, 6, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("trades_20250603.csv", date(2025, 6, 3)),
        ("app-2025-06-03.log", date(2025, 6, 3)),
        ("app.2025.06.03.log.gz", date(2025, 6, 3)),
        ("EURUSD_20250230.json", None),
        ("EURUSD_20251301.json", None),
        ("EURUSD_00000101.json", None),
        ("EURUSD_99990101.json", None),
        ("120250603.log", None),
        ("20250603120000.log", None),
        ("2025-0603.log", None),
        ("metronome.log.3", None),
        ("FUT20251231_20250101.json", date(2025, 1, 1)),
        ("trades_20240229.csv", date(2024, 2, 29)),
        ("EURUSD_20250101.json.damaged-20250603T120000Z", date(2025, 6, 3)),
        ("\udcff20250603\udcff", date(2025, 6, 3)),
        ("", None),
    ],
)
def test_date_in_a_name(name: str, found: date | None) -> None:
    assert date_in(name) == found


def test_the_name_counts_before_the_time_of_the_file() -> None:
    touched_just_now = dated("trades_20250101.csv", int(NOW.timestamp() * 1e9))
    assert touched_just_now.older_than(90, NOW.timestamp())
    assert str(touched_just_now) == "2025-01-01"


def test_a_date_counts_in_whole_days() -> None:
    at = dated("trades_20250504.csv", 0)
    assert not at.older_than(30, NOW.timestamp())
    assert not at.older_than(30, NOW.replace(hour=23, minute=59).timestamp())
    assert at.older_than(30, (NOW.replace(hour=0) + timedelta(days=1)).timestamp())


def test_the_future() -> None:
    assert dated("x_20260101.log", 0).ahead(NOW.timestamp())
    assert dated("x.log", int((NOW.timestamp() + 90_000) * 1e9)).ahead(NOW.timestamp())
    assert not dated("x.log", int((NOW.timestamp() + 3_600) * 1e9)).ahead(NOW.timestamp())
    assert str(dated("x.log", 2**80)) == "a time that no calendar has"


@given(st.text(), st.integers(-(2**63), 2**63), st.integers(1, 3650))
def test_whatever_the_name_and_time_the_answer_is_one_and_grows_with_the_clock(name: str, ns: int, days: int) -> None:
    at = dated(name, ns)
    answers = [at.older_than(days, NOW.timestamp() + day * 86_400) for day in range(0, 4000, 500)]
    assert answers == sorted(answers)
    assert not (at.older_than(days, NOW.timestamp()) and at.ahead(NOW.timestamp()))
