"""``python -m benchmarks NAME [PART ...] [--json]``: run one benchmark and print figures and targets."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from main import prepare

NAMES = (
    "dispatch",
    "timetable",
    "startup",
    "memory",
    "gui",
    "evaluate",
    "history",
    "terminal",
    "hang",
    "symbols",
    "data",
    "maintenance",
    "backtest",
)


def main() -> int:
    """Run what the command line names; exit code 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these parts, where a benchmark has some")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args()
    prepare("dev")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    benchmark = importlib.import_module(f"benchmarks.{arguments.name}")
    if unknown := set(arguments.parts) - set(getattr(benchmark, "PARTS", ())):
        parser.error(f"{arguments.name} has no part {', '.join(sorted(unknown))}")
    figures = benchmark.run(arguments.parts) if arguments.parts else benchmark.run()
    report = {
        "benchmark": arguments.name,
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "processors": os.cpu_count(),
        "figures": [figure.as_json() for figure in figures],
        "targets_met": all(figure.met for figure in figures),
    }
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        print(f"{arguments.name} on {report['system']}, Python {report['python']}, {report['processors']} processors")
        for figure in figures:
            print(figure.as_text())
    return 0 if report["targets_met"] else 1


if __name__ == "__main__":
    sys.exit(main())
