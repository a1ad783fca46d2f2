"""What kind of account is traded on."""

from __future__ import annotations

from dataclasses import dataclass

_NETTING, _HEDGING = 0, 2


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """The account of the simulated terminal.

    Attributes:
        currency: Of the deposit.
        balance: The first deposit, in ``currency``.
        credit: Money lent by the broker: part of the equity, not of the balance.
        leverage: 100 means 1:100.
        netting: One position a symbol; else each order opens one of its own (hedging).
        margin_call, stop_out: Margin level in percent (equity against margin); at ``stop_out`` or below the position
            with the largest loss is closed.
        limit_orders: The most pending orders at a time; 0 for no limit.
        commission: US dollars per lot and side.
        liquidity: The most lots that are filled at one price; 0 for no limit. Less than asked for makes an order
            fail or fill in part, by its filling mode.
        demo_history: Begin with invented closed trades of the last weeks, marked as simulated.
        seed: Of these trades.
    """

    currency: str = "USD"
    balance: float = 10_000.0
    credit: float = 0.0
    leverage: int = 100
    netting: bool = False
    margin_call: float = 100.0
    stop_out: float = 50.0
    limit_orders: int = 200
    commission: float = 3.0
    liquidity: float = 0.0
    demo_history: bool = False
    seed: int = 1

    @property
    def currency_digits(self) -> int:
        """Decimals of an amount: yen have none."""
        return 0 if self.currency == "JPY" else 2

    @property
    def margin_mode(self) -> int:
        """``ACCOUNT_MARGIN_MODE_*``."""
        return _NETTING if self.netting else _HEDGING
