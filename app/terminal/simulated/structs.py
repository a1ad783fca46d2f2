"""Structs like those of the genuine module: tuples with named, read-only fields that cannot be pickled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any, NoReturn


class ModuleStruct(tuple[Any, ...]):
    """Base of the structs. Built from one sequence with a value per field; equal to the plain tuple."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()
    n_fields = 0
    n_sequence_fields = 0
    n_unnamed_fields = 0

    def __new__(cls, values: Iterable[Any]) -> ModuleStruct:
        made = super().__new__(cls, values)
        if len(made) != cls.n_fields:
            msg = f"{cls.__name__}() takes a {cls.n_fields}-sequence ({len(made)}-sequence given)"
            raise TypeError(msg)
        return made

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self.__match_args__, self, strict=True))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._asdict().items())})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        msg = f"cannot pickle '{type(self).__name__}' object"
        raise TypeError(msg)


def _struct(name: str, fields: str) -> type[ModuleStruct]:
    names = tuple(fields.split())
    body: dict[str, Any] = {field: property(itemgetter(i)) for i, field in enumerate(names)}
    body.update(__slots__=(), __match_args__=names, __module__="builtins")
    body.update(n_fields=len(names), n_sequence_fields=len(names), n_unnamed_fields=0)
    return type(name, (ModuleStruct,), body)


def build(kind: type[ModuleStruct], values: Mapping[str, Any], types: Mapping[str, Any]) -> ModuleStruct:
    """A struct with ``values``, and the empty value of its type (from ``types``) for every other field."""
    return kind(values[name] if name in values else types.get(name, float)() for name in kind.__match_args__)


Tick = _struct("Tick", "time bid ask last volume time_msc flags volume_real")

TerminalInfo = _struct(
    "TerminalInfo",
    "community_account community_connection connected dlls_allowed trade_allowed tradeapi_disabled email_enabled"
    " ftp_enabled notifications_enabled mqid build maxbars codepage ping_last community_balance retransmission company"
    " name language path data_path commondata_path",
)

AccountInfo = _struct(
    "AccountInfo",
    "login trade_mode leverage limit_orders margin_so_mode trade_allowed trade_expert margin_mode currency_digits"
    " fifo_close balance credit profit equity margin margin_free margin_level margin_so_call margin_so_so"
    " margin_initial margin_maintenance assets liabilities commission_blocked name server currency company",
)

SymbolInfo = _struct(
    "SymbolInfo",
    "custom chart_mode select visible session_deals session_buy_orders session_sell_orders volume volumehigh volumelow"
    " time digits spread spread_float ticks_bookdepth trade_calc_mode trade_mode start_time expiration_time"
    " trade_stops_level trade_freeze_level trade_exemode swap_mode swap_rollover3days margin_hedged_use_leg"
    " expiration_mode filling_mode order_mode order_gtc_mode option_mode option_right bid bidhigh bidlow ask askhigh"
    " asklow last lasthigh lastlow volume_real volumehigh_real volumelow_real option_strike point trade_tick_value"
    " trade_tick_value_profit trade_tick_value_loss trade_tick_size trade_contract_size trade_accrued_interest"
    " trade_face_value trade_liquidity_rate volume_min volume_max volume_step volume_limit swap_long swap_short"
    " margin_initial margin_maintenance session_volume session_turnover session_interest session_buy_orders_volume"
    " session_sell_orders_volume session_open session_close session_aw session_price_settlement"
    " session_price_limit_min session_price_limit_max margin_hedged price_change price_volatility price_theoretical"
    " price_greeks_delta price_greeks_theta price_greeks_gamma price_greeks_vega price_greeks_rho price_greeks_omega"
    " price_sensitivity basis category currency_base currency_profit currency_margin bank description exchange formula"
    " isin name page path",
)

_INTEGERS = (
    "chart_mode session_deals session_buy_orders session_sell_orders volume volumehigh volumelow time digits spread"
    " ticks_bookdepth trade_calc_mode trade_mode start_time expiration_time trade_stops_level trade_freeze_level"
    " trade_exemode swap_mode swap_rollover3days expiration_mode filling_mode order_mode order_gtc_mode option_mode"
    " option_right"
)
_BOOLEANS = "custom select visible spread_float margin_hedged_use_leg"
_TEXTS = (
    "basis category currency_base currency_profit currency_margin bank description exchange formula isin name page path"
)
# Everything else in a SymbolInfo is a float.
SYMBOL_TYPES: dict[str, Any] = {
    **dict.fromkeys(_INTEGERS.split(), int),
    **dict.fromkeys(_BOOLEANS.split(), bool),
    **dict.fromkeys(_TEXTS.split(), str),
}

TradePosition = _struct(
    "TradePosition",
    "ticket time time_msc time_update time_update_msc type magic identifier reason volume price_open sl tp"
    " price_current swap profit symbol comment external_id",
)

TradeOrder = _struct(
    "TradeOrder",
    "ticket time_setup time_setup_msc time_done time_done_msc time_expiration type type_time type_filling state magic"
    " position_id position_by_id reason volume_initial volume_current price_open sl tp price_current price_stoplimit"
    " symbol comment external_id",
)

TradeDeal = _struct(
    "TradeDeal",
    "ticket order time time_msc type entry magic position_id reason volume price commission swap profit fee symbol"
    " comment external_id",
)

TradeRequest = _struct(
    "TradeRequest",
    "action magic order symbol volume price stoplimit sl tp deviation type type_filling type_time expiration comment"
    " position position_by",
)

OrderCheckResult = _struct(
    "OrderCheckResult", "retcode balance equity profit margin margin_free margin_level comment request"
)

OrderSendResult = _struct(
    "OrderSendResult",
    "retcode deal order volume price bid ask comment request_id retcode_external request",
)
