"""Keeps what is known of the trade server's clock up to date, and tells once when it changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from app.errors import Blocked, Cancelled, MetronomeError
from app.tasks import TaskContext
from app.terminal.server_inference import Finding, confidence_word, infer_from_bars
from app.terminal.server_memory import Learned, ServerMemory
from app.terminal.server_time import ServerTimeRule
from app.terminal.symbols import SymbolNames

_FRAME, _FRAME_S = "H1", 3600
#: Hours of trading in a year and two weeks.
_BARS: Final = 6500
#: Bars are asked again after this time: daily when the clock is known well, else with each hour of new bars.
_SURE_S, _UNSURE_S = 20 * 3600.0, 3600.0
_SURE: Final = 0.8
#: So many pairs are tried.
_TRIES: Final = 3
#: Confidence in an offset that fresh quotes show, its clock changes assumed; and in the bare assumption.
_QUOTES_ONLY, _ASSUMED = 0.4, 0.1

_CURRENCIES: Final = frozenset(
    "EUR GBP USD JPY CHF AUD CAD NZD SEK NOK DKK SGD HKD ZAR MXN PLN CZK HUF TRY CNH".split()
)


def keep_server_clock(ctx: TaskContext, names: SymbolNames, symbols: Iterable[str]) -> Learned | None:
    """Learn the server's clock from the bars of a currency pair when it is due; what is known now.

    The rule in force afterwards is in the session and in the file. A change of what was known of this server becomes
    a warning of the run, once.

    Args:
        symbols: The user's names; currency pairs among them are looked at.

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
    overruled = known is not None and known.rule != terminal.server_rule.name and terminal.server_time_automatic
    if known is not None and not overruled and timedelta() <= now - known.checked < timedelta(seconds=pause):
        return known if terminal.server_time_automatic else None
    finding = _look_at_bars(ctx, names, [symbol for symbol in symbols if is_currency_pair(symbol)])
    if not terminal.server_time_automatic:
        seen = finding if finding is not None and finding.rule else None
        rule, sure = (seen.rule, seen.confidence) if seen else (terminal.server_rule.name, _ASSUMED)
        memory.keep(server, _with(known, rule, sure, seen.evidence if seen else "Named in the settings.", ctx))
        if known is None or known.rule != rule:
            _doubt_setting(ctx, seen)
        return None
    learned = _judged(ctx, known, finding)
    terminal.adopt_server_time(learned.rule)
    memory.keep(server, learned)
    if known is not None and known.rule != learned.rule and known.confidence > _ASSUMED:
        _tell_change(ctx, server, known, learned)
    return learned


def is_currency_pair(symbol: str) -> bool:
    """Whether it trades from Sunday to Friday 17:00 New York: two currencies, as their names tell."""
    letters = "".join(letter for letter in symbol if letter.isalpha())[:6].upper()
    return letters[:3] in _CURRENCIES and letters[3:] in _CURRENCIES


def _look_at_bars(ctx: TaskContext, names: SymbolNames, pairs: Sequence[str]) -> Finding | None:
    """What the bars of the first of these that can be had say; None when none can be had now."""
    for symbol in pairs[:_TRIES]:
        name = names.broker_name(symbol)
        try:
            ctx.terminal.snapshot(name)  # a fresh quote is evidence too
            return infer_from_bars(ctx.terminal.server_times(name, _FRAME, _BARS), _FRAME_S)
        except (Blocked, Cancelled):
            raise
        except MetronomeError as error:
            ctx.log.info("the bars of %s do not tell the server's clock: %s", symbol, error)
    return None


def _judged(ctx: TaskContext, known: Learned | None, finding: Finding | None) -> Learned:
    """What is to be believed after all that was seen."""
    terminal, now = ctx.terminal, ctx.clock.now()
    current, quoted = terminal.server_rule, terminal.server_time_confirmed
    if finding is not None and finding.rule:
        # Of rules that the bars do not tell apart, the one in force stays: a short history must not change it.
        rule = current.name if finding.allows(current.name) else finding.rule
        offset = _offset(rule, ctx)
        if not quoted or offset == current.offset_s(now):
            confidence = max(finding.confidence, _QUOTES_ONLY if quoted else 0.0)
            if known is not None and known.rule == rule:
                confidence = max(confidence, known.confidence)
            agree = " Fresh quotes agree." if quoted else ""
            return _with(known, rule, confidence, finding.evidence + agree, ctx)
        ahead = current.offset_s(now) / 3600
        text = f"Fresh quotes are {ahead:+g} h from UTC, although in the bars {finding.evidence}"
        return _with(known, current.name, _QUOTES_ONLY, text, ctx)
    if known is not None and known.rule == current.name:
        return replace(known, checked=now)
    if quoted:
        ahead = current.offset_s(now) / 3600
        text = f"Fresh quotes are {ahead:+g} h from UTC; when the clock changes is assumed."
        return _with(known, current.name, _QUOTES_ONLY, text, ctx)
    return _with(known, current.name, _ASSUMED, "Assumed: neither bars nor fresh quotes tell yet.", ctx)


def _with(known: Learned | None, rule: str, confidence: float, evidence: str, ctx: TaskContext) -> Learned:
    now = ctx.clock.now()
    since = known.learned if known is not None and known.rule == rule else now
    return Learned(rule, round(confidence, 2), evidence, since, now)


def _offset(rule: str, ctx: TaskContext) -> int:
    return ServerTimeRule(rule).offset_s(ctx.clock.now())


def _tell_change(ctx: TaskContext, server: str, known: Learned, learned: Learned) -> None:
    ctx.warn(
        f"The clock of the trade server {server} was known as {known.rule}, but now it is {learned.rule} "
        f"(confidence {confidence_word(learned.confidence)}). {learned.evidence} Times from now on are right; bars "
        "stored shortly before may be off by the difference. Check that this computer's clock is right; if the new "
        "rule is wrong, set terminal.server_time."
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
