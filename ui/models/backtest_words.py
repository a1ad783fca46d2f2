"""What a backtest found, as lines of tables and sentences. What has no value is a dash; nothing is invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ui import words
from ui.models.backtest_list import ink_of, money
from ui.models.ink_table import Ink, Line
from workers.backtest.figure_names import GROUPS, TABLES
from workers.backtest.values import number

if TYPE_CHECKING:
    from workers.backtest.shelf import Result

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_Finding = tuple[str, str | Ink, str]
_RATIOS: Final = ("ahpr", "ghpr")
#: Below it, a result is not to be told from luck (Bailey and Lopez de Prado).
LUCK: Final = 0.95


def shown(value: object, kind: str, *, signed: bool = False) -> str:
    """A figure as people read it.

    Args:
        kind: m money, p percent, n number, r ratio close to 1, i count, t seconds.
        signed: Whether what is above zero has its sign.
    """
    found = number(value)
    if found is None:
        return words.DASH
    sign = "+" if signed and found > 0 else ""
    if kind == "m":
        return sign + money(found)
    if kind == "t":
        return sign + _time(found)
    text = f"{found:,.0f}" if kind == "i" else f"{found:,.2f}{words.GAP}%" if kind == "p" else f"{found:,.2f}"
    if kind == "r":
        text = f"{found:.4f}"
    return sign + text.replace("-", "\N{MINUS SIGN}")


def _time(seconds: float) -> str:
    sign = "\N{MINUS SIGN}" if seconds < 0 else ""
    minutes = round(abs(seconds) / 60)
    days, rest = divmod(minutes, 1440)
    hours, left = divmod(rest, 60)
    if days:
        return f"{sign}{days:,}{words.GAP}d {hours}{words.GAP}h"
    return f"{sign}{hours}{words.GAP}h {left}{words.GAP}min" if hours else f"{sign}{left}{words.GAP}min"


def head_figures(figures: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The figures that are looked at first: name, value and ink."""

    def text(name: str, kind: str) -> str:
        return shown(figures.get(name), kind)

    net, fall = number(figures.get("total_net_profit")), number(figures.get("equity_drawdown_maximal_percent"))
    falls = f" ({fall:.1f}{words.GAP}%)" if fall is not None else ""
    return [
        (words.tr("Total net profit"), text("total_net_profit", "m"), ink_of(net)),
        (words.tr("Profit factor"), text("profit_factor", "n"), "text"),
        (words.tr("Equity drawdown max."), text("equity_drawdown_maximal", "m") + falls, "text"),
        (words.tr("Total trades"), text("total_trades", "i"), "text"),
        (words.tr("Profit trades"), text("profit_trades_percent", "p"), "text"),
        (words.tr("Expected payoff"), text("expected_payoff", "m"), "text"),
        (words.tr("Recovery factor"), text("recovery_factor", "n"), "text"),
        (words.tr("Sharpe ratio"), text("sharpe_ratio", "n"), "text"),
    ]


def figure_lines(figures: Mapping[str, Any]) -> list[Line]:
    """All figures, each group under its title."""
    lines: list[Line] = []
    for title, group in GROUPS:
        lines.append((Ink(words.tr(title), "muted"), ""))
        lines += [(words.tr(caption), shown(figures.get(name), _kind(name, kind))) for name, caption, kind in group]
    return lines


def _kind(name: str, kind: str) -> str:
    return "r" if name in _RATIOS else kind


def month_lines(months: object) -> list[Line]:
    """A line for each year with its months and its total; months without a trade are empty."""
    years: dict[str, dict[int, tuple[float, str]]] = {}
    for row in _rows(months):
        year, _dash, month = str(row.get("name")).partition("-")
        net = number(row.get("net_profit"))
        if net is not None and month.isdecimal() and 1 <= int(month) <= 12:
            tip = words.plural(int(number(row.get("trades")) or 0), "trade", "trades")
            years.setdefault(year, {})[int(month)] = net, tip
    lines: list[Line] = []
    for year in sorted(years):
        cells = [
            _money_cell(years[year][month][0], years[year][month][1]) if month in years[year] else Ink("")
            for month in range(1, 13)
        ]
        total = sum(net for net, _tip in years[year].values())
        lines.append((year, *cells, _money_cell(total, "")))
    return lines


def month_titles() -> list[str]:
    """The titles over the lines of months."""
    return [words.tr("Year"), *map(words.tr, MONTHS), words.tr("Total")]


def _money_cell(value: float, tip: str) -> Ink:
    """As short as it can be: twelve of them stand beside each other. The tip has the cents."""
    size = abs(value)
    unit, letter = (1e6, "M") if size >= 999_500 else (1e3, "k") if size >= 999.5 else (1.0, "")
    decimals = 1 if unit > 1 and size / unit < 9.95 else 0
    text = f"{value / unit:.{decimals}f}{letter}".replace("-", "\N{MINUS SIGN}")
    return Ink(text, ink_of(value), words.joined(money(value), tip, "") if tip else money(value))


def breakdown_lines(tables: Mapping[str, Any], *, months: bool = False) -> list[Line]:
    """Direction, reason, session, weekday and hour, and the months if they are asked for, each under its title."""
    lines: list[Line] = []
    for name, title in ((("month", "By month of the closing"),) if months else ()) + TABLES:
        rows = _rows(tables.get(name))
        if not rows:
            continue
        lines.append((Ink(words.tr(title), "muted"), "", "", "", ""))
        for row in rows:
            net = number(row.get("net_profit"))
            lines.append(
                (
                    str(row.get("name", "")).replace("_", " "),
                    shown(row.get("trades"), "i"),
                    Ink(money(net), ink_of(net)),
                    shown(row.get("won_percent"), "p"),
                    shown(row.get("profit_factor"), "n"),
                )
            )
    return lines


def _rows(table: object) -> list[Mapping[str, Any]]:
    return [row for row in table if isinstance(row, dict)] if isinstance(table, list) else []


# -- how far it may be luck --------------------------------------------------------------------------------------------


def trust_lines(result: Result) -> list[Line]:
    """What a reader has to know before believing it: a subject with what it means under it, and what was found."""
    found = [
        *_bars_lines(result),
        _ambiguous_line(result),
        _look_ahead_line(result.part("look_ahead")),
        *_luck_lines(result.part("statistics")),
        *_monte_carlo_lines(result.part("monte_carlo")),
    ]
    return [(Ink(subject, under=means), said) for subject, said, means in found]


def _bars_lines(result: Result) -> list[_Finding]:
    bars = result.part("bars")
    grade, reasons = str(bars.get("grade") or words.DASH), bars.get("grade_reasons")
    why = "; ".join(map(str, reasons)) if isinstance(reasons, list) else ""
    ink = "ok" if grade in ("A", "B") else "warning" if grade in ("C", "D") else "error"
    left_out = int(number(bars.get("left_out")) or 0)
    lines: list[_Finding] = [
        (words.tr("Grade of the bars"), Ink(grade, ink), why or words.tr("nothing to say against them"))
    ]
    if left_out:
        lines.append((words.tr("Rows left out"), Ink(f"{left_out:,}", "warning"), words.tr("they are no usable bars")))
    return lines


def _ambiguous_line(result: Result) -> _Finding:
    figures, counts = result.part("statistics"), result.part("counts")
    left, settled = (number(value) for value in (figures.get("ambiguous_trades"), counts.get("settled_by_minutes")))
    trades = number(figures.get("total_trades")) or 0
    share = (left or 0) / trades if trades else 0.0
    text = words.tr("stop and target (or half) in one bar; the stop was taken")
    if settled:
        text = words.joined(text, words.tr("{n} more were settled by bars of minutes").format(n=f"{settled:,.0f}"))
    return (words.tr("Ambiguous trades"), Ink(shown(left, "i"), "warning" if share > 0.02 else "text"), text)


def _look_ahead_line(found: Mapping[str, Any]) -> _Finding:
    checked, different = number(found.get("checked")), number(found.get("different"))
    title = words.tr("Look-ahead")
    if not checked or different is None:
        return (title, Ink(words.tr("not checked"), "warning"), words.tr("truncations= asks for it on many bars"))
    if different:
        text = words.tr("at {n} of {all} places an earlier signal was another one: the rule saw the future")
        return (title, Ink(words.tr("fails"), "error"), text.format(n=f"{different:.0f}", all=f"{checked:.0f}"))
    text = words.tr("cut off at {n} places, every earlier signal stayed the same")
    return (title, Ink(words.tr("none"), "ok"), text.format(n=f"{checked:.0f}"))


def _luck_lines(figures: Mapping[str, Any]) -> list[_Finding]:
    trials, plain = number(figures.get("trials")), number(figures.get("sharpe_ratio"))
    deflated = number(figures.get("deflated_sharpe_ratio"))
    tries = words.tr("tests of this strategy on this symbol, this one included")
    lines: list[_Finding] = [
        (words.tr("Trials"), shown(trials, "i"), tries),
        (words.tr("Sharpe ratio"), shown(plain, "n"), words.tr("of daily returns, a year")),
    ]
    if deflated is None:
        lines.append((words.tr("Deflated Sharpe ratio"), words.DASH, words.tr("there are too few days to tell")))
    else:
        able = deflated >= LUCK
        text = (
            words.tr("probability that it is better than so many worthless ones")
            if able
            else words.tr("below 0.95: it may be the best of so many worthless ones")
        )
        lines.append((words.tr("Deflated Sharpe ratio"), Ink(f"{deflated:.2f}", "ok" if able else "warning"), text))
    return lines


def _monte_carlo_lines(found: Mapping[str, Any]) -> list[_Finding]:
    runs = number(found.get("runs"))
    if not runs:
        return [(words.tr("Monte Carlo"), words.DASH, words.tr("there are too few trades"))]
    lines: list[_Finding] = []
    for name, title, text in (
        ("total_net_profit", words.tr("Net profit by chance"), words.tr("trades drawn with replacement")),
        ("balance_drawdown_maximal", words.tr("Drawdown by order"), words.tr("the same trades in another order")),
    ):
        band = found.get(name)
        values = [number(value) for value in band] if isinstance(band, list) else []
        if len(values) == 3:
            low, middle, high = (money(value) for value in values)
            told = words.tr("{text}, {n} times").format(text=text, n=f"{runs:,.0f}")
            between = f"{low} \N{HORIZONTAL ELLIPSIS} {high}"
            lines.append((title, Ink(between, under=words.tr("middle {money}").format(money=middle)), told))
    lost = number(found.get("lost_percent"))
    if lost is not None:
        ink = "error" if lost > 50 else "warning" if lost > 5 else "ok"
        lines.append((words.tr("Ends in a loss"), Ink(shown(lost, "p"), ink), words.tr("of those drawn")))
    return lines


def walk_lines(found: Mapping[str, Any]) -> list[Line]:
    """The folds of a walk-forward: when each was proved, what it brought where it learned and where it was proved."""
    lines: list[Line] = []
    for row in _rows(found.get("folds")):
        learned, proved = (part if isinstance(part, dict) else {} for part in (row.get("train"), row.get("test")))
        span = f"{str(row.get('test_from') or '')[:10]} \N{EN DASH} {str(row.get('test_until') or '')[:10]}"
        lines.append((span, shown(learned.get("net_profit"), "m"), *_proved(proved)))
    whole = found.get("out_of_sample")
    if lines and isinstance(whole, dict):
        lines.append((words.tr("all that was proved"), "", *_proved(whole)))
    return lines


def _proved(part: Mapping[str, Any]) -> tuple[Ink, str, str]:
    net = number(part.get("net_profit"))
    return Ink(money(net), ink_of(net)), shown(part.get("profit_factor"), "n"), shown(part.get("trades"), "i")


@dataclass(frozen=True, slots=True)
class Group:
    """Signals of which the same was foretold, and what came of them; shares from 0 to 1."""

    foretold: float
    came: float
    low: float
    high: float
    signals: int


def reliability(found: Mapping[str, Any]) -> list[Group]:
    """Groups of the calibration of a result; what is none is left out."""
    groups = []
    for row in _rows(found.get("reliability")):
        foretold, came, n = (number(row.get(name)) for name in ("foretold", "came", "signals"))
        if foretold is None or came is None or n is None or not (0 <= foretold <= 1 and 0 <= came <= 1):
            continue
        low, high = number(row.get("interval_low")), number(row.get("interval_high"))
        groups.append(Group(foretold, came, came if low is None else low, came if high is None else high, int(n)))
    return groups


def calibration_lines(found: Mapping[str, Any]) -> list[Line]:
    """What each range of scores is worth: scores, share that reached the target first, its interval, and how many."""
    lines: list[Line] = []
    for row in _rows(found.get("steps")):
        low, high, n, share = (number(row.get(name)) for name in ("low", "high", "signals", "probability"))
        least, most = number(row.get("interval_low")), number(row.get("interval_high"))
        if low is None or high is None or n is None or share is None:
            continue
        scores = f"{low:g}" if low == high else f"{low:g} \N{EN DASH} {high:g}"
        interval = words.DASH if least is None or most is None else f"{least:.0%} \N{EN DASH} {most:.0%}"
        lines.append((scores, Ink(f"{share:.0%}"), interval, f"{n:,.0f}"))
    return lines


def calibration_words(found: Mapping[str, Any]) -> str:
    """Whether the scores of a test are calibrated, and by what."""
    if not _rows(found.get("steps")):
        why = str(found.get("trouble") or "")
        return words.tr("Not calibrated: {why}.").format(why=why) if why else words.tr("Not calibrated")
    text = words.tr("{reached} of {signals} signals reached the target before the stop.")
    said = text.format(reached=shown(found.get("reached"), "i"), signals=shown(found.get("signals"), "i"))
    if found.get("method") == "share":
        said += " " + words.tr("Scores told nothing apart: all of them get the plain share.")
    if past := number(found.get("past_target")):
        said += " " + words.tr("Filled at the target or beyond it, and so not counted as reached: {n}.").format(
            n=f"{past:,.0f}"
        )
    if news := str(found.get("news") or ""):
        said += " " + words.tr("The news embargo of the rule was {how}.").format(how=news)
    return said


# -- several of them ---------------------------------------------------------------------------------------------------


def compared_figures(all_figures: Sequence[Mapping[str, Any]]) -> list[Line]:
    """All figures of several tests side by side; of two, with the difference."""
    lines: list[Line] = []
    blank = [""] * (len(all_figures) + (len(all_figures) == 2))
    for title, group in GROUPS:
        lines.append((Ink(words.tr(title), "muted"), *blank))
        for name, caption, kind in group:
            values = [number(figures.get(name)) for figures in all_figures]
            line: list[str | Ink] = [words.tr(caption), *(shown(value, _kind(name, kind)) for value in values)]
            if len(values) == 2:
                before, after = values
                apart = None if before is None or after is None else after - before
                line.append(Ink(shown(apart, _kind(name, kind), signed=True), "dim" if not apart else "text"))
            lines.append(tuple(line))
    return lines


def rule_differences(documents: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Where rules, profiles, terms, costs and bars differ, each by its place in the document."""
    flat = [_flat(document) for document in documents]
    places = dict.fromkeys(place for one in flat for place in one)
    lines: list[Line] = []
    for place in places:
        values = [one.get(place, words.DASH) for one in flat]
        if len(set(values)) > 1:
            lines.append((place, *(Ink(value) for value in values)))
    return lines


_COMPARED: Final = ("symbol", "timeframe", "rule", "profile", "terms", "costs", "bars", "engine")
_OF_NO_MATTER: Final = ("rule.created_at", "rule.updated_at", "rule.created_by", "rule.enabled")


def _flat(document: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}

    def walk(place: str, value: object) -> None:
        if place in _OF_NO_MATTER:
            return
        if isinstance(value, dict):
            for name, item in value.items():
                walk(f"{place}.{name}" if place else str(name), item)
        elif isinstance(value, list):
            for number_, item in enumerate(value, 1):
                walk(f"{place} {number_}", item)
        else:
            found[place] = words.DASH if value is None else f"{value:g}" if isinstance(value, float) else str(value)

    walk("", {name: document.get(name) for name in _COMPARED if document.get(name) is not None})
    return found
