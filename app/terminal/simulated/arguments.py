"""Arguments as the genuine extension checks them: wrong ones give no exception but code -2, with some exceptions."""

from __future__ import annotations

import operator
from datetime import datetime
from typing import Any

#: The genuine module refuses longer names.
LONGEST_SYMBOL = 29
_FIRST_REFUSED_DATE = 2**31
_END_OF_TIME = 253_402_300_800.0  # the year 10000


class Refused(Exception):
    """The call fails with code -2 and this text."""


INVALID = "Invalid arguments"
# No price and no volume is larger; what is computed from two of them is still a number.
_MOST = 1e15


def only(args: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    """The arguments, if there are ``count`` of them."""
    if len(args) != count:
        raise Refused(INVALID)
    return args


def symbol_name(value: Any) -> str:
    """A symbol: text of at most 29 characters."""
    if not isinstance(value, str) or len(value) > LONGEST_SYMBOL:
        raise Refused(INVALID)
    return value


def integer(value: Any) -> int:
    """A whole number; floats and None end in SystemError, as in the extension.

    Raises:
        SystemError: ``value`` is no whole number.
    """
    try:
        return operator.index(value)
    except TypeError as error:
        msg = "<built-in function> returned a result with an exception set"
        raise SystemError(msg) from error


def moment(value: Any) -> float:
    """A date: datetime (a naive one is read in the PC's zone), or epoch seconds.

    Raises:
        SystemError: A whole number beyond 2**31.
    """
    if isinstance(value, datetime):
        try:
            return value.timestamp()
        except (ValueError, OverflowError, OSError) as error:  # the ends of the calendar, in the PC's zone
            raise Refused(INVALID) from error
    if isinstance(value, float):
        if not abs(value) < _END_OF_TIME:  # written so that a NaN is refused too
            raise Refused(INVALID)
        return value
    if type(value) in (int, bool):
        if value >= _FIRST_REFUSED_DATE or value < -_FIRST_REFUSED_DATE:
            msg = "<built-in function> returned a result with an exception set"
            raise SystemError(msg) from OverflowError("Python int too large to convert to C long")
        return float(value)
    raise Refused(INVALID)


def group_matches(group: str, name: str) -> bool:
    """Whether a name passes a filter such as ``*USD*,!EUR*``: wanted by any pattern, refused by none with ``!``."""
    wanted = False
    for pattern in (part.strip() for part in group.split(",")):
        if pattern.startswith("!"):
            if _like(pattern[1:], name):
                return False
        elif _like(pattern, name):
            wanted = True
    return wanted


def _like(pattern: str, name: str) -> bool:
    """``*`` stands for any text; there is no other wildcard."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    if not name.startswith(first) or not name[len(first) :].endswith(rest[-1]):
        return False
    position, end = len(first), len(name) - len(rest[-1])
    for part in rest[:-1]:
        found = name.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def number(value: Any) -> float:
    """A float or a whole number."""
    if not isinstance(value, (int, float)) or not abs(value) <= _MOST:
        raise Refused(INVALID)
    return float(value)
