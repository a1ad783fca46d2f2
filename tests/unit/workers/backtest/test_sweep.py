"""Sweeps: every point as its backtest says, chosen by what is known and proved on what is not, and gone on with."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_terminal import Bench
from task_bench import RULE, Here, bars_file, hours

from app.errors import Cancelled, NothingToDo, UserAction
from app.tasks import TaskContext
from workers import ai_tasks
from workers.backtest import sweep as sweeping
from workers.backtest.folds import Part
from workers.backtest.honesty import Trial
from workers.backtest.params import SweepParams, SweepResult
from workers.backtest.space import axes, points
from workers.backtest.sweep_judge import Tried, deflate, heat_maps, neighbours, robustness, value, walk_forward

CROSS = {
    "conditions": {"entry": ["ema_fast crosses above ema_slow"]},
    "indicators": {"ema": {"fast": 3, "slow": 8}, "atr": {"period": 14, "multiplier": 1.5}},
}
VARY = "indicators.ema.fast=2..5; indicators.atr.multiplier=1,1.5,2"

Sweeper = Callable[..., tuple[SweepResult, TaskContext]]


class Jobs:
    """Works in this process, up to so many jobs; counts the points."""

    def __init__(self) -> None:
        self.points, self.most = 0, math.inf

    def __call__(
        self, ctx: TaskContext, start: Any, args: Any, jobs: Sequence[Any], done: Callable[[Any], None], **_limits: Any
    ) -> None:
        work = start(Here(ctx), *args)
        for number, job in enumerate(jobs):
            if number >= self.most:
                raise Cancelled("Stopped on request.")
            rows = work(job)
            self.points += len(rows)
            done(rows)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    found = Jobs()
    monkeypatch.setattr(sweeping, "run_jobs", found)
    return found


@pytest.fixture
def sweeper(bench: Bench, tmp_path: Path, jobs: Jobs) -> Sweeper:
    """Runs the task in this process, each time with a run id of its own."""

    def run(rule: dict[str, Any] | None = None, **params: Any) -> tuple[SweepResult, TaskContext]:
        ctx = bench.context("sweep_strategy")
        path = tmp_path / "rule.json"
        path.write_text(json.dumps({**RULE, **CROSS, **(rule or {})}), encoding="utf-8")
        bars = str(bars_file(tmp_path, hours(1500)))
        asked = {"strategy": str(path), "bars": bars, "vary": VARY, "min_score": 0, "least_trades": 3, **params}
        return ai_tasks.sweep_strategy(ctx, SweepParams(**asked)), ctx

    return run


def document(result: SweepResult) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(result.report_json).read_text(encoding="utf-8"))
    return found


@pytest.mark.allow_warnings("")
def test_every_point_is_what_its_backtest_says_and_counts_as_that_trial(sweeper: Sweeper, tester: Any) -> None:
    result, _ctx = sweeper()
    assert (result.points, result.invalid, result.known, result.trials) == (12, 0, 0, 12)
    for point in document(result)["points"][::5]:
        fast, stop = point["values"].values()
        rule = {**CROSS, "indicators": {"ema": {"fast": fast, "slow": 8}, "atr": {"period": 14, "multiplier": stop}}}
        alone, _ = tester(hours(1500), rule=rule, min_score=0, walk_forward="5")
        assert point["whole"] == {name: alone.statistics[name] for name in point["whole"]}
        assert point["proved"] == alone.walk_forward["out_of_sample"]
        assert alone.statistics["trials"] == 12  # it was tried before
        assert point["deflated_sharpe_ratio"] == pytest.approx(alone.statistics["deflated_sharpe_ratio"])


@pytest.mark.allow_warnings("")
def test_a_sweep_becomes_a_document_a_table_and_a_page(sweeper: Sweeper) -> None:
    result, ctx = sweeper({"name": "<b>Rule</b>"})
    found = document(result)
    assert [item["path"] for item in found["axes"]] == ["indicators.ema.fast", "indicators.atr.multiplier"]
    assert found["top"] == found["points"][:20]
    objectives = [point["objective"] for point in found["points"] if point["objective"] is not None]
    assert objectives == sorted(objectives, reverse=True)
    [heat] = found["heat_maps"]
    assert (len(heat["cells"]), len(heat["cells"][0])) == (3, 4)
    with Path(result.points_csv).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert float(rows[0]["objective"]) == objectives[0]
    page = Path(result.report_html).read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert "&lt;b&gt;Rule" in page
    assert "<b>" not in page
    assert "//" not in page
    assert [Path(name).suffix for name in ctx.files if "sweeps" in name] == [".jsonl", ".json", ".csv", ".html"]
    assert result.summary().startswith("rule on EURUSD H1: 12 points, chosen as it went")


@pytest.mark.allow_warnings("")
def test_a_sweep_that_was_stopped_goes_on_and_comes_out_the_same(sweeper: Sweeper, jobs: Jobs) -> None:
    jobs.most = 1
    with pytest.raises(Cancelled):
        sweeper()
    assert jobs.points == 4
    jobs.most = math.inf
    result, _ctx = sweeper()
    assert (jobs.points, result.known) == (12, 4)
    Path(result.results).unlink()
    whole, _ctx = sweeper()
    assert whole.known == 0
    assert (whole.top, whole.walk_forward) == (result.top, result.walk_forward)


@pytest.mark.allow_warnings("")
@pytest.mark.parametrize("torn", [b'{"point":7,"val', b"\x00\x00\x00\n", b"{}\n", b'{"point":999}\n', b"[]\n"])
def test_a_line_that_a_kill_tore_costs_its_point_only(sweeper: Sweeper, jobs: Jobs, torn: bytes) -> None:
    first, _ctx = sweeper()
    path = Path(first.results)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:6]) + torn)
    jobs.points = 0
    second, _ctx = sweeper()
    assert (jobs.points, second.known) == (7, 5)
    assert (second.top, second.walk_forward) == (first.top, first.walk_forward)
    assert len(path.read_bytes().splitlines()) == 13
    path.write_bytes(b"not ours\n")
    assert sweeper()[0].known == 0


@pytest.mark.allow_warnings("")
def test_other_bars_rules_or_terms_are_another_sweep(sweeper: Sweeper, tmp_path: Path) -> None:
    files = {sweeper()[0].results}
    for rule, params in (
        ({}, {"commission": 3.0}),
        ({}, {"volume": 0.1}),
        ({}, {"walk_forward": "4"}),
        ({}, {"start": "2025-01-20"}),
        ({"conditions": {"entry": ["ema_fast crosses above ema_slow", "rsi < 80"]}}, {}),
    ):
        files.add(sweeper(rule, **params)[0].results)
    assert len(files) == 6
    assert sweeper(objective="net_profit")[0].results in files  # judging anew needs no new tests


@pytest.mark.allow_warnings("")
def test_points_that_are_no_rule_are_left_out_and_counted(sweeper: Sweeper) -> None:
    result, _ctx = sweeper(vary="indicators.ema.fast=6..9; strategy.min_rr=1,2")
    assert (result.points, result.invalid, len(result.top)) == (8, 4, 4)
    with pytest.raises(NothingToDo, match=r"Not one of 2 points is a rule.*must be smaller than slow"):
        sweeper(vary="indicators.ema.fast=9,10")


@pytest.mark.allow_warnings("")
def test_a_search_at_random_tries_so_many(sweeper: Sweeper) -> None:
    result, _ctx = sweeper(
        vary="indicators.ema.fast=2..7; indicators.atr.multiplier=1..3", random=7, objective="r_mean"
    )
    assert result.points == 7
    assert document(result)["heat_maps"][0]["x"] == "indicators.ema.fast"


def test_what_cannot_be_swept_is_told_before_anything_is_written(sweeper: Sweeper, bench: Bench) -> None:
    for params in ({"vary": "nothing=1"}, {"walk_forward": "x"}, {"vary": "strategy.min_rr=1..2"}):
        with pytest.raises(UserAction):
            sweeper(**params)
    with pytest.raises(UserAction, match="no room for walk_forward"):
        sweeper(walk_forward="400/20")
    assert not list(bench.paths.backtests.rglob("*"))


# -- judging -----------------------------------------------------------------------------------------------------------


def part(r: float, trades: int = 20) -> Part:
    """So many trades that brought ``r`` each, give or take a little."""
    return Part(trades, trades // 2, max(r, 0) * trades, min(r, 0) * trades, trades, r * trades, trades * (r * r + 1))


def one(point: tuple[float, ...], *folds: tuple[float, float]) -> Tried:
    parts = tuple((part(learn), part(prove)) for learn, prove in folds)
    return Tried(
        point, {"sharpe_daily": point[0] / 10, "skewness": 0.0, "kurtosis": 3.0, "days": 250}, parts, str(point)
    )


SPANS = [{"train_from": "a", "test_from": "b", "test_until": "c"}] * 2


def test_the_choice_is_made_by_what_was_known_and_never_by_what_came() -> None:
    varied = axes("indicators.ema.fast=1..3", at_random=False)
    tried = [one((1,), (0.3, -0.2), (0.1, 0.5)), one((2,), (0.1, 0.9), (0.2, 0.1)), one((3,), (0.2, 0.4), (0.1, 0.9))]
    found = walk_forward(tried, varied, SPANS, "r_mean", 5)
    assert [fold["values"] for fold in found["folds"]] == [{"indicators.ema.fast": 1}, {"indicators.ema.fast": 2}]
    assert found["out_of_sample"]["r_mean"] == pytest.approx((-0.2 + 0.1) / 2)
    assert found["efficiency"] == pytest.approx((-0.05) / 0.25)
    assert found["profitable_folds"] == 1
    nobody = walk_forward(tried, varied, SPANS, "r_mean", 21)
    assert [fold["values"] for fold in nobody["folds"]] == [None, None]
    assert nobody["out_of_sample"]["trades"] == 0


def test_objectives_by_hand() -> None:
    some = Part(4, 3, 30.0, -10.0, 4, 2.0, 3.0)
    assert [value(some, name, 4) for name in ("net_profit", "profit_factor", "r_mean")] == [20.0, 3.0, 0.5]
    assert value(some, "sqn", 4) == pytest.approx(2 * 0.5 / np.sqrt((3 - 1) / 3))
    assert value(some, "sqn", 5) is None
    assert value(Part(1, 1, 5.0), "profit_factor", 1) == math.inf


def test_neighbours_in_a_grid_by_hand() -> None:
    varied = axes("indicators.ema.fast=1..3; indicators.atr.multiplier=1,2", at_random=False)
    grid = points(varied, None, 1)  # 11 12 21 22 31 32
    near = neighbours(grid, varied, grid=True)
    assert near[0] == [1, 2, 3]
    assert near[2] == [0, 1, 3, 4, 5]
    without = [point for point in grid if point != (2, 2)]
    assert neighbours(without, varied, grid=True)[0] == [1, 2]


def test_a_lone_peak_is_told_from_a_plateau() -> None:
    near = [[1], [0, 2], [1, 3], [2, 4], [3]]
    plateau = robustness([2.0, 2.0, 2.0, 2.0, 2.0], near)[2]
    assert (plateau["ratio"], plateau["neighbours_worst"]) == (1.0, 2.0)
    peak = robustness([-1.0, 0.0, 5.0, -1.0, None], near)[2]
    assert (peak["ratio"], peak["neighbours"]) == (-0.1, 2)
    assert robustness([None, 1.0, -1.0, math.inf, 0.0], near)[2]["ratio"] is None


def test_points_at_random_have_their_nearest_as_neighbours() -> None:
    varied = axes("indicators.atr.multiplier=1..3", at_random=True)
    assert [set(near) for near in neighbours([(1.0,), (1.1,), (2.9,), (3.0,)], varied, grid=False)] == [
        {1, 2}, {0, 2}, {3, 1}, {2, 1},
    ]  # fmt: skip


def test_more_trials_deflate_more() -> None:
    tried = [one((float(number),), (0.1, 0.1)) for number in range(1, 4)]
    few, ratios = deflate(tried, ())
    many, lower = deflate(tried, [Trial(str(number), 0.05 * (-1) ** number) for number in range(50)])
    assert (few, many) == (3, 53)
    assert lower[0] is not None
    assert ratios[0] is not None
    assert deflate(tried, [Trial(tried[0].trial, 0.1)])[0] == 3


def test_heat_maps_are_means_over_all_other_fields() -> None:
    varied = axes("indicators.ema.fast=1,2; indicators.ema.slow=8,9; strategy.min_rr=1,2", at_random=False)
    tried = [one(point, (0, 0)) for point in points(varied, None, 1)]
    worth: list[float | None] = [1.0, 3.0, None, 5.0, 7.0, 9.0, None, None]
    maps = heat_maps(tried, varied, worth)
    assert [(found["x"], found["y"]) for found in maps] == [
        ("indicators.ema.fast", "indicators.ema.slow"),
        ("indicators.ema.fast", "strategy.min_rr"),
        ("indicators.ema.slow", "strategy.min_rr"),
    ]
    assert maps[0]["cells"] == [[2.0, 8.0], [5.0, None]]
    assert heat_maps(tried, varied[:1], worth)[0]["cells"] == [[3.0, 8.0]]
