"""The part of the MetaTrader5 module that Metronome uses, as a type.

The genuine package and the simulated terminal both satisfy it. Calling styles are the module's own: most
arguments are positional only, failures are ``None`` or ``False`` with the reason in ``last_error()``, which the next
call overwrites.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from app.terminal.values import Rates

Moment = datetime | int | float


class Struct(Protocol):
    """A struct of the module: a tuple with names, which cannot be pickled."""

    def _asdict(self) -> dict[str, Any]: ...


class TerminalModule(Protocol):
    """The module's functions. Thread: one thread only; the genuine one holds the GIL while it waits."""

    def initialize(
        self,
        path: str = ...,
        *,
        login: int = ...,
        password: str = ...,
        server: str = ...,
        timeout: int = ...,
        portable: bool = ...,
    ) -> bool:
        """Connect to a running terminal, or start one; ``timeout`` in ms does not bound the start."""

    def shutdown(self) -> bool:
        """Give up the connection; the terminal lives on."""

    def last_error(self) -> tuple[int, str]:
        """Code and text of the last call; (1, "Success") after a good one."""

    def version(self) -> tuple[int, int, str]:
        """Version, build and release date; (0, 0, "") without a connection."""

    def terminal_info(self) -> Struct | None:
        """State of the terminal program; None on error."""

    def account_info(self) -> Struct | None:
        """The account; None on error."""

    def symbols_total(self) -> int | None:
        """How many symbols there are; None on error."""

    def symbols_get(self, group: str = ...) -> tuple[Struct, ...] | None:
        """Specifications of all symbols, or of those that match ``group`` (``*USD*,!EUR*``); None on error."""

    def symbol_info(self, symbol: str, /) -> Struct | None:
        """Specification of one symbol; None when it does not exist."""

    def symbol_info_tick(self, symbol: str, /) -> Struct | None:
        """Its newest quote; None unless it is in the Market Watch."""

    def symbol_select(self, symbol: str, enable: bool = ..., /) -> bool:
        """Put a symbol into the Market Watch or take it out; False on error."""

    def copy_rates_from(self, symbol: str, timeframe: int, date_from: Moment, count: int, /) -> Rates | None:
        """The last ``count`` bars that opened at ``date_from`` or before, oldest first; None on error."""

    def copy_rates_from_pos(self, symbol: str, timeframe: int, start_pos: int, count: int, /) -> Rates | None:
        """``count`` bars back from position ``start_pos``, 0 being the newest, oldest first; None on error."""

    def copy_rates_range(self, symbol: str, timeframe: int, date_from: Moment, date_to: Moment, /) -> Rates | None:
        """The bars that opened from ``date_from`` to ``date_to``, oldest first; None on error."""
