"""The single checks. Each looks at one thing and gives a verdict with the value, the rule and what to do.

None of them starts or connects anything: they report what is.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Final

from app.errors import Blocked, Cancelled, MetronomeError
from app.tasks import TaskContext
from app.terminal.call_words import asked_for
from app.terminal.errors import TerminalBusy, UnknownSymbol
from app.terminal.symbols import SymbolNames
from app.terminal.values import SessionState, SessionStatus
from workers.health import calendar_head, own_checks
from workers.health.data_check import bars
from workers.health.finding import CheckFunction as CheckFunction
from workers.health.finding import Facts as Facts
from workers.health.finding import Finding as Finding
from workers.health.finding import Remedy as Remedy
from workers.health.finding import Verdict as Verdict
from workers.health.finding import not_judged, span
from workers.health.history_check import history
from workers.market.hours import standing_still, told_still
from workers.market.quotes import quote_of
from workers.news import opml
from workers.news import state as feed_states
from workers.wording import count, seconds, size

_GB, _MB = 1e9, 1e6
_NAMED: Final = 3
#: Further ahead nobody can tell.
_TOLD_DAYS: Final = 3650
#: So many symbols are asked for their quote.
_QUOTES: Final = 20
_NOT_FETCHED: Final = "not fetched yet"
_FETCH: Final = (Remedy.FETCH_NEWS,)


def terminal(ctx: TaskContext, _facts: Facts) -> Finding:
    """Whether the terminal is connected, and how fast it answers."""
    status = ctx.terminal.look()
    words = "not connected" if status.state is SessionState.DISCONNECTED else str(status.state).replace("_", " ")
    kind = "simulated" if status.simulated else status.account_kind
    ping = f", ping {status.ping_ms:.0f} ms" if status.connected and status.ping_ms is not None else ""
    where = f" to {status.server}" if status.connected and status.server else ""
    trading = "" if status.trade_allowed is None else f", AutoTrading {'on' if status.trade_allowed else 'off'}"
    value = f"{words}{where}{f' ({kind})' if kind else ''}{ping}{trading if status.connected else ''}"
    limits = ctx.settings.health
    rule = (
        f"warning while connecting, with a ping above {limits.ping_warn_ms:g} ms, or when a call held the window for "
        f"more than {limits.terminal_hold_warn_ms:g} ms; error without a connection"
    )
    if status.connected:
        return _connected(ctx, status, value, rule)
    reason = f"{value}: {status.reason}" if status.reason else value
    if status.state is SessionState.CONNECTING:
        return Finding(Verdict.WARNING, reason, rule, "Wait for the connection.")
    advice = status.advice or "Start MetaTrader 5 and log in."
    hangs = status.state is SessionState.NOT_ANSWERING and status.host == "in_process"
    remedies = (Remedy.RECONNECT, Remedy.HOST_CHILD) if hangs else (Remedy.RECONNECT,)
    return Finding(Verdict.ERROR, reason, rule, advice, remedies=remedies)


def _connected(ctx: TaskContext, status: SessionStatus, value: str, rule: str) -> Finding:
    limits, ping = ctx.settings.health, status.ping_ms
    figures = {} if ping is None else {"ping_ms": float(ping)}
    held = [call for call in ctx.terminal.long_calls() if call.held]
    worst = max(held, key=lambda call: call.seconds, default=None)
    if worst is not None and status.host == "in_process" and worst.seconds * 1000 > limits.terminal_hold_warn_ms:
        found = f"{value}; asking for {asked_for(worst.name)} held the window for {worst.seconds:.1f} s"
        advice = "Set terminal.host to child: then no call can hold the window."
        figures["held_ms"] = worst.seconds * 1000
        return Finding(Verdict.WARNING, found, rule, advice, figures, (Remedy.HOST_CHILD,))
    if ping is None or ping <= limits.ping_warn_ms:
        return Finding(Verdict.OK, value, rule, figures=figures)
    advice = "Look at the network, or choose a nearer access point in MetaTrader 5 (click on its connection status)."
    return Finding(Verdict.WARNING, value, rule, advice, figures)


def quotes(ctx: TaskContext, _facts: Facts) -> Finding:
    """Whether the quotes of the watch list move while their markets are open."""
    limit = ctx.settings.market.max_tick_age_s
    rule = f"warning when a quote is older than {limit:g} s while its market is open"
    if not ctx.terminal.status.connected:
        return not_judged("not looked at: the terminal is not connected", rule)
    if not ctx.terminal.server_time_known:
        return not_judged("the server's clock is not known yet", rule)
    names, found = SymbolNames(ctx.terminal, ctx.storage, ctx.clock), []
    for symbol in ctx.settings.market.watch_list[:_QUOTES]:
        try:
            seen = ctx.terminal.snapshot(names.broker_name(symbol))
        except Blocked:
            return not_judged("not looked at: the terminal went away", rule)
        except (TerminalBusy, UnknownSymbol):
            continue  # the collection tells
        found.append(quote_of(symbol, seen, ctx.clock.now(), limit))
    # The age of the last tick of each symbol; oldest first, since those are the ones to look at.
    ages = {quote.symbol: quote.age_s for quote in found if quote.age_s is not None}
    oldest = sorted(ages, key=lambda symbol: -ages[symbol])[:_NAMED]
    told = f"; oldest: {', '.join(f'{symbol} {seconds(ages[symbol])}' for symbol in oldest)}" if oldest else ""
    figures = {f"tick_age_s.{symbol}": round(age, 3) for symbol, age in ages.items()}
    if still := standing_still(found, limit):
        value = f"{len(still)} of {count(len(found), 'quote')} stand still although the market is open"
        return Finding(Verdict.WARNING, value + told, rule, told_still(still), figures)
    if not found:
        return not_judged("no symbol of the watch list has a quote", rule)
    fresh = sum(quote.fresh for quote in found)
    return Finding(Verdict.OK, f"{fresh} of {count(len(found), 'quote')} fresh{told}", rule, figures=figures)


def disk(ctx: TaskContext, facts: Facts) -> Finding:
    """Whether there is room for what is written, and for how long."""
    limits = ctx.settings.health
    free = ctx.storage.free_bytes()
    pace = own_checks.filling(ctx, facts)
    left = own_checks.days_left(free, pace)
    rule = (
        f"warning below {limits.disk_warn_gb:g} GB free or {limits.disk_warn_days:g} days left at the pace of the last "
        f"week, error below {limits.disk_error_gb:g} GB"
    )
    value = f"{size(free)} free"
    figures = {"free_bytes": float(free)}
    if pace is not None:
        value += f", {size(pace)} more used a day" if pace > 0 else ", not filling"
        figures["fills_bytes_day"] = round(pace)
    if left is not None and left < _TOLD_DAYS:
        value += f", {left:.0f} days left"
        figures["days_left"] = round(left, 1)
    short = left is not None and left < limits.disk_warn_days
    if not short and free >= limits.disk_warn_gb * _GB and free >= limits.disk_error_gb * _GB:
        return Finding(Verdict.OK, value, rule, figures=figures)
    verdict = Verdict.ERROR if free < limits.disk_error_gb * _GB else Verdict.WARNING
    advice = f"Free some space on the disk of {ctx.storage.paths.home}."
    return Finding(verdict, value, rule, advice, figures, (Remedy.OPEN_HOME, Remedy.CLEAN_CACHE))


def logs(ctx: TaskContext, _facts: Facts) -> Finding:
    """How much the logs take."""
    limit = ctx.settings.health.log_warn_mb
    advice = "Run Clean up old logs, or keep fewer (Settings, Log)."
    used = ctx.storage.folder_size(ctx.storage.paths.logs)
    return _folder("logs_bytes", used, limit, advice, (Remedy.CLEAN_LOGS, Remedy.OPEN_LOGS))


def cache(ctx: TaskContext, _facts: Facts) -> Finding:
    """How much the cache takes."""
    limit = ctx.settings.health.cache_warn_mb
    advice = "Run Clean up the cache, with fewer days to keep if need be."
    used = ctx.storage.folder_size(ctx.storage.paths.cache)
    return _folder("cache_bytes", used, limit, advice, (Remedy.CLEAN_CACHE, Remedy.OPEN_CACHE))


def _folder(name: str, used: int, limit_mb: float, advice: str, remedies: tuple[Remedy, ...]) -> Finding:
    rule, figures = f"warning above {limit_mb:g} MB", {name: float(used)}
    if used <= limit_mb * _MB:
        return Finding(Verdict.OK, size(used), rule, figures=figures)
    return Finding(Verdict.WARNING, size(used), rule, advice, figures, remedies)


def scheduler(ctx: TaskContext, facts: Facts) -> Finding:
    """Whether the timetable keeps time."""
    limits, timetable = ctx.settings.health, facts["timetable"]
    rule = (
        f"error when the last heartbeat is older than {limits.heartbeat_warn_s:g} s; warning when runs start more than "
        f"{limits.lateness_warn_s:g} s late (99th percentile), when a schedule cannot be used, or while paused"
    )
    if not timetable["heartbeat"]:
        return not_judged("not keeping time in this process (a single run)", rule)
    age = max(0.0, (ctx.clock.now() - datetime.fromisoformat(timetable["heartbeat"])).total_seconds())
    late = timetable["lateness_p99_s"]
    lateness = f", starts up to {late * 1000:.0f} ms late" if late is not None else ""
    value = f"heartbeat {seconds(age)} ago, {count(timetable['jobs'], 'task')} scheduled{lateness}"
    if age > limits.heartbeat_warn_s:
        return Finding(Verdict.ERROR, value, rule, "Restart Metronome; if it happens again, report it with the log.")
    if timetable["paused"]:
        advice = "Resume the timetable when work should go on."
        return Finding(Verdict.WARNING, f"paused; {value}", rule, advice, remedies=(Remedy.RESUME,))
    if problems := timetable.get("problems"):
        return Finding(Verdict.WARNING, f"{value}; {' '.join(problems)}", rule, "Edit the schedule on the Tasks page.")
    if late is not None and late > limits.lateness_warn_s:
        advice = "Widen the queues (Settings, Queues) or spread the schedules."
        return Finding(Verdict.WARNING, value, rule, advice, {"lateness_p99_s": late})
    return Finding(Verdict.OK, value, rule, figures={} if late is None else {"lateness_p99_s": late})


def lanes(ctx: TaskContext, facts: Facts) -> Finding:
    """Whether the queues move."""
    limit = ctx.settings.health.queue_wait_warn_s
    rule = f"error with a stuck thread; warning when a run waits longer than {limit:g} s"
    stuck = [f"{item['task']} since {item['since']}" for lane in facts["lanes"] for item in lane["stuck"]]
    running = sum(lane["running"] for lane in facts["lanes"])
    queued = sum(lane["queued"] for lane in facts["lanes"])
    oldest = max((lane["oldest_wait_s"] or 0.0 for lane in facts["lanes"]), default=0.0)
    value = f"{running} running, {queued} queued" + (f", oldest waits {seconds(oldest)}" if queued else "")
    if stuck:
        return Finding(
            Verdict.ERROR,
            f"{value}, {count(len(stuck), 'stuck thread')}: {'; '.join(stuck)}",
            rule,
            "Work goes on in another thread; restart Metronome to be rid of the stuck one.",
        )
    figures = {"running": float(running), "queued": float(queued), "oldest_wait_s": float(oldest)}
    if oldest > limit:
        advice = "Widen the queue (Settings, Queues) or cancel what takes long."
        return Finding(Verdict.WARNING, value, rule, advice, figures)
    return Finding(Verdict.OK, value, rule, figures=figures)


def feeds(ctx: TaskContext, _facts: Facts) -> Finding:
    """Whether the enabled news feeds answer, by what their last fetch left."""
    limits, path = ctx.settings.health, ctx.storage.paths.feeds_file
    rule = (
        f"warning when more than {limits.feeds_failing_warn:.0%} of the feeds failed at their last try, or none was "
        f"read for {span(limits.feeds_age_warn_s)}; error when every one failed"
    )
    enabled = [feed for feed in opml.load(path) if feed.enabled] if path.exists() else []
    states = feed_states.load(ctx.storage) if enabled else {}
    tried = [state for feed in enabled if (state := states.get(feed.address)) is not None and state.last_try]
    if not tried:
        return not_judged("no feed is enabled" if path.exists() and not enabled else _NOT_FETCHED, rule)
    failing = [state for state in tried if state.problem]
    last = max((state.last_success for state in tried if state.last_success), default=None)
    age = _age_s(ctx, last)
    value = f"{len(tried) - len(failing):,} of {count(len(tried), 'feed')} answered in time"
    if failing:
        more = f" and {len(failing) - _NAMED:,} more" if len(failing) > _NAMED else ""
        value += f"; failing: {', '.join(state.title for state in failing[:_NAMED])}{more}"
    value += f"; last read {seconds(age)} ago" if age is not None else "; none was ever read"
    if len(failing) == len(tried):
        advice = failing[0].advice or "Check the connection to the internet."
        return Finding(Verdict.ERROR, value, rule, advice, remedies=_FETCH)
    if len(failing) > limits.feeds_failing_warn * len(tried):
        advice = "The News page says why; correct or disable those that stay away."
        return Finding(Verdict.WARNING, value, rule, advice, remedies=_FETCH)
    if age is None or age > limits.feeds_age_warn_s:
        advice = "See on the Tasks page why Collect RSS news does not run."
        return Finding(Verdict.WARNING, value, rule, advice, remedies=_FETCH)
    return Finding(Verdict.OK, value, rule)


def calendar(ctx: TaskContext, _facts: Facts) -> Finding:
    """How old the economic calendar is."""
    limit = ctx.settings.health.calendar_age_warn_s
    error_s = max(limit, ctx.settings.health.calendar_age_error_s)
    rule = (
        f"warning when the last good fetch is older than {span(limit)} or none ever succeeded; "
        f"error beyond {span(error_s)}"
    )
    sources = calendar_head.sources(ctx.storage)
    tried = [source for source in sources if source.attempted is not None]
    if not tried:
        return not_judged(_NOT_FETCHED, rule)
    newest = max(tried, key=lambda source: source.attempted or datetime.min.replace(tzinfo=UTC))
    age = _age_s(ctx, max((source.succeeded for source in sources if source.succeeded), default=None))
    value = f"last good fetch {seconds(age)} ago" if age is not None else "never fetched"
    if newest.problem:
        value += f"; the last try failed: {newest.problem}"
    if age is not None and age <= limit:
        return Finding(Verdict.OK, value, rule)
    verdict = Verdict.ERROR if age is not None and age > error_s else Verdict.WARNING
    advice = "Fetch it now; if it fails again, check calendar.sources (Settings, Calendar)."
    return Finding(verdict, value, rule, advice, remedies=(Remedy.FETCH_CALENDAR,))


def _age_s(ctx: TaskContext, moment: datetime | None) -> float | None:
    """Seconds since then; a time of a clock that was ahead counts as now."""
    return None if moment is None else max(0.0, (ctx.clock.now() - moment).total_seconds())


def window(ctx: TaskContext, facts: Facts) -> Finding:
    """Whether the window answers."""
    limit, lag = ctx.settings.health.terminal_hold_warn_ms, facts.get("window_lag_ms")
    rule = f"warning when the window was held longer than {limit:g} ms"
    if lag is None:
        return not_judged("no window in this process", rule)
    over = lag > limit
    value, figures = f"held {lag:.0f} ms at most", {"window_lag_ms": float(lag)}
    if not over:
        return Finding(Verdict.OK, value, rule, figures=figures)
    if ctx.terminal.status.host != "in_process":
        advice = "It was not the terminal, which has a process of its own: report it with the log if it happens again."
        return Finding(Verdict.WARNING, value, rule, advice, figures)
    advice = "Set terminal.host to child, so that a slow terminal cannot hold the window."
    return Finding(Verdict.WARNING, value, rule, advice, figures, (Remedy.HOST_CHILD,))


#: All checks in the order in which they are shown: name, title, function.
CHECKS: Final[tuple[tuple[str, str, CheckFunction], ...]] = (
    ("terminal", "Terminal", terminal),
    ("quotes", "Quotes", quotes),
    ("bars", "Bars", bars),
    ("scheduler", "Timetable", scheduler),
    ("lanes", "Queues", lanes),
    ("disk", "Disk", disk),
    ("logs", "Logs", logs),
    ("cache", "Cache", cache),
    ("history", "History of runs", history),
    ("feeds", "News feeds", feeds),
    ("calendar", "Calendar", calendar),
    ("memory", "Memory", own_checks.memory),
    ("handles", "Handles", own_checks.handles),
    ("window", "Window", window),
    ("clock", "Clock", own_checks.clock),
    ("upkeep", "Clean-up", own_checks.upkeep),
    ("versions", "Versions", own_checks.versions),
)


#: What a check may fail with, its own bugs among them; that it is asked to stop is none of these.
_FAILURES: Final = (
    MetronomeError,
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    sqlite3.Error,
)


def look(function: CheckFunction, ctx: TaskContext, facts: Facts) -> Finding:
    """Run one check; one that cannot be made is an error of itself, not of the others."""
    try:
        return function(ctx, facts)
    except Cancelled:
        raise
    except _FAILURES as error:
        ctx.log.exception("health check could not be made")
        return Finding(
            Verdict.ERROR,
            f"could not be checked: {type(error).__name__}: {error}",
            "the check itself must work",
            "Look into the log; report it if it happens again.",
        )
