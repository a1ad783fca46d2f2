"""What must hold around a strategy before it may have an idea, each with the reason; the unknown does not hold."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated.hours import Hours, is_open
from app.terminal.values import SessionStatus
from workers.calendar.values import Calendar
from workers.market.grade import GRADES
from workers.market.hours import ADVICE, hours_of
from workers.strategy.calendar_news import forbidden
from workers.wording import seconds

_DAY_S: Final = 86_400
#: ENUM_SYMBOL_TRADE_MODE, as far as it forbids an idea; 1 takes buys only, 2 sells only.
_CLOSED_MODES: Final = {
    0: "The broker has switched trading in {} off.",
    3: "The broker takes closing deals in {} only.",
}
_ONE_SIDED: Final = {1: ("long", "buys"), 2: ("short", "sells")}


@dataclass(frozen=True, slots=True)
class Gate:
    """One precondition: its name, whether it holds, and what was found; ``text`` is a sentence."""

    name: str
    holds: bool
    text: str


def connected(status: SessionStatus) -> Gate:
    """The terminal answers."""
    if not status.connected:
        return Gate("terminal", False, f"The terminal is not connected. {status.reason}".rstrip())
    where = "the simulated terminal" if status.simulated else status.server or "the terminal"
    return Gate("terminal", True, f"Connected to {where}.")


def market_open(
    symbol: str, trade_mode: int, side: str, now: datetime, quote_age_s: float | None, limit_s: float,
    own_hours: Callable[[], bool],
) -> Gate:  # fmt: skip
    """The broker takes orders in that direction, and the symbol trades now.

    The terminal does not tell sessions. They are those of the symbol's kind of market; a symbol of another kind, or one
    that is quoted outside of them, has those of its own bars. The timeframe of a strategy has no part in it: a bar of a
    week forms on Saturdays too.

    Args:
        trade_mode: As the specification has it.
        side: ``long`` or ``short``.
        quote_age_s: Age of the newest quote; None without one.
        limit_s: A quote up to so old moves.
        own_hours: Asked when it matters: whether the symbol trades at this time, by the hours of its own bars.
    """
    name = "market open"
    if trade_mode in _CLOSED_MODES:
        return Gate(name, False, _CLOSED_MODES[trade_mode].format(symbol))
    allowed, words = _ONE_SIDED.get(trade_mode, (side, ""))
    if allowed != side:
        return Gate(name, False, f"The broker takes {words} of {symbol} only.")
    hours = hours_of(symbol)
    moves = quote_age_s is not None and -limit_s <= quote_age_s <= limit_s
    if hours is not None and _within(hours, now):
        return Gate(name, True, f"{symbol} trades now.")
    if quote_age_s is None or not moves:
        why = "it is not quoted" if hours is None else "its market is closed"
        return Gate(name, False, f"{symbol} does not trade at this time: {why}.")
    if hours is not None and _within(hours, now - timedelta(seconds=max(quote_age_s, 0.0))):
        return Gate(name, False, f"{symbol} does not trade at this time: its market has just closed.")
    if not own_hours():
        return Gate(name, False, f"{symbol} does not trade at this time, by the hours of its own bars.")
    return Gate(name, True, f"{symbol} trades now, by the hours of its own bars.")


def _within(hours: Hours, moment: datetime) -> bool:
    return is_open(int(ServerTimeRule(hours.clock).to_server(moment)), hours)


def fresh_bar(bar_close: datetime, bar_seconds: int, now: datetime, *, is_open: bool) -> Gate:
    """The decided bar closed a short time ago; ``is_open``: by the hours of its kind, the market is open."""
    if old := stale_bar(bar_close, bar_seconds, now):
        why = f" although the market is open. {ADVICE}" if is_open else ": the market seems closed."
        return Gate("fresh bar", False, f"{old}{why}")
    return Gate("fresh bar", True, f"The last closed bar ended {bar_close:%Y-%m-%d %H:%M} UTC.")


def stale_bar(bar_close: datetime, bar_seconds: int, now: datetime) -> str:
    """Why no idea may rest on a bar that closed then, without a full stop; empty when it is recent enough.

    Fresh is up to two bars and five minutes after the close; from a day up, the weekend is allowed for too.
    """
    limit = 2 * bar_seconds + (2 * _DAY_S if bar_seconds >= _DAY_S else 300)
    age = now - bar_close
    if age <= timedelta(seconds=limit):
        return ""
    return f"The last closed bar ended {bar_close:%Y-%m-%d %H:%M} UTC, {seconds(age.total_seconds())} ago"


def moving_feed(symbol: str, age_s: float | None, limit_s: float, *, is_open: bool) -> Gate:
    """The newest quote is no older than ``limit_s`` while the market is open; ``age_s`` is None without a quote."""
    if age_s is None:
        return Gate("moving feed", False, f"The terminal has no quote of {symbol}.")
    if is_open and age_s > limit_s:
        text = f"The newest quote of {symbol} is {seconds(age_s)} old although its market is open. {ADVICE}"
        return Gate("moving feed", False, text)
    return Gate("moving feed", True, f"The newest quote of {symbol} is {seconds(max(age_s, 0.0))} old.")


def good_data(letter: str, least: str, about: str) -> Gate:
    """The bars are of a sufficient grade.

    Args:
        letter: Grade of the bars.
        least: The worst that will do.
        about: Which bars: ``EURUSD M5``.
    """
    holds = letter in GRADES and letter != "" and GRADES.index(letter) <= GRADES.index(least)
    text = f"The bars of {about} have grade {letter or 'unknown'}; {least} or better is asked for."
    return Gate("data grade", holds, text)


def no_news(
    calendar: Calendar | None,
    currencies: Collection[str],
    now: datetime,
    embargo_minutes: int,
    max_age: timedelta,
    *,
    made_up: bool,
    damage: str = "",
) -> Gate:
    """No news of high impact are near, by a calendar that can be relied on.

    A strategy whose ``news_embargo_minutes`` is 0 does not ask. Where all prices are made up and there never was a
    calendar, no news move them; replayed prices were moved by those of their time.

    Args:
        made_up: The market is simulated and nothing of it is replayed.
        damage: What of the stored calendar cannot be read: nobody knows what it said.
    """
    name = "news"
    if embargo_minutes <= 0:
        return Gate(name, True, "The strategy does not stay away from news.")
    if damage:
        return Gate(name, False, f"{damage} Nobody knows what news are due. Run the task Update economic calendar.")
    if calendar is None or not calendar.sources:
        if made_up:
            return Gate(name, True, "The market is made up and there is no economic calendar: no news count.")
        return Gate(
            name,
            False,
            "There is no economic calendar, so nobody knows what news are due. Run the task Update economic calendar "
            "(sources are under Settings, Calendar), or give the strategy news_embargo_minutes 0.",
        )
    found = forbidden(calendar, currencies, now, embargo_minutes, max_age)
    if found.blocked and found.event is None:
        return Gate(name, False, f"{found.reason} Run the task Update economic calendar.")
    if found.blocked:
        return Gate(name, False, f"News: {found.reason} The strategy stays away for {embargo_minutes} min.")
    about = ", ".join(sorted(currencies)) or "any currency"
    return Gate(name, True, f"No event of high impact for {about} is near.")
