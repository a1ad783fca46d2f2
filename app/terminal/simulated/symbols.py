"""The symbols that the simulated server offers, with the specifications of a usual broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.terminal.simulated.hours import ALWAYS, EU_INDEX, FOREX, METALS, US_INDEX, Hours

# SymbolInfo.filling_mode is a mask of its own, not of ORDER_FILLING_* values.
FILL_FOK, FILL_IOC, FILL_BOC = 1, 2, 4
_WEDNESDAY, _THURSDAY, _FRIDAY = 3, 4, 5
_ANY_ORDER, _ANY_EXPIRATION = 127, 15
_FULL, _SWAP_IN_POINTS = 4, 1
_REQUEST_EXECUTION, _INSTANT_EXECUTION, _MARKET_EXECUTION, _EXCHANGE_EXECUTION = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Spec:
    """One symbol; what is named as in ``SymbolInfo``, with or without ``trade_``, has its meaning and unit.

    Attributes:
        contract: Units in a lot (``trade_contract_size``).
        base, profit: ``currency_base``, ``currency_profit``; the margin is in ``margin_currency``.
        legs: Factors of its price with their sign: EURJPY is EUR against JPY, so crosses agree with majors.
        spread: Usual spread in points.
        volume: Usual ticks a minute in a busy hour.
        calc_mode: ``SYMBOL_CALC_MODE_*``.
        margin_rate: Factor of the margin by the formula of ``calc_mode``; the terminal does not show it.
        filling_mode: Mask of ``FILL_*``.
        book_depth: Levels of the market book; 0: it has none.
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
    hours: Hours = FOREX
    volume_min: float = 0.01
    volume_max: float = 100.0
    volume_step: float = 0.01
    volume_limit: float = 0.0
    calc_mode: int = 0
    margin_initial: float = 0.0
    margin_rate: float = 1.0
    filling_mode: int = FILL_FOK | FILL_IOC
    order_mode: int = _ANY_ORDER
    expiration_mode: int = _ANY_EXPIRATION
    trade_mode: int = _FULL
    execution: int = _MARKET_EXECUTION
    stops_level: int = 0
    freeze_level: int = 0
    swap_mode: int = _SWAP_IN_POINTS
    swap_rollover3days: int = _WEDNESDAY
    book_depth: int = 0
    shown: bool = False

    @property
    def point(self) -> float:
        """The smallest step of the price."""
        return float(f"1e-{self.digits}")

    @property
    def tick_size(self) -> float:
        """The step of the price: a point for all symbols here."""
        return self.point

    @property
    def tick_price(self) -> float:
        """What a step is worth per unit of the contract: no index here has a factor."""
        return self.point

    @property
    def margin_hedged(self) -> float:
        """Units of the contract that a lot held both ways is charged for."""
        return self.contract

    @property
    def margin_currency(self) -> str:
        """The currency in which the margin is computed: the base of a pair, what all else is quoted in."""
        return self.base if self.calc_mode == 0 else self.profit


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


def _forex(
    name: str, spread: int, volume: int, long: float, short: float, *, shown: bool = False,
    execution: int = _MARKET_EXECUTION, filling_mode: int = FILL_FOK | FILL_IOC,
) -> Spec:  # fmt: skip
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
        book_depth=10 if major else 0,
        swap_rollover3days=_THURSDAY if name == "USDCAD" else _WEDNESDAY,  # settles in one day, not in two
        shown=shown,
        execution=execution,
        filling_mode=filling_mode,
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
    # Executed by a dealer: at the price that was asked for, or not, with requotes.
    _forex("EURCHF", 15, 35, -2.2, -1.6, execution=_INSTANT_EXECUTION, filling_mode=FILL_FOK),
    _forex("EURAUD", 20, 55, -5.4, 0.6, execution=_REQUEST_EXECUTION, filling_mode=FILL_FOK),
    Spec(
        "XAUUSD", "Gold vs US Dollar", "Metals", 2, 100.0, "XAU", "USD", {"XAU": 1}, 18, 160, -41.0, 19.0,
        hours=METALS, volume_max=50.0, volume_limit=200.0, calc_mode=4, book_depth=5, shown=True,
    ),
    Spec(
        "XAGUSD", "Silver vs US Dollar", "Metals", 3, 5_000.0, "XAG", "USD", {"XAG": 1}, 22, 90, -4.6, 1.7,
        hours=METALS, volume_max=50.0, volume_limit=100.0, calc_mode=4,
    ),
    Spec(
        "USOIL", "WTI Crude Oil", "Energies", 2, 1_000.0, "USD", "USD", {"OIL": 1}, 3, 60, -2.1, -0.9,
        hours=METALS, volume_max=50.0, calc_mode=2, margin_rate=0.02, filling_mode=FILL_IOC, stops_level=5,
        freeze_level=2,
    ),
    Spec(
        "US500", "US 500 Index", "Indices", 2, 1.0, "USD", "USD", {"SPX": 1}, 50, 80, -118.0, 24.0,
        hours=US_INDEX, volume_min=0.1, volume_max=500.0, volume_step=0.1, calc_mode=3, margin_rate=0.01,
        filling_mode=FILL_IOC, swap_rollover3days=_FRIDAY,
    ),
    Spec(
        "US30", "US Wall Street 30 Index", "Indices", 1, 1.0, "USD", "USD", {"SPX": 1, "DJI": 1}, 20, 90, -88.0, 18.0,
        hours=US_INDEX, volume_min=0.1, volume_max=250.0, volume_step=0.1, calc_mode=3, margin_rate=0.01,
        filling_mode=FILL_IOC, swap_rollover3days=_FRIDAY,
    ),
    Spec(
        "USTEC", "US Tech 100 Index", "Indices", 1, 1.0, "USD", "USD", {"SPX": 1, "NDX": 1}, 14, 130, -43.0, 9.0,
        hours=US_INDEX, volume_min=0.1, volume_max=250.0, volume_step=0.1, calc_mode=3, margin_rate=0.01,
        filling_mode=FILL_IOC, swap_rollover3days=_FRIDAY,
    ),
    Spec(
        "GER40", "Germany 40 Index", "Indices", 1, 1.0, "EUR", "EUR", {"DAX": 1}, 12, 70, -33.0, 5.0,
        hours=EU_INDEX, volume_min=0.1, volume_max=250.0, volume_step=0.1, calc_mode=3, margin_rate=0.01,
        filling_mode=FILL_IOC, stops_level=20, swap_rollover3days=_FRIDAY,
    ),
    Spec(
        "FUT500", "Future on the US 500 Index", "Exchange", 2, 1.0, "USD", "USD", {"SPX": 1}, 25, 90, 0.0, 0.0,
        hours=US_INDEX, volume_min=1.0, volume_max=500.0, volume_step=1.0, calc_mode=33, margin_initial=290.0,
        execution=_EXCHANGE_EXECUTION, filling_mode=FILL_FOK | FILL_IOC | FILL_BOC, swap_mode=0,
        swap_rollover3days=_FRIDAY, book_depth=10,
    ),
    Spec(
        "BTCUSD", "Bitcoin vs US Dollar", "Crypto", 2, 1.0, "BTC", "USD", {"BTC": 1}, 1_800, 120, -4_600.0, -1_500.0,
        hours=ALWAYS, volume_max=10.0, calc_mode=2, margin_rate=0.1, swap_rollover3days=_FRIDAY,
    ),
    Spec(
        "ETHUSD", "Ethereum vs US Dollar", "Crypto", 2, 1.0, "ETH", "USD", {"ETH": 1}, 160, 100, -180.0, -60.0,
        hours=ALWAYS, volume_max=100.0, calc_mode=2, margin_rate=0.1, swap_rollover3days=_FRIDAY,
    ),
)  # fmt: skip


def spec_for_replay(name: str, digits: int) -> Spec:
    """A specification for a replayed symbol that is not in the catalogue, as far as its name tells."""
    forex = len(name) >= 6 and name[:6].isalpha() and name[:6].isupper()
    base, profit = (name[:3], name[3:6]) if forex else ("USD", "USD")
    contract = 100_000.0 if forex else 1.0
    return Spec(
        name, f"{name} (replayed)", "Replayed", digits, contract, base, profit, {}, 0, 0, 0.0, 0.0,
        calc_mode=0 if forex else 2, shown=True,
    )  # fmt: skip
