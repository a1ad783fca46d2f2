"""How the command line shows things: one JSON document, or short tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from app.runs import besides_warnings

MAX_CELL = 60


def say(text: str) -> None:
    """Tell a person something, on stderr."""
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def write(text: str) -> None:
    """Write a line of the answer to stdout; characters that its encoding lacks are replaced."""
    if sys.stdout is None:  # A windowed program on Windows has none.
        return
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def write_json(value: object) -> None:
    """Write the one JSON document. ASCII only, so that no encoding can damage it."""
    write(json.dumps(value, indent=2, default=plain))


def plain(value: object) -> object:
    """A value of the settings as JSON has it.

    Raises:
        TypeError: it has no such form.
    """
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    msg = f"{type(value).__name__} has no JSON form"
    raise TypeError(msg)


def as_text(value: object) -> str:
    """A value of the settings as a person writes it."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) and all(isinstance(item, (str, int, float)) for item in value):
        return ",".join(str(item) for item in value)
    return json.dumps(value, ensure_ascii=False, default=plain).strip('"')


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table with aligned columns; long cells are cut."""
    cut = [[cell if len(cell) <= MAX_CELL else cell[: MAX_CELL - 1] + "…" for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cut) for column in range(len(header))]
    for row in cut:
        write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def local(moment: str | None) -> str:
    """A time of a run as the clock on the wall shows it."""
    if not moment:
        return "-"
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def task_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """All tasks."""
    table(
        ("TASK", "QUEUE", "SCHEDULE", "NEXT RUN", "LAST RUN", "STATE"),
        [
            (
                row["id"],
                row["queue"],
                row["schedule"] if row["enabled"] else f"{row['schedule']} (off)",
                local(row["next_run"]),
                local(row["last_run"]["queued_at"]) if row["last_run"] else "-",
                words(row["last_run"]["state"]) if row["last_run"] else "never run",
            )
            for row in rows
        ],
    )
    for row in rows:
        if row.get("problem"):
            write(f"{row['id']}: {row['problem']}")


def run_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Some runs."""
    if not rows:
        write("No run matches.")
        return
    table(
        ("RUN", "TASK", "STATE", "ASKED FOR", "TOOK", "WHAT"),
        [
            (
                row["run_id"],
                row["task"],
                words(row["state"]),
                local(row["queued_at"]),
                seconds(row["duration_s"]),
                row["reason"] or row["summary"],
            )
            for row in rows
        ],
    )


def idea_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """The trade ideas."""
    if not rows:
        write("There is no such trade idea.")
        return
    table(
        (
            "WHEN",
            "STATE",
            "SYMBOL",
            "DIRECTION",
            "ADVICE",
            "SCORE",
            "REACHED TARGET",
            "ENTRY",
            "STOP",
            "TARGET",
            "LOTS",
            "ID",
        ),
        [
            (
                local(row["timestamp"]),
                str(row["status"]),
                f"{row['symbol']} {row['timeframe']}",
                str(row["direction"]),
                str(row["action"]),
                as_text(row["confidence"]),
                str(row["reached_text"]),
                *(as_text(row[name]) for name in ("entry_price", "stop_loss", "take_profit")),
                "-" if row["volume"] is None else as_text(row["volume"]),
                str(row["id"]),
            )
            for row in rows
        ],
    )


def strategy_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """The strategies of this home."""
    if not rows:
        write("There is no strategy yet.")
        return
    usable = [row for row in rows if row["id"] is not None]
    table(
        ("STRATEGY", "ON", "SYMBOL", "DIRECTION", "FILE"),
        [
            (
                str(row["id"]),
                "yes" if row["enabled"] else "no",
                f"{row['symbol']} {row['timeframe']}",
                str(row["direction"]),
                str(row["file"]),
            )
            for row in usable
        ],
    )
    for row in rows:
        if row["problem"]:
            write(f"{row['file']}: {row['problem']}")


_MARKS = {True: "yes", False: "no", None: "no value"}


def preview_table(found: Mapping[str, Any]) -> None:
    """What would come of a strategy."""
    for side in found["sides"]:
        write(f"{side['direction']}{', decided by this' if side['chosen'] else ''}")
        table(
            ("GROUP", "HOLDS", "CONDITION", "VALUES"),
            [(row["group"], _MARKS[row["holds"]], row["name"], row["detail"]) for row in side["conditions"]],
        )
        for line in side["arithmetic"]:
            write(f"{line['points']:+6g}  {line['text']}")
        if side["score"] is not None:
            write(f"{side['score']:6g}  score")
        write("")
    table(("GATE", "HOLDS", "WHAT"), [(row["name"], _MARKS[row["holds"]], row["text"]) for row in found["gates"]])
    if found["gates"]:
        write("")
    write(str(found["reason"]))
    if found["entry"] is not None:
        lots = "-" if found["volume"] is None else as_text(found["volume"])
        levels = " ".join(f"{name} {as_text(found[name])}" for name in ("entry", "stop", "target"))
        write(f"{levels} lots {lots}")


def feed_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """The news feeds and how each fares."""
    if not rows:
        write("The list holds no feed.")
        return
    table(
        ("FEED", "STATE", "ARTICLES", "LAST READ", "ADDRESS"),
        [
            (
                row["title"],
                "off"
                if not row["enabled"]
                else "failing"
                if row["failures"]
                else "not reached"
                if row["problem"]
                else "on",
                str(row["items"]) if row["last_success"] else "-",
                local(row["last_success"]),
                row["address"],
            )
            for row in rows
        ],
    )
    for row in rows:
        if row["problem"] and row["enabled"]:
            write(row["problem"])


def run_details(run: Mapping[str, Any]) -> None:
    """One run with all that a person wants to know."""
    took = f" after {seconds(run['duration_s'])}" if run["duration_s"] is not None else ""
    write(f"{run['task']}: {words(run['state'])}{took} (run {run['run_id']})")
    for line in (besides_warnings(run["reason"], run["warnings"]), run["advice"], run["summary"]):
        if line:
            write(f"  {line}")
    for warning in run["warnings"]:
        write(f"  warning: {warning}")
    for file in run["files"]:
        write(f"  wrote {file}")
    if run["error"]:
        write(run["error"].rstrip())


def symbol_table(found: Mapping[str, Any]) -> None:
    """What the broker calls the user's symbols."""
    write(f"Symbols on {found['server'] or 'an unknown server'}:")
    rows = found["symbols"]
    table(("SYMBOL", "AT THE BROKER", "HOW"), [(row["symbol"], row["name"] or "-", row["how"]) for row in rows])
    for row in rows:
        if row["advice"]:
            write(f"{row['symbol']}: {row['advice']}")


def import_table(files: Sequence[Mapping[str, Any]]) -> None:
    """What came of imported files."""
    for file in files:
        what = " ".join(part for part in (file["kind"], file["symbol"], file["timeframe"]) if part)
        write(f"{file['file']}: {what}")
        write(f"  {file['rows']:,} rows read, {file['refused']:,} refused, {file['added']:,} new")
        if file["first"]:
            write(f"  {file['first']} to {file['last']} ({file['time_zone'] or 'time zone not known'})")
        for refusal in file["refusals"][:10]:
            write(f"  line {refusal['line']}: {refusal['reason']}")
        for note in file["notes"]:
            write(f"  {note}")
        if file["stored"]:
            write(f"  stored in {file['stored']}")
        if file["error"]:
            write(f"  NOT IMPORTED: {file['error']} {file['advice'] or ''}".rstrip())


def check_table(checks: Sequence[Mapping[str, Any]]) -> None:
    """The outcome of the self-test."""
    for check in checks:
        write(f"{'ok    ' if check['ok'] else 'FAILED'}  {check['name']}: {check['detail']}")


def words(state: str) -> str:
    """A state as words."""
    return state.replace("_", " ")


def seconds(value: float | None) -> str:
    """A duration."""
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
