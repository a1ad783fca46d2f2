"""Text of a condition to tokens, each with its column; anything that the language does not know is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

#: Characters of one condition, at most.
LONGEST: Final = 300

Kind = Literal["name", "number", "sign", "end"]

_TOKEN: Final = re.compile(
    r"(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>>=|<=|[-+*/()<>,.\[\]])"
)
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_HINTS: Final = {
    "=": "values are compared by >, <, >= and <=, or by 'between'",
    "!": "values are compared by >, <, >= and <=; the opposite of a condition is 'not'",
    "&": "conditions are joined by the word 'and'",
    "|": "conditions are joined by the word 'or'",
    "%": "percent are written as a fraction: 0.01 is 1 %",
    "{": "only round brackets group",
}


class ConditionError(ValueError):
    """A condition that cannot be used.

    Args:
        message: What is wrong, and the remedy where one is known.
        column: Where, counted from 1; 0 when it is not one place.
    """

    def __init__(self, message: str, column: int = 0) -> None:
        super().__init__(f"column {column}: {message}" if column else message)
        self.message = message
        self.column = column


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or sign; ``column`` counts from 1."""

    kind: Kind
    text: str
    column: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text)


def tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a condition, closed by one of kind ``end``.

    Raises:
        ConditionError: too long, or with a character that means nothing here.
    """
    if len(text) > LONGEST:
        raise ConditionError(f"a condition has {LONGEST} characters at most, this one {len(text)}; split it in two")
    found: list[Token] = []
    place = _blank(text, 0)
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            hint = _HINTS.get(text[place])
            raise ConditionError(f"{text[place]!r} means nothing here{f'; {hint}' if hint else ''}", place + 1)
        kind: Kind = "number" if match["number"] else "name" if match["name"] else "sign"
        found.append(Token(kind, match[0], place + 1))
        if kind == "number" and match.end() < len(text) and (text[match.end()].isalnum() or text[match.end()] == "_"):
            raise ConditionError(f"{match[0] + text[match.end()]!r} is neither a number nor a name", place + 1)
        place = _blank(text, match.end())
    found.append(Token("end", "", len(text) + 1))
    return tuple(found)


def _blank(text: str, place: int) -> int:
    match = _BLANK.match(text, place)
    return match.end() if match else place
