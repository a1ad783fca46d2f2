"""The symbols that the simulated server offers, with the specifications of a usual broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Hours(Enum):
    """When a symbol trades, on the server's clock."""

    FOREX = "Monday 0:00 to Friday 24:00"
    BREAK = "as forex, with a break from 0:00 to 1:00"
    ALWAYS = "every minute of the week"


@dataclass(frozen=True, slots=True)
class Spec:
    """One symbol.

    Attributes:
        legs: Factors of its price with their sign: EURJPY is EUR against JPY, so crosses agree with majors.
        spread: Usual spread in points.
        volume: Usual ticks a minute in a busy hour.
        swap_long, swap_short: Points per lot and night.
        calc_mode: ``SYMBOL_CALC_MODE_*``.
        shown: In the Market Watch from the start.
    """

    name: str
    description: str
    group: str
    digits: int
    contract: float
    base: str
    profit: str
    legs: Mapping[str, int]
    spread: int
    volume: int
    swap_long: float
    swap_short: float
    hours: Hours = Hours.FOREX
    volume_min: float = 0.01
    volume_max: float = 100.0
    volume_step: float = 0.01
    calc_mode: int = 0
    shown: bool = False

    @property
    def point(self) -> float:
        """The smallest step of the price."""
        return round(10.0**-self.digits, self.digits)


@dataclass(frozen=True, slots=True)
class Factor:
    """Something that has a price of its own in US dollars.

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
    "SPX": Factor(5800.0, 0.0090),
    "BTC": Factor(88_000.0, 0.0240, always=True),
    "ETH": Factor(3_000.0, 0.0310, always=True),
}

_NAMES = {
    "EUR": "Euro",
    "GBP": "Pound Sterling",
    "USD": "US Dollar",
    "JPY": "Japanese Yen",
    "CHF": "Swiss Franc",
    "AUD": "Australian Dollar",
    "CAD": "Canadian Dollar",
    "NZD": "New Zealand Dollar",
}


def _forex(name: str, spread: int, volume: int, long: float, short: float, *, shown: bool = False) -> Spec:
    base, profit = name[:3], name[3:]
    legs = {currency: sign for currency, sign in ((base, 1), (profit, -1)) if currency != "USD"}
    major = "USD" in (base, profit)
    return Spec(
        name,
        f"{_NAMES[base]} vs {_NAMES[profit]}",
        "Forex\\Majors" if major else "Forex\\Crosses",
        3 if profit == "JPY" else 5,
        100_000.0,
        base,
        profit,
        legs,
        spread,
        volume,
        long,
        short,
        shown=shown,
    )


CATALOGUE: tuple[Spec, ...] = (
    _forex("EURUSD", 8, 70, -7.1, 3.2, shown=True),
    _forex("GBPUSD", 11, 75, -3.4, -1.1, shown=True),
    _forex("USDJPY", 10, 85, 9.8, -19.6, shown=True),
    _forex("USDCHF", 13, 45, 5.9, -11.2, shown=True),
    _forex("AUDUSD", 10, 50, -2.9, -0.4, shown=True),
    _forex("USDCAD", 13, 50, 1.2, -6.3, shown=True),
    _forex("NZDUSD", 14, 40, -1.7, -1.5),
    _forex("EURJPY", 16, 90, 4.9, -13.1, shown=True),
    _forex("GBPJPY", 22, 110, 11.7, -24.8),
    _forex("EURGBP", 12, 40, -6.0, 1.4),
    Spec(
        "XAUUSD", "Gold vs US Dollar", "Metals", 2, 100.0, "XAU", "USD", {"XAU": 1}, 18, 160, -41.0, 19.0,
        hours=Hours.BREAK, volume_max=50.0, calc_mode=2, shown=True,
    ),
    Spec(
        "XAGUSD", "Silver vs US Dollar", "Metals", 3, 5_000.0, "XAG", "USD", {"XAG": 1}, 22, 90, -4.6, 1.7,
        hours=Hours.BREAK, volume_max=50.0, calc_mode=2,
    ),
    Spec(
        "US500", "US 500 Index", "Indices", 2, 1.0, "USD", "USD", {"SPX": 1}, 50, 80, -118.0, 24.0,
        hours=Hours.BREAK, volume_min=0.1, volume_max=500.0, volume_step=0.1, calc_mode=3,
    ),
    Spec(
        "BTCUSD", "Bitcoin vs US Dollar", "Crypto", 2, 1.0, "BTC", "USD", {"BTC": 1}, 1_800, 120, -4_600.0, -1_500.0,
        hours=Hours.ALWAYS, volume_max=10.0, calc_mode=2,
    ),
    Spec(
        "ETHUSD", "Ethereum vs US Dollar", "Crypto", 2, 1.0, "ETH", "USD", {"ETH": 1}, 160, 100, -180.0, -60.0,
        hours=Hours.ALWAYS, volume_max=100.0, calc_mode=2,
    ),
)  # fmt: skip


def spec_for_replay(name: str, digits: int) -> Spec:
    """A specification for a replayed symbol that is not in the catalogue, as far as its name tells."""
    forex = len(name) >= 6 and name[:6].isalpha() and name[:6].isupper()
    base, profit = (name[:3], name[3:6]) if forex else ("USD", "USD")
    contract = 100_000.0 if forex else 1.0
    return Spec(name, f"{name} (replayed)", "Replayed", digits, contract, base, profit, {}, 0, 0, 0.0, 0.0, shown=True)
