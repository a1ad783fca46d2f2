"""The part of a report's page that says what was tested, on what bars and how: parameters only, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

from workers.wording import count

Row = tuple[str, str]

#: Counts of the test by name, in the order of the page.
_COUNTS: Final = (
    ("decided_bars", "Bars that were decided"), ("entry_signals", "Signals for an entry"),
    ("forbidden_by_news", "Signals that news forbade"), ("below_min_rr", "Signals with too small a reward"),
    ("without_volume", "Entries without a volume"), ("without_margin", "Entries without the margin"),
    ("filled_past_stop", "Fills at or beyond the stop"), ("filled_past_target", "Fills at or beyond the target"),
    ("ambiguous", "Stop and target (or half) in one bar"), ("settled_by_minutes", "Of these settled by minutes"),
    ("stop_outs", "Stop-outs"), ("not_halved", "Positions too small to be halved"),
)  # fmt: skip


def tested(head: Mapping[str, Any]) -> list[str]:
    """What was tested, on what and how, a group of lines each."""
    groups = (
        ("Bars", _bars(head["bars"])),
        ("Terms", _terms(head["terms"])),
        ("Costs", _costs(head["costs"])),
        ("Rule", _rule(head)),
        ("Profile", _written(head.get("profile") or {})),
        ("Signals", _counts(head["counts"])),
        ("This test", _about(head)),
    )
    parts = ["<h2>What was tested</h2>"]
    for title, rows in groups:
        cells = "".join(f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in rows if text)
        if cells:
            parts.append(f"<h3>{escape(title)}</h3><table>{cells}</table>")
    return parts


def plain(value: float) -> str:
    """A number without more decimals than anybody reads, and without an exponent."""
    if value != value or abs(value) >= 1e15:
        return str(value)
    return f"{value:,.8f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"


def _bars(found: Mapping[str, Any]) -> Iterator[Row]:
    why = "; ".join(found["grade_reasons"])
    yield "Source", str(found["source"])
    yield "File", str(found["path"])
    yield "Bars", f"{found['count']:,} from {_moment(found['first'])} to {_moment(found['last'])}"
    yield "Tested", f"from {_moment(found['tested_from'])} to {_moment(found['tested_until'])}"
    yield "Grade", f"{found['grade']} ({why})" if why else str(found["grade"])
    yield "Rows left out", f"{found['left_out']:,}" if found["left_out"] else "none"
    yield "Time zone asked for", str(found["time_zone"])
    yield "Prices multiplied by a point of", plain(found["point"]) if found["point"] else ""
    yield "Checksum (CRC-32)", str(found["crc32"])
    for note in found["notes"]:
        yield "Note", str(note)


def _terms(found: Mapping[str, Any]) -> Iterator[Row]:
    warm_up, score = found["warm_up"], found["min_score"]
    yield "Deposit", f"{found['deposit']:,.2f}"
    yield "Volume", "by risk, as live ideas are" if found["volume"] is None else f"{plain(found['volume'])} lots"
    yield "Least score of an entry", plain(score) if score > 0 else "none: the entry conditions alone"
    asked = "as live evaluation asks, on every timeframe of the rule" if score > 0 else "none"
    yield "Warm-up", asked if warm_up is None else count(warm_up, "bar")
    yield "Leverage", f"1:{plain(found['leverage'])}"
    yield "Stop-out", f"at {plain(100 * found['stop_out'])} % of the margin"


def _costs(found: Mapping[str, Any]) -> Iterator[Row]:
    if found["ideal"]:
        yield "Costs", "none: an ideal market"
        return
    spread = found["spread_points"]
    yield "Spread", "that of the bars" if spread is None else f"{plain(spread)} points"
    yield "Commission for a lot and a side", plain(found["commission"]) if found["commission"] else "none"
    yield "Slippage", f"{plain(found['slippage_points'])} points" if found["slippage_points"] else "none"
    yield "Swap", "by night, as the symbol's specification says" if found["swap"] else "none"


def _rule(head: Mapping[str, Any]) -> Iterator[Row]:
    yield "File", str(head.get("rule_file", ""))
    yield "SHA-256", str(head.get("rule_sha256", ""))
    yield from _written(head["rule"])


def _counts(found: Mapping[str, Any]) -> Iterator[Row]:
    return ((label, f"{found[name]:,}") for name, label in _COUNTS if name in found)


def _about(head: Mapping[str, Any]) -> Iterator[Row]:
    yield "Made", _moment(head["created"])
    yield "Run", str(head.get("run", ""))
    yield "Version of the engine", str(head["engine"])
    yield "Name among the trials", str(head["trial"])


def _moment(text: str) -> str:
    """An instant of a document as people read it."""
    return f"{text[:16].replace('T', ' ')} UTC"


def _written(values: Mapping[str, Any], above: str = "") -> Iterator[Row]:
    """What a file says, by its own names: ``conditions, entry``."""
    for name, value in values.items():
        label = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name)).replace("_", " ")
        path = f"{above}, {label}" if above else f"{label[:1].upper()}{label[1:]}"
        if isinstance(value, Mapping):
            yield from _written(value, path)
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            for number, item in enumerate(value, 1):
                yield from _written(item if isinstance(item, Mapping) else {"value": item}, f"{path} {number}")
        elif isinstance(value, list | tuple):
            yield path, "; ".join(_texts(value))
        else:
            yield path, "".join(_texts([value]))


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, bool):
            yield "yes" if value else "no"
        elif isinstance(value, int | float):
            yield plain(value)
        elif value is not None:
            yield str(value)
