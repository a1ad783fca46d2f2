"""CSV files in order: what stays, what goes, and that nothing is lost on the way."""

from __future__ import annotations

import csv
import errno
import gzip
import pickle
import random
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import kill_archive
import kill_optimise
import numpy as np
import pytest
from hand_terminal import Bench
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from upkeep import put, tree

from app.errors import NothingToDo
from app.execution import execute
from app.files import StorageError, clean_leftovers
from app.paths import Paths
from app.runs import RunState
from app.tasks import NoParams
from app.terminal.values import RATES_DTYPE
from workers.journal import trades
from workers.maintenance import csv_bars, csv_plan, csv_rewrite, csv_survey, csv_trades, optimize_csv
from workers.maintenance.optimize_csv import Job, Looked, look_through
from workers.maintenance_tasks import SPECS, optimize_csv_files
from workers.market import bar_history, bar_text, bar_window
from workers.market.collect import collect

SPEC = next(spec for spec in SPECS if spec.id == "optimize_csv_files")
HEAD = b"time,open,high,low,close,tick_volume,spread,real_volume\n"
ROW = b"2025-06-03T%02d:%02d:00Z,1.1,1.2,1.0,1.1,%d,10,0\n"
TRADE_HEAD = ",".join(trades.HEADER).encode() + b"\n"


class Report:
    def progress(self, done: int, total: int, text: str = "") -> None: ...


def row(minute: int, volume: int = 5) -> bytes:
    return ROW % (minute // 60, minute % 60, volume)


def deal(ticket: int, minute: int = 0, profit: str = "1.5", comment: str = "") -> bytes:
    values = [f"2025-06-03T10:{minute:02d}:00.000Z", "Server", "7", ticket, 1, 1, 1, 0, 0, 0, 1, 0, 0.1, 1.1, 0, 0,
              profit, 0, "EURUSD", f'"{comment}"', ""]  # fmt: skip
    return ",".join(map(str, values)).encode() + b"\n"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work of the spawned process is done in this one, which is faster."""

    def compute(_ctx: Any, work: Callable[..., Any], *arguments: Any, limit_s: float) -> Any:
        return work(Report(), *arguments)

    monkeypatch.setattr("app.tasks.TaskContext.compute", compute)


def run(bench: Bench) -> Any:
    return optimize_csv_files(bench.context("optimize_csv_files"), NoParams())


def bars(bench: Bench, *lines: bytes, head: bytes = HEAD) -> Path:
    return put(bench.paths.bars / "EURUSD_M1.csv", head + b"".join(lines))


def side(path: Path) -> list[list[str]]:
    """The rows of a side file, headings left out."""
    text = path.with_name(f"{path.stem}.rejected.csv").read_bytes().decode("utf-8", "surrogateescape")
    return list(csv.reader(line for line in text.split("\n")[:-1] if not line.startswith("#")))


def test_in_the_spawned_process(bench: Bench) -> None:
    path = bars(bench, row(2), row(1))
    result = run(bench)
    assert path.read_bytes() == HEAD + row(1) + row(2)
    assert (result.files, result.changed, result.rows_before, result.rows, result.moved) == (1, 1, 2, 2, 1)
    assert result.bytes_before == result.bytes == path.stat().st_size
    assert bench.seen[-1].done == bench.seen[-1].total == 1


@pytest.mark.usefixtures("here")
class TestBars:
    def test_what_is_in_order_is_not_touched(self, bench: Bench) -> None:
        path = bars(bench, row(1), row(2))
        before = path.stat()
        result = run(bench)
        after = path.stat()
        assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
        assert (result.files, result.changed, result.rows) == (1, 0, 2)
        assert result.summary() == "1 file with 2 rows, 1 in order already"
        assert result.listed[0]["outcome"] == "in order"

    def test_no_file_is_nothing_to_do(self, bench: Bench) -> None:
        put(bench.paths.bars / "EURUSD_M1.rejected.csv", "x")
        with pytest.raises(NothingToDo):
            run(bench)

    @pytest.mark.allow_warnings("went to")
    def test_every_kind_of_damage(self, bench: Bench) -> None:
        good = [row(minute) for minute in range(40)]
        bad = [
            (b"torn,1.1\n", "it has 2 columns instead of 8"),
            (b"2025-13-03T00:00:00Z,1,1,1,1,1,1,1\n", "its time cannot be read"),
            (b"2025-06-03T00:00:00+01:00,1,1,1,1,1,1,1\n", "its time is not written as 2025-06-03T12:00:00Z"),
            (b"2106-06-03T00:00:00Z,1,1,1,1,1,1,1\n", "its time is none of a bar"),
            (b"2025-06-03T23:01:00Z,x,1,1,1,1,1,1\n", "the open is not a number"),
            (b"2025-06-03T23:02:00Z,1,nan,1,1,1,1,1\n", "the high is not a positive number"),
            (b"2025-06-03T23:03:00Z,1.1,1.2,1.15,1.1,1,1,1\n", "open or close lies outside of low and high"),
            (b"2025-06-03T23:04:00Z,1.1,1.2,1.0,1.1,1.5,1,1\n", "the tick_volume is not a whole number"),
            (b"2025-06-03T23:05:00Z,1.1,1.2,1.0,1.1,-1,1,1\n", "the tick_volume is not a usable number"),
            (b"2025-06-03T23:06:00Z,1.1,1.2,1.0,1.1,1,9999999999,1\n", "the spread is not a usable number"),
            (b'2025-06-03T23:07:00Z,"1.1,1.2,1.0,1.1,1,1,1\n', "the open is not a number"),
            (b"2025-06-03T23:08:00Z,1.1,1.2\r,1.0,1.1,1,1,1\n", "it holds a line break"),
            (b"\xff\xfe\n", "it has 1 column instead of 8"),
        ]
        path = bars(bench, *good[:20], *(line for line, _ in bad), b"\n", row(5), row(7, 99), *good[20:], row(41)[:-3])
        ctx = bench.context("optimize_csv_files")
        outcome = execute(SPEC, ctx, NoParams())
        assert outcome.state is RunState.SUCCEEDED_WITH_WARNINGS
        assert path.read_bytes() == HEAD + b"".join(good)
        told = side(path)
        assert [line[:2] for line in told[: len(bad)]] == [
            [str(22 + number), reason] for number, (_, reason) in enumerate(bad)
        ]
        assert told[len(bad)][:2] == ["37", "line 9 tells another bar of this time, and stays"]
        assert told[len(bad) + 1] == ["58", "it has no end", row(41)[:-3].decode()]
        result = outcome.result
        assert (result["rejected"], result["repeated"], result["moved"]) == (len(bad) + 2, 1, 2)
        # A second run finds nothing more to do.
        before = tree(bench.paths.bars)
        assert run(bench).changed == 0
        assert tree(bench.paths.bars) == before

    def test_line_ends_and_marks_become_plain(self, bench: Bench) -> None:
        path = bars(bench, row(1).replace(b"\n", b"\r\n"), row(2), head=b"\xef\xbb\xbf" + HEAD.replace(b"\n", b"\r\n"))
        assert run(bench).changed == 1
        assert path.read_bytes() == HEAD + row(1) + row(2)

    def test_a_missing_header_is_given_back(self, bench: Bench) -> None:
        path = bars(bench, row(1), row(2), head=b"")
        run(bench)
        assert path.read_bytes() == HEAD + row(1) + row(2)

    @pytest.mark.allow_warnings("left as it is")
    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "it is empty"),
            (b"date,price\n1,2\n", "its columns are 'date, price'"),
            (b"\x00" * 100, "its columns are"),
            (HEAD + b"x\n" * 20, "20 of its 20 rows are none"),
            (HEAD + b"x" * 6_000_000, "it has a line without an end"),
        ],
    )
    def test_what_is_not_ours_is_left_with_the_reason(self, bench: Bench, content: bytes, why: str) -> None:
        path = put(bench.paths.bars / "mine.csv", content)
        outcome = execute(SPEC, bench.context("optimize_csv_files"), NoParams())
        assert outcome.state is RunState.FAILED
        assert why in outcome.reason
        assert path.read_bytes() == content
        bars(bench, row(1))
        outcome = execute(SPEC, bench.context("optimize_csv_files"), NoParams())
        assert outcome.state is RunState.SUCCEEDED_WITH_WARNINGS
        assert outcome.result["left"] == 1

    @pytest.mark.allow_warnings("The quote of EURUSD")
    def test_the_collection_goes_on_after_it(self, bench: Bench) -> None:
        collect(bench.context(), ("EURUSD",))
        path = bar_history.bars_file(bench.paths.bars, "EURUSD", "M5")
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([lines[0], *lines[5:], *lines[1:6]]))
        source = path.with_name("EURUSD_M5.source.json").read_bytes()
        result = run(bench)
        assert (result.changed, result.repeated) == (1, 1)
        assert path.read_bytes() == b"".join(lines)
        assert path.with_name("EURUSD_M5.source.json").read_bytes() == source
        bench.clock.advance(300)
        found = collect(bench.context(), ("EURUSD",))
        assert found.outcomes[0].error is None
        assert path.read_bytes().startswith(b"".join(lines))

    def test_a_history_that_grows_meanwhile_is_looked_at_again(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = bars(bench, row(2), row(1))
        rounds: list[int] = []
        compute = bench.context().compute

        def growing(ctx: Any, work: Callable[..., Any], *arguments: Any, limit_s: float) -> Any:
            found = compute(work, *arguments, limit_s=limit_s)
            rounds.append(len(arguments[0]))
            if len(rounds) == 1:
                bench.storage.append_csv(path, HEAD.decode().strip().split(","), [row(3).decode().strip().split(",")])
            return found

        monkeypatch.setattr("app.tasks.TaskContext.compute", growing)
        assert run(bench).rows == 3
        assert rounds == [1, 1]
        assert path.read_bytes() == HEAD + row(1) + row(2) + row(3)
        assert not list(bench.paths.bars.glob(".*"))

    @pytest.mark.allow_warnings("left as it is")
    def test_one_that_never_rests_is_left(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        path = bars(bench, row(2), row(1))
        compute = bench.context().compute

        def growing(ctx: Any, work: Callable[..., Any], *arguments: Any, limit_s: float) -> Any:
            found = compute(work, *arguments, limit_s=limit_s)
            path.write_bytes(path.read_bytes() + row(3))
            return found

        monkeypatch.setattr("app.tasks.TaskContext.compute", growing)
        outcome = execute(SPEC, bench.context("optimize_csv_files"), NoParams())
        assert outcome.state is RunState.FAILED
        assert "written to all the time" in outcome.reason
        assert path.read_bytes().startswith(HEAD + row(2) + row(1) + row(3))

    @pytest.mark.allow_warnings("went to")
    def test_killed_between_side_file_and_history_nothing_is_there_twice(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        good = [row(minute) for minute in range(30)]
        path = bars(bench, *good, b"torn\n")
        put(path.with_name("EURUSD_M1.rejected.csv"), b"from before")

        class Killed(BaseException):
            pass

        def killed(*_arguments: Any) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(optimize_csv, "replace", killed)
            with pytest.raises(Killed):
                run(bench)
        assert path.read_bytes() == HEAD + b"".join(good) + b"torn\n"
        run(bench)
        assert path.read_bytes() == HEAD + b"".join(good)
        text = path.with_name("EURUSD_M1.rejected.csv").read_bytes()
        assert text.startswith(b"from before\n# 1 line of EURUSD_M1.csv")
        assert text.count(b"torn") == 1

    @pytest.mark.allow_warnings("left as it is")
    def test_a_full_disk_leaves_everything(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        path = bars(bench, row(2), row(1))
        put(bench.paths.bars / "Z.csv", HEAD + row(2) + row(1))

        def full(*_arguments: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(csv_rewrite, "write_all", full)
        outcome = execute(SPEC, bench.context("optimize_csv_files"), NoParams())
        assert outcome.state is RunState.FAILED
        assert "the disk is full" in outcome.reason
        assert path.read_bytes() == HEAD + row(2) + row(1)
        assert sorted(tree(bench.paths.bars)) == ["EURUSD_M1.csv", "Z.csv"]

    @pytest.mark.allow_warnings("left as it is")
    def test_what_is_not_proved_never_takes_the_place(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        path = bars(bench, row(3), row(1), row(2))
        pieces = csv_plan.Lines.pieces

        def losing(lines: Any, file: Any, kept: Any) -> Any:
            return pieces(lines, file, kept[:-1])

        def twice(lines: Any, file: Any, kept: Any) -> Any:
            return pieces(lines, file, np.concatenate((kept[:1], kept[:-1])))

        for wrong in (losing, twice):
            with monkeypatch.context() as patch:
                patch.setattr(csv_plan.Lines, "pieces", wrong)
                outcome = execute(SPEC, bench.context("optimize_csv_files"), NoParams())
            assert "did not hold what it should" in outcome.reason
            assert path.read_bytes() == HEAD + row(3) + row(1) + row(2)
        with monkeypatch.context() as patch:
            patch.setattr(csv_plan.Lines, "pieces", lambda *_: iter([row(1) + row(2) + row(4)]))
            outcome = execute(SPEC, bench.context("optimize_csv_files"), NoParams())
        assert "a row is missing" in outcome.reason

    @pytest.mark.parametrize(
        "other",
        [
            row(1).replace(b"T00:01:00Z", b" 00:01"),
            row(1).replace(b"T00:01:00Z", b"T00:01Z"),
            row(1).replace(b"1.1,", b"1.10,"),
            row(1).replace(b"1.1,", b" 1.1,"),
            row(1).replace(b",1.2,", b",12e-1,").replace(b"\n", b"\r\n"),
        ],
    )
    @pytest.mark.parametrize("alone", [0, 1_000])
    def test_the_same_in_other_signs_is_repeated(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch, other: bytes, alone: int
    ) -> None:
        monkeypatch.setattr(csv_bars, "_ONE_BY_ONE", alone)
        path = bars(bench, row(1), row(2), other, row(2))
        result = run(bench)
        assert (result.repeated, result.rejected) == (2, 0)
        assert path.read_bytes() == HEAD + row(1) + row(2)
        assert not path.with_name("EURUSD_M1.rejected.csv").exists()

    @pytest.mark.allow_warnings("went to")
    def test_the_last_bit_of_a_price_counts(self, bench: Bench) -> None:
        first, second = (row(1).replace(b"1.2,", b"1.%s," % cell) for cell in (b"2999999999999998", b"3"))
        bars(bench, *[first, second] * 200)
        result = run(bench)
        assert (result.rows, result.repeated, result.rejected) == (1, 199, 200)

    @pytest.mark.parametrize("end", [b"", b"\r"])
    @pytest.mark.parametrize("head", [HEAD, b""])
    @pytest.mark.parametrize("places", [(1, 2, 3), (3, 1, 2), (1,)])
    def test_a_last_line_without_an_end_that_reads_as_a_row_stays(
        self, bench: Bench, places: tuple[int, ...], head: bytes, end: bytes
    ) -> None:
        content = b"".join(map(row, places))[:-1] + end
        path = bars(bench, content, head=head)
        result = run(bench)
        assert path.read_bytes() == HEAD + b"".join(map(row, sorted(places)))
        assert (result.rows, result.rejected) == (len(places), 0)
        assert run(bench).changed == 0

    @pytest.mark.allow_warnings("went to")
    def test_a_last_line_without_an_end_may_be_gathered_repeated_or_another(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backwards = [row(minute) for minute in range(1439, 0, -1)]
        monkeypatch.setattr(csv_plan, "_SCATTERED", 10**9)
        path = bars(bench, *backwards, row(0)[:-1])
        run(bench)
        assert path.read_bytes() == HEAD + row(0) + b"".join(backwards[::-1])
        path = bars(bench, row(1), row(2), row(1)[:-1])
        assert run(bench).repeated == 1
        path = bars(bench, row(1), row(2), row(1, 7)[:-1])
        assert run(bench).rejected == 1
        assert side(path) == [["4", "line 2 tells another bar of this time, and stays", row(1, 7)[:-1].decode()]]

    @pytest.mark.allow_warnings("went to")
    def test_a_million_that_go_would_take_no_room(
        self, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of lines that go numbers are kept; their texts go to the disk in pieces and not through the pipe."""
        minutes = range(1440)
        conflicts = [row(minute, 6 + again) for again in range(20) for minute in minutes]
        path = bars(bench, *map(row, minutes), *conflicts)
        monkeypatch.setattr(csv_plan, "GATHERED", 1_000)
        monkeypatch.setattr(csv_rewrite, "_AT_ONCE", 1_000)
        monkeypatch.setattr(optimize_csv, "_PIECE", 2**16)
        longest = 0
        write_all = csv_rewrite.write_all

        def watched(descriptor: int, data: bytes) -> None:
            nonlocal longest
            longest = max(longest, len(data))
            write_all(descriptor, data)

        monkeypatch.setattr(csv_rewrite, "write_all", watched)
        plan, _ = csv_plan.planned(csv_survey.survey(path, bars=True))
        assert [(array.dtype, len(array)) for array in (plan.rejected, plan.stays, plan.repeated)] == [
            (np.uint32, len(conflicts)), (np.uint32, len(conflicts)), (np.uint32, 0)
        ]  # fmt: skip
        (looked,) = look_through(Report(), [Job(path, True, tmp_path / "new", tmp_path / "side")])
        assert looked.new is not None
        assert looked.new.rejected == len(conflicts)
        assert len(pickle.dumps(looked)) < 1_000
        assert longest < 1_000 * 200
        tracemalloc.start()
        try:
            optimize_csv._set_aside(tmp_path / "told", tmp_path / "side")
            optimize_csv._set_aside(tmp_path / "told", tmp_path / "side")
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert (tmp_path / "told").read_bytes() == (tmp_path / "side").read_bytes()
        assert most < 10 * 2**16 < (tmp_path / "side").stat().st_size

    def test_many_lines_out_of_order_are_gathered(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        rates = np.zeros(30_000, RATES_DTYPE)
        rates["time"] = 1_700_000_000 + 60 * np.arange(len(rates))
        for name in ("open", "high", "low", "close"):
            rates[name] = 1.5
        lines = bar_text.lines(rates, 5).splitlines(keepends=True)
        shuffled = lines.copy()
        chance = random.Random(7)  # noqa: S311 - a test
        chance.shuffle(shuffled)
        path = bars(bench, *shuffled)
        monkeypatch.setattr(csv_plan, "GATHERED", 7_000)
        assert run(bench).moved > 29_000
        assert path.read_bytes() == HEAD + b"".join(lines)


@pytest.mark.usefixtures("here")
class TestTrades:
    def test_sorted_and_without_duplicates(self, bench: Bench) -> None:
        path = put(
            bench.paths.logs / "trades_20250603.csv",
            TRADE_HEAD + deal(3, 2, comment="a, b") + deal(1, 1) + deal(2, 1) + deal(1, 1),
        )
        result = run(bench)
        assert path.read_bytes() == TRADE_HEAD + deal(1, 1) + deal(2, 1) + deal(3, 2, comment="a, b")
        assert (result.changed, result.repeated, result.moved) == (1, 1, 2)
        assert run(bench).changed == 0

    @pytest.mark.allow_warnings("went to")
    def test_the_first_of_two_that_differ_stays(self, bench: Bench) -> None:
        path = put(
            bench.paths.logs / "trades_20250603.csv",
            TRADE_HEAD + deal(1, 5) + deal(1, 5, profit="9") + deal(2, 6, profit="x") + b'"\n' + deal(3, 7),
        )
        run(bench)
        assert path.read_bytes() == TRADE_HEAD + deal(1, 5) + deal(3, 7)
        assert [(line[0], line[1]) for line in side(path)] == [
            ("3", "line 2 tells otherwise of this deal, and stays"),
            ("4", "the profit is not a number"),
            ("5", "it is no line of a table (unexpected end of data)"),
        ]
        assert set(trades._written(bench.context(), ("Server", "7"), {date(2025, 6, 3)})) == {1, 3}

    def test_the_same_in_other_signs_is_repeated(self, bench: Bench) -> None:
        again = deal(1, 1, profit="1.50").replace(b"T10:01:00.000Z", b"T11:01:00+01:00").replace(b",7,1,", b",7,01,")
        path = put(bench.paths.logs / "trades_20250603.csv", TRADE_HEAD + deal(1, 1) + again)
        result = run(bench)
        assert (result.repeated, result.rejected) == (1, 0)
        assert path.read_bytes() == TRADE_HEAD + deal(1, 1)

    def test_a_last_line_without_an_end_that_reads_as_a_deal_stays(self, bench: Bench) -> None:
        path = put(bench.paths.logs / "trades_20250603.csv", TRADE_HEAD + deal(2, 2) + deal(1, 1)[:-1])
        assert run(bench).rejected == 0
        assert path.read_bytes() == TRADE_HEAD + deal(1, 1) + deal(2, 2)

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            (deal(1).replace(b"2025-06-03T10:00:00.000Z", b"2025-06-03T10:00:00"), "its time has no zone"),
            (deal(1).replace(b"2025-06-03T10", b"2025-66-03T10"), "its time cannot be read"),
            (deal(1).replace(b"Server,7,1,", b"Server,7,x,"), "the ticket is not a whole number"),
            (deal(1, profit="inf"), "the profit is not a number"),
            (b"a,b\n", "it has 2 columns instead of 21"),
            (b"a\rb\n", "it holds a line break"),
            (b"a" * 70_000, "it is too long"),
        ],
    )
    def test_what_is_no_deal(self, line: bytes, why: str) -> None:
        assert csv_trades.parsed(line.rstrip(b"\n")) == why

    @pytest.mark.allow_warnings("left as it is")
    def test_a_table_too_large_for_a_day_is_left(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(csv_survey, "TRADES_AT_MOST", 100)
        put(bench.paths.logs / "trades_20250603.csv", TRADE_HEAD + deal(1, 5))
        assert "no trade log of a day" in execute(SPEC, bench.context("optimize_csv_files"), NoParams()).reason


LINES = st.one_of(
    st.integers(0, 1439).map(row),
    st.tuples(st.integers(0, 20), st.integers(0, 3)).map(lambda pair: row(*pair)),
    st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"") + b"\n"),
    st.sampled_from(
        [b"\n", b"\r\n", row(3).replace(b"\n", b"\r\n"), row(3).replace(b"Z", b"+00:00"), row(3)[:-5] + b"\n",
         b"2025-06-03T00:03:00Z,1e0,1.5,0.5,1_0,1,1,1\n", row(4).replace(b"1.1", b" 1.1"), b'"' + row(5)]
    ),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@example(lines=[], end=b"\t", piece=64)
@example(lines=[row(4), row(4).replace(b"1.1", b" 1.1"), row(3)], end=b"", piece=64)
@example(lines=[row(4)], end=row(3)[:-1], piece=64)
@example(lines=[row(4), row(3)], end=row(3)[:-1] + b"\r\r", piece=64)
@given(
    lines=st.lists(LINES, max_size=40),
    end=st.one_of(st.binary(max_size=8), LINES.map(lambda line: line[:-1])),
    piece=st.sampled_from([64, 200, 4096, 2**22]),
)
def test_whatever_is_in_a_file_every_line_lives_once(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    lines: list[bytes],
    end: bytes,
    piece: int,
) -> None:
    folder = tmp_path_factory.mktemp("bars")
    content = HEAD + b"".join(lines) + end
    path = put(folder / "EURUSD_M1.csv", content)
    job = Job(path, True, folder / ".new", folder / ".side")
    with monkeypatch.context() as patch:
        patch.setattr(csv_survey, "PIECE", piece)
        patch.setattr(csv_bars, "_ONE_BY_ONE", 2)
        (looked,) = look_through(Report(), [job])
    assert path.read_bytes() == content
    whole = content[len(HEAD) :].split(b"\n")
    if not whole[-1].strip():  # blanks without an end are no line
        whole[-1] = b""
    before = Counter(line.rstrip(b"\r") if number == len(whole) - 1 else line.removesuffix(b"\r")
                     for number, line in enumerate(whole))  # fmt: skip
    good = {line for line in before if not isinstance(csv_bars.parsed(line), str)}
    if looked.left:
        assert "more than a fifth" in looked.left
        return
    if looked.new is None:
        assert content == HEAD + b"".join(line + b"\n" for line in whole[:-1])
        assert not whole[-1]
        return
    size, rejected, repeated = looked.new.size, looked.new.rejected, looked.new.repeated
    assert job.block.exists() == bool(rejected)
    block = job.block.read_bytes() if rejected else b""
    new = job.temporary.read_bytes()
    assert len(new) == size
    assert new.startswith(HEAD)
    kept = Counter(new[len(HEAD) :].split(b"\n")[:-1])
    assert max(kept.values(), default=1) == 1
    window = bar_window.read_window(job.temporary, 10_000)
    assert window.in_order
    assert not window.spoiled
    shown = list(csv.reader(_rows(block)))
    assert len(shown) == rejected
    after = kept + Counter(line[2].encode("utf-8", "surrogateescape") for line in shown)
    del before[b""]
    for line in before:
        # Only rows that tell the same become fewer; which one of them stays is told by the time in front.
        if line in good:
            told = _told(line)
            assert sum(number for other, number in after.items() if other in good and _told(other) == told) >= 1
        else:
            assert after[line] == before[line]
    assert sum(after.values()) + repeated == sum(before.values())
    # What was written is found in order.
    again = csv_survey.survey(job.temporary, bars=True)
    assert csv_rewrite.written(again, folder / ".again", folder / ".block") is None


def _told(line: bytes) -> tuple[int | str, list[float]]:
    return csv_bars.parsed(line), [float(cell) for cell in line.split(b",")[1:]]


def _rows(block: bytes) -> Sequence[str]:
    """The lines of a block below its heading."""
    return [f"{line}\n" for line in block.decode("utf-8", "surrogateescape").split("\n")[1:-1]]


@pytest.mark.shared
@pytest.mark.usefixtures("here")
@pytest.mark.allow_warnings("went to")
def test_a_real_history_damaged_and_mended(bench: Bench, shared: Path) -> None:
    """Half a year of real minutes as our history, then torn, doubled, moved and spoiled in many places."""
    from app.terminal.bars_csv import read_bars

    source = shared / "data" / "bars" / "mt5" / "EURUSD_M1_2025H1.csv.gz"
    assert gzip.open(source).read(1)
    rates = read_bars(source).rates
    assert len(rates) > 50_000
    lines = bar_text.lines(rates, 5).splitlines(keepends=True)
    chance = random.Random(11)  # noqa: S311 - a test
    damaged: list[bytes] = []
    torn = 0
    held: list[bytes] = []
    for line in lines:
        luck = chance.random()
        if luck < 0.01:
            held.append(line)
            continue
        damaged.append(line)
        if luck > 0.99:
            damaged.append(line)
        elif luck > 0.98:
            damaged.append(line[: chance.randrange(1, 30)] + b"\n")
            torn += 1
        if held and luck > 0.5 and chance.random() < 0.05:
            damaged.append(held.pop(0))
    path = bars(bench, *damaged, *held)
    result = run(bench)
    assert path.read_bytes() == HEAD + b"".join(lines)
    assert (result.rejected, result.rows) == (torn, len(lines))
    assert result.repeated > 400
    assert result.moved > 400
    assert len(side(path)) == torn


def test_lines_are_judged_the_same_together_and_alone() -> None:
    lines = [row(minute) for minute in range(600)]
    lines[17] = b"2025-06-03T00:17:00Z,1.1,1.2,1.0,1.1,5,10,99999999999999999999999"
    lines[18] = b"2106-06-03T00:17:00Z,1.1,1.2,1.0,1.1,5,10,0"
    lines[19] = b"2024-02-30T00:17:00Z,1.1,1.2,1.0,1.1,5,10,0"
    lines[20] = b"2025-06-03 00:17:00,1.1,1.2,1.0,1.1,5,10,0"
    text = b"\n".join(line.strip() for line in lines) + b"\n"
    data = np.frombuffer(text, np.uint8)
    stops = np.flatnonzero(data == 10)
    starts = np.concatenate(([0], stops[:-1] + 1))
    times, good = csv_bars.judge(data, starts, stops)
    for number, line in enumerate(lines):
        alone = csv_bars.parsed(line.strip())
        assert (int(times[number]) if good[number] else None) == (alone if isinstance(alone, int) else None)
    assert good.sum() == 597


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (looked,) = look_through(Report(), [Job(tmp_path / "none.csv", True, tmp_path / "t", tmp_path / "b")])
    assert "Cannot read" in looked.left
    assert isinstance(looked, Looked)
    with pytest.raises(StorageError):
        csv_survey.survey(tmp_path / "none.csv", bars=True)


@pytest.mark.timeout(180)
@pytest.mark.allow_warnings("went to")
def test_killed_at_any_step_every_line_lives_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real process is ended before each of its steps in turn; what it leaves is whole, and the next run finishes."""
    good = [row(minute) for minute in range(30)]
    content = HEAD + b"".join([*good[10:], *good[:10], good[3], b"torn\n", row(4, 99)])
    monkeypatch.setattr("app.tasks.TaskContext.compute", kill_optimise.here)
    code, left = 9, 0
    while code == 9:
        paths = Paths(tmp_path / f"{left}")
        paths.create()
        path = put(paths.bars / "EURUSD_M1.csv", content)
        beside = put(path.with_name("EURUSD_M1.rejected.csv"), b"from before\n")
        command = [sys.executable, kill_optimise.__file__, str(paths.home), str(left)]
        code = subprocess.run(command, capture_output=True, timeout=50, check=False).returncode
        assert code in (0, 9)
        left += 1
        assert path.read_bytes() in (content, HEAD + b"".join(good))
        ctx = kill_archive.context(paths.home)
        optimize_csv.optimise(ctx)
        assert path.read_bytes() == HEAD + b"".join(good)
        text = beside.read_bytes()
        assert text.startswith(b"from before\n# 2 lines of EURUSD_M1.csv")
        assert text.count(b"torn") == text.count(b",99,") == 1
        clean_leftovers(paths.data)
        assert sorted(found.name for found in paths.bars.iterdir()) == [path.name, beside.name]
    assert left > 8
