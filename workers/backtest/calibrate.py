"""What the scores of a rule were worth: each signal of a backtest against its outcome.

A signal has reached its target when the target was touched before the stop, as the fills of the backtest say it (the
stop first when a bar holds both and no minutes tell) and it brought a profit: a fill that was at the target already, or
beyond it, won nothing. Ended by an exit condition before either counts as not reached;
what is open at the end of the bars does not count. Signals are taken one after the other, the next one after the last
has ended, so that one move of the market is counted once; nothing is done to stops and nothing is closed by parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from workers.backtest.finer import Finer
from workers.backtest.isotonic import Block, isotonic, value_at
from workers.backtest.management import Plan
from workers.backtest.model import Bools, Index, Reason
from workers.backtest.signals import Signals
from workers.backtest.walk import Sides, Walk, entry_fills
from workers.order import once
from workers.strategy.averages import Array
from workers.strategy.calibration import LEAST_SIGNALS, wilson

#: The signals are cut into so many parts by time; each but the first is foretold by those before it.
PARTS: Final = 6
#: Below so many signals a part is too small to foretell anything.
_LEAST_PART: Final = 5
#: Sums of prices are off by about this share of a price.
_NOISE: Final = 1e-12
#: Groups of the comparison of what was foretold with what came.
_GROUPS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Signals that ended, in the order of time.

    Attributes:
        bar: On whose close they were decided.
        reached: Whether the target was touched first, at a better price than that of the entry.
        by_rule: How many an exit condition ended.
        still_open: How many had not ended with the bars; they are none of these.
        past_target: How many were closed at a target without a profit, because they were filled at it or beyond.
    """

    bar: Index
    score: Array
    reached: Bools
    by_rule: int
    still_open: int
    past_target: int = 0


def outcomes(signals: Signals, sides: Sides, finer: Finer | None) -> Outcomes:
    """What became of the signals, one after the other."""
    walk, taken, candidate = Walk(signals, sides, Plan(), finer), list[int](), 0
    while candidate < len(walk):
        found, candidate = walk.chain(candidate)
        taken += found
    places = np.array(taken, dtype=np.int64)
    reason = walk.reason[places]
    ended = reason != Reason.END
    kept = places[ended]
    touched = reason[ended] == Reason.TARGET
    reached = touched & (_brought(signals, sides, kept, walk.bar[kept]) > 0)
    return Outcomes(
        signals.bar[kept],
        signals.score[kept],
        reached,
        int(np.count_nonzero(reason == Reason.RULE)),
        int(np.count_nonzero(~ended)),
        int(np.count_nonzero(touched & ~reached)),
    )


def _brought(signals: Signals, sides: Sides, places: Index, exit_bars: Index) -> Array:
    """What a closing at the target on these bars brings, in price before costs; what is no more than noise is 0."""
    sign, target = signals.sign[places], signals.target[places]
    entry = entry_fills(sides, sign, signals.bar[places] + 1)
    found = np.zeros(len(places))
    for one in (1, -1):
        rows = sign == one
        if rows.any():
            level = one * target[rows]
            found[rows] = np.maximum(sides.of(one).opens(exit_bars[rows]), level) - one * entry[rows]
    return np.where(np.abs(found) > _NOISE * np.abs(entry), found, 0.0)


def calibration(found: Outcomes) -> dict[str, Any]:
    """The steps of the score, and how well they foretold what they had not seen.

    The signals are cut into parts by time. Each part but the first is foretold twice by all parts before it: by the
    isotonic steps of the score, and by the plain share of targets. Where the steps foretell no better (by the Brier
    score, the mean square of foretold less come), scores tell nothing apart, and all of them get the plain share.

    Returns:
        ``trouble``: why there is no calibration, empty when there is one; ``method``: ``isotonic`` or ``share``;
        ``steps``, ``signals``, ``reached``, ``ended_by_rule``, ``still_open``, ``past_target``, ``brier``,
        ``brier_of_share``, and ``reliability``: groups of foretold signals with what came of them.
    """
    count, reached = len(found.bar), int(np.count_nonzero(found.reached))
    head: dict[str, Any] = {
        "signals": count, "reached": reached, "ended_by_rule": found.by_rule, "still_open": found.still_open,
        "past_target": found.past_target,
        "trouble": "", "method": "", "steps": [], "brier": None, "brier_of_share": None, "reliability": [],
    }  # fmt: skip
    if count < LEAST_SIGNALS:
        head["trouble"] = f"{count} signals ended, and a calibration needs {LEAST_SIGNALS}"
        return head
    scores, came = found.score.tolist(), found.reached.astype(int).tolist()
    foretold, plain, truth = _foretold(scores, came)
    brier, of_share = (float(np.mean((values - truth) ** 2)) for values in (foretold, plain))
    better = brier < of_share
    blocks: Sequence[Block] = isotonic(scores, came)
    if not better:
        blocks = (Block(min(scores), max(scores), count, reached),)
    return head | {
        "method": "isotonic" if better else "share",
        "steps": [
            {"low": block.low, "high": block.high, "signals": block.count, "reached": int(block.total)}
            | _interval(int(block.total), block.count)
            for block in blocks
        ],
        "brier": brier,
        "brier_of_share": of_share,
        "reliability": _reliability(foretold if better else plain, truth),
    }


def _foretold(scores: Sequence[float], came: Sequence[int]) -> tuple[Array, Array, Array]:
    """Each part but the first by those before it: by the steps, by the share, and what came."""
    borders = np.linspace(0, len(scores), min(PARTS, len(scores) // _LEAST_PART) + 1).astype(int).tolist()
    by_steps, by_share = list[float](), list[float]()
    for begin, end in pairwise(borders[1:]):
        blocks = isotonic(scores[:begin], came[:begin])
        by_steps += [value_at(blocks, score) for score in scores[begin:end]]
        by_share += [sum(came[:begin]) / begin] * (end - begin)
    return np.array(by_steps), np.array(by_share), np.array(came[borders[1] :], dtype=np.float64)


def _reliability(foretold: Array, truth: Array) -> list[dict[str, Any]]:
    """Signals grouped by what was foretold, each group of about the same size; equal ones stay together."""
    order = np.argsort(foretold, kind="stable")
    values, came = foretold[order], truth[order]
    wanted = np.linspace(0, len(values), _GROUPS + 1).astype(int)[1:-1]
    # A group ends where the value changes, at or after the wanted place.
    borders = once(np.concatenate(([0], np.searchsorted(values, values[wanted], side="right"), [len(values)])))
    groups = []
    for begin, end in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        reached = int(came[begin:end].sum())
        groups.append(
            {
                "foretold": float(values[begin:end].mean()),
                "came": reached / (end - begin),
                "signals": end - begin,
                "reached": reached,
            }
            | _interval(reached, end - begin)
        )
    return groups


def _interval(reached: int, signals: int) -> dict[str, Any]:
    low, high = wilson(reached, signals)
    return {"probability": reached / signals, "interval_low": low, "interval_high": high}
