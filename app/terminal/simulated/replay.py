"""Replay of a bar file."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from app.terminal.bars_csv import read_bars
from app.terminal.server_time import ServerTimeRule
from app.terminal.values import Rates

log = logging.getLogger(__name__)


class ReplaySeries:
    """Bars from a file, in server time; all in memory, 60 bytes each.

    Rows that are no bars are left out, with a warning in the log; ``notes`` says so too.

    Args:
        path: A file that ``read_bars`` understands.
        rule: The server's clock, for files whose times are on a clock of their own.
        spread: What quotes are apart, in points, when the file does not say.

    Raises:
        BadBarsFile: The file cannot be used, or more than a fifth of its rows are no bars.
    """

    def __init__(self, path: Path, rule: ServerTimeRule, spread: int = 0) -> None:
        file = read_bars(path, leave_out=True)
        self.notes = file.notes
        for note in file.notes:
            log.warning("replay: %s", note)
        self.path = path
        self.seconds = file.seconds
        self.digits = file.digits
        self._rates = file.rates
        if file.clock:
            utc = ServerTimeRule(file.clock).times_to_utc(file.rates["time"])
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
