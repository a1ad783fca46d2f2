"""What can go wrong with the terminal, and what a user can do about each of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from app.errors import Blocked, MetronomeError, Retryable, UserAction
from app.likeness import nearest


class TerminalUnavailable(Blocked):
    """There is no connection to the terminal, so nothing that needs it can begin."""


class WrongAccount(TerminalUnavailable):
    """The terminal is logged in elsewhere than the settings demand."""


class TerminalBusy(Retryable):
    """The terminal did not answer in time, or its connection broke in the middle of a call."""


class TerminalSilent(TerminalBusy):
    """The terminal is up but did not answer within its own time limit."""


class HostHung(TerminalBusy):
    """A call did not return within its limit, and the process that made it was ended. A new one is started."""


class HostDied(TerminalBusy):
    """The process that owned the module ended by itself. A new one is started."""


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


@dataclass(frozen=True, slots=True)
class Explanation:
    """A code of ``last_error`` in plain words: the error it becomes, what happened, and what the user can do."""

    error: type[MetronomeError]
    meaning: str
    advice: str


_CONNECTS = "Metronome connects anew by itself; if it happens often, restart the terminal."
#: Every code that the module can give (its constants ``RES_*``), and 0, which it has before its first call.
LAST_ERRORS: Final[Mapping[int, Explanation]] = {
    0: Explanation(TerminalBusy, "the terminal has not been asked anything yet", "Wait for the connection."),
    1: Explanation(
        TerminalBusy,
        "the terminal refused without a reason",
        "Look whether it is connected and the symbol is in its Market Watch.",
    ),
    -1: Explanation(
        TerminalBusy, "the terminal could not do it now", "History may still be loading; Metronome asks again."
    ),
    -2: Explanation(TerminalCallError, "the arguments were refused", "Please report this as a bug."),
    -3: Explanation(TerminalBusy, "the terminal ran out of memory", "Close charts in the terminal or restart it."),
    -4: Explanation(
        TerminalRefused, "the terminal has nothing under that name", "Check the symbol in the Market Watch."
    ),
    -5: Explanation(
        TerminalRefused,
        "the terminal and the MetaTrader5 package do not fit together",
        "Update the terminal (Help, Check for updates) and the package.",
    ),
    -6: Explanation(
        TerminalRefused,
        "the trade server refused the login",
        "Check login, password and server in the terminal, and those of the settings.",
    ),
    -7: Explanation(TerminalRefused, "this terminal does not support the function", "Update the terminal."),
    -8: Explanation(
        TerminalRefused,
        "the terminal forbids trading through its Python interface",
        "Allow it in the terminal under Tools, Options, Expert Advisors.",
    ),
    -10000: Explanation(TerminalBusy, "the terminal gave an answer that does not fit", _CONNECTS),
    -10001: Explanation(TerminalBusy, "the connection to the terminal broke while asking", _CONNECTS),
    -10002: Explanation(TerminalBusy, "the connection to the terminal broke while waiting", _CONNECTS),
    -10003: Explanation(TerminalUnavailable, "the terminal could not be reached", "Start MetaTrader 5 and log in."),
    -10004: Explanation(
        TerminalUnavailable, "there is no connection to the terminal", "Start MetaTrader 5 and log in."
    ),
    -10005: Explanation(
        TerminalSilent, "the terminal is up but does not answer", "Look whether a dialog is open in it."
    ),
}
_UNDOCUMENTED: Final = Explanation(
    TerminalBusy, "the terminal reported an error that is not documented", "Look into its journal."
)


def error_for(asked: str, code: int, text: str) -> MetronomeError:
    """The exception that stands for a failed call.

    Args:
        asked: What the terminal was asked for, such as ``the quote of EURUSD``.
        code, text: What ``last_error()`` gave right after it.
    """
    found = LAST_ERRORS.get(code, _UNDOCUMENTED)
    return found.error(f"The terminal did not give {asked}: {found.meaning} ({code}, {text}).", advice=found.advice)


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
    near = extended or nearest(wanted, by_folded, most=3)
    return [by_folded[name] for name in near[:3]]
