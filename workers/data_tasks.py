"""The tasks that gather data: their specifications and thin functions. The work is in ``workers.market``.

Calendar and news have their tasks beside their work, in ``workers.calendar.task`` and ``workers.news.task``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import Field

from app.tasks import CatchUp, NoParams, Queue, Retries, TaskContext, TaskParams, TaskResult, TaskSpec
from workers.calendar.task import CalendarParams, CalendarResult, update_economic_calendar
from workers.gates import TerminalConnected
from workers.journal.trades import record
from workers.market.care import lost_texts
from workers.market.collect import BarCounts, collect
from workers.market.hours import market_open, standing_still
from workers.market.symbol_info import update
from workers.news.task import COLLECT_RSS_NEWS
from workers.wording import count


class CollectParams(TaskParams):
    """What to collect."""

    symbols: tuple[str, ...] | None = Field(
        default=None, title="Symbols", description="Symbols to collect; empty: the watch list of the settings."
    )


class CollectResult(TaskResult):
    """What a pass over the watch list brought."""

    symbols: int = Field(description="Symbols asked for.")
    collected: int = Field(description="Symbols whose quote was stored.")
    fresh: int = Field(description="Quotes that are the present price.")
    stale: int = Field(description="Quotes older than the limit.")
    still: int = Field(default=0, description="Of those, quotes of symbols whose market is open.")
    closed: int = Field(default=0, description="Of those, quotes of symbols whose market is closed.")
    invalid: int = Field(description="Quotes that are zero, crossed or from the future.")
    bars_appended: int = Field(description="Closed bars added to the history.")
    bars_healed: int = Field(
        description="Bars missed while the application or the terminal was away, and filled in now."
    )
    bars_lost: int = Field(
        default=0,
        description="Bars of the symbols' sessions that are missing and that the terminal has not got either.",
    )
    lost: tuple[str, ...] = Field(default=(), description="The first ranges that cannot be healed.")
    grades: dict[str, str] = Field(
        default_factory=dict, description="Grade of the stored bars, A to F, by symbol and timeframe."
    )
    bars_rejected: int = Field(description="Bars left out because their prices are impossible.")
    failed: tuple[str, ...] = Field(default=(), description="Symbols that could not be collected.")
    server_time: str = Field(default="", description="The server's clock as far as it is known.")
    server_time_confidence: float | None = Field(
        default=None, description="How sure that is, 0 to 1; empty when the settings name the clock."
    )
    names: dict[str, str] = Field(
        default_factory=dict, description="The broker's names of symbols where they differ from ours."
    )
    qualities: dict[str, str] = Field(default_factory=dict, description="Quality of each quote, by symbol.")

    def summary(self) -> str:
        parts = [count(self.symbols, "symbol")]
        if self.stale:
            parts.append("all quotes stale" if self.stale == self.symbols else f"{self.stale} stale")
            if self.still:
                parts[-1] += f", {self.still} of them although the market is open"
            elif self.closed == self.symbols:
                parts[-1] += ", the market seems closed"
        if self.invalid:
            parts.append(f"{self.invalid} with an unusable quote")
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        healed = f" ({self.bars_healed} back-filled)" if self.bars_healed else ""
        parts.append(f"{count(self.bars_appended, 'bar')} added{healed}" if self.bars_appended else "no new bars")
        if self.bars_lost:
            parts.append(f"{count(self.bars_lost, 'bar')} missing at the broker too")
        return ", ".join(parts)


def collect_market_data(ctx: TaskContext, params: CollectParams) -> CollectResult:
    """Collect quotes and closed bars of the watch list, or of the symbols asked for."""
    symbols = tuple(dict.fromkeys(params.symbols or ctx.settings.market.watch_list))
    found = collect(ctx, symbols)
    outcomes = found.outcomes
    quotes = [outcome.quote for outcome in outcomes if outcome.quote is not None]
    bars = BarCounts()
    for outcome in outcomes:
        bars = bars.plus(outcome.bars)
    inside = sum(item.healed for item in found.cared)
    fresh = sum(quote.fresh for quote in quotes)
    quiet_s = ctx.settings.market.max_tick_age_s
    still = len(standing_still(quotes, quiet_s))
    open_ones = [market_open(quote.symbol, quote.taken, quiet_s) for quote in quotes if quote.quality == "stale"]
    stale = sum(quote.quality == "stale" for quote in quotes)
    return CollectResult(
        symbols=len(symbols),
        collected=len(quotes),
        fresh=fresh,
        stale=stale,
        still=still,
        closed=open_ones.count(False),
        invalid=len(quotes) - fresh - stale,
        bars_appended=bars.appended + inside,
        bars_healed=bars.healed + inside,
        bars_lost=sum(gap.missing for item in found.cared for gap in item.lost),
        lost=lost_texts(found.cared),
        grades=found.grades,
        bars_rejected=bars.rejected,
        failed=tuple(outcome.symbol for outcome in outcomes if outcome.error is not None),
        server_time=ctx.terminal.server_rule.name,
        server_time_confidence=found.clock.confidence if found.clock else None,
        names={
            outcome.symbol: outcome.broker_name
            for outcome in outcomes
            if outcome.broker_name not in ("", outcome.symbol)
        },
        qualities={quote.symbol: quote.quality.value for quote in quotes},
    )


class SymbolsResult(TaskResult):
    """What recording all symbols brought."""

    symbols: int = Field(description="Symbols that the terminal lists.")
    compared_with: str | None = Field(
        default=None, description="When this account's symbols were last recorded (UTC); empty: not compared."
    )
    first_record: bool = Field(default=False, description="No earlier record of this account is kept.")
    new: int = Field(default=0, description="Symbols that were not there the last time.")
    removed: int = Field(default=0, description="Symbols that are there no more.")
    changed: int = Field(default=0, description="Symbols whose specification changed.")
    affected: tuple[str, ...] = Field(
        default=(), description="Symbols of the watch list or with a strategy that changed or are gone."
    )
    new_names: tuple[str, ...] = Field(default=(), description="The first of the new symbols.")
    removed_names: tuple[str, ...] = Field(default=(), description="The first of the removed symbols.")
    changes: tuple[dict[str, Any], ...] = Field(
        default=(), description="The first changes: symbol, field, value before and now; the user's own first."
    )

    def summary(self) -> str:
        if self.compared_with is None:
            first = ", the first record of this account" if self.first_record else ""
            return f"{count(self.symbols, 'symbol')} recorded{first}"
        told = [
            f"{number:,} {text}"
            for number, text in ((self.new, "new"), (self.removed, "removed"), (self.changed, "changed"))
            if number
        ]
        since = f"{self.compared_with[:16].replace('T', ' ')} UTC"
        return f"{', '.join([count(self.symbols, 'symbol'), *(told or ['nothing changed'])])} since {since}"


#: A result lists at most so many names and changes; the counts are of all.
_LISTED: Final = 50


def update_symbol_info(ctx: TaskContext, _params: NoParams) -> SymbolsResult:
    """Record the specification of all symbols, and tell what changed."""
    found = update(ctx)
    return SymbolsResult(
        symbols=found.symbols,
        compared_with=found.before,
        first_record=found.first,
        new=len(found.new),
        removed=len(found.removed),
        changed=found.changed_symbols,
        affected=tuple(found.affected),
        new_names=tuple(found.new[:_LISTED]),
        removed_names=tuple(found.removed[:_LISTED]),
        changes=tuple(change.as_document() for change in found.changed[:_LISTED]),
    )


class TradesParams(TaskParams):
    """How far back to begin."""

    first_days: int = Field(
        default=90, ge=1, le=3650, title="First days",
        description="Days of history to record of an account that was never recorded.",
    )  # fmt: skip


class TradesResult(TaskResult):
    """What was recorded of the account's deals."""

    server: str = Field(description="Trade server of the account.")
    login: int = Field(description="Number of the account.")
    since: datetime = Field(description="From when on the history was asked (UTC).")
    deals: int = Field(description="New deals, each a row.")
    trades: int = Field(description="Of those, trades; the others are payments and corrections.")
    symbols: tuple[str, ...] = Field(default=(), description="Symbols of the trades, as the broker names them.")
    undecided: int = Field(
        default=0, description="New deals in an hour that the server's clock shows twice, of which nothing tells which."
    )
    net: float = Field(description="Profit of the trades with commission, swap and fee, in the account's currency.")
    currency: str = Field(description="The account's currency.")

    def summary(self) -> str:
        parts = [f"{count(self.deals, 'deal')} of account {self.login} recorded"]
        if self.trades:
            parts.append(f"{count(self.trades, 'trade')} on {count(len(self.symbols), 'symbol')}")
            parts.append(f"net {self.net:+,.2f} {self.currency}")
        if self.undecided:
            parts.append(f"{self.undecided} in an hour that the server's clock shows twice")
        return ", ".join(parts)


def record_trades(ctx: TaskContext, params: TradesParams) -> TradesResult:
    """Write the deals of the account that are not written yet."""
    found = record(ctx, params.first_days)
    return TradesResult(**{name: getattr(found, name) for name in TradesResult.model_fields})


SPECS: Final = (
    TaskSpec(
        id="collect_market_data",
        title="Collect market data",
        description="Quote, spread, volume and age of every symbol on the watch list; closed bars to the history.",
        queue=Queue.DATA_COLLECTION,
        run=collect_market_data,
        params=CollectParams,
        result=CollectResult,
        schedule="*/5 * * * *",
        soft_limit_s=120.0,
        hard_limit_s=240.0,
        retries=Retries(attempts=3),
        gates=(TerminalConnected(),),
        on_start=True,
        terminal=True,
    ),
    TaskSpec(
        id="update_symbol_info",
        title="Update symbol information",
        description="Digits, contract size, volume limits, swaps and more of all symbols, and what the broker changed.",
        queue=Queue.DATA_COLLECTION,
        run=update_symbol_info,
        result=SymbolsResult,
        schedule="daily 00:20",
        soft_limit_s=120.0,
        hard_limit_s=240.0,
        catch_up=CatchUp.RUN_ONCE,
        retries=Retries(attempts=3),
        gates=(TerminalConnected(),),
        terminal=True,
    ),
    TaskSpec(
        id="record_trades",
        title="Record trades",
        description="Deals of the account since the last run, one row each, to the trade log of their day.",
        queue=Queue.DATA_COLLECTION,
        run=record_trades,
        params=TradesParams,
        result=TradesResult,
        schedule="5 * * * *",
        soft_limit_s=60.0,
        hard_limit_s=120.0,
        catch_up=CatchUp.RUN_ONCE,
        retries=Retries(attempts=3),
        gates=(TerminalConnected(),),
        terminal=True,
    ),
    TaskSpec(
        id="update_economic_calendar",
        title="Update economic calendar",
        description="Events of the configured calendars with time, currency, impact and values, and what changed.",
        queue=Queue.DATA_COLLECTION,
        run=update_economic_calendar,
        params=CalendarParams,
        result=CalendarResult,
        schedule="0 * * * *",
        soft_limit_s=180.0,
        hard_limit_s=240.0,
        catch_up=CatchUp.RUN_ONCE,
    ),
    COLLECT_RSS_NEWS,
)
