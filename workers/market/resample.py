"""Bars of a larger timeframe out of stored ones, on the broker's clock as the terminal makes them."""

from __future__ import annotations

from app.errors import UserAction
from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated.series import resample
from app.terminal.timeframes import timeframe
from app.terminal.values import Rates


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
    moved = rates.copy()
    if rule is not None:
        moved["time"] = rule.times_to_server(rates["time"])
    made = resample(moved, whole)
    if rule is not None:
        made["time"] = rule.times_to_utc(made["time"])
    return made
