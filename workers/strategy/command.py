"""The command ``ideas``: list trade ideas, decide on them, make one again, prove that none was touched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from app.cli_ideas import IdeaOptions
from app.errors import UserAction
from app.paths import Paths
from app.runs import iso
from workers.strategy import replay
from workers.strategy.chain import FILE_NAME, Link, lines_of, parse
from workers.strategy.deciding import IdeaDesk
from workers.strategy.decision_book import Decision, Terms
from workers.strategy.evidence import EvidenceStore, folder_of, sha256
from workers.strategy.idea_files import IdeaRow
from workers.strategy.idea_statistics import write_csv
from workers.strategy.ideas import ENGINE_VERSION
from workers.wording import count

ACTIONS: Final = ("list", "approve", "reject", "edit", "export", "verify", "replay")
_TERMS: Final = ("entry", "stop", "target", "volume")


def ideas(
    paths: Paths,
    action: str,
    values: Sequence[str],
    options: IdeaOptions = IdeaOptions(),  # noqa: B008 - frozen
) -> dict[str, Any]:
    """Do what the command says.

    Args:
        action: One of ``ACTIONS``.
        values: The id of an idea; for ``edit`` also ``entry=``, ``stop=``, ``target=``, ``volume=``; for ``export`` a
            file.

    Returns:
        ``{"ok", "message", ...}`` with ``ideas`` (list), ``decision`` (approve, reject, edit), ``faults`` and ``notes``
        (verify) or ``idea`` (replay).

    Raises:
        UserAction: a value is missing or fits nothing, a decision is refused, or evidence is lost.
        StorageError: a file cannot be read or written.
    """
    if action == "replay":
        return _replay(paths, values)
    desk = IdeaDesk(paths, options.clock, options.expires_bars, "command line")
    if action in ("approve", "reject", "edit"):
        return _decide(desk, action, values, options.reason)
    if action == "export":
        return _export(desk, values, options.status)
    if values:
        raise UserAction(f"ideas {action} takes nothing more.", advice=f"Leave out {' '.join(values)}.")
    return _verify(paths) if action == "verify" else _list(desk, options.status)


def _list(desk: IdeaDesk, status: str) -> dict[str, Any]:
    found = [_listed(row) for row in desk.board().rows if status in ("", row.state.value)]
    return {"ok": True, "message": count(len(found), "trade idea"), "ideas": found}


def _listed(row: IdeaRow) -> dict[str, Any]:
    facts, terms, measured = row.facts, row.terms, row.calibration
    return {
        "id": facts.id,
        "timestamp": iso(facts.time),
        "symbol": facts.symbol,
        "timeframe": facts.timeframe,
        "direction": facts.direction,
        "action": facts.action,
        "confidence": facts.score,
        "calibration": measured.model_dump(mode="json") if measured else None,
        "reached_text": measured.short if measured else "not calibrated",
        "calibration_text": row.calibration_text,
        "entry_price": terms.entry,
        "stop_loss": terms.stop,
        "take_profit": terms.target,
        "volume": terms.volume,
        "rr_ratio": round(row.reward_risk, 2),
        "status": row.state.value,
        "expires": iso(row.ends),
        "edited": row.figures is not None,
        "notes": facts.notes,
        "file": facts.file,
    }


def _decide(desk: IdeaDesk, action: str, values: Sequence[str], reason: str) -> dict[str, Any]:
    if not values or (len(values) > 1 and action != "edit"):
        raise UserAction(f"Name one idea: ideas {action} ID.", advice="python main.py ideas lists them.")
    name = values[0]
    if action == "approve":
        decision = desk.approve(name)
        message = f"Idea {decision.idea} is approved. Metronome sends no order: place it in the terminal."
    elif action == "reject":
        decision = desk.reject(name, reason)
        message = f"Idea {decision.idea} is rejected: {decision.reason}"
    else:
        decision = desk.edit(name, _terms(desk, name, values[1:]))
        message = f"Idea {decision.idea} is edited: {figures_text(decision)}."
    return {"ok": True, "message": message, "decision": decision.as_json()}


def _terms(desk: IdeaDesk, name: str, values: Sequence[str]) -> Terms:
    """The terms of an idea with those changed that ``values`` name."""
    row = next((row for row in desk.board().rows if name in (row.facts.id, row.facts.file)), None)
    if row is None:
        raise UserAction(f"There is no trade idea called {name}.", advice="python main.py ideas lists them.")
    changes: dict[str, Any] = {}
    for text in values:
        field, _equals, value = text.partition("=")
        if field not in _TERMS:
            raise UserAction(f"{text!r} names nothing to edit.", advice="Use entry=, stop=, target= or volume=.")
        try:
            changes[field] = float(value) if value or field != "volume" else None
        except ValueError:
            raise UserAction(f"The {field} {value!r} is no number.", advice=f"Write {field}=1.2345.") from None
    return replace(row.terms, **changes)


def figures_text(decision: Decision) -> str:
    """What an edit comes to, in words."""
    after = decision.after
    if after is None:
        return ""
    parts = [f"reward/risk {after.reward_risk:.2f}"]
    if after.risk_money is None:
        parts.append("no volume")
    else:
        share = "" if after.risk_share is None else f" ({after.risk_share:.2%})"
        parts.append(f"{after.terms.volume:g} lots risk {after.risk_money:.2f} {decision.currency}{share}")
    return ", ".join(parts)


def _export(desk: IdeaDesk, values: Sequence[str], status: str) -> dict[str, Any]:
    if len(values) != 1:
        raise UserAction("Name one file: ideas export FILE.csv.")
    file = Path(values[0]).expanduser()
    number = write_csv(file, (row for row in desk.board().rows if status in ("", row.state.value)))
    return {"ok": True, "message": f"{count(number, 'trade idea')} exported to {file}.", "ideas": number}


def _verify(paths: Paths) -> dict[str, Any]:
    found = replay.verify(paths)
    if found.faults:
        message = f"{count(len(found.faults), 'fault')} in the chain of {count(found.ideas, 'idea')}."
    else:
        message = (
            f"{count(found.ideas, 'idea')} up to the head {found.head}: none of them was edited, removed or moved. "
        )
        if found.witnesses:
            message += f"By {count(found.witnesses, 'note')} of runs and decisions there never was one behind them. "
        message += "Keep the head elsewhere: an end cut off with all that noted it shows only there."
    return {
        "ok": not found.faults,
        "message": message,
        "ideas": found.ideas,
        "head": found.head,
        "witnesses": found.witnesses,
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
