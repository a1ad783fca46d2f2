"""JSON as people wrote it: where each value stands, and changes of one value that leave all else as it was.

The layout of a rule file is its owner's. A change made in a form replaces the characters of one value only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Path = tuple[str | int, ...]

#: Brackets inside each other, at most; a rule file has four.
DEEPEST: Final = 60

_BLANK: Final = re.compile(r"[ \t\r\n]*")
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_PLAIN: Final = re.compile(r"[-+.0-9A-Za-z]+")
_STEP: Final = "  "


class NotJson(ValueError):
    """The text is no JSON, or is nested too deeply to be changed piece by piece."""


@dataclass(frozen=True, slots=True)
class Member:
    """One name of an object: where the name begins, and its value."""

    start: int
    node: Node


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the text, from ``start`` up to ``end`` (character offsets).

    Attributes:
        members: Of an object; of a name that comes twice, the last, as readers take it.
        items: Of a list.
    """

    start: int
    end: int
    members: Mapping[str, Member] | None = None
    items: Sequence[Node] | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters from ``start`` up to ``end`` by ``text``."""

    start: int
    end: int
    text: str

    def applied(self, text: str) -> str:
        """``text`` with the change."""
        return text[: self.start] + self.text + text[self.end :]


def outline(text: str) -> Node:
    """Where every value of the text stands.

    Raises:
        NotJson: it is no JSON.
    """
    node = _Scanner(text).value(_after_blank(text, 0), 0)
    if _after_blank(text, node.end) != len(text):
        raise NotJson("something follows the value")
    return node


def twice(text: str) -> tuple[str, int] | None:
    """The first name that an object of the text has a second time, and where that begins; None when there is none.

    Raises:
        NotJson: as ``outline``.
    """
    scanner = _Scanner(text)
    scanner.value(_after_blank(text, 0), 0)
    return scanner.twice


def place(node: Node, path: Path) -> tuple[int, int]:
    """Where the value at ``path`` stands, else the nearest thing around it that is there (offsets).

    A missing name of an object is shown by the name of that object.

    Args:
        node: The outline of the whole text.
    """
    start, end = node.start, min(node.start + 1, node.end)
    for step in path:
        if isinstance(step, str) and node.members is not None and step in node.members:
            member = node.members[step]
            start, node = member.start, member.node
        elif isinstance(step, int) and node.items is not None and 0 <= step < len(node.items):
            node = node.items[step]
            start = node.start
        else:
            return start, end
        end = node.end if node.members is None and node.items is None else node.start + 1
    return start, end


def line_of(text: str, offset: int) -> int:
    """The line of a character, counted from 1."""
    return text.count("\n", 0, offset) + 1


def put(text: str, path: Path, value: Any) -> Edit:
    """The change after which ``path`` holds ``value``; objects on the way are made.

    Args:
        path: Names and places; a place must be there, or be the one after the last.

    Raises:
        NotJson: the text is no JSON, or something on the way is neither an object nor a list.
    """
    node = outline(text)
    for number, step in enumerate(path):
        found = _child(node, step)
        if found is None:
            missing: Any = value
            for name in reversed(path[number + 1 :]):
                missing = {name: missing}
            return _added(text, node, step, missing)
        node = found
    return Edit(node.start, node.end, _written(value, _indent(text, node.start)))


def removed(text: str, path: Path) -> Edit:
    """The change after which nothing is at ``path``; none (an empty one) when nothing is there.

    Raises:
        NotJson: the text is no JSON.
    """
    node, parent = outline(text), None
    for step in path:
        found = _child(node, step)
        if found is None:
            return Edit(0, 0, "")
        parent, node = node, found
    if parent is None:
        raise NotJson("the whole text cannot be taken away")
    starts = _starts(parent)
    start = parent.members[str(path[-1])].start if parent.members is not None else node.start
    after = _after_blank(text, node.end)
    if text[after] == ",":
        return Edit(start, _after_blank(text, after + 1), "")
    earlier = [other for other in starts if other < start]
    if not earlier:
        return Edit(parent.start + 1, parent.end - 1, "")
    return Edit(text.rindex(",", 0, start), node.end, "")


def _starts(node: Node) -> list[int]:
    if node.members is not None:
        return [member.start for member in node.members.values()]
    return [item.start for item in node.items or ()]


def _child(node: Node, step: str | int) -> Node | None:
    if node.members is not None and isinstance(step, str):
        member = node.members.get(step)
        return member.node if member is not None else None
    if node.items is not None and isinstance(step, int):
        if step > len(node.items):
            raise NotJson(f"there is no place {step}")
        return node.items[step] if step < len(node.items) else None
    raise NotJson(f"{step!r} is neither in an object nor in a list")


def _added(text: str, parent: Node, step: str | int, value: Any) -> Edit:
    """A new last member of ``parent``, laid out as its neighbours are."""
    name = f"{json.dumps(step, ensure_ascii=False)}: " if isinstance(step, str) else ""
    starts = _starts(parent)
    closing = parent.end - 1
    if not starts:
        outer = _indent(text, parent.start)
        inner = outer + _step(text)
        return Edit(parent.start + 1, closing, f"\n{inner}{name}{_written(value, inner)}\n{outer}")
    last = len(text[:closing].rstrip(" \t\r\n"))
    own_line = "\n" in text[parent.start : min(starts)]
    if not own_line:
        return Edit(last, last, f", {name}{json.dumps(value, ensure_ascii=False)}")
    inner = _indent(text, max(starts))
    return Edit(last, last, f",\n{inner}{name}{_written(value, inner)}")


def _written(value: Any, indent: str) -> str:
    """A value over as many lines as it needs, its further lines behind ``indent``."""
    return json.dumps(value, ensure_ascii=False, indent=_STEP).replace("\n", f"\n{indent}")


def _indent(text: str, at: int) -> str:
    """The blanks that the line of ``at`` begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _step(text: str) -> str:
    """By how much one level of this text goes in."""
    found = re.search(r"\n([ \t]+)\S", text)
    return found[1] if found else _STEP


def _after_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


class _Scanner:
    """One pass over a text; strictness is left to the reader of the document, which sees the same text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.twice: tuple[str, int] | None = None

    def value(self, at: int, depth: int) -> Node:
        if depth > DEEPEST:
            raise NotJson("nested too deeply")
        sign = self._text[at : at + 1]
        if sign == "{":
            return self._object(at, depth)
        if sign == "[":
            return self._list(at, depth)
        match = _STRING.match(self._text, at) if sign == '"' else _PLAIN.match(self._text, at)
        if match is None:
            raise NotJson(f"no value at {at}")
        return Node(at, match.end())

    def _object(self, start: int, depth: int) -> Node:
        members: dict[str, Member] = {}
        end = start
        for at in self._parts(start, "}"):
            match = _STRING.match(self._text, at)
            if match is None:
                raise NotJson(f"no name at {at}")
            colon = _after_blank(self._text, match.end())
            if self._text[colon : colon + 1] != ":":
                raise NotJson(f"no colon at {colon}")
            node = self.value(_after_blank(self._text, colon + 1), depth + 1)
            try:
                name = json.loads(match[0])
            except ValueError as error:
                raise NotJson(str(error)) from error
            if name in members and self.twice is None:
                self.twice = (name, at)
            members[name] = Member(at, node)
            self._at = node.end
        end = self._at
        return Node(start, end, members=members)

    def _list(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        for at in self._parts(start, "]"):
            node = self.value(at, depth + 1)
            items.append(node)
            self._at = node.end
        return Node(start, self._at, items=items)

    def _parts(self, start: int, closing: str) -> Iterator[int]:
        """Where each part between the brackets begins; ``_at`` is the end of the part, in the end of the bracket."""
        at = _after_blank(self._text, start + 1)
        if self._text[at : at + 1] == closing:
            self._at = at + 1
            return
        while True:
            yield at
            after = _after_blank(self._text, self._at)
            sign = self._text[after : after + 1]
            if sign == closing:
                self._at = after + 1
                return
            if sign != ",":
                raise NotJson(f"neither , nor {closing} at {after}")
            at = _after_blank(self._text, after + 1)
