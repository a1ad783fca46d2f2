"""A support bundle, read and summed up. It may come from anywhere: nothing is extracted, and everything has a bound.

What a zip file says of itself is not believed: its directory is measured before it is read, a member is unpacked up to
its bound only, names that no bundle has are not opened, and every value is looked at before it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from app.bundle import HEAD, INTEGRITY
from app.bundle_parts import PARTS
from app.errors import UserAction
from app.files import guarding
from app.log_read import parse_line

MAX_FILE: Final = 60_000_000
MAX_MEMBER: Final = 30_000_000
MAX_ENTRIES: Final = 100
MAX_DIRECTORY: Final = 64_000
MAX_EVENTS: Final = 200
MAX_ERRORS: Final = 20
MAX_TEXT: Final = 2_000
#: Terminal calls and answers of the window that took longer are told.
SLOW_MS: Final = 250.0

#: End of central directory record: APPNOTE.TXT 6.3.10 of PKWARE, section 4.3.16.
_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BAD_RUNS: Final = frozenset({"failed", "timed_out", "interrupted", "succeeded_with_warnings", "missed"})


@dataclass(frozen=True, slots=True)
class Content:
    """The members of a bundle that could be read.

    Attributes:
        ignored: Names that no bundle has; they were not opened.
        faults: Member -> what is wrong with it.
    """

    members: Mapping[str, bytes]
    ignored: tuple[str, ...]
    faults: Mapping[str, str]


def read(path: Path) -> Content:
    """Read a bundle.

    Raises:
        UserAction: there is no such file, or it is no support bundle.
        StorageError: it cannot be read.
    """
    with guarding(path, "read"):
        if not path.is_file():
            raise UserAction(
                f"There is no file {path}.", advice="To make a bundle: python main.py bundle --make FILE.zip"
            )
        with path.open("rb") as file:
            _measure(path, file)
            try:
                with zipfile.ZipFile(file) as archive:
                    found = _members(archive)
            except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, struct.error) as error:
                raise _no_bundle(path, f"it is no whole zip file ({error})") from error
    if HEAD not in found.members:
        raise _no_bundle(path, f"it has no {HEAD} that can be read")
    return found


def _no_bundle(path: Path, why: str) -> UserAction:
    return UserAction(
        f"{path} is no support bundle: {cleaned(why)}.", advice="A bundle is made by: python main.py bundle"
    )


def _measure(path: Path, file: BinaryIO) -> None:
    """Refuse what would cost memory before a byte of it is unpacked."""
    size = file.seek(0, os.SEEK_END)
    if size > MAX_FILE:
        raise _no_bundle(path, f"it has {size} bytes, and no bundle has more than {MAX_FILE}")
    file.seek(max(0, size - _END.size - 65_535))
    tail = file.read()
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise _no_bundle(path, "it is no whole zip file")
    _, _, _, _, entries, directory, _, _ = _END.unpack_from(tail, at)
    if entries > MAX_ENTRIES or directory > MAX_DIRECTORY:
        raise _no_bundle(path, f"it lists {entries} files, and no bundle has more than {MAX_ENTRIES}")
    file.seek(0)


def _members(archive: zipfile.ZipFile) -> Content:
    members: dict[str, bytes] = {}
    faults: dict[str, str] = {}
    ignored: list[str] = []
    for info in archive.infolist()[:MAX_ENTRIES]:
        name = info.filename
        if name not in PARTS and name not in (HEAD, INTEGRITY):
            ignored.append(cleaned(name)[:100])
        elif name in members or name in faults:
            faults[name] = "It is in the file more than once."
        elif info.flag_bits & 1:
            faults[name] = "It is encrypted."
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            faults[name] = "It is packed in a way that no bundle uses."
        else:
            _unpack(archive, info, members, faults)
    return Content(members, tuple(ignored), faults)


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, members: dict[str, bytes], faults: dict[str, str]) -> None:
    name = info.filename
    try:
        with archive.open(info) as stream:
            data = stream.read(MAX_MEMBER + 1)
    except (zipfile.BadZipFile, zipfile.error, OSError, EOFError, ValueError, RuntimeError) as error:
        faults[name] = f"It cannot be unpacked ({cleaned(str(error))})."
    else:
        if len(data) > MAX_MEMBER:
            faults[name] = f"It has more than {MAX_MEMBER} bytes."
        else:
            members[name] = data


def summary(path: Path) -> dict[str, Any]:
    """What happened when, with which versions, and what went wrong last; plain JSON values.

    Raises:
        UserAction: there is no such file, or it is no support bundle.
        StorageError: it cannot be read.
    """
    found = read(path)
    head = _mapping(_loaded(found.members[HEAD]))
    recorder = _mapping(_loaded(found.members.get("recorder.json", b"")))
    runs = _rows(_loaded(found.members.get("runs.json", b"")))
    outages = _rows(_loaded(found.members.get("outages.json", b"")))
    checks = _rows(_loaded(found.members.get("health.json", b"")))
    log = found.members.get("metronome.log", b"").decode("utf-8", "replace")
    errors = [event for event in _log_events(log) if event["kind"] == "log"]
    events = sorted(
        (*_recorded(recorder), *_past_runs(runs), *errors, *_outage_events(outages)),
        key=lambda event: str(event["at"]),
    )
    unique = list({(event["at"], event["kind"], event["text"]): event for event in events}.values())
    return {
        "file": str(path),
        "made_at": _text(head.get("made_at")),
        "reason": _text(head.get("reason")),
        "details": _text(head.get("details")),
        "running": head.get("running") is True,
        "versions": {_text(key): _plain(value) for key, value in _mapping(head.get("versions")).items()},
        "missing": {
            **{_text(key): _text(value) for key, value in _mapping(head.get("missing")).items()},
            **found.faults,
        },
        "ignored": list(found.ignored),
        "changed": _changed(found),
        "counts": {name: len(_rows(recorder.get(name))) for name in _RECORDED} | {"stored_runs": len(runs)},
        "health": _verdict(checks),
        "stalls": [_stall(row) for row in _rows(recorder.get("stalls"))],
        "last_errors": [event for event in unique if event["bad"]][-MAX_ERRORS:],
        "timeline": unique[-MAX_EVENTS:],
    }


_RECORDED: Final = ("calls", "runs", "terminal", "queues", "window_lag", "stalls", "unfinished")


def _changed(found: Content) -> list[str]:
    """Members that are not as they were when the bundle was made, or are gone."""
    listed = _mapping(_loaded(found.members.get(INTEGRITY, b"")))
    if not listed:
        return [INTEGRITY]
    changed = []
    for name, item in listed.items():
        data = found.members.get(name)
        digest = hashlib.sha256(data).hexdigest() if data is not None else ""
        if digest != _mapping(item).get("sha256"):
            changed.append(_text(name))
    return changed + [name for name in found.members if name not in listed and name != INTEGRITY]


def _recorded(recorder: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in _rows(recorder.get("terminal")):
        state = _text(row.get("state"))
        yield _event(row, "terminal", f"{state} {_text(row.get('reason'))}", bad=state == "not_answering")
    for row in _rows(recorder.get("calls")):
        outcome, took = _text(row.get("outcome")), _number(row.get("ms"))
        if outcome != "ok" or took >= SLOW_MS:
            yield _event(row, "call", f"{_text(row.get('call'))} took {took:.0f} ms: {outcome}", bad=False)
    for row in _rows(recorder.get("window_lag")):
        if (late := _number(row.get("ms"))) >= SLOW_MS:
            yield _event(row, "window", f"answered {late:.0f} ms late", bad=False)
    for row in _rows(recorder.get("stalls")):
        text = f"did not answer for {_number(row.get('seconds')):.0f} s. {_text(row.get('cause'))}"
        yield _event(row, "stall", text, bad=True)
    for row in _rows(recorder.get("runs")):
        yield _run_event(row, row.get("at"))


def _past_runs(runs: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in runs:
        yield _run_event(row, row.get("finished_at"))


def _run_event(row: Mapping[str, Any], at: object) -> dict[str, Any]:
    state = _text(row.get("state"))
    took = f" after {_number(row.get('duration_s')):.3g} s" if row.get("duration_s") is not None else ""
    text = f"{_text(row.get('task'))} {state.replace('_', ' ')}{took}. {_text(row.get('reason'))}"
    return _event({"at": at}, "run", text, bad=state in _BAD_RUNS)


def _outage_events(outages: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in outages:
        ended = f" until {_text(row.get('ended'))}" if row.get("ended") else ""
        text = f"{_text(row.get('state'))}{ended}. {_text(row.get('reason'))}"
        yield _event({"at": row.get("began")}, "outage", text, bad=False)


def _log_events(log: str) -> Iterator[dict[str, Any]]:
    for line in log.split("\n"):
        record = parse_line(line) if " ERROR " in line or " CRITICAL " in line else None
        if record is not None and record.level in ("ERROR", "CRITICAL"):
            at = record.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            yield _event({"at": at}, "log", f"{record.level} {record.logger}: {record.text}", bad=True)


def _event(row: Mapping[str, Any], kind: str, text: str, *, bad: bool) -> dict[str, Any]:
    return {"at": _text(row.get("at")), "kind": kind, "text": cleaned(text)[:500].strip(), "bad": bad}


def _stall(row: Mapping[str, Any]) -> dict[str, Any]:
    stacks = {_text(name): cleaned(str(text))[:20_000] for name, text in _mapping(row.get("stacks")).items()}
    return {
        "at": _text(row.get("at")),
        "seconds": _number(row.get("seconds")),
        "cause": _text(row.get("cause")),
        "stacks": stacks,
    }


def _verdict(checks: list[Mapping[str, Any]]) -> dict[str, Any]:
    if not checks:
        return {}
    newest = checks[0]
    bad = [row for row in _rows(newest.get("checks")) if row.get("verdict") != "ok"]
    return {
        "time": _text(newest.get("time")),
        "overall": _text(newest.get("overall")),
        "bad": [{name: _text(row.get(name)) for name in ("title", "verdict", "value", "advice")} for row in bad],
    }


def cleaned(text: str) -> str:
    """``text`` without what would steer a terminal or turn the writing direction."""
    return _CONTROL.sub("?", text)


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except (ValueError, RecursionError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else cleaned(str(value))[:MAX_TEXT]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_text(key): _text(item) for key, item in value.items()}
    return _text(value)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
