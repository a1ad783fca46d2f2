"""A document of any known layout to events: decoded, recognised, its times put into UTC, its bad rows refused."""

from __future__ import annotations

import re
from typing import Final

from app.errors import UserAction
from workers.calendar.decoding import decode
from workers.calendar.events import Builder
from workers.calendar.json_rows import read_json, read_page_state
from workers.calendar.layouts import Layout, recognise
from workers.calendar.rows import Table
from workers.calendar.table_rows import read_table
from workers.calendar.values import Options, Parsed, Refusal
from workers.calendar.vocabulary import plain
from workers.calendar.xml_rows import read_xml

#: Most bytes of a document; a week has some 30,000, a year of every country some 3 million.
MAX_BYTES: Final = 12_000_000

_PAGE: Final = re.compile(r"<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_PAGE_TITLE: Final = re.compile(r"<title[^>]*>([^<]{1,200})", re.IGNORECASE)
_EXPORT: Final = "Use an address that gives JSON, XML or CSV."


def parse(data: bytes, options: Options) -> Parsed:
    """Read a calendar.

    Raises:
        UserAction: it is no calendar, it is empty, nothing in it can be used, or it does not tell its time zone; the
            sentence says which and what to do.
    """
    if len(data) > MAX_BYTES:
        raise UserAction(
            f"It has {len(data) / 1e6:.0f} MB; a calendar has at most {MAX_BYTES / 1e6:.0f} MB.",
            advice="Export a shorter span.",
        )
    text, encoding = decode(data)
    table = _table(text)
    layout = recognise(table, text)
    if not table.rows:
        empty = _empty(table)
        empty.findings = {
            "recognised": layout.title if table.columns else "",
            "layout": layout.id if table.columns else "",
            "refused": table.refused,
            "refusals": [refusal.as_json() for refusal in table.refusals],
        }
        raise empty
    if encoding not in ("utf-8", "ascii"):
        table.notes.insert(0, f"its text is {encoding}")
    return _built(table, layout, options)


def _built(table: Table, layout: Layout, options: Options) -> Parsed:
    builder = Builder(table, layout, options)
    parsed = builder.build()
    if not parsed.events:
        first = parsed.refusals[0] if parsed.refusals else Refusal("the document", "it holds nothing")
        unusable = UserAction(
            f"It was recognised as {parsed.recognised}, but none of its {parsed.refused:,} rows can be used; "
            f"{first.place}: {first.reason}.",
            advice=builder.advice or "Mend the document, or use another source.",
        )
        unusable.findings = {
            "recognised": parsed.recognised,
            "layout": parsed.layout,
            "provider": parsed.provider,
            "time_zone": parsed.time_zone,
            "refused": parsed.refused,
            "refusals": [refusal.as_json() for refusal in parsed.refusals],
            "notes": [*parsed.notes, *parsed.warnings],
            "complete": parsed.complete,
        }
        raise unusable
    return parsed


def _table(text: str) -> Table:
    head = text.lstrip()[:2_000]
    if _PAGE.search(head) and not head.startswith(("{", "[")):
        found = read_page_state(text)
        if found is None:
            title = _PAGE_TITLE.search(text[:20_000])
            named = f" ({plain(title[1], 100)})" if title else ""
            page = UserAction(f"It is a web page{named}, not a calendar.", advice=_EXPORT)
            page.findings = {"recognised": "web page"}
            raise page
        return found
    if head.startswith("<"):
        return read_xml(text)
    if head.startswith(("{", "[")):
        return read_json(text)
    return read_page_state(text) or read_table(text)


def _empty(table: Table) -> UserAction:
    if table.broken:
        return UserAction(f"It cannot be read: {table.broken}.", advice=_EXPORT)
    if table.refused:
        first = table.refusals[0]
        return UserAction(f"None of its rows can be read; {first.place}: {first.reason}.", advice=_EXPORT)
    if table.kind == "csv" and not table.columns:
        return UserAction(
            "It is not recognised as a calendar: no line names columns such as date, time, currency and event.",
            advice=_EXPORT,
        )
    return UserAction("It holds no event.", advice="Look whether the source works in a browser.")
