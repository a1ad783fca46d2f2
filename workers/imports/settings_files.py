"""Tester settings (``.ini``) and inputs of an expert (``.set``)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from app.quoting import quoted
from workers.imports.refusals import Refusals

INI: Final = "mt5_tester_settings"
SET: Final = "mt5_expert_inputs"
MAX_BYTES: Final = 4 * 2**20
_SECTION: Final = re.compile(r"\[(\w+)\]")
_LINE: Final = re.compile(r"([\w.]+)\s*=(.*)")


@dataclass(slots=True)
class SettingsFile:
    """Settings of the tester.

    Attributes:
        settings: Of the section ``[Tester]``, by name.
        inputs: Of the expert: value, and start, step, stop and whether to optimise where they are given.
    """

    kind: str
    settings: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals)


def looks_like(name: str, text: str) -> bool:
    """Whether a text is one of these files."""
    lines = [line for line in text.splitlines()[:60] if line.strip()]
    if any(line.strip() in ("[Tester]", "[TesterInputs]") for line in lines):
        return True
    known = sum(bool(_LINE.fullmatch(line.strip()) or line.startswith(";")) for line in lines)
    return name.lower().endswith(".set") and bool(lines) and known == len(lines)


def read(name: str, text: str) -> SettingsFile:
    """Read settings or inputs; a line that is neither is refused by itself."""
    found = SettingsFile(SET if name.lower().endswith(".set") and "[Tester]" not in text else INI)
    section = "" if found.kind == INI else "TesterInputs"
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith(";"):
            continue
        heading = _SECTION.fullmatch(line)
        if heading:
            section = heading[1]
            continue
        pair = _LINE.fullmatch(line)
        if pair is None or not section:
            found.refusals.add(number, f"it is no setting: {quoted(line)}", "it is no setting")
        elif section == "TesterInputs":
            parts = pair[2].strip().split("||")
            found.inputs[pair[1]] = dict(zip(("value", "start", "step", "stop", "optimise"), parts, strict=False))
        else:
            found.settings[pair[1]] = pair[2].strip()
    return found
