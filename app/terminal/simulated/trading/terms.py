"""The words of MetaTrader 5 with their values, and the texts that come with a trade retcode."""

from __future__ import annotations

from enum import IntEnum


class Action(IntEnum):
    """``TRADE_ACTION_*``."""

    DEAL = 1
    PENDING = 5
    SLTP = 6
    MODIFY = 7
    REMOVE = 8
    CLOSE_BY = 10


class OrderType(IntEnum):
    """``ORDER_TYPE_*``."""

    BUY = 0
    SELL = 1
    BUY_LIMIT = 2
    SELL_LIMIT = 3
    BUY_STOP = 4
    SELL_STOP = 5
    BUY_STOP_LIMIT = 6
    SELL_STOP_LIMIT = 7
    CLOSE_BY = 8

    @property
    def side(self) -> int:
        """0 for a buy, 1 for a sell."""
        return self.value % 2

    @property
    def is_limit(self) -> bool:
        return self in (OrderType.BUY_LIMIT, OrderType.SELL_LIMIT)

    @property
    def is_stop_limit(self) -> bool:
        return self in (OrderType.BUY_STOP_LIMIT, OrderType.SELL_STOP_LIMIT)

    @property
    def is_pending(self) -> bool:
        return OrderType.BUY_LIMIT <= self <= OrderType.SELL_STOP_LIMIT


class OrderState(IntEnum):
    """``ORDER_STATE_*``."""

    PLACED = 1
    CANCELED = 2
    PARTIAL = 3
    FILLED = 4
    REJECTED = 5
    EXPIRED = 6


class Filling(IntEnum):
    """``ORDER_FILLING_*``."""

    FOK = 0
    IOC = 1
    RETURN = 2
    BOC = 3


# The bits of SymbolInfo.filling_mode are others than the values above.
FILLING_BITS = {Filling.FOK: 1, Filling.IOC: 2, Filling.BOC: 4}


class TimeType(IntEnum):
    """``ORDER_TIME_*``; the bit of ``SymbolInfo.expiration_mode`` is ``1 << value``."""

    GTC = 0
    DAY = 1
    SPECIFIED = 2
    SPECIFIED_DAY = 3


class DealType(IntEnum):
    """``DEAL_TYPE_*``, as far as they occur here."""

    BUY = 0
    SELL = 1
    BALANCE = 2
    CREDIT = 3


class Entry(IntEnum):
    """``DEAL_ENTRY_*``."""

    IN = 0
    OUT = 1
    INOUT = 2
    OUT_BY = 3


class Reason(IntEnum):
    """``ORDER_REASON_*`` and ``DEAL_REASON_*``: the module's calls count as those of an expert."""

    CLIENT = 0
    EXPERT = 3
    SL = 4
    TP = 5
    SO = 6


class Calc(IntEnum):
    """``SYMBOL_CALC_MODE_*``, as far as they are known here."""

    FOREX = 0
    FUTURES = 1
    CFD = 2
    CFDINDEX = 3
    CFDLEVERAGE = 4
    FOREX_NO_LEVERAGE = 5
    EXCH_STOCKS = 32
    EXCH_FUTURES = 33


class TradeMode(IntEnum):
    """``SYMBOL_TRADE_MODE_*``."""

    DISABLED = 0
    LONGONLY = 1
    SHORTONLY = 2
    CLOSEONLY = 3
    FULL = 4


class Execution(IntEnum):
    """``SYMBOL_TRADE_EXECUTION_*``."""

    REQUEST = 0
    INSTANT = 1
    MARKET = 2
    EXCHANGE = 3


class SwapMode(IntEnum):
    """``SYMBOL_SWAP_MODE_*`` but for those that open the position anew, which no symbol here has."""

    DISABLED = 0
    POINTS = 1
    CURRENCY_SYMBOL = 2
    CURRENCY_MARGIN = 3
    CURRENCY_DEPOSIT = 4
    INTEREST_CURRENT = 5
    INTEREST_OPEN = 6


class Retcode(IntEnum):
    """``TRADE_RETCODE_*``, as far as this server gives them; ``CHECKED`` is that of a good ``order_check``."""

    CHECKED = 0
    REQUOTE = 10004
    REJECT = 10006
    PLACED = 10008
    DONE = 10009
    DONE_PARTIAL = 10010
    INVALID = 10013
    INVALID_VOLUME = 10014
    INVALID_PRICE = 10015
    INVALID_STOPS = 10016
    TRADE_DISABLED = 10017
    MARKET_CLOSED = 10018
    NO_MONEY = 10019
    PRICE_OFF = 10021
    INVALID_EXPIRATION = 10022
    NO_CHANGES = 10025
    CLIENT_DISABLES_AT = 10027
    FROZEN = 10029
    INVALID_FILL = 10030
    CONNECTION = 10031
    LIMIT_ORDERS = 10033
    LIMIT_VOLUME = 10034
    INVALID_ORDER = 10035
    POSITION_CLOSED = 10036
    INVALID_CLOSE_VOLUME = 10038
    LONG_ONLY = 10042
    SHORT_ONLY = 10043
    CLOSE_ONLY = 10044

    @property
    def good(self) -> bool:
        """The request was carried out, at least in part."""
        return self in (Retcode.CHECKED, Retcode.PLACED, Retcode.DONE, Retcode.DONE_PARTIAL)

    @property
    def text(self) -> str:
        """What the result's comment says."""
        return _TEXTS[self]


_TEXTS = {
    Retcode.CHECKED: "Done",
    Retcode.REQUOTE: "Requote",
    Retcode.REJECT: "Request rejected",
    Retcode.PLACED: "Request placed",
    Retcode.DONE: "Request executed",
    Retcode.DONE_PARTIAL: "Request executed partially",
    Retcode.INVALID: "Invalid request",
    Retcode.INVALID_VOLUME: "Invalid volume",
    Retcode.INVALID_PRICE: "Invalid price",
    Retcode.INVALID_STOPS: "Invalid stops",
    Retcode.TRADE_DISABLED: "Trade disabled",
    Retcode.MARKET_CLOSED: "Market closed",
    Retcode.NO_MONEY: "No money",
    Retcode.PRICE_OFF: "No prices",
    Retcode.INVALID_EXPIRATION: "Invalid expiration",
    Retcode.NO_CHANGES: "No changes",
    Retcode.CLIENT_DISABLES_AT: "AutoTrading disabled by client",
    Retcode.FROZEN: "Order or position frozen",
    Retcode.INVALID_FILL: "Unsupported filling mode",
    Retcode.CONNECTION: "No connection",
    Retcode.LIMIT_ORDERS: "Orders limit reached",
    Retcode.LIMIT_VOLUME: "Volume limit reached",
    Retcode.INVALID_ORDER: "Invalid order",
    Retcode.POSITION_CLOSED: "Position doesn't exist",
    Retcode.INVALID_CLOSE_VOLUME: "Invalid close volume",
    Retcode.LONG_ONLY: "Long only",
    Retcode.SHORT_ONLY: "Short only",
    Retcode.CLOSE_ONLY: "Close only",
}
