"""The command ``strategies``: list them, check a file, see what would come of one now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.cli_text import preview_table, strategy_table, write, write_json
from app.cli_values import FAILED, OK, UsageError
from app.likeness import nearest

if TYPE_CHECKING:
    from app.cli_session import CommandSession
    from app.paths import Paths


def strategies(
    session: CommandSession,
    work: Callable[[Paths, str, Sequence[str]], Mapping[str, Any]] | None,
    action: str,
    values: Sequence[str],
) -> int:
    """List the strategies, check a file, or see what would come of one on the bars of now.

    Returns:
        ``FAILED`` when a file that was checked, or a strategy that was looked at, cannot be evaluated.

    Raises:
        UsageError: a value is missing or fits nothing, or this program has no strategies.
    """
    if work is None:
        raise UsageError("This program has no strategies.")
    if action == "preview":
        if len(values) != 1:
            raise UsageError(
                "Name one strategy: strategies preview ID.", advice="python main.py strategies lists them."
            )
        _refuse_unknown(values[0], work(session.paths, "list", ())["strategies"])
        found = session.ask("strategy_preview", {"strategy": values[0]})
        if session.as_json:
            write_json(found)
        else:
            preview_table(found)
        return FAILED if found["outcome"] == "not_evaluated" else OK
    answer = work(session.paths, action, values)
    if session.as_json:
        write_json(answer["strategies"] if action == "list" else answer)
    elif action == "list":
        strategy_table(answer["strategies"])
    else:
        for finding in answer["findings"]:
            write(f"line {finding['line']}: {finding['text']}")
        for note in answer.get("notes", ()):
            write(str(note))
        write(str(answer["message"]))
    return OK if answer["ok"] else FAILED


def _refuse_unknown(wanted: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raises ``UsageError`` with the nearest name when no strategy is called so."""
    known = [str(row["id"]) for row in rows if row["id"] is not None]
    if wanted not in known and wanted not in [str(row["file"]) for row in rows]:
        near = nearest(wanted, known)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"There is no strategy {wanted!r}.", advice=f"{hint}python main.py strategies lists them.")
