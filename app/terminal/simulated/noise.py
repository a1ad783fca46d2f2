"""Randomness that can be asked at any place: a hash of (key, counter) instead of a stream with a state.

What comes from here is the same on every machine, bit by bit: whole numbers, and floats by ``+ - * /``, square root
and rounding only, each of which IEEE 754 defines exactly, in a fixed order. exp, log and pow of libm or of numpy's
vector units may differ in the last bit; none is used.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counters = npt.NDArray[np.int64]

_MASK = 2**64 - 1
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
# Standard deviation of the sum of four independent 16-bit numbers.
_SIGMA = 65_536.0 * math.sqrt(4 / 12)
_MEAN = 2 * 65_535.0


def key_for(seed: int, name: str) -> int:
    """A 64-bit key from a seed and a name, the same on every machine (FNV-1a)."""
    value = 0xCBF29CE484222325
    for byte in f"{seed}/{name}".encode():
        value = ((value ^ byte) * 0x100000001B3) & _MASK
    return value


def hashes(key: int | npt.NDArray[np.uint64], counters: Counters) -> npt.NDArray[np.uint64]:
    """64 well mixed bits for each counter (the finaliser of splitmix64); ``key`` is one, or broadcasts to them."""
    mixed = counters.astype(np.uint64)
    mixed += np.uint64(1)
    mixed *= _GOLDEN
    mixed ^= np.uint64(key) if isinstance(key, int) else key
    for shift, factor in ((30, _MIX_1), (27, _MIX_2)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= factor
    mixed ^= mixed >> np.uint64(31)
    return mixed


def uniform(key: int, counters: Counters) -> Floats:
    """Numbers in [0, 1), one for each counter."""
    return (hashes(key, counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normal(key: int | npt.NDArray[np.uint64], counters: Counters) -> Floats:
    """Numbers of mean 0 and deviation 1, near to normal, one for each counter."""
    parts = hashes(key, counters).view(np.uint16).reshape(*counters.shape, 4)
    total: Floats = parts.sum(axis=-1, dtype=np.int64).astype(np.float64)
    total -= _MEAN
    total /= _SIGMA
    return total


def smooth(key: int, positions: Counters, octaves: int) -> Floats:
    """A path over whole positions that wanders like a random walk with steps of deviation 1, yet needs no start.

    Layers of noise with periods 1, 2, 4 ... each interpolated between its own points: any position costs the same.
    """
    # All layers at once: for a few positions, the calls cost more than the numbers.
    column = (octaves, *(1 for _ in positions.shape))
    periods = (1 << np.arange(octaves, dtype=np.int64)).reshape(column)
    keys = np.array([(key + octave) & _MASK for octave in range(octaves)], dtype=np.uint64).reshape(column)
    index, rest = positions // periods, (positions % periods) / periods
    left, right = normal(keys, index), normal(keys, index + 1)
    layers = (left + (right - left) * rest) * (0.5 * np.sqrt(periods.astype(np.float64)))
    total = np.zeros(positions.shape)
    for layer in layers:  # one after the other: the order of a sum decides its last bit
        total += layer
    return total


def growth(logs: Floats) -> Floats:
    """e to the power of ``logs`` (within 3), to some 12 digits, without libm: a series of a sixteenth, squared up."""
    part = logs * 0.0625
    total = np.full(part.shape, 1 / 5040)
    for factor in (1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1.0, 1.0):
        total *= part
        total += factor
    for _ in range(4):
        total *= total
    return total
