"""A finished test as one page that opens anywhere, without a network: no scripts, no fonts, charts drawn as SVG.

Everything that comes from files is escaped, and the page forbids itself to load anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import numpy as np

from workers.backtest import report_proof, report_terms
from workers.backtest.breakdown import histogram
from workers.backtest.figure_names import GROUPS, TABLES
from workers.backtest.model import Reason, Report
from workers.backtest.report_json import thinned
from workers.backtest.svg import Frame

#: Trades that are listed on the page; all of them are in the table beside it.
MOST_TRADES: Final = 1000

STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c2128;--soft:#59636e;--line:#d1d9e0;--back:#fff;--good:#1a7f37;--bad:#cf222e;
--blue:#0969da;--warn:#fff8c5}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--back:#0d1117;--good:#3fb950;
--bad:#f85149;--blue:#4493f8;--warn:#3a2f05}}
*{box-sizing:border-box}body{margin:0 auto;max-width:1080px;padding:24px;background:var(--back);color:var(--ink);
font:15px/1.45 system-ui,"Segoe UI",sans-serif}h1{font-size:24px;margin:0 0 4px}h2{font-size:18px;margin:28px 0 8px}
h3{font-size:15px;margin:16px 0 4px}
p{margin:4px 0}
.soft,small{color:var(--soft)}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{padding:3px 8px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
td.n,th.n{text-align:right;white-space:nowrap}
.scroll{overflow-x:auto;max-height:640px;overflow-y:auto}th{font-weight:600}.scroll th{position:sticky;top:0;
background:var(--back)}.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:0 28px}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{background:var(--warn);border:1px solid var(--line);
border-radius:6px;padding:8px 12px;margin:10px 0}svg{width:100%;height:auto}svg text{fill:var(--soft);font-size:12px}
.grid{stroke:var(--line);stroke-width:1}polyline{fill:none;stroke-width:1.6}.equity{stroke:var(--blue)}
.balance{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:4 3}.fall{fill:var(--bad);opacity:.45}
.won{fill:var(--good)}.lost{fill:var(--bad)}.price{stroke:var(--soft)}
@media print{body{max-width:none}.scroll{max-height:none;overflow:visible}}
"""


def text(report: Report, trades_file: str) -> str:
    """The whole page.

    Args:
        trades_file: Name of the table of all trades, which lies beside the page.
    """
    head = report.head
    title = f"{head['name']} on {head['symbol']} {head['timeframe']}"
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<p class='soft'>{escape(_about(head))}</p>",
        *(f"<p class='warn'>{escape(warning)}</p>" for warning in report.warnings),
    ]
    if len(report.trades):
        parts += _charts(report)
        parts += _figures(report)
        parts += _luck(report)
        parts += report_proof.looked_ahead(head["look_ahead"])
        parts += report_proof.walked(head["walk_forward"])
        parts += _months(report)
        parts += ["<div class='pair'>", *(_breakdown(report, *table) for table in TABLES), "</div>"]
        parts += _trades(report, trades_file)
    else:
        parts.append(f"<h2>No trades</h2><p>{escape(str(head['no_trades']))}</p>")
    parts += report_proof.calibrated(head["calibration"])
    parts += report_terms.tested(head)
    parts.append("</body></html>\n")
    return "".join(parts)


def _about(head: Mapping[str, Any]) -> str:
    bars, made = head["bars"], head["created"][:16].replace("T", " ")
    return (
        f"{bars['count']:,} bars from {_day(bars['first'])} to {_day(bars['last'])} of {bars['source']}, grade "
        f"{bars['grade']}. Deposit {head['terms']['deposit']:,.2f} {head['currency']}. Made {made} UTC."
    )


def _day(moment: str) -> str:
    return moment[:10]


def _charts(report: Report) -> list[str]:
    kept = thinned(len(report.times), 900)
    begins = np.concatenate(([0], kept[:-1] + 1))
    equity, balance = report.curve.equity[kept], report.curve.balance[kept]
    peaks = np.maximum.accumulate(np.maximum(report.curve.equity, report.statistics["initial_deposit"]))
    falls = np.where(peaks > 0, 100.0 * (report.curve.lowest - peaks) / np.where(peaks > 0, peaks, 1.0), 0.0)
    falls = np.minimum(np.minimum.reduceat(falls, begins), 0.0)
    labels = _moments(report, kept)
    low, high = float(min(equity.min(), balance.min())), float(max(equity.max(), balance.max()))
    money = Frame(300, low, high, labels, "Equity and balance")
    money.line(balance, "balance")
    money.line(equity, "equity")
    fallen = Frame(130, float(falls.min()), 0.0, labels, "Drawdown of equity in percent")
    fallen.area(falls, "fall")
    close = report.close[kept]
    price = Frame(150, float(close.min()), float(close.max()), labels, f"Close of {report.head['symbol']}")
    price.line(close, "price")
    borders, counts = histogram(report.trades.profit)
    spread = Frame(180, 0.0, float(max(counts)), _values(borders), "Distribution of profits")
    for place, number in enumerate(counts):
        middle = (borders[place] + borders[place + 1]) / 2
        told = f"{borders[place]:,.2f} to {borders[place + 1]:,.2f}: {number} trades"
        spread.bar(place / len(counts), (place + 1) / len(counts), number, "won" if middle >= 0 else "lost", told)
    return [
        "<h2>Equity <small>and balance (dashed)</small></h2>", money.svg(),
        "<h2>Drawdown of equity, %</h2>", fallen.svg(),
        f"<h2>Close of {escape(str(report.head['symbol']))}</h2>", price.svg(),
        f"<h2>Profits of the trades, {escape(str(report.head['currency']))}</h2>", spread.svg(),
    ]  # fmt: skip


def _moments(report: Report, kept: Any) -> list[tuple[float, str]]:
    places = [0, len(kept) // 4, len(kept) // 2, 3 * len(kept) // 4, len(kept) - 1]
    days = np.datetime_as_string(report.times[kept].astype("datetime64[s]"), unit="D").tolist()
    return [(place / max(1, len(kept) - 1), days[place]) for place in dict.fromkeys(places)]


def _values(borders: Sequence[float]) -> list[tuple[float, str]]:
    places = (0, len(borders) // 2, len(borders) - 1)
    return [(place / (len(borders) - 1), f"{borders[place]:,.2f}") for place in places]


def _figures(report: Report) -> list[str]:
    figures, blocks = report.statistics, []
    for title, names in GROUPS:
        rows = "".join(
            f"<tr><td>{escape(label)}</td><td class='n{_colour(figures.get(name), kind)}'>"
            f"{escape(_shown(figures.get(name), kind))}</td></tr>"
            for name, label, kind in names
        )
        blocks.append(f"<div><h2>{escape(title)}</h2><table>{rows}</table></div>")
    return ["<div class='pair'>", *blocks, "</div>"]


def _colour(value: Any, kind: str) -> str:
    if kind != "m" or not isinstance(value, int | float) or value == 0:
        return ""
    return " good" if value > 0 else " bad"


def _shown(value: Any, kind: str) -> str:
    if value is None:
        return "\N{EN DASH}"
    match kind:
        case "m":
            return f"{value:,.2f}"
        case "p":
            return f"{value:.2f} %"
        case "i":
            return f"{value:,}"
        case "t":
            hours, rest = divmod(int(value), 3600)
            return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
        case _:
            return f"{value:.4f}"


def _luck(report: Report) -> list[str]:
    """What the same trades could have shown."""
    found = report.head["monte_carlo"]
    if not found:
        return []
    names = (("balance_drawdown_maximal", "Balance drawdown maximal"), ("total_net_profit", "Total net profit"))
    rows = "".join(
        f"<tr><td>{label}</td>{''.join(_money_cell(value) for value in found[name])}</tr>" for name, label in names
    )
    heads = "".join(f"<th class='n'>{_ordinal(band)} percentile</th>" for band in found["percentiles"])
    return [
        f"<h2>Monte Carlo <small>(the trades in other orders: {found['runs']:,} shuffles and draws)</small></h2>",
        f"<table><tr><th>{escape(str(report.head['currency']))}</th>{heads}</tr>{rows}</table>",
        "<p class='soft'>The drawdown is of the same trades in another order, the net profit of as many trades drawn "
        f"from them. Of these draws, {found['lost_percent']:.1f} % lost.</p>",
    ]


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _months(report: Report) -> list[str]:
    """Profit by year and month."""
    found = {line["name"]: line["net_profit"] for line in report.breakdowns["month"]}
    years = sorted({name[:4] for name in found})
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    rows = []
    for year in years:
        values = [found.get(f"{year}-{month:02d}") for month in range(1, 13)]
        cells = "".join(_money_cell(value) for value in values)
        rows.append(f"<tr><th>{year}</th>{cells}{_money_cell(sum(value or 0.0 for value in values))}</tr>")
    heads = "".join(f"<th class='n'>{name}</th>" for name in (*names, "Year"))
    return [
        f"<h2>By month, {escape(str(report.head['currency']))}</h2>",
        f"<div class='scroll'><table><tr><th></th>{heads}</tr>{''.join(rows)}</table></div>",
    ]


def _money_cell(value: float | None) -> str:
    if value is None:
        return "<td class='n soft'>\N{EN DASH}</td>"
    return f"<td class='n{_colour(value, 'm')}'>{value:,.2f}</td>"


def _breakdown(report: Report, name: str, title: str) -> str:
    rows = "".join(
        f"<tr><td>{escape(str(line['name']).replace('_', ' '))}</td><td class='n'>{line['trades']:,}</td>"
        f"<td class='n'>{line['won_percent']:.1f} %</td><td class='n'>{_shown(line['profit_factor'], 'n')}</td>"
        f"{_money_cell(line['net_profit'])}</tr>"
        for line in report.breakdowns[name]
    )
    heads = "".join(f"<th class='n'>{text}</th>" for text in ("Trades", "Won", "Profit factor", "Net profit"))
    return f"<div><h2>{escape(title)}</h2><table><tr><th></th>{heads}</tr>{rows}</table></div>"


def _trades(report: Report, trades_file: str) -> list[str]:
    trades = report.trades
    shown = min(len(trades), MOST_TRADES)
    digits = report.digits
    times = np.datetime_as_string(report.bar_times.astype("datetime64[s]"), unit="m")
    rows = []
    for place in range(shown):
        profit = float(trades.profit[place])
        cells = (
            f"{int(trades.number[place]) + 1}", "long" if trades.sign[place] > 0 else "short",
            f"{trades.volume[place]:g}", times[trades.entry_bar[place]].replace("T", " "),
            f"{trades.entry[place]:.{digits}f}", times[trades.exit_bar[place]].replace("T", " "),
            f"{trades.exit[place]:.{digits}f}", Reason(int(trades.reason[place])).label.replace("_", " "),
        )  # fmt: skip
        inner = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        rows.append(f"<tr>{inner}{_money_cell(profit)}</tr>")
    names = ("#", "Side", "Lots", "Opened", "Price", "Closed", "Price", "By")
    heads = "".join(f"<th>{name}</th>" for name in names) + "<th class='n'>Profit</th>"
    some = f"the first {shown:,} of {len(trades):,}; all are in {trades_file}" if shown < len(trades) else trades_file
    return [
        f"<h2>Trades <small>({escape(some)})</small></h2>",
        f"<div class='scroll'><table><tr>{heads}</tr>{''.join(rows)}</table></div>",
    ]
