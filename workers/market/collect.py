"""One pass over the watch list: quotes to the day's file, closed bars to the history."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from app.errors import Blocked, Cancelled, MetronomeError, NothingToDo, Retryable
from app.files import StorageError, quarantine
from app.paths import safe_name
from app.tasks import TaskContext
from app.terminal.errors import UnknownSymbol
from app.terminal.server_memory import Learned, ServerMemory
from app.terminal.server_time import ServerTimeRule
from app.terminal.symbols import SymbolNames
from app.terminal.timeframes import DAY
from app.terminal.values import TIMEFRAMES
from workers.market import bar_history, bar_source
from workers.market.care import Cared, Caretaker, Job
from workers.market.hours import market_open, standing_still, told_still
from workers.market.missed import bars_between
from workers.market.quotes import Quality, Quote, quote_of
from workers.market.server_clock import keep_server_clock

#: Two default periods of the task: a bar that closed longer ago was missed by the pass that should have stored it.
_MISSED_AFTER_S: Final = 600.0

#: A quote so far ahead does not come from this computer's clock alone: clocks of servers differ by half hours.
_OTHER_CLOCK_S: Final = 900.0

_SATURDAY: Final = 5
#: Up to so many symbols are asked for the ticks of the day, which costs a second call each.
_FEW: Final = 100

_CLOCK_UNKNOWN: Final = (
    "The clock of the trade server {server} is not known yet: {why} Quotes were collected, but no bars were stored, "
    "since their times could be hours off; the next pass looks again. Put a currency pair or a symbol that is quoted "
    "around the clock on the watch list, or set terminal.server_time."
)

#: What to do about a quote that is not merely old.
_ADVICE: Final = {
    Quality.ZERO: "Open the symbol in the terminal's Market Watch and wait for a quote.",
    Quality.CROSSED: "Wait for the next quote; if it stays so, ask the broker.",
    Quality.AHEAD: "Check the clock of this computer and the setting terminal.server_time.",
}


class BarCounts(NamedTuple):
    """Bars of one symbol in one pass: appended, of those back-filled; left out because they are broken, or because they
    close later than now.
    """

    appended: int = 0
    healed: int = 0
    rejected: int = 0
    ahead: int = 0

    def plus(self, other: BarCounts) -> BarCounts:
        """Both together."""
        return BarCounts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class SymbolOutcome:
    """What came of one symbol: a quote and its bars, or the error that cost it.

    Attributes:
        symbol: The user's name.
        broker_name: The broker's.
        written: Timeframes whose history got new bars.
        waiting: Timeframes whose bars the terminal could not give yet, with its reason.
    """

    symbol: str
    broker_name: str = ""
    digits: int = 0
    quote: Quote | None = None
    bars: BarCounts = field(default_factory=BarCounts)
    written: tuple[str, ...] = ()
    waiting: tuple[tuple[str, MetronomeError], ...] = ()
    error: MetronomeError | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """What came of a pass.

    Attributes:
        clock: What is known of the server's clock; None when the settings name it.
        cared: The histories that were healed and graded in this pass.
        grades: The grades of all histories of these symbols, by symbol and timeframe (``EURUSD M5``).
    """

    outcomes: tuple[SymbolOutcome, ...]
    clock: Learned | None
    cared: list[Cared]
    grades: dict[str, str]


def collect(ctx: TaskContext, symbols: tuple[str, ...]) -> Pass:
    """Collect these symbols; a bad one never costs the others.

    Raises:
        NothingToDo: there are no symbols.
        Blocked: the terminal went away before anything was collected.
        StorageError: the disk is full; that is no trouble of a symbol.
        MetronomeError: not one symbol could be collected; the first error, of its own class.
        Cancelled: the run was asked to stop.
    """
    if not symbols:
        raise NothingToDo(
            "The watch list is empty, so there is nothing to collect.", advice="Add symbols under Settings, Market."
        )
    names = SymbolNames(ctx.terminal, ctx.storage, ctx.clock)
    # First of all: bars that are stored with a wrong clock cannot be mended later.
    before = ServerMemory(ctx.storage).of(names.server) if names.server else None
    clock = keep_server_clock(ctx, names, symbols)
    unsure = clock is not None and not clock.sure
    if clock is not None and unsure:
        ctx.warn(_CLOCK_UNKNOWN.format(server=names.server, why=_why_unsure(clock)))
    outcomes: list[SymbolOutcome] = []
    for number, symbol in enumerate(symbols):
        ctx.progress(number, len(symbols), symbol)
        try:
            outcomes.append(_collect_one(ctx, names, symbol, few=len(symbols) <= _FEW, before=before, unsure=unsure))
        except Cancelled:
            raise
        except StorageError as error:
            if error.full:
                raise
            outcomes.append(SymbolOutcome(symbol, error=error))
        except Blocked as error:
            # The terminal is gone: asking for the rest would only wait for nothing.
            outcomes += [SymbolOutcome(name, error=error) for name in symbols[number:]]
            break
        except MetronomeError as error:
            outcomes.append(SymbolOutcome(symbol, error=error))
    ctx.progress(len(symbols), len(symbols))
    _refuse_nothing(outcomes)
    for outcome in outcomes:
        _warn(ctx, outcome)
    quotes = [outcome.quote for outcome in outcomes if outcome.quote is not None]
    if still := standing_still(quotes, ctx.settings.market.max_tick_age_s):
        ctx.warn(told_still(still))
    cared, grades = _care(ctx, outcomes)
    return Pass(tuple(outcomes), clock, cared, grades)


def _care(ctx: TaskContext, outcomes: list[SymbolOutcome]) -> tuple[list[Cared], dict[str, str]]:
    """Heal and grade what was written to, or has no grade yet."""
    caretaker, frames = Caretaker(ctx), ctx.settings.market.timeframes
    collected = [outcome for outcome in outcomes if outcome.quote is not None]
    jobs = [
        Job(outcome.symbol, outcome.broker_name, frame, outcome.digits, _stale_in_session(ctx, outcome))
        for outcome in collected
        for frame in frames
        if frame in outcome.written or not caretaker.known(outcome.symbol, frame)
    ]
    try:
        cared = caretaker.care([job for job in jobs if _has_history(ctx, job)])
    except Blocked as error:
        ctx.warn(f"The terminal went away before all histories were looked at. {error}")
        cared = []
    pairs = ((outcome.symbol, frame) for outcome in collected for frame in frames)
    return cared, {
        f"{symbol} {frame}": letter for symbol, frame in pairs if (letter := caretaker.letter(symbol, frame))
    }


def _has_history(ctx: TaskContext, job: Job) -> bool:
    return bar_history.bars_file(ctx.storage.paths.bars, job.symbol, job.timeframe).exists()


def _stale_in_session(ctx: TaskContext, outcome: SymbolOutcome) -> bool:
    """Whether the quote is old although the market is open, or may be."""
    if outcome.quote is None or outcome.quote.quality is not Quality.STALE:
        return False
    now = ctx.clock.now()
    is_open = market_open(outcome.symbol, now, ctx.settings.market.max_tick_age_s)
    if is_open is not None:
        return is_open
    return datetime.fromtimestamp(ctx.terminal.server_rule.to_server(now), UTC).weekday() < _SATURDAY


def _refuse_nothing(outcomes: list[SymbolOutcome]) -> None:
    """Raise the first error when not one symbol was collected."""
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors or len(errors) < len(outcomes):
        return
    first = errors[0]
    if len(outcomes) == 1 or isinstance(first, Blocked | StorageError):
        raise first
    raise type(first)(
        f"None of {len(outcomes)} symbols could be collected; {outcomes[0].symbol}: {first.message}",
        advice=first.advice,
    )


def _warn(ctx: TaskContext, outcome: SymbolOutcome) -> None:
    quote = outcome.quote
    if outcome.error is not None:
        ctx.warn(f"{outcome.symbol} was not collected: {outcome.error}")
    elif quote is not None and (advice := _ADVICE.get(quote.quality)) and not _by_unknown_clock(quote):
        kept = "" if _times_are_right(quote) else "Its bars were not stored. "
        ctx.warn(
            f"The quote of {outcome.symbol} is {quote.quality} (bid {quote.bid:g}, ask {quote.ask:g}). {kept}{advice}"
        )
    for timeframe, reason in outcome.waiting:
        ctx.warn(f"The {timeframe} bars of {outcome.symbol} were not collected, the next pass asks again: {reason}")
    if outcome.bars.ahead:
        ctx.warn(
            f"{outcome.bars.ahead} bars of {outcome.symbol} close later than now and were not stored. Check the clock "
            "of this computer and the setting terminal.server_time."
        )
    if outcome.bars.rejected:
        ctx.warn(
            f"{outcome.bars.rejected} bars of {outcome.symbol} have impossible prices and were left out. "
            "Download the symbol's history in the terminal anew."
        )


def _by_unknown_clock(quote: Quote) -> bool:
    """Whether it is ahead of a clock that nobody knows: that is told once for all symbols."""
    return quote.quality is Quality.AHEAD and not quote.clock_known


def _collect_one(
    ctx: TaskContext, names: SymbolNames, symbol: str, *, few: bool, before: Learned | None, unsure: bool
) -> SymbolOutcome:
    broker_name = names.broker_name(symbol)
    try:
        found = ctx.terminal.snapshot(broker_name)
    except UnknownSymbol:
        raise names.refusal(symbol) from None
    now = ctx.clock.now()
    ticks = _ticks_of_the_day(ctx, broker_name) if few and found.day.volume is None else None
    quote = quote_of(symbol, found, now, ctx.settings.market.max_tick_age_s, ticks)
    if names.server and (unsure or not ctx.terminal.server_time_known):
        quote = replace(quote, clock_known=False)
    path = ctx.storage.paths.market_data / f"{safe_name(symbol)}_{now:%Y%m%d}.json"
    head = {"symbol": symbol, "date": f"{now:%Y-%m-%d}", "point": found.info.point}
    ctx.storage.append_json_item(path, quote.as_entry(), head=head, durable=False)
    ctx.wrote(path)
    counts, written, waiting = BarCounts(), [], []
    source = bar_source.Source.present(ctx, symbol, broker_name)
    # Bars that are stored by a clock that nothing speaks for could be hours off for good.
    for timeframe in ctx.settings.market.timeframes if _times_are_right(quote) else ():
        ctx.check_cancelled()
        series = _Series(symbol, broker_name, found.info.digits, timeframe, _known_until(quote))
        try:
            added = _append_bars(ctx, series, source, before)
        except Retryable as error:
            waiting.append((timeframe, error))  # its history loads; the quote is good without
            continue
        counts = counts.plus(added)
        if added.appended:
            written.append(timeframe)
    return SymbolOutcome(symbol, broker_name, found.info.digits, quote, counts, tuple(written), tuple(waiting))


def _why_unsure(clock: Learned) -> str:
    if clock.assumed:
        return f"neither bars nor live quotes tell it, and {clock.rule} is merely the usual one."
    return f"{clock.evidence.rstrip('.')}, and live quotes do not confirm it yet."


def _times_are_right(quote: Quote) -> bool:
    """Whether bars may be stored: the server's clock is known, and no quote shows that it is another one."""
    return quote.clock_known and (quote.age_s is None or quote.age_s > -_OTHER_CLOCK_S)


def _ticks_of_the_day(ctx: TaskContext, broker_name: str) -> int | None:
    """The tick volume of the server's day so far: all that brokers of currencies tell of volume."""
    try:
        bars = ctx.terminal.rates(broker_name, "D1", 1)
    except (Blocked, Cancelled):
        raise
    except MetronomeError:
        return None  # its history loads; the quote is good without
    return int(bars.rates["tick_volume"][-1]) if len(bars) and bars.forming else None


def _known_until(quote: Quote) -> datetime:
    """Up to when the feed is known to have told all: the bar in which it stopped may lack its end."""
    return quote.time if quote.quality is Quality.STALE and quote.time else quote.taken


class _Series(NamedTuple):
    """The bars that one history is to hold; ``known_until``: see ``_known_until``."""

    symbol: str
    broker_name: str
    digits: int
    timeframe: str
    known_until: datetime


def _append_bars(ctx: TaskContext, series: _Series, source: bar_source.Source, before: Learned | None) -> BarCounts:
    """Append the closed bars that are newer than the last stored one, from the terminal's history if need be."""
    symbol, broker_name, digits, timeframe, known_until = series
    path = bar_history.bars_file(ctx.storage.paths.bars, symbol, timeframe)
    last = _last_of(ctx, path, source, before)
    now, seconds = ctx.clock.now(), TIMEFRAMES[timeframe].seconds
    if last is None:
        # One more than asked for: the newest is the forming bar.
        pieces = [ctx.terminal.rates(broker_name, timeframe, ctx.settings.market.history_bars + 1)]
    elif bar_history.may_have_closed(last, seconds, now):
        pieces = bars_between(ctx, broker_name, timeframe, last + timedelta(seconds=1), now)
    else:
        return BarCounts()
    counts = BarCounts()
    for bars in pieces:
        if ctx.terminal.server_rule.name != source.clock:
            ctx.log.info("the server's clock changed meanwhile: the bars of %s wait for the next pass", symbol)
            break
        candidates = bar_history.newer_than(bars.closed().rates, last)
        if len(candidates) and 0 <= known_until.timestamp() - int(candidates["time"][-1]) < seconds:
            candidates = candidates[:-1]
        candidates, ahead = bar_history.closed_by(candidates, seconds, now)
        fresh = bar_history.sound(candidates)
        if len(fresh):
            if last is None:
                # Before the bars: a history without its source would be taken for one of whatever comes next.
                bar_source.note(ctx.storage, path, source)
            ctx.storage.append_csv(path, bar_history.HEADER, bar_history.rows_of(fresh, digits))
            ctx.wrote(path)
        missed_before = int(now.timestamp() - _MISSED_AFTER_S - seconds)
        healed = int((fresh["time"] < missed_before).sum()) if last is not None else 0
        counts = counts.plus(BarCounts(len(fresh), healed, len(candidates) - len(fresh), ahead))
    return counts


def _last_of(ctx: TaskContext, path: Path, source: bar_source.Source, before: Learned | None) -> datetime | None:
    """The newest stored bar of this source; None when its history is to be begun.

    A history of another source or clock and a damaged one of ours are moved aside with a warning. One whose source
    nobody has noted is taken for one of the present source, one whose clock nobody has noted for one of that which was
    believed ``before`` this pass.

    Raises:
        StorageError: a file cannot be read, moved or written.
        UserAction: the file is not ours, or its side file is of a newer Metronome.
    """
    if not path.exists():
        return None
    known = bar_source.read(ctx.storage, path)
    if known is not None and known.differs(source):
        aside = bar_source.move_aside(path, known, ctx.clock)
        ctx.warn(
            f"The bars in {path.name} are of {known}, the terminal now shows {source}. "
            f"They were kept as {aside.name} and a new history was begun; nothing needs to be done."
        )
        return None
    try:
        last = bar_history.last_stored(path)
    except bar_history.DamagedHistory as damage:
        if known is None and not damage.ours:
            raise
        aside = quarantine(path, ctx.clock)
        ctx.warn(
            f"The bar history {path.name} is damaged: no line at its end is a bar. It was kept as {aside.name} and a "
            "new one was begun from the terminal's history. Check the disk if it happens again."
        )
        return None
    if last is None:
        return None
    if known is not None and not known.imported:
        clock = known.clock or (before.rule if before is not None and ctx.terminal.server_time_automatic else "")
        if clock and not _same_clock(path, last, clock, source.clock):
            aside = bar_source.move_aside(path, known, ctx.clock)
            ctx.warn(
                f"The times of the bars in {path.name} became UTC by the clock {clock}, but the server's clock is "
                f"{source.clock}. They were kept as {aside.name} and a new history was begun from the terminal's; "
                "nothing needs to be done."
            )
            return None
    if known is None or (known.clock != source.clock and not known.imported):
        bar_source.note(ctx.storage, path, source)
    return last


def _same_clock(path: Path, last: datetime, one: str, other: str) -> bool:
    """Whether both rules give the stored bars the same times."""
    if one == other:
        return True
    first = bar_history.first_stored(path) or last
    try:
        rules = ServerTimeRule(one), ServerTimeRule(other)
    except MetronomeError:
        return False  # somebody changed the side file
    days = np.arange(int(min(first, last).timestamp()), int(last.timestamp()) + 1, DAY // 2, dtype=np.int64)
    return np.array_equal(rules[0].times_to_server(days), rules[1].times_to_server(days))
