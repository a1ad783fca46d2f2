"""Getting the bytes of a source: an address asked politely, a file, or a folder that other tools write.

Polite means: conditional requests, one request in five minutes at most, what a server says in ``Retry-After`` obeyed,
and growing pauses after failures. What is needed for that is kept with the calendar, so a restart does not forget it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from app.errors import MetronomeError, Retryable, UserAction
from app.files import guarding
from app.http import Http
from app.log_scrub import scrub
from app.secrets import Secrets
from workers.calendar.parse import MAX_BYTES
from workers.calendar.values import SourceState

MIN_GAP: Final = timedelta(minutes=5)
MAX_PAUSE: Final = timedelta(hours=6)
#: A server may ask for more patience than we would have by ourselves, but not for ever.
MAX_RETRY_AFTER: Final = timedelta(hours=24)
TIMEOUT_S: Final = 30.0
MAX_FILES: Final = 50

_WEB: Final = re.compile(r"^https?://", re.IGNORECASE)
_SECRET: Final = re.compile(r"\{secret:([\w.-]{1,64})\}")
_WINDOWS_DRIVE: Final = re.compile(r"^/[A-Za-z]:/")


@dataclass(frozen=True, slots=True)
class Place:
    """One document to read: an address of the web or a file.

    Attributes:
        shown: For people, files and messages; no secret is in it.
        address: What is asked; secrets are still names in braces.
        path: The file; None for an address.
        folder: The folder that the file was found in; empty when it was named itself.
    """

    shown: str
    address: str = ""
    path: Path | None = None
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What came; ``data`` is None when the server says that nothing changed."""

    data: bytes | None
    etag: str = ""
    modified: str = ""


def places(source: str) -> list[Place]:
    """The documents of a source as the user names it.

    Raises:
        UserAction: there is no such file or folder, the folder holds no file, or it is an address of another kind.
        StorageError: the folder cannot be read.
    """
    source = source.strip()
    if _WEB.match(source):
        return [Place(scrub(source), address=source)]
    if source.lower().startswith("file:"):
        named = unquote(urlsplit(source).path)
        source = named[1:] if _WINDOWS_DRIVE.match(named) else named
    elif "://" in source:
        raise UserAction(
            f"{scrub(source)} is not an address that calendars are fetched from.",
            advice="Use one that begins with https:// or http://, or name a file or a folder.",
        )
    path = Path(source).expanduser()
    with guarding(path, "read"):
        if path.is_dir():
            return _files_of(path)
        if path.is_file():
            return [Place(str(path), path=path)]
    where = "" if path.is_absolute() else f" below {Path.cwd()}"
    raise UserAction(f"There is no file or folder {path}{where}.", advice="Name its whole path, or use an address.")


def _files_of(folder: Path) -> list[Place]:
    """The newest files of a folder, oldest first, so that the newest has the last word."""
    found = []
    for path in folder.iterdir():
        if path.is_file() and not path.name.startswith((".", "~")):
            found.append((path.stat().st_mtime, path.name, path))
    if not found:
        raise UserAction(f"The folder {folder} holds no file.", advice="Let the other tool write its calendar there.")
    return [Place(str(path), path=path, folder=str(folder)) for _, _, path in sorted(found)[-MAX_FILES:]]


def is_web(source: str) -> bool:
    """Whether a source is an address of the web, not a file or a folder."""
    return _WEB.match(source) is not None


def too_early(state: SourceState, now: datetime) -> tuple[str, datetime] | None:
    """Why an address must not be asked yet, and until when; None when it may be.

    Marks of a future that the clock has not reached (it was set back) are not obeyed for longer than the rules allow.
    """
    if state.next_try is not None and now < state.next_try <= now + MAX_RETRY_AFTER:
        return f"it failed ({state.problem.rstrip('.')}) and is left in peace for now", state.next_try
    if state.attempted is not None and timedelta(0) <= now - state.attempted < MIN_GAP:
        return "it was asked less than five minutes ago", state.attempted + MIN_GAP
    return None


def get(
    place: Place, state: SourceState, http: Http, *, known: bool, secret: Callable[[str], str | None] | None = None
) -> Document:
    """The bytes of a document.

    Args:
        known: Its events are stored, so an unchanged answer is enough.
        secret: Looks a secret up in the keyring; ``{secret:finnhub}`` in an address is the one of that name.

    Raises:
        Retryable, UserAction: see ``Http.get``; or the file is too large or the secret is missing.
        StorageError: the file cannot be read.
    """
    if place.path is not None:
        return Document(_read(place.path))
    address = _SECRET.sub(lambda found: _revealed(found[1], secret or Secrets().get), place.address)
    answer = http.get(
        address,
        etag=state.etag if known else "",
        modified=state.modified if known else "",
        timeout_s=TIMEOUT_S,
        max_bytes=MAX_BYTES,
    )
    if answer.not_modified:
        return Document(None, state.etag, state.modified)
    return Document(answer.content, answer.etag, answer.modified)


def _read(path: Path) -> bytes:
    with guarding(path, "read"), path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UserAction(
            f"{path} is larger than {MAX_BYTES / 1e6:.0f} MB; no calendar is.", advice="Export a shorter span."
        )
    return data


def _revealed(name: str, secret: Callable[[str], str | None]) -> str:
    value = secret(f"provider.{name}")
    if not value:
        raise UserAction(
            f"The keyring holds no secret named provider.{name}, which an address of the calendar asks for.",
            advice=f"Add it with: python -m keyring set metronome provider.{name}",
        )
    return value


def pause_after(failures: int, error: MetronomeError, now: datetime) -> datetime | None:
    """When to ask again after the failure number ``failures`` in a row; None when the usual gap is enough."""
    if not isinstance(error, Retryable):
        return None
    pause: timedelta = min(MIN_GAP * (1 << min(failures - 1, 10)), MAX_PAUSE)
    asked = _asked_for(error.retry_after, now)
    return now + max(pause, min(asked, MAX_RETRY_AFTER))


def _asked_for(text: str, now: datetime) -> timedelta:
    """``Retry-After`` as a span: seconds or a date (RFC 9110, 10.2.3); zero when it is neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return timedelta(0)
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware - now
