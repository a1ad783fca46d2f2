"""Isotonic regression: by hand, by its laws, and against the best of all rising functions."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.backtest.isotonic import Block, isotonic, value_at

PAIRS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 1)), min_size=1, max_size=40)


def fit(*pairs: tuple[float, float]) -> list[tuple[float, float, int, float]]:
    blocks = isotonic([place for place, _ in pairs], [value for _, value in pairs])
    return [(block.low, block.high, block.count, block.mean) for block in blocks]


def test_what_rises_is_left_as_it_is() -> None:
    assert fit((1, 1), (2, 3), (3, 7)) == [(1, 1, 1, 1), (2, 2, 1, 3), (3, 3, 1, 7)]


def test_neighbours_that_fall_share_their_mean() -> None:
    # 1, 3, 2, 4: the 3 and the 2 become 2.5 (Barlow and others 1972, the textbook case).
    assert fit((1, 1), (2, 3), (3, 2), (4, 4)) == [(1, 1, 1, 1), (2, 3, 2, 2.5), (4, 4, 1, 4)]


def test_a_late_fall_pulls_down_all_before_it() -> None:
    assert fit((1, 5), (2, 6), (3, 1)) == [(1, 3, 3, 4)]


def test_equal_places_are_one_from_the_start() -> None:
    # 62: 1 of 4; 85: 0 of 1 and 100: 2 of 2, by hand: 62 and 85 become 1 of 5.
    pairs = [(62, 0), (62, 1), (62, 0), (62, 0), (85, 0), (100, 1), (100, 1)]
    assert fit(*pairs) == [(62, 85, 5, 0.2), (100, 100, 2, 1.0)]
    assert fit(*reversed(pairs)) == fit(*pairs)


def test_between_two_steps_the_lower_one_counts_and_outside_the_nearest() -> None:
    blocks = (Block(60, 70, 10, 3), Block(80, 90, 10, 6))
    assert [value_at(blocks, place) for place in (50, 60, 75, 80, 99)] == [0.3, 0.3, 0.3, 0.6, 0.6]


@given(PAIRS)
def test_it_rises_covers_all_places_and_keeps_the_mean(pairs: list[tuple[int, int]]) -> None:
    blocks = isotonic([place for place, _ in pairs], [value for _, value in pairs])
    assert all(one.mean < two.mean and one.high < two.low for one, two in pairwise(blocks))
    assert sum(block.count for block in blocks) == len(pairs)
    assert sum(block.total for block in blocks) == sum(value for _, value in pairs)
    places = {place for place, _ in pairs}
    assert (blocks[0].low, blocks[-1].high) == (min(places), max(places))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=8))
def test_no_rising_function_is_nearer(pairs: list[tuple[int, int]]) -> None:
    """Of all rising functions the nearest is constant on runs of neighbours, with their means: all cuts are tried."""
    blocks = isotonic([place for place, _ in pairs], [value for _, value in pairs])
    own = sum((value_at(blocks, place) - value) ** 2 for place, value in pairs)
    places = sorted({place for place, _ in pairs})
    best = float("inf")
    for cuts in range(2 ** (len(places) - 1)):
        groups: list[list[int]] = [[places[0]]]
        for number, place in enumerate(places[1:]):
            if cuts >> number & 1:
                groups.append([place])
            else:
                groups[-1].append(place)
        held = [[value for place, value in pairs if place in group] for group in groups]
        means = [sum(values) / len(values) for values in held]
        if all(one <= two for one, two in pairwise(means)):
            away = sum((value - mean) ** 2 for values, mean in zip(held, means, strict=True) for value in values)
            best = min(best, away)
    assert own == pytest.approx(best)
