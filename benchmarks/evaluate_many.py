"""``evaluate_all_strategies`` on 100 symbols with 4 strategies each: simulated terminal, gates, evidence and files.

In a process of its own: time of the runs, how late a 10 ms timer of the window's thread is, and whether pandas
was imported. Half of the strategies have an idea in the first run, which is the dearest case.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, distribution, single
from benchmarks.symbols import timed_runs

ROOT = Path(__file__).resolve().parent.parent
SYMBOLS = 100
REPEATS = 3
#: Two that have an idea whatever the bars are, and two that have none.
_ENTRIES = ("close > 0", "close > ema(50) or close <= ema(50)", "ema_fast_gt_slow and rsi > 99", "close < 0.000001")
_PATIENCE_S = 300


def figures() -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.evaluate_many", folder],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=_PATIENCE_S,
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"measuring failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    label = f"{SYMBOLS} symbols x {len(_ENTRIES)} strategies"
    return [
        single(f"{label}, {found['ideas']} new ideas", "s", found["first_s"], 3),
        single(f"{label}, no new idea", "s", max(found["later_s"]), 3),
        distribution(f"timer lateness, {label}", "ms", found["late_ms"], {"p99": 5}),
        single("pandas imported in the GUI process", "", float(found["pandas"]), 0),
    ]


def measure(home: Path) -> dict[str, Any]:
    """Run the task in this process while a timer ticks in the thread of the event loop."""
    from app.cli_session import CommandSession
    from app.engine import Engine
    from workers import registry

    overrides = {"timetable.paused": "true", "terminal.simulated.symbols": "300", "terminal.host": "child"}
    session = CommandSession.open(str(home), overrides, registry, as_json=True)
    engine = Engine(session.paths, session.settings, session.load_registry())
    with timed_runs(engine) as timed:
        timed("update_symbol_info", None, 1)
        listed = json.loads((session.paths.cache / "symbol_info.json").read_text(encoding="utf-8"))["symbols"]
        names = [item["name"] for item in listed][:SYMBOLS]
        session.settings.set("market.watch_list", ",".join(names))
        for symbol in names:
            for number, entry in enumerate(_ENTRIES):
                _put(session.paths.strategies, symbol, number, entry)
        first, late = timed("evaluate_all_strategies", None, 1)
        later, more = timed("evaluate_all_strategies", None, REPEATS)
    return {
        "first_s": first[0],
        "later_s": later,
        "late_ms": [*late, *more],
        "ideas": len(list(session.paths.trade_ideas.glob("*.json"))),
        "pandas": "pandas" in sys.modules,
    }


def _put(folder: Path, symbol: str, number: int, entry: str) -> None:
    document = {
        "id": f"{symbol.replace('.', '_')}_{number}",
        "symbol": symbol,
        "timeframe": "M5",
        "conditions": {"entry": [entry], "strong": ["close > 0"], "weak": ["divergence_bearish"]},
        "strategy": {"direction": "long"},
    }
    (folder / f"{document['id']}.json").write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
