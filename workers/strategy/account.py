"""The account as an idea needs it: equity now and when the server's day began, what is open and what is ordered.

The terminal does not tell what equity was when the day began. It is the larger of two figures, so that the day's loss
is never understated: the balance at that time (balance now less what the day's deals brought), and the equity that was
seen in the first hour of the day, kept in ``data/equity_days.json``. Payments are no loss: they move both. A simulated
account begins anew with every start; what was kept of the one before, whose balance does not lead to this one's, is
forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from app.errors import Blocked, Cancelled, MetronomeError
from app.files import StorageError
from app.runs import iso
from app.tasks import TaskContext
from app.terminal.server_time import ServerTimeRule
from app.terminal.trades import Deal, Order
from app.terminal.values import AccountInfo
from workers.strategy.exposure import Exposure, OpenPosition

STATE_NAME: Final = "equity_days.json"
_DAY_S: Final = 86_400
_FIRST_HOUR: Final = timedelta(hours=1)
_AHEAD: Final = timedelta(days=1)
#: Days that are kept of an account.
_KEPT: Final = 10
#: ENUM_DEAL_TYPE: balance, credit and bonus are payments; all others are what trading brought or cost.
_PAYMENTS: Final = frozenset({2, 3, 6})
#: Credit is part of the equity, not of the balance.
_CREDIT: Final = 3
#: Balances that are told to the cent agree when they are nearer than this.
_A_CENT: Final = 0.01
#: ENUM_ORDER_TYPE: even ones buy, odd ones sell; 8 closes a position by an opposite one and opens nothing.
_CLOSE_BY: Final = 8


@dataclass(frozen=True, slots=True)
class AccountState:
    """What was known of the account; amounts in ``currency``.

    Attributes:
        exposure: Positions and orders under the names of our symbols.
        trouble: What could not be learnt; empty when everything is known.
    """

    exposure: Exposure
    server: str = ""
    login: int = 0
    currency: str = ""
    balance: float | None = None
    trouble: str = ""

    def as_json(self) -> dict[str, Any]:
        """As plain values, for the evidence."""
        found = self.exposure
        return {
            "server": self.server,
            "login": self.login,
            "currency": self.currency,
            "balance": self.balance,
            "equity": found.equity,
            "day_start_equity": found.day_start_equity,
            "positions": None if found.positions is None else [_plain(item) for item in found.positions],
            "orders": [_plain(item) for item in found.orders],
            "trouble": self.trouble,
        }

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> AccountState:
        """From plain values.

        Raises:
            KeyError, TypeError, ValueError: they are none.
        """
        positions = item["positions"]
        exposure = Exposure(
            None if positions is None else [OpenPosition(*each) for each in positions],
            item["equity"],
            item["day_start_equity"],
            [OpenPosition(*each) for each in item["orders"]],
        )
        return cls(exposure, item["server"], item["login"], item["currency"], item["balance"], item["trouble"])


UNKNOWN: Final = AccountState(Exposure(None, None, None))


def look(ctx: TaskContext, ours: Mapping[str, str], *, keep: bool = True) -> AccountState:
    """Ask the terminal; what it does not tell is None, with the reason, and then stands against every size.

    Args:
        ours: Our names of the broker's symbols.
        keep: Whether the equity of the day's beginning is written down; a preview writes nothing.

    Raises:
        Blocked: the terminal went away.
        StorageError: the equity of the day cannot be kept.
        Cancelled: the run was asked to stop.
    """
    try:
        account = ctx.terminal.account()
        positions = tuple(OpenPosition.of(item) for item in ctx.terminal.positions())
        orders = tuple(_ordered(item) for item in ctx.terminal.orders() if item.type != _CLOSE_BY)
        now = ctx.clock.now()
        begun = day_start(ctx.terminal.server_rule, now)
        deals = ctx.terminal.history_deals(begun, now + _AHEAD)
        after = ctx.terminal.account()
    except (Blocked, Cancelled, StorageError):
        raise
    except MetronomeError as error:
        return replace(UNKNOWN, trouble=f"The account is not known: {error.message}")
    if (after.login, after.server) != (account.login, account.server):
        return replace(UNKNOWN, trouble="The terminal went over to another account while it was asked.")
    start = _equity_at_start(ctx, account, deals, begun, now, keep=keep)
    exposure = Exposure(
        [replace(item, symbol=ours.get(item.symbol, item.symbol)) for item in positions],
        account.equity,
        start,
        [replace(item, symbol=ours.get(item.symbol, item.symbol)) for item in orders],
    )
    return AccountState(exposure, account.server, account.login, account.currency, account.balance)


def day_start(rule: ServerTimeRule, now: datetime) -> datetime:
    """When the server's day began, aware UTC."""
    return rule.to_utc(rule.to_server(now) // _DAY_S * _DAY_S)


def balance_at_start(balance: float, deals: Sequence[Deal]) -> float:
    """The balance when the day began, with the payments of the day: balance now less what its deals brought."""
    return balance - math.fsum(
        deal.profit + deal.swap + deal.commission + deal.fee for deal in deals if deal.type not in _PAYMENTS
    )


def _equity_at_start(
    ctx: TaskContext, account: AccountInfo, deals: Sequence[Deal], begun: datetime, now: datetime, *, keep: bool
) -> float:
    by_balance = balance_at_start(account.balance, deals)
    path = ctx.storage.paths.data / STATE_NAME
    with ctx.storage.alone_with(path):
        document = ctx.storage.read_json(path) or {}
        accounts = document.get("accounts")
        accounts = dict(accounts) if isinstance(accounts, dict) else {}
        key = f"{account.server} {account.login}"
        kept = accounts.get(key)
        days: dict[str, Any] = dict(kept) if isinstance(kept, dict) else {}
        today = iso(begun) or ""
        if ctx.terminal.status.simulated and not _leads_to(_seen(days.get(today)), account.balance, deals):
            days.pop(today, None)
        if today not in days and now - begun <= _FIRST_HOUR:
            days[today] = {"equity": account.equity, "balance": account.balance, "seen": iso(now)}
            accounts[key] = dict(sorted(days.items())[-_KEPT:])
            if keep:
                ctx.storage.write_json(path, {"accounts": accounts})
    seen = _seen(days.get(today))
    if seen is None:
        return by_balance
    paid = math.fsum(deal.profit for deal in deals if deal.type in _PAYMENTS and _after(deal, seen.at))
    return max(by_balance, seen.equity + paid)


class _Seen(NamedTuple):
    """The account in the first hour of a day; the balance is NaN where an earlier version kept none."""

    equity: float
    balance: float
    at: datetime


def _seen(item: object) -> _Seen | None:
    if not isinstance(item, dict):
        return None
    try:
        found = _Seen(float(item["equity"]), float(item.get("balance", math.nan)), datetime.fromisoformat(item["seen"]))
    except (KeyError, TypeError, ValueError):
        return None
    return found if math.isfinite(found.equity) and found.at.tzinfo else None


def _leads_to(seen: _Seen | None, balance: float, deals: Sequence[Deal]) -> bool:
    """Whether the deals since then make the balance of now out of the one that was seen."""
    if seen is None:
        return True
    brought = math.fsum(
        deal.profit + deal.swap + deal.commission + deal.fee
        for deal in deals
        if deal.type != _CREDIT and _after(deal, seen.at)
    )
    return abs(seen.balance + brought - balance) < _A_CENT


def _after(deal: Deal, at: datetime) -> bool:
    return deal.time is None or deal.time > at


def _ordered(order: Order) -> OpenPosition:
    return OpenPosition(order.symbol, -1 if order.type % 2 else 1, order.volume_current)


def _plain(item: OpenPosition) -> list[Any]:
    return [item.symbol, item.direction, item.volume]
