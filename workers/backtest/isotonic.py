"""The rising steps that fit shares best: isotonic regression."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """Places that share one value.

    Attributes:
        low, high: The first and the last place.
        count: How many values were seen there.
        total: Their sum.
    """

    low: float
    high: float
    count: int
    total: float

    @property
    def mean(self) -> float:
        """The value of the block."""
        return self.total / self.count


def isotonic(places: Sequence[float], values: Sequence[float]) -> tuple[Block, ...]:
    """The rising function of the places that is nearest to the values by least squares, as steps.

    Pool adjacent violators: places are taken in their order, and as long as a block is not above the one before, both
    become one with their common mean. Equal places are one block from the start.
    Source: Ayer, Brunk, Ewing, Reid and Silverman, An Empirical Distribution Function for Sampling with Incomplete
    Information (Annals of Mathematical Statistics 26, 1955).

    Args:
        places: In any order.
        values: One for each place.
    """
    stack: list[Block] = []
    for place, value in sorted(zip(places, values, strict=True)):
        if stack and stack[-1].high == place:
            last = stack.pop()
            stack.append(Block(last.low, place, last.count + 1, last.total + value))
        else:
            _pool(stack)
            stack.append(Block(place, place, 1, value))
    _pool(stack)
    return tuple(stack)


def _pool(stack: list[Block]) -> None:
    """Join the last block with those before it that it is not above; the ones before are in order."""
    # Of whole numbers products compare exactly, where quotients might not.
    while len(stack) > 1 and stack[-2].total * stack[-1].count >= stack[-1].total * stack[-2].count:
        last, before = stack.pop(), stack.pop()
        stack.append(Block(before.low, last.high, before.count + last.count, before.total + last.total))


def value_at(blocks: Sequence[Block], place: float) -> float:
    """The value at a place: between two blocks that of the lower one, outside that of the nearest."""
    found = bisect_right([block.low for block in blocks], place) - 1
    return blocks[max(found, 0)].mean
