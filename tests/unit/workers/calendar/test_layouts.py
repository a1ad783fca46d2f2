"""Layouts as other tools write them, and what is refused with which words."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from app.errors import UserAction
from workers.calendar.values import Impact, Parsed

Read = Callable[..., Parsed]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_fxstreet_export(read: Read) -> None:
    parsed = read(
        "Id,Start,Name,Impact,Currency\r\n"
        "6f6a1b9e-1,01/03/2024 13:30:00,Initial Jobless Claims,MEDIUM,USD\r\n"
        "6f6a1b9e-2,01/05/2024 13:30:00,Nonfarm Payrolls,HIGH,USD\r\n"
        "6f6a1b9e-3,01/05/2024 15:00:00,ISM Services PMI,HIGH,USD\r\n"
        "6f6a1b9e-4,01/01/2024 00:00:00,New Year's Day,NONE,EUR\r\n"
    )
    assert parsed.layout == "fxstreet_csv"
    assert [event.time for event in parsed.events][:2] == [at("2024-01-03T13:30"), at("2024-01-05T13:30")]
    assert [event.impact for event in parsed.events] == [Impact.MEDIUM, Impact.HIGH, Impact.HIGH, Impact.NONE]
    assert parsed.events[0].own_id == "6f6a1b9e-1"


def test_page_scraped_over_a_year_with_times_carried_down(read: Read) -> None:
    parsed = read(
        "year,day,time,impact,cur,text,actual,forecast,previous\n"
        "2022,Jan 2,,holiday,NZD,Bank Holiday,,,\n"
        "2022,Jan 3,All Day,holiday,GBP,Bank Holiday,,,\n"
        "2022,Jan 4,10:00am,high,USD,ISM Manufacturing PMI,58.7,60.0,61.1\n"
        "2022,Jan 4,,medium,USD,JOLTS Job Openings,10.56M,11.08M,11.09M\n"
        "2022,Jan 4,Tentative,low,NZD,GDT Price Index,0.3%,,0.0%\n"
        "2022,Jan 7,8:30am,high,USD,Non-Farm Employment Change,199K,426K,249K\n"
        "2022,Jul 8,8:30am,high,USD,Unemployment Rate,3.6%,3.6%,3.6%\n"
        "2022,Mar 13,2:30am,low,USD,In the hour that New York skips,,,\n"
        "2022,Nov 6,1:30am,low,USD,In the hour that New York has twice,,,\n"
    )
    times = [(event.time, event.all_day, event.tentative) for event in parsed.events]
    assert times == [
        (at("2022-01-02T00:00"), False, True),
        (at("2022-01-03T00:00"), True, False),
        (at("2022-01-04T15:00"), False, False),
        (at("2022-01-04T15:00"), False, False),  # as the row above it
        (at("2022-01-04T00:00"), False, True),
        (at("2022-01-07T13:30"), False, False),  # winter
        (at("2022-07-08T12:30"), False, False),  # summer
    ]
    assert "America/New_York, told by its content" in parsed.time_zone
    assert [refusal.place for refusal in parsed.refusals] == ["line 9", "line 10"]
    assert "comes twice" in parsed.refusals[1].reason


STATE = {
    "days": [
        {
            "date": "Sun <span>Jan 2</span>",
            "dateline": 1641099600,
            "events": [
                {"id": 1, "ebaseId": 12, "name": "Bank Holiday", "dateline": 1641099600, "country": "NZ",
                 "currency": "NZD", "impactName": "holiday", "timeLabel": "All Day", "actual": "", "revision": ""},
            ],
        },
        {
            "date": "Tue <span>Jan 4</span>",
            "dateline": 1641272400,
            "events": [
                {"id": 2, "ebaseId": 13, "name": "ISM Manufacturing PMI", "dateline": 1641308400, "country": "US",
                 "currency": "USD", "impactName": "high", "timeLabel": "10:00am", "actual": "58.7", "previous": "61.1"},
            ],
        },
    ]
}  # fmt: skip


@pytest.mark.parametrize(
    "wrap",
    [
        "{}",
        "window.calendarComponentStates[1] = {};",
        "<!DOCTYPE html><html><head><title>Calendar</title></head><body><script>var a = {}</script></body></html>",
    ],
)
def test_page_state_alone_in_a_script_and_in_a_page(read: Read, wrap: str) -> None:
    parsed = read(wrap.format(json.dumps(STATE)))
    assert (parsed.layout, parsed.provider) == ("ff_page_state", "forexfactory")
    assert [(e.time, e.all_day, e.currency) for e in parsed.events] == [
        (at("2022-01-02T05:00"), True, "NZD"),
        (at("2022-01-04T15:00"), False, "USD"),
    ]
    assert parsed.events[1].own_id == "2"


def test_pasted_table_with_days_as_headings(read: Read) -> None:
    parsed = read(
        "\ufeffTime,Cur.,Imp.,Event,Actual,Forecast,Previous\n"
        '"Monday, January 1, 2024",,,,,,\n\n'
        "All Day,USD,Gray,New Year's Day,,,\n\n"
        '"Friday, January 5, 2024",,,,,,\n'
        "13:30,USD,Red,Nonfarm Payrolls (Dec),216K,168K,173K\n"
        "13:30,USD,Red,Unemployment Rate (Dec),3.7%,3.8%,3.7%\n"
        "15:00,USD,Orange,ISM Non-Manufacturing PMI (Dec),50.6,52.6,52.7\n"
        ",,,,,,\n"
    )
    assert (parsed.layout, len(parsed.events), parsed.refused) == ("investing_page", 4, 0)
    assert [e.time for e in parsed.events][:2] == [at("2024-01-01T00:00"), at("2024-01-05T13:30")]
    assert [e.impact for e in parsed.events] == [Impact.NONE, Impact.HIGH, Impact.HIGH, Impact.MEDIUM]


@pytest.mark.parametrize(
    "heading",
    ['"Friday, January 5, 2024"', "Friday, January 5, 2024", '"Friday, January 5, 2024",' * 7, "Fri 5th Jan 2024"],
)
def test_headings_of_days_as_scrapers_leave_them(read: Read, heading: str) -> None:
    parsed = read(
        f"Time,Cur.,Imp.,Event,Actual,Forecast,Previous\n{heading}\n13:30,USD,Red,Nonfarm Payrolls (Dec),,,\n"
        '"Friday, January 6, 2024",,,,,,\n14:00,USD,Red,Lost,,,\n2024-01-08\n13:30,EUR,Red,Speech,,,\n',
        zone="UTC",
    )
    assert [(e.title, e.time) for e in parsed.events] == [
        ("Nonfarm Payrolls (Dec)", at("2024-01-05T13:30")),
        ("Speech", at("2024-01-08T13:30")),
    ]
    # A heading that was no day must not leave its rows to the day before.
    assert [refusal.place for refusal in parsed.refusals] == ["line 4", "line 5"]


def test_page_with_days_and_times_only_where_they_change(read: Read) -> None:
    parsed = read(
        "year,day,time,impact,cur,text,actual,forecast,previous\n2022,Jan 4,10:00am,high,USD,ISM Manufacturing PMI,,,\n"
        ",,,medium,USD,JOLTS Job Openings,,,\n2022,Jan 7,,low,EUR,Retail Sales m/m,,,\n",
        zone="America/New_York",
    )
    assert [event.time for event in parsed.events] == [at("2022-01-04T15:00")] * 2 + [at("2022-01-07T00:00")]
    assert parsed.events[2].tentative
    assert len(parsed.notes) == 2
    # Nothing is taken over from a row that is not understood.
    parsed = read(
        "year,day,time,impact,cur,text,actual,forecast,previous\n2022,Jan 4,10:00am,high,USD,A,,,\n"
        "2022,Jan 4,soon,high,USD,B,,,\n2022,Jan 4,,high,USD,C,,,\n",
        zone="UTC",
    )
    assert [(event.title, event.tentative) for event in parsed.events] == [("A", False), ("C", True)]


def test_damaged_events_cost_only_themselves_in_json_and_xml(read: Read) -> None:
    rows = [
        {"title": f"E{n}", "country": "USD", "date": "2026-08-10T08:30:00-04:00", "impact": "Low"} for n in range(4)
    ]
    broken = json.dumps(rows).replace('"E1"', '"E1')
    parsed = read(broken)
    assert [event.title for event in parsed.events] == ["E0", "E2", "E3"]
    assert (parsed.refused, parsed.complete, parsed.untitled) == (1, False, True)
    lines = "\n".join(json.dumps(row) for row in rows)
    assert (len(read(lines).events), read(lines).complete) == (4, True)
    element = (
        "<event><title>E{}</title><country>USD</country><date>08-10-2026</date><time>8:30am</time>"
        "<impact>Low</impact><forecast/><previous/></event>\n"
    )
    xml = "<weeklyevents>\n" + "".join(element.format(n) for n in range(4)) + "</weeklyevents>"
    parsed = read(xml.replace("<title>E1</title>", "<title>E1</titel>"))
    assert [event.title for event in parsed.events] == ["E0", "E2", "E3"]
    assert parsed.layout == "ff_weekly_xml"
    assert [refusal.place for refusal in parsed.refusals] == ["line 3"]


def test_pasted_table_without_a_head(read: Read) -> None:
    parsed = read(
        "Friday, January 5, 2024\n\n"
        "13:30\tUSD\tRed\tNonfarm Payrolls (Dec)\t216K\t168K\t173K\n"
        "13:30\tUSD\tRed\tUnemployment Rate (Dec)\t3.7%\t3.8%\t3.7%\n"
        "15:00\tUSD\tOrange\tISM Non-Manufacturing PMI (Dec)\t50.6\t52.6\t52.7\n"
    )
    assert [(e.title, e.actual, e.forecast, e.previous) for e in parsed.events][:1] == [
        ("Nonfarm Payrolls (Dec)", "216K", "168K", "173K")
    ]
    assert "told by what they hold" in parsed.notes[0]


def test_monthly_xml_with_all_day_and_tentative(read: Read) -> None:
    rows = "".join(
        f"<event><title>{title}</title><currency>{currency}</currency><date>01-{day}-2024</date><time>{time}</time>"
        "<impact>High</impact><description>Words &amp; more</description></event>"
        for title, currency, day, time in [
            ("CPI m/m", "USD", "11", "8:30am"),
            ("Retail Sales m/m", "USD", "17", "8:30am"),
            ("Unemployment Claims", "USD", "18", "8:30am"),
            ("OPEC Meetings", "All", "18", "All Day"),
            ("GDT Price Index", "NZD", "18", "Tentative"),
        ]
    )
    parsed = read(f'<?xml version="1.0" encoding="windows-1252"?>\n<monthlyevents>{rows}</monthlyevents>')
    assert parsed.layout == "ff_monthly_xml"
    assert [(e.time, e.currency, e.all_day, e.tentative) for e in parsed.events][2:] == [
        (at("2024-01-18T13:30"), "USD", False, False),
        (at("2024-01-18T00:00"), "ALL", True, False),
        (at("2024-01-18T00:00"), "NZD", False, True),
    ]


def test_finnhub_as_its_interface_gives_it(read: Read) -> None:
    document = {
        "economicCalendar": [
            {"actual": 8.4, "country": "AU", "estimate": 6.9, "event": "Current Account Balance", "impact": "low",
             "prev": 1, "time": "2020-06-02 01:30:00", "unit": "AUD"},
        ]
    }  # fmt: skip
    parsed = read(json.dumps(document))
    assert (parsed.layout, parsed.events[0].currency) == ("finnhub_json", "AUD")
    assert parsed.events[0].time == at("2020-06-02T01:30")
    assert parsed.time_zone.startswith("UTC: Finnhub")
    assert parsed.events[0].actual == "8.4 AUD"


def test_windows_1252_declared_and_undeclared(read: Read) -> None:
    row = "<event><title>Caf\xe9 \x80 Index</title><country>EUR</country><date>01-11-2024</date><time>8:30am</time>"
    body = f"<weeklyevents>{row}<impact>Low</impact><forecast/><previous/></event></weeklyevents>".encode("latin-1")
    for head in (b'<?xml version="1.0" encoding="windows-1252"?>\n', b""):
        parsed = read(head + body)
        assert parsed.events[0].title == "Caf\xe9 \u20ac Index"
        assert parsed.notes == ("its text is windows-1252",)


def test_a_column_may_state_the_zone(read: Read) -> None:
    parsed = read("Date (UTC),Time (UTC),Currency,Event,Importance\n2026-06-15,07:00,EUR,Speech,3\n")
    assert (parsed.events[0].time, parsed.time_zone) == (at("2026-06-15T07:00"), "UTC, as the name of a column says")
    eastern = read("Date;Time ET;Ccy;Event;Impact\n2026-06-15;8:30 AM;USD;Speech;low\n")
    assert eastern.events[0].time == at("2026-06-15T12:30")


def test_a_column_of_zones_holds_for_its_row(read: Read) -> None:
    parsed = read(
        "Date,Time,Time Zone,Currency,Event,Importance\n2026-06-15,07:00,GMT,EUR,A,High\n"
        "2026-06-15,3:00 am,ET,EUR,B,Low\n"
        "2026-06-15,07:00,Mars,EUR,C,Low\n2026-06-15,All Day,GMT,EUR,D,Low\n"
    )
    assert [(e.title, e.time.hour, e.all_day) for e in parsed.events] == [
        ("A", 7, False),
        ("B", 7, False),
        ("D", 0, True),
    ]
    assert "'07:00 Mars' is not understood" in parsed.refusals[0].reason


def test_a_time_may_state_its_zone(read: Read) -> None:
    rows = ["2026-06-15T07:00:00Z", "2026-06-15 07:00 GMT", "2026-06-15T09:00+0200", "15 Jun 2026 3:00 am ET"]
    document = [{"title": f"E{n}", "currency": "EUR", "datetime": text, "impact": 2} for n, text in enumerate(rows)]
    assert {event.time for event in read(json.dumps(document)).events} == {at("2026-06-15T07:00")}


def test_server_time_of_a_broker_is_told_by_its_content(read: Read) -> None:
    rows = "".join(
        f"{day} 15:30;USD;{title};high\n"
        for day, title in [("2024.01.05", "Nonfarm Payrolls"), ("2024.07.05", "Unemployment Rate"),
                           ("2024.03.12", "CPI m/m"), ("2024.11.01", "Nonfarm Payrolls")]
    )  # fmt: skip
    parsed = read("time;currency;event;importance\n" + rows)
    # 12 March and 1 November lie between the changes of clocks in America and in Europe: only New York + 7 h fits.
    assert parsed.time_zone.startswith("America/New_York+07:00")
    assert [event.time.hour for event in parsed.events] == [13, 12, 12, 12]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("", "empty"),
        ("\ufeff \r\n", "empty"),
        ("[]", "holds no event"),
        ('{"economicCalendar": []}', "holds no event"),
        ('{"Error Message": "Invalid API KEY."}', "a message in place of a calendar: Invalid API KEY"),
        ("<!doctype html><html><head><title>Just a moment...</title></head></html>", "a web page .Just a moment"),
        ("hello, world\n" * 20, "not recognised as a calendar"),
        ("date,time,currency,event,impact\n2026-06-15,07:00,EUR,Speech,High\n", "time zone is not known"),
        ("Date,Time,Currency,Event,Impact\n03/04/2025,08:30 GMT,USD,Speech,High\n", "month or day first"),
        ("day,time,currency,event,impact\nAug 2,08:30 GMT,USD,Speech,High\n", "has no year"),
        ("{" * 40, "cannot be read"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("PK\x03\x04 rest", "ZIP archive"),
        ("\x01\x02\x03\x04" * 100, "not text"),
        ("<weeklyevents>" + "<a>" * 100, "nested too deeply"),
        ("<weeklyevents></weeklyevents>", "holds no event"),
        ("<weeklyevents", "cannot be read"),
    ],
)
def test_what_is_no_calendar_is_refused_in_words(read: Read, document: str, words: str) -> None:
    with pytest.raises(UserAction, match=words) as caught:
        read(document)
    assert caught.value.advice


def test_ambiguity_gives_way_to_a_setting(read: Read) -> None:
    day = "Date,Time,Currency,Event,Impact\n03/04/2025,08:30,USD,Speech,High\n"
    assert read(day, zone="UTC", order="day_first").events[0].time == at("2025-04-03T08:30")
    assert read(day, zone="America/New_York", order="month_first").events[0].time == at("2025-03-04T13:30")


def test_dates_tell_their_order_where_they_can(read: Read) -> None:
    head = "Date,Time,Currency,Event,Impact\n"
    above = read(head + "03/04/2025,08:30 GMT,USD,A,High\n25/04/2025,08:30 GMT,USD,B,High\n")
    assert above.events[0].time == at("2025-04-03T08:30")
    near = read(head + "".join(f"0{n}/04/2025,08:30 GMT,USD,E{n},High\n" for n in range(1, 8)))
    assert near.events[0].time == at("2025-04-01T08:30")
    assert "within 6 days" in near.notes[0]


def test_weekday_tells_the_year_or_refuses_the_row(read: Read) -> None:
    parsed = read(
        "day,time,currency,event,impact\nSun Aug 2,08:30 GMT,USD,A,High\nSunday 3 August 2025,08:30 GMT,USD,B,High\n"
        "Monday 3 August 2025,08:30 GMT,USD,C,High\n",
        now=datetime(2026, 11, 24, tzinfo=UTC),
    )
    assert [event.time for event in parsed.events] == [at("2026-08-02T08:30"), at("2025-08-03T08:30")]
    assert "2025-08-03 is a Sunday" in parsed.refusals[0].reason


def test_bad_rows_cost_only_themselves(read: Read) -> None:
    parsed = read(
        "Title,Country,Date,Time,Impact,Forecast,Previous\n"
        '"CPI m/m,USD,02-09-2026,1:30pm,High,,\n'
        "GDP,USD,02-10-2026,1:30pm,High,,\n"
        "GDP 2,USD,13-40-2026,1:30pm,High,,\n"
        "GDP,USD,02-10-2026,1:30pm,High,,\n"
        "GDP 3,High,02-10-2026,1:30pm,USD,,\n"
        "GDP 4,USD,02-10-2026,25:30,High,,\n"
        "GDP 5,USD,02-10-2026,1:30pm,3.0%,,\n"
        ",USD,02-10-2026,1:30pm,High,,\n"
        "GDP 6,USD,02-10-2026,1:30pm,High,1,2,3\n"
        "GDP 7,USD,02-10-0026,1:30pm,High,,\n"
    )
    assert [event.title for event in parsed.events] == ["GDP"]
    assert parsed.refused == 9
    reasons = {refusal.place: refusal.reason for refusal in parsed.refusals}
    assert reasons["line 2"] == "its quotes do not match, or it is far too long"
    assert reasons["line 4"] == "there is no day 2026-13-40"
    assert reasons["line 5"] == "it repeats another row word for word"
    assert reasons["line 6"] == "'High' is no currency and no country"
    assert reasons["line 7"] == "there is no time 25:30"
    assert reasons["line 8"] == "the impact '3.0%' is not understood"
    assert reasons["line 9"] == "it has no title"
    assert reasons["line 10"] == "it has 8 values for 7 columns"
    assert "line 11" in reasons


def test_refused_rows_are_listed_within_bounds(read: Read) -> None:
    rows = "".join(f"E{n},USD,02-31-2026,1:30pm,High,,\n" for n in range(5_000))
    parsed = read("Title,Country,Date,Time,Impact,Forecast,Previous\nA,USD,02-10-2026,1:30pm,High,,\n" + rows)
    assert (len(parsed.events), parsed.refused, len(parsed.refusals)) == (1, 5_000, 50)


def test_markup_and_tricks_in_titles_become_plain_text(read: Read) -> None:
    item = {"title": "<b>GDP</b>\u202e &amp; more\x07", "country": "USD", "date": "2026-08-09T19:50:00-04:00",
            "impact": "Low", "forecast": "<1.00%", "previous": "4.44|2.7"}  # fmt: skip
    event = read(json.dumps([item])).events[0]
    assert (event.title, event.forecast, event.previous) == ("GDP & more", "<1.00%", "4.44|2.7")


def test_numbers_that_are_none_are_no_values(read: Read) -> None:
    parsed = read(
        '[{"title": "X", "country": "USD", "date": "2026-08-09T19:50:00-04:00", "impact": "Low", "forecast": NaN, '
        '"previous": -Infinity, "actual": ' + "9" * 5000 + "}, 7, null]"
    )
    assert (parsed.events[0].forecast, parsed.events[0].previous, len(parsed.events[0].actual)) == ("", "", 64)
    assert parsed.refused == 2


def test_entities_are_refused_before_they_unfold(read: Read) -> None:
    lines = ['<!ENTITY a0 "lol">'] + [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 30)]
    body = "<weeklyevents><event><title>&{};</title></event></weeklyevents>"
    bomb = f"<?xml version='1.0'?><!DOCTYPE l [{''.join(lines)}]>{body.format('a29')}"
    outside = '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + body.format("x")
    for document in (bomb, outside):
        with pytest.raises(UserAction, match="declares entities"):
            read(document)


def test_the_limit_of_size_and_of_rows(read: Read) -> None:
    with pytest.raises(UserAction, match="has 12 MB; a calendar has at most 12 MB"):
        read(b"[" + b" " * 12_000_000 + b"]")
    with pytest.raises(UserAction, match="far too many values"):
        read("[" + "[]," * 400_000 + "[]]")
    rows = "".join(f"E{n},USD,02-10-2026,1:30pm,High,,\n" for n in range(21_000))
    parsed = read("Title,Country,Date,Time,Impact,Forecast,Previous\n" + rows)
    assert (len(parsed.events), parsed.complete) == (20_000, False)
    assert "only its first 20,000 events" in parsed.warnings[0]
