"""One backtest from its bars to its files: what the spawned process does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from app.errors import UserAction
from app.files import StorageError, atomic_write_bytes, guarding
from app.paths import safe_name
from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import TIMEFRAMES
from workers.backtest import bars, calibrate, folds, report_html, report_json, told, trades_csv
from workers.backtest.bars import History
from workers.backtest.breakdown import breakdowns
from workers.backtest.engine import play, sides_of, spread_points
from workers.backtest.finer import Finer
from workers.backtest.honesty import deflated, monte_carlo
from workers.backtest.management import Plan
from workers.backtest.model import Curve, Played, Report, Terms, Trades
from workers.backtest.request import Answer, Request, Voice
from workers.backtest.signals import Signals, gather
from workers.backtest.statistics import daily_returns, statistics
from workers.backtest.walk import Sides
from workers.market.grade import GRADES, Grade
from workers.market.resample import larger
from workers.strategy.averages import Array
from workers.strategy.calibration import rule_key
from workers.strategy.confidence import PENDING_FROM
from workers.strategy.evaluate import least_bars
from workers.strategy.evidence import bars_bytes, sha256
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.prices import trade_terms
from workers.strategy.rules import prepare
from workers.wording import count

#: Table, document and page of a test.
ENDINGS: Final = ("_trades.csv", ".json", ".html")
#: The walk tells how far it is so many times.
_TOLD: Final = 20
#: Places at which bars are cut off to look for signals that knew more, when there are not more bars than this.
_TRUNCATIONS: Final = 3
_FEW_BARS: Final = 50_000
_LEAST_CUT: Final = 100

C = TypeVar("C", bound="Case")


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
    case, grade = opened(voice, request, Case)
    return case.report(grade)


def opened(voice: Voice, request: Request, kind: type[C]) -> tuple[C, Grade]:
    """The bars of a request read, graded and cut to the test.

    Raises:
        UserAction: bars or rule cannot be used.
    """
    voice.progress(0, 0, "reading the bars")
    history = request.history or bars.read_file(_given(request.path), request.asked)
    seconds = TIMEFRAMES[request.strategy.timeframe].seconds
    grade = _graded(history, request, seconds)
    voice.check_cancelled()
    return kind(voice, request, history, seconds), grade


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


class Case:
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
        # What comes after the end of the test is nobody's business: open positions are closed there.
        self._history = history.part(0, int(np.searchsorted(times, until - seconds, side="right")))
        self._times = times = times[: len(self._history.rates)]
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

    def _enough_frames(self, evaluator: Evaluator) -> None:
        """The same for the other timeframes of the rule.

        Raises:
            UserAction: there are never as many bars of one as live evaluation asks for.
        """
        if self._terms.warm_up is not None or self._terms.min_score <= 0:
            return
        for name in self._ready.frames:
            _there, newest = evaluator.other(name)
            closed, least = int(newest[-1]) + 1, self._ready.reach(name).least
            if closed < least:
                raise UserAction(
                    f"Too few bars: those of {self._history.source} make {count(closed, f'closed {name} bar')}, and "
                    f"the strategy {self._request.strategy.id} needs {least:,} before it decides.",
                    advice="Give it more history, or look at its entry conditions alone with min_score=0.",
                )

    def report(self, grade: Grade) -> Report:
        """Decide, trade, and gather the figures."""
        request, history = self._request, self._history
        self._voice.progress(0, len(self._times), "deciding on every bar")
        spread = spread_points(history.rates, request.costs)
        evaluator = self._evaluator(spread)
        self._enough_frames(evaluator)
        signals = self._signals(evaluator, spread)
        scored = self._scored(evaluator, spread) if request.calibrate else None
        directions = frozenset(signals.sign.tolist())
        if scored is not None:
            directions |= frozenset(scored.sign.tolist())
        sides = sides_of(evaluator, spread, request.market, request.costs, directions)
        close = evaluator.column("close")
        del evaluator  # with all averages: the walk needs prices only
        self._voice.check_cancelled()
        played = self._play(signals, sides, None)
        warnings = list(request.warnings)
        finer = None
        if request.finer is not None and (played.tally.ambiguous or request.calibrate):
            finer, trouble = self._finer(request.finer, directions)
            if finer is not None:
                played = self._play(signals, sides, finer)
            warnings += [trouble] if trouble else []
        warnings += told.warnings(request, history, played, grade)
        part = slice(self._first, played.last + 1)
        figures, curve, returns = self.figures(played, close)
        head = told.head(request, history, self._terms, signals, played, grade)
        figures |= deflated(returns, told.key(head), request.trials)
        return Report(
            head={
                **head,
                "trial": told.key(head),
                "monte_carlo": monte_carlo(played.trades.profit, self._terms.deposit),
                "look_ahead": self._truncated(signals, spread),
                "calibration": self._calibration(calibrate.outcomes(scored, sides, finer))
                if scored is not None
                else {},
                "walk_forward": self._folds(played.trades) if request.walk_forward else {},
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

    def figures(self, played: Played, close: Array) -> tuple[dict[str, Any], Curve, Array]:
        """The statistics of a test, the curve from its first bar on, and its daily returns."""
        deposit, first, end = self._terms.deposit, self._first, played.last + 1
        found = statistics(
            played.trades, _cut(played.curve, 0, end), self._times[:end], self._seconds, close[:end], deposit, first
        )
        curve = _cut(played.curve, first, end)
        return found, curve, daily_returns(curve, self._times[first:end], deposit)

    def _evaluator(self, spread: Array, end: int | None = None) -> Evaluator:
        """The bars, or those before ``end``, as conditions see them: with a fixed spread where there is one, and longer
        bars made of them."""
        request, rates = self._request, self._history.rates[:end]
        rule = ServerTimeRule(request.market.clock)
        frames = {name: larger(rates, request.strategy.timeframe, name, rule) for name in self._ready.frames}
        if request.costs.spread_points is not None and not request.costs.ideal:
            rates = rates.copy()
            rates["spread"] = np.rint(spread)
        return Evaluator(rates, self._seconds, frames, rule)

    def _scored(self, evaluator: Evaluator, spread: Array) -> Signals:
        """All signals that live evaluation would have an idea on."""
        return self._signals(evaluator, spread, replace(self._terms, min_score=PENDING_FROM, warm_up=None))

    def _calibration(self, found: calibrate.Outcomes) -> dict[str, Any]:
        """What the scores were worth."""
        request = self._request
        return calibrate.calibration(found) | {
            "rule": rule_key(request.strategy, request.profile),
            "bars_sha256": sha256(bars_bytes(self._history.rates)),
            "first": told.iso(int(self._terms.start or 0)),
            "last": told.iso(int(self._terms.end or 0)),
            "news": told.embargo(request, self._terms),
            "costs": told.price_of_costs(request, float(self._history.rates["close"][-1])),
        }

    def _folds(self, trades: Trades) -> dict[str, Any]:
        """The walk-forward of the rule."""
        asked, count = self._request.walk_forward, len(self._times)
        found = folds.folds(asked, self._times, self._first, count, self._seconds)
        return folds.report(trades, found, self._times, self._seconds, asked)

    def _signals(self, evaluator: Evaluator, spread: Array, terms: Terms | None = None) -> Signals:
        request = self._request
        return gather(
            request.strategy,
            self._ready,
            evaluator,
            request.profile,
            request.market.grid,
            spread,
            request.news,
            terms or self._terms,
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
        reached = 0

        def watch(bar: int, so_far: Callable[[], tuple[int, float]]) -> None:
            nonlocal reached
            self._voice.check_cancelled()
            if bar - reached >= total // _TOLD:
                reached = bar
                positions, money = so_far()
                self._voice.progress(bar, total, told.so_far(positions, money, self._request.market.currency))

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


def _cut(curve: Curve, begin: int, end: int) -> Curve:
    return Curve(*(getattr(curve, name)[begin:end] for name in Curve.__slots__))


def stem_of(strategy: str, symbol: str, timeframe: str, stamp: str, run: str) -> str:
    """What the files of a test are called: ``{strategy}_{symbol}_{timeframe}_{time}_{run}``."""
    return safe_name(f"{strategy}_{symbol}_{timeframe}_{stamp}_{run}")
