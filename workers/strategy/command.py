"""The commands ``ideas`` (list, make one again from its evidence, prove that none was touched) and ``strategies``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from app.errors import UserAction
from app.files import guarding
from app.paths import Paths
from workers.strategy import replay
from workers.strategy.chain import FILE_NAME, Link, lines_of, parse
from workers.strategy.evidence import EvidenceStore, folder_of, sha256
from workers.strategy.findings import look
from workers.strategy.ideas import ENGINE_VERSION
from workers.strategy.library import LARGEST, load, load_profiles, printable
from workers.strategy.schema import Strategy
from workers.wording import count

ACTIONS: Final = ("list", "verify", "replay")
_FIELDS: Final = (
    "id", "timestamp", "symbol", "timeframe", "direction", "action", "confidence", "entry_price", "stop_loss",
    "take_profit", "volume", "rr_ratio", "status", "notes",
)  # fmt: skip


def ideas(paths: Paths, action: str, values: Sequence[str]) -> dict[str, Any]:
    """Do what the command says.

    Args:
        action: One of ``ACTIONS``.
        values: For ``replay`` the id of an idea.

    Returns:
        ``{"ok", "message", ...}`` with ``ideas`` (list), ``faults`` and ``notes`` (verify) or ``idea`` (replay).

    Raises:
        UserAction: a value is missing or fits nothing, or evidence is lost.
        StorageError: a file cannot be read.
    """
    if action == "replay":
        return _replay(paths, values)
    if values:
        raise UserAction(f"ideas {action} takes nothing more.", advice=f"Leave out {' '.join(values)}.")
    return _verify(paths) if action == "verify" else _list(paths)


def _list(paths: Paths) -> dict[str, Any]:
    found = []
    with guarding(paths.trade_ideas, "read"):
        files = sorted(paths.trade_ideas.glob("*.json")) if paths.trade_ideas.is_dir() else []
    for path in files:
        with guarding(path, "read"):
            try:
                document = json.loads(path.read_bytes())
            except (ValueError, RecursionError):
                continue  # verify tells of it
        if isinstance(document, dict):
            found.append({name: document.get(name) for name in _FIELDS} | {"file": path.name})
    found.sort(key=lambda item: (str(item["timestamp"]), item["file"]), reverse=True)
    return {"ok": True, "message": count(len(found), "trade idea"), "ideas": found}


def _verify(paths: Paths) -> dict[str, Any]:
    found = replay.verify(paths)
    if found.faults:
        message = f"{count(len(found.faults), 'fault')} in the chain of {count(found.ideas, 'idea')}."
    else:
        message = f"{count(found.ideas, 'idea')}: none was edited, removed or moved. The chain ends with {found.head}."
    return {
        "ok": not found.faults,
        "message": message,
        "ideas": found.ideas,
        "head": found.head,
        "faults": list(found.faults),
        "notes": list(found.notes),
    }


def _replay(paths: Paths, values: Sequence[str]) -> dict[str, Any]:
    if len(values) != 1:
        raise UserAction("Name one idea: ideas replay ID.", advice="python main.py ideas lists them.")
    link = _link(paths, values[0])
    again = replay.rebuild(link.inputs, EvidenceStore(folder_of(paths)))
    same = sha256(again.content) == link.sha256
    if same:
        message = f"Idea {link.id} was made again from its evidence, byte for byte."
    elif again.engine != ENGINE_VERSION:
        message = f"Idea {link.id} was made by engine {again.engine}; engine {ENGINE_VERSION} makes another of it."
    else:
        message = f"Idea {link.id} comes out otherwise from its evidence than it was written."
    return {
        "ok": same,
        "message": message,
        "id": link.id,
        "file": link.file,
        "identical": same,
        "engine": again.engine,
        "idea": json.loads(again.content),
    }


def _link(paths: Paths, id: str) -> Link:
    lines, _torn = lines_of(folder_of(paths) / FILE_NAME)
    for line in reversed(lines):
        if (link := parse(line)) is not None and id in (link.id, link.file, link.file.removesuffix(".json")):
            return link
    raise UserAction(
        f"The chain of ideas has none called {id}.",
        advice="python main.py ideas lists them; ideas of earlier versions have no evidence to make them from.",
    )


def strategies(paths: Paths, action: str, values: Sequence[str]) -> dict[str, Any]:
    """List the strategies, or check a file.

    Args:
        action: ``list`` or ``check``.
        values: For ``check`` the file, anywhere.

    Returns:
        ``{"ok", "message", "strategies"}`` (list), or ``{"ok", "message", "file", "findings"}`` (check).

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
        size = path.stat().st_size
        if size > LARGEST:
            raise UserAction(f"{path} has {size:,} bytes; {LARGEST:,} is the most.", advice="Is it a strategy file?")
        content = path.read_bytes()
    name = printable(path.name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserAction(f"{name} is not UTF-8 text (byte {error.start}).", advice="Save it again as UTF-8.") from error
    found = look(text, name, load_profiles(paths.profiles))
    wrong = [
        {"path": ".".join(str(step) for step in item.path), "line": item.line, "text": item.text}
        for item in found.findings
    ]
    message = f"{name}: {count(len(wrong), 'problem')}." if wrong else f"{name} can be evaluated."
    return {"ok": not wrong, "message": message, "file": str(path), "findings": wrong}
