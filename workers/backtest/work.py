"""One backtest from its bars to its files: what the spawned process does."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from app.errors import UserAction
from app.files import StorageError, atomic_write_bytes, guarding
from app.paths import safe_name
from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import TIMEFRAMES
from app.terminal.values import Rates
from workers.backtest import bars, report_html, report_json, trades_csv
from workers.backtest.bars import Asked, History
from workers.backtest.breakdown import breakdowns
from workers.backtest.engine import play, sides_of, spread_points
from workers.backtest.finer import Finer
from workers.backtest.honesty import Trial, deflated, monte_carlo
from workers.backtest.management import Plan
from workers.backtest.market import Market
from workers.backtest.model import Costs, Curve, News, Played, Report, Terms
from workers.backtest.signals import Signals, gather
from workers.backtest.statistics import daily_returns, statistics
from workers.backtest.walk import Sides
from workers.market.grade import GRADES, Grade
from workers.market.resample import larger
from workers.strategy.averages import Array
from workers.strategy.evaluate import least_bars
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.prices import trade_terms
from workers.strategy.profile import Profile
from workers.strategy.rules import prepare
from workers.strategy.schema import Strategy
from workers.wording import count

#: Version of the rules of the simulation; results of different ones are not to be compared to the cent.
ENGINE_VERSION: Final = 1
#: Table, document and page of a test.
ENDINGS: Final = ("_trades.csv", ".json", ".html")
#: The walk tells how far it is so many times.
_TOLD: Final = 20
#: Places at which bars are cut off to look for signals that knew more, when there are not more bars than this.
_TRUNCATIONS: Final = 3
_FEW_BARS: Final = 50_000
_LEAST_CUT: Final = 100
#: A share of trades that may have ended either way without a word of warning; the count is always told.
_FEW_AMBIGUOUS: Final = 0.02


class Voice(Protocol):
    """What the work may say to its run; ``app.workprocess.Report`` is one."""

    def progress(self, done: int, total: int, text: str = "") -> None: ...

    def check_cancelled(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """All that one backtest is made from; plain values, so that it can be sent to another process.

    Attributes:
        path: File of the bars; None when ``history`` holds them.
        finer: File of bars of minutes that tell the order inside a bar; None when there is none.
        days: Length of the test, back from its end; None: all bars from ``terms.start`` on.
        least_grade: The worst grade of bars that will do.
        force: Use bars of any grade, and leave rows out that are no bars.
        folder, stem: Where the report goes, and what its files are called.
        about: What the head of the report says besides.
        warnings: What was found out before.
        trials: Earlier tests of the strategy on the symbol.
        truncations: Places at which the bars are cut off to see whether an earlier signal changes; None: a few, when
            there are not many bars.
    """

    strategy: Strategy
    profile: Profile | None
    market: Market
    terms: Terms
    costs: Costs
    asked: Asked
    path: Path | None
    history: History | None
    finer: Path | None
    news: News | None
    days: float | None
    least_grade: str
    force: bool
    folder: Path
    stem: str
    about: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    truncations: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is handed back to the run: the figures, and the files that hold the rest."""

    head: Mapping[str, Any]
    statistics: Mapping[str, Any]
    trades: int
    no_trades: str
    warnings: tuple[str, ...]
    trades_csv: str
    report_json: str
    report_html: str


def work(voice: Voice, request: Request) -> Answer:
    """Run the backtest and write its files.

    Raises:
        UserAction: bars, rule or symbol cannot be used.
        StorageError: a file cannot be written; then none is.
        Cancelled: the run was asked to stop.
    """
    report = test(voice, request)
    voice.progress(1, 1, "writing the report")
    csv, document, page = write(report, request.folder, request.stem, ideal=request.costs.ideal)
    return Answer(
        report.head,
        report.statistics,
        len(report.trades),
        str(report.head["no_trades"]),
        report.warnings,
        str(csv),
        str(document),
        str(page),
    )


def test(voice: Voice, request: Request) -> Report:
    """The backtest without its files."""
    voice.progress(0, 0, "reading the bars")
    history = request.history or bars.read_file(_given(request.path), request.asked)
    seconds = TIMEFRAMES[request.strategy.timeframe].seconds
    letter = _graded(history, request, seconds)
    voice.check_cancelled()
    test_case = _Case(voice, request, history, seconds)
    return test_case.report(letter)


def write(report: Report, folder: Path, stem: str, *, ideal: bool) -> tuple[Path, Path, Path]:
    """Write table, document and page; all of them or none.

    Raises:
        StorageError: one cannot be written.
    """
    table, document, page = (folder / f"{stem}{end}" for end in ENDINGS)
    digits = None if ideal else report.digits
    contents = (
        (table, trades_csv.text(report.trades, report.rows, report.bar_times, digits)),
        (document, report_json.text(report)),
        (page, report_html.text(report, table.name)),
    )
    with guarding(folder, "create"):
        folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    try:
        for path, content in contents:
            written.append(path)
            atomic_write_bytes(path, content.encode("utf-8", "backslashreplace"))
    except StorageError:
        for path in written:
            with guarding(path, "remove"):
                path.unlink(missing_ok=True)
        raise
    return table, document, page


def _given(path: Path | None) -> Path:
    if path is None:
        raise UserAction("There are no bars to test on.", advice="Name a file with bars=.")
    return path


def _graded(history: History, request: Request, seconds: int) -> Grade:
    """The grade of the bars.

    Raises:
        UserAction: it is below the least one, and nobody forced it.
    """
    found = bars.graded(history, seconds, ServerTimeRule(request.market.clock))
    if not request.force and GRADES.index(found.letter) > GRADES.index(request.least_grade):
        raise UserAction(
            f"The bars of {history.source} have grade {found.letter} ({'; '.join(found.reasons)}); "
            f"{request.least_grade} or better is asked for.",
            advice="Mend the history, or test on it all the same with force=true.",
        )
    return found


class _Case:
    """One backtest on bars that are read and graded."""

    def __init__(self, voice: Voice, request: Request, history: History, seconds: int) -> None:
        self._voice, self._request, self._history, self._seconds = voice, request, history, seconds
        strategy, profile = request.strategy, request.profile
        self._ready = prepare(strategy, profile)
        if self._ready.problems:
            raise UserAction(
                f"The strategy {strategy.id} cannot be used. {' '.join(self._ready.problems)}",
                advice="Mend its file.",
            )
        times = history.rates["time"].astype(np.int64)
        if len(times) < 3:
            raise UserAction(
                f"There are {count(len(times), 'bar')} in {history.source}: too few to trade on.",
                advice="Give it more history.",
            )
        since, until = bars.period(times, seconds, request.terms.start, request.terms.end, request.days)
        self._terms = replace(request.terms, start=since, end=until)
        self._times = times
        self._first = int(np.searchsorted(times, since))
        self._enough()

    def _enough(self) -> None:
        """Refuse bars on which nothing could be decided.

        Raises:
            UserAction: they are too few.
        """
        terms, request = self._terms, self._request
        least = least_bars(request.strategy, request.profile)
        if terms.warm_up is not None:
            least = max(terms.warm_up, request.strategy.indicators.atr.period + 1)
        elif terms.min_score <= 0:
            least = request.strategy.indicators.atr.period + 1
        if len(self._times) <= least:
            raise UserAction(
                f"Too few bars: {self._history.source} has {len(self._times):,}, and the strategy "
                f"{request.strategy.id} decides from the {least + 1:,}th on.",
                advice="Give it more history.",
            )

    def report(self, grade: Grade) -> Report:
        """Decide, trade, and gather the figures."""
        request, history = self._request, self._history
        self._voice.progress(0, len(self._times), "deciding on every bar")
        spread = spread_points(history.rates, request.costs)
        evaluator = self._evaluator(spread)
        signals = self._signals(evaluator, spread)
        directions = frozenset(sign for sign in (1, -1) if (signals.sign == sign).any())
        sides = sides_of(evaluator, spread, request.market, request.costs, directions)
        close = evaluator.column("close")
        del evaluator  # with all averages: the walk needs prices only
        self._voice.check_cancelled()
        played = self._play(signals, sides, None)
        warnings = [*request.warnings, *history.warnings]
        if played.tally.ambiguous and request.finer is not None:
            finer, trouble = self._finer(request.finer, directions)
            if finer is not None:
                played = self._play(signals, sides, finer)
            warnings += [trouble] if trouble else []
        warnings += self._warnings(played, grade)
        part = slice(self._first, played.last + 1)
        end = played.last + 1
        figures = statistics(
            played.trades, _cut(played.curve, 0, end), self._times[:end], self._seconds, close[:end],
            self._terms.deposit, self._first,
        )  # fmt: skip
        curve = _cut(played.curve, self._first, end)
        head = self._head(signals, played, grade)
        returns = daily_returns(curve, self._times[part], self._terms.deposit)
        figures |= deflated(returns, _key(head), request.trials)
        return Report(
            head={
                **head,
                "trial": _key(head),
                "monte_carlo": monte_carlo(played.trades.profit, self._terms.deposit),
                "look_ahead": self._truncated(signals, spread),
            },
            statistics=figures,
            breakdowns=breakdowns(played.trades, self._times),
            trades=played.trades,
            rows=history.rows,
            bar_times=self._times,
            times=self._times[part],
            close=close[part],
            curve=curve,
            digits=request.market.grid.digits,
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def _evaluator(self, spread: Array, end: int | None = None) -> Evaluator:
        """The bars, or those before ``end``, as conditions see them: with a fixed spread where there is one, and longer
        bars made of them."""
        request, rates = self._request, self._history.rates[:end]
        rule = ServerTimeRule(request.market.clock)
        frames = {name: larger(rates, request.strategy.timeframe, name, rule) for name in self._ready.frames}
        if request.costs.spread_points is not None and not request.costs.ideal:
            rates = rates.copy()
            rates["spread"] = np.rint(spread)
        return Evaluator(rates, self._seconds, frames)

    def _signals(self, evaluator: Evaluator, spread: Array) -> Signals:
        request = self._request
        return gather(
            request.strategy,
            self._ready,
            evaluator,
            request.profile,
            request.market.grid,
            spread,
            request.news,
            self._terms,
            request.costs,
        )

    def _truncated(self, signals: Signals, spread: Array) -> dict[str, int]:
        """Decide again on bars that are cut off at some places: how many, and how many earlier signals were others."""
        count = len(self._times)
        asked = self._request.truncations
        places = (_TRUNCATIONS if count <= _FEW_BARS else 0) if asked is None else asked
        checked = different = 0
        for place in range(1, places + 1):
            self._voice.check_cancelled()
            end = count * place // (places + 1)
            if end < _LEAST_CUT:
                continue
            checked += 1
            found = self._signals(self._evaluator(spread[:end], end), spread[:end])
            kept = signals.bar < end - 1
            columns = [
                (getattr(signals, name)[kept], getattr(found, name)) for name in ("bar", "sign", "stop", "target")
            ]
            different += not all(np.array_equal(whole, part) for whole, part in columns)
        return {"checked": checked, "different": different}

    def _play(self, signals: Signals, sides: Sides, finer: Finer | None) -> Played:
        request = self._request
        terms = trade_terms(request.strategy, request.profile)
        plan = Plan.of(request.profile, terms)
        return play(
            self._history.rates, signals, sides, request.market, self._terms, request.costs, plan, terms.max_risk,
            finer, self._watch(),
        )  # fmt: skip

    def _watch(self) -> Callable[[int, Callable[[], tuple[int, float]]], None]:
        """Tells the run now and then how far the walk is and what it has made, and stops it when it was asked to."""
        total = len(self._times)
        told = 0

        def watch(bar: int, so_far: Callable[[], tuple[int, float]]) -> None:
            nonlocal told
            self._voice.check_cancelled()
            if bar - told >= total // _TOLD:
                told = bar
                positions, money = so_far()
                text = f"{count(positions, 'position')}, balance {money:,.2f} {self._request.market.currency}"
                self._voice.progress(bar, total, text)

        return watch

    def _finer(self, path: Path, directions: frozenset[int]) -> tuple[Finer | None, str]:
        """Bars of minutes under these bars; why there are none, if that is worth a word."""
        request = self._request
        try:
            found = bars.read_file(path, replace(request.asked, timeframe="M1", lenient=True))
        except UserAction as error:
            return None, f"Ambiguous bars were not looked at closer. {error}"
        spread = spread_points(found.rates, request.costs)
        sides = sides_of(Evaluator(found.rates, 60), spread, request.market, request.costs, directions)
        times = found.rates["time"].astype(np.int64)
        return Finer(times, sides.long, sides.short, self._times, self._seconds), ""

    def _warnings(self, played: Played, grade: Grade) -> list[str]:
        """What a reader of the result has to know."""
        request, tally, found = self._request, played.tally, []
        least = GRADES.index(request.least_grade)
        if GRADES.index(grade.letter) > least:
            found.append(f"The bars have grade {grade.letter} ({'; '.join(grade.reasons)}); the test was forced.")
        if not request.costs.ideal:
            if request.costs.spread_points is None and not self._history.rates["spread"].any():
                found.append("The bars have no spread, so that none was paid; spread= names one in points.")
            if request.costs.swap and (trouble := request.market.swap_trouble()):
                found.append(trouble)
        if request.market.converted:
            found.append(
                f"Profits were turned into {request.market.currency or 'the money of the account'} at the rate that "
                "the symbol's specification has now; those of the past are not known."
            )
        left = tally.ambiguous - tally.settled
        if left > _FEW_AMBIGUOUS * len(played.trades):
            found.append(
                f"{count(left, 'trade')} of {len(played.trades):,} ended in a bar that held both stop and target: the "
                "stop was taken."
            )
        if tally.stop_outs:
            found.append(f"{count(tally.stop_outs, 'position')} were closed by the broker: the margin was used up.")
        if tally.no_money:
            found.append(f"{count(tally.no_money, 'entry', 'entries')} were left out: the free margin did not do.")
        if tally.no_volume:
            found.append(f"{count(tally.no_volume, 'entry', 'entries')} had no volume. {tally.no_volume_reason}")
        if tally.no_partial:
            found.append(f"{count(tally.no_partial, 'position')} were too small to be closed by half.")
        return found

    def _head(self, signals: Signals, played: Played, grade: Grade) -> dict[str, Any]:
        request, history, terms = self._request, self._history, self._terms
        rates: Rates = history.rates
        costs = request.costs
        return {
            **request.about,
            "engine": ENGINE_VERSION,
            "currency": request.market.currency,
            "bars": {
                "source": history.source,
                "count": len(rates),
                "first": _iso(int(self._times[0])),
                "last": _iso(int(self._times[-1])),
                "tested_from": _iso(int(terms.start or 0)),
                "tested_until": _iso(int(terms.end or 0)),
                "grade": grade.letter,
                "grade_reasons": list(grade.reasons),
                "left_out": history.left_out,
                "crc32": f"{zlib.crc32(rates.tobytes()):08x}",
                "notes": list(history.notes),
            },
            "terms": {
                "deposit": terms.deposit,
                "volume": terms.volume,
                "min_score": terms.min_score,
                "warm_up": terms.warm_up,
                "leverage": terms.leverage,
                "stop_out": terms.stop_out,
            },
            "costs": {
                "ideal": costs.ideal,
                "spread_points": costs.spread_points,
                "commission": costs.commission,
                "slippage_points": costs.slippage_points,
                "swap": costs.swap,
            },
            "counts": {
                "decided_bars": signals.decided,
                "entry_signals": played.tally.signals,
                "ambiguous": played.tally.ambiguous,
                "settled_by_minutes": played.tally.settled,
                "forbidden_by_news": signals.by_news,
                "below_min_rr": signals.waiting,
                "without_volume": played.tally.no_volume,
                "without_margin": played.tally.no_money,
                "stop_outs": played.tally.stop_outs,
                "not_halved": played.tally.no_partial,
            },
            "no_trades": "" if len(played.trades) else _why_none(signals, played, terms),
        }


def _why_none(signals: Signals, played: Played, terms: Terms) -> str:
    """Why a test has no trades."""
    tally = played.tally
    if not signals.decided:
        return "The conditions had a value on no bar: there are too few bars before the test begins."
    if tally.no_volume:
        return f"{count(tally.no_volume, 'entry', 'entries')} had no volume. {tally.no_volume_reason}"
    if tally.no_money:
        return f"The free margin allowed none of {count(tally.no_money, 'entry', 'entries')}."
    if signals.waiting:
        return f"The reward of {count(signals.waiting, 'entry', 'entries')} is below min_rr of the strategy."
    if signals.by_news:
        return f"News forbade all {count(signals.by_news, 'entry', 'entries')}."
    asked = "" if terms.min_score <= 0 else f" with a score of {terms.min_score:g} or more"
    return f"On none of {count(signals.decided, 'decided bar')} did the entry conditions hold{asked}."


def _cut(curve: Curve, begin: int, end: int) -> Curve:
    return Curve(*(getattr(curve, name)[begin:end] for name in Curve.__slots__))


def _key(head: Mapping[str, Any]) -> str:
    """Names a test: the same rule with the same profile on the same bars and terms has the same."""
    bars = {name: head["bars"][name] for name in ("crc32", "tested_from", "tested_until")}
    parts = [head["rule"], head["profile"], head["symbol"], head["timeframe"], head["terms"], head["costs"], bars]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _iso(seconds: int) -> str:
    return f"{np.datetime64(seconds, 's')}Z"


def stem_of(strategy: str, symbol: str, timeframe: str, stamp: str, run: str) -> str:
    """What the files of a test are called: ``{strategy}_{symbol}_{timeframe}_{time}_{run}``."""
    return safe_name(f"{strategy}_{symbol}_{timeframe}_{stamp}_{run}")
