"""Whether the ideas of the last day would be the same today: a signal that changes afterwards cannot be traded.

After each closed bar, every idea is decided again on the bars as the terminal has them now: cut off behind its own bar,
which finds bars that the broker has changed since, and with the later bars in sight, which finds conditions that look
ahead. What differs is told once, with the condition at fault. ``data/cache/repaint_checks.json`` remembers up to which
bar was looked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from app.errors import Cancelled, MetronomeError
from app.files import StorageError
from app.tasks import TaskContext
from app.terminal.closing import closing_times
from app.terminal.server_time import ServerTimeRule
from app.terminal.values import TIMEFRAMES, Rates
from workers.strategy import inputs as idea_inputs
from workers.strategy.decisions import decide_all
from workers.strategy.evaluate import Judgement, judge
from workers.strategy.ideas import IdeaFiles
from workers.strategy.inputs import Inputs
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.rules import prepare

FILE_NAME: Final = "repaint_checks.json"
_DAY: Final = timedelta(days=1)

#: Closed bars of a symbol and timeframe, the last so many.
Fetch = Callable[[str, str, int], Rates]


@dataclass(frozen=True, slots=True)
class _Past:
    """An idea of the last day: its bar opened at ``bar`` (epoch seconds); ``seen`` is where it was checked."""

    id: str
    inputs: str
    symbol: str
    timeframe: str
    bar: int
    seen: int
    told: bool


def check(ctx: TaskContext, files: IdeaFiles, newest: Mapping[tuple[str, str], int], fetch: Fetch) -> None:
    """Warn of every idea of the last day that would have been another.

    Args:
        newest: Opening of the last closed bar of each symbol and timeframe that this run looked at, epoch seconds.

    Raises:
        StorageError: a file cannot be read or written.
        Cancelled: the run was asked to stop.
    """
    path = ctx.storage.paths.cache / FILE_NAME
    links = files.recent(ctx.clock.now() - _DAY)
    if not links:
        return
    document = ctx.storage.read_json(path) or {}
    kept = document.get("ideas")
    known: dict[str, Any] = kept if isinstance(kept, dict) else {}
    entries: dict[str, Any] = {}
    for link in links:
        ctx.check_cancelled()
        try:
            past = _past(link.id, link.inputs, known.get(link.id), files)
            seen = newest.get((past.symbol, past.timeframe), 0)
            if seen > max(past.bar, past.seen) and not past.told:
                told = _difference(past, files, fetch)
                if told:
                    ctx.warn(f"Idea {past.id} would be another today: {told}")
                past = replace(past, seen=seen, told=bool(told))
        except (StorageError, Cancelled):
            raise
        except MetronomeError as error:
            ctx.log.info("idea %s is not checked for repainting now: %s", link.id, error)
            continue
        entries[past.id] = [past.symbol, past.timeframe, past.bar, past.seen, past.told]
    if entries != known:
        ctx.storage.write_json(path, {"ideas": entries})


def _past(id: str, inputs: str, kept: object, files: IdeaFiles) -> _Past:
    if isinstance(kept, list) and [type(item) for item in kept] == [str, str, int, int, bool]:
        return _Past(id, inputs, *kept)
    found, _hashes, _engine = idea_inputs.load(inputs, files.evidence)
    strategy = found.rule.strategy
    bar = int(found.rates["time"][-1])
    return _Past(id, inputs, strategy.symbol, strategy.timeframe, bar, bar, False)


def _difference(past: _Past, files: IdeaFiles, fetch: Fetch) -> str:
    """What is other than it was; empty when nothing is, or it cannot be told."""
    inputs, _hashes, _engine = idea_inputs.load(past.inputs, files.evidence)
    then = inputs.evaluated().judgement
    seconds = TIMEFRAMES[past.timeframe].seconds
    now_frames = {name: _since(past, name, bars, fetch) for name, bars in inputs.frames.items()}
    now_rates = _since(past, past.timeframe, inputs.rates, fetch)
    if then is None or len(now_rates) < len(inputs.rates):
        return ""
    if not (now_rates["time"] == past.bar).any():
        return "the terminal has its bar no more."
    end = int(closing_times(np.array([past.bar]), seconds, inputs.server)[0])
    cut = replace(
        inputs,
        rates=_until(now_rates, seconds, end, inputs.server)[-len(inputs.rates) :],
        frames={
            name: _until(bars, TIMEFRAMES[name].seconds, end, inputs.server)[-len(inputs.frames[name]) :]
            for name, bars in now_frames.items()
        },
    )
    if text := "; ".join(_changes(then, cut.evaluated().judgement)):
        when = _first_changed(inputs.rates, cut.rates)
        since = f" The terminal has changed bars since, the first of {when}." if when else ""
        return f"{text}.{since}"
    return "; ".join(_changes(then, _in_hindsight(cut, now_rates, now_frames, then)))


def _since(past: _Past, timeframe: str, bars: Rates, fetch: Fetch) -> Rates:
    """The bars that the idea looked at and all later ones, as the terminal has them now."""
    if not len(bars):
        return bars
    later = (_DAY.total_seconds() * 2) // TIMEFRAMES[timeframe].seconds + 2
    found = fetch(past.symbol, timeframe, len(bars) + int(later))
    wanted: Rates = found[found["time"] >= bars["time"][0]]
    return wanted


def _until(rates: Rates, seconds: int, end: int, server: ServerTimeRule | None) -> Rates:
    return rates[closing_times(rates["time"], seconds, server) <= end]


def _in_hindsight(cut: Inputs, rates: Rates, frames: Mapping[str, Rates], then: Judgement) -> Judgement | None:
    """The same direction on the same bar, decided with all later bars in sight."""
    strategy = cut.rule.strategy
    profile = cut.profile.profile if cut.profile else None
    ready = prepare(strategy, profile)
    bars = Evaluator(rates, TIMEFRAMES[strategy.timeframe].seconds, frames, cut.server)
    decisions = decide_all(strategy, ready, bars, profile, 0.0)
    index = int(np.searchsorted(rates["time"], cut.rates["time"][-1]))
    for side in decisions.sides:
        if side.rule.side == then.side:
            return judge(side, bars, index, cut.info.digits)
    return None


def _changes(then: Judgement, now: Judgement | None) -> Iterator[str]:
    """The conditions that held then and do not now, or the other way round."""
    if now is None:
        yield "it cannot be decided at all"
        return
    if now.side != then.side:
        yield f"its direction was {then.side} and is {now.side}"
        return
    for (group, before), (_group, after) in zip(then.facts, now.facts, strict=True):
        if before.holds != after.holds:
            was, is_now = ("held", "does not hold") if before.holds else ("did not hold", "holds")
            yield f"the {group} condition {before.name} {was} ({before.detail}) and {is_now} now ({after.detail})"


def _first_changed(before: Rates, after: Rates) -> str:
    if len(before) != len(after):
        return ""
    other = before != after
    if not other.any():
        return ""
    moment = datetime.fromtimestamp(int(before["time"][int(np.argmax(other))]), UTC)
    return f"{moment:%Y-%m-%d %H:%M} UTC"
