"""Bars of a larger timeframe out of stored ones, on the broker's clock as the terminal makes them."""

from __future__ import annotations

from typing import Final

from app.errors import UserAction
from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated.series import resample
from app.terminal.timeframes import timeframe
from app.terminal.values import Rates

_HOUR: Final = 3600


def larger(rates: Rates, source: str, target: str, rule: ServerTimeRule | None = None) -> Rates:
    """Bars of ``target`` made from bars of ``source``.

    Open of the first part, close of the last, extremes of all, sums of the volumes, the least spread: equal to the
    broker's own bars (held by a test on a year of EURUSD). The newest bar is as complete as its parts are.

    Args:
        rates: Records of ``RATES_DTYPE``, ascending; times in UTC when there is a rule, else on the broker's clock.
        rule: The broker's clock: days and four hours begin at its midnight, not at that of UTC.

    Raises:
        UserAction: the one timeframe does not divide the other.
    """
    part, whole = timeframe(source).seconds, timeframe(target).seconds
    if whole < part or whole % part:
        msg = f"{target} bars cannot be made from {source} bars."
        raise UserAction(msg, advice="Choose a timeframe that is a multiple of the stored one.")
    if whole == part or not len(rates):
        return rates
    if rule is None:
        return resample(rates, whole)
    moved = rates.copy()
    moved["time"] = rule.times_to_server(rates["time"])
    if whole <= _HOUR:
        # Clocks change by whole hours, so that one clock will do for all; that of the server repeats an hour.
        ahead = int(moved["time"][0] - rates["time"][0])
        moved["time"] = rates["time"] + ahead
        made = resample(moved, whole)
        made["time"] -= ahead
        return made
    made = resample(moved, whole)
    made["time"] = rule.times_to_utc(made["time"])
    return made
