"""The command ``bundle``: make a support bundle, or show what is in one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import ipc
from app.cli_text import say, table, write, write_json
from app.cli_values import OK, UsageError

if TYPE_CHECKING:
    from app.cli_session import CommandSession

#: A stuck owner is not waited for: then the bundle is made from the files.
_ANSWER_S = 30.0
_SHOWN = 40


def bundle(session: CommandSession, file: Path | None, make: Path | None) -> int:
    """Show the bundle ``file``; without one, make a bundle: at ``make``, or in ``data/support``.

    Raises:
        UsageError: both are given.
        UserAction: the file is not there or no bundle; or the one to make is there already.
        StorageError: it cannot be read or written.
    """
    if file is not None and make is not None:
        raise UsageError("bundle FILE.zip shows a bundle and --make FILE.zip makes one.", advice="Give one of the two.")
    if file is not None:
        return show(session, file.absolute())
    made = make_one(session, make.absolute() if make is not None else None)
    if session.as_json:
        write_json(made)
        return OK
    for name, why in made["missing"].items():
        say(f"{name} is not in it: {why}")
    write(str(made["file"]))
    return OK


def make_one(session: CommandSession, target: Path | None) -> Mapping[str, Any]:
    """Let the running Metronome make it, whose recorder is then in it; where none answers, make it from the files.

    Raises:
        UserAction: there is a file already.
        StorageError: it cannot be written.
    """
    try:
        ipc.read_owner(session.owner_file)
        answer = ipc.call(session.owner_file, "bundle", {"file": str(target) if target else ""}, timeout_s=_ANSWER_S)
        return dict(answer)
    except ipc.NoOwner:
        pass
    except ipc.OwnerNotAnswering as error:
        say(f"{error.message} The bundle is made from the files instead, without its recorder.")
    from app.bundle import make
    from app.bundle_parts import Source
    from app.engine import clock_for

    settings = session.settings.current
    made = make(Source(session.paths, settings, clock_for(settings).now()), target, "request")
    return {"file": str(made.path), "bytes": made.bytes, "missing": dict(made.missing)}


def show(session: CommandSession, file: Path) -> int:
    """Print what happened when, the versions and the last errors.

    Raises:
        UserAction: the file is not there or no bundle.
    """
    from app.bundle_read import summary

    found = summary(file)
    if session.as_json:
        write_json(found)
        return OK
    versions = found["versions"]
    write(f"Support bundle of {found['made_at']} ({found['reason']})")
    write(f"Python {versions.get('python', '?')}, Qt {versions.get('qt', '?')}, {versions.get('system', '?')}")
    if found["health"]:
        write(f"Health at {found['health']['time']}: {found['health']['overall']}")
        for check in found["health"]["bad"]:
            write(f"  {check['verdict']}: {check['title']} {check['value']}. {check['advice']}")
    for name, why in found["missing"].items():
        write(f"Not in it: {name}. {why}")
    if found["changed"]:
        write(f"Changed since it was made: {', '.join(found['changed'])}")
    if found["ignored"]:
        write(f"Not part of a bundle, not opened: {', '.join(found['ignored'])}")
    _show_details(found)
    write("")
    write(f"Last errors: {len(found['last_errors'])}")
    _show_events(found["last_errors"])
    write("")
    write("Timeline (UTC), the newest last")
    _show_events(found["timeline"][-_SHOWN:])
    return OK


def _show_details(found: Mapping[str, Any]) -> None:
    if found["details"]:
        write("")
        write(str(found["details"]))
    for stall in found["stalls"]:
        write("")
        write(f"{stall['at']}: the window did not answer for {stall['seconds']:.0f} s. {stall['cause']}")
        for name, stack in stall["stacks"].items():
            write(f"  thread {name}")
            for line in str(stack).splitlines()[-6:]:
                write(f"    {line}")


def _show_events(events: list[Mapping[str, Any]]) -> None:
    if events:
        rows = [(str(event["at"]), str(event["kind"]), str(event["text"])) for event in events]
        table(("TIME", "WHAT", "TEXT"), rows)
