"""What of a symbol's specification is kept, and which changes of it matter to somebody who trades it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.runs import iso

Specification = Mapping[str, Any]

#: Fields of the module's SymbolInfo that are no quotes: what the broker lays down for the symbol.
_NUMBERS_AND_TEXTS: Final = (
    "description path basis category currency_base currency_profit currency_margin bank exchange formula isin page"
    " digits point spread spread_float ticks_bookdepth chart_mode custom select visible"
    " trade_calc_mode trade_mode trade_exemode trade_stops_level trade_freeze_level filling_mode order_mode"
    " order_gtc_mode expiration_mode trade_contract_size trade_tick_size trade_tick_value trade_tick_value_profit"
    " trade_tick_value_loss volume_min volume_max volume_step volume_limit swap_mode swap_long swap_short"
    " swap_rollover3days margin_initial margin_maintenance margin_hedged margin_hedged_use_leg"
    " trade_face_value trade_accrued_interest trade_liquidity_rate option_mode option_right option_strike"
).split()
_TIMES: Final = ("start_time", "expiration_time")
#: The fields of ``specification``, in order.
FIELDS: Final = ("name", *_NUMBERS_AND_TEXTS, *_TIMES)

#: What a change is called, by field; other fields change with the market or by the user's own hand.
_COMPARED: Final = {
    "spread_float": "kind of spread",
    "digits": "digits",
    "point": "point",
    "trade_contract_size": "contract size",
    "trade_tick_size": "tick size",
    "volume_min": "least volume",
    "volume_max": "greatest volume",
    "volume_step": "step of the volume",
    "volume_limit": "limit of the volume",
    "swap_mode": "unit of the swap",
    "swap_long": "swap long",
    "swap_short": "swap short",
    "swap_rollover3days": "day of the triple swap",
    "trade_mode": "permission to trade",
    "trade_calc_mode": "margin calculation",
    "trade_exemode": "execution",
    "trade_stops_level": "least distance of stops",
    "trade_freeze_level": "freeze distance",
    "filling_mode": "filling modes",
    "order_mode": "kinds of orders",
    "order_gtc_mode": "life of orders",
    "expiration_mode": "expiration modes",
    "margin_initial": "initial margin",
    "margin_maintenance": "maintenance margin",
    "margin_hedged": "hedged margin",
    "currency_base": "base currency",
    "currency_profit": "profit currency",
    "currency_margin": "margin currency",
    "chart_mode": "prices of the chart",
    "start_time": "first day",
    "expiration_time": "last day",
    "description": "description",
    "path": "group",
}
_TRADE_MODES: Final = ("no trading", "long only", "short only", "close only", "full")
_EXECUTIONS: Final = ("request", "instant", "market", "exchange")
_SWAP_MODES: Final = (
    "none", "points", "symbol currency", "margin currency", "deposit currency", "interest of the price",
    "interest of the opening price", "reopening at the close", "reopening at the bid",
)  # fmt: skip
_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "spread_float": ("fixed", "floating"),
    "trade_mode": _TRADE_MODES,
    "trade_exemode": _EXECUTIONS,
    "swap_mode": _SWAP_MODES,
    "swap_rollover3days": _DAYS,
    "chart_mode": ("bid", "last deal"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one symbol, before and now, as stored values."""

    symbol: str
    field: str
    before: Any
    now: Any

    def __str__(self) -> str:
        return (
            f"{_COMPARED.get(self.field, self.field)} {_word(self.field, self.before)} -> {_word(self.field, self.now)}"
        )

    def as_document(self) -> dict[str, Any]:
        """Plain values."""
        return {"symbol": self.symbol, "field": self.field, "before": self.before, "now": self.now}


def specification(struct: Mapping[str, Any], to_utc: Callable[[float], datetime]) -> dict[str, Any]:
    """What is kept of a symbol.

    Args:
        struct: The module's SymbolInfo as a dict.
        to_utc: Turns a stamp of the server into an aware UTC time.
    """
    kept = {"name": struct["name"]}
    for name in _NUMBERS_AND_TEXTS:
        value = struct[name]
        kept[name] = None if type(value) is float and not math.isfinite(value) else value
    for name in _TIMES:
        kept[name] = iso(to_utc(struct[name])) if struct[name] > 0 else None
    return kept


def sound(before: Specification, now: Specification | None) -> bool:
    """Whether a stored specification can be one: it has a name, and values of the kind that the present one has."""
    name = before.get("name")
    if not isinstance(name, str) or not name:
        return False
    for field, value in before.items():
        if isinstance(value, float) and not math.isfinite(value):
            return False
        kind = _kind(now.get(field)) if now is not None else None
        if value is not None and _kind(value) not in ((kind,) if kind else (int, str)):
            return False
    return True


def _kind(value: Any) -> type | None:
    if value is None:
        return None
    return int if isinstance(value, int | float) else str if isinstance(value, str) else object


def changes(before: Specification, now: Specification) -> list[Change]:
    """The fields that matter and differ. A field that was not stored before is no change."""
    symbol = str(now["name"])
    found = [
        Change(symbol, field, before[field], now[field])
        for field in _COMPARED
        if field in before and before[field] != now[field]
    ]
    fixed = now["spread_float"] is False and before.get("spread_float") is False
    if fixed and "spread" in before and before["spread"] != now["spread"]:
        found.append(Change(symbol, "spread", before["spread"], now["spread"]))
    return found


def _word(field: str, value: Any) -> str:
    words = _WORDS.get(field)
    if words is not None and isinstance(value, int) and 0 <= value < len(words):
        return words[value]
    if value is None or value == "":
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
