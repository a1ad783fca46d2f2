"""What a message quotes of a file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.quoting import BINARY, quoted

LOST = "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "''"),
        (" 2025-06-03 ", "'2025-06-03'"),
        ("x" * 50, repr("x" * 40)),
        ("Größe; Kurs; Zeit", "'Größe; Kurs; Zeit'"),
        ("Gr??e; Kurs; Zeit".replace("?", LOST), f"'Gr{LOST}{LOST}e; Kurs; Zeit'"),
        ("\x01\x02", BINARY),
        ("1.1\0\0\0\0", BINARY),
    ],
)  # fmt: skip
def test_a_text_is_quoted_and_binary_data_is_named(text: str, said: str) -> None:
    assert quoted(text) == said


@given(st.binary(max_size=400))
def test_no_control_character_and_no_long_text_reaches_a_message(data: bytes) -> None:
    said = quoted(data.decode("utf-8", "replace"))
    assert said.isprintable()
    assert len(said) <= 2 + 4 * 40 + 6 * 10


def test_random_bytes_are_binary_data() -> None:
    texts = (np.random.default_rng(seed).bytes(60).decode("utf-8", "replace") for seed in range(200))
    assert {quoted(text) for text in texts} == {BINARY}
