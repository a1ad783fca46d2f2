"""Every real calendar of the reference data: what it is recognised as, how many events, and times worked out by hand.

The counts were taken with jq and grep, not with the code under test.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from workers.calendar.values import Event, Impact, Parsed

pytestmark = pytest.mark.shared

Read = Callable[..., Parsed]

COUNTS = [
    ("ff/ff_2022-08-14_cap0815.json", "ff_weekly_json", 87),
    ("ff/ff_2023-05-07.xml", "ff_weekly_xml", 83),
    ("ff/ff_2023-07-02.xml", "ff_weekly_xml", 89),
    ("ff/ff_2023-10-22.xml", "ff_weekly_xml", 74),
    ("ff/ff_2024-08-18.xml", "ff_weekly_xml", 66),
    ("ff/ff_2024-09-15.xml", "ff_weekly_xml", 94),
    ("ff/ff_2025-05-04.xml", "ff_weekly_xml", 91),
    ("ff/ff_2026-02-08.csv", "ff_weekly_csv", 88),
    ("ff/ff_2026-06-21_highonly.json", "ff_weekly_json", 12),
    ("ff/ff_2026-08-09_cap0809T0443.json", "ff_weekly_json", 73),
    ("ff/ff_2026-08-09_cap0809T2356.json", "ff_weekly_json", 74),
    ("ff/ff_2026-08-09_cap0813T2135.json", "ff_weekly_json", 75),
    ("ff/ff_2026-08-09_cap0814T0651.json", "ff_weekly_json", 73),
    ("ff/ff_2026-08-09_cap0814T1242.json", "ff_weekly_json", 74),
    ("other/ff_scrape_xau_20260817.json", "ff_page_json", 56),
    ("other/finnhub_economic_calendar.json", "finnhub_json", 4),
    ("other/fmp_economic_calendar.json", "fmp_json", 2),
    ("other/investing_2025-09-21.csv", "investing_csv", 251),
    ("other/uk_labels_2026-06.csv", "table_csv", 48),
]


def test_no_file_of_the_reference_data_is_left_out(files: Path) -> None:
    there = {
        path.relative_to(files).as_posix() for path in files.rglob("*") if path.suffix in (".json", ".xml", ".csv")
    }
    assert there == {name for name, _, _ in COUNTS}


@pytest.mark.parametrize(("name", "layout", "count"), COUNTS)
def test_counts(files: Path, read: Read, name: str, layout: str, count: int) -> None:
    parsed = read((files / name).read_bytes())
    assert (parsed.layout, len(parsed.events), parsed.refused, parsed.complete) == (layout, count, 0, True)
    assert parsed.time_zone


@pytest.mark.parametrize(("name", "layout", "count"), COUNTS)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_layout_is_told_by_content_in_every_encoding(
    files: Path, read: Read, name: str, layout: str, count: int, encoding: str
) -> None:
    text = (files / name).read_bytes().decode("utf-8-sig")
    parsed = read(text.replace("\n", "\r\n").encode(encoding))
    assert (parsed.layout, len(parsed.events), parsed.refused) == (layout, count, 0)


def one(parsed: Parsed, title: str, currency: str, number: int = 0) -> Event:
    return [event for event in parsed.events if (event.title, event.currency) == (title, currency)][number]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "title", "currency", "when"),
    [
        # JSON states New York's offset: 19:01-04:00 is one minute past midnight in London's summer.
        ("ff/ff_2022-08-14_cap0815.json", "Rightmove HPI m/m", "GBP", "2022-08-14T23:01"),
        ("ff/ff_2026-08-09_cap0809T0443.json", "Bank Lending y/y", "JPY", "2026-08-09T23:50"),
        # XML and CSV are in GMT. 12:30 is 08:30 in New York's summer, 13:30 in its winter.
        ("ff/ff_2024-09-15.xml", "Rightmove HPI m/m", "GBP", "2024-09-15T23:01"),
        ("ff/ff_2024-09-15.xml", "Federal Funds Rate", "USD", "2024-09-18T18:00"),
        ("ff/ff_2023-10-22.xml", "Unemployment Claims", "USD", "2023-10-26T12:30"),
        ("ff/ff_2025-05-04.xml", "Official Bank Rate", "GBP", "2025-05-08T11:02"),
        ("ff/ff_2026-02-08.csv", "RICS House Price Balance", "GBP", "2026-02-12T00:01"),
        ("ff/ff_2026-02-08.csv", "Lower House Elections", "JPY", "2026-02-08T06:00"),
        # The scrape is in UTC+7 (8:45pm), its epoch is not: 13:45 UTC is 09:45 in New York.
        ("other/ff_scrape_xau_20260817.json", "Final Manufacturing PMI", "USD", "2026-08-03T13:45"),
        # The PBoC announces at 09:15 in Shanghai, 01:15 UTC: the scrape is in New York's time.
        ("other/investing_2025-09-21.csv", "PBoC Loan Prime Rate", "CNY", "2025-09-22T01:15"),
        ("other/investing_2025-09-21.csv", "Chicago Fed National Activity (Aug)", "USD", "2025-09-22T12:30"),
        # London labels in June: 07:00 is 06:00 UTC, 00:01 is the day before.
        ("other/uk_labels_2026-06.csv", "UK CPI Inflation Rate", "GBP", "2026-06-17T06:00"),
        ("other/uk_labels_2026-06.csv", "UK Rightmove House Price Index", "GBP", "2026-06-14T23:01"),
        ("other/uk_labels_2026-06.csv", "FOMC Policy Statement and Federal Funds Rate", "USD", "2026-06-17T18:00"),
        ("other/fmp_economic_calendar.json", "Producer Price Index MoM (Dec)", "JPY", "2024-01-15T23:50"),
        ("other/finnhub_economic_calendar.json", "ECB rate decision", "EUR", "2026-05-28T12:15"),
    ],
)
def test_times_worked_out_by_hand(files: Path, read: Read, name: str, title: str, currency: str, when: str) -> None:
    assert one(read((files / name).read_bytes()), title, currency).time == at(when)


def test_the_week_of_the_change_of_clocks_in_europe_only(files: Path, read: Read) -> None:
    # 2023-10-22 to 10-28: New York and London are both in summer until the Sunday after: 12:30 GMT is 08:30 and 13:30.
    parsed = read((files / "ff/ff_2023-10-22.xml").read_bytes())
    assert one(parsed, "Core Durable Goods Orders m/m", "USD").time == at("2023-10-26T12:30")
    assert one(parsed, "Main Refinancing Rate", "EUR").time == at("2023-10-26T12:15")


def test_values_and_flags(files: Path, read: Read) -> None:
    week = read((files / "ff/ff_2026-08-09_cap0809T0443.json").read_bytes())
    auction = one(week, "German 30-y Bond Auction", "EUR")
    assert (auction.previous, auction.forecast, auction.actual, auction.impact) == ("3.64|2.9", "", "", Impact.LOW)
    scrape = read((files / "other/ff_scrape_xau_20260817.json").read_bytes())
    meeting = one(scrape, "OPEC-JMMC Meetings", "ALL")
    assert (meeting.all_day, meeting.tentative, meeting.time) == (True, False, at("2026-08-02T00:00"))
    assert meeting.impact is Impact.MEDIUM
    # The time column holds the period of the figures (Jul 18th): no clock time is known.
    assert sum(event.tentative for event in scrape.events) == 1
    assert one(scrape, "Final Manufacturing PMI", "USD").actual == "53.9"
    fmp = read((files / "other/fmp_economic_calendar.json").read_bytes())
    assert [(e.forecast, e.previous, e.actual) for e in fmp.events] == [
        ("0.1%", "0.3%", "0.3%"),
        ("-0.3%", "0.3%", "0%"),
    ]
    finnhub = read((files / "other/finnhub_economic_calendar.json").read_bytes())
    assert [e.forecast for e in finnhub.events] == ["0.3%", "", "180K", ""]
    investing = read((files / "other/investing_2025-09-21.csv").read_bytes())
    assert one(investing, "M3 Money Supply (Aug)", "CHF").actual == "1,196.9B"
    assert sum(event.impact is Impact.HIGH for event in investing.events) == 14


def test_holidays_are_events_with_their_own_impact(files: Path, read: Read) -> None:
    for name in ("ff/ff_2023-05-07.xml", "ff/ff_2022-08-14_cap0815.json"):
        data = (files / name).read_bytes()
        parsed = read(data)
        assert sum(e.impact is Impact.HOLIDAY for e in parsed.events) == len(
            re.findall(rb"\bHoliday\]|\"Holiday\"", data)
        )


def test_json_and_xml_agree_with_an_independent_reading(files: Path, read: Read) -> None:
    name = files / "ff/ff_2022-08-14_cap0815.json"
    raw = json.loads(name.read_text(encoding="utf-8"))
    found = [(e.time, e.title, e.currency, e.forecast, e.previous) for e in read(name.read_bytes()).events]
    assert found == [
        (datetime.fromisoformat(item["date"]).astimezone(UTC), item["title"], item["country"].upper(), item["forecast"],
         item["previous"])
        for item in raw
    ]  # fmt: skip
    path = files / "ff/ff_2026-02-08.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    times = [
        datetime.strptime(f"{item['Date']} {item['Time']}", "%m-%d-%Y %I:%M%p").replace(tzinfo=UTC) for item in rows
    ]
    assert [event.time for event in read(path.read_bytes()).events] == times


def test_the_evidence_finds_gmt_in_every_file_that_is_known_to_be_in_it(files: Path, read: Read) -> None:
    for path in sorted(files.glob("ff/*.xml")):
        assert "releases at known times agree" in read(path.read_bytes()).time_zone, path.name


def test_a_zone_that_was_set_rules_and_is_questioned(files: Path, read: Read) -> None:
    data = (files / "other/uk_labels_2026-06.csv").read_bytes()
    stated = read(data, zone="Europe/London")
    assert stated.time_zone == "Europe/London, as set"
    assert not stated.warnings
    # Lisbon keeps London's clock; Tokyo does not.
    assert not read(data, zone="Europe/Lisbon").warnings
    wrong = read(data, zone="Asia/Tokyo")
    assert one(wrong, "UK CPI Inflation Rate", "GBP").time == at("2026-06-16T22:00")
    assert "agree" in wrong.warnings[0]


@pytest.mark.parametrize(("name", "layout", "count"), [entry for entry in COUNTS if entry[2] > 20])
def test_a_document_that_breaks_off_gives_what_came(
    files: Path, read: Read, name: str, layout: str, count: int
) -> None:
    data = (files / name).read_bytes()
    parsed = read(data[: len(data) * 2 // 3])
    assert count / 2 < len(parsed.events) < count
    if layout.endswith(("json", "xml")):
        assert not parsed.complete
        assert parsed.warnings
