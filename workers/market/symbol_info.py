"""All symbols of the terminal to ``data/cache/symbol_info.json``, and what changed since they were last recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.files import quarantine
from app.json_list import read_list, write_list
from app.runs import iso
from app.tasks import TaskContext
from app.terminal.errors import TerminalBusy
from app.terminal.structs import one_by_one
from app.terminal.symbols import SymbolNames
from workers.market.server_clock import keep_server_clock
from workers.market.symbol_changes import FIELDS, Change, Specification, changes, sound, specification
from workers.market.symbol_records import keep, kept_file, tidy
from workers.strategy import library

FILE_NAME: Final = "symbol_info.json"
_LIST: Final = "symbols"
#: So many symbols are worked on before others get their turn.
_PIECE: Final = 100
_MOST_WARNINGS: Final = 20
#: Listing thousands of symbols takes the terminal longer than an ordinary call.
_LIMIT_S: Final = 60.0


@dataclass(slots=True)
class Update:
    """What came of recording all symbols.

    Attributes:
        before: When they were last recorded for this account; None when nothing could be compared.
        first: Whether there is no earlier record of this account, not even a damaged one.
        affected: The user's names of symbols that changed and are on the watch list or have a strategy.
    """

    symbols: int = 0
    before: str | None = None
    first: bool = False
    new: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    changed_symbols: int = 0
    affected: list[str] = field(default_factory=list)


class _Found:
    """Specifications by name, in order. The tuple of its values takes a quarter of what it takes as a dict."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[Any, ...]] = {}

    def __len__(self) -> int:
        return len(self._values)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._values)

    def add(self, kept: Specification) -> None:
        self._values[kept["name"]] = tuple(kept[name] for name in FIELDS)

    def get(self, name: str) -> Specification | None:
        values = self._values.get(name)
        return None if values is None else dict(zip(FIELDS, values, strict=True))

    def pop(self, name: str) -> Specification:
        return dict(zip(FIELDS, self._values.pop(name), strict=True))


def update(ctx: TaskContext) -> Update:
    """Record all symbols; compare with the last record of the same account on the same server.

    Raises:
        TerminalBusy: the terminal lists no symbols yet.
        StorageError: the file cannot be read or written.
        UserAction: the last record was written by a newer Metronome; it is left alone.
        MetronomeError: as the session does.
        Cancelled: the run was asked to stop.
    """
    names = SymbolNames(ctx.terminal, ctx.storage, ctx.clock)
    watched = ctx.settings.market.watch_list
    keep_server_clock(ctx, names, watched)
    found = _fetch(ctx)
    path = ctx.storage.paths.cache / FILE_NAME
    outcome = Update(symbols=len(found))
    status = ctx.terminal.status
    kept = kept_file(path.parent, status.server, status.login)
    _compare_with_last(ctx, (path, kept), found, outcome)
    head = {
        "server": status.server,
        "login": status.login,
        "simulated": status.simulated,
        "fetched": iso(ctx.clock.now()),
        "count": len(found),
    }
    write_list(path, head, _LIST, _told(ctx, found))
    ctx.wrote(path)
    tidy(path.parent, kept)
    _warn(ctx, names, _mine(ctx), outcome)
    return outcome


def _fetch(ctx: TaskContext) -> _Found:
    ctx.progress(0, 0, "asking the terminal")
    structs = ctx.terminal.call("symbols_get", timeout_s=_LIMIT_S)
    if not structs:
        raise TerminalBusy(
            "The terminal lists no symbols yet.", advice="Wait until it has logged in; it is asked again."
        )
    to_utc = ctx.terminal.server_rule.to_utc
    total, found = len(structs), _Found()
    left = one_by_one(structs)
    del structs  # each is let go as its turn comes: both forms of thousands at once would be a lot of memory
    for number, struct in enumerate(left):
        if number % _PIECE == 0:
            ctx.progress(number, total, "symbols")
        found.add(specification(struct, to_utc))
    return found


def _told(ctx: TaskContext, found: _Found) -> Iterator[Specification]:
    """Each of them, let go as it is written: all at once would hold the interpreter for 20 ms."""
    for number, name in enumerate(found.names):
        if number % _PIECE == 0:
            ctx.check_cancelled()
        yield found.pop(name)


def _compare_with_last(ctx: TaskContext, paths: tuple[Path, Path], found: _Found, outcome: Update) -> None:
    """Compare with the last record of this account: the current file, or the one kept while that was another's."""
    status = ctx.terminal.status
    outcome.first = True
    for path in paths:
        last = read_list(path, _LIST)
        if last is None or not _is_head(last[0]):
            if path.exists():
                _put_aside(ctx, path, "it is no record of symbols", "Nothing could be compared with it")
                outcome.first = False
            continue
        head, items = last
        if (head["server"], head.get("login")) == (status.server, status.login):
            outcome.first = False
            _compare(ctx, path, head, items, found, outcome)
            return
        if path == paths[0]:
            other = kept_file(path.parent, head["server"], head.get("login"))
            keep(path, other)
    ctx.log.info("there is no record of %s on %s to compare with", status.login, status.server)


def _compare(
    ctx: TaskContext,
    path: Path,
    head: Mapping[str, Any],
    items: Iterable[Specification],
    found: _Found,
    outcome: Update,
) -> None:
    """Find what differs from a record of the same account; a damaged one is moved aside."""
    seen: set[str] = set()
    damaged = False
    for number, before in enumerate(items):
        if number % _PIECE == 0:
            ctx.check_cancelled()
        name = before.get("name")
        now = found.get(name) if isinstance(name, str) else None
        if not sound(before, now):
            damaged = True
            continue
        seen.add(before["name"])
        if now is None:
            outcome.removed.append(before["name"])
        elif differences := changes(before, now):
            outcome.changed.extend(differences)
            outcome.changed_symbols += 1
    outcome.before = head["fetched"]
    if damaged or head["count"] != len(seen):
        left = f"{len(seen)} of {head['count']} symbols are left in it"
        _put_aside(ctx, path, left, "Those were compared, the others cannot be")
    else:
        outcome.new.extend(name for name in found.names if name not in seen)


def _is_head(head: Mapping[str, Any]) -> bool:
    """Whether these are the particulars of a record: those that ``update`` writes."""
    texts = (head.get("server"), head.get("fetched"))
    numbers = (head.get("schema"), head.get("count"))
    return (
        all(isinstance(value, str) for value in texts)
        and all(isinstance(value, int) for value in numbers)
        and isinstance(head.get("login", ""), int | None)
    )


def _put_aside(ctx: TaskContext, path: Path, fault: str, outcome: str) -> None:
    aside = quarantine(path, ctx.clock)
    ctx.warn(
        f"The last record of symbols, {path.name}, is damaged: {fault}. It was moved to {aside.name}. "
        f"{outcome}; the new record is whole."
    )


def _mine(ctx: TaskContext) -> tuple[str, ...]:
    """The user's names that matter: on the watch list, or traded by an enabled strategy."""
    enabled = library.load(ctx.storage.paths.strategies).enabled
    return tuple(dict.fromkeys((*ctx.settings.market.watch_list, *(rule.strategy.symbol for rule in enabled))))


def _warn(ctx: TaskContext, names: SymbolNames, mine: Iterable[str], outcome: Update) -> None:
    """Say what happened to the user's own symbols, and put their changes first."""
    own = {names.broker_name(symbol): symbol for symbol in mine}
    by_symbol: dict[str, list[str]] = {}
    for change in outcome.changed:
        if change.symbol in own:
            by_symbol.setdefault(change.symbol, []).append(str(change))
    texts = [
        f"The broker changed {_called(own[name], name)}: {', '.join(told)}. "
        "Check stops, sizes and costs of what trades it."
        for name, told in by_symbol.items()
    ]
    gone = [name for name in outcome.removed if name in own]
    texts += [
        f"The broker no longer lists {_called(own[name], name)}. Take it off the watch list, or settle its new name: "
        "python main.py symbols"
        for name in gone
    ]
    for text in texts[:_MOST_WARNINGS]:
        ctx.warn(text)
    if len(texts) > _MOST_WARNINGS:
        ctx.warn(f"{len(texts) - _MOST_WARNINGS} more symbols of yours were changed; see the result of the run.")
    outcome.affected.extend(own[name] for name in (*by_symbol, *gone))
    outcome.changed.sort(key=lambda change: change.symbol not in own)
    outcome.removed.sort(key=lambda name: name not in own)


def _called(symbol: str, broker_name: str) -> str:
    return symbol if symbol == broker_name else f"{symbol} ({broker_name})"
