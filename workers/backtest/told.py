"""What a test says of itself: what was tested and how, what a reader has to know, and why there are no trades."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from app.terminal.values import Rates
from workers.backtest.bars import History
from workers.backtest.model import Costs, Played, Terms, Trades
from workers.backtest.request import Request
from workers.backtest.signals import Signals
from workers.market.grade import GRADES, Grade
from workers.order import once
from workers.wording import count

#: Version of the rules of the simulation; results of different ones are not to be compared to the cent.
ENGINE_VERSION: Final = 2
#: A share of trades that may have ended either way without a word of warning; the count is always told.
_FEW_AMBIGUOUS: Final = 0.02
_BALANCE: Final = ", balance "


def warnings(request: Request, history: History, played: Played, grade: Grade) -> list[str]:
    """What a reader of the result has to know."""
    tally, found = played.tally, of_bars(request, history, grade)
    left = tally.ambiguous - tally.settled
    if left > _FEW_AMBIGUOUS * len(played.trades):
        found.append(
            f"{count(left, 'trade')} of {len(played.trades):,} ended in a bar that held the stop, and the "
            "target or the level of an open half: the stop was taken."
        )
    if tally.stop_outs:
        found.append(f"{count(tally.stop_outs, 'position')} were closed by the broker: the margin was used up.")
    if tally.no_money:
        found.append(f"{count(tally.no_money, 'entry', 'entries')} were left out: the free margin did not do.")
    if tally.no_volume:
        found.append(f"{count(tally.no_volume, 'entry', 'entries')} had no volume. {tally.no_volume_reason}")
    for name, many in _past_levels(played.trades).items():
        if many:
            level = name.removeprefix("filled_past_")
            found.append(
                f"{count(many, 'position')} filled at the {level} or beyond it, because the price had got there "
                "before the fill: a broker refuses such an order (invalid stops), or closes it at once."
            )
    if tally.no_partial:
        found.append(f"{count(tally.no_partial, 'position')} were too small to be closed by half.")
    return found


def of_bars(request: Request, history: History, grade: Grade) -> list[str]:
    """What a reader has to know of the bars and of the money, whatever was traded."""
    found = list(history.warnings)
    least = GRADES.index(request.least_grade)
    if GRADES.index(grade.letter) > least:
        found.append(f"The bars have grade {grade.letter} ({'; '.join(grade.reasons)}); the test was forced.")
    if not request.costs.ideal:
        if request.costs.spread_points is None and not history.rates["spread"].any():
            found.append("The bars have no spread, so that none was paid; spread= names one in points.")
        if request.costs.swap and (trouble := request.market.swap_trouble()):
            found.append(trouble)
    if request.market.converted:
        found.append(
            f"Profits were turned into {request.market.currency or 'the money of the account'} at the rate that "
            "the symbol's specification has now; those of the past are not known."
        )
    return found


def head(
    request: Request, history: History, terms: Terms, signals: Signals, played: Played, grade: Grade
) -> dict[str, Any]:
    return {
        **request.about,
        "engine": ENGINE_VERSION,
        "currency": request.market.currency,
        "bars": {
            "path": str(request.path) if request.path else "",
            "time_zone": request.asked.time_zone,
            "point": request.asked.point,
            **bars_head(history, terms, grade),
        },
        "terms": terms_of(terms),
        "costs": costs_of(request.costs),
        "counts": {
            "decided_bars": signals.decided,
            "entry_signals": played.tally.signals,
            "ambiguous": played.tally.ambiguous,
            "settled_by_minutes": played.tally.settled,
            "forbidden_by_news": signals.by_news,
            "below_min_rr": signals.waiting,
            "without_volume": played.tally.no_volume,
            "without_margin": played.tally.no_money,
            "stop_outs": played.tally.stop_outs,
            "not_halved": played.tally.no_partial,
            **_past_levels(played.trades),
        },
        "no_trades": "" if len(played.trades) else _why_none(signals, played, terms),
    }


def _past_levels(trades: Trades) -> dict[str, int]:
    """How many positions were filled where their stop or target was behind them already."""
    behind = {
        "filled_past_stop": trades.sign * (trades.entry - trades.stop) <= 0,
        "filled_past_target": trades.sign * (trades.target - trades.entry) <= 0,
    }
    return {name: len(once(trades.number[rows])) for name, rows in behind.items()}


def bars_head(history: History, terms: Terms, grade: Grade) -> dict[str, Any]:
    """What the bars are."""
    times = history.rates["time"]
    return {
        "source": history.source,
        "count": len(times),
        "first": iso(int(times[0])),
        "last": iso(int(times[-1])),
        "grade": grade.letter,
        "grade_reasons": list(grade.reasons),
        "left_out": history.left_out,
        "notes": list(history.notes),
        **bars_of(history.rates, terms),
    }


def bars_of(rates: Rates, terms: Terms) -> dict[str, str]:
    """Which bars they are, and which of them are tested."""
    return {
        "tested_from": iso(int(terms.start or 0)),
        "tested_until": iso(int(terms.end or 0)),
        "crc32": f"{zlib.crc32(rates.tobytes()):08x}",
    }


def terms_of(terms: Terms) -> dict[str, Any]:
    """How was traded."""
    names = ("deposit", "volume", "min_score", "warm_up", "leverage", "stop_out")
    return {name: getattr(terms, name) for name in names}


def costs_of(costs: Costs) -> dict[str, Any]:
    """What trading cost."""
    names = ("ideal", "spread_points", "commission", "slippage_points", "swap")
    return {name: getattr(costs, name) for name in names}


def so_far(positions: int, balance: float, currency: str) -> str:
    """What a test under way says of itself; ``balance_in`` takes the balance out of it again."""
    return f"{count(positions, 'position')}{_BALANCE}{balance:,.2f} {currency}"


def balance_in(text: str) -> float | None:
    """The balance in what a test under way says; None when it does not speak of one."""
    _before, found, rest = text.partition(_BALANCE)
    try:
        return float(rest.split(" ", 1)[0].replace(",", "")) if found else None
    except ValueError:
        return None


def key(head: Mapping[str, Any]) -> str:
    """Names a test: the same rule with the same profile on the same bars and terms has the same."""
    return trial_key(head, head["terms"], head["costs"], head["bars"])


def trial_key(about: Mapping[str, Any], terms: Any, costs: Any, bars: Mapping[str, Any]) -> str:
    """The same by its parts."""
    span = {name: bars[name] for name in ("crc32", "tested_from", "tested_until")}
    parts = [about["rule"], about["profile"], about["symbol"], about["timeframe"], terms, costs, span]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _why_none(signals: Signals, played: Played, terms: Terms) -> str:
    """Why a test has no trades."""
    tally = played.tally
    if not signals.decided:
        return "The conditions had a value on no bar: there are too few bars before the test begins."
    if tally.no_volume:
        return f"{count(tally.no_volume, 'entry', 'entries')} had no volume. {tally.no_volume_reason}"
    if tally.no_money:
        return f"The free margin allowed none of {count(tally.no_money, 'entry', 'entries')}."
    if signals.waiting:
        return f"The reward of {count(signals.waiting, 'entry', 'entries')} is below min_rr of the strategy."
    if signals.by_news:
        return f"News forbade all {count(signals.by_news, 'entry', 'entries')}."
    asked = "" if terms.min_score <= 0 else f" with a score of {terms.min_score:g} or more"
    return f"On none of {count(signals.decided, 'decided bar')} did the entry conditions hold{asked}."


def embargo(request: Request, terms: Terms) -> str:
    """How far the news embargo of the rule was not applied, after "it was"; empty when it was, or there is none.

    Live evaluation has no idea without a calendar that covers its time, so that signals near news are not among those
    of live ideas.
    """
    if request.strategy.strategy.news_embargo_minutes <= 0:
        return ""
    if request.news is None:
        return "not applied: no calendar was stored"
    first, last = request.news.first, request.news.last
    late, early = int(terms.start or 0) < first, int(terms.end or 0) > last
    if last <= int(terms.start or 0) or first >= int(terms.end or 0):
        return "not applied: the stored calendar does not reach into the test"
    span = (f" from {iso(first)[:10]} on" if late else "") + (f" until {iso(last)[:10]}" if early else "")
    return f"applied{span} only, as far as the stored calendar reaches" if span else ""


def price_of_costs(request: Request, price: float) -> dict[str, float]:
    """What a trade costs besides the spread, as a move of the price: commission of both sides, and slippage.

    Args:
        price: At which a lot is worth what it is.
    """
    worth = float(request.market.profit(1.0, 1.0, price))
    return {
        "commission": 2.0 * request.costs.commission / worth if worth > 0 else 0.0,
        "slippage": request.costs.slippage_points * request.market.grid.point,
    }


def iso(seconds: int) -> str:
    """An instant of epoch seconds as text."""
    return f"{np.datetime64(seconds, 's')}Z"
