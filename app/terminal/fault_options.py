"""The settings that make the simulated terminal fail, and what they mean for its switches.

Apart from the simulated terminal, which is loaded only when it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

_KINDS = {"demo": 0, "contest": 1, "real": 2}


class FaultOptions(Protocol):
    """The settings of the group ``terminal.simulated.faults``."""

    @property
    def not_running(self) -> bool: ...
    @property
    def offline(self) -> bool: ...
    @property
    def hang_s(self) -> float: ...
    @property
    def slow_s(self) -> float: ...
    @property
    def error_code(self) -> int: ...
    @property
    def stale_s(self) -> float: ...
    @property
    def zero_prices(self) -> bool: ...
    @property
    def missing(self) -> Sequence[str]: ...
    @property
    def late_history(self) -> bool: ...
    @property
    def login(self) -> int | None: ...
    @property
    def account_kind(self) -> str: ...
    @property
    def auto_trading_off(self) -> bool: ...
    @property
    def api_trading_off(self) -> bool: ...


def switches(options: FaultOptions) -> dict[str, Any]:
    """Values for all switches of ``app.terminal.simulated.Faults``, by their names, as the settings want them."""
    return {
        "not_running": options.not_running,
        "offline": options.offline,
        "hang_s": options.hang_s,
        "slow_s": options.slow_s,
        "error_code": options.error_code,
        "stale_s": options.stale_s,
        "zero_prices": options.zero_prices,
        "missing": frozenset(options.missing),
        "late_history": options.late_history,
        "login": options.login,
        "trade_mode": _KINDS[options.account_kind],
        "auto_trading_off": options.auto_trading_off,
        "api_trading_off": options.api_trading_off,
    }
