"""The data tasks: quotes, calendar, news and import, each against its promises.

Servers with thousands of symbols are in ``symbols``.
"""

from __future__ import annotations

from benchmarks import data_calendar, data_import, data_news, data_quotes
from benchmarks.figures import Figure


def run() -> list[Figure]:
    """Measure all of them, one after the other."""
    return [*data_quotes.run(), *data_news.figures(), *data_calendar.calendar_figures(), *data_import.run()]
