"""The simulated terminal: an object with the surface of the MetaTrader5 module."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from app.clock import Clock
from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated import structs
from app.terminal.simulated.book_calls import BookCalls
from app.terminal.simulated.chart_calls import ChartCalls
from app.terminal.simulated.helper_calls import HelperCalls
from app.terminal.simulated.market import Market
from app.terminal.simulated.session_calls import SessionCalls
from app.terminal.simulated.trading import AccountSettings, Trading


class SimulatedTerminal(SessionCalls, ChartCalls, BookCalls, HelperCalls):
    """Everything that ``import MetaTrader5`` would give.

    Errors are the module's own: None or False, and ``last_error()``. Exceptions are those of the extension
    (TypeError, SystemError), and BadBarsFile when a file to replay cannot be used.

    Args:
        clock: The time at which the market stands.
        server_time: The clock of the server; a rule's name.
        seed: Of the generated symbols.
        replay: Bar files by symbol.
        suffix: Appended to every symbol name.
        rename: What the broker calls symbols (``GOLD`` for ``XAUUSD``), by their usual names.
        symbols: Fill up with shares until there are so many symbols.
        replay_clock: Clocks of those files by symbol, for files that do not tell theirs.
        account: What kind of account is traded on.

    Thread: like the module, for one thread; ``faults`` may be set from any.
    """

    # The package for which it stands in.
    __version__ = "5.0.6231"
    __author__ = "MetaQuotes Ltd."

    AccountInfo = structs.AccountInfo
    BookInfo = structs.BookInfo
    OrderCheckResult = structs.OrderCheckResult
    OrderSendResult = structs.OrderSendResult
    SymbolInfo = structs.SymbolInfo
    TerminalInfo = structs.TerminalInfo
    Tick = structs.Tick
    TradeDeal = structs.TradeDeal
    TradeOrder = structs.TradeOrder
    TradePosition = structs.TradePosition
    TradeRequest = structs.TradeRequest

    def __init__(
        self,
        clock: Clock,
        *,
        server_time: str = "auto",
        seed: int = 1,
        replay: Mapping[str, Path] | None = None,
        suffix: str = "",
        rename: Mapping[str, str] | None = None,
        symbols: int = 0,
        replay_clock: Mapping[str, str] | None = None,
        account: AccountSettings | None = None,
    ) -> None:
        market = Market(
            clock,
            ServerTimeRule(server_time),
            seed,
            replay or {},
            suffix=suffix,
            rename=rename,
            symbols=symbols,
            replay_clock=replay_clock,
        )
        super().__init__(market)
        self._trading = Trading(market, account, self._seen_s)
