"""``Buy``, ``Sell`` and ``Close``: the three functions of the package that are written in Python themselves."""

from __future__ import annotations

from typing import Any, Literal

from app.terminal.simulated import structs
from app.terminal.simulated.trading_calls import TradingCalls

_DEVIATION = 10  # points
_TRIES = 10


class HelperCalls(TradingCalls):
    """Shortcuts over the other functions. They fail as the package's do, with AttributeError or TypeError too."""

    def Buy(
        self, symbol: str, volume: float, price: float | None = None, *, comment: str | None = None,
        ticket: int | None = None,
    ) -> structs.ModuleStruct | None:  # fmt: skip
        """Buy at the market, or close the short position ``ticket``.

        Raises:
            AttributeError: No price is given and there is no quote.
        """
        return self._deal(self.ORDER_TYPE_BUY, symbol, volume, price, comment, ticket)

    def Sell(
        self, symbol: str, volume: float, price: float | None = None, *, comment: str | None = None,
        ticket: int | None = None,
    ) -> structs.ModuleStruct | None:  # fmt: skip
        """Sell at the market, or close the long position ``ticket``.

        Raises:
            AttributeError: No price is given and there is no quote.
        """
        return self._deal(self.ORDER_TYPE_SELL, symbol, volume, price, comment, ticket)

    def Close(
        self, symbol: str, *, comment: str | None = None, ticket: int | None = None
    ) -> bool | Literal["Partially"] | None:
        """Close the position ``ticket``, or all of a symbol.

        Returns:
            True when all are closed, ``"Partially"`` when some are, False when none is; None when a call fails.

        Raises:
            TypeError: The positions cannot be had.
        """
        found: Any = self.positions_get(symbol=symbol) if ticket is None else self.positions_get(ticket=ticket)
        tried = done = 0
        for position in found:
            tried += 1
            closed = self._close(position, comment)
            if closed is None:
                return None
            done += closed
        if done:
            return True if done == tried else "Partially"
        return False

    def _close(self, position: Any, comment: str | None) -> bool | None:
        trade = self.Sell if position.type == self.POSITION_TYPE_BUY else self.Buy
        for _ in range(_TRIES):
            if self.symbol_info_tick(position.symbol) is None:
                return None
            result: Any = trade(position.symbol, position.volume, comment=comment, ticket=position.ticket)
            if result is None:
                return None
            if result.retcode not in (self.TRADE_RETCODE_REQUOTE, self.TRADE_RETCODE_PRICE_OFF):
                return bool(result.retcode == self.TRADE_RETCODE_DONE)
        return False

    def _deal(
        self, kind: int, symbol: str, volume: float, price: float | None, comment: str | None, ticket: int | None
    ) -> structs.ModuleStruct | None:
        if price is None:
            tick: Any = self.symbol_info_tick(symbol)
            price = tick.ask if kind == self.ORDER_TYPE_BUY else tick.bid
        request: dict[str, Any] = {
            "action": self.TRADE_ACTION_DEAL,
            "symbol": symbol,
            "volume": volume,
            "type": kind,
            "price": price,
            "deviation": _DEVIATION,
        }
        if comment is not None:
            request["comment"] = comment
        if ticket is not None:
            request["position"] = ticket
        return self.order_send(request)
