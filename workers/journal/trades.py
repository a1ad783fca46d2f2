"""Deals of the account's history to ``logs/trades_{YYYYmmdd}.csv``, each once; the day is that of the deal in UTC.

A deal is known by server, account and ticket. Whatever happens in between (a kill, another account, a clock that turns
out to be another), a deal that is in a file already is not written again: before writing, the files of the days around
are looked at, archived ones too. ``data/trades_recorded.json`` remembers, per account, up to when the history was
asked, so that a run asks for little, and the two possible times of deals of which none told which it was::

    {"schema": 1, "accounts": {"Broker-Live": {"5000001": "2025-06-03T12:00:00.000Z"}},
     "undecided": {"Broker-Live": {"5000001": {"42": ["2025-11-02T05:40:00.000Z", "2025-11-02T06:40:00.000Z"]}}},
     "seen": {"Broker-Live": {"5000001": {"41": ["2025-11-02T05:10:00.000Z"]}}}}

Those are deals in an hour that the server's clock shows twice. First tickets and orders tell (``app.terminal``), then
the record itself: a deal that was not there at the last look was made after it, or shortly before it and told late; and
a deal with a later ticket than one of the second time is of the second time too. What was there at a look, and when it
was made as far as was known then, is in ``seen``: rows may be lost with their file, and prove nothing when they are.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, Final

from app.errors import NothingToDo, Retryable
from app.files import guarding
from app.runs import iso
from app.tasks import TaskContext
from app.terminal.deal_times import DealRecord, in_repeated_hours, told_apart
from app.terminal.values import AccountInfo
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
#: A terminal may tell of a deal so much later than it was made.
_TOLD_LATE: Final = timedelta(minutes=30)
#: Deals that are a trade (buy, sell); all others are payments, corrections and the like.
_TRADES: Final = frozenset({0, 1})

#: Deals that are told one by one.
_MOST_TOLD: Final = 10
#: Of a row whose time cannot be read.
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: Server and login.
Owner = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run wrote.

    Attributes:
        since: From when on the history was asked, aware UTC.
        deals: New deals; ``trades`` of them are trades, the others payments and corrections.
        symbols: Symbols of the trades.
        undecided: New deals of which nothing tells which of two times they were made at; the first is recorded.
        net: Their profit with commission, swap and fee, in ``currency``.
    """

    server: str
    login: int
    since: datetime
    deals: int
    trades: int
    symbols: tuple[str, ...]
    undecided: int
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
    asked = _asked_until(ctx, account.server, account.login)
    since = now - timedelta(days=first_days) if asked is None else min(asked, now) - _OVERLAP
    ctx.progress(0, 0, "asking the terminal")
    found = ctx.terminal.deal_records(since, now + _AHEAD, timeout_s=_LIMIT_S)
    after = ctx.terminal.account()
    if (after.login, after.server) != (account.login, account.server):
        raise Retryable(
            f"The terminal changed from account {account.login} to {after.login} while its deals were read.",
            advice="Metronome asks again.",
        )
    owner = (account.server, str(account.login))
    written = _written(ctx, owner, {record.time.date() for record in found})
    seen = _seen(ctx, owner)
    told = told_apart([_told(record, written, seen, asked) for record in found], ctx.terminal.server_rule)
    new = sorted((record for record in told if record.ticket not in written), key=lambda item: (item.time, item.ticket))
    undecided = [record for record in new if not record.decided]
    if undecided:
        _tell_undecided(ctx, owner, undecided)
    _write(ctx, owner, new)
    # Together: what was there is known of the very look whose time is remembered.
    twice = in_repeated_hours(told, ctx.terminal.server_rule)
    _remember(ctx, owner, accounts=iso(now), seen=_still_seen(seen or {}, twice, since))
    if not new:
        raise NothingToDo(
            f"Account {account.login} on {account.server} has no new deals since {since:%Y-%m-%d %H:%M} UTC.",
            advice="Nothing needs to be done: new deals are recorded with the next run.",
        )
    return _recorded(account, since, new, len(undecided))


def _recorded(account: AccountInfo, since: datetime, new: Sequence[DealRecord], undecided: int) -> Recorded:
    trades = [record.fields for record in new if record.fields["type"] in _TRADES]
    net = math.fsum(deal[name] for deal in trades for name in ("profit", "commission", "swap", "fee"))
    return Recorded(
        account.server,
        account.login,
        since,
        len(new),
        len(trades),
        tuple(sorted({deal["symbol"] for deal in trades})),
        undecided,
        round(net, 2),
        account.currency,
    )


def trades_file(folder: Path, day: date) -> Path:
    """The file of one day."""
    return folder / f"trades_{day:%Y%m%d}.csv"


def _told(
    record: DealRecord,
    written: Mapping[int, datetime],
    seen: Mapping[str, Sequence[str]] | None,
    asked: datetime | None,
) -> DealRecord:
    """What the record so far tells of a deal that has two times.

    Args:
        seen: What was there at the last look, at ``asked``; None when only the time of the look is known.
    """
    if record.decided:
        return record
    if record.ticket in written:
        # A row of the second time was decided; one of the first may not have been.
        record = record.not_before(written[record.ticket])
    known = (seen or {}).get(str(record.ticket))
    if known is not None:
        left = [moment for moment in (record.time, record.latest) if iso(moment) in known]
        # None is left when the server's clock turned out to be another since.
        return replace(record, time=left[0], latest=left[-1]) if left else record
    if record.ticket in written or seen is None or asked is None:
        return record
    return record.not_before(asked - _TOLD_LATE)


def _seen(ctx: TaskContext, owner: Owner) -> dict[str, Sequence[str]] | None:
    """The deals in repeated hours that were there at the last look, with their possible times; None: nobody noted."""
    server, login = owner
    found = _part(ctx, "seen").get(server, {}).get(login)
    if not isinstance(found, dict):
        return None
    return {ticket: [str(time) for time in times] if isinstance(times, list) else [] for ticket, times in found.items()}


def _still_seen(
    before: Mapping[str, Sequence[str]], now: Iterable[DealRecord], since: datetime
) -> dict[str, Sequence[str]]:
    """What the next run has to know: also of deals that the terminal left out for once, as far back as is asked."""
    kept = {
        ticket: times for ticket, times in before.items() if any((_moment(time) or since) > since for time in times)
    }
    return {**kept, **{str(each.ticket): sorted({str(iso(each.time)), str(iso(each.latest))}) for each in now}}


def _tell_undecided(ctx: TaskContext, owner: Owner, undecided: Sequence[DealRecord]) -> None:
    """Keep both times, before the rows: after a kill between the two a row is written anew, its doubt is not."""
    server, login = owner
    known = _part(ctx, "undecided").get(server, {}).get(login, {})
    both = {str(record.ticket): [iso(record.time), iso(record.latest)] for record in undecided}
    _remember(ctx, owner, undecided={**(known if isinstance(known, dict) else {}), **both})
    for record in undecided[:_MOST_TOLD]:
        ctx.warn(
            f"The deal {record.ticket} of account {login} on {server} was made in an hour that the server's clock "
            f"shows twice, and neither its neighbours nor an earlier run tell which time it was: recorded as "
            f"{record.time:%Y-%m-%d %H:%M} UTC, it may have been {record.latest:%H:%M}. The terminal's journal "
            "has it by the computer's own clock."
        )
    if len(undecided) > _MOST_TOLD:
        ctx.warn(f"So were {len(undecided) - _MOST_TOLD} more deals; data/{STATE_NAME} lists them all.")


def _write(ctx: TaskContext, owner: Owner, new: Iterable[DealRecord]) -> None:
    by_day: dict[date, list[tuple[Any, ...]]] = defaultdict(list)
    for record in new:
        row = (iso(record.time), *owner, *(record.fields[name] for name in FIELDS))
        by_day[record.time.date()].append(row)
    for day, rows in sorted(by_day.items()):
        ctx.check_cancelled()
        path = trades_file(ctx.storage.paths.logs, day)
        ctx.storage.append_csv(path, HEADER, rows)
        ctx.wrote(path)


def _written(ctx: TaskContext, owner: Owner, days: set[date]) -> dict[int, datetime]:
    """The deals of an account in the files of these days and the days beside them, archived ones too, by ticket."""
    around = {day + timedelta(days=shift) for day in days for shift in (-1, 0, 1)}
    paths = ctx.storage.paths
    files = [trades_file(paths.logs, day) for day in around]
    contents = chain(map(_read, files), *(archived_files(paths.archive, file.name) for file in files))
    return {ticket: moment for data in contents for ticket, moment in _deals_in(data, owner)}


def _read(path: Path) -> bytes:
    with guarding(path, "read"):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return b""


def _deals_in(data: bytes, owner: Owner) -> Iterable[tuple[int, datetime]]:
    """Ticket and time of each row of an account; a time that cannot be read is one that tells nothing."""
    # A last line without its end was torn by a kill: its deal is written anew.
    text = data[: data.rfind(b"\n") + 1].decode("utf-8", "replace")
    for row in csv.reader(text.splitlines()):
        if len(row) == len(HEADER) and (row[1], row[2]) == owner and row[3].isdecimal():
            yield int(row[3]), _moment(row[0]) or _LONG_AGO


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _part(ctx: TaskContext, name: str) -> dict[str, Any]:
    """A part of the state by server and login; what somebody made something else counts as empty."""
    document = ctx.storage.read_json(ctx.storage.paths.data / STATE_NAME)
    servers = document.get(name) if document else None
    found = servers if isinstance(servers, dict) else {}
    return {server: logins for server, logins in found.items() if isinstance(logins, dict)}


def _asked_until(ctx: TaskContext, server: str, login: int) -> datetime | None:
    return _moment(_part(ctx, "accounts").get(server, {}).get(str(login)))


def _remember(ctx: TaskContext, owner: Owner, **values: Any) -> None:
    """Keep these values of an account, each in its part of the state, all at once."""
    parts = {part: _part(ctx, part) for part in ("accounts", "undecided", "seen")}
    server, login = owner
    for name, value in values.items():
        parts[name][server] = {**parts[name].get(server, {}), login: value}
    ctx.storage.write_json(ctx.storage.paths.data / STATE_NAME, {part: known for part, known in parts.items() if known})
