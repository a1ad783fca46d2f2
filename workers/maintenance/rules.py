"""Which files each task may touch. What no rule names is never touched.

Bar history, trade ideas with their evidence and chain, evaluations, health checks, backtests, imports, configuration,
the database and the files that the program has open lie outside of these folders or are named as kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """Files of one folder.

    Attributes:
        folder: Parts of its path from the home.
        names: The whole name of a file has to match.
        kept: Names that are never touched, in small letters: systems differ in whether case counts.
        below: Folders within count too.
        what: What such a file is called in a sentence.
    """

    folder: tuple[str, ...]
    names: re.Pattern[str]
    kept: frozenset[str]
    below: bool
    what: str

    def covers(self, name: str) -> bool:
        """Whether a file of this name may be touched."""
        return name.casefold() not in self.kept and self.names.fullmatch(name) is not None


#: This process writes to it.
_LIVE_LOG: Final = "metronome.log"

LOGS: Final = Rule(
    folder=("logs",),
    names=re.compile(r"(?!trades_)[^.].*\.log([.-].+)?", re.IGNORECASE | re.DOTALL),
    kept=frozenset({_LIVE_LOG}),
    below=False,
    what="log file",
)

#: Documents of which there is one each and which are brought up to date in place: news and calendar hold more than
#: their sources still tell.
_CURRENT: Final = frozenset(
    {
        "data_grades.json",
        "economic_calendar.json",
        "feed_states.json",
        "repaint_checks.json",
        "rss_news.json",
        "symbol_info.json",
    }
)

CACHE: Final = Rule(
    folder=("data", "cache"),
    names=re.compile(
        # The last records of other accounts are as current as that of the present one; their task bounds them.
        r"(?!symbol_info_.+\.json\Z)[^.].*\.(json|jsonl|csv|xml|html?|rss|tmp|cache|pkl|gz)(\.damaged-.+)?",
        re.IGNORECASE | re.DOTALL,
    ),
    kept=_CURRENT,
    below=True,
    what="cache file",
)

TRADES: Final = Rule(
    folder=("logs",),
    names=re.compile(r"trades_.+\.csv", re.IGNORECASE | re.DOTALL),
    kept=frozenset(),
    below=False,
    what="trade log",
)

#: What the optimisation looks through; the side files hold what is no row.
BARS: Final = Rule(
    folder=("data", "bars"),
    names=re.compile(r"[^.].*(?<!\.rejected)\.csv", re.IGNORECASE | re.DOTALL),
    kept=frozenset(),
    below=True,
    what="bar history",
)

TRADE_TABLES: Final = Rule(
    folder=("logs",),
    names=re.compile(r"trades_.+(?<!\.rejected)\.csv", re.IGNORECASE | re.DOTALL),
    kept=frozenset(),
    below=False,
    what="trade log",
)
