"""What can go wrong with the terminal, and what a user can do about each of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from app.errors import Blocked, MetronomeError, Retryable, UserAction


class TerminalUnavailable(Blocked):
    """There is no connection to the terminal, so nothing that needs it can begin."""


class WrongAccount(TerminalUnavailable):
    """The terminal is logged in elsewhere than the settings demand."""


class TerminalBusy(Retryable):
    """The terminal did not answer in time, or its connection broke in the middle of a call."""


class UnknownSymbol(UserAction):
    """The terminal has no symbol of that name."""


class TerminalRefused(UserAction):
    """The terminal will not do it until the user changes something there."""


class TerminalCallError(MetronomeError):
    """The call itself was wrong: a bug of the caller."""


# Codes after which the connection is gone: the session connects anew.
CONNECTION_LOST = frozenset({-10000, -10001, -10002, -10003, -10004})
NOT_FOUND = -4
# The code of a failure that the terminal does not explain: mostly history that still loads.
UNEXPLAINED = -1

_MEANING: dict[int, tuple[type[MetronomeError], str, str]] = {
    -1: (TerminalBusy, "the terminal could not do it now", "History may still be loading; Metronome asks again."),
    -2: (TerminalCallError, "the arguments were refused", "Please report this as a bug."),
    -3: (TerminalBusy, "the terminal ran out of memory", "Close charts in the terminal or restart it."),
    -4: (TerminalRefused, "the terminal has nothing under that name", "Check the symbol in the Market Watch."),
    -5: (
        TerminalRefused,
        "the terminal and the MetaTrader5 package do not fit together",
        "Update the terminal (Help, Check for updates) and the package.",
    ),
    -6: (TerminalRefused, "the trade server refused the login", "Check login, password and server in the terminal."),
    -7: (TerminalRefused, "this terminal does not support the function", "Update the terminal."),
    -8: (
        TerminalRefused,
        "the terminal forbids trading through its Python interface",
        "Allow it in the terminal under Tools, Options, Expert Advisors.",
    ),
    -10000: (TerminalBusy, "the terminal gave an answer that does not fit", "Metronome connects anew."),
    -10001: (TerminalBusy, "the connection to the terminal broke while asking", "Metronome connects anew."),
    -10002: (TerminalBusy, "the connection to the terminal broke while waiting", "Metronome connects anew."),
    -10003: (TerminalUnavailable, "the terminal could not be reached", "Start MetaTrader 5 and log in."),
    -10004: (TerminalUnavailable, "there is no connection to the terminal", "Start MetaTrader 5 and log in."),
    -10005: (TerminalBusy, "the terminal is up but does not answer", "Look whether a dialog is open in it."),
}


def error_for(call: str, code: int, text: str) -> MetronomeError:
    """The exception that stands for a failed call.

    Args:
        call: The call as the user may read it, such as ``symbol_info_tick('EURUSD')``.
        code, text: What ``last_error()`` gave right after it.
    """
    kind, meaning, advice = _MEANING.get(
        code, (TerminalBusy, "the terminal reported an error that is not documented", "Look into its journal.")
    )
    return kind(f"The terminal call {call} failed: {meaning} ({code}, {text}).", advice=advice)


def unknown_symbol(symbol: str, names: Iterable[str]) -> UnknownSymbol:
    """The error for a name that the terminal does not know, with the nearest names that it does."""
    near = nearest_names(symbol, names)
    advice = f"Did you mean {', '.join(near)}?" if near else "Look up its name in the terminal's Market Watch."
    return UnknownSymbol(f"The terminal has no symbol {symbol!r}.", advice=advice)


def nearest_names(symbol: str, names: Iterable[str]) -> list[str]:
    """Up to three names most like ``symbol``; those that differ in suffix or case only, if any."""
    by_folded = {name.casefold(): name for name in names}
    wanted = symbol.casefold()
    extended = sorted((name for name in by_folded if name.startswith(wanted) or wanted.startswith(name)), key=len)
    near = extended or difflib.get_close_matches(wanted, by_folded, n=3, cutoff=0.6)
    return [by_folded[name] for name in near[:3]]
