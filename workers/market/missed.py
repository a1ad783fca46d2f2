"""Bars between two moments, asked for until the terminal has no more of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from app.errors import Blocked, Cancelled, MetronomeError
from app.tasks import TaskContext
from app.terminal.values import TIMEFRAMES, Bars

#: An answer holds at most as many bars as the terminal shows in a chart (100,000 unless the user changed it).
_MOST_ANSWERS: Final = 20


def bars_between(ctx: TaskContext, broker_name: str, timeframe: str, since: datetime, until: datetime) -> list[Bars]:
    """The bars that opened from ``since`` to ``until``, in one or more pieces, the oldest first.

    An answer begins late when it was cut to the newest bars, or when the terminal had not loaded the older ones. What
    is before it is asked for again, until an answer brings nothing more. A failure of these further questions keeps
    what is there already: the care of the history tells what is missing.

    Raises:
        MetronomeError: the first question failed; Blocked and Cancelled also from the others.
    """
    found = [ctx.terminal.rates_range(broker_name, timeframe, since, until)]
    step = timedelta(seconds=TIMEFRAMES[timeframe].seconds)
    while len(found[-1]) and len(found) < _MOST_ANSWERS:
        first = datetime.fromtimestamp(int(found[-1].rates["time"].min()), UTC)
        if first - since < step or first - timedelta(seconds=1) < since:
            break
        ctx.check_cancelled()
        try:
            found.append(ctx.terminal.rates_range(broker_name, timeframe, since, first - timedelta(seconds=1)))
        except (Blocked, Cancelled):
            raise
        except MetronomeError as error:
            ctx.log.info("bars of %s %s before %s did not come: %s", broker_name, timeframe, first, error)
            break
    return [bars for bars in reversed(found) if len(bars)]
