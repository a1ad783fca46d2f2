"""Structs like those of the genuine module: tuples with named, read-only fields that cannot be pickled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any, ClassVar, NoReturn


class ModuleStruct(tuple[Any, ...]):
    """Base of the structs. Built from one sequence with a value per field; equal to the plain tuple.

    Attributes:
        types: Of the fields; the genuine structs keep theirs to themselves.
    """

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()
    n_fields = 0
    n_sequence_fields = 0
    n_unnamed_fields = 0
    types: ClassVar[Mapping[str, type[Any]]] = {}

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
    """A struct from groups of fields of the same type: ``int: time; float: bid ask``."""
    types: dict[str, type[Any]] = {}
    for group in fields.split(";"):
        kind, _, names = group.partition(":")
        types.update(dict.fromkeys(names.split(), _KINDS[kind.strip()]))
    names_in_order = tuple(types)
    body: dict[str, Any] = {field: property(itemgetter(i)) for i, field in enumerate(names_in_order)}
    body.update(__slots__=(), __match_args__=names_in_order, __module__="builtins", types=types)
    body.update(n_fields=len(types), n_sequence_fields=len(types), n_unnamed_fields=0)
    return type(name, (ModuleStruct,), body)


def build(kind: type[ModuleStruct], values: Mapping[str, Any]) -> ModuleStruct:
    """A struct with ``values``, and the empty value of its type for every other field."""
    return kind(values[name] if name in values else empty() for name, empty in kind.types.items())


_KINDS: dict[str, type[Any]] = {"int": int, "float": float, "bool": bool, "str": str}

Tick = _struct("Tick", "int: time; float: bid ask last; int: volume time_msc flags; float: volume_real")

TerminalInfo = _struct(
    "TerminalInfo",
    "bool: community_account community_connection connected dlls_allowed trade_allowed tradeapi_disabled "
    "email_enabled ftp_enabled notifications_enabled mqid; int: build maxbars codepage ping_last; float: "
    "community_balance retransmission; str: company name language path data_path commondata_path",
)

AccountInfo = _struct(
    "AccountInfo",
    "int: login trade_mode leverage limit_orders margin_so_mode; bool: trade_allowed trade_expert; int: "
    "margin_mode currency_digits; bool: fifo_close; float: balance credit profit equity margin margin_free "
    "margin_level margin_so_call margin_so_so margin_initial margin_maintenance assets liabilities "
    "commission_blocked; str: name server currency company",
)

SymbolInfo = _struct(
    "SymbolInfo",
    "bool: custom; int: chart_mode; bool: select visible; int: session_deals session_buy_orders "
    "session_sell_orders volume volumehigh volumelow time digits spread; bool: spread_float; int: "
    "ticks_bookdepth trade_calc_mode trade_mode start_time expiration_time trade_stops_level "
    "trade_freeze_level trade_exemode swap_mode swap_rollover3days; bool: margin_hedged_use_leg; int: "
    "expiration_mode filling_mode order_mode order_gtc_mode option_mode option_right; float: bid bidhigh "
    "bidlow ask askhigh asklow last lasthigh lastlow volume_real volumehigh_real volumelow_real option_strike "
    "point trade_tick_value trade_tick_value_profit trade_tick_value_loss trade_tick_size trade_contract_size "
    "trade_accrued_interest trade_face_value trade_liquidity_rate volume_min volume_max volume_step "
    "volume_limit swap_long swap_short margin_initial margin_maintenance session_volume session_turnover "
    "session_interest session_buy_orders_volume session_sell_orders_volume session_open session_close "
    "session_aw session_price_settlement session_price_limit_min session_price_limit_max margin_hedged "
    "price_change price_volatility price_theoretical price_greeks_delta price_greeks_theta price_greeks_gamma "
    "price_greeks_vega price_greeks_rho price_greeks_omega price_sensitivity; str: basis category "
    "currency_base currency_profit currency_margin bank description exchange formula isin name page path",
)

BookInfo = _struct("BookInfo", "int: type; float: price; int: volume; float: volume_dbl")

TradeRequest = _struct(
    "TradeRequest",
    "int: action magic order; str: symbol; float: volume price stoplimit sl tp; int: deviation type "
    "type_filling type_time expiration; str: comment; int: position position_by",
)
# A result holds the request as such a struct.
_KINDS["TradeRequest"] = TradeRequest

TradePosition = _struct(
    "TradePosition",
    "int: ticket time time_msc time_update time_update_msc type magic identifier reason; float: volume "
    "price_open sl tp price_current swap profit; str: symbol comment external_id",
)

TradeOrder = _struct(
    "TradeOrder",
    "int: ticket time_setup time_setup_msc time_done time_done_msc time_expiration type type_time "
    "type_filling state magic position_id position_by_id reason; float: volume_initial volume_current "
    "price_open sl tp price_current price_stoplimit; str: symbol comment external_id",
)

TradeDeal = _struct(
    "TradeDeal",
    "int: ticket order time time_msc type entry magic position_id reason; float: volume price commission swap "
    "profit fee; str: symbol comment external_id",
)

OrderCheckResult = _struct(
    "OrderCheckResult",
    "int: retcode; float: balance equity profit margin margin_free margin_level; str: comment; TradeRequest: request",
)

OrderSendResult = _struct(
    "OrderSendResult",
    "int: retcode deal order; float: volume price bid ask; str: comment; int: request_id retcode_external; "
    "TradeRequest: request",
)
