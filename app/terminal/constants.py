"""The constants of the MetaTrader5 module that Metronome uses, with the values of the genuine package.

The simulated terminal inherits them, so that code written against the module finds them by their names.
"""

from __future__ import annotations

from typing import Final


class ModuleConstants:
    """Integers that the module offers as attributes.

    Kinds of orders, positions and deals belong to the trading functions, which nothing here calls.
    """

    # Timeframes.
    TIMEFRAME_M1: Final = 1
    TIMEFRAME_M2: Final = 2
    TIMEFRAME_M3: Final = 3
    TIMEFRAME_M4: Final = 4
    TIMEFRAME_M5: Final = 5
    TIMEFRAME_M6: Final = 6
    TIMEFRAME_M10: Final = 10
    TIMEFRAME_M12: Final = 12
    TIMEFRAME_M15: Final = 15
    TIMEFRAME_M20: Final = 20
    TIMEFRAME_M30: Final = 30
    TIMEFRAME_H1: Final = 16385
    TIMEFRAME_H2: Final = 16386
    TIMEFRAME_H4: Final = 16388
    TIMEFRAME_H3: Final = 16387
    TIMEFRAME_H6: Final = 16390
    TIMEFRAME_H8: Final = 16392
    TIMEFRAME_H12: Final = 16396
    TIMEFRAME_D1: Final = 16408
    TIMEFRAME_W1: Final = 32769
    TIMEFRAME_MN1: Final = 49153

    # Which ticks to copy.
    COPY_TICKS_ALL: Final = -1
    COPY_TICKS_INFO: Final = 1
    COPY_TICKS_TRADE: Final = 2

    # What changed in a tick.
    TICK_FLAG_BID: Final = 2
    TICK_FLAG_ASK: Final = 4
    TICK_FLAG_LAST: Final = 8
    TICK_FLAG_VOLUME: Final = 16
    TICK_FLAG_BUY: Final = 32
    TICK_FLAG_SELL: Final = 64

    # Accounts.
    ACCOUNT_TRADE_MODE_DEMO: Final = 0
    ACCOUNT_TRADE_MODE_CONTEST: Final = 1
    ACCOUNT_TRADE_MODE_REAL: Final = 2
    ACCOUNT_STOPOUT_MODE_PERCENT: Final = 0
    ACCOUNT_STOPOUT_MODE_MONEY: Final = 1
    ACCOUNT_MARGIN_MODE_RETAIL_NETTING: Final = 0
    ACCOUNT_MARGIN_MODE_EXCHANGE: Final = 1
    ACCOUNT_MARGIN_MODE_RETAIL_HEDGING: Final = 2

    # Symbols.
    SYMBOL_CHART_MODE_BID: Final = 0
    SYMBOL_CHART_MODE_LAST: Final = 1
    SYMBOL_CALC_MODE_FOREX: Final = 0
    SYMBOL_CALC_MODE_FUTURES: Final = 1
    SYMBOL_CALC_MODE_CFD: Final = 2
    SYMBOL_CALC_MODE_CFDINDEX: Final = 3
    SYMBOL_CALC_MODE_CFDLEVERAGE: Final = 4
    SYMBOL_CALC_MODE_FOREX_NO_LEVERAGE: Final = 5
    SYMBOL_CALC_MODE_EXCH_STOCKS: Final = 32
    SYMBOL_CALC_MODE_EXCH_FUTURES: Final = 33
    SYMBOL_CALC_MODE_EXCH_OPTIONS: Final = 34
    SYMBOL_CALC_MODE_EXCH_OPTIONS_MARGIN: Final = 36
    SYMBOL_CALC_MODE_EXCH_BONDS: Final = 37
    SYMBOL_CALC_MODE_EXCH_STOCKS_MOEX: Final = 38
    SYMBOL_CALC_MODE_EXCH_BONDS_MOEX: Final = 39
    SYMBOL_CALC_MODE_SERV_COLLATERAL: Final = 64
    SYMBOL_TRADE_MODE_DISABLED: Final = 0
    SYMBOL_TRADE_MODE_LONGONLY: Final = 1
    SYMBOL_TRADE_MODE_SHORTONLY: Final = 2
    SYMBOL_TRADE_MODE_CLOSEONLY: Final = 3
    SYMBOL_TRADE_MODE_FULL: Final = 4
    SYMBOL_TRADE_EXECUTION_REQUEST: Final = 0
    SYMBOL_TRADE_EXECUTION_INSTANT: Final = 1
    SYMBOL_TRADE_EXECUTION_MARKET: Final = 2
    SYMBOL_TRADE_EXECUTION_EXCHANGE: Final = 3
    SYMBOL_SWAP_MODE_DISABLED: Final = 0
    SYMBOL_SWAP_MODE_POINTS: Final = 1
    SYMBOL_SWAP_MODE_CURRENCY_SYMBOL: Final = 2
    SYMBOL_SWAP_MODE_CURRENCY_MARGIN: Final = 3
    SYMBOL_SWAP_MODE_CURRENCY_DEPOSIT: Final = 4
    SYMBOL_SWAP_MODE_INTEREST_CURRENT: Final = 5
    SYMBOL_SWAP_MODE_INTEREST_OPEN: Final = 6
    SYMBOL_SWAP_MODE_REOPEN_CURRENT: Final = 7
    SYMBOL_SWAP_MODE_REOPEN_BID: Final = 8
    SYMBOL_ORDERS_GTC: Final = 0
    SYMBOL_ORDERS_DAILY: Final = 1
    SYMBOL_ORDERS_DAILY_NO_STOPS: Final = 2
    SYMBOL_OPTION_RIGHT_CALL: Final = 0
    SYMBOL_OPTION_RIGHT_PUT: Final = 1
    SYMBOL_OPTION_MODE_EUROPEAN: Final = 0
    SYMBOL_OPTION_MODE_AMERICAN: Final = 1

    # Days.
    DAY_OF_WEEK_SUNDAY: Final = 0
    DAY_OF_WEEK_MONDAY: Final = 1
    DAY_OF_WEEK_TUESDAY: Final = 2
    DAY_OF_WEEK_WEDNESDAY: Final = 3
    DAY_OF_WEEK_THURSDAY: Final = 4
    DAY_OF_WEEK_FRIDAY: Final = 5
    DAY_OF_WEEK_SATURDAY: Final = 6

    # Codes of last_error().
    RES_S_OK: Final = 1
    RES_E_FAIL: Final = -1
    RES_E_INVALID_PARAMS: Final = -2
    RES_E_NO_MEMORY: Final = -3
    RES_E_NOT_FOUND: Final = -4
    RES_E_INVALID_VERSION: Final = -5
    RES_E_AUTH_FAILED: Final = -6
    RES_E_UNSUPPORTED: Final = -7
    RES_E_AUTO_TRADING_DISABLED: Final = -8
    RES_E_INTERNAL_FAIL: Final = -10000
    RES_E_INTERNAL_FAIL_SEND: Final = -10001
    RES_E_INTERNAL_FAIL_RECEIVE: Final = -10002
    RES_E_INTERNAL_FAIL_INIT: Final = -10003
    RES_E_INTERNAL_FAIL_CONNECT: Final = -10004
    RES_E_INTERNAL_FAIL_TIMEOUT: Final = -10005
