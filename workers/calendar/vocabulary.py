"""The words of calendars: impacts, currencies of countries, and what columns are called."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import Final

from workers.calendar.values import EVERY_CURRENCY, Impact

MAX_TITLE: Final = 200
MAX_VALUE: Final = 64

_TAGS: Final = re.compile(r"<[^<>]{0,500}>")
_BLANKS: Final = re.compile(r"[\s\u00a0\u200b\ufeff]+")
_CODE: Final = re.compile(r"[A-Za-z]{3}")
_NO_KEY: Final = re.compile(r"[^a-z0-9]")
_NOTHING: Final = frozenset(
    {"", "-", "--", "\N{EN DASH}", "\N{EM DASH}", "nan", "none", "null", "n/a", "na", "undefined"}
)

#: Canonical field -> names of columns and keys, lower case without anything but letters and figures. Earlier names win.
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "title": ("title", "event", "eventname", "eventtitle", "name", "text", "indicator", "report", "news", "release",
              "headline", "details", "prefixedname", "description"),
    "currency": ("currency", "cur", "curr", "ccy", "currencycode", "symbol", "economy"),
    "country": ("country", "countrycode", "countryname", "region", "nation", "geo"),
    "date": ("date", "day", "releasedate", "eventdate", "dateutc", "dategmt"),
    "time": ("time", "timelabel", "hour", "eventtime", "clock", "timeutc", "timegmt", "timeet", "timeest"),
    "datetime": ("datetime", "datetimeutc", "datetimegmt", "utc", "start", "starttime", "startdate", "when",
                 "releasetime", "timestamp", "dateandtime", "datetimelocal"),
    "epoch": ("ts", "dateline", "epoch", "unix", "unixtime", "timestampms", "epochms"),
    "impact": ("impact", "importance", "imp", "impactname", "impactlevel", "volatility", "sentiment", "priority",
               "stars", "severity", "importancelevel", "level"),
    "actual": ("actual", "act", "actualvalue", "result", "released"),
    "forecast": ("forecast", "estimate", "consensus", "expected", "cons", "forecastvalue", "est", "fcst", "median"),
    "previous": ("previous", "prev", "prior", "previousvalue", "prevvalue", "last"),
    "unit": ("unit", "units"),
    "id": ("id", "eventid", "guid", "uid", "uuid", "calendarid"),
    "year": ("year",),
    "zone": ("timezone", "tz"),
}  # fmt: skip
NAMES: Final[dict[str, tuple[str, int]]] = {
    name: (canonical, place) for canonical, names in FIELDS.items() for place, name in enumerate(names)
}

_IMPACTS: Final[dict[str, Impact]] = {
    **dict.fromkeys(("high", "red", "3", "***", "severe", "critical", "strong", "h"), Impact.HIGH),
    **dict.fromkeys(("medium", "moderate", "med", "orange", "2", "**", "mid", "m"), Impact.MEDIUM),
    **dict.fromkeys(("low", "yellow", "1", "*", "weak", "minor", "l", "green"), Impact.LOW),
    **dict.fromkeys(("holiday", "bankholiday", "bank holiday", "holidays"), Impact.HOLIDAY),
    **dict.fromkeys(("none", "noneconomic", "non-economic", "gray", "grey", "white", "0", "no"), Impact.NONE),
}
_STAR: Final = "\N{BLACK STAR}"
_IMPACT_WORD: Final = re.compile(
    r"\b(high|medium|moderate|low|holiday|non-economic|none|red|orange|yellow|gr[ae]y|white)\b", re.IGNORECASE
)

_COUNTRIES: Final = (
    "USD=US USA UNITEDSTATES UNITEDSTATESOFAMERICA|"
    "EUR=EU EZ EA EMU EUZ EUROZONE EUROAREA EUROPEANUNION EUROPEANMONETARYUNION DE DEU GERMANY FR FRA FRANCE IT "
    "ITA ITALY ES ESP SPAIN NL NLD NETHERLANDS BE BEL BELGIUM AT AUT AUSTRIA PT PRT PORTUGAL IE IRL IRELAND FI "
    "FIN FINLAND GR GRC GREECE SK SVK SLOVAKIA SI SVN SLOVENIA EE EST ESTONIA LV LVA LATVIA LT LTU LITHUANIA LU "
    "LUX LUXEMBOURG MT MLT MALTA CY CYP CYPRUS HR HRV CROATIA|"
    "GBP=GB UK GBR UNITEDKINGDOM BRITAIN GREATBRITAIN ENGLAND|JPY=JP JN JPN JAPAN|CHF=CH SZ CHE SWITZERLAND|"
    "AUD=AU AUS AUSTRALIA|CAD=CA CAN CANADA|NZD=NZ NZL NEWZEALAND|CNY=CN CHN CHINA|SEK=SE SWE SWEDEN|"
    "NOK=NO NOR NORWAY|DKK=DK DNK DENMARK|PLN=PL POL POLAND|CZK=CZ CZE CZECHREPUBLIC CZECHIA|HUF=HU HUN HUNGARY|"
    "RON=RO ROU ROMANIA|BGN=BG BGR BULGARIA|TRY=TR TUR TURKEY TURKIYE|RUB=RU RUS RUSSIA RUSSIANFEDERATION|"
    "UAH=UA UKR UKRAINE|INR=IN IND INDIA|KRW=KR KOR SOUTHKOREA KOREA REPUBLICOFKOREA|SGD=SG SGP SINGAPORE|"
    "HKD=HK HKG HONGKONG|TWD=TW TWN TAIWAN|THB=TH THA THAILAND|MYR=MY MYS MALAYSIA|IDR=ID IDN INDONESIA|"
    "PHP=PH PHL PHILIPPINES|VND=VN VNM VIETNAM|PKR=PK PAK PAKISTAN|LKR=LK LKA SRILANKA|BDT=BD BGD BANGLADESH|"
    "BRL=BR BRA BRAZIL|MXN=MX MEX MEXICO|ARS=AR ARG ARGENTINA|CLP=CL CHL CHILE|COP=CO COL COLOMBIA|"
    "PEN=PE PER PERU|UYU=UY URY URUGUAY|VES=VE VEN VENEZUELA|ZAR=ZA ZAF SOUTHAFRICA|EGP=EG EGY EGYPT|"
    "NGN=NG NGA NIGERIA|KES=KE KEN KENYA|MAD=MA MAR MOROCCO|TND=TN TUN TUNISIA|GHS=GH GHA GHANA|"
    "ILS=IL ISR ISRAEL|SAR=SA SAU SAUDIARABIA|AED=AE ARE UNITEDARABEMIRATES UAE|QAR=QA QAT QATAR|"
    "KWD=KW KWT KUWAIT|BHD=BH BHR BAHRAIN|OMR=OM OMN OMAN|JOD=JO JOR JORDAN|LBP=LB LBN LEBANON|IQD=IQ IRQ IRAQ|"
    "IRR=IR IRN IRAN|KZT=KZ KAZ KAZAKHSTAN|ISK=IS ISL ICELAND|RSD=RS SRB SERBIA|UGX=UG UGA UGANDA|"
    "ZMW=ZM ZMB ZAMBIA|AOA=AO AGO ANGOLA|NAD=NA NAM NAMIBIA|MZN=MZ MOZ MOZAMBIQUE|BWP=BW BWA BOTSWANA|"
    "CRC=CR CRI COSTARICA|ECU=EC ECUADOR|PYG=PY PRY PARAGUAY|BOB=BO BOL BOLIVIA|GEL=GE GEO GEORGIA|"
    "AMD=AM ARM ARMENIA|AZN=AZ AZE AZERBAIJAN|MOP=MO MAC MACAO|MNT=MN MNG MONGOLIA|"
    "ALL=ALL WW WORLD WORLDWIDE GLOBAL INTERNATIONAL OPEC IMF G7 G20"
)  # fmt: skip
_CURRENCY_OF: Final[dict[str, str]] = {
    country: currency
    for currency, countries in (entry.split("=") for entry in _COUNTRIES.split("|"))
    for country in countries.split()
}
_KNOWN: Final = frozenset(_CURRENCY_OF.values()) | {"CNH", "XAU", "XAG", "BTC"}


@lru_cache(maxsize=2048)
def key_of(name: str) -> str:
    """The name of a column as it is looked up: ``Event_Link`` and ``event link`` are ``eventlink``."""
    return _NO_KEY.sub("", name.lower())


def plain(value: object, limit: int) -> str:
    """Any value as one line of plain text, at most ``limit`` characters: no tags, entities or control characters."""
    if value is None or isinstance(value, bool):
        return ""
    text = str(value)
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _TAGS.sub(" ", text)
    text = _printable(text)
    return text if len(text) <= limit else text[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _printable(text: str) -> str:
    """One line without what cannot be printed (control characters, marks that turn the direction of text)."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return _BLANKS.sub(" ", text).strip() if "  " in text or not text.isascii() else text.strip()


def figure(value: object, unit: object = None) -> str:
    """A forecast, previous or actual value as text with its unit; empty when there is none.

    ``0.3`` with unit ``%`` is ``0.3%``; texts such as ``4.44|2.7`` and ``<1.00%`` stay as they are, and so do
    comparisons, which look like the beginning of a tag.
    """
    if value is None or isinstance(value, (bool, dict, list)):
        return ""
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return ""
        text = repr(value).removesuffix(".0")
    else:
        text = _printable(html.unescape(str(value)))
    if text.lower() in _NOTHING:
        return ""
    mark = plain(unit, 12)
    if mark and isinstance(value, (int, float)):
        text += mark if len(mark) == 1 or mark in ("bps", "pp") else f" {mark}"
    return text[:MAX_VALUE]


def impact_of(value: object) -> Impact | None:
    """The impact that a text, a number or a row of stars means; None when it means none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = plain(value, 80).lower()
    if not text:
        return Impact.UNKNOWN
    if set(text) <= {_STAR, "*", "\N{WHITE STAR}"}:
        return (Impact.NONE, Impact.LOW, Impact.MEDIUM, Impact.HIGH)[min(3, text.count(_STAR) + text.count("*"))]
    if text in _IMPACTS:
        return _IMPACTS[text]
    # "High Volatility Expected", "icon--ff-impact-red", "CALENDAR_IMPORTANCE_HIGH".
    found = {word.lower() for word in _IMPACT_WORD.findall(text.replace("_", " "))}
    meant = {_IMPACTS[word] for word in found}
    return meant.pop() if len(meant) == 1 else None


def currency_of(value: object, country: object = None) -> str:
    """The currency that a code or the name of a country means; empty when it means none."""
    for given in (value, country):
        text = plain(given, 60)
        if not text:
            continue
        name = re.sub(r"[^A-Z0-9]", "", text.upper())
        if name in _KNOWN:
            return name
        if name in _CURRENCY_OF:
            return _CURRENCY_OF[name]
        if given is value and _CODE.fullmatch(text) and text.isupper():
            return text  # a currency that we have no country for
    return ""


def is_everywhere(currency: str) -> bool:
    """Whether an event of that currency concerns every market."""
    return currency == EVERY_CURRENCY


def title_key(title: str) -> str:
    """What two spellings of one title have in common."""
    return _BLANKS.sub(" ", title.casefold()).strip(" .")
