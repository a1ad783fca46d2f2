"""The layouts that are known, each recognised by its content: names of columns and keys, never the name of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from workers.calendar.rows import Table
from workers.calendar.vocabulary import key_of


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind of document is recognised, and what its publisher says about its times.

    Attributes:
        title: What a user calls it.
        kind: json, xml or csv.
        needs: Names that all have to be there, as ``key_of`` gives them.
        only: Names beyond which there may be none; empty: any.
        shape: The root element or the key that holds the events; empty: any.
        zone: The zone of its times; empty: the layout does not fix it.
        why: How that zone is known.
        date_order: For dates such as 03/04/2025; empty: the layout does not fix it.
        week: It always holds one whole week, Sunday to Saturday in New York.
        empty: It writes an empty text where there is no value, so that null is damage.
        above: A row without a time has that of the row above it, as the page that it was taken from shows it.
    """

    id: str
    title: str
    provider: str
    kind: str
    needs: frozenset[str]
    only: frozenset[str] = frozenset()
    shape: str = ""
    zone: str = ""
    why: str = ""
    date_order: str = ""
    week: bool = False
    empty: bool = False
    above: bool = False

    def fits(self, table: Table, names: frozenset[str]) -> bool:
        """Whether a document with these names is of this layout."""
        if self.kind != table.kind or not self.needs <= names or (self.only and names - self.only):
            return False
        return not self.shape or self.shape == table.shape.lower()


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_WEEKLY: Final = "title country date impact forecast previous"
_GMT: Final = "Forex Factory's weekly XML and CSV give times in GMT"
_FMP: Final = "Financial Modeling Prep gives times in UTC"

LAYOUTS: Final = (
    Layout("ff_weekly_json", "Forex Factory weekly JSON", "forexfactory", "json", _set(_WEEKLY),
           _set(_WEEKLY + " url actual"), week=True, empty=True),
    Layout("ff_weekly_xml", "Forex Factory weekly XML", "forexfactory", "xml", _set(_WEEKLY + " time"),
           shape="weeklyevents", zone="UTC", why=_GMT, date_order="month_first", week=True),
    Layout("ff_monthly_xml", "Forex Factory monthly XML", "forexfactory", "xml", _set("title date time impact"),
           shape="monthlyevents", date_order="month_first"),
    Layout("ff_weekly_csv", "Forex Factory weekly CSV", "forexfactory", "csv", _set(_WEEKLY + " time"),
           _set(_WEEKLY + " time url"), zone="UTC", why=_GMT, date_order="month_first", week=True),
    Layout("ff_page_csv", "Forex Factory page, scraped to CSV", "forexfactory", "csv",
           _set("year day time impact cur text"), above=True),
    Layout("ff_page_json", "Forex Factory page, scraped to JSON", "forexfactory", "json",
           _set("date time country impact title ts"), empty=True, above=True),
    Layout("ff_page_state", "Forex Factory page state", "forexfactory", "json", _set("ebaseid name dateline currency")),
    Layout("ff_page_state", "Forex Factory page state", "forexfactory", "json", _set("name dateline impactname")),
    Layout("investing_csv", "Investing.com, scraped to CSV", "investing", "csv",
           _set("day time currency impact event eventlink")),
    Layout("investing_page", "Investing.com table, pasted", "investing", "csv", _set("time cur imp event")),
    Layout("fxstreet_csv", "FXStreet CSV", "fxstreet", "csv", _set("id start name impact currency"),
           zone="UTC", why="FXStreet exports times in GMT unless another zone is set on its page",
           date_order="month_first"),
    Layout("fxstreet_json", "FXStreet JSON", "fxstreet", "json", _set("eventid dateutc name volatility"),
           zone="UTC", why="its times are named dateUtc"),
    Layout("fmp_json", "FMP JSON", "fmp", "json", _set("date country event currency previous estimate actual change"),
           zone="UTC", why=_FMP),
    Layout("fmp_csv", "FMP CSV", "fmp", "csv", _set("date country event currency previous estimate actual change"),
           zone="UTC", why=_FMP),
    Layout("finnhub_json", "Finnhub JSON", "finnhub", "json", _set("country event impact time"),
           shape="economiccalendar", zone="UTC", why="Finnhub's interface gives times in UTC"),
)  # fmt: skip

_LINK: Final = re.compile(r"investing\.com|forexfactory\.com|fxstreet\.com")
_PROVIDERS: Final = {"investing.com": "investing", "forexfactory.com": "forexfactory", "fxstreet.com": "fxstreet"}
_TITLES: Final = {"investing": "Investing.com", "forexfactory": "Forex Factory", "fxstreet": "FXStreet"}
_KINDS: Final = {"csv": "table", "json": "JSON", "xml": "XML"}


def recognise(table: Table, text: str) -> Layout:
    """The layout of a document; a table of no known layout is called so, and read by the names of its columns."""
    names = frozenset(key_of(name) for name in table.columns)
    for layout in LAYOUTS:
        if layout.fits(table, names):
            return layout
    links = {found for found in _LINK.findall(text[:200_000])}
    if table.shape == "no head" and not links:
        return Layout("pasted", "pasted calendar table without a head", "table", table.kind, frozenset(), above=True)
    named = f" with the columns {', '.join(table.columns[:12])}" if table.columns else ""
    title = f"calendar {_KINDS[table.kind]}{named}"
    if len(links) == 1:
        provider = _PROVIDERS[links.pop()]
        whose = f"{_TITLES[provider]} {title}"
        return Layout(f"{provider}_{table.kind}", whose, provider, table.kind, frozenset(), above=True)
    return Layout(f"table_{table.kind}", title, "table", table.kind, frozenset())
