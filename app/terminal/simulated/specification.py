"""``SymbolInfo`` of a symbol: its specification, prices of the day and the value of a tick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.terminal.simulated import structs
from app.terminal.simulated.chart import Chart, Day
from app.terminal.simulated.symbols import Spec

_FIELDS = structs.SymbolInfo.__match_args__
_PLACE = {name: place for place, name in enumerate(_FIELDS)}
_CHANGING = (
    "select", "visible", "time", "spread", "bid", "ask", "bidhigh", "bidlow", "askhigh", "asklow", "session_open",
    "session_close", "price_change", "trade_tick_value", "trade_tick_value_profit", "trade_tick_value_loss",
)  # fmt: skip
_PLACES = tuple(_PLACE[name] for name in _CHANGING)
# Made once: thousands of symbols share them.
_EMPTY: Mapping[str, Any] = {name: empty() for name, empty in structs.SymbolInfo.types.items()}


def template(spec: Spec) -> list[Any]:
    """The values of all fields, those that change still empty."""
    values: dict[str, Any] = {
        "name": spec.name,
        "description": spec.description,
        "path": f"{spec.group}\\{spec.name}",
        "digits": spec.digits,
        "point": spec.point,
        "spread_float": True,
        "ticks_bookdepth": spec.book_depth,
        "trade_calc_mode": spec.calc_mode,
        "trade_mode": spec.trade_mode,
        "trade_exemode": spec.execution,
        "trade_stops_level": spec.stops_level,
        "trade_freeze_level": spec.freeze_level,
        "swap_mode": spec.swap_mode,
        "swap_rollover3days": spec.swap_rollover3days,
        "swap_long": spec.swap_long,
        "swap_short": spec.swap_short,
        "expiration_mode": spec.expiration_mode,
        "filling_mode": spec.filling_mode,
        "order_mode": spec.order_mode,
        "trade_tick_size": spec.tick_size,
        "trade_contract_size": spec.contract,
        "volume_min": spec.volume_min,
        "volume_max": spec.volume_max,
        "volume_step": spec.volume_step,
        "volume_limit": spec.volume_limit,
        "margin_initial": spec.margin_initial,
        "margin_hedged": spec.margin_hedged,
        "currency_base": spec.base,
        "currency_profit": spec.profit,
        "currency_margin": spec.margin_currency,
    }
    return [values.get(name, empty) for name, empty in _EMPTY.items()]


def symbol_struct(
    blank: list[Any], chart: Chart, now_msc: int, *, shown: bool, priced: bool, rate: Callable[[str], float]
) -> structs.ModuleStruct:
    """The struct of a symbol.

    Args:
        blank: Its ``template``.
        shown: It is in the Market Watch.
        priced: Quotes have prices.
        rate: The worth of a currency in that of the account.
    """
    spec = chart.spec
    values = blank.copy()
    tick_value = spec.contract * spec.point * rate(spec.profit)
    present = chart.present(now_msc) if priced else None
    if present is None:
        changing: tuple[Any, ...] = (shown, shown, 0, 0, *[0.0] * 9, tick_value, tick_value, tick_value)
    else:
        day = chart.day(now_msc)
        changing = (
            shown, shown, present.time_msc // 1000, present.spread, present.bid, present.ask,
            *(_of_the_day(spec, day, present.bid, present.spread) if day else [0.0] * 7),
            tick_value, tick_value, tick_value,
        )  # fmt: skip
    for place, value in zip(_PLACES, changing, strict=True):
        values[place] = value
    return structs.SymbolInfo(values)


def _of_the_day(spec: Spec, day: Day, bid: float, spread: int) -> tuple[float, ...]:
    above = spread * spec.point
    close = day.close_before
    return (
        day.high,
        day.low,
        round(day.high + above, spec.digits),
        round(day.low + above, spec.digits),
        day.opened,
        close,
        round((bid / close - 1) * 100, 4) if close else 0.0,
    )
