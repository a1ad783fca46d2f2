"""The settings of the simulated account. Apart from the simulated terminal, which is loaded only when it is used."""

from __future__ import annotations

from typing import Any, Protocol


class AccountOptions(Protocol):
    """The settings of the group ``terminal.simulated.account``."""

    @property
    def currency(self) -> str: ...
    @property
    def balance(self) -> float: ...
    @property
    def leverage(self) -> int: ...
    @property
    def netting(self) -> bool: ...
    @property
    def margin_call(self) -> float: ...
    @property
    def stop_out(self) -> float: ...
    @property
    def commission(self) -> float: ...
    @property
    def liquidity(self) -> float: ...
    @property
    def demo_history(self) -> bool: ...


def account_values(options: AccountOptions, seed: int) -> dict[str, Any]:
    """Values for ``app.terminal.simulated.trading.AccountSettings``, by their names."""
    return {
        "currency": options.currency,
        "balance": options.balance,
        "leverage": options.leverage,
        "netting": options.netting,
        "margin_call": options.margin_call,
        "stop_out": options.stop_out,
        "commission": options.commission,
        "liquidity": options.liquidity,
        "demo_history": options.demo_history,
        "seed": seed,
    }
