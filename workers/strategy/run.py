"""Strategies of many symbols in one run: bars from the terminal, ideas and the day's evaluation to files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from app.errors import Blocked, Cancelled, MetronomeError, UserAction
from app.files import StorageError
from app.runs import iso
from app.tasks import TaskContext
from app.terminal.errors import UnknownSymbol
from app.terminal.symbols import SymbolNames
from app.terminal.values import TIMEFRAMES, Bars, SymbolInfo
from workers.market.hours import ADVICE, market_open
from workers.strategy import ideas
from workers.strategy.evaluate import USUAL_WINDOW, Evaluation, Outcome, evaluate, frame_window, window
from workers.strategy.library import RuleFile, load_profiles
from workers.strategy.prices import PriceGrid
from workers.strategy.profile import Profile
from workers.strategy.rules import prepare
from workers.wording import seconds

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class StrategyOutcome:
    """What came of one strategy in this run; ``idea_file`` is relative to the home."""

    rule: RuleFile
    evaluation: Evaluation
    idea_id: str = ""
    idea_file: str = ""
    error: MetronomeError | None = None

    def as_entry(self) -> dict[str, Any]:
        """The outcome as it is stored and shown."""
        strategy, found = self.rule.strategy, self.evaluation
        judged, plan = found.judgement, found.plan
        return {
            "strategy": strategy.id,
            "name": strategy.name,
            "symbol": strategy.symbol,
            "timeframe": strategy.timeframe,
            "outcome": found.outcome.value,
            "reason": found.reason,
            "score": found.score.value if found.score else None,
            "direction": judged.side if judged else None,
            "action": found.action.value,
            "bar_time": iso(found.bar_time),
            "entry": plan.entry if plan else None,
            "stop": plan.stop if plan else None,
            "target": plan.target if plan else None,
            "idea": self.idea_id,
            "idea_file": self.idea_file,
        }


class Evaluator:
    """Evaluates rules in one run; bars and specifications are fetched once for all strategies that share them.

    Thread: one run, one thread.
    """

    def __init__(self, ctx: TaskContext, rules: Sequence[RuleFile]) -> None:
        self._ctx = ctx
        self._rules = rules
        self._ideas = ideas.IdeaFiles(ctx.storage, ctx.storage.paths.trade_ideas)
        self._names = SymbolNames(ctx.terminal, ctx.storage, ctx.clock)
        self._symbols: dict[str, SymbolInfo] = {}
        self._quoted: dict[str, datetime] = {}
        self._bars: dict[tuple[str, str], Bars] = {}
        self._profiles = load_profiles(ctx.storage.paths.profiles)

    def run(self) -> tuple[StrategyOutcome, ...]:
        """Evaluate all rules; trouble with one never costs the others.

        Raises:
            Blocked: the terminal went away.
            StorageError: an idea cannot be written.
            MetronomeError: every rule failed for a trouble with the terminal: the first of them.
            Cancelled: the run was asked to stop.
        """
        outcomes: list[StrategyOutcome] = []
        for number, rule in enumerate(self._rules):
            self._ctx.progress(number, len(self._rules), f"{rule.strategy.symbol} {rule.strategy.id}")
            try:
                outcomes.append(self._one(rule))
            except (StorageError, Cancelled, Blocked):
                raise
            except MetronomeError as error:
                lost = Evaluation(rule.strategy, Outcome.NOT_EVALUATED, str(error))
                outcomes.append(StrategyOutcome(rule, lost, error=error))
        self._ctx.progress(len(self._rules), len(self._rules))
        failures = [outcome.error for outcome in outcomes if outcome.error is not None]
        if failures and len(failures) == len(outcomes):
            raise failures[0]
        return tuple(outcomes)

    def _one(self, rule: RuleFile) -> StrategyOutcome:
        strategy = rule.strategy
        info = self._symbol(strategy.symbol)
        profile = self._profile(strategy.symbol)
        rates = self._closed(strategy.symbol, strategy.timeframe).rates
        others = {name: self._closed(strategy.symbol, name).rates for name in prepare(strategy, profile).frames}
        frame_s = TIMEFRAMES[strategy.timeframe].seconds
        found = evaluate(strategy, rates, frame_s, PriceGrid.of(info), profile=profile, frames=others)
        if found.outcome is not Outcome.IDEA or found.bar_close is None:
            return StrategyOutcome(rule, found)
        now = self._ctx.clock.now()
        if old := self._too_old(strategy.symbol, found.bar_close, frame_s):
            text = f"{old} Seen on it: {found.reason}"
            return StrategyOutcome(rule, replace(found, outcome=Outcome.NO_IDEA, reason=text, plan=None))
        idea = ideas.build(rule, found, rates, info.digits, now)
        path = self._ideas.add(idea, now, found.bar_close)
        if path is None:
            text = f"The idea of this bar is written already. {found.reason}"
            return StrategyOutcome(rule, replace(found, outcome=Outcome.KNOWN, reason=text), idea.id)
        self._ctx.wrote(path)
        return StrategyOutcome(rule, found, idea.id, self._ctx.storage.relative(path))

    def _too_old(self, symbol: str, bar_close: datetime, bar_seconds: int) -> str:
        """Why no idea may rest on the feed as it is; empty when it moves, or need not."""
        now, limit_s = self._ctx.clock.now(), self._ctx.settings.market.max_tick_age_s
        is_open = bool(market_open(symbol, now, limit_s))
        if old := stale_bar(bar_close, bar_seconds, now):
            return f"{old} although the market is open. {ADVICE}" if is_open else f"{old}: the market seems closed."
        if not is_open:
            return ""
        if symbol not in self._quoted:
            self._quoted[symbol] = self._ctx.terminal.snapshot(self._names.broker_name(symbol)).tick.time
        age = (now - self._quoted[symbol]).total_seconds()
        if age <= limit_s:
            return ""
        return f"The newest quote of {symbol} is {seconds(age)} old although its market is open. {ADVICE}"

    def _symbol(self, name: str) -> SymbolInfo:
        if name not in self._symbols:
            self._symbols[name] = self._names.symbol_info(name)
        return self._symbols[name]

    def _profile(self, symbol: str) -> Profile | None:
        """The profile of a symbol, if it has one.

        Raises:
            UserAction: it has one that cannot be used.
        """
        found = self._profiles.of(symbol)
        return found.profile if found else None

    def _closed(self, symbol: str, timeframe: str) -> Bars:
        """Closed bars, as many as the most demanding strategy of that symbol and timeframe looks at."""
        key = (symbol, timeframe)
        if key not in self._bars:
            most = max(self._windows.get(key, 0), USUAL_WINDOW)
            try:
                bars = self._ctx.terminal.rates(self._names.broker_name(symbol), timeframe, most + 1)
            except UnknownSymbol:
                raise self._names.refusal(symbol) from None
            self._bars[key] = bars.closed()
        return self._bars[key]

    @cached_property
    def _windows(self) -> dict[tuple[str, str], int]:
        """How many closed bars of each symbol and timeframe the strategies of this run look at."""
        found: dict[tuple[str, str], int] = {}
        for rule in self._rules:
            strategy = rule.strategy
            item = self._profiles.by_symbol.get(strategy.symbol)
            profile = item.profile if item else None
            ready = prepare(strategy, profile)
            wanted: dict[str, int] = {strategy.timeframe: window(strategy, profile)}
            wanted |= {name: frame_window(ready, name) for name in ready.frames}
            for name, count in wanted.items():
                found[strategy.symbol, name] = max(found.get((strategy.symbol, name), 0), count)
        return found


def stale_bar(bar_close: datetime, bar_seconds: int, now: datetime) -> str:
    """Why no idea may rest on a bar that closed then, without a full stop; empty when it is recent enough.

    Fresh is up to two bars and five minutes after the close; from a day up, the weekend is allowed for too.
    """
    limit = 2 * bar_seconds + (2 * _DAY_S if bar_seconds >= _DAY_S else 300)
    age = now - bar_close
    if age <= timedelta(seconds=limit):
        return ""
    return f"The last closed bar ended {bar_close:%Y-%m-%d %H:%M} UTC, {seconds(age.total_seconds())} ago"


def store_evaluation(
    ctx: TaskContext, outcomes: Sequence[StrategyOutcome], bad: Sequence[tuple[str, UserAction]]
) -> None:
    """Append this run to the day's evaluation file.

    Raises:
        StorageError: the file cannot be written.
    """
    now = ctx.clock.now()
    path = ctx.storage.paths.evaluations / f"evaluation_{now:%Y%m%d}.json"
    counts = {outcome.value: 0 for outcome in Outcome}
    for found in outcomes:
        counts[found.evaluation.outcome.value] += 1
    entry = {
        "time": iso(now),
        "run_id": ctx.run_id,
        "task": ctx.task_id,
        "counts": {**counts, "bad_files": len(bad)},
        "outcomes": [outcome.as_entry() for outcome in outcomes],
        "bad_files": [{"file": name, "reason": str(error)} for name, error in bad],
    }
    ctx.storage.append_json_item(path, entry, head={"date": f"{now:%Y-%m-%d}"})
    ctx.wrote(path)
