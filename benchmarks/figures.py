"""A measured figure with its distribution and its target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class Figure:
    """What was measured.

    Attributes:
        values: ``p50``, ``p95``, ``p99``, ``max`` of a distribution, or one ``value``.
        targets: Highest allowed (or, with ``at_least``, lowest allowed) value by the same keys.
    """

    name: str
    unit: str
    values: Mapping[str, float]
    targets: Mapping[str, float] = field(default_factory=dict)
    at_least: bool = False
    samples: int = 1

    @property
    def met(self) -> bool:
        """Whether every target is met."""
        return all(
            self.values[key] >= target if self.at_least else self.values[key] <= target
            for key, target in self.targets.items()
        )

    def as_json(self) -> dict[str, Any]:
        """The figure as plain values."""
        return {
            "name": self.name,
            "unit": self.unit,
            "samples": self.samples,
            **{key: round(value, 4) for key, value in self.values.items()},
            "targets": dict(self.targets),
            "met": self.met,
        }

    def as_text(self) -> str:
        """The figure as a line for people."""
        values = "  ".join(f"{key} {value:.3f}" for key, value in self.values.items())
        sign = ">=" if self.at_least else "<="
        goals = ", ".join(f"{key} {sign} {target:g}" for key, target in self.targets.items())
        verdict = ("  " + ("ok" if self.met else "MISSED") + f" ({goals})") if goals else ""
        return f"  {self.name:<58} {values} {self.unit}{verdict}"


def distribution(name: str, unit: str, samples: Sequence[float], targets: Mapping[str, float] | None = None) -> Figure:
    """A figure of many samples, already in ``unit``."""
    ordered = sorted(samples)
    values = {key: ordered[min(int(len(ordered) * share), len(ordered) - 1)] for key, share in _PERCENTILES.items()}
    return Figure(name, unit, {**values, "max": ordered[-1]}, targets or {}, samples=len(ordered))


def single(name: str, unit: str, value: float, target: float | None = None, *, at_least: bool = False) -> Figure:
    """A figure of one value."""
    return Figure(name, unit, {"value": value}, {} if target is None else {"value": target}, at_least=at_least)
