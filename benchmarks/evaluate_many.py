"""``evaluate_all_strategies`` on 100 symbols with 4 strategies each: simulated terminal, gates, evidence and files.

In a process of its own with the real window (offscreen) and the settings as they come: time of the runs, how late a
10 ms timer of the window's thread is, and whether pandas was imported. There is a calendar, a profile of every other
symbol, and some of the rules look at other timeframes. Half of the strategies have an idea in the first run, which is
the dearest case; the instant is one at which the markets are open.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Figure, distribution, single
from benchmarks.symbols import timing, turn

if TYPE_CHECKING:
    from app.engine import Engine

ROOT = Path(__file__).resolve().parent.parent
SYMBOLS = 100
REPEATS = 3
NOW = "2025-06-03T14:31:00Z"
#: Two that have an idea whatever the bars are, and two that have none; two of them look at other timeframes.
_ENTRIES = (
    "close > 0",
    "H1.close > H1.ema(50) or H1.close <= H1.ema(50)",
    "ema_fast_gt_slow and rsi > 99 and H4.close > 0",
    "close < 0.000001",
)
_PATIENCE_S = 300


def figures() -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.evaluate_many", folder],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=_PATIENCE_S,
            env={"QT_QPA_PLATFORM": "offscreen", **os.environ},
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
    """Run the task in this process while its window is shown and a timer ticks in the window's thread."""
    from app.cli_session import CommandSession
    from app.cli_values import WindowStart
    from app.engine import Engine
    from ui.application import WindowProgram, make_application
    from workers import registry

    app = make_application()
    overrides = {"timetable.paused": "true", "terminal.simulated.symbols": "300", "terminal.simulated.now": NOW}
    session = CommandSession.open(str(home), overrides, registry, as_json=True)
    engines: list[Engine] = []

    def start(_on_show: object, _window_lag_ms: object) -> Engine:
        engine = Engine(session.paths, session.settings, session.load_registry())
        engine.start(schedule=False)
        engines.append(engine)
        return engine

    def stop() -> None:
        for engine in engines:
            engine.stop()

    program = WindowProgram(app, WindowStart(session, start, stop, minimized=False), tray=False)
    program.leave_collections_short()
    program.open()
    try:
        turn(lambda: program.link.ready)
        return _measured(engines[0], home)
    finally:
        program.window.quitting = True
        program.window.hide()
        program.close()


def _measured(engine: Engine, home: Path) -> dict[str, Any]:
    paths = engine.paths
    with timing(engine) as timed:
        timed("update_symbol_info", None, 1)
        listed = json.loads((paths.cache / "symbol_info.json").read_text(encoding="utf-8"))["symbols"]
        names = [item["name"] for item in listed][:SYMBOLS]
        engine.settings.set("market.watch_list", ",".join(names))
        for place, symbol in enumerate(names):
            if place % 2:
                _put(paths.profiles, symbol, {"symbol": symbol, "style": {"rrTarget": 2.0}})
            for number, entry in enumerate(_ENTRIES):
                _put(paths.strategies, f"{symbol.replace('.', '_')}_{number}", _strategy(symbol, entry))
        timed("update_economic_calendar", {"source": str(_calendar(home))}, 1)
        first, late = timed("evaluate_all_strategies", None, 1)
        later, more = timed("evaluate_all_strategies", None, REPEATS)
    return {
        "first_s": first[0],
        "later_s": later,
        "late_ms": [*late, *more],
        "ideas": len(list(paths.trade_ideas.glob("*.json"))),
        "pandas": "pandas" in sys.modules,
    }


def _calendar(home: Path) -> Path:
    """A week of releases, none of them so near that it forbids an idea."""
    now = datetime.fromisoformat(NOW)
    events = [
        {
            "title": f"Release {number}",
            "country": ("USD", "EUR", "GBP", "JPY")[number % 4],
            "date": (now + timedelta(hours=2 * number + 1)).isoformat(),
            "impact": ("High", "Medium", "Low")[number % 3],
            "forecast": f"{number / 10}%",
            "previous": "0.1%",
        }
        for number in range(-36, 36)
    ]
    path = home / "calendar.json"
    path.write_text(json.dumps(events), encoding="utf-8")
    return path


def _strategy(symbol: str, entry: str) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "timeframe": "M5",
        "conditions": {"entry": [entry], "strong": ["close > 0"], "weak": ["divergence_bearish"]},
        "strategy": {"direction": "long"},
    }


def _put(folder: Path, stem: str, document: dict[str, Any]) -> None:
    (folder / f"{stem}.json").write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
