"""How the terminal's states and accounts read, in header, health page and banner alike."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ui import words
from ui.words import Look, tr

if TYPE_CHECKING:  # the first paint is not to wait for numpy
    from app.terminal.outages import Outage

_STATES: Final = {
    "connected": ("succeeded", "ok", "Connected"),
    "connecting": ("queued", "running", "Connecting"),
    "disconnected": ("skipped", "idle", "Not connected"),
    "not_answering": ("failed", "error", "Not answering"),
    "wrong_account": ("failed", "error", "Wrong account"),
}
#: A real account is red wherever it is named.
_KINDS: Final = {
    "demo": ("info", "running", "demo"),
    "contest": ("info", "warning", "contest"),
    "real": ("warning", "error", "real money"),
}
#: Longer names of servers are cut in the chip; its tip has all of them.
_SERVER_LETTERS: Final = 26
HOSTS: Final = {"in_process": "In this process", "child": "In a process of its own"}


def state_look(state: str) -> Look:
    """Icon, colour and word of a state of the session."""
    icon, role, word = _STATES.get(str(state), ("skipped", "idle", state))
    return Look(icon, role, tr(word))


def kind_look(kind: str) -> Look | None:
    """Icon, colour and word of a kind of account; None while it is unknown."""
    if not kind:
        return None
    icon, role, word = _KINDS.get(kind, _KINDS["real"])
    return Look(icon, role, tr(word))


def server_word(status: Any) -> str:
    """The server, short enough for a chip."""
    server = str(status.server)
    return server if len(server) <= _SERVER_LETTERS else f"{server[: _SERVER_LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"


def ping_word(status: Any) -> str:
    """How long the trade server takes to answer; empty while nobody knows."""
    # While it does not answer, the ping is that of before.
    live = str(status.state) in ("connected", "wrong_account") and status.ping_ms is not None
    return tr("ping {n} ms").format(n=round(status.ping_ms)) if live else ""


def outage_times(outage: Outage, now: datetime) -> str:
    """From when to when: ``09:00:12 - 09:12:40``, with the date unless it was today."""
    began = words.local_time(outage.began, now)
    if outage.open:
        return tr("since {t}").format(t=began)
    if outage.ended is None:
        return tr("from {t}").format(t=began)
    same_day = outage.ended.astimezone().date() == outage.began.astimezone().date()
    ended = f"{outage.ended.astimezone():%H:%M:%S}" if same_day else words.local_time(outage.ended, now)
    return f"{began} \N{EN DASH} {ended}"


def outage_length(outage: Outage, now: datetime) -> str:
    """How long it took, or takes so far; a dash when nobody knows."""
    if outage.ended is None and not outage.open:
        return words.DASH
    return words.duration(((outage.ended or now) - outage.began).total_seconds())


def outage_role(outage: Outage) -> str:
    """The colour of an outage: a terminal that is not there is a warning, one that does not answer an error."""
    return "warning" if outage.state == "disconnected" else "error"
