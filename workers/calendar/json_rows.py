"""Rows out of JSON: every object in the document that looks like an event, wherever it lies."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.errors import UserAction
from workers.calendar.readings import FIGURES
from workers.calendar.rows import Row, Table
from workers.calendar.vocabulary import NAMES, key_of, plain

#: Objects and lists of one document; each costs some 60 bytes and more of memory for two bytes of text.
_MOST_NODES: Final = 400_000
_MOST_VALUES: Final = 1_500_000
_MOST_FAULTS: Final = 20
_DEPTH: Final = 12
_WHEN: Final = frozenset({"date", "time", "datetime", "epoch"})
_DAYS: Final = re.compile(r"""["']?days["']?\s*:\s*(?=\[)""")
_LONG_FIGURES: Final = 30
_ERROR_KEYS: Final = ("error", "error message", "message", "information", "note", "detail")


def _no_constant(_name: str) -> float:
    """NaN and infinity are no values of a calendar, and not the same as none (null)."""
    return math.nan


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= _LONG_FIGURES else text


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, parse_int=_integer, strict=False)


def read_json(text: str) -> Table:
    """The rows of a JSON document; those before a fault are kept, and ``broken`` says where it ends.

    Raises:
        UserAction: it is nested too deeply, holds far too many values, or is a message in place of a calendar.
    """
    table = Table("json")
    if _is_bloated(text):
        raise UserAction("The JSON holds far too many values for a calendar.", advice="Use another address.")
    try:
        document = _DECODER.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        document = _salvaged(text, table, str(error))
    _walk(document, table)
    if not table.rows and isinstance(document, dict):
        _refuse_message(document)
    return table


def read_page_state(text: str) -> Table | None:
    """The days that a page of Forex Factory carries in its script; None when there are none."""
    found = _DAYS.search(text)
    if found is None:
        return None
    if _is_bloated(text[found.end() :]):
        return None
    table = Table("json")
    try:
        days, _ = _DECODER.raw_decode(text, found.end())
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        days = _salvaged(text[found.end() :], table, str(error))
    _walk({"days": days}, table)
    return table if table.rows else None


def _is_bloated(text: str) -> bool:
    """Whether it would unfold into far more memory than a calendar of that size."""
    return text.count("{") + text.count("[") > _MOST_NODES or text.count(",") > _MOST_VALUES


def _too_deep() -> UserAction:
    return UserAction("The JSON is nested too deeply for a calendar.", advice="Use another address.")


def _salvaged(text: str, table: Table, reason: str) -> list[Any]:
    """The whole objects of a damaged document, or of one that has an object on each line.

    A damaged object is refused and the next one looked for, a few times: each look may go to the end of the text.
    """
    table.broken = f"it is damaged: {reason}"
    head, start = text.find("{"), text.find("[")
    lines = 0 <= head and (start < 0 or head < start) and "}\n{" in text.replace("\r", "")
    position = head if lines or start < 0 else text.find("{", start)
    found: list[Any] = []
    faults = 0
    while position >= 0 and faults < _MOST_FAULTS:
        try:
            item, end = _DECODER.raw_decode(text, position)
        except RecursionError:
            raise _too_deep() from None
        except ValueError as error:
            faults += 1
            table.refuse(f"object {len(found) + faults}", f"it is damaged ({error})")
            end = position + 1
        else:
            found.append(item)
        position = text.find("{", end)
    if lines and not faults:
        table.broken = ""  # one object a line, all whole
    return found


def _walk(document: Any, table: Table) -> None:
    """Gather what looks like an event, in the order of the document, without recursion."""
    columns: dict[str, None] = {}
    waiting: list[tuple[Any, str, str, int]] = [(document, "", "", 0)]
    while waiting:
        node, path, day, depth = waiting.pop()
        if isinstance(node, dict):
            cells = _cells(node)
            if _is_event(cells):
                if table.full:
                    break
                if not table.shape:
                    table.shape = re.sub(r"\[\d*\]", "", path).split(".")[0]
                for name in node:
                    columns[str(name)] = None
                if day and "date" not in cells:
                    cells["date"] = day
                table.rows.append(Row(_place(path), cells))
                continue
            day = str(cells.get("date") or day)
            children: Iterator[tuple[str, Any]] = iter((f"{path}.{name}".lstrip("."), node[name]) for name in node)
        elif isinstance(node, list):
            children = iter(_items(node, path, table))
        else:
            continue
        if depth < _DEPTH:
            inner = [(child, where, day, depth + 1) for where, child in children if isinstance(child, (dict, list))]
            waiting.extend(reversed(inner))
    table.columns = tuple(columns)


def _items(node: list[Any], path: str, table: Table) -> list[tuple[str, Any]]:
    """The items of a list by path; among events, what is none is refused."""
    if not any(isinstance(item, dict) and _is_event(_cells(item)) for item in node):
        return [(f"{path}[{number}]", item) for number, item in enumerate(node) if isinstance(item, (dict, list))]
    kept = []
    for number, item in enumerate(node):
        where = f"{path}[{number}]"
        if isinstance(item, list) or (isinstance(item, dict) and _is_event(_cells(item))):
            kept.append((where, item))
        else:
            table.refuse(_place(where), "it has no title, no time, or neither currency nor impact")
    return kept


def _place(path: str) -> str:
    top = re.fullmatch(r"\w*\[(\d+)\]", path)
    return f"event {int(top[1]) + 1}" if top else path or "the document"


def _cells(node: Mapping[str, Any]) -> dict[str, Any]:
    ranked: dict[str, tuple[int, Any]] = {}
    for name, value in node.items():
        canonical, rank = NAMES.get(key_of(str(name)[:60]), ("", 0))
        if not canonical or isinstance(value, (dict, list)):
            continue
        if isinstance(value, float) and not math.isfinite(value) and canonical not in FIGURES:
            value = None
        known = ranked.get(canonical)
        # An empty value gives way to a filled one of another name.
        if known is None or (rank < known[0] and value not in (None, "")) or known[1] in (None, ""):
            ranked[canonical] = (rank, value)
    return {canonical: value for canonical, (_, value) in ranked.items()}


def _is_event(cells: Mapping[str, Any]) -> bool:
    return "title" in cells and bool(_WHEN & cells.keys()) and bool({"currency", "country", "impact"} & cells.keys())


def _refuse_message(document: Mapping[str, Any]) -> None:
    for name, value in document.items():
        if str(name).lower() in _ERROR_KEYS and isinstance(value, str) and value:
            raise UserAction(
                f"The server sent a message in place of a calendar: {plain(value, 200)}",
                advice="Check the address and its key.",
            )
