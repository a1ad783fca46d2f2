"""What moves the generated prices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Factor:
    """Something that has a price of its own, in US dollars or what the symbols are quoted in that follow it alone.

    Attributes:
        price: Around which it moves.
        daily: Standard deviation of a day's move, as a fraction.
        always: Moves at weekends too.
    """

    price: float
    daily: float
    always: bool = False


FACTORS: dict[str, Factor] = {
    "EUR": Factor(1.115, 0.0045),
    "GBP": Factor(1.29, 0.0050),
    "JPY": Factor(1 / 146.0, 0.0055),
    "CHF": Factor(1.17, 0.0048),
    "AUD": Factor(0.655, 0.0060),
    "CAD": Factor(0.73, 0.0040),
    "NZD": Factor(0.60, 0.0062),
    "XAU": Factor(2900.0, 0.0095),
    "XAG": Factor(33.0, 0.0165),
    "OIL": Factor(68.0, 0.0180),
    "SPX": Factor(5800.0, 0.0090),
    # The other American indices by how they stand to the first.
    "DJI": Factor(7.25, 0.0030),
    "NDX": Factor(3.55, 0.0050),
    "DAX": Factor(23_000.0, 0.0095),
    "BTC": Factor(88_000.0, 0.0240, always=True),
    "ETH": Factor(3_000.0, 0.0310, always=True),
}


def usual_price(legs: Mapping[str, int]) -> float:
    """The price around which a symbol of these factors (with their sign) is generated; 0 without factors."""
    return math.prod(FACTORS[leg].price ** sign for leg, sign in legs.items()) if legs else 0.0
