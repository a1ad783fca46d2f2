"""A backtest put together from settings, files and the terminal, and handed to a process of its own."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.errors import Blocked, MetronomeError, Retryable, UserAction
from app.files import guarding
from app.json_list import read_list
from app.runs import iso
from app.tasks import TaskContext
from app.terminal.symbols import SymbolNames
from app.terminal.timeframes import DAY, TIMEFRAMES
from app.terminal.values import AccountInfo, SymbolInfo
from workers.backtest import bars
from workers.backtest.bars import Asked, History
from workers.backtest.keeping import TRIALS, calibrates, keep_calibration, keep_trial, trials_of
from workers.backtest.market import Market
from workers.backtest.model import Costs, News, Terms
from workers.backtest.params import BacktestParams, BacktestResult, TradingParams
from workers.backtest.request import Answer, Request
from workers.backtest.work import ENDINGS, stem_of, work
from workers.calendar import store as calendar_store
from workers.calendar.values import Impact
from workers.market import symbol_info
from workers.market.bar_history import bars_file
from workers.strategy import library
from workers.strategy.evaluate import window
from workers.strategy.inputs import currencies
from workers.strategy.library import RuleFile
from workers.strategy.profile import Profile
from workers.strategy.rules import prepare
from workers.strategy.schema import Strategy

#: Days of a stored history or of the terminal's that are tested when nobody says otherwise.
USUAL_DAYS: Final = 365.0
#: After a request to stop, the process has this long to end by itself; it writes nothing half either way.
GRACE_S: Final = 0.25
_TEXTS: Final = ("name", "description", "path", "currency_base", "currency_profit", "currency_margin")
_CONNECT_S: Final = 10.0


def backtest(ctx: TaskContext, params: BacktestParams, limit_s: float) -> BacktestResult:
    """Put the request together, have it worked on, and tell what came of it.

    Raises:
        UserAction: strategy, symbol, bars or another parameter cannot be used.
        StorageError: the report cannot be written.
        WorkerCrashed: the process took longer than ``limit_s``, or died.
        Cancelled: the run was asked to stop.
    """
    request = Gatherer(ctx, params, calibrate=calibrates(params)).request()
    request = replace(request, truncations=params.truncations, walk_forward=params.walk_forward)
    try:
        answer: Answer = ctx.compute(work, request, limit_s=limit_s, grace_s=GRACE_S)
    except MetronomeError:
        # A process that was ended while it wrote may have left some of its files.
        for ending in ENDINGS:
            with guarding(request.folder, "clean"):
                (request.folder / f"{request.stem}{ending}").unlink(missing_ok=True)
        raise
    keep_trial(ctx, answer)
    for file in (answer.trades_csv, answer.report_json, answer.report_html):
        ctx.wrote(Path(file))
    if answer.no_trades:
        ctx.warn(f"There were no trades. {answer.no_trades}")
    for warning in answer.warnings:
        ctx.warn(warning)
    head = answer.head
    return BacktestResult(
        strategy=head["strategy"],
        symbol=head["symbol"],
        timeframe=head["timeframe"],
        currency=head["currency"],
        bars=dict(head["bars"]),
        counts=dict(head["counts"]),
        trades=answer.trades,
        calibration=keep_calibration(ctx, params, request, head),
        walk_forward=dict(head["walk_forward"]),
        monte_carlo=dict(head["monte_carlo"]),
        look_ahead=dict(head["look_ahead"]),
        no_trades=answer.no_trades,
        statistics=dict(answer.statistics),
        trades_csv=answer.trades_csv,
        report_json=answer.report_json,
        report_html=answer.report_html,
    )


class Gatherer:
    """Puts one request together."""

    def __init__(self, ctx: TaskContext, params: TradingParams, *, calibrate: bool = False) -> None:
        self._ctx, self._params, self._calibrate = ctx, params, calibrate
        self._warnings: list[str] = []

    def request(self) -> Request:
        """The request."""
        ctx, params = self._ctx, self._params
        rule, inside = self._rule()
        wanted = {
            "symbol": params.symbol or rule.strategy.symbol,
            "timeframe": params.timeframe or rule.strategy.timeframe,
        }
        strategy = rule.strategy.model_copy(update=wanted)
        profile = self._profile(strategy.symbol, inside)
        info, account = self._specification(strategy.symbol)
        currency = account.currency if account else ""
        market = Market.of(info, currency, ctx.terminal.server_rule.name)
        terms = self._terms(account)
        path, history, days = self._bars(strategy, profile, terms.start, terms.end)
        created = ctx.clock.now()
        news_minutes = strategy.strategy.news_embargo_minutes if params.min_score > 0 or self._calibrate else 0
        return Request(
            strategy=strategy,
            profile=profile,
            market=market,
            terms=terms,
            costs=Costs(params.costs == "none", params.spread, params.commission, params.slippage, params.swap),
            asked=Asked(
                strategy.timeframe,
                params.time_zone,
                params.point,
                ctx.settings.terminal.server_time,
                params.force or not params.bars,
            ),
            path=path,
            history=history,
            finer=self._minutes(strategy.symbol, strategy.timeframe),
            news=self._news(currencies(info)) if news_minutes else None,
            days=days,
            least_grade=ctx.settings.strategies.least_backtest_grade,
            force=params.force,
            folder=ctx.storage.paths.backtests,
            stem=stem_of(strategy.id, strategy.symbol, strategy.timeframe, f"{created:%Y%m%d_%H%M%S}", ctx.run_id[-6:]),
            about=self._about(rule, strategy, profile, created),
            warnings=tuple(self._warnings),
            trials=trials_of(ctx.storage.paths.backtests / TRIALS, strategy.id, strategy.symbol),
            calibrate=self._calibrate,
        )

    def _terms(self, account: AccountInfo | None) -> Terms:
        """How to trade.

        Raises:
            UserAction: the test would begin after its end.
        """
        params = self._params
        start, end = _instant(params.start, "start", last=False), _instant(params.end, "end", last=True)
        if start is not None and end is not None and start >= end:
            raise UserAction(
                f"The test would begin ({params.start}) after its end ({params.end}).", advice="Change one."
            )
        leverage = params.leverage or (float(account.leverage) if account and account.leverage else 100.0)
        return Terms(
            params.deposit, params.volume, params.min_score, params.warm_up, start, end, leverage, params.stop_out / 100
        )

    def _about(self, rule: RuleFile, strategy: Strategy, profile: Profile | None, created: datetime) -> dict[str, Any]:
        """The beginning of the report: what is tested."""
        return {
            "name": strategy.name,
            "strategy": strategy.id,
            "symbol": strategy.symbol,
            "timeframe": strategy.timeframe,
            "created": iso(created),
            "run": self._ctx.run_id,
            "rule_file": rule.file_name,
            "rule_sha256": rule.sha256,
            "rule": strategy.model_dump(mode="json", exclude_none=True, exclude_defaults=True),
            "profile": profile.model_dump(mode="json", exclude_none=True) if profile else None,
        }

    def _rule(self) -> tuple[RuleFile, bool]:
        """The rule, and whether it is one of the library.

        Raises:
            UserAction: there is none, or it cannot be used.
        """
        wanted = self._params.strategy
        folder = self._ctx.storage.paths.strategies
        if wanted.lower().endswith(".json") or "/" in wanted or "\\" in wanted:
            path = Path(wanted).expanduser()
            if not path.is_file():
                raise UserAction(f"There is no strategy file {wanted}.", advice="Check the path.")
            return library.read_rule(path), path.resolve().parent == folder.resolve()
        library.ensure_examples(folder)
        found = library.load(folder)
        for rule in found.rules:
            if rule.strategy.id == wanted:
                return rule, True
        for bad in found.bad:
            if Path(bad.file_name).stem == wanted:
                raise bad.error
        known = [rule.strategy.id for rule in found.rules]
        near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UserAction(
            f"There is no strategy {wanted!r}.",
            advice=f"{hint}Known: {', '.join(known) or 'none'}. A file is named by its path.",
        )

    def _profile(self, symbol: str, inside: bool) -> Profile | None:
        if not (inside if self._params.profile is None else self._params.profile):
            return None
        found = library.load_profiles(self._ctx.storage.paths.profiles).of(symbol)
        return found.profile if found else None

    def _specification(self, symbol: str) -> tuple[SymbolInfo, AccountInfo | None]:
        """What the symbol and the account are like: from the terminal, or as they were last recorded.

        Raises:
            UserAction: nobody knows the symbol.
            Blocked: there is no terminal, and nothing was recorded.
        """
        ctx = self._ctx
        try:
            ctx.terminal.ensure_connected(_CONNECT_S)
            return SymbolNames(ctx.terminal, ctx.storage, ctx.clock).symbol_info(symbol), ctx.terminal.account()
        except (Blocked, Retryable) as error:
            found = _recorded(ctx.storage.paths.cache / symbol_info.FILE_NAME, symbol)
            if found is None:
                raise Blocked(
                    f"The specification of {symbol} is not known: {error.message}",
                    advice=error.advice or "Connect the terminal; what it tells is kept for later.",
                ) from error
            self._warnings.append(
                f"The terminal is not connected: the specification of {symbol} is the one recorded last, and the "
                "account is taken to have a leverage of 1:100 unless leverage= says otherwise."
            )
            return found, None

    def _bars(
        self, strategy: Strategy, profile: Profile | None, start: int | None, end: int | None
    ) -> tuple[Path | None, History | None, float | None]:
        """The file of the bars or the bars themselves, and how many days are tested."""
        ctx, params, symbol, timeframe = self._ctx, self._params, strategy.symbol, strategy.timeframe
        if params.bars:
            return Path(params.bars).expanduser(), None, params.days
        days = params.days if params.days is not None or start is not None else USUAL_DAYS
        stored = bars_file(ctx.storage.paths.bars, symbol, timeframe)
        if stored.is_file():
            return stored, None, days
        until = datetime.fromtimestamp(end, UTC) if end is not None else ctx.clock.now()
        since = datetime.fromtimestamp(start, UTC) if start is not None else until - timedelta(days=days or USUAL_DAYS)
        warming = _warming(strategy, profile)
        names = SymbolNames(ctx.terminal, ctx.storage, ctx.clock)
        found = ctx.terminal.rates_range(names.broker_name(symbol), timeframe, since - warming, until)
        rates = np.array(found.closed().rates)
        if not len(rates):
            raise UserAction(
                f"There are no {timeframe} bars of {symbol}: none is stored, and the terminal has none of that time.",
                advice="Import a file, name one with bars=, or ask for another time.",
            )
        status = ctx.terminal.status
        source = "the simulated terminal" if status.simulated else status.server or "the terminal"
        digits = SymbolNames(ctx.terminal, ctx.storage, ctx.clock).symbol_info(symbol).digits
        return None, bars.of_rates(rates, f"the history of {source}", digits), days

    def _minutes(self, symbol: str, timeframe: str) -> Path | None:
        """The file of bars of minutes that tell the order inside a bar, if one is to be looked at."""
        named = self._params.minutes
        if named == "none" or TIMEFRAMES[timeframe].seconds <= 60:
            return None
        if named not in ("auto", ""):
            path = Path(named).expanduser()
            if not path.is_file():
                raise UserAction(f"There is no file {named}.", advice="Check the path given with minutes=.")
            return path
        if self._params.bars:
            return None  # the stored minutes may be those of another market
        stored = bars_file(self._ctx.storage.paths.bars, symbol, "M1")
        return stored if stored.is_file() else None

    def _news(self, wanted: Collection[str]) -> News | None:
        """The stored events that concern the symbol; what is not known of them is a warning."""
        calendar = calendar_store.load(self._ctx.storage)
        spans = [
            (state.covers_from, state.covers_until)
            for state in calendar.sources
            if state.succeeded is not None and state.covers_from is not None and state.covers_until is not None
        ]
        if not spans:
            self._warnings.append(
                "News were not looked at: there is no stored calendar. Live evaluation stays away from them."
            )
            return None
        first, last = min(span[0] for span in spans), max(span[1] for span in spans)
        self._warnings.append(
            f"News were looked at from {first:%Y-%m-%d} to {last:%Y-%m-%d}, as far as the stored calendar reaches; "
            "live evaluation stays away from them at all times."
        )
        events = [
            event
            for event in calendar.events
            if event.timed
            and event.impact in (Impact.HIGH, Impact.MEDIUM)
            and (event.currency == "ALL" or event.currency.upper() in wanted)
        ]
        return News(
            np.array([int(event.time.timestamp()) for event in events], dtype=np.int64),
            np.array([event.impact is Impact.HIGH for event in events], dtype=np.bool_),
            int(first.timestamp()),
            int(last.timestamp()),
        )


def _warming(strategy: Strategy, profile: Profile | None) -> timedelta:
    """The time before a test in which there are bars enough to decide, on every timeframe of the rule."""
    ready = prepare(strategy, profile)
    needs = [window(strategy, profile) * min(TIMEFRAMES[strategy.timeframe].seconds, DAY)]
    needs += [ready.reach(name).least * TIMEFRAMES[name].seconds for name in ready.frames]
    # Half as much again for the weekends between the bars that warm the indicators up.
    return timedelta(seconds=1.5 * max(needs) + 4 * DAY)


def _recorded(path: Path, symbol: str) -> SymbolInfo | None:
    """The specification of a symbol as the terminal last told it; None when it was not recorded."""
    found = read_list(path, "symbols")
    if found is None:
        return None
    for item in found[1]:
        if item.get("name") == symbol:
            values: dict[str, Any] = {name: item.get(name) or 0 for name in SymbolInfo.__match_args__}
            return SymbolInfo.from_struct({**values, **{name: str(values[name] or "") for name in _TEXTS}})
    return None


def _instant(text: str, name: str, *, last: bool) -> int | None:
    """An instant from a text; a day alone means its beginning, or with ``last`` its end.

    Raises:
        UserAction: the text is none.
    """
    if not text.strip():
        return None
    try:
        if len(text.strip()) == len("2025-01-31"):
            day = date.fromisoformat(text.strip()) + timedelta(days=1 if last else 0)
            return int(datetime.combine(day, clock_time(), UTC).timestamp())
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UserAction(
            f"{name} is no day and no time: {text!r}.", advice="Write it as 2025-01-31 or 2025-01-31T12:00Z."
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
