"""The tasks that evaluate strategies: their specifications and thin functions. The work is in ``workers.strategy``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from typing import Any, Final

from pydantic import Field

from app.errors import NothingToDo, UserAction
from app.settings_model import Timeframe
from app.tasks import NoParams, Overlap, Queue, Retries, TaskContext, TaskParams, TaskResult, TaskSpec
from app.terminal.symbols import SymbolNames
from workers.backtest.params import BacktestParams, BacktestResult, SweepParams, SweepResult
from workers.gates import TerminalConnected
from workers.strategy import library, preview
from workers.strategy.deciding import IdeaDesk
from workers.strategy.decision_book import FILE_NAME as DECISIONS
from workers.strategy.evaluate import Outcome
from workers.strategy.library import RuleFile
from workers.strategy.run import Evaluator, StrategyOutcome, store_evaluation
from workers.wording import count


class SymbolParams(TaskParams):
    """Which symbol to evaluate."""

    symbol: str = Field(
        min_length=1, max_length=64, title="Symbol", description="Symbol, as the watch list and strategies name it."
    )
    timeframe: Timeframe | None = Field(
        default=None, title="Timeframe", description="Only strategies of this timeframe; empty: of all."
    )


class EvaluationResult(TaskResult):
    """What came of the strategies of a run."""

    strategies: int = Field(description="Strategies that were to be evaluated, with those whose file is bad.")
    symbols: int = Field(description="Symbols that they trade.")
    ideas: int = Field(description="New trade ideas.")
    known: int = Field(description="Ideas that were written before, from the same bar and rule.")
    observed: int = Field(description="Evaluated without an idea: the entry or the score does not call for one.")
    forbidden: int = Field(description="Evaluated, but something forbids an idea.")
    not_evaluated: int = Field(description="Strategies that could not be evaluated.")
    expired: int = Field(default=0, description="Pending ideas whose time was over, recorded in this run.")
    not_watched: int = Field(default=0, description="Enabled strategies whose symbol is not on the watch list.")
    chain_number: int = Field(default=0, description="Lines of the chain of ideas after this run.")
    chain_head: str = Field(default="", description="Hash of the last of them.")
    outcomes: tuple[dict[str, Any], ...] = Field(default=(), description="Each strategy: outcome, score and reason.")

    def summary(self) -> str:
        parts = [f"{count(self.strategies, 'strategy', 'strategies')} on {count(self.symbols, 'symbol')}"]
        parts.append(count(self.ideas, "new idea") if self.ideas else "no new idea")
        for number, text in (
            (self.known, "known already"),
            (self.observed, "observed"),
            (self.forbidden, "without idea for a reason"),
            (self.not_evaluated, "not evaluated"),
            (self.expired, "expired"),
        ):
            if number:
                parts.append(f"{number} {text}")
        return ", ".join(parts)


def evaluate_all_strategies(ctx: TaskContext, _params: NoParams) -> EvaluationResult:
    """Evaluate every enabled strategy of every symbol on the watch list; ideas whose time is over end first."""
    expired = _expire(ctx)
    found = _library(ctx)
    watched = frozenset(ctx.settings.market.watch_list)
    rules = [rule for rule in found.enabled if rule.strategy.symbol in watched]
    unwatched = len(found.enabled) - len(rules)
    if not rules and not found.bad:
        if not watched:
            raise NothingToDo("The watch list is empty.", advice="Add symbols under Settings, Market.")
        if unwatched:
            enabled = count(unwatched, "enabled strategy", "enabled strategies")
            raise NothingToDo(
                f"None of {enabled} trades a symbol on the watch list.",
                advice="Add their symbols to the watch list under Settings, Market.",
            )
        raise NothingToDo(
            "No strategy is enabled, so there is nothing to evaluate.",
            advice=f"Enable one, or put a strategy file into {ctx.storage.relative(ctx.storage.paths.strategies)}.",
        )
    return _evaluate(ctx, rules, found.bad, unwatched, expired)


def evaluate_single_symbol(ctx: TaskContext, params: SymbolParams) -> EvaluationResult:
    """Evaluate the enabled strategies of one symbol, on the watch list or not."""
    # An unknown symbol is the user's to mend, whatever strategies there are.
    SymbolNames(ctx.terminal, ctx.storage, ctx.clock).symbol_info(params.symbol)
    expired = _expire(ctx)
    found = _library(ctx)
    rules = [
        rule
        for rule in found.enabled
        if rule.strategy.symbol == params.symbol and params.timeframe in (None, rule.strategy.timeframe)
    ]
    if not rules:
        frame = f" on {params.timeframe}" if params.timeframe else ""
        bad = f" {count(len(found.bad), 'strategy file')} cannot be used." if found.bad else ""
        raise NothingToDo(
            f"No enabled strategy trades {params.symbol}{frame}.{bad}",
            advice=f"Enable one, or put a strategy file into {ctx.storage.relative(ctx.storage.paths.strategies)}.",
        )
    return _evaluate(ctx, rules, (), 0, expired)


def _library(ctx: TaskContext) -> library.Library:
    """All rule files of this home; on the first start of all, the examples."""
    folder = ctx.storage.paths.strategies
    if copied := library.ensure_examples(folder):
        # Not for users who bring strategies of their own: an example profile would change what comes of them.
        library.ensure_examples(ctx.storage.paths.profiles, library.PROFILE_EXAMPLES)
        ctx.log.info("first start: %d example strategies were put into %s", len(copied), ctx.storage.relative(folder))
    return library.load(folder)


def _expire(ctx: TaskContext) -> int:
    """Record the end of ideas whose time is over; how many."""
    desk = IdeaDesk(ctx.storage.paths, ctx.clock, ctx.settings.strategies.idea_expires_bars, "evaluation")
    try:
        ended = len(desk.expire())
    except UserAction as error:  # ideas end by the clock all the same
        ctx.warn(f"The end of trade ideas was not recorded: {error}")
        return 0
    if ended:
        ctx.wrote(ctx.storage.paths.data / DECISIONS)
    return ended


def _evaluate(
    ctx: TaskContext, rules: Sequence[RuleFile], bad: Sequence[library.BadRuleFile], unwatched: int, expired: int
) -> EvaluationResult:
    evaluator = Evaluator(ctx, rules)
    _warn_of_profiles(ctx, evaluator.profiles, {rule.strategy.symbol.casefold() for rule in rules})
    outcomes = evaluator.run()
    chain_number, chain_head = store_evaluation(ctx, outcomes, [(item.file_name, item.error) for item in bad])
    lost = [outcome for outcome in outcomes if outcome.evaluation.outcome is Outcome.NOT_EVALUATED]
    if len(lost) == len(outcomes):
        _refuse(lost, bad)
    for item in bad:
        ctx.warn(str(item.error))
    for outcome in lost:
        ctx.warn(f"Strategy {outcome.rule.strategy.id} was not evaluated: {outcome.evaluation.reason}")
    tally = Counter(outcome.evaluation.outcome for outcome in outcomes)
    return EvaluationResult(
        strategies=len(outcomes) + len(bad),
        symbols=len({rule.strategy.symbol for rule in rules}),
        ideas=tally[Outcome.IDEA],
        known=tally[Outcome.KNOWN],
        observed=tally[Outcome.OBSERVED],
        forbidden=tally[Outcome.NO_IDEA],
        not_evaluated=len(lost) + len(bad),
        expired=expired,
        not_watched=unwatched,
        chain_number=chain_number,
        chain_head=chain_head,
        outcomes=tuple(outcome.as_entry() for outcome in outcomes),
    )


def _warn_of_profiles(ctx: TaskContext, profiles: library.Profiles, symbols: Set[str]) -> None:
    """Warn of profiles that cannot be used; those that stop a strategy of this run are told with it."""
    told = [error for symbol, error in profiles.stops.items() if symbol in symbols]
    for error in profiles.bad.values():
        if error not in told:
            ctx.warn(f"{error} The strategies of its symbol are stopped, as far as it can be told which.")


def _refuse(lost: Sequence[StrategyOutcome], bad: Sequence[library.BadRuleFile]) -> None:
    """Not one strategy could be evaluated: that is no success.

    Raises:
        UserAction: always, with every reason.
    """
    reasons = [f"{item.rule.strategy.id}: {item.evaluation.reason}" for item in lost]
    reasons += [str(item.error) for item in bad]
    raise UserAction(
        f"Not one of {count(len(reasons), 'strategy', 'strategies')} could be evaluated. {' '.join(reasons)}",
        advice="Mend what is named here; the next run reads the files again.",
    )


#: What can be asked without a run.
QUESTIONS: Final = {"strategy_preview": preview.answer}


def backtest_strategy(ctx: TaskContext, params: BacktestParams) -> BacktestResult:
    """Trade a strategy over past bars, in a process of its own."""
    from workers.backtest.run import backtest

    return backtest(ctx, params, BACKTEST_LIMIT_S)


def sweep_strategy(ctx: TaskContext, params: SweepParams) -> SweepResult:
    """Try many values of a strategy's numbers, on all processors."""
    from workers.backtest.sweep import sweep

    return sweep(ctx, params, SWEEP_LIMIT_S)


#: A backtest is ended after this long.
BACKTEST_LIMIT_S: Final = 600.0
#: A sweep too; the next one with the same parameters goes on.
SWEEP_LIMIT_S: Final = 6 * 3600.0

SPECS: Final = (
    TaskSpec(
        id="evaluate_all_strategies",
        title="Evaluate all strategies",
        description="Every enabled strategy of every symbol on the watch list, on closed bars; writes trade ideas.",
        queue=Queue.AI_EVALUATION,
        run=evaluate_all_strategies,
        result=EvaluationResult,
        schedule="*/15 * * * *",
        soft_limit_s=300.0,
        hard_limit_s=600.0,
        retries=Retries(attempts=3),
        gates=(TerminalConnected(),),
        on_start=True,
        terminal=True,
    ),
    TaskSpec(
        id="evaluate_single_symbol",
        title="Evaluate one symbol",
        description="The enabled strategies of one symbol, on closed bars; writes trade ideas.",
        queue=Queue.AI_EVALUATION,
        run=evaluate_single_symbol,
        params=SymbolParams,
        result=EvaluationResult,
        schedule="manual",
        soft_limit_s=60.0,
        hard_limit_s=120.0,
        retries=Retries(attempts=3),
        gates=(TerminalConnected(),),
        terminal=True,
    ),
    TaskSpec(
        id="backtest_strategy",
        title="Backtest a strategy",
        description="A strategy over past bars by the rules of live evaluation; writes a report and its trades.",
        queue=Queue.AI_EVALUATION,
        run=backtest_strategy,
        params=BacktestParams,
        result=BacktestResult,
        schedule="manual",
        soft_limit_s=BACKTEST_LIMIT_S,
        hard_limit_s=BACKTEST_LIMIT_S + 30.0,
        overlap=Overlap.QUEUE_ONE,
    ),
    TaskSpec(
        id="sweep_strategy",
        title="Sweep a strategy",
        description="Many values of a strategy's numbers over past bars, chosen and proved walk-forward; goes on where "
        "it was ended.",
        queue=Queue.AI_EVALUATION,
        run=sweep_strategy,
        params=SweepParams,
        result=SweepResult,
        schedule="manual",
        soft_limit_s=SWEEP_LIMIT_S,
        hard_limit_s=SWEEP_LIMIT_S + 30.0,
        overlap=Overlap.QUEUE_ONE,
    ),
)
