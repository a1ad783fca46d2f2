"""The task: what it is asked for, what it writes, and what it refuses."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_terminal import SPECIFICATION, Bench, make_rates
from task_bench import Here, hours

from app.errors import Blocked, Cancelled, UserAction
from app.execution import execute
from app.files import StorageError
from app.json_list import write_list
from app.runs import RunState
from app.tasks import TaskContext
from workers import ai_tasks
from workers.backtest import work as backtest_work
from workers.backtest.params import BacktestParams, BacktestResult
from workers.market.bar_text import encoded

BROKEN = "2025-01-06T03:00:00Z,1.1,1.0,1.2,1.1,1,1,0"
SPEC = next(spec for spec in ai_tasks.SPECS if spec.id == "backtest_strategy")


@pytest.mark.allow_warnings("")
def test_a_file_of_bars_becomes_a_report_a_table_and_a_page(tester: Any) -> None:
    result, ctx = tester(hours(), volume=0.1, min_score=0)
    assert result.trades > 10
    assert (result.strategy, result.symbol, result.timeframe, result.currency) == ("rule", "EURUSD", "H1", "USD")
    document = json.loads(Path(result.report_json).read_text(encoding="utf-8"))
    assert document["statistics"] == result.statistics
    assert document["bars"]["grade"] == result.bars["grade"] == "A"
    assert document["rule"]["conditions"]["entry"] == ["ema(3) crosses above ema(8)"]
    with Path(result.trades_csv).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == result.trades
    assert list(rows[0])[:10] == [
        "entry_bar", "exit_bar", "entry_time", "exit_time", "direction", "volume", "entry", "exit", "exit_reason",
        "profit",
    ]  # fmt: skip
    assert sum(float(row["profit"]) for row in rows) == pytest.approx(result.statistics["total_net_profit"])
    page = Path(result.report_html).read_text(encoding="utf-8")
    assert "//" not in page  # no address of anything
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "Equity and balance" in page
    assert ctx.files == [
        f"data/backtests/{Path(name).name}" for name in (result.trades_csv, result.report_json, result.report_html)
    ]
    assert result.summary().startswith(f"rule on EURUSD H1: {result.trades} trades, net profit")


class Outline(HTMLParser):
    """Headings of a page with the text under each, and the pictures among them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts, self.pictures, self._open = dict[str, str](), dict[str, int](), ""
        self._heading, self._skipped = False, False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._skipped = self._skipped or tag == "style"
        if tag == "h2":
            self._heading, self._open = True, ""
        elif tag == "svg":
            self.pictures[self._open] = self.pictures.get(self._open, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        self._skipped = self._skipped and tag != "style"
        if tag == "h2":
            self._heading, self.parts[self._open] = False, ""
        if self._open in self.parts and tag in ("td", "th", "p", "h3"):
            self.parts[self._open] += " | "

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        if self._heading:
            self._open += data
        elif self._open in self.parts:
            self.parts[self._open] += data

    def part(self, begins: str) -> str:
        return next(text for name, text in self.parts.items() if name.startswith(begins))


@pytest.mark.allow_warnings("")
@pytest.mark.parametrize("params", [{}, {"min_score": 0, "volume": 0.1, "commission": 3.5, "costs": "none"}])
def test_a_page_is_written_for_people(tester: Any, params: dict[str, Any]) -> None:
    rule = {
        "conditions": {"entry": ["ema(3) > ema(8)"], "strong": ["rsi > 50"]},
        "indicators": {"atr": {"multiplier": 1.7}},
        "strategy": {"direction": "both", "min_rr": 1.5, "news_embargo_minutes": 30},
    }  # fmt: skip
    result, _ctx = tester(hours(), rule=rule, walk_forward="3", **params)
    page = Path(result.report_html).read_text(encoding="utf-8")
    shown = Outline(page)
    text = " ".join(f"{name} {part}" for name, part in shown.parts.items())
    assert not re.findall(r"\{'|\['|None|True|False|\d\.\d{9,}|\de-\d", text)
    assert "Passed: when the bars were cut off at 3 places" in shown.part("Look-ahead check")
    assert "5th percentile | 50th percentile | 95th percentile | " in shown.part("Monte Carlo")
    assert "Proved: trades" in shown.part("Walk-forward")
    tested = shown.part("What was tested")
    assert "Conditions, entry | ema(3) > ema(8) | " in tested
    assert "Indicators, atr, multiplier | 1.7 | " in tested
    assert "Leverage | 1:100 | " in tested
    for word in ("calibration", "monte carlo", "look ahead", "walk forward"):
        assert word not in tested.lower()
    if params:
        assert "Costs | none: an ideal market | " in tested
        return
    assert "Volume | by risk, as live ideas are | " in tested
    measured = shown.part("Calibration")
    found = result.calibration
    assert f"{found['reached']} of {found['signals']} signals reached the target before the stop" in measured
    assert "Foretold | Came | Interval of 95 % | Signals | " in measured
    first = found["reliability"][0]
    assert f"{first['foretold']:.1%} | {first['came']:.1%} | " in measured
    assert next(many for name, many in shown.pictures.items() if name.startswith("Calibration")) == 1


@pytest.mark.allow_warnings("")
def test_nothing_of_a_rule_is_taken_for_markup(tester: Any) -> None:
    name = "<script>alert(1)</script>&\"'"
    result, _ctx = tester(hours(), rule={"name": name, "description": "</style><img src=x>"}, min_score=0)
    page = Path(result.report_html).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert html.escape(name) in page


@pytest.mark.allow_warnings("")
def test_no_trades_is_a_report_of_its_own(tester: Any) -> None:
    result, ctx = tester(hours(), rule={"conditions": {"entry": ["rsi > 99.9"]}, "strategy": {"direction": "long"}})
    assert result.trades == 0
    assert result.no_trades.startswith("On none of")
    assert "There were no trades" in ctx.warnings[0]
    assert result.statistics["total_trades"] == 0
    assert result.statistics["profit_factor"] is None
    assert "No trades" in Path(result.report_html).read_text(encoding="utf-8")
    assert Path(result.trades_csv).read_text(encoding="utf-8").count("\n") == 1


@pytest.mark.allow_warnings("")
def test_the_score_decides_unless_it_is_not_asked(tester: Any) -> None:
    rule = {"conditions": {"entry": ["ema(3) > ema(8)"], "weak": ["rsi < 101"]}, "sessions": ["London"]}
    every, _ = tester(hours(), rule=rule, min_score=0, volume=0.1)
    some, _ = tester(hours(), rule=rule, volume=0.1)
    all_good, _ = tester(hours(), rule=rule, min_score=100, volume=0.1)
    assert every.trades > some.trades > all_good.trades == 0


@pytest.mark.allow_warnings("")
def test_days_start_and_end_cut_the_test_and_not_what_it_knows(tester: Any) -> None:
    rates = hours()
    whole, _ = tester(rates, min_score=0, volume=0.1)
    table = [row for row in trades_of(whole) if "2025-01-14" <= row["entry_time"][:10] <= "2025-01-20"]
    part, _ = tester(rates, min_score=0, volume=0.1, start="2025-01-14", end="2025-01-20")
    assert trades_of(part)[0]["entry_time"] > "2025-01-14T00"
    assert all(row["exit_time"] < "2025-01-21" for row in trades_of(part))
    assert part.bars["count"] < whole.bars["count"] == 600
    assert {row["entry_bar"] for row in trades_of(part)[1:-1]} <= {row["entry_bar"] for row in table}
    days, _ = tester(rates, min_score=0, volume=0.1, days=5)
    assert 0 < days.trades < whole.trades


def trades_of(result: BacktestResult) -> list[dict[str, str]]:
    with Path(result.trades_csv).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.allow_warnings("")
def test_bars_are_counted_in_the_file_also_when_rows_were_left_out(tester: Any) -> None:
    rates = hours()
    lines = b"".join(encoded([rates], 5)).decode().splitlines()
    whole, _ = tester("\n".join(lines) + "\n", min_score=0, volume=0.1)
    counted = [int(row["entry_bar"]) for row in trades_of(whole)]
    lines.insert(3, "2025-01-06T01:30:00Z,1.1,1.0,1.2,1.1,1,1,0")
    left, _ = tester("\n".join(lines) + "\n", min_score=0, volume=0.1, force=True)
    assert [int(row["entry_bar"]) for row in trades_of(left)] == [bar + 1 for bar in counted]
    assert left.bars["left_out"] == 1


@pytest.mark.parametrize(
    ("change", "params", "words"),
    [
        (lambda lines: lines[:12], {}, "Too few bars"),
        (lambda lines: [*lines[:3], BROKEN, *lines[3:]], {}, "outside of low and high"),
        (lambda lines: [lines[0], *lines[100:], *lines[1:100]], {}, "not in the order of time"),
        (lambda lines: [*lines[:9], lines[8], *lines[9:]], {}, "has the same time as the one before it"),
        (lambda lines: [lines[0], *lines[1::3]], {}, "are mostly|have grade|The bars of"),
        (lambda lines: lines[:60] + [line for at, line in enumerate(lines[60:]) if at * 7 % 10 < 5], {}, "grade E"),
        (lambda lines: [re.sub(r"1\.(\d{5})", r"1\1", line) for line in lines], {}, "they may be points"),
        (lambda _lines: ["hello"], {}, "is nothing that can be imported|is nothing that we know|no table"),
        (lambda _lines: [], {}, "is empty"),
        (lambda lines: lines, {"symbol": "NOPE"}, "NOPE"),
        (lambda lines: lines, {"timeframe": "M5"}, "The bars of EURUSD_H1.csv are H1, the strategy trades M5"),
        (lambda lines: lines, {"start": "2031-01-01"}, "There are no bars from"),
        (lambda lines: lines, {"start": "soon"}, "start is no day and no time"),
        (lambda lines: lines, {"start": "2025-01-20", "end": "2025-01-10"}, "would begin"),
    ],
)  # fmt: skip
def test_bars_that_cannot_be_used_are_an_error_and_leave_nothing_behind(
    tester: Any, bench: Bench, change: Callable[[list[str]], list[str]], params: dict[str, Any], words: str
) -> None:
    lines = b"".join(encoded([hours()], 5)).decode().splitlines()
    text = "\n".join(change(lines))
    with pytest.raises(UserAction, match=words) as caught:
        tester(text + "\n" if text else "", **params)
    assert caught.value.advice
    assert not list(bench.paths.backtests.iterdir())


@pytest.mark.allow_warnings("")
def test_a_grade_below_the_least_is_refused_unless_forced(tester: Any) -> None:
    rates = hours()
    bad = rates[np.arange(len(rates)) * 7 % 10 < 8]
    with pytest.raises(UserAction, match="or better is asked for"):
        tester(bad, min_score=0)
    result, ctx = tester(bad, min_score=0, force=True)
    assert result.bars["grade"] in "EF"
    assert any("the test was forced" in warning for warning in ctx.warnings)


@pytest.mark.parametrize("days", [0, -3])
def test_days_are_above_zero(bench: Bench, days: int) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        BacktestParams(strategy="x", days=days)


def test_an_unknown_strategy_names_the_nearest(bench: Bench, tester: Any) -> None:
    with pytest.raises(UserAction, match="There is no strategy 'EURUSD_H1_breakut'") as caught:
        tester(strategy="EURUSD_H1_breakut")
    assert caught.value.advice.startswith("Did you mean EURUSD_H1_breakout?")
    with pytest.raises(UserAction, match="There is no strategy file"):
        tester(strategy="nowhere/rule.json")


def test_a_rule_that_cannot_be_read_is_told(tester: Any) -> None:
    with pytest.raises(UserAction, match="conditions"):
        tester(hours(), rule={"conditions": {"entry": ["rsj > 1"]}})


@pytest.mark.allow_warnings("")
def test_a_full_disk_leaves_nothing_half_written(tester: Any, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    real = backtest_work.atomic_write_bytes

    def full(path: Path, data: bytes) -> None:
        if written:
            raise StorageError(f"{path} cannot be written: the disk is full.", path=path, advice="Make room.")
        written.append(path)
        real(path, data)

    monkeypatch.setattr(backtest_work, "atomic_write_bytes", full)
    with pytest.raises(StorageError, match="disk is full"):
        tester(hours(), min_score=0)
    assert written
    assert not list(bench.paths.backtests.iterdir())


def test_a_cancelled_test_writes_nothing(tester: Any, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        TaskContext, "compute", lambda ctx, work, *args, **_limits: work(Here(ctx, stop_after=1), *args)
    )
    with pytest.raises(Cancelled):
        tester(hours(), min_score=0)
    assert not list(bench.paths.backtests.iterdir())


@pytest.mark.allow_warnings("")
def test_without_a_file_the_stored_history_is_tested_and_else_the_terminals(tester: Any, bench: Bench) -> None:
    start = datetime(2025, 6, 3, 12, tzinfo=UTC)
    closes = 1.1 + 0.003 * np.sin(np.arange(900) / 9)
    bench.terminal.add(
        "EURUSD", make_rates(closes, datetime.fromtimestamp(start.timestamp() - 899 * 3600, UTC), 3600), "H1"
    )
    result, _ = tester(min_score=0, volume=0.1, days=20, force=True)
    assert result.bars["source"].startswith("the history of")
    assert result.trades > 3
    (bench.paths.bars / "EURUSD_H1.csv").write_bytes(b"".join(encoded([hours()], 5)))
    result, _ = tester(min_score=0, volume=0.1, days=20)
    assert result.bars["source"] == "EURUSD_H1.csv"


@pytest.mark.allow_warnings("")
def test_fills_beyond_a_level_are_counted_and_told(tester: Any) -> None:
    near = {"indicators": {"atr": {"period": 14, "multiplier": 0.1}}}
    result, ctx = tester(hours(), rule=near, min_score=0, volume=0.1)
    rows = trades_of(result)
    for level, far in (("stop", 1), ("target", -1)):
        past = [
            row
            for row in rows
            if far * (1 if row["direction"] == "long" else -1) * (float(row["entry"]) - float(row[level])) <= 0
        ]
        assert result.counts[f"filled_past_{level}"] == len(past) > 0
        assert any(f"{len(past)} positions filled at the {level} or beyond it" in text for text in ctx.warnings)
        assert all(float(row["profit"]) <= 0 for row in past)


@pytest.mark.allow_warnings("")
def test_every_timeframe_of_the_rule_is_warmed_up(tester: Any, bench: Bench) -> None:
    rule = {"conditions": {"entry": ["D1.close > D1.ema(20)"]}}
    needed = "Too few bars: those of EURUSD_H1.csv make 29 closed D1 bars, and the strategy rule needs 60 before"
    with pytest.raises(UserAction, match=needed) as caught:
        tester(hours(), rule=rule, volume=0.1)
    assert caught.value.advice
    alone, _ = tester(hours(), rule=rule, volume=0.1, min_score=0)
    assert alone.counts["decided_bars"] > 500  # from the first D1 bar and ATR on: nothing is asked for
    # Of the terminal so much is fetched that the test can begin with its first bar.
    start = datetime(2025, 6, 3, 12, tzinfo=UTC)
    closes = 1.1 + 0.003 * np.sin(np.arange(4000) / 9)
    bench.terminal.add(
        "EURUSD", make_rates(closes, datetime.fromtimestamp(start.timestamp() - 3999 * 3600, UTC), 3600), "H1"
    )
    result, _ = tester(rule=rule, volume=0.1, days=20, force=True)
    rows = trades_of(result)
    assert rows
    assert result.bars["count"] > 60 * 24 + 20 * 24


@pytest.mark.allow_warnings("")
def test_stored_minutes_settle_what_is_ambiguous(tester: Any, bench: Bench, tmp_path: Path) -> None:
    rates = hours()
    rule = {"indicators": {"atr": {"period": 14, "multiplier": 0.3}}}
    plain, _ = tester(rates, rule=rule, min_score=0, volume=0.1)
    assert plain.counts["ambiguous"] > 0
    minutes = np.repeat(rates, 2)
    minutes["time"][1::2] += 60
    minutes["low"][::2] = minutes["open"][::2] = minutes["close"][::2] = minutes["high"][::2]
    path = tmp_path / "EURUSD_M1.csv"
    path.write_bytes(b"".join(encoded([minutes], 5)))
    settled, _ = tester(rates, rule=rule, min_score=0, volume=0.1, minutes=str(path))
    assert settled.counts["settled_by_minutes"] > 0


@pytest.mark.allow_warnings("")
def test_without_a_terminal_the_recorded_specification_will_do(tester: Any, bench: Bench) -> None:
    bench.terminal.refusal = Blocked("The terminal is closed.")
    with pytest.raises(Blocked, match="The specification of EURUSD is not known"):
        tester(hours(), min_score=0)
    head = {"server": "", "login": 1, "simulated": False, "fetched": "2025-06-01T00:00:00.000Z", "count": 1}
    symbol = {**SPECIFICATION, "name": "EURUSD"}
    write_list(bench.paths.cache / "symbol_info.json", head, "symbols", [symbol])
    result, ctx = tester(hours(), min_score=0, volume=0.1)
    assert result.trades > 10
    assert "The terminal is not connected" in ctx.warnings[0]


@pytest.mark.allow_warnings("")
def test_a_long_test_tells_how_far_it_is_and_what_it_made(
    bench: Bench, tester: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def compute(ctx: TaskContext, work: Any, *args: Any, **_limits: Any) -> Any:
        voice = Here(ctx)
        found = work(voice, *args)
        told.extend(voice.told)
        return found

    monkeypatch.setattr(TaskContext, "compute", compute)
    tester(hours(4000), rule={"conditions": {"entry": ["ema(3) > ema(8)"]}}, min_score=0, volume=0.01)
    assert told[0] == "reading the bars"
    assert told[-1] == "writing the report"
    assert any(re.fullmatch(r"[\d,]+ positions, balance [\d,.]+ USD", text) for text in told)


def test_the_run_of_a_bad_request_fails_with_advice(bench: Bench) -> None:
    outcome = execute(SPEC, bench.context("backtest_strategy"), BacktestParams(strategy="nothing_like_it"))
    assert outcome.state is RunState.FAILED
    assert "nothing_like_it" in outcome.reason


@pytest.mark.allow_warnings("")
def test_each_test_is_a_trial_of_its_strategy(tester: Any, bench: Bench) -> None:
    first, _ = tester(hours(), min_score=0, volume=0.1)
    same, _ = tester(hours(), min_score=0, volume=0.1)
    other, _ = tester(hours(), rule={"conditions": {"entry": ["rsi < 30"]}}, min_score=0, volume=0.1)
    assert [item.statistics["trials"] for item in (first, same, other)] == [1, 1, 2]
    lines = (bench.paths.backtests / "trials.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4
    assert first.look_ahead == {"checked": 3, "different": 0}
    assert len(first.monte_carlo["total_net_profit"]) == 3


@pytest.mark.allow_warnings("")
def test_a_process_that_was_ended_while_it_wrote_leaves_no_part(
    tester: Any, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(_ctx: TaskContext, _work: Any, request: Any, **_limits: Any) -> Any:
        (request.folder / f"{request.stem}_trades.csv").write_text("half", encoding="utf-8")
        raise Cancelled("Stopped on request.")

    monkeypatch.setattr(TaskContext, "compute", half)
    with pytest.raises(Cancelled):
        tester(hours(), min_score=0)
    assert not list(bench.paths.backtests.iterdir())
