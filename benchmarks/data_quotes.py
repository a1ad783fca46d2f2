"""Quotes: 1,000 symbols quoted and stored in one pass, and a day's file that costs the same in the evening."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from app.clock import SystemClock
from app.paths import Paths
from app.storage import Storage
from benchmarks.figures import Figure, distribution, single
from benchmarks.symbols import PERIOD_MS, ROOT, timed_runs

SYMBOLS = 1000
REPEATS = 5
EARLY, LATE = 10, 10_000
#: So many entries are timed around the early one, in files of their own, and after the late one.
_AROUND, _FILES = 10, 40
_PATIENCE_S = 300
_QUOTE = {
    "time": "2025-06-03T12:00:00.000Z",
    "tick_time": "2025-06-03T11:59:59.000Z",
    "age_s": 1.0,
    "bid": 1.08512,
    "ask": 1.0852,
    "spread": 0.00008,
    "spread_points": 8,
    "volume": 0,
    "day_high": 1.0871,
    "day_low": 1.0832,
    "day_volume": None,
    "day_ticks": 41_233,
    "day_change_percent": 0.12,
    "quality": "fresh",
    "fresh": True,
}


def run() -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.data_quotes", folder],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=_PATIENCE_S,
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"measuring the quotes failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return [
        single(f"{SYMBOLS:,} symbols quoted and stored in one pass", "s", max(found["passes_s"]), 1),
        distribution(f"lateness of a {PERIOD_MS} ms timer meanwhile", "ms", found["late_ms"]),
        *_entries(),
    ]


def measure(home: Path) -> dict[str, Any]:
    """Passes over the symbols in this process while a timer ticks in the thread of the event loop."""
    from app.cli_session import CommandSession
    from app.engine import Engine
    from workers import registry

    overrides = {
        "timetable.paused": "true",
        "terminal.simulated.symbols": str(SYMBOLS),
        "market.timeframes": "",
    }
    session = CommandSession.open(str(home), overrides, registry, as_json=True)
    engine = Engine(session.paths, session.settings, session.load_registry())
    with timed_runs(engine) as timed:
        timed("update_symbol_info", None, 1)
        stored = json.loads((session.paths.cache / "symbol_info.json").read_text(encoding="utf-8"))["symbols"]
        params = {"symbols": [item["name"] for item in stored][:SYMBOLS]}
        timed("collect_market_data", params, 1)  # the first pass of a day begins the files
        passes, late = timed("collect_market_data", params, REPEATS)
    files = list(session.paths.market_data.glob("*.json"))
    if len(files) != SYMBOLS:
        raise RuntimeError(f"{len(files)} of {SYMBOLS} symbols were stored")
    return {"passes_s": passes, "late_ms": late}


def _entries() -> list[Figure]:
    """What an entry costs near the beginning of a day, far on, and on the average of all with the file growing."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        paths = Paths(Path(folder))
        paths.create()
        storage = Storage(paths, SystemClock())
        early: list[float] = []
        for number in range(_FILES):
            taken = _appended(storage, paths.market_data / f"S{number}_20250603.json", EARLY + _AROUND)
            early += taken[EARLY - _AROUND // 2 :]
        day = _appended(storage, paths.market_data / "EURUSD_20250603.json", LATE + _AROUND * _FILES)
    late = day[LATE:]
    usual = statistics.median(early)
    return [
        distribution(f"a quote appended at entry {EARLY}", "us", early),
        distribution(f"a quote appended at entry {LATE:,}", "us", late),
        single(f"entry {LATE:,} against entry {EARLY} (medians)", "times", statistics.median(late) / usual, 1.5),
        single(f"mean of {len(day):,} entries against entry {EARLY}", "times", statistics.fmean(day) / usual),
    ]


def _appended(storage: Storage, path: Path, count: int) -> list[float]:
    """Microseconds that each entry took."""
    head = {"symbol": "EURUSD", "date": "2025-06-03", "point": 0.00001}
    path.parent.mkdir(parents=True, exist_ok=True)
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        storage.append_json_item(path, _QUOTE, head=head, durable=False)
        taken.append((time.perf_counter() - begun) * 1e6)
    return taken


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
