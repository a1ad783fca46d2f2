"""The tasks against a real session on the simulated terminal that replays real bars at a fake clock."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hand_terminal import Bench

from app.settings import Settings, SimulatedSettings, TerminalSettings
from app.tasks import NoParams
from app.terminal.setup import build_session
from workers.ai_tasks import evaluate_all_strategies
from workers.calendar import store as calendar_store
from workers.calendar.values import Calendar, SourceState
from workers.data_tasks import CollectParams, collect_market_data
from workers.gates import TerminalConnected
from workers.strategy.command import ideas
from workers.strategy.evidence import EvidenceStore, folder_of
from workers.strategy.ideas import IdeaFiles
from workers.strategy.replay import rebuild, verify

BARS = "data/bars/mt5/EURUSD_M5_2025_fullyear.csv"


@pytest.fixture
def replayed(bench: Bench, shared: Path) -> Iterator[Callable[[], Any]]:
    """Makes contexts on a session that replays EURUSD of 2025-06-03 and generates the other symbols."""
    simulated = SimulatedSettings(replay={"EURUSD": str(shared / BARS)})
    bench.settings = Settings(terminal=TerminalSettings(simulated=simulated))
    session = build_session(bench.settings.terminal, bench.clock)
    bench.terminal = session
    bench.market(watch_list=("EURUSD", "XAUUSD"), timeframes=("M5", "M15"), history_bars=300)
    session.start()
    try:
        assert not TerminalConnected().check(bench.context()).blocked
        yield bench.context
    finally:
        session.stop()


def test_collection_of_replayed_bars(bench: Bench, replayed: Callable[[], Any], shared: Path) -> None:
    first = collect_market_data(replayed(), CollectParams())
    assert (first.collected, first.failed, first.bars_appended) == (2, (), 1200)
    assert collect_market_data(replayed(), CollectParams()).bars_appended == 0
    bench.clock.advance(1800)
    third = collect_market_data(replayed(), CollectParams())
    assert (third.bars_appended, third.bars_rejected) == (16, 0)  # 6 bars of M5 and 2 of M15 for each symbol
    with (bench.paths.bars / "EURUSD_M5.csv").open(encoding="utf-8", newline="") as file:
        stored = list(csv.DictReader(file))
    assert stored[-1]["time"] == "2025-06-03T12:25:00Z"
    # The server's clock is three hours ahead of UTC in June.
    source = (shared / BARS).read_text(encoding="utf-8").splitlines()
    (row,) = (line.split("\t") for line in source if line.startswith("2025.06.03\t15:25:00"))
    assert [stored[-1][name] for name in ("open", "high", "low", "close")] == row[2:6]


def test_a_day_of_evaluations_gives_each_idea_once(bench: Bench, replayed: Callable[[], Any]) -> None:
    # Prices that were real need a calendar: news moved them.
    week, now = timedelta(days=7), bench.clock.now()
    source = SourceState("a", succeeded=now, covers_from=now - week, covers_until=now + week)
    calendar_store.save(bench.storage, Calendar((), (source,)), now)
    seen: list[str] = []
    for _ in range(16):
        result = evaluate_all_strategies(replayed(), NoParams())
        assert result.not_evaluated == 0
        seen += [item["idea"] for item in result.outcomes if item["outcome"] == "idea"]
        again = evaluate_all_strategies(replayed(), NoParams())
        assert again.ideas == 0
        bench.clock.advance(900)
    assert seen
    assert len(seen) == len(set(seen))
    files = [json.loads(path.read_text(encoding="utf-8")) for path in bench.paths.trade_ideas.glob("*.json")]
    assert sorted(idea["id"] for idea in files) == sorted(seen)
    for idea in files:
        low, high = sorted((idea["stop_loss"], idea["take_profit"]))
        assert low < idea["entry_price"] < high
        assert datetime.fromisoformat(idea["evidence"]["bar_close"]) <= datetime.fromisoformat(idea["timestamp"])
        assert (idea["volume"] or 0) > 0 or idea["notes"]


def test_a_stretch_of_real_bars_is_made_again_byte_for_byte(bench: Bench, replayed: Callable[[], Any]) -> None:
    entries = {
        "trend": ["ema_fast_gt_slow", "price_above_ema_fast"],
        "hours": ["H1.close > H1.ema(20)", "rsi < 45"],
        "spike": ["close > highest(high, 20)[1]"],
    }
    for name, entry in entries.items():
        document = {
            "symbol": "EURUSD",
            "timeframe": "M5",
            "conditions": {"entry": entry, "strong": ["atr_above_median"], "weak": ["divergence_bearish"]},
            "strategy": {"direction": "both", "news_embargo_minutes": 0},
        }
        (bench.paths.strategies / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    for _ in range(72):  # a day and a half, every half hour
        ctx = replayed()
        evaluate_all_strategies(ctx, NoParams())
        assert ctx.warnings == []  # nothing repaints
        bench.clock.advance(1800)
    files = sorted(bench.paths.trade_ideas.glob("*.json"))
    assert len(files) > 30
    for path in files:
        found = ideas(bench.paths, "replay", [path.stem])
        assert found["identical"], found["message"]
    assert verify(bench.paths).faults == ()


def test_all_ideas_of_a_simulated_month_are_made_again_byte_for_byte(bench: Bench) -> None:
    session = build_session(bench.settings.terminal, bench.clock)
    bench.terminal = session
    bench.market(watch_list=("EURUSD", "GBPUSD", "XAUUSD"), timeframes=("M15", "H1"))
    session.start()
    try:
        assert not TerminalConnected().check(bench.context()).blocked
        begun = bench.clock.now()
        while bench.clock.now() - begun < timedelta(days=31):
            collect_market_data(bench.context(), CollectParams())
            evaluate_all_strategies(bench.context(), NoParams())
            bench.clock.advance(4 * 3600)
    finally:
        session.stop()
    links = IdeaFiles(bench.paths).recent(begun)
    assert len(links) > 100
    for link in links:
        again = rebuild(link.inputs, EvidenceStore(folder_of(bench.paths)))
        assert again.content == (bench.paths.trade_ideas / link.file).read_bytes()
    assert verify(bench.paths).faults == ()
