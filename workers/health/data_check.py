"""The check of the collected bars: whether they keep up with a market that is open."""

from __future__ import annotations

from typing import Final

from app.errors import MetronomeError
from app.tasks import TaskContext
from app.terminal.values import TIMEFRAMES
from workers.health.finding import Facts, Finding, Verdict, not_judged, span
from workers.health.own_checks import process_start
from workers.market.bar_history import bars_file, last_stored
from workers.market.hours import market_open
from workers.wording import count, seconds

#: So many symbols of the watch list are looked at, and so many are named.
_LOOKED: Final = 20
_NAMED: Final = 3
#: A market that is open for so long, and for one bar, has new ones, however long the setting is.
_OPEN_S: Final = 4 * 3600.0
#: Weeks and months end at weekends.
_LONGEST_S: Final = 86_400


def bars(ctx: TaskContext, _facts: Facts) -> Finding:
    """How old the newest bars of the watch list are, those of the shortest timeframe, since they closed."""
    limit = ctx.settings.health.data_age_warn_s
    rule = (
        f"warning when the newest bar closed more than {span(limit)} and one bar ago while its market is open, once "
        "Metronome has run for so long"
    )
    market, now = ctx.settings.market, ctx.clock.now()
    frame = min(market.timeframes, key=lambda name: TIMEFRAMES[name].seconds, default="")
    if not frame or TIMEFRAMES[frame].seconds > _LONGEST_S:
        return not_judged("no timeframe up to D1 is collected", rule)
    bar_s = TIMEFRAMES[frame].seconds
    ages: dict[str, float] = {}
    for symbol in market.watch_list[:_LOOKED]:
        try:
            last = last_stored(bars_file(ctx.storage.paths.bars, symbol, frame))
        except MetronomeError:
            continue  # the collection tells of a damaged file
        if last is not None:
            ages[symbol] = max(0.0, (now - last).total_seconds() - bar_s)
    if not ages:
        return not_judged("not collected yet", rule)
    oldest = sorted(ages, key=lambda symbol: -ages[symbol])
    figures = {"bars_age_s": round(ages[oldest[0]], 3)}
    behind = [symbol for symbol in oldest if ages[symbol] > limit + bar_s]
    behind = [symbol for symbol in behind if market_open(symbol, now, min(limit, _OPEN_S) + bar_s)]
    told = ", ".join(f"{symbol} {seconds(ages[symbol])}" for symbol in (behind or oldest)[:_NAMED])
    if not behind:
        value = f"newest {frame} bars of {count(len(ages), 'symbol')}: {told} old"
        return Finding(Verdict.OK, value, rule, figures=figures)
    value = f"{frame} bars of {count(len(behind), 'symbol')} lag behind an open market: {told} old"
    if now.timestamp() - process_start() <= limit:
        return not_judged(f"{value}; Metronome began only just now", rule)
    advice = "See on the Tasks page why Collect market data does not run, or what it warns of."
    return Finding(Verdict.WARNING, value, rule, advice, figures)
