"""The command ``strategies``: list the rule files, and check one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from stat import S_ISREG
from typing import Any

from app.errors import UserAction
from app.files import guarding
from app.paths import Paths
from workers.strategy.findings import look
from workers.strategy.library import LARGEST, load, load_profiles, printable
from workers.strategy.schema import Strategy
from workers.wording import count


def strategies(paths: Paths, action: str, values: Sequence[str]) -> dict[str, Any]:
    """List the strategies, or check a file.

    Args:
        action: ``list`` or ``check``.
        values: For ``check`` the file, anywhere.

    Returns:
        ``{"ok", "message", "strategies"}`` (list), or ``{"ok", "message", "file", "findings", "notes"}``
        (check; the notes are of other profiles that cannot be used).

    Raises:
        UserAction: a value is missing or fits nothing.
        StorageError: a file cannot be read.
    """
    if action == "check":
        return _check(paths, values)
    if values:
        raise UserAction("strategies list takes nothing more.", advice=f"Leave out {' '.join(values)}.")
    found = load(paths.strategies)
    profiles = load_profiles(paths.profiles)
    rows = []
    for rule in found.rules:
        problems = look(rule.content.decode("utf-8-sig"), rule.file_name, profiles).findings
        rows.append(_row(rule.strategy, rule.file_name) | {"problem": " ".join(item.text for item in problems)})
    rows += [{"id": None, "file": bad.file_name, "problem": str(bad.error)} for bad in found.bad]
    rows.sort(key=lambda row: str(row["file"]))
    return {"ok": True, "message": count(len(rows), "strategy", "strategies"), "strategies": rows}


def _row(strategy: Strategy, file_name: str) -> dict[str, Any]:
    return {
        "id": strategy.id,
        "name": strategy.name,
        "file": file_name,
        "enabled": strategy.enabled,
        "symbol": strategy.symbol,
        "timeframe": strategy.timeframe,
        "direction": strategy.strategy.direction,
    }


def _check(paths: Paths, values: Sequence[str]) -> dict[str, Any]:
    if len(values) != 1:
        raise UserAction("Name one file: strategies check FILE.", advice="It may lie anywhere.")
    path = Path(values[0]).expanduser()
    with guarding(path, "read"):
        status = path.stat()
        if not S_ISREG(status.st_mode):  # a device never ends, a pipe may never begin
            raise UserAction(f"{path} is no file.", advice="Name a strategy file.")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            size = max(status.st_size, len(content))
            raise UserAction(f"{path} has {size:,} bytes; {LARGEST:,} is the most.", advice="Is it a strategy file?")
    name = printable(path.name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserAction(f"{name} is not UTF-8 text (byte {error.start}).", advice="Save it again as UTF-8.") from error
    profiles = load_profiles(paths.profiles)
    found = look(text, name, profiles)
    wrong = [
        {"path": ".".join(str(step) for step in item.path), "line": item.line, "text": item.text}
        for item in found.findings
    ]
    said = " ".join(item.text for item in found.findings)
    notes = [str(error) for error in profiles.bad.values() if error.message not in said]
    message = f"{name}: {count(len(wrong), 'problem')}." if wrong else f"{name} can be evaluated."
    return {"ok": not wrong, "message": message, "file": str(path), "findings": wrong, "notes": notes}
