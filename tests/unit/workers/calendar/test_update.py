"""The task over a real loopback server: polite, remembering over restarts, and never losing the last good calendar."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hand_terminal import Bench
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from app.clock import FakeClock
from app.errors import Blocked, Cancelled, MetronomeError, NothingToDo, Retryable, UserAction
from app.http import Http
from app.paths import Paths
from app.storage import Storage
from workers.calendar import fetch, store
from workers.calendar.fetch import Place
from workers.calendar.task import CalendarParams, CalendarResult, update_economic_calendar
from workers.calendar.values import Calendar, SourceState

pytestmark = pytest.mark.allow_warnings("tests.task")  # the tests look at the warnings of the run themselves

NOW = datetime(2026, 8, 12, 12, 0, tzinfo=UTC)
MINUTE = 60.0


def week(*titles: str, hour: int = 8, **more: str) -> str:
    """A weekly document of Forex Factory."""
    return json.dumps(
        [
            {"title": title, "country": "USD", "date": f"2026-08-1{n}T{hour:02d}:30:00-04:00", "impact": "High",
             "forecast": "", "previous": "1.0%", **more}
            for n, title in enumerate(titles)
        ]
    )  # fmt: skip


class Desk:
    """A bench for the task, with a server that answers what the test says."""

    def __init__(self, paths: Paths, server: HTTPServer) -> None:
        self.clock = FakeClock(NOW)
        self.bench = Bench(self.clock, paths, Storage(paths, self.clock), None, http=Http())
        self.path = store.path_of(paths)
        self.asked: list[dict[str, str]] = []
        self.answers: list[Response] = []
        self.url = server.url_for("/week")
        server.expect_request("/week").respond_with_handler(self._answer)
        self.warnings: list[str] = []

    def _answer(self, request: Request) -> Response:
        self.asked.append(dict(request.headers))
        return self.answers.pop(0) if self.answers else Response("", 500)

    def run(self, source: str | None = "", **params: Any) -> CalendarResult:
        context = self.bench.context("update_economic_calendar")
        try:
            return update_economic_calendar(
                context, CalendarParams(source=self.url if source == "" else source, **params)
            )
        finally:
            self.warnings = context.warnings

    def fails(self, kind: type[MetronomeError], source: str | None = "", **params: Any) -> str:
        with pytest.raises(kind) as caught:
            self.run(source, **params)
        return caught.value.message

    @property
    def stored(self) -> Calendar:
        return store.load(self.bench.storage)

    def state(self) -> SourceState:
        return self.stored.state_of(self.url)


@pytest.fixture
def desk(paths: Paths, httpserver: HTTPServer) -> Iterator[Desk]:
    found = Desk(paths, httpserver)
    yield found
    found.bench.http.close()


def test_a_calendar_is_fetched_and_stored(desk: Desk) -> None:
    desk.answers = [Response(week("CPI m/m", "GDP q/q", "Claims"))]
    result = desk.run()
    assert (result.events, result.refused, result.added, result.stored) == (3, 0, 3, 3)
    assert result.next_event == "2026-08-12 12:30 UTC USD Claims"
    assert result.sources[0]["recognised"] == "Forex Factory weekly JSON"
    assert result.sources[0]["time_zone"] == "every time states its offset from UTC"
    assert result.summary() == "3 events, 3 new"
    document = json.loads(desk.path.read_text(encoding="utf-8"))
    assert document["schema"] == 1
    assert document["fetched"] == "2026-08-12T12:00:00.000Z"
    event = document["events"][0]
    assert {
        name: event[name] for name in ("time", "currency", "impact", "title", "previous", "all_day", "fetched")
    } == {
        "time": "2026-08-10T12:30:00.000Z",
        "currency": "USD",
        "impact": "high",
        "title": "CPI m/m",
        "previous": "1.0%",
        "all_day": False,
        "fetched": "2026-08-12T12:00:00.000Z",
    }
    assert len(event["id"]) == 16


def test_an_unchanged_calendar_is_not_sent_again(desk: Desk) -> None:
    desk.answers = [
        Response(week("CPI m/m"), headers={"ETag": '"v1"', "Last-Modified": "Wed, 12 Aug 2026 11:00:00 GMT"}),
        Response(status=304),
    ]
    desk.run()
    desk.clock.advance(6 * MINUTE)
    result = desk.run()
    assert desk.asked[1]["If-None-Match"] == '"v1"'
    assert desk.asked[1]["If-Modified-Since"] == "Wed, 12 Aug 2026 11:00:00 GMT"
    assert (result.events, result.unchanged, result.summary()) == (1, 1, "1 event, nothing changed")
    assert desk.stored.fetched == NOW + timedelta(minutes=6)


def test_it_asks_unconditionally_when_the_events_are_lost(desk: Desk) -> None:
    desk.answers = [Response(week("A"), headers={"ETag": '"v1"'}), Response(week("A"))]
    desk.run()
    desk.path.unlink()
    desk.clock.advance(6 * MINUTE)
    assert desk.run().events == 1
    assert "If-None-Match" not in desk.asked[1]


def test_one_request_in_five_minutes_also_over_a_restart(desk: Desk, paths: Paths) -> None:
    desk.answers = [Response(week("A")), Response(week("A", "B"))]
    desk.run()
    desk.clock.advance(4 * MINUTE)
    message = desk.fails(Blocked)
    assert "less than five minutes ago" in message
    assert "The calendar of 4 min ago stays (1 event)." in message
    desk.bench.storage = Storage(paths, desk.clock)  # as after a restart
    desk.fails(Blocked)
    assert len(desk.asked) == 1
    desk.clock.advance(MINUTE)
    assert desk.run().added == 1


def test_a_clock_that_was_set_back_does_not_lock_the_calendar(desk: Desk) -> None:
    desk.answers = [Response(week("A")), Response(week("A"))]
    desk.run()
    desk.clock.jump(-40 * 24 * 3600.0)
    assert desk.run().events == 1


def test_what_moved_what_came_and_what_changed(desk: Desk) -> None:
    desk.answers = [Response(week("A", "B", "C")), Response(week("A", "B", "C", "D", hour=9, previous="2.0%"))]
    before = desk.run()
    desk.clock.advance(3600)
    after = desk.run()
    assert (before.added, after.added, after.moved, after.changed, after.removed) == (3, 1, 3, 3, 0)
    assert after.summary() == "4 events, 3 moved, 1 new, 3 with other values"
    assert {change.kind for change in desk.stored.changes} == {"moved", "values", "added"}


@pytest.mark.parametrize(
    ("status", "headers", "pause_min"),
    [
        (429, {"Retry-After": "1800"}, 30),
        (429, {"Retry-After": format_datetime(NOW + timedelta(hours=2), usegmt=True)}, 120),
        (429, {"Retry-After": "9999999999"}, 24 * 60),
        (429, {"Retry-After": "nonsense"}, 5),
        (429, {"Retry-After": "10"}, 5),
        (503, {}, 5),
        (500, {}, 5),
    ],
)
def test_retry_after_is_obeyed(desk: Desk, status: int, headers: dict[str, str], pause_min: float) -> None:
    desk.answers = [Response("", status, headers=headers), Response(week("A"))]
    message = desk.fails(Retryable)
    assert f"answered {status}" in message
    assert "There is no calendar yet." in message
    desk.clock.advance(pause_min * MINUTE - 1)
    assert "left in peace" in desk.fails(Blocked)
    assert len(desk.asked) == 1
    desk.clock.advance(1)
    assert desk.run().events == 1
    assert (desk.state().failures, desk.state().problem, desk.state().next_try) == (0, "", None)


def test_pauses_grow_with_failures_and_are_bounded(desk: Desk) -> None:
    pauses = []
    for _ in range(9):
        desk.fails(Retryable)
        until = desk.state().next_try
        assert until is not None
        pauses.append((until - desk.clock.now()).total_seconds() / MINUTE)
        desk.clock.advance((until - desk.clock.now()).total_seconds())
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 360, 360]


def test_the_last_good_calendar_stays_when_its_source_fails(desk: Desk) -> None:
    desk.answers = [Response(week("A", "B"))]
    desk.run()
    before = desk.stored.events
    for answer, kind, words in [
        (Response("", 503), Retryable, "answered 503"),
        (Response("<!doctype html><title>Blocked</title>"), UserAction, "web page (Blocked)"),
        (Response("[]"), UserAction, "holds no event"),
        (Response(b"\x00\x01\x02" * 999), UserAction, "not text"),
        (Response("", 404), UserAction, "does not exist (404)"),
        (Response("[" * 100_000), UserAction, "nested too deeply"),
    ]:
        desk.clock.advance(2 * 3600)
        desk.answers = [answer]
        message = desk.fails(kind)
        assert words in message
        assert "stays (2 events)." in message
        assert desk.stored.events == before
        assert words.split(" (")[0] in desk.state().problem
        assert desk.state().succeeded == NOW


def test_a_cut_calendar_is_warned_of_and_asked_for_again_as_a_whole(desk: Desk) -> None:
    whole = json.loads(week(*"ABCDEF"))
    desk.answers = [
        Response(json.dumps(whole), headers={"ETag": '"1"'}),
        Response(json.dumps(whole[:2]), headers={"ETag": '"2"'}),
        Response(json.dumps(whole), headers={"ETag": '"1"'}),
    ]
    desk.run()
    desk.clock.advance(6 * MINUTE)
    result = desk.run()
    assert (result.events, result.removed, result.stored, result.sources[0]["complete"]) == (2, 0, 6, False)
    assert desk.warnings == [
        f"{desk.url}: 4 known events after its last one (2026-08-11 12:30 UTC) are missing and are kept: "
        "the document may be cut off."
    ]
    assert desk.state().etag == ""
    desk.clock.advance(6 * MINUTE)
    assert (desk.run().removed, desk.warnings) == (0, [])
    assert "If-None-Match" not in desk.asked[2]


def test_values_that_cannot_be_read_are_warned_of(desk: Desk) -> None:
    desk.answers = [Response(week("A", "B")), Response(week("A", "B", previous="NaN"))]
    desk.run()
    desk.clock.advance(6 * MINUTE)
    result = desk.run()
    told = "the previous of 2 events could not be read; the last known stays"
    assert (result.changed, result.sources[0]["notes"]) == (0, [told])
    assert desk.warnings == [f"{desk.url}: {told}."]
    assert [event.previous for event in desk.stored.events] == ["1.0%", "1.0%"]


def test_a_failed_run_keeps_what_was_recognised(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("Title,Country,Date,Time,Impact,Forecast,Previous\nB,USD,13-40-2026,1:30pm,High,,\n")
    with pytest.raises(UserAction) as caught:
        desk.run(str(file))
    assert caught.value.findings["refused"] == 1
    (source,) = caught.value.findings["sources"]
    assert (source["recognised"], source["refused"], source["events"]) == ("Forex Factory weekly CSV", 1, 0)
    assert source["refusals"] == [{"place": "line 2", "reason": "there is no day 2026-13-40", "title": "B"}]
    assert "none of its 1 rows can be used" in source["problem"]
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><title>No</title>")
    with pytest.raises(UserAction) as caught:
        desk.run(str(page))
    assert caught.value.findings["sources"][0]["recognised"] == "web page"
    desk.answers = [Response("", 503)]
    with pytest.raises(Retryable) as failed:
        desk.run()
    assert "answered 503" in failed.value.findings["sources"][0]["problem"]


def test_a_body_beyond_the_limit_is_given_up(desk: Desk) -> None:
    def flood() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000_000

    desk.answers = [Response(flood())]
    assert "is larger than 12 MB" in desk.fails(UserAction)


def test_endless_redirects_and_nobody_there(desk: Desk, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/round").respond_with_data("", 302, {"Location": "/round"})
    assert "redirects more than 5 times" in desk.fails(UserAction, httpserver.url_for("/round"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "cannot be reached" in desk.fails(Retryable, f"http://127.0.0.1:{port}/")


def test_a_server_that_drips_ends_at_the_limit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert "did not answer within" in desk.fails(Retryable, f"http://127.0.0.1:{server.getsockname()[1]}/")


def test_secrets_come_from_the_keyring_and_are_shown_nowhere(
    desk: Desk, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def answer(request: Request) -> Response:
        seen.append(request.query_string.decode())
        return Response(week("A"))

    httpserver.expect_request("/keyed").respond_with_handler(answer)
    monkeypatch.setattr("app.secrets.Secrets.get", lambda _self, name: {"provider.fmp": "S3CR3T-VALUE"}.get(name))
    result = desk.run(httpserver.url_for("/keyed") + "?apikey={secret:fmp}")
    assert seen == ["apikey=S3CR3T-VALUE"]
    assert "S3CR3T" not in desk.path.read_text(encoding="utf-8") + result.model_dump_json()
    assert "no secret named provider.other" in desk.fails(
        UserAction, httpserver.url_for("/keyed") + "?a={secret:other}"
    )


# -- files and folders -------------------------------------------------------------------------------------------------


def test_a_file_is_read_as_often_as_asked(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "any name at all.txt"
    file.write_text(week("A"), encoding="utf-16")
    assert desk.run(str(file)).added == 1
    assert desk.run(file.as_uri()).added == 0
    assert "no file or folder" in desk.fails(UserAction, str(tmp_path / "none"))
    assert "not an address" in desk.fails(UserAction, "ftp://host/file")


def test_a_folder_is_read_oldest_first(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "calendars"
    folder.mkdir()
    assert "holds no file" in desk.fails(UserAction, str(folder))
    for number, (name, text) in enumerate(
        [
            ("b.json", week("A", "B", hour=8)),
            ("a.json", week("A", "B", hour=9)),
            ("notes.txt", "hello"),
            (".hidden", "x"),
        ]
    ):
        (folder / name).write_text(text, encoding="utf-8")
        os.utime(folder / name, (1_000_000 + number, 1_000_000 + number))
    result = desk.run(str(folder))
    assert (result.events, result.stored, result.moved) == (4, 2, 2)
    assert [event.time.hour for event in desk.stored.events] == [13, 13]
    assert any("notes.txt" in warning and "not recognised" in warning for warning in desk.warnings)


def part(*rows: str) -> str:
    return "date,time,currency,event,impact\n" + "".join(f"2026-08-{row},High\n" for row in rows)


def titles(desk: Desk) -> list[str]:
    return [event.title for event in desk.stored.events]


USD = ("12,12:30,USD,CPI", "12,14:00,USD,Sales", "13,12:30,USD,Claims", "14,12:30,USD,Output")
JPY = ("12,01:30,JPY,CPI", "13,01:30,JPY,Orders", "14,01:30,JPY,GDP")


@pytest.mark.parametrize("how", ["folder", "two files"])
def test_files_with_parts_of_a_calendar_do_not_take_each_others_events(desk: Desk, tmp_path: Path, how: str) -> None:
    folder = tmp_path / "calendars"
    folder.mkdir()
    files = []
    for name, rows in (("usd.csv", USD), ("jpy.csv", JPY)):
        files.append(folder / name)
        files[-1].write_text(part(*rows), encoding="utf-8")
    calendar = desk.bench.settings.calendar.model_copy(
        update={"sources": (str(folder),) if how == "folder" else tuple(map(str, files)), "time_zone": "UTC"}
    )
    desk.bench.settings = desk.bench.settings.model_copy(update={"calendar": calendar})
    result = desk.run(None)
    assert (result.added, result.removed, result.stored) == (7, 0, 7)
    before = desk.stored.events
    for _ in range(2):
        result = desk.run(None)
        assert (result.added, result.removed, result.moved, result.changed, result.stored) == (0, 0, 0, 0, 7)
    assert desk.stored.events == before
    files[0].write_text(part(*USD[:1], *USD[2:]), encoding="utf-8")  # it takes away one of its own
    result = desk.run(None)
    assert (result.removed, result.stored, "Sales" in titles(desk)) == (1, 6, False)


def test_an_event_of_two_sources_is_one_until_neither_has_it(desk: Desk, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text(part(*USD), encoding="utf-8")
    second.write_text(part(*USD[:3], *JPY), encoding="utf-8")
    assert desk.run(str(first), time_zone="UTC").stored == 4
    result = desk.run(str(second), time_zone="UTC")
    assert (result.added, result.moved, result.stored) == (3, 0, 7)
    sales = next(event for event in desk.stored.events if event.title == "Sales")
    assert sales.sources == (str(first), str(second))
    first.write_text(part(USD[0], *USD[2:]), encoding="utf-8")
    assert (desk.run(str(first), time_zone="UTC").removed, "Sales" in titles(desk)) == (0, True)
    second.write_text(part(USD[0], USD[2], *JPY), encoding="utf-8")
    assert (desk.run(str(second), time_zone="UTC").removed, "Sales" in titles(desk)) == (1, False)


def test_another_part_moves_no_event_of_the_same_title(desk: Desk, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text(part("11,06:00,EUR,CPI m/m", *USD), encoding="utf-8")
    second.write_text(part("13,06:00,EUR,CPI m/m", *JPY), encoding="utf-8")
    desk.run(str(first), time_zone="UTC")
    result = desk.run(str(second), time_zone="UTC")
    assert (result.moved, result.added, result.stored) == (0, 4, 9)


def test_what_only_a_deleted_file_had_is_taken_over(desk: Desk, tmp_path: Path) -> None:
    monday, tuesday = tmp_path / "monday.csv", tmp_path / "tuesday.csv"
    monday.write_text(part(*USD), encoding="utf-8")
    desk.run(str(monday), time_zone="UTC")
    monday.unlink()
    tuesday.write_text(part(USD[0], *USD[2:]), encoding="utf-8")
    result = desk.run(str(tuesday), time_zone="UTC")
    assert (result.added, result.removed, result.stored) == (0, 1, 3)


def test_a_folder_of_two_captures_does_not_flip(desk: Desk, tmp_path: Path) -> None:
    for number, hour in enumerate((8, 9)):
        file = tmp_path / f"{9 - number}.json"
        file.write_text(week("A", "B", hour=hour), encoding="utf-8")
        os.utime(file, (1_000_000 + number, 1_000_000 + number))
    assert desk.run(str(tmp_path)).moved == 2
    result = desk.run(str(tmp_path))
    assert (result.moved, result.stored, result.unchanged) == (0, 2, 2)


def test_several_sources_of_which_one_fails(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "good.json"
    file.write_text(week("A"), encoding="utf-8")
    settings = desk.bench.settings
    desk.bench.settings = settings.model_copy(
        update={"calendar": settings.calendar.model_copy(update={"sources": (desk.url, str(file))})}
    )
    result = desk.run(None)
    assert (result.events, len(result.sources)) == (1, 2)
    assert any("answered 500" in warning for warning in desk.warnings)
    assert result.sources[0]["problem"]
    desk.bench.settings = settings.model_copy(update={"calendar": settings.calendar.model_copy(update={"sources": ()})})
    assert "no source" in desk.fails(NothingToDo, None)


def test_refused_rows_are_counted_listed_and_warned_of(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text(
        "Title,Country,Date,Time,Impact,Forecast,Previous\nA,USD,08-12-2026,1:30pm,High,,\nB,USD,13-40-2026,1:30pm,High,,\n",
        encoding="utf-8",
    )
    result = desk.run(str(file))
    assert (result.events, result.refused, result.summary()) == (1, 1, "1 event, 1 new, 1 row refused")
    assert result.sources[0]["refusals"] == [{"place": "line 3", "reason": "there is no day 2026-13-40", "title": "B"}]
    assert desk.warnings == [f"{file}: 1 row refused; line 3: there is no day 2026-13-40."]


def test_zone_and_order_may_be_given_for_one_run(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("date,time,currency,event,impact\n03/04/2026,07:00,EUR,Speech,High\n", encoding="utf-8")
    desk.fails(UserAction, str(file))
    desk.run(str(file), time_zone="Europe/Berlin", date_order="day_first")
    assert desk.stored.events[0].time == datetime(2026, 4, 3, 5, 0, tzinfo=UTC)
    with pytest.raises(ValueError, match="should be the name of a time zone"):
        CalendarParams(time_zone="Nowhere/At all")


def test_a_large_document_is_read_in_a_process_of_its_own(desk: Desk, tmp_path: Path) -> None:
    rows = "".join(f"E{n},USD,02-10-2026,1:30pm,High,,\n" for n in range(20_500))
    file = tmp_path / "large.csv"
    file.write_text("Title,Country,Date,Time,Impact,Forecast,Previous\n" + rows, encoding="utf-8")
    assert file.stat().st_size > 400_000
    result = desk.run(str(file))
    assert (result.events, result.sources[0]["complete"]) == (20_000, False)


# -- the stored file ---------------------------------------------------------------------------------------------------


@pytest.mark.allow_warnings("is damaged", "cannot be used")
def test_a_damaged_file_is_kept_aside_and_bad_entries_are_left_out(desk: Desk) -> None:
    desk.answers = [Response(week("A", "B")), Response(week("A"))]
    desk.run()
    document = json.loads(desk.path.read_text(encoding="utf-8"))
    document["events"][0]["time"] = "yesterday"
    document["sources"].append({"source": 7})
    document["changes"] = "none"
    desk.path.write_text(json.dumps(document), encoding="utf-8")
    assert [event.title for event in desk.stored.events] == ["B"]
    desk.path.write_text('{"events": [', encoding="utf-8")
    assert desk.stored == Calendar(damage=desk.stored.damage)
    assert list(desk.path.parent.glob("economic_calendar.json.damaged-*"))


def test_old_events_leave_and_those_of_the_newest_document_stay(desk: Desk, tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text(week("A").replace("2026-08", "2024-03"), encoding="utf-8")
    assert desk.run(str(old)).stored == 1
    desk.answers = [Response(week("B"))]
    desk.run()
    assert len(desk.stored.events) == 2
    desk.clock.advance(61 * 24 * 3600)
    desk.answers = [Response(week("B").replace("2026-08-1", "2026-10-1"))]
    desk.run()
    assert [event.time.year for event in desk.stored.events] == [2026]


def test_what_is_stored_is_read_back_alike(desk: Desk) -> None:
    desk.answers = [Response(week("A", "B")), Response(week("A", "B", hour=9))]
    desk.run()
    desk.clock.advance(3600)
    desk.run()
    calendar = desk.stored
    store.save(desk.bench.storage, calendar, desk.clock.now())
    assert desk.stored == calendar


def test_a_cancelled_run_stops_before_the_next_source(desk: Desk) -> None:
    desk.bench.cancel.set()
    with pytest.raises(Cancelled):
        desk.run()
    assert not desk.asked


def test_waits_of_states_from_a_far_future_are_not_obeyed() -> None:
    state = SourceState("s", next_try=NOW + timedelta(days=30), attempted=NOW + timedelta(days=29))
    assert fetch.too_early(state, NOW) is None


@pytest.mark.parametrize("name", ["C:/calendars/x.json", "/home/me/x y.json"])
def test_file_addresses_of_both_systems(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(Path, "is_dir", lambda _self: False)
    monkeypatch.setattr(Path, "is_file", lambda self: bool(seen.append(self.as_posix())) or True)
    address = "file:///" + name.lstrip("/").replace(" ", "%20")
    found: Callable[[str], list[Place]] = fetch.places
    assert len(found(address)) == 1
    assert seen == [name]
