"""Strategies of many symbols in one run: bars from the terminal, ideas and the day's evaluation to files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from app.errors import Blocked, Cancelled, MetronomeError, UserAction
from app.files import StorageError
from app.runs import iso
from app.tasks import TaskContext
from app.terminal.errors import UnknownSymbol
from app.terminal.symbols import SymbolNames
from app.terminal.values import TIMEFRAMES, Bars, Rates, SymbolInfo
from workers.calendar import store as calendar_store
from workers.calendar.values import Calendar
from workers.market.care import Caretaker
from workers.market.gaps import find_gaps, trades_at
from workers.market.grade import grade
from workers.market.hours import hours_of, market_open
from workers.strategy import account, calendar_news, calibration, gates, ideas, repaint, replay
from workers.strategy import inputs as idea_inputs
from workers.strategy.account import UNKNOWN, AccountState
from workers.strategy.batch import Batch
from workers.strategy.calibration import Calibrated, Calibration
from workers.strategy.evaluate import USUAL_WINDOW, Evaluation, Outcome, SideView, frame_window, window
from workers.strategy.gates import Gate
from workers.strategy.inputs import Inputs
from workers.strategy.library import RuleFile, load_profiles
from workers.strategy.rules import prepare
from workers.strategy.sizing import Size

#: The hours of a symbol are read from bars of this timeframe: 500 of them are a week and more.
_SESSIONS_BY: Final = "M15"
#: So many ideas are written together.
_TOGETHER: Final = 50


@dataclass(frozen=True, slots=True)
class StrategyOutcome:
    """What came of one strategy in this run; ``gates`` were asked for an idea, its file is below the home. ``worth`` is
    what the score of an idea was worth in a backtest; a preview alone asks for it, since ideas carry it themselves."""

    rule: RuleFile
    evaluation: Evaluation
    gates: tuple[Gate, ...] = ()
    size: Size | None = None
    idea_id: str = ""
    idea_file: str = ""
    error: MetronomeError | None = None
    worth: Calibrated | None = None

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
            "volume": self.size.volume if self.size else None,
            "no_volume": self.size.reason if self.size and self.size.volume is None else "",
            "closed_gates": [gate.name for gate in self.gates if not gate.holds],
            "idea": self.idea_id,
            "idea_file": self.idea_file,
        }


class Evaluator:
    """Evaluates rules in one run; bars and specifications are fetched once for all strategies that share them.

    Args:
        keep: Whether anything may be written; without, only ``look_at`` is to be asked.

    Thread: one run, one thread.
    """

    def __init__(self, ctx: TaskContext, rules: Sequence[RuleFile], *, keep: bool = True) -> None:
        self._ctx, self._rules, self._keep = ctx, rules, keep
        self._files = ideas.IdeaFiles(ctx.storage.paths)
        self._names = SymbolNames(ctx.terminal, ctx.storage, ctx.clock)
        self._symbols: dict[str, SymbolInfo] = {}
        self._quoted: dict[str, datetime | None] = {}
        self._trades: dict[str, bool] = {}
        self._outcomes: list[StrategyOutcome] = []
        self._pending: dict[int, ideas.NewIdea] = {}
        self._batch = Batch()
        self._bars: dict[tuple[str, str], Bars] = {}
        self._longer: dict[tuple[str, str], Rates] = {}
        self.profiles = load_profiles(ctx.storage.paths.profiles)

    def run(self) -> tuple[StrategyOutcome, ...]:
        """Evaluate all rules; trouble with one never costs the others.

        Raises:
            Blocked: the terminal went away.
            StorageError: an idea cannot be written.
            MetronomeError: every rule failed for a trouble with the terminal: the first of them.
            Cancelled: the run was asked to stop.
        """
        outcomes = self._outcomes
        for path in replay.mend(self._files, self._ctx.storage.paths):
            self._ctx.wrote(path)
        for number, rule in enumerate(self._rules):
            self._ctx.progress(number, len(self._rules), f"{rule.strategy.symbol} {rule.strategy.id}")
            try:
                outcomes.append(self._one(rule))
            except (Cancelled, Blocked):
                self._settle()
                raise
            except StorageError:
                self._batch.give_up()
                raise
            except MetronomeError as error:
                lost = Evaluation(rule.strategy, Outcome.NOT_EVALUATED, str(error))
                outcomes.append(StrategyOutcome(rule, lost, error=error))
            except ArithmeticError as error:  # numbers that nobody thought of cost their own strategy only
                self._ctx.log.exception("strategy %s cannot be computed", rule.strategy.id)
                text = f"The bars or the specification of {rule.strategy.symbol} cannot be computed with: {error}."
                outcomes.append(StrategyOutcome(rule, Evaluation(rule.strategy, Outcome.NOT_EVALUATED, text)))
            if len(self._pending) >= _TOGETHER:
                self._settle()
        self._settle()
        newest = {key: int(bars.closed().rates["time"][-1]) for key, bars in self._bars.items() if len(bars.closed())}
        repaint.check(self._ctx, self._files, newest, self._fetch)
        self._ctx.progress(len(self._rules), len(self._rules))
        failures = [outcome.error for outcome in outcomes if outcome.error is not None]
        if failures and len(failures) == len(outcomes):
            raise failures[0]
        return tuple(outcomes)

    def _one(self, rule: RuleFile) -> StrategyOutcome:
        inputs = self._inputs(rule)
        found = inputs.evaluated()
        if found.outcome is not Outcome.IDEA or found.bar_close is None:
            return StrategyOutcome(rule, found)
        if id := self._written(inputs, found, found.bar_close):
            return _known(rule, found, id)
        inputs = replace(inputs, gates=self._gates(inputs, found))
        if (closed := _closed(found, inputs.gates)) is not None:
            return StrategyOutcome(rule, closed, gates=inputs.gates)
        return self._write(replace(inputs, account=self._account, calibration=self._calibration(inputs)), found)

    def _calibration(self, inputs: Inputs) -> Calibration | None:
        """What a backtest found of the strategy's scores; that of a made-up market counts in such a one only."""
        found = calibration.load(self._ctx.storage, inputs.rule.strategy)
        if found is not None and found.simulated and not self._ctx.terminal.status.simulated:
            return None
        return found

    def look_at(self, rule: RuleFile) -> tuple[StrategyOutcome, tuple[SideView, ...]]:
        """What would come of a rule now, with every condition of every direction; nothing is written.

        The gates are asked with or without an idea. An idea that was written before has its id.

        Raises:
            MetronomeError: the terminal or a file does not give what is needed.
        """
        inputs = self._inputs(rule)
        found, sides = inputs.examined()
        if found.bar_close is None:
            return StrategyOutcome(rule, found), sides
        inputs = replace(inputs, gates=self._gates(inputs, found))
        if found.outcome is not Outcome.IDEA:
            return StrategyOutcome(rule, found, inputs.gates), sides
        id = self._written(inputs, found, found.bar_close)
        worth = ideas.worth(replace(inputs, calibration=self._calibration(inputs)), found)
        if (closed := _closed(found, inputs.gates)) is not None:
            return StrategyOutcome(rule, closed, inputs.gates, idea_id=id, worth=worth), sides
        size = replace(inputs, account=self._account).sized(found)
        return StrategyOutcome(rule, found, inputs.gates, size, id, worth=worth), sides

    def _written(self, inputs: Inputs, found: Evaluation, since: datetime) -> str:
        """The id under which this idea was written before, by this version or an earlier one; empty when it was not."""
        ids = {ideas.idea_id(inputs.rule, inputs.profile, found, engine) for engine in ideas.ID_ENGINES}
        return self._files.known(ids, since)

    def _write(self, inputs: Inputs, found: Evaluation) -> StrategyOutcome:
        """The idea of an evaluation with all its evidence; ``_settle`` brings it to its file, with others."""
        size = inputs.sized(found)
        hashes = idea_inputs.store(inputs, self._files.evidence, ideas.ENGINE_VERSION, self._batch)
        idea = ideas.build(inputs, found, size, hashes)
        since = found.bar_close or inputs.now
        self._pending[len(self._outcomes)] = ideas.NewIdea(idea, inputs.now, since)
        if size.volume is None:
            found = replace(found, reason=f"{found.reason} {idea.notes}".rstrip())
        return StrategyOutcome(inputs.rule, found, inputs.gates, size, idea.id)

    def _settle(self) -> None:
        """Write the ideas that wait for it, and say so in their outcomes."""
        places, waiting = list(self._pending), list(self._pending.values())
        self._pending.clear()
        for place, path in zip(places, self._files.add_all(waiting, self._batch), strict=True):
            outcome = self._outcomes[place]
            if path is None:  # another run was faster
                self._outcomes[place] = _known(outcome.rule, outcome.evaluation, outcome.idea_id)
                continue
            self._ctx.wrote(path)
            self._outcomes[place] = replace(outcome, idea_file=self._ctx.storage.relative(path))

    def _inputs(self, rule: RuleFile) -> Inputs:
        """What the strategy looks at; gates and account are asked when there is an idea."""
        strategy, ctx = rule.strategy, self._ctx
        info = self._symbol(strategy.symbol)
        profile_file = self.profiles.of(strategy.symbol)
        profile = profile_file.profile if profile_file else None
        ready = prepare(strategy, profile)
        now = ctx.clock.now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        minutes = strategy.strategy.news_embargo_minutes
        excerpt = None
        if minutes > 0:
            excerpt = calendar_news.excerpt(self._calendar, idea_inputs.currencies(info), now, minutes)
        return Inputs(
            rule,
            profile_file,
            info,
            self._closed(strategy.symbol, strategy.timeframe).rates[-window(strategy, profile) :],
            {name: self._closed(strategy.symbol, name).rates[-frame_window(ready, name) :] for name in ready.frames},
            excerpt,
            now,
            (),
            UNKNOWN,
            ctx.settings.risk,
            server=ctx.terminal.server_rule,
        )

    def _gates(self, inputs: Inputs, found: Evaluation) -> tuple[Gate, ...]:
        """The preconditions of an idea."""
        strategy, ctx = inputs.rule.strategy, self._ctx
        settings, status, now, symbol = ctx.settings.strategies, ctx.terminal.status, inputs.now, strategy.symbol
        seconds = TIMEFRAMES[strategy.timeframe].seconds
        side = found.judgement.side if found.judgement else ""
        limit_s, age_s = ctx.settings.market.max_tick_age_s, self._quote_age_s(symbol)
        is_open = gates.market_open(
            symbol, inputs.info.trade_mode, side, now, age_s, limit_s, lambda: self._by_own_bars(symbol)
        )
        return (
            gates.connected(status),
            is_open,
            gates.fresh_bar(found.bar_close or now, seconds, now, is_open=bool(market_open(symbol, now, limit_s))),
            gates.moving_feed(symbol, age_s, limit_s, is_open=is_open.holds),
            gates.good_data(self._grade(inputs), settings.least_grade, f"{symbol} {strategy.timeframe}"),
            gates.no_news(
                inputs.calendar,
                idea_inputs.currencies(inputs.info),
                now,
                strategy.strategy.news_embargo_minutes,
                timedelta(hours=settings.calendar_max_age_h),
                made_up=status.simulated and not self._replays(),
                damage=self._calendar.damage if strategy.strategy.news_embargo_minutes > 0 else "",
            ),
        )

    def _replays(self) -> bool:
        """Whether anything of the simulated market is a recording of a real one."""
        return bool((self._ctx.terminal.made_up or self._ctx.settings.terminal.simulated).replay)

    def _by_own_bars(self, symbol: str) -> bool:
        """Whether a symbol trades now, by the hours of its own bars."""
        if symbol not in self._trades:
            times, rule = self._closed(symbol, _SESSIONS_BY).rates["time"], self._ctx.terminal.server_rule
            seconds = TIMEFRAMES[_SESSIONS_BY].seconds
            self._trades[symbol] = trades_at(times, seconds, rule, self._ctx.clock.now())
        return self._trades[symbol]

    def _grade(self, inputs: Inputs) -> str:
        """The grade of the stored history; of a symbol that is not collected, that of the bars at hand."""
        strategy = inputs.rule.strategy
        if kept := self._caretaker.letter(strategy.symbol, strategy.timeframe):
            return kept
        seconds = TIMEFRAMES[strategy.timeframe].seconds
        rule, hours = self._ctx.terminal.server_rule, hours_of(strategy.symbol)
        found = find_gaps(inputs.rates["time"], seconds, rule, hours)
        return grade(inputs.rates, 0, found, seconds, stale=False).letter

    @cached_property
    def _caretaker(self) -> Caretaker:
        return Caretaker(self._ctx)

    @cached_property
    def _calendar(self) -> Calendar:
        try:
            return calendar_store.load(self._ctx.storage)
        except StorageError as error:
            return Calendar(damage=str(error))

    @cached_property
    def _account(self) -> AccountState:
        """The account as it is in this run, with positions under our names of the symbols."""
        ours = {self._names.broker_name(rule.strategy.symbol): rule.strategy.symbol for rule in self._rules}
        return account.look(self._ctx, ours, keep=self._keep)

    def _quote_age_s(self, symbol: str) -> float | None:
        """How old the newest quote of a symbol is, in seconds; None when there is none."""
        if symbol not in self._quoted:
            tick = self._ctx.terminal.snapshot(self._names.broker_name(symbol)).tick
            self._quoted[symbol] = tick.time if tick is not None else None
        quoted = self._quoted[symbol]
        return (self._ctx.clock.now() - quoted).total_seconds() if quoted is not None else None

    def _symbol(self, name: str) -> SymbolInfo:
        if name not in self._symbols:
            self._symbols[name] = idea_inputs.lasting(self._names.symbol_info(name))
        return self._symbols[name]

    def _closed(self, symbol: str, timeframe: str) -> Bars:
        """Closed bars, as many as the most demanding strategy of that symbol and timeframe looks at."""
        key = (symbol, timeframe)
        if key not in self._bars:
            most = max(self._windows.get(key, 0), USUAL_WINDOW)
            try:
                self._bars[key] = self._ctx.terminal.rates(self._names.broker_name(symbol), timeframe, most + 1)
            except UnknownSymbol:
                raise self._names.refusal(symbol) from None
        return self._bars[key].closed()

    def _fetch(self, symbol: str, timeframe: str, number: int) -> Rates:
        """More closed bars than the strategies look at; asked once for all ideas that want as many."""
        key = (symbol, timeframe)
        if len(self._longer.get(key, ())) < number:
            bars = self._ctx.terminal.rates(self._names.broker_name(symbol), timeframe, number + 1)
            self._longer[key] = bars.closed().rates
        return self._longer[key]

    @cached_property
    def _windows(self) -> dict[tuple[str, str], int]:
        """How many closed bars of each symbol and timeframe the strategies of this run look at."""
        found: dict[tuple[str, str], int] = {}
        for rule in self._rules:
            strategy = rule.strategy
            item = self.profiles.by_symbol.get(strategy.symbol)
            profile = item.profile if item else None
            ready = prepare(strategy, profile)
            wanted: dict[str, int] = {strategy.timeframe: window(strategy, profile)}
            wanted |= {name: frame_window(ready, name) for name in ready.frames}
            for name, count in wanted.items():
                found[strategy.symbol, name] = max(found.get((strategy.symbol, name), 0), count)
        return found


def _closed(found: Evaluation, asked: Sequence[Gate]) -> Evaluation | None:
    """An idea that a gate forbids; None when all hold."""
    closed = [gate.text for gate in asked if not gate.holds]
    if not closed:
        return None
    text = f"{' '.join(closed)} Seen on it: {found.reason}"
    return replace(found, outcome=Outcome.NO_IDEA, reason=text, plan=None)


def _known(rule: RuleFile, found: Evaluation, id: str) -> StrategyOutcome:
    text = f"The idea of this bar is written already. {found.reason}"
    return StrategyOutcome(rule, replace(found, outcome=Outcome.KNOWN, reason=text), idea_id=id)


def store_evaluation(
    ctx: TaskContext, outcomes: Sequence[StrategyOutcome], bad: Sequence[tuple[str, UserAction]]
) -> tuple[int, str]:
    """Append this run to the day's evaluation file.

    Returns:
        Number and hash of the last line of the chain of ideas.

    Raises:
        StorageError: the file cannot be written.
    """
    now = ctx.clock.now()
    path = ctx.storage.paths.evaluations / f"evaluation_{now:%Y%m%d}.json"
    counts = {outcome.value: 0 for outcome in Outcome}
    symbols: dict[str, Counter[str]] = {}
    for found in outcomes:
        value = found.evaluation.outcome.value
        counts[value] += 1
        symbols.setdefault(found.rule.strategy.symbol, Counter())[value] += 1
    number, head = ideas.IdeaFiles(ctx.storage.paths).head()
    entry = {
        "time": iso(now),
        "run_id": ctx.run_id,
        "task": ctx.task_id,
        "counts": {**counts, "bad_files": len(bad)},
        "symbols": {name: dict(found) for name, found in sorted(symbols.items())},
        "chain": {"number": number, "hash": head},
        "outcomes": [outcome.as_entry() for outcome in outcomes],
        "bad_files": [{"file": name, "reason": str(error)} for name, error in bad],
    }
    ctx.storage.append_json_item(path, entry, head={"date": f"{now:%Y-%m-%d}"})
    ctx.wrote(path)
    return number, head
