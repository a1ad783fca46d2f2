"""A finished sweep as a document for programs, a table, and a page that opens without a network."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from app.files import StorageError, atomic_write_bytes, guarding
from workers.backtest import sweep_judge as judge
from workers.backtest.honesty import Trial
from workers.backtest.report_html import STYLE
from workers.backtest.report_json import plain
from workers.backtest.space import Axis
from workers.backtest.sweep_case import SWEPT
from workers.backtest.sweep_judge import Tried

SCHEMA: Final = 1
ENDINGS: Final = (".json", "_points.csv", ".html")
_WORDS: Final = {
    "sqn": "SQN", "r_mean": "mean R", "net_profit": "net profit", "profit_factor": "profit factor",
}  # fmt: skip
_STYLE: Final = ".heat td{text-align:center;padding:5px 6px;border:1px solid var(--line)}.heat{width:auto}"


def document(
    head: Mapping[str, Any],
    axes: Sequence[Axis],
    points: Sequence[Tried],
    earlier: Sequence[Trial],
    objective: str,
    least: int,
) -> dict[str, Any]:
    """All that is known of a sweep, as plain values.

    ``points`` are listed by what the parts to prove them on brought (``proved``), never by the whole test.
    """
    proved = [judge.proved(one) for one in points]
    worth = [judge.value(part, objective, least) for part in proved]
    near_ones = judge.neighbours([one.point for one in points], axes, grid=head["random"] is None)
    around = judge.robustness(worth, near_ones)
    trials, deflated = judge.deflate(points, earlier)
    listed: list[dict[str, Any]] = [
        {
            "values": judge.named(axes, one.point),
            "objective": own,
            "proved": part.figures(),
            "robustness": near,
            "deflated_sharpe_ratio": sharpe,
            "whole": {name: one.figures[name] for name in (*SWEPT, "sharpe_daily")},
            "trial": one.trial,
        }
        for one, part, own, near, sharpe in zip(points, proved, worth, around, deflated, strict=True)
    ]
    listed.sort(key=lambda item: -math.inf if item["objective"] is None else item["objective"], reverse=True)
    found = {
        "schema": SCHEMA,
        **head,
        "objective": objective,
        "least_trades": least,
        "axes": [{"path": axis.path, "low": axis.low, "high": axis.high, "values": axis.values} for axis in axes],
        "trials": trials,
        "walk_forward": judge.walk_forward(points, axes, head["folds"], objective, least),
        "top": listed[: judge.TOP],
        "heat_maps": judge.heat_maps(points, axes, worth),
        "points": listed,
    }
    whole: dict[str, Any] = plain(found)
    return whole


def write(found: Mapping[str, Any], folder: Path, stem: str) -> tuple[Path, Path, Path]:
    """Write document, table and page; all of them or none.

    Raises:
        StorageError: one cannot be written.
    """
    paths = [folder / f"{stem}{ending}" for ending in ENDINGS]
    texts = (json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", table(found), page(found))
    try:
        for path, text in zip(paths, texts, strict=True):
            atomic_write_bytes(path, text.encode("utf-8", "backslashreplace"))
    except StorageError:
        for path in paths:
            with guarding(path, "remove"):
                path.unlink(missing_ok=True)
        raise
    return paths[0], paths[1], paths[2]


def table(found: Mapping[str, Any]) -> str:
    """Every point, the best first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    paths = [axis["path"] for axis in found["axes"]]
    rows = found["points"]
    proved = list(rows[0]["proved"]) if rows else []
    whole = list(rows[0]["whole"]) if rows else []
    near = list(rows[0]["robustness"]) if rows else []
    writer.writerow(
        [*paths, "objective", *(f"proved_{name}" for name in proved), *near, "deflated_sharpe_ratio",
         *(f"whole_{name}" for name in whole)]
    )  # fmt: skip
    for row in rows:
        writer.writerow(
            [*(row["values"][path] for path in paths), row["objective"], *row["proved"].values(),
             *row["robustness"].values(), row["deflated_sharpe_ratio"], *(row["whole"][name] for name in whole)]
        )  # fmt: skip
    return buffer.getvalue()


def page(found: Mapping[str, Any]) -> str:
    """The page. Everything that comes from files is escaped, and it forbids itself to load anything."""
    title = f"Sweep of {found['name']} on {found['symbol']} {found['timeframe']}"
    bars = found["bars"]
    about = (
        f"{len(found['points']):,} points on {bars['count']:,} bars from {bars['first'][:10]} to {bars['last'][:10]} "
        f"of {bars['source']}, grade {bars['grade']}. Varied: {found['vary']}. Made {found['created'][:16]} UTC."
    )
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{escape(title)}</title><style>{STYLE}{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1><p class='soft'>{escape(about)}</p>",
        *(f"<p class='warn'>{escape(warning)}</p>" for warning in found["warnings"]),
        *_walked(found),
        *_top(found),
        *(_heat(found, one) for one in found["heat_maps"]),
        "</body></html>\n",
    ]
    return "".join(parts)


def _walked(found: Mapping[str, Any]) -> list[str]:
    walked, word = found["walk_forward"], _WORDS[found["objective"]]
    proved = walked["out_of_sample"]
    rows = "".join(
        f"<tr><td>{escape(fold['test_from'][:10])} to {escape(fold['test_until'][:10])}</td>"
        f"<td>{escape(_values(fold['values']))}</td>{_figures(fold['train'])}{_figures(fold['test'])}</tr>"
        for fold in walked["folds"]
    )
    efficiency = "" if walked["efficiency"] is None else f", {walked['efficiency']:.0%} of what it brought where chosen"
    return [
        f"<h2>Chosen as it went <small>(best {escape(word)} of each part, proved on the next)</small></h2>",
        f"<p>{proved['trades']:,} trades out of sample brought {_number(proved['r'])} R "
        f"({_number(proved['r_mean'], 3)} R a trade{efficiency}); {walked['profitable_folds']} of "
        f"{len(walked['folds'])} folds won. This is what the search would have brought, not what its best point shows."
        "</p>",
        "<table><tr><th>Proved from</th><th>Chosen</th><th class='n'>Trades</th><th class='n'>R a trade</th>"
        "<th class='n'>SQN</th><th class='n'>Trades</th><th class='n'>R a trade</th><th class='n'>SQN</th></tr>"
        f"{rows}</table>",
    ]


def _figures(part: Mapping[str, Any]) -> str:
    texts = (f"{part['trades']:,}", _number(part["r_mean"], 3), _number(part["sqn"]))
    return "".join(f"<td class='n'>{text}</td>" for text in texts)


def _top(found: Mapping[str, Any]) -> list[str]:
    rows = []
    for row in found["top"]:
        near, whole = row["robustness"], row["whole"]
        texts = (
            _number(row["objective"]), f"{row['proved']['trades']:,}", _number(row["proved"]["r_mean"], 3),
            _number(near["neighbours_mean"]), _number(near["neighbours_worst"]), _number(near["ratio"]),
            _number(whole["sqn"]), _number(whole["total_net_profit"]), _number(row["deflated_sharpe_ratio"], 3),
        )  # fmt: skip
        cells = "".join(f"<td class='n'>{text}</td>" for text in texts)
        rows.append(f"<tr><td>{escape(_values(row['values']))}</td>{cells}</tr>")
    word = escape(_WORDS[found["objective"]])
    heads = (
        f"Proved: {word}", "trades", "R a trade", "Neighbours: mean", "worst", "ratio", "Whole: SQN", "net profit",
        "Deflated Sharpe",
    )  # fmt: skip
    return [
        "<h2>The best by the parts to prove them on</h2>",
        f"<div class='scroll'><table><tr><th>Values</th>{''.join(f'<th class=n>{head}</th>' for head in heads)}</tr>",
        f"{''.join(rows)}</table></div>",
        f"<p class='soft'>Points with fewer than {found['least_trades']} trades there are last. The deflated Sharpe "
        f"ratio counts {found['trials']:,} trials; below 0.95 a point is not to be told from luck. A ratio about 1 is "
        "a plateau, near 0 a peak that stands alone.</p>",
    ]


def _heat(found: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    """A table of coloured cells: green above 0 (a profit factor above 1), red below."""
    middle = 1.0 if found["objective"] == "profit_factor" else 0.0
    known = [abs(cell - middle) for row in one["cells"] for cell in row if cell is not None]
    most = max(known, default=0.0) or 1.0
    lines = [
        f"<tr><th>{escape(label)}</th>{''.join(_cell(cell, middle, most) for cell in row)}</tr>"
        for label, row in zip(one["y_values"], one["cells"], strict=True)
    ]
    heads = "".join(f"<th class='n'>{escape(label)}</th>" for label in one["x_values"])
    over = f" over {one['y']}" if one["y"] else ""
    word = _WORDS[found["objective"]]
    return (
        f"<h2>{escape(one['x'])}{escape(over)} <small>({escape(word)}, proved; mean of all other fields)</small></h2>"
        f"<div class='scroll'><table class='heat'><tr><th></th>{heads}</tr>{''.join(lines)}</table></div>"
    )


def _cell(value: float | None, middle: float, most: float) -> str:
    if value is None:
        return "<td></td>"
    share = min(1.0, abs(value - middle) / most)
    colour = "46,160,67" if value >= middle else "207,34,46"
    return f"<td style='background:rgba({colour},{0.08 + 0.62 * share:.2f})'>{_number(value)}</td>"


def _values(values: Mapping[str, float] | None) -> str:
    if values is None:
        return "none: too few trades"
    return ", ".join(f"{path.split('.', 1)[-1]} {at:g}" for path, at in values.items())


def _number(value: float | None, decimals: int = 2) -> str:
    return "" if value is None else f"{value:,.{decimals}f}"
