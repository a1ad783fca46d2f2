"""Decisions and their statistics as lines of text; made beside the window, since there may be thousands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ui import words
from ui.widgets.idea_figures import by_words
from ui.words import DASH, Look, tr
from workers.strategy.decision_book import Decision, Figures, Kind
from workers.strategy.idea_files import Board, IdeaRow
from workers.strategy.idea_statistics import FEW, Statistics, Tally, statistics

Line = tuple[str | Look, ...]

_LOOKS: Final = {
    Kind.APPROVE: ("succeeded", "ok", "Approved"),
    Kind.REJECT: ("failed", "error", "Rejected"),
    Kind.EDIT: ("moved", "running", "Edited"),
    Kind.EXPIRE: ("missed", "idle", "Expired"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the history shows; empty texts and no time mean all."""

    symbol: str = ""
    strategy: str = ""
    kind: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Decisions that fit, newest first, the ideas they are about, and what can be chosen."""

    lines: tuple[Line, ...]
    files: tuple[str, ...]
    statistics: Statistics
    symbols: tuple[str, ...]
    strategies: tuple[str, ...]


def kind_look(kind: Kind) -> Look:
    """Icon, colour and word of a decision."""
    icon, role, word = _LOOKS[kind]
    return Look(icon, role, tr(word))


def history(board: Board, wanted: Wanted, now: datetime) -> History:
    """The decisions that fit, and statistics of the ideas of that symbol, strategy and time.

    Thread: any.
    """
    fitting = sorted((item for item in board.decisions if _fits(item, wanted)), key=lambda one: one.time, reverse=True)
    rows = [row for row in board.rows if _idea_fits(row, wanted)]
    return History(
        tuple(decision_line(item, now) for item in fitting),
        tuple(item.file for item in fitting),
        statistics(rows),
        tuple(sorted({row.facts.symbol for row in board.rows})),
        tuple(sorted({row.facts.strategy for row in board.rows if row.facts.strategy})),
    )


def decision_line(item: Decision, now: datetime) -> Line:
    """Time, decision, idea, strategy, score, who, and what there is to say."""
    return (
        _when(item.time, now),
        kind_look(item.kind),
        f"{item.symbol} {item.timeframe} {item.direction}",
        item.strategy,
        f"{item.score:g}",
        by_words(item.by),
        item.reason or _changes(item),
    )


def _when(moment: datetime, now: datetime) -> str:
    local = moment.astimezone()
    return f"{local.day} {local:%b %H:%M}" if abs((now - moment).days) < 300 else f"{local:%Y-%m-%d %H:%M}"


def tally_lines(found: Statistics) -> tuple[Line, ...]:
    """Each strategy with its counts."""
    return tuple(_tally_line(one) for one in found.by_strategy)


def summary_words(found: Statistics) -> tuple[str, str]:
    """What became of the ideas, and a remark on how much that says."""
    total = found.total
    parts = [words.plural(total.ideas, "idea", "ideas")]
    for number, word in (
        (total.pending, "pending"),
        (total.approved, "approved"),
        (total.rejected, "rejected"),
        (total.expired, "expired"),
        (total.edited, "edited"),
    ):
        parts.append(f"{number:,} {tr(word)}")
    decided = total.approved + total.rejected
    remark = ""
    if 0 < decided < FEW:
        remark = tr("Only {n} decided by you: too few to conclude anything from the means.").format(n=decided)
    return words.joined(*parts), remark


def mean_words(mean: float | None, count: int) -> str:
    """A mean with the number it rests on."""
    return DASH if mean is None else tr("{mean} (n = {n})").format(mean=f"{mean:.1f}", n=count)


def _tally_line(one: Tally) -> Line:
    counts = (one.ideas, one.approved, one.rejected, one.expired)
    return (one.name or DASH, *(str(number) for number in counts))


def _fits(item: Decision, wanted: Wanted) -> bool:
    return (
        wanted.symbol in ("", item.symbol)
        and wanted.strategy in ("", item.strategy)
        and wanted.kind in ("", item.kind.value)
        and (wanted.since is None or item.time >= wanted.since)
    )


def _idea_fits(row: IdeaRow, wanted: Wanted) -> bool:
    return (
        wanted.symbol in ("", row.facts.symbol)
        and wanted.strategy in ("", row.facts.strategy)
        and (wanted.since is None or row.facts.time >= wanted.since)
    )


def _changes(item: Decision) -> str:
    before, after = item.before, item.after
    if before is None or after is None:
        return ""
    return words.joined(*_changed(before, after), _risk(after, item.currency))


def _changed(before: Figures, after: Figures) -> Sequence[str]:
    def shown(value: float | None) -> str:
        return tr("none") if value is None else f"{value:.10g}"

    pairs: Iterable[tuple[str, float | None, float | None]] = (
        (tr("entry"), before.terms.entry, after.terms.entry),
        (tr("stop"), before.terms.stop, after.terms.stop),
        (tr("target"), before.terms.target, after.terms.target),
        (tr("volume"), before.terms.volume, after.terms.volume),
    )
    return [f"{name} {shown(old)} \N{RIGHTWARDS ARROW} {shown(new)}" for name, old, new in pairs if old != new]


def _risk(after: Figures, currency: str) -> str:
    money = "" if after.risk_money is None else f", {after.risk_money:,.2f} {currency}"
    return tr("reward/risk {ratio}{money}").format(ratio=f"{after.reward_risk:.2f}", money=money)
