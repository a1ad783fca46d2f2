"""The user's names of symbols, and what the broker of the moment calls them.

The watch list, strategies and files hold the user's (canonical) names. A name that the terminal has is that symbol. For
any other one Metronome suggests the broker's likely names, and uses none of them before the user has confirmed it:
trading the wrong instrument is worse than trading none. What was confirmed is kept per trade server in
``data/config/symbols.json``::

    {"schema": 1, "servers": {"Broker-Live": {"EURUSD": {"name": "EURUSDm", "confirmed": "2025-06-03T12:00:00.000Z"}}}}

Names are never upper-cased: brokers tell ``EURUSDm`` from ``EURUSDM``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from app.clock import Clock
from app.errors import UserAction
from app.runs import iso
from app.storage import Storage
from app.terminal.errors import UnknownSymbol, nearest_names
from app.terminal.symbol_likeness import suggestions
from app.terminal.values import SessionStatus, SymbolInfo

Entries = Mapping[str, Mapping[str, str]]

FILE_NAME: Final = "symbols.json"


class How(StrEnum):
    """How a name was settled."""

    EXACT = "exact"  # the terminal has a symbol of that very name
    CONFIRMED = "confirmed"  # the user said which one is meant
    PENDING = "pending"  # there are likely names; the user has to choose
    UNKNOWN = "unknown"  # nothing like it


class PendingSymbol(UnknownSymbol):
    """The terminal has no symbol of that name, but likely ones that the user has not confirmed."""


class Terminal(Protocol):
    """The part of the session that is asked."""

    @property
    def status(self) -> SessionStatus: ...

    def symbol_info(self, symbol: str) -> SymbolInfo:
        """The specification of a symbol; raises ``UnknownSymbol``."""

    def catalogue(self) -> Mapping[str, Mapping[str, Any]]:
        """All symbols by name, with a few fields of their specification."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A broker's symbol that may be meant, with what the broker says of it."""

    name: str
    description: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name of the user means at the present broker.

    Attributes:
        wanted: The user's name.
        name: The broker's; empty while nothing is settled.
        suggestions: Likely names, the likeliest first, while it is pending.
        advice: What to do while nothing is settled.
    """

    wanted: str
    name: str
    how: How
    suggestions: tuple[Suggestion, ...] = ()
    advice: str = ""

    def as_document(self) -> dict[str, Any]:
        """Plain values, for the command line and the window."""
        return {
            "symbol": self.wanted,
            "name": self.name,
            "how": self.how.value,
            "suggestions": [
                {"name": item.name, "description": item.description, "path": item.path} for item in self.suggestions
            ],
            "advice": self.advice,
        }


class SymbolBook:
    """What the user confirmed, per trade server.

    Thread: any; every method reads the small file anew, so that an edit by hand counts at once.
    """

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._path: Path = storage.paths.config / FILE_NAME

    def confirmed(self, server: str) -> dict[str, str]:
        """The broker's names by the user's, on this server.

        Raises:
            StorageError: the file is there but cannot be read.
            UserAction: it was written by a newer Metronome.
        """
        return {wanted: str(entry["name"]) for wanted, entry in self._server(server).items()}

    def confirm(self, server: str, wanted: str, name: str) -> None:
        """Remember that ``name`` is what the user calls ``wanted`` there.

        Raises:
            StorageError: the file cannot be written.
        """
        entry = {"name": name, "confirmed": iso(self._clock.now()) or ""}
        self._write(server, {**self._server(server), wanted: entry})

    def forget(self, server: str, wanted: str) -> bool:
        """Take a confirmation back; False when there was none.

        Raises:
            StorageError: the file cannot be written.
        """
        entries = dict(self._server(server))
        if entries.pop(wanted, None) is None:
            return False
        self._write(server, entries)
        return True

    def _servers(self) -> dict[str, Any]:
        document = self._storage.read_json(self._path)
        servers = document.get("servers") if document else None
        return dict(servers) if isinstance(servers, dict) else {}

    def _server(self, server: str) -> Entries:
        entries = self._servers().get(server)
        if not isinstance(entries, dict):
            return {}
        return {
            wanted: entry
            for wanted, entry in entries.items()
            if isinstance(entry, dict) and isinstance(entry.get("name"), str) and entry["name"]
        }

    def _write(self, server: str, entries: Entries) -> None:
        self._storage.write_json(self._path, {"servers": {**self._servers(), server: dict(entries)}})


class SymbolNames:
    """Finds the broker's names during one run or question.

    Asking for a name costs no call of the terminal; only a name that turns out not to exist costs its list of symbols.

    Raises (all methods): as ``SymbolBook.confirmed``, and as the session does.
    """

    def __init__(self, terminal: Terminal, storage: Storage, clock: Clock) -> None:
        self._terminal = terminal
        self._book = SymbolBook(storage, clock)
        self.server = terminal.status.server
        self._confirmed = self._book.confirmed(self.server)

    def broker_name(self, wanted: str) -> str:
        """What to ask the terminal for. When it then has no such symbol, ``refusal`` says why and what to do."""
        return self._confirmed.get(wanted, wanted)

    def renamed(self, wanted: str) -> bool:
        """Whether the broker's name differs from the user's."""
        return self.broker_name(wanted) != wanted

    def symbol_info(self, wanted: str) -> SymbolInfo:
        """The specification of what the user calls ``wanted``.

        Raises:
            PendingSymbol: it has to be confirmed first.
            UnknownSymbol: there is nothing like it.
        """
        try:
            return self._terminal.symbol_info(self.broker_name(wanted))
        except UnknownSymbol:
            raise self.refusal(wanted) from None

    def refusal(self, wanted: str) -> UnknownSymbol:
        """The error for a name that the terminal turned out not to know, with exactly what to do."""
        found = self._suggested(wanted)
        what = f"The terminal has no symbol {wanted!r}."
        if self.renamed(wanted):
            name = self.broker_name(wanted)
            what = f"The terminal has no symbol {name!r}, which was confirmed for {wanted} on {self.server}."
        kind = PendingSymbol if found.how is How.PENDING else UnknownSymbol
        return kind(what, advice=found.advice)

    def look(self, wanted: str) -> Resolution:
        """Find out what a name means, with suggestions when it is not settled."""
        try:
            info = self._terminal.symbol_info(self.broker_name(wanted))
        except UnknownSymbol:
            return self._suggested(wanted)
        return Resolution(wanted, info.name, How.CONFIRMED if self.renamed(wanted) else How.EXACT)

    def confirm(self, wanted: str, name: str) -> Resolution:
        """Settle a name for this server.

        Raises:
            UnknownSymbol: the terminal has no symbol ``name``.
            UserAction: there is no server to keep it for.
        """
        if not self.server:
            raise UserAction("No trade server is known, so there is nothing to keep the name for.", advice="Connect.")
        try:
            self._terminal.symbol_info(name)
        except UnknownSymbol as error:
            near = suggestions(wanted, self._terminal.catalogue())
            advice = f"Likely names: {', '.join(near)}." if near else error.advice
            raise UnknownSymbol(error.message, advice=advice) from None
        if name == wanted:
            self._book.forget(self.server, wanted)
        else:
            self._book.confirm(self.server, wanted, name)
        self._confirmed = self._book.confirmed(self.server)
        return self.look(wanted)

    def forget(self, wanted: str) -> bool:
        """Take a confirmation back; False when there was none."""
        there = self._book.forget(self.server, wanted)
        self._confirmed = self._book.confirmed(self.server)
        return there

    def _suggested(self, wanted: str) -> Resolution:
        catalogue = self._terminal.catalogue()
        found = tuple(
            Suggestion(name, str(catalogue[name].get("description", "")), str(catalogue[name].get("path", "")))
            for name in suggestions(wanted, catalogue)
        )
        if found:
            return Resolution(wanted, "", How.PENDING, found, _how_to_confirm(wanted, found))
        near = nearest_names(wanted, catalogue)
        advice = (
            f"Did you mean {', '.join(near)}? Write the name as the broker does under Settings, Market."
            if near
            else "Look up its name in the terminal's Market Watch and change the watch list under Settings, Market."
        )
        return Resolution(wanted, "", How.UNKNOWN, advice=advice)


def _how_to_confirm(wanted: str, found: tuple[Suggestion, ...]) -> str:
    """What the user can type."""
    first = found[0]
    about = f" ({first.description})" if first.description else ""
    others = f" Others: {', '.join(item.name for item in found[1:])}." if len(found) > 1 else ""
    # The command comes last and without a full stop, so that it can be copied.
    command = f"python main.py symbols confirm {_quoted(wanted)} {_quoted(first.name)}"
    return f"The broker may call it {first.name}{about}.{others} If that is it, confirm it once: {command}"


def _quoted(name: str) -> str:
    return name if name.replace(".", "").replace("_", "").isalnum() else f'"{name}"'
