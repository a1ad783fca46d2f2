"""The changing part of a symbol's specification: prices of the day and the value of a tick."""

from __future__ import annotations

from typing import Any

from app.terminal.simulated.market import Chart, Market
from app.terminal.simulated.symbols import Hours
from app.terminal.timeframes import DAY

_WEDNESDAY = 3
_ANY_EXPIRATION = 15
_FOK_AND_IOC = 3
_ANY_ORDER = 127
_FULL = 4
_MARKET_EXECUTION = 2
_SWAP_IN_POINTS = 1


def symbol_values(market: Market, chart: Chart, now_msc: int) -> dict[str, Any]:
    """The fields of ``SymbolInfo`` that are not empty, but for the name and its place in the Market Watch."""
    spec = chart.spec
    tick_value = spec.contract * spec.point * market.rate_to_usd(spec.profit, now_msc)
    values: dict[str, Any] = {
        "digits": spec.digits,
        "point": spec.point,
        "spread_float": True,
        "trade_calc_mode": spec.calc_mode,
        "trade_mode": _FULL,
        "trade_exemode": _MARKET_EXECUTION,
        "swap_mode": _SWAP_IN_POINTS,
        "swap_rollover3days": 5 if spec.hours is Hours.ALWAYS else _WEDNESDAY,
        "swap_long": spec.swap_long,
        "swap_short": spec.swap_short,
        "expiration_mode": _ANY_EXPIRATION,
        "filling_mode": _FOK_AND_IOC,
        "order_mode": _ANY_ORDER,
        "trade_tick_value": tick_value,
        "trade_tick_value_profit": tick_value,
        "trade_tick_value_loss": tick_value,
        "trade_tick_size": spec.point,
        "trade_contract_size": spec.contract,
        "volume_min": spec.volume_min,
        "volume_max": spec.volume_max,
        "volume_step": spec.volume_step,
        "margin_hedged": spec.contract,
        "currency_base": spec.base,
        "currency_profit": spec.profit,
        "currency_margin": spec.base,
        "description": spec.description,
        "path": f"{spec.group}\\{spec.name}",
    }
    return values | _prices(chart, now_msc)


def _prices(chart: Chart, now_msc: int) -> dict[str, Any]:
    present = chart.present(now_msc)
    if present is None:
        return {}
    spec = chart.spec
    spread = int(present.bar["spread"][0])
    ask = round(present.bid + spread * spec.point, spec.digits)
    values: dict[str, Any] = {"time": present.tick_msc // 1000, "spread": spread, "bid": present.bid, "ask": ask}
    if not chart.has(DAY):
        return values
    days = chart.before(DAY, now_msc // 1000, 2, now_msc)
    today, yesterday = days[-1], days[0]
    high, low, close = float(today["high"]), float(today["low"]), float(yesterday["close"])
    return values | {
        "bidhigh": high,
        "bidlow": low,
        "askhigh": round(high + spread * spec.point, spec.digits),
        "asklow": round(low + spread * spec.point, spec.digits),
        "session_open": float(today["open"]),
        "session_close": close,
        "price_change": round((present.bid / close - 1) * 100, 4) if len(days) == 2 else 0.0,
    }
