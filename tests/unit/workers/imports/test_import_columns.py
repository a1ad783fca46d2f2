"""Cells that are all written alike are read in fewer passes, and come out the same."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.imports.columns import Block, numbers, split
from workers.imports.stamps import stamps

ODD = b"1.5e3"  # among others nothing is written alike any more

PRICES = st.lists(st.integers(0, 999_999), min_size=1, max_size=12)


def block(rows: list[bytes], delimiter: str = ";") -> Block:
    return split(b"".join(row + b"\n" for row in rows), 1, delimiter)


@given(PRICES, st.integers(0, 6))
def test_numbers_of_one_width_are_those_of_any_width(values: list[int], point: int) -> None:
    texts = [f"{value:06d}".encode() for value in values]
    texts = [text[:point] + b"." + text[point:] if point < 6 else text for text in texts]
    alike = numbers(block(texts).column(0, np.arange(len(texts))))
    mixed = numbers(block([*texts, ODD]).column(0, np.arange(len(texts) + 1)))
    for one, two in zip(astuple(alike), astuple(mixed), strict=True):
        assert one.dtype == two.dtype
        assert np.array_equal(one, two[:-1])
    assert alike.values.tolist() == [float(text) for text in texts]


@pytest.mark.parametrize("cell", [b".", b"1.2.3", b"-1.25", b"+1", b"1 2", b"a.b"])
def test_what_is_no_plain_number_is_read_as_ever(cell: bytes) -> None:
    one, two = (numbers(block([b"x", *cells]).column(0, np.arange(1, 3))) for cells in ([cell, cell], [cell, ODD]))
    assert one.good.tolist() == [bool(two.good[0])] * 2
    assert np.array_equal(one.values, [two.values[0]] * 2, equal_nan=True)


@given(st.lists(st.sampled_from([b"a;b", b" a;b", b";", b";;", b"", b"  ", b'"a";b ', b"\t", b"a;b\r"]), max_size=8))
def test_lines_and_columns_are_found_whatever_they_are_like(lines: list[bytes]) -> None:
    found = block(lines)
    filled = [(place + 1, line) for place, line in enumerate(lines) if line.strip()]
    assert found.numbers.tolist() == [place for place, _line in filled]
    assert found.counts.tolist() == [line.count(b";") + 1 for _place, line in filled]
    for row, (_place, line) in enumerate(filled):
        cells = [found.column(number, np.array([row])).text(0) for number in range(int(found.counts[row]))]
        assert [cell.rstrip("\r") for cell in cells] == [
            part.strip().strip('"').strip() for part in line.decode().rstrip("\r").split(";")
        ]


def test_days_that_repeat_and_days_that_do_not_exist() -> None:
    texts = [b"2025.02.28", b"2025.02.28", b"2025.02.30", b"2025.03.01", b"2025.02.28"]
    found = stamps(block(texts).column(0, np.arange(5)))
    day = 1_740_700_800_000
    assert found.good.tolist() == [True, True, False, True, True]
    assert found.msc.tolist() == [day, day, 0, day + 86_400_000, day]
    assert found.dates.all()
