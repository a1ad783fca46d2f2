"""Deals of the account's history to ``logs/trades_{YYYYmmdd}.csv``, each once; the day is that of the deal in UTC.

A deal is known by server, account and ticket. Whatever happens in between (a kill, another account, a clock that turns
out to be another), a deal that is in a file already is not written again: before writing, the files of the days around
are looked at, archived ones too. ``data/trades_recorded.json`` only remembers, per account, up to when the history was
asked, so that a run asks for little::

    {"schema": 1, "accounts": {"Broker-Live": {"5000001": "2025-06-03T12:00:00.000Z"}}}
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, Final

from app.errors import NothingToDo, Retryable
from app.files import guarding
from app.runs import iso
from app.tasks import TaskContext
from workers.maintenance.archive import archived_files

#: Fields of the module's TradeDeal, in its order.
FIELDS: Final = (
    "ticket", "order", "time", "time_msc", "type", "entry", "magic", "position_id", "reason", "volume", "price",
    "commission", "swap", "profit", "fee", "symbol", "comment", "external_id",
)  # fmt: skip
HEADER: Final = ("time_utc", "server", "login", *FIELDS)
STATE_NAME: Final = "trades_recorded.json"

#: Asked again each time: deals that came late, and a server's clock that turned out to be another.
_OVERLAP: Final = timedelta(days=2)
_AHEAD: Final = timedelta(days=1)
_LIMIT_S: Final = 60.0
#: Deals that are a trade (buy, sell); all others are payments, corrections and the like.
_TRADES: Final = frozenset({0, 1})

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run wrote.

    Attributes:
        since: From when on the history was asked, aware UTC.
        deals: New deals; ``trades`` of them are trades, the others payments and corrections.
        symbols: Symbols of the trades.
        net: Their profit with commission, swap and fee, in ``currency``.
    """

    server: str
    login: int
    since: datetime
    deals: int
    trades: int
    symbols: tuple[str, ...]
    net: float
    currency: str


def record(ctx: TaskContext, first_days: int) -> Recorded:
    """Write the deals that are not written yet.

    Args:
        first_days: How far back to begin with an account that was never recorded.

    Raises:
        NothingToDo: there is no new deal.
        Retryable: another account was logged in meanwhile.
        StorageError: a file cannot be read or written.
        MetronomeError: as the session does.
    """
    now = ctx.clock.now()
    account = ctx.terminal.account()
    since = _asked_until(ctx, account.server, account.login)
    since = now - timedelta(days=first_days) if since is None else min(since, now) - _OVERLAP
    ctx.progress(0, 0, "asking the terminal")
    found = ctx.terminal.deal_records(since, now + _AHEAD, timeout_s=_LIMIT_S)
    after = ctx.terminal.account()
    if (after.login, after.server) != (account.login, account.server):
        raise Retryable(
            f"The terminal changed from account {account.login} to {after.login} while its deals were read.",
            advice="Metronome asks again.",
        )
    known = _known(ctx, {moment.date() for moment, _ in found})
    owner = (account.server, str(account.login))
    new = [(moment, deal) for moment, deal in found if (*owner, str(deal["ticket"])) not in known]
    new.sort(key=lambda item: (item[0], item[1]["ticket"]))
    _write(ctx, owner, new)
    _remember(ctx, account.server, account.login, now)
    if not new:
        raise NothingToDo(
            f"Account {account.login} on {account.server} has no new deals since {since:%Y-%m-%d %H:%M} UTC.",
            advice="Nothing needs to be done: new deals are recorded with the next run.",
        )
    trades = [deal for _, deal in new if deal["type"] in _TRADES]
    net = math.fsum(deal[name] for deal in trades for name in ("profit", "commission", "swap", "fee"))
    symbols = tuple(sorted({deal["symbol"] for deal in trades}))
    return Recorded(
        account.server, account.login, since, len(new), len(trades), symbols, round(net, 2), account.currency
    )


def trades_file(folder: Path, day: date) -> Path:
    """The file of one day."""
    return folder / f"trades_{day:%Y%m%d}.csv"


def _write(ctx: TaskContext, owner: tuple[str, str], new: Iterable[tuple[datetime, Mapping[str, Any]]]) -> None:
    by_day: dict[date, list[tuple[Any, ...]]] = defaultdict(list)
    for moment, deal in new:
        by_day[moment.date()].append((iso(moment), *owner, *(deal[name] for name in FIELDS)))
    for day, rows in sorted(by_day.items()):
        ctx.check_cancelled()
        path = trades_file(ctx.storage.paths.logs, day)
        ctx.storage.append_csv(path, HEADER, rows)
        ctx.wrote(path)


def _known(ctx: TaskContext, days: set[date]) -> set[Key]:
    """The deals that are in the files of these days and the days beside them, archived ones too."""
    around = {day + timedelta(days=shift) for day in days for shift in (-1, 0, 1)}
    paths = ctx.storage.paths
    files = [trades_file(paths.logs, day) for day in around]
    contents = chain(map(_read, files), *(archived_files(paths.archive, file.name) for file in files))
    return {key for data in contents for key in _keys(data)}


def _read(path: Path) -> bytes:
    with guarding(path, "read"):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return b""


def _keys(data: bytes) -> Iterable[Key]:
    # A last line without its end was torn by a kill: its deal is written anew.
    text = data[: data.rfind(b"\n") + 1].decode("utf-8", "replace")
    for row in csv.reader(text.splitlines()):
        if len(row) == len(HEADER) and row[0] != HEADER[0]:
            yield row[1], row[2], row[3]


def _accounts(ctx: TaskContext) -> dict[str, Any]:
    document = ctx.storage.read_json(ctx.storage.paths.data / STATE_NAME)
    accounts = document.get("accounts") if document else None
    return dict(accounts) if isinstance(accounts, dict) else {}


def _asked_until(ctx: TaskContext, server: str, login: int) -> datetime | None:
    logins = _accounts(ctx).get(server)
    text = logins.get(str(login)) if isinstance(logins, dict) else None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _remember(ctx: TaskContext, server: str, login: int, until: datetime) -> None:
    accounts = _accounts(ctx)
    logins = accounts.get(server)
    accounts[server] = {**(logins if isinstance(logins, dict) else {}), str(login): iso(until)}
    ctx.storage.write_json(ctx.storage.paths.data / STATE_NAME, {"accounts": accounts})
