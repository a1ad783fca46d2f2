"""What would come of a strategy on the bars of this moment: by the code of the evaluation, and nothing is written."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from app.errors import UserAction
from app.tasks import CancelFlag, Services, TaskContext
from workers.strategy.calibration import told
from workers.strategy.evaluate import Outcome, SideView
from workers.strategy.library import RuleFile, load
from workers.strategy.run import Evaluator, StrategyOutcome
from workers.strategy.schema import parse_strategy

#: How long to wait for the terminal, in seconds.
CONNECT_S: Final = 15.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Preview:
    """What was found. ``sides`` holds every condition of every direction, the long one first."""

    result: StrategyOutcome
    sides: tuple[SideView, ...]

    @property
    def headline(self) -> str:
        """What would come of it, in a sentence or two."""
        found, size = self.result.evaluation, self.result.size
        if self.result.idea_id and found.outcome is Outcome.IDEA:
            return f"The idea of this bar is written already. {found.reason}"
        if size is not None and size.volume is None:
            return f"{found.reason} {size.reason}".rstrip()
        return found.reason

    @property
    def calibration_text(self) -> str:
        """The score of the idea with what it is worth; empty when no idea would come of it."""
        score, found = self.result.evaluation.score, self.result.worth
        return told(score.value, found, "") if score is not None and found is not None else ""

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        found, worth = self.result.evaluation, self.result.worth
        return {
            **self.result.as_entry(),
            "reason": self.headline,
            "calibration": worth.model_dump(mode="json") if worth else None,
            "calibration_text": self.calibration_text,
            "bars": found.bars,
            "sides": [
                {
                    "direction": side.side,
                    "chosen": side.chosen,
                    "score": side.score.value if side.score else None,
                    "arithmetic": [asdict(line) for line in side.score.lines] if side.score else [],
                    "conditions": [asdict(condition) for condition in side.conditions],
                }
                for side in self.sides
            ],
            "gates": [asdict(gate) for gate in self.result.gates],
            "readings": dict(found.readings),
        }


def rule_of(text: str, file_name: str) -> RuleFile:
    """A rule from a text that may not be saved.

    Raises:
        StrategyFileError: it cannot be used.
    """
    content = text.encode("utf-8", "backslashreplace")
    return RuleFile(parse_strategy(content, file_name), file_name, hashlib.sha256(content).hexdigest(), content)


def preview(services: Services, rule: RuleFile) -> Preview:
    """Evaluate a rule, switched on or off, on the closed bars that the terminal has now.

    Asks the terminal, so it may take long: not for the window's own thread.

    Raises:
        Blocked: the terminal does not answer.
        MetronomeError: the terminal or a file does not give what is needed.
    """
    services.terminal.ensure_connected(CONNECT_S)
    ctx = TaskContext("", "preview", services, _log, CancelFlag(), lambda _progress: None)
    result, sides = Evaluator(ctx, (rule,), keep=False).look_at(rule)
    return Preview(result, sides)


def answer(services: Services, args: Mapping[str, Any]) -> dict[str, Any]:
    """The preview of a stored strategy, for other processes.

    Args:
        args: ``strategy``: its id or the name of its file.

    Raises:
        UserAction: there is no such strategy, or its file cannot be used.
        MetronomeError: as ``preview``.
    """
    wanted = str(args.get("strategy", ""))
    found = load(services.storage.paths.strategies)
    for rule in found.rules:
        if wanted in (rule.strategy.id, rule.file_name):
            return preview(services, rule).as_json()
    for bad in found.bad:
        if wanted in (bad.file_name, bad.file_name.removesuffix(".json")):
            raise bad.error
    raise UserAction(f"There is no strategy {wanted!r}.", advice="python main.py strategies lists them.")
