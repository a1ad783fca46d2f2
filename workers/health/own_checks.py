"""Checks of Metronome itself: its memory, its clock, its versions, and what its clean-ups ask."""

from __future__ import annotations

import platform
from datetime import datetime, timedelta
from functools import cache
from importlib import metadata
from typing import Any, Final

from app.errors import MetronomeError
from app.tasks import TaskContext
from app.terminal.errors import UnknownSymbol
from app.terminal.server_time import ServerTimeRule
from app.terminal.symbols import SymbolNames
from workers.health.finding import Facts, Finding, Remedy, Verdict, not_judged
from workers.health.trend import DAY_S, HOUR_S, Trend
from workers.maintenance import clock_guard
from workers.wording import count, seconds, size

_MB: Final = 1e6
#: A slope is told once the process is so old: before, caches fill.
_SETTLED_S: Final = 3 * HOUR_S
#: So many symbols are asked for the time of their newest quote.
_ASKED: Final = 3
_AHEAD: Final = timedelta(days=8)
_CLEANUPS: Final = {"cleanup_old_logs": Remedy.CONFIRM_LOGS, "cleanup_cache": Remedy.CONFIRM_CACHE}
_SHOWN: Final = ("PySide6-Essentials", "MetaTrader5", "APScheduler", "numpy", "pydantic")


def process_start() -> float:
    """When this process began, UTC epoch seconds.

    Raises:
        OSError: the system does not tell.
    """
    import psutil

    try:
        return float(psutil.Process().create_time())
    except psutil.Error as error:
        msg = f"the system does not tell when this process began ({error})"
        raise OSError(msg) from error


def memory(ctx: TaskContext, facts: Facts) -> Finding:
    """How much memory this process holds, and whether it grows."""
    import psutil

    limits = ctx.settings.health
    try:
        held = float(psutil.Process().memory_info().rss)
    except psutil.Error as error:
        msg = f"the system does not tell the memory of this process ({error})"
        raise OSError(msg) from error
    slope = _slope(ctx, facts, "memory_bytes")
    growth = None if slope is None else slope * HOUR_S / _MB
    rule = f"warning above {limits.memory_warn_mb:g} MB, or growing by {limits.memory_growth_warn_mb_h:g} MB an hour"
    value = size(held) + ("" if growth is None else f", {growth:+.1f} MB an hour")
    over = held > limits.memory_warn_mb * _MB or (growth is not None and growth > limits.memory_growth_warn_mb_h)
    advice = "Restart Metronome; if it grows again, report it with the log." if over else ""
    figures = {"memory_bytes": held} | ({} if growth is None else {"memory_growth_mb_h": round(growth, 3)})
    return Finding(Verdict.WARNING if over else Verdict.OK, value, rule, advice, figures)


def handles(ctx: TaskContext, facts: Facts) -> Finding:
    """How many handles and threads this process holds, and whether they grow."""
    import psutil

    limits = ctx.settings.health
    try:
        process: Any = psutil.Process()
        # Windows counts handles of all kinds, other systems open files.
        opened = float(process.num_handles() if hasattr(process, "num_handles") else process.num_fds())
        threads = process.num_threads()
    except psutil.Error as error:
        msg = f"the system does not tell the handles of this process ({error})"
        raise OSError(msg) from error
    slope = _slope(ctx, facts, "handles")
    growth = None if slope is None else slope * HOUR_S
    rule = f"warning above {limits.handles_warn:,} handles, or growing by {limits.handles_growth_warn_h:g} an hour"
    value = f"{count(int(opened), 'handle')}, {count(threads, 'thread')}"
    value += "" if growth is None else f", {growth:+.1f} an hour"
    over = opened > limits.handles_warn or (growth is not None and growth > limits.handles_growth_warn_h)
    advice = "Restart Metronome; if they grow again, report it with the log." if over else ""
    figures = {"handles": opened, "threads": float(threads)}
    return Finding(Verdict.WARNING if over else Verdict.OK, value, rule, advice, figures)


def _slope(ctx: TaskContext, facts: Facts, name: str) -> float | None:
    """Growth a second of a figure of this process over the last day; None while it is too young."""
    trend: Trend = facts.get("trend") or Trend()
    return trend.slope(name, ctx.clock.now().timestamp(), DAY_S, _SETTLED_S, process_start())


def clock(ctx: TaskContext, _facts: Facts) -> Finding:
    """Whether this computer's clock agrees with the server's, and which change of the clocks is near."""
    limit = ctx.settings.health.clock_offset_warn_s
    rule = f"warning when this computer's clock is more than {limit:g} s behind the trade server's"
    now = ctx.clock.now()
    notes = _changes(ctx, now)
    newest = _newest_age_s(ctx)
    if newest is None:
        return not_judged("; ".join(("not compared: no fresh quote", *notes)), rule)
    if newest < 0:
        told = f"{seconds(-newest)} behind the server's clock at least"
    else:
        told = f"agrees with the server's within {seconds(newest)}"
    figures = {"newest_quote_age_s": round(newest, 3)}
    value = "; ".join((told, *notes))
    if -newest <= limit:
        return Finding(Verdict.OK, value, rule, figures=figures)
    advice = "Let the system set this computer's clock, or check terminal.server_time."
    return Finding(Verdict.WARNING, value, rule, advice, figures)


def _newest_age_s(ctx: TaskContext) -> float | None:
    """Seconds since the newest quote of a few symbols, negative when it is from the future; None when none is fresh."""
    if not ctx.terminal.status.connected or not ctx.terminal.server_time_known:
        return None
    names = SymbolNames(ctx.terminal, ctx.storage, ctx.clock)
    ages = []
    for symbol in ctx.settings.market.watch_list[:_ASKED]:
        try:
            tick = ctx.terminal.snapshot(names.broker_name(symbol)).tick
        except UnknownSymbol:
            continue
        except MetronomeError:
            break  # it does not answer: asking for more would only wait
        if tick is not None:
            ages.append((ctx.clock.now() - tick.time).total_seconds())
    newest = min(ages, default=None)
    return None if newest is None or newest > ctx.settings.market.max_tick_age_s else newest


def _changes(ctx: TaskContext, now: datetime) -> list[str]:
    """Changes of the server's and this computer's clock in the next days, in words."""
    rule: ServerTimeRule = ctx.terminal.server_rule
    told = []
    for whose, offset in (
        ("the server's clock", lambda moment: float(rule.offset_s(moment))),
        ("this computer's clock", _local_offset_s),
    ):
        change = _next_change(now, offset)
        if change is not None:
            at, moved = change
            told.append(f"{whose} {'goes forward' if moved > 0 else 'goes back'} on {at:%Y-%m-%d %H:%M} UTC")
    return told


def _local_offset_s(moment: datetime) -> float:
    offset = moment.astimezone().utcoffset()
    return offset.total_seconds() if offset is not None else 0.0


def _next_change(now: datetime, offset: Any) -> tuple[datetime, float] | None:
    """The next hour from which an offset is another one, and by how many seconds; None when none is near."""
    begin = now.replace(minute=0, second=0, microsecond=0)
    before, end = offset(begin), begin + _AHEAD
    if offset(end) == before:
        return None
    low, high = 0, int(_AHEAD.total_seconds() // HOUR_S)
    while high - low > 1:
        middle = (low + high) // 2
        if offset(begin + timedelta(hours=middle)) == before:
            low = middle
        else:
            high = middle
    at = begin + timedelta(hours=high)
    return at, offset(at) - before


def upkeep(ctx: TaskContext, _facts: Facts) -> Finding:
    """Whether a clean-up waits for the user's word."""
    rule = "warning while a clean-up asks before it deletes"
    asked: list[str] = []
    remedies: list[Remedy] = []
    looked = 0
    for task, remedy in _CLEANUPS.items():
        memory_of = clock_guard.recall(ctx.storage, task)
        looked += memory_of is not None
        if memory_of is not None and memory_of.asked:
            remedies.append(remedy)
            asked.append(f"{task} since {str(memory_of.asked.get('since'))[:10]}: {memory_of.asked.get('reason')}")
    if not looked:
        return not_judged("no clean-up ran yet", rule)
    if not asked:
        return Finding(Verdict.OK, "nothing is asked", rule)
    advice = "Look at the clock and at the list of the run; when both are right, run the task with Confirm."
    return Finding(Verdict.WARNING, " ".join(asked), rule, advice, remedies=tuple(remedies))


def versions(_ctx: TaskContext, _facts: Facts) -> Finding:
    """What Metronome is made of, for a report of trouble."""
    found = [f"Metronome {_version('metronome') or 'from source'}", f"Python {platform.python_version()}"]
    found += [f"{name} {version}" for name in _SHOWN if (version := _version(name))]
    return Finding(Verdict.OK, ", ".join(found), "told only")


@cache
def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def days_left(free: float, growth_per_day: float | None) -> float | None:
    """After how many days the disk is full at this pace; None when it does not fill."""
    return free / growth_per_day if growth_per_day is not None and growth_per_day > 0 else None


def filling(ctx: TaskContext, facts: Facts) -> float | None:
    """Bytes a day by which the disk of the home fills, over the last week; None before there is a day of checks."""
    trend: Trend = facts.get("trend") or Trend()
    slope = trend.slope("free_bytes", ctx.clock.now().timestamp(), 7 * DAY_S, DAY_S)
    return None if slope is None else -slope * DAY_S
