"""Pivots and divergences on series drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.strategy import divergence
from workers.strategy.divergence import FARTHEST, LASTS, NEAREST, STRENGTH, bearish, bullish, pivot_lows


def valleys(*places: tuple[int, float], count: int = 100) -> np.ndarray:
    """Lows of 10 that slope down to each place and up again, three bars on each side."""
    low = np.full(count, 10.0)
    for place, depth in places:
        for away in range(4):
            for index in {place - away, place + away}:
                if 0 <= index < count:
                    low[index] = depth + away * 0.1
    return low


def oscillator(*places: tuple[int, float], count: int = 100) -> np.ndarray:
    found = np.full(count, 50.0)
    for place, value in places:
        found[place] = value
    return found


@pytest.mark.parametrize(
    ("lows", "expected"),
    [
        ([5, 4, 3, 2, 3, 4, 5], [3]),
        ([5, 4, 3, 2, 2, 4, 5, 6], [3]),  # of equal lows the first
        ([5, 4, 2, 2, 3, 4, 5], []),  # not below each of the three before
        ([5, 4, 3, 2, 3, 4], []),  # not confirmed yet
        ([2, 3, 4, 5, 4, 3, 2], []),
        ([], []),
    ],
)
def test_pivot_lows(lows: list[float], expected: list[int]) -> None:
    assert pivot_lows(np.array(lows, dtype=float)).tolist() == expected


def test_divergence_counts_from_its_confirmation_for_five_bars() -> None:
    low, line = valleys((30, 9.0), (50, 8.5)), oscillator((30, 25), (50, 35))
    found = bullish(low, line)
    assert np.flatnonzero(found.holds).tolist() == list(range(50 + STRENGTH, 50 + STRENGTH + LASTS))
    assert (found.first[53], found.second[53]) == (30, 50)
    assert (found.first[52], found.second[58]) == (-1, -1)
    assert not found.known[: 2 * STRENGTH + 1].any()


def test_divergence_ends_when_its_low_is_undercut() -> None:
    low, line = valleys((30, 9.0), (50, 8.5)), oscillator((30, 25), (50, 35))
    low[55], line[55] = 8.4, 20  # a pivot of its own, which diverges from nothing
    assert np.flatnonzero(bullish(low, line).holds).tolist() == [53, 54]


@pytest.mark.parametrize(
    ("second_low", "second_value", "holds"),
    [(8.5, 35, True), (8.5, 25, False), (8.5, 20, False), (9.0, 35, False), (9.2, 35, False)],
)
def test_price_lower_and_oscillator_higher(second_low: float, second_value: float, holds: bool) -> None:
    found = bullish(valleys((30, 9.0), (50, second_low)), oscillator((30, 25), (50, second_value)))
    assert found.holds.any() == holds


@pytest.mark.parametrize(
    ("apart", "holds"), [(NEAREST - 1, False), (NEAREST, True), (FARTHEST, True), (FARTHEST + 1, False)]
)
def test_distance_of_the_pivots(apart: int, holds: bool) -> None:
    low, line = valleys((20, 9.0), (20 + apart, 8.95)), oscillator((20, 25), (20 + apart, 35))
    assert bullish(low, line).holds.any() == holds


def test_only_neighbouring_pivots_are_compared() -> None:
    low = valleys((20, 9.0), (35, 9.5), (50, 8.5))
    line = oscillator((20, 25), (35, 45), (50, 35))  # against 20 it would diverge, against 35 it does not
    assert not bullish(low, line).holds.any()


def test_oscillator_without_value_is_no_divergence() -> None:
    low, line = valleys((30, 9.0), (50, 8.5)), oscillator((50, 35))
    line[:40] = np.nan
    found = bullish(low, line)
    assert not found.holds.any()
    assert not found.known[:40].any()
    assert found.known[40:].all()


def test_bearish_is_the_picture_upside_down() -> None:
    low, line = valleys((30, 9.0), (50, 8.5)), oscillator((30, 25), (50, 35))
    found, image = bullish(low, line), bearish(-low, 100 - line)
    np.testing.assert_array_equal(found.holds, image.holds)
    np.testing.assert_array_equal(found.second, image.second)


@given(st.integers(0, 1000), st.integers(0, 199))
def test_later_bars_never_change_a_divergence(seed: int, cut: int) -> None:
    random = np.random.default_rng(seed)
    low, line = 1.1 + np.cumsum(random.normal(0, 1e-3, 200)), random.uniform(20, 80, 200)
    changed = low.copy()
    changed[cut:] *= 0.5
    whole, part = bullish(changed, line), bullish(low[:cut], line[:cut])
    for name in ("holds", "known", "first", "second"):
        np.testing.assert_array_equal(getattr(whole, name)[:cut], getattr(part, name))


def test_divergences_never_overlap() -> None:
    assert divergence.LASTS <= divergence.NEAREST
