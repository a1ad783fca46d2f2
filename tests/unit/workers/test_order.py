"""Different and middle values: the same as numpy finds, without its masked arrays."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.order import median, once, percentiles

_FINITE = st.floats(-1e100, 1e100)


@given(st.lists(st.integers(-5, 5)), st.sampled_from(["<i8", "i1", "datetime64[M]"]))
def test_each_value_once(values: list[int], kind: str) -> None:
    array = np.array(values, dtype=np.int64).astype(kind)
    found = once(array)
    assert found.dtype == array.dtype
    assert np.array_equal(found, np.unique(array))
    assert np.array_equal(once(np.sort(array)), found)


@given(st.lists(_FINITE, min_size=1, max_size=30))
def test_the_middle_value_to_the_last_bit(values: list[float]) -> None:
    array = np.array(values)
    assert median(array) == float(np.median(array))


@given(st.lists(_FINITE, min_size=1, max_size=30), st.lists(st.integers(0, 100), min_size=1, max_size=5))
def test_percentiles_to_the_last_bit(values: list[float], percents: list[int]) -> None:
    array = np.array(values)
    assert percentiles(array, percents) == np.percentile(array, percents).tolist()


def test_masked_arrays_are_not_loaded() -> None:
    code = (
        "import sys, numpy; from workers.order import median, once, percentiles; once(numpy.array([2, 1, 2])); "
        "median(numpy.array([2.0, 1.0])); percentiles(numpy.array([2.0, 1.0]), (5, 50)); "
        "sys.exit('numpy.ma' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
