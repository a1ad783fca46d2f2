"""A trade request as the genuine extension checks it before it asks the terminal."""

from __future__ import annotations

from typing import Any

from app.terminal.simulated.arguments import Refused

_LONGEST_TEXT = 29
# Keys in the order in which they are looked at; whole numbers with the range that fits.
_U32, _U64, _I64 = (0, 2**32 - 1), (0, 2**64 - 1), (-(2**63), 2**63 - 1)
_WHOLE: dict[str, tuple[int, int]] = {
    "action": _U32,
    "magic": _U64,
    "order": _U64,
    "deviation": _U64,
    "type": _U32,
    "type_filling": _U32,
    "type_time": _U32,
    "expiration": _I64,
    "position": _U64,
    "position_by": _U64,
}
_REAL = ("volume", "price", "stoplimit", "sl", "tp")
_TEXTS = ("symbol", "comment")


class Overflowed(Exception):
    """The extension raises SystemError, and ``last_error()`` is -2 with this text."""


def checked_request(args: tuple[Any, ...], kwargs: dict[str, Any], *, with_mapping: bool) -> dict[str, Any]:
    """The request out of ``f(request)`` or ``f(**request)``.

    Args:
        with_mapping: There was a keyword mapping in the call, even an empty one.

    Raises:
        Refused: The call is refused with code -2.
        Overflowed: It ends in a SystemError.
    """
    if len(args) > 1 or not (args or kwargs):
        msg = "Invalid number of arguments"
        raise Refused(msg)
    if args and (kwargs or with_mapping):
        msg = "Unnamed arguments not allowed"
        raise Refused(msg)
    request = args[0] if args else kwargs
    if not isinstance(request, dict):
        msg = "Invalid arguments"
        raise Refused(msg)
    for key, value in request.items():
        _check(key, value)
    return request


def _check(key: object, value: Any) -> None:
    """Unknown keys pass."""
    if key in _WHOLE:
        fits = isinstance(value, int)
    elif key in _REAL:
        fits = isinstance(value, float)
    elif key in _TEXTS:
        fits = isinstance(value, str) and len(value) <= _LONGEST_TEXT
    else:
        return
    msg = f'Invalid "{key}" argument'
    if not fits:
        raise Refused(msg)
    if key in _WHOLE:
        least, most = _WHOLE[str(key)]
        if not least <= value <= most:
            raise Overflowed(msg)
