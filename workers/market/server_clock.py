"""Keeps what is known of the trade server's clock up to date, and tells once when it changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from app.errors import Blocked, Cancelled, MetronomeError
from app.tasks import TaskContext
from app.terminal.server_inference import Finding, confidence_word, infer_from_bars
from app.terminal.server_memory import ASSUMED, SURE, Learned, ServerMemory
from app.terminal.server_time import ServerTimeRule, rule_for_offset
from app.terminal.symbol_likeness import suggestions
from app.terminal.symbols import SymbolNames
from app.terminal.timeframes import timeframe

#: A year and two weeks of trading. Half hours only tell a clock that is half an hour apart, so they come second.
_FRAMES: Final = (("H1", 6500), ("M30", 13_000))
#: Bars are asked again after this time: daily when the clock is known well, else with each hour of new bars.
_SURE_S, _UNSURE_S = 20 * 3600.0, 3600.0
_SURE: Final = 0.8
#: So many pairs are tried.
_TRIES: Final = 3
#: So many symbols are looked at for live quotes.
_QUOTES: Final = 20
#: Confidence in an offset that live quotes show, its clock changes assumed: the bars of these weeks are right.
_QUOTES_ONLY: Final = SURE
#: Of a rule for which bars speak so well, quotes that lag behind it are taken for old ones.
_WELL_FOUNDED: Final = 0.6
#: Looked for in the terminal when the watch list tells nothing; the last ones are quoted at weekends too.
_LIQUID: Final = ("EURUSD", "USDJPY", "GBPUSD", "XAUUSD", "BTCUSD", "ETHUSD")

_CURRENCIES: Final = frozenset(
    "EUR GBP USD JPY CHF AUD CAD NZD SEK NOK DKK SGD HKD ZAR MXN PLN CZK HUF TRY CNH".split()
)


def keep_server_clock(ctx: TaskContext, names: SymbolNames, symbols: Iterable[str]) -> Learned | None:
    """Learn the server's clock from bars of a currency pair and from live quotes when it is due; what is known now.

    The rule in force afterwards is in the session and in the file. A change of what was known of this server becomes
    a warning of the run, once. While nothing speaks for the rule (``Learned.assumed``) every pass looks again.

    Args:
        symbols: The user's names; when they tell nothing, liquid symbols that the terminal has are looked at too.

    Returns:
        None when the settings name the rule, or no server is known.

    Raises:
        StorageError: the file cannot be read or written.
        Blocked: the terminal went away.
        Cancelled: the run was asked to stop.
    """
    terminal, server = ctx.terminal, names.server
    if not server:
        return None
    memory, now = ServerMemory(ctx.storage), ctx.clock.now()
    known = memory.of(server)
    pause = _SURE_S if known is not None and known.confidence >= _SURE else _UNSURE_S
    automatic = terminal.server_time_automatic
    rests = known is not None and timedelta() <= now - known.checked < timedelta(seconds=pause)
    if known is not None and rests and not (automatic and _is_open(ctx, known)):
        return known if automatic else None
    finding = _look(ctx, [names.broker_name(symbol) for symbol in symbols])
    if not automatic:
        seen = finding if finding is not None and finding.rule else None
        rule, sure = (seen.rule, seen.confidence) if seen else (terminal.server_rule.name, ASSUMED)
        memory.keep(server, _with(known, rule, sure, seen.evidence if seen else "Named in the settings.", ctx))
        if known is None or known.rule != rule:
            _doubt_setting(ctx, seen)
        return None
    learned = _judged(ctx, known, finding)
    if learned.sure:
        terminal.adopt_server_time(learned.rule)
    memory.keep(server, learned)
    if known is not None and known.rule != learned.rule and learned.sure:
        _tell_change(ctx, server, known, learned)
    return learned


def _is_open(ctx: TaskContext, known: Learned) -> bool:
    """Whether there is something to judge before the pause is over."""
    terminal = ctx.terminal
    return not known.sure or known.rule != terminal.server_rule.name or terminal.server_time_disputed is not None


def is_currency_pair(symbol: str) -> bool:
    """Whether it trades from Sunday to Friday 17:00 New York: two currencies, as their names tell."""
    letters = "".join(letter for letter in symbol if letter.isalpha())[:6].upper()
    return letters[:3] in _CURRENCIES and letters[3:] in _CURRENCIES


def _look(ctx: TaskContext, watched: Sequence[str]) -> Finding | None:
    """What bars say, of the watched symbols or else of liquid ones; the session sees live quotes meanwhile."""
    finding = _look_at_bars(ctx, [name for name in watched if is_currency_pair(name)])
    if finding is not None and finding.rule and finding.confidence >= SURE:
        return finding
    _look_at_quotes(ctx, watched)
    others = [name for name in _liquid(ctx) if name not in watched]
    found = _look_at_bars(ctx, [name for name in others if is_currency_pair(name)])
    if found is None or found.confidence < SURE:
        _look_at_quotes(ctx, others)
    # Of two that tell little, the symbol that somebody watches counts.
    return max((one for one in (finding, found) if one is not None), key=lambda one: one.confidence, default=None)


def _liquid(ctx: TaskContext) -> list[str]:
    """The terminal's names of symbols that are always quoted; a likely name will do, since only its times are read."""
    try:
        listed = ctx.terminal.catalogue()
    except (Blocked, Cancelled):
        raise
    except MetronomeError as error:
        ctx.log.info("the terminal's symbols cannot be listed: %s", error)
        return []
    found: list[str] = []
    for wanted in _LIQUID:
        likely = (wanted,) if wanted in listed else suggestions(wanted, listed)[:1]
        found += likely
    return found


def _look_at_bars(ctx: TaskContext, pairs: Sequence[str]) -> Finding | None:
    """What the bars of the first of these that can be had say; None when none can be had now."""
    finding = None
    for name in pairs[:_TRIES]:
        try:
            ctx.terminal.snapshot(name)  # a live quote is evidence too
            for frame, count in _FRAMES:
                times = ctx.terminal.server_times(name, frame, count)
                finding = infer_from_bars(times, timeframe(frame).seconds)
                if finding.rule:
                    return finding
        except (Blocked, Cancelled):
            raise
        except MetronomeError as error:
            ctx.log.info("the bars of %s do not tell the server's clock: %s", name, error)
    return finding


def _look_at_quotes(ctx: TaskContext, symbols: Sequence[str]) -> None:
    """Let the session see the quotes of these, until they tell the server's clock."""
    for name in symbols[:_QUOTES]:
        if ctx.terminal.server_time_confirmed or ctx.terminal.server_time_disputed is not None:
            return
        ctx.check_cancelled()
        try:
            ctx.terminal.snapshot(name)
        except (Blocked, Cancelled):
            raise
        except MetronomeError as error:
            ctx.log.info("the quote of %s does not tell the server's clock: %s", name, error)


def _judged(ctx: TaskContext, known: Learned | None, finding: Finding | None) -> Learned:
    """What is to be believed after all that was seen."""
    terminal, now = ctx.terminal, ctx.clock.now()
    current, disputed = terminal.server_rule, terminal.server_time_disputed
    quoted = current.offset_s(now) if terminal.server_time_confirmed else disputed
    if finding is not None and finding.rule:
        # Of rules that the bars do not tell apart, the one in force stays: a short history must not change it.
        kept = finding.allows(current.name) and (
            terminal.server_time_known or _offset(finding.rule, ctx) == current.offset_s(now)
        )
        rule = current.name if kept else finding.rule
        weak = finding.confidence < SURE and (quoted is None or _offset(rule, ctx) != quoted)
        if weak and known is not None and known.sure and known.rule != rule:
            # A few weeks of bars that nothing confirms change no clock that was known better.
            ctx.log.info("the bars speak against the clock %s, but weakly: %s", known.rule, finding.evidence)
            return replace(known, checked=now)
        if quoted is None or _outweighs(finding, _offset(rule, ctx), quoted):
            return _from_bars(ctx, known, finding, rule)
        text = f"Live quotes are {quoted / 3600:+g} h from UTC, although in the bars {finding.evidence}"
        return _with(known, _quoted_rule(current, quoted, ctx), _QUOTES_ONLY, text, ctx)
    if quoted is not None and disputed is not None:
        # A feed that lags looks like another clock: a rule that bars spoke for is left to them.
        if known is not None and known.confidence >= _WELL_FOUNDED and quoted < current.offset_s(now):
            return replace(known, checked=now)
    elif known is not None and not known.assumed and (quoted is None or known.rule == current.name):
        return replace(known, checked=now)
    if quoted is not None:
        text = f"Live quotes are {quoted / 3600:+g} h from UTC; when the clock changes is assumed."
        return _with(known, _quoted_rule(current, quoted, ctx), _QUOTES_ONLY, text, ctx)
    return _with(known, current.name, ASSUMED, "Assumed: neither bars nor live quotes tell yet.", ctx)


def _outweighs(finding: Finding, offset: int, quoted: int) -> bool:
    """Whether bars are believed: quotes agree, or lag behind what several weekends in the bars say."""
    return offset == quoted or (finding.confidence >= _WELL_FOUNDED and quoted < offset)


def _from_bars(ctx: TaskContext, known: Learned | None, finding: Finding, rule: str) -> Learned:
    terminal = ctx.terminal
    agree = terminal.server_time_confirmed and _offset(rule, ctx) == terminal.server_rule.offset_s(ctx.clock.now())
    confidence = max(finding.confidence, _QUOTES_ONLY if agree else 0.0)
    if known is not None and known.rule == rule:
        confidence = max(confidence, known.confidence)
    return _with(known, rule, confidence, finding.evidence + (" Live quotes agree." if agree else ""), ctx)


def _quoted_rule(current: ServerTimeRule, quoted: int, ctx: TaskContext) -> str:
    now = ctx.clock.now()
    return current.name if current.offset_s(now) == quoted else rule_for_offset(quoted, now).name


def _with(known: Learned | None, rule: str, confidence: float, evidence: str, ctx: TaskContext) -> Learned:
    now = ctx.clock.now()
    since = known.learned if known is not None and known.rule == rule else now
    return Learned(rule, round(confidence, 2), evidence, since, now)


def _offset(rule: str, ctx: TaskContext) -> int:
    return ServerTimeRule(rule).offset_s(ctx.clock.now())


def _tell_change(ctx: TaskContext, server: str, known: Learned, learned: Learned) -> None:
    ctx.warn(
        f"The clock of the trade server {server} was {'known as' if known.sure else 'assumed to be'} {known.rule}, "
        f"but now it is {learned.rule} (confidence {confidence_word(learned.confidence)}). {learned.evidence} Times "
        "from now on are right; histories stored by the other clock are moved aside and begun anew. Check that this "
        "computer's clock is right; if the new rule is wrong, set terminal.server_time."
    )


def _doubt_setting(ctx: TaskContext, finding: Finding | None) -> None:
    """The settings name a rule: it is obeyed, but not in silence when a year of bars speaks against it."""
    rule = ctx.terminal.server_rule.name
    if finding is None or finding.confidence < _SURE or finding.allows(rule) or _same(rule, finding.rule, ctx):
        return
    ctx.warn(
        f"The setting terminal.server_time is {rule}, but the bars speak against it: {finding.evidence} "
        "Set terminal.server_time to auto, or to the rule that the broker names."
    )


def _same(rule: str, other: str, ctx: TaskContext) -> bool:
    """Whether two rules agree through the year around now (a zone may be the same clock as a rule)."""
    now = ctx.clock.now()
    one, two = ServerTimeRule(rule), ServerTimeRule(other)
    return all(one.offset_s(at) == two.offset_s(at) for at in (now - timedelta(days=day) for day in range(0, 366, 2)))
