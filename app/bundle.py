"""A support bundle: one zip file with all that is needed to find out what went wrong, and nothing that is private.

It is made in memory, which its parts bound to some 15 MB, and written whole or not at all. When the disk is nearly
full, older bundles in ``data/support`` go first, then the bundle does without its log; each says so.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from app.bundle_parts import MAX_RUN_TEXT, MAX_STACK, PARTS, Source, personal, versions
from app.bundle_scrub import Scrubber
from app.errors import MetronomeError, UserAction
from app.files import StorageError, atomic_write_bytes, guarding
from app.paths import Paths
from app.runs import iso

_log = logging.getLogger(__name__)

SCHEMA: Final = 1
HEAD: Final = "bundle.json"
INTEGRITY: Final = "integrity.json"
#: What ``data/support`` keeps: the newest ones.
KEPT_FILES: Final = 10
KEPT_BYTES: Final = 30_000_000
_FAULTS: Final = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
_PREFIX: Final = "metronome-support-"
#: Left out when the disk has no room for all, the largest first.
_BULKY: Final = ("metronome.log", "runs.json")


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle that was written.

    Attributes:
        missing: Part -> why it is not in it.
    """

    path: Path
    bytes: int
    missing: Mapping[str, str]


def make(source: Source, target: Path | None, reason: str, details: str = "", *, replace: bool = False) -> Made:
    """Make a bundle.

    Args:
        target: Where to; None: a new file in ``data/support``, where only the newest ones are kept.
        reason: Why, in a word: ``request``, ``crash`` or ``stall``.
        details: What happened: a traceback, for example.
        replace: A file at ``target`` is replaced.

    Raises:
        UserAction: there is a file at ``target`` already.
        StorageError: it cannot be written; nothing is left of it.
    """
    if target is not None and not replace and target.exists():
        raise UserAction(f"There is a file {target} already.", advice="Choose another name; nothing is overwritten.")
    path = target or source.paths.support / _name(source.now, reason)
    with guarding(path.parent, "create"):
        path.parent.mkdir(parents=True, exist_ok=True)
    scrubber = Scrubber(source.paths.home, personal(source))
    content, missing = _gather(source, scrubber)
    if target is None:
        tidy(source.paths, KEPT_FILES - 1, KEPT_BYTES)
    head = _head(source, scrubber, reason, details)
    try:
        size = _write(path, head, content, missing)
    except StorageError as error:
        if not error.full:
            raise
        tidy(source.paths, 1, 0)
        missing |= dict.fromkeys(_BULKY, "It was left out because the disk is nearly full.")
        size = _write(path, head, {name: data for name, data in content.items() if name not in _BULKY}, missing)
        _log.warning("The disk is nearly full: the support bundle %s has neither log nor history.", path.name)
    _log.info("A support bundle was made: %s (%d bytes).", path, size)
    return Made(path, size, missing)


def tidy(paths: Paths, keep: int, keep_bytes: int) -> None:
    """Delete the oldest bundles of ``data/support`` above ``keep`` files or ``keep_bytes`` bytes; other files stay."""
    total = 0
    for number, path in enumerate(sorted(paths.support.glob(f"{_PREFIX}*.zip"), reverse=True)):
        try:
            total += path.stat().st_size
            if number >= keep or total > keep_bytes:
                path.unlink()
        except OSError as error:
            _log.info("An old support bundle stays: %s.", error)


def _name(now: datetime, reason: str) -> str:
    return f"{_PREFIX}{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03d}Z-{reason}.zip"


def _gather(source: Source, scrubber: Scrubber) -> tuple[dict[str, bytes], dict[str, str]]:
    """All parts, scrubbed; and those that could not be had, with the reason."""
    content: dict[str, bytes] = {}
    missing: dict[str, str] = {}
    for name, part in PARTS.items():
        try:
            found = part(source)
            text = scrubber.text(found) if isinstance(found, str) else None
            limit = MAX_STACK if name == "recorder.json" else MAX_RUN_TEXT
            content[name] = _json(scrubber.value(found, limit)) if text is None else _bytes(text)
        except MetronomeError as error:
            missing[name] = scrubber.text(str(error))
        except _FAULTS as error:  # a bundle is made when something is broken: the other parts are wanted all the more
            missing[name] = scrubber.text(f"It could not be made: {type(error).__name__}: {error}")
    return content, missing


def _head(source: Source, scrubber: Scrubber, reason: str, details: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "program": "Metronome",
        "made_at": iso(source.now),
        "reason": reason,
        "details": scrubber.text(details, 100_000),
        "running": source.engine is not None,
        "versions": scrubber.value(versions()),
    }


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _write(path: Path, head: Mapping[str, Any], content: Mapping[str, bytes], missing: Mapping[str, str]) -> int:
    parts = {HEAD: _json({**head, "missing": dict(missing)}), **content}
    parts[INTEGRITY] = _json(
        {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in parts.items()}
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    data = stream.getvalue()
    atomic_write_bytes(path, data)
    return len(data)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, indent=1).encode()
