"""The command ``feeds``: show, import, export and change the list of news feeds in ``data/config/feeds.opml``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from app.clock import SystemClock
from app.errors import UserAction
from app.files import guarding
from app.paths import Paths
from app.storage import Storage
from workers.news import opml, state
from workers.news.clean import plain_text, safe_link
from workers.news.values import Feed, FeedState, to_text
from workers.wording import count

ACTIONS: Final = ("list", "import", "export", "add", "remove", "enable", "disable")


def feeds(paths: Paths, action: str, values: Sequence[str]) -> dict[str, Any]:
    """Do what the command says.

    Args:
        action: One of ``ACTIONS``.
        values: What follows it: a file, an address with a title, or addresses and titles of feeds.

    Returns:
        ``{"message", "feeds": [{"address", "title", "group", "enabled", "status", "items", "last_success",
        "next_try", "failures", "problem"}]}``; ``list`` has no message.

    Raises:
        UserAction: a value is missing or fits nothing, or a list cannot be read.
        StorageError: a file cannot be read or written.
    """
    if action == "import":
        return _import(paths, Path(_only(values, "import FILE")))
    known = opml.load(paths.feeds_file if paths.feeds_file.exists() else opml.DEFAULT)
    if action == "list":
        return {"message": "", "feeds": _documents(paths, known)}
    if action == "export":
        return _export(paths, known, Path(_only(values, "export FILE")))
    if action == "add":
        return _add(paths, known, values)
    return _change(paths, known, action, values)


def _import(paths: Paths, file: Path) -> dict[str, Any]:
    file = file.expanduser().absolute()
    if not file.is_file():
        raise UserAction(f"There is no file {file}.", advice="Name an OPML file that another feed reader exported.")
    more = opml.load(file)
    if not more:
        raise UserAction(
            f"{file.name} holds no feed with an http or https address.", advice="Export it again from its feed reader."
        )
    known = opml.load(paths.feeds_file if paths.feeds_file.exists() else opml.DEFAULT)
    joined, new = opml.joined(known, more)
    opml.save(paths.feeds_file, joined)
    there = len(more) - new
    also = f"; {count(there, 'feed was', 'feeds were')} in the list already" if there else ""
    return {"message": f"{count(new, 'feed')} imported from {file.name}{also}.", "feeds": _documents(paths, joined)}


def _export(paths: Paths, known: Sequence[Feed], file: Path) -> dict[str, Any]:
    file = file.expanduser().absolute()
    if not file.parent.is_dir():
        raise UserAction(f"There is no folder {file.parent}.", advice="Make it first.")
    if file.is_dir():
        raise UserAction(f"{file} is a folder.", advice="Name a file, such as feeds.opml.")
    with guarding(file):
        opml.save(file, known)
    return {"message": f"{count(len(known), 'feed')} exported to {file}.", "feeds": _documents(paths, known)}


def _add(paths: Paths, known: Sequence[Feed], values: Sequence[str]) -> dict[str, Any]:
    if not values:
        raise UserAction("feeds add needs the address of a feed.", advice="python main.py feeds add URL [TITLE]")
    address = safe_link(values[0])
    if not address:
        raise UserAction(
            f"{plain_text(values[0], 200)} is not an address of the web.",
            advice="Use one that begins with https:// or http://.",
        )
    title = plain_text(" ".join(values[1:]), 120) or address
    joined, new = opml.joined(known, [Feed(address, title)])
    if not new:
        raise UserAction(f"{address} is in the list already.", advice="python main.py feeds list shows all.")
    opml.save(paths.feeds_file, joined)
    return {"message": f"{title} added; the next run fetches it.", "feeds": _documents(paths, joined)}


def _change(paths: Paths, known: Sequence[Feed], action: str, values: Sequence[str]) -> dict[str, Any]:
    if not values:
        raise UserAction(
            f"feeds {action} needs the address or the title of a feed.", advice="python main.py feeds list shows all."
        )
    chosen = {_named(known, value).address for value in values}
    change: dict[str, Callable[[Feed], Feed | None]] = {
        "enable": lambda feed: replace(feed, enabled=True),
        "disable": lambda feed: replace(feed, enabled=False),
        "remove": lambda _feed: None,
    }
    changed = [change[action](feed) if feed.address in chosen else feed for feed in known]
    left = tuple(feed for feed in changed if feed is not None)
    opml.save(paths.feeds_file, left)
    titles = ", ".join(feed.title for feed in known if feed.address in chosen)
    return {"message": f"{titles}: {action.removesuffix('e')}ed.", "feeds": _documents(paths, left)}


def _named(known: Sequence[Feed], value: str) -> Feed:
    """The feed of that address or title, or the only one whose title holds the text."""
    link, low = safe_link(value), value.strip().casefold()
    for feed in known:
        if feed.address == link or feed.title.casefold() == low:
            return feed
    near = [feed for feed in known if low and low in feed.title.casefold()]
    if len(near) == 1:
        return near[0]
    shown = plain_text(value, 200)
    if near:
        raise UserAction(
            f"{shown} fits {count(len(near), 'feed')}: {', '.join(feed.title for feed in near[:5])}.",
            advice="Give the whole title or the address.",
        )
    raise UserAction(f"No feed is named {shown}.", advice="python main.py feeds list shows all.")


def _only(values: Sequence[str], form: str) -> str:
    if len(values) != 1:
        raise UserAction(f"feeds {form.split()[0]} needs one file.", advice=f"python main.py feeds {form}")
    return values[0]


def _documents(paths: Paths, known: Sequence[Feed]) -> list[dict[str, Any]]:
    states = state.load(Storage(paths, SystemClock())) if state.states_file(paths.cache).exists() else {}
    return [_document(feed, states.get(feed.address)) for feed in known]


def _document(feed: Feed, known: FeedState | None) -> dict[str, Any]:
    fares = known or FeedState(feed.address, feed.title)
    return {
        "address": feed.address,
        "title": feed.title,
        "group": feed.group,
        "enabled": feed.enabled,
        "status": fares.status,
        "kind": fares.kind,
        "items": fares.items,
        "last_success": to_text(fares.last_success),
        "next_try": to_text(fares.next_try),
        "failures": fares.failures,
        "problem": fares.problem,
    }
