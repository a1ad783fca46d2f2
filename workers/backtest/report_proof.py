"""The parts of a report's page that speak of proof: the look-ahead check, the folds of a walk-forward, and what the
scores were worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from workers.wording import count

#: The picture of foretold and come, in its own units.
_SIZE: Final = 300
_EDGE: Final = 40


def looked_ahead(found: Mapping[str, Any]) -> list[str]:
    """Whether signals knew what came later, in a sentence."""
    checked, different = found["checked"], found["different"]
    if not checked:
        text = "Not checked: on so many bars it is done only when truncations= asks for it."
    elif different:
        text = (
            f"Failed: when the bars were cut off at {count(checked, 'place')}, at {different} of them an earlier "
            "signal was another one. The rule saw the future, and the result cannot be believed."
        )
    else:
        text = (
            f"Passed: when the bars were cut off at {count(checked, 'place')} and decided again, every earlier signal "
            "stayed the same."
        )
    kind = "bad" if different else "good" if checked else "soft"
    return [f"<h2>Look-ahead check</h2><p class='{kind}'>{text}</p>"]


def walked(found: Mapping[str, Any]) -> list[str]:
    """The folds of one rule; nothing without any."""
    if not found:
        return []
    proved, folds = found["out_of_sample"], found["folds"]
    rows = "".join(
        f"<tr><td>{escape(fold['test_from'][:10])} to {escape(fold['test_until'][:10])}</td>{part(fold['train'])}"
        f"{part(fold['test'])}</tr>"
        for fold in folds
    )
    efficiency = found["efficiency"]
    told = "" if efficiency is None else f", {efficiency:.0%} of what a trade brought where it learned"
    head = "<th class='n'>Trades</th><th class='n'>R a trade</th><th class='n'>Net profit</th>"
    return [
        f"<h2>Walk-forward <small>({escape(found['asked'])})</small></h2>",
        f"<p>The parts to prove it on: {proved['trades']:,} trades, {number(proved['r'])} R"
        f"{told}; {found['profitable_folds']} of {len(folds)} folds won.</p>",
        f"<table><tr><th>Proved from</th>{head.replace('Trades', 'Learned: trades')}"
        f"{head.replace('Trades', 'Proved: trades')}</tr>{rows}</table>",
    ]


def part(figures: Mapping[str, Any]) -> str:
    """Three cells of a part."""
    texts = (f"{figures['trades']:,}", number(figures["r_mean"], 3), number(figures["net_profit"]))
    return "".join(f"<td class='n'>{text}</td>" for text in texts)


def calibrated(found: Mapping[str, Any]) -> list[str]:
    """What the scores were worth; nothing when nobody asked."""
    if not found:
        return []
    if found["trouble"]:
        return ["<h2>Calibration</h2>", f"<p>The scores are not calibrated: {escape(found['trouble'])}.</p>"]
    rows = "".join(
        f"<tr><td>{step['low']:g} to {step['high']:g}</td><td class='n'>{step['signals']:,}</td>"
        f"<td class='n'>{step['probability']:.1%}</td>"
        f"<td class='n'>{step['interval_low']:.1%} to {step['interval_high']:.1%}</td></tr>"
        for step in found["steps"]
    )
    came = (
        f"<p>{found['reached']:,} of {found['signals']:,} signals reached the target before the stop"
        f"{escape(_others(found))}.</p>"
    )
    how = (
        "Higher scores reached it more often, also in signals that had not been seen."
        if found["method"] == "isotonic"
        else "Of signals that had not been seen, the score foretold no more than the plain share does: all scores "
        "count the same."
    )
    return [
        f"<h2>Calibration <small>({found['signals']:,} signals)</small></h2>",
        came,
        *([f"<p class='warn'>The news embargo of the rule was {escape(news)}.</p>"] if (news := found["news"]) else []),
        f"<p>{how} Brier score {found['brier']:.4f}, of the plain "
        f"share {found['brier_of_share']:.4f}.</p><div class='pair'><div>"
        "<table><tr><th>Score</th><th class='n'>Signals</th>"
        f"<th class='n'>Reached</th><th class='n'>Interval of 95 %</th></tr>{rows}</table></div>",
        _picture(found["reliability"]),
        "</div>",
        *_reliability(found["reliability"]),
    ]


def _others(found: Mapping[str, Any]) -> str:
    """What became of signals that reached neither."""
    told = [
        f"{found[name]:,} {text}"
        for name, text in (
            ("ended_by_rule", "were ended by an exit condition"),
            ("past_target", "were filled at the target or beyond, and won nothing there"),
            ("still_open", "more were open at the end and do not count"),
        )
        if found[name]
    ]
    return "".join(f"; {text}" for text in told)


def _reliability(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was foretold of signals that had not been seen, and what came."""
    rows = "".join(
        f"<tr><td>{group['foretold']:.1%}</td><td class='n'>{group['came']:.1%}</td>"
        f"<td class='n'>{group['interval_low']:.1%} to {group['interval_high']:.1%}</td>"
        f"<td class='n'>{group['signals']:,}</td></tr>"
        for group in groups
    )
    return [
        "<p>What was foretold of signals that had not been seen, and what came of them:</p>",
        "<table><tr><th>Foretold</th><th class='n'>Came</th><th class='n'>Interval of 95 %</th>"
        f"<th class='n'>Signals</th></tr>{rows}</table>",
    ]


def _picture(groups: Sequence[Mapping[str, Any]]) -> str:
    """What was foretold (across) and what came (up) with its interval; on the line both are the same."""
    values = [group[name] for group in groups for name in ("foretold", "interval_low", "interval_high")]
    low, high = max(0.0, min(values, default=0.0) - 0.05), min(1.0, max(values, default=1.0) + 0.05)

    def x(share: float) -> float:
        return _EDGE + (share - low) / (high - low) * (_SIZE - _EDGE - 8)

    def y(share: float) -> float:
        return _SIZE - _EDGE - (share - low) / (high - low) * (_SIZE - _EDGE - 8)

    marks = [f'<line class="grid" x1="{x(low):.1f}" y1="{y(low):.1f}" x2="{x(high):.1f}" y2="{y(high):.1f}"/>']
    for group in groups:
        at, told = (
            x(group["foretold"]),
            f"{group['foretold']:.1%} foretold, {group['came']:.1%} of {group['signals']} came",
        )
        marks.append(
            f'<line class="price" x1="{at:.1f}" x2="{at:.1f}" y1="{y(group["interval_low"]):.1f}" '
            f'y2="{y(group["interval_high"]):.1f}" stroke="currentColor"/>'
            f'<circle cx="{at:.1f}" cy="{y(group["came"]):.1f}" r="4" fill="currentColor"><title>{escape(told)}</title>'
            "</circle>"
        )
    for share in (low, high):
        marks.append(f'<text x="{x(share):.1f}" y="{_SIZE - 22}" text-anchor="middle">{share:.0%}</text>')
        marks.append(f'<text x="{_EDGE - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    marks.append(f'<text x="{_SIZE / 2:.0f}" y="{_SIZE - 6}" text-anchor="middle">foretold; up: came</text>')
    title = "What was foretold and what came"
    return (
        f'<svg viewBox="0 0 {_SIZE} {_SIZE}" role="img" aria-label="{title}" style="max-width:360px"><title>{title}'
        f"</title>{''.join(marks)}</svg>"
    )


def number(value: float | None, decimals: int = 2) -> str:
    """A number with its thousands; empty without one."""
    return "" if value is None else f"{value:,.{decimals}f}"
