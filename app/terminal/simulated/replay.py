"""Replay of a bar file."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from app.errors import UserAction
from app.terminal.bars_csv import BarFile, read_bars
from app.terminal.server_time import ServerTimeRule
from app.terminal.values import Rates
from app.terminal.weekend_clock import clock_of

log = logging.getLogger(__name__)

# Of what is known here, nothing has ever cost so many times what it costs now.
_FAR = 20.0


class ReplaySeries:
    """Bars from a file, in server time; all in memory, 60 bytes each.

    Rows that are no bars are left out, with a warning in the log; ``notes`` says so too.

    Args:
        path: A file that ``read_bars`` understands.
        rule: The server's clock. Files whose times are on another one are moved to it.
        spread: What quotes are apart, in points, when the file does not say.
        clock: The clock of the file, by the name of a rule; empty: what the file or its weekends tell, else the
            server's.
        usual: A usual price of the symbol, 0 when it is not known; a file far from it is told of.

    Raises:
        BadBarsFile: The file cannot be used, or more than a fifth of its rows are no bars.
    """

    def __init__(
        self, path: Path, rule: ServerTimeRule, spread: int = 0, *, clock: str = "", usual: float = 0.0
    ) -> None:
        file = read_bars(path, leave_out=True)
        own, why = file_clock(file, rule, clock)
        odd = _odd_prices(file, usual)
        for note in (*file.notes, *odd):
            log.warning("replay: %s", note)
        log.info("replay: %s", why)
        self.notes = (*file.notes, *odd, why)
        self.path = path
        self.seconds = file.seconds
        self.digits = file.digits
        self._rates = file.rates
        if own.name != rule.name:
            utc = own.times_to_utc(file.rates["time"])
            self._rates["time"] = rule.times_to_server(utc)
            # Of the hour that the server's clock repeats in autumn, only the first is kept.
            self._rates = self._rates[rule.times_to_utc(self._rates["time"]) == utc]
        if not self._rates["spread"].any():
            self._rates["spread"] = spread
        self._times = np.ascontiguousarray(self._rates["time"])
        self.first = int(self._times[0])
        self.last = int(self._times[-1])

    def window(self, start: int, end: int) -> Rates:
        low, high = np.searchsorted(self._times, (start, end))
        return self._rates[low:high]

    def newest(self, moment: int) -> Rates:
        after = int(np.searchsorted(self._times, moment, side="right"))
        return self._rates[max(0, after - 1) : after]


def file_clock(file: BarFile, server: ServerTimeRule, given: str = "") -> tuple[ServerTimeRule, str]:
    """The clock of a file's times, and a sentence that says which was taken and why.

    Raises:
        UserAction: ``given`` is no rule.
    """
    name = file.path.name
    if given:
        try:
            rule = ServerTimeRule(given)
        except UserAction as error:
            msg = f"The clock {given!r} of {name} (terminal.simulated.replay_clock) is neither a rule nor a time zone."
            raise UserAction(msg, advice=error.advice) from error
        return rule, f"The times of {name} are on {given}, as terminal.simulated.replay_clock says."
    if file.clock:
        return ServerTimeRule(file.clock), f"The times of {name} are on {file.clock}, as its format tells."
    found, why = clock_of(file.rates["time"], file.seconds, first=server.name)
    if found is None:
        return server, f"The times of {name} are taken for the server's ({server.name}), since {why}."
    return found, f"The times of {name} are on {found.name}, {why}."


def _odd_prices(file: BarFile, usual: float) -> tuple[str, ...]:
    """What is to be said of prices that are far above those of the symbol: points, most likely."""
    price = float(np.median(file.rates["close"]))
    if usual <= 0 or price < _FAR * usual:
        return ()
    return (
        f"The prices of {file.path.name} are about {price:,.10g}, where the symbol usually stands near {usual:,.5g}: "
        "they may be points, not prices. They are replayed as they are; divide the file by the points in a price.",
    )
