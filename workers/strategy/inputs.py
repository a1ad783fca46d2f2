"""All that one idea is made from, as values, and the same as pieces of evidence and back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

from app.errors import UserAction
from app.runs import iso
from app.settings import RiskSettings
from app.terminal.server_time import ServerTimeRule
from app.terminal.values import TIMEFRAMES, Rates, SymbolInfo
from workers.calendar.values import Calendar
from workers.strategy import calendar_news
from workers.strategy.account import AccountState
from workers.strategy.batch import Batch
from workers.strategy.calibration import Calibration
from workers.strategy.confidence import News
from workers.strategy.evaluate import Evaluation, SideView, evaluate, examine
from workers.strategy.evidence import EvidenceLost, EvidenceStore, bars_bytes, bars_of, canonical
from workers.strategy.gates import Gate
from workers.strategy.library import ProfileFile, RuleFile
from workers.strategy.prices import PriceGrid
from workers.strategy.profile import parse_profile
from workers.strategy.schema import parse_strategy
from workers.strategy.sizing import Size, VolumeRules
from workers.strategy.volume import size_of

T = TypeVar("T")

#: Engines that read files in another way: an empty ``sessions`` said what leaving it out says, and odd values passed.
EARLIER_FILES: Final = frozenset({"3", "4"})

#: Fields of a specification that move with the market or the terminal's window and decide nothing.
_PASSING: Final = frozenset({
    "bid", "ask", "last", "bidhigh", "bidlow", "session_deals", "session_open", "session_close", "price_change",
    "spread", "select", "visible",
})  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What an idea is made from.

    Attributes:
        rates: The closed bars that are looked at, the decided one last.
        frames: Those of other timeframes, by their names.
        calendar: The part around ``now``; None when it is not asked.
        now: When it was decided, in whole milliseconds.
        gates: What was found of the preconditions.
        limits: The settings of risk.
        calibration: What a backtest found of the scores of the strategy; None when there is none.
        server: The rule of the server's clock, by which bars end; None: they are as long as they are called.
    """

    rule: RuleFile
    profile: ProfileFile | None
    info: SymbolInfo
    rates: Rates
    frames: Mapping[str, Rates]
    calendar: Calendar | None
    now: datetime
    gates: tuple[Gate, ...]
    account: AccountState
    limits: RiskSettings
    calibration: Calibration | None = None
    server: ServerTimeRule | None = None

    def evaluated(self) -> Evaluation:
        """The strategy on these bars, with what news take from the score."""
        return self._by(evaluate)

    def examined(self) -> tuple[Evaluation, tuple[SideView, ...]]:
        """The same, with every condition of every direction."""
        return self._by(examine)

    def _by(self, function: Callable[..., T]) -> T:
        strategy = self.rule.strategy
        return function(
            strategy,
            self.rates,
            TIMEFRAMES[strategy.timeframe].seconds,
            PriceGrid.of(self.info),
            profile=self.profile.profile if self.profile else None,
            frames=self.frames,
            news=self.news(),
            server=self.server,
        )

    def news(self) -> News:
        """What events near now take from the score."""
        minutes = self.rule.strategy.strategy.news_embargo_minutes
        return calendar_news.news(self.calendar, currencies(self.info), self.now, minutes)

    def sized(self, evaluation: Evaluation) -> Size:
        """The volume of an idea."""
        return size_of(evaluation, VolumeRules.of(self.info), self.limits, self.account.exposure)


@dataclass(frozen=True, slots=True)
class Hashes:
    """Names of the pieces of evidence of one idea."""

    rule: str
    profile: str | None
    symbol: str
    calendar: str | None
    bars: str
    other_bars: tuple[tuple[str, str], ...]
    inputs: str
    calibration: str | None = None


def currencies(info: SymbolInfo) -> frozenset[str]:
    """The currencies whose news concern a symbol."""
    return frozenset(code.upper() for code in (info.currency_base, info.currency_profit) if code)


def lasting(info: SymbolInfo) -> SymbolInfo:
    """The specification without what moves with the market; numbers that are none are NaN."""
    return _info_of(_info_json(info))


def store(inputs: Inputs, evidence: EvidenceStore, engine: str, batch: Batch | None = None) -> Hashes:
    """Keep all that an idea is made from; with a ``batch``, when that is settled.

    Raises:
        StorageError: a piece cannot be written.
    """
    put = partial(evidence.put, batch=batch)
    rule = put(inputs.rule.content)
    profile = put(inputs.profile.content) if inputs.profile else None
    symbol = put(canonical(_info_json(inputs.info)))
    calendar = put(canonical(calendar_news.as_json(inputs.calendar))) if inputs.calendar is not None else None
    bars = put(bars_bytes(inputs.rates))
    others = tuple((name, put(bars_bytes(rates))) for name, rates in sorted(inputs.frames.items()))
    measured = put(canonical(inputs.calibration.document)) if inputs.calibration is not None else None
    root = {
        "engine": engine,
        "now": iso(inputs.now),
        "rule": rule,
        "rule_file": inputs.rule.file_name,
        "profile": profile,
        "profile_file": inputs.profile.file_name if inputs.profile else "",
        "symbol": symbol,
        "calendar": calendar,
        "bars": bars,
        "other_bars": dict(others),
        "gates": [[gate.name, gate.holds, gate.text] for gate in inputs.gates],
        "account": inputs.account.as_json(),
        "limits": inputs.limits.model_dump(mode="json"),
        "calibration": measured,
    }
    if inputs.server is not None:
        root["server_time"] = inputs.server.name
    return Hashes(rule, profile, symbol, calendar, bars, others, put(canonical(root)), measured)


def load(name: str, evidence: EvidenceStore) -> tuple[Inputs, Hashes, str]:
    """What ``store`` kept: the inputs, the names of the pieces, and the version of the engine that used them.

    Raises:
        EvidenceLost: a piece is missing, damaged or not understood.
        StorageError: a piece cannot be read.
    """
    root = evidence.document(name)
    try:
        hashes = Hashes(
            root["rule"],
            root["profile"],
            root["symbol"],
            root["calendar"],
            root["bars"],
            tuple(sorted(root["other_bars"].items())),
            name,
            root.get("calibration"),  # ideas of engine 3 have none
        )
        return _inputs(root, hashes, evidence), hashes, str(root["engine"])
    except EvidenceLost:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, UserAction) as error:
        msg = f"The evidence {name} is not understood ({type(error).__name__}: {error})."
        raise EvidenceLost(msg, advice="Use the version of Metronome that wrote the idea.") from error


def pieces(root: Mapping[str, Any]) -> list[str]:
    """The names of the pieces that a document of ``store`` speaks of."""
    found = [root.get(name) for name in ("rule", "profile", "symbol", "calendar", "bars", "calibration")]
    others = root.get("other_bars")
    found += others.values() if isinstance(others, dict) else ()
    return [str(name) for name in found if name is not None]


def _inputs(root: Mapping[str, Any], hashes: Hashes, evidence: EvidenceStore) -> Inputs:
    earlier, rule = str(root["engine"]) in EARLIER_FILES, evidence.get(hashes.rule)
    rule_file, profile_file = str(root["rule_file"]), str(root["profile_file"])
    profile = None
    if hashes.profile is not None:
        content = evidence.get(hashes.profile)
        profile = ProfileFile(
            parse_profile(content, profile_file, earlier=earlier), profile_file, hashes.profile, content
        )
    calendar = None
    if hashes.calendar is not None:
        calendar = calendar_news.from_json(evidence.document(hashes.calendar))
    strategy, named = parse_strategy(rule, rule_file, earlier=earlier), root.get("server_time")
    if earlier and not strategy.sessions:
        strategy = strategy.model_copy(update={"sessions": None})
    return Inputs(
        RuleFile(strategy, rule_file, hashes.rule, rule),
        profile,
        _info_of(evidence.document(hashes.symbol)),
        bars_of(evidence.get(hashes.bars)),
        {frame: bars_of(evidence.get(piece)) for frame, piece in hashes.other_bars},
        calendar,
        datetime.fromisoformat(root["now"]),
        tuple(Gate(*gate) for gate in root["gates"]),
        AccountState.from_json(root["account"]),
        RiskSettings.model_validate(root["limits"]),
        Calibration.of(evidence.document(hashes.calibration)) if hashes.calibration is not None else None,
        ServerTimeRule(named) if named is not None else None,
    )


def _info_json(info: SymbolInfo) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in dataclasses.asdict(info).items()
        if name not in _PASSING
    }


def _info_of(document: Mapping[str, Any]) -> SymbolInfo:
    values: dict[str, Any] = dict.fromkeys(_PASSING, 0)
    values |= {name: math.nan if value is None else value for name, value in document.items()}
    return SymbolInfo(**values)
