"""Requests for ``order_check``: built with the strict types that the module wants.

The genuine module refuses ``volume=1`` (it wants 1.0), numpy integers, None for "left out", and texts of 30
characters; a negative integer makes it raise SystemError. Here a request is refused before, naming the field, and
whatever means the same is turned into the right type.
"""

from __future__ import annotations

import math
import operator
from typing import Any, Final

from app.terminal.errors import TerminalCallError

_FLOATS: Final = frozenset({"volume", "price", "stoplimit", "sl", "tp"})
#: Largest value of each integer field: unsigned 32 and 64 bits, ``expiration`` signed 64 bits.
_INTEGERS: Final = {
    **dict.fromkeys(("action", "type", "type_filling", "type_time"), 2**32 - 1),
    **dict.fromkeys(("magic", "order", "deviation", "position", "position_by"), 2**64 - 1),
    "expiration": 2**63 - 1,
}
_TEXTS: Final = frozenset({"symbol", "comment"})
_LONGEST_TEXT: Final = 29
FIELDS: Final = frozenset({*_FLOATS, *_INTEGERS, *_TEXTS})


def trade_request(**fields: Any) -> dict[str, Any]:
    """A request by its ``TradeRequest`` fields; None means left out.

    ``expiration`` is an integer of epoch seconds on the server's clock, as the module wants it; volumes are in lots,
    prices in the quote currency, ``deviation`` in points.

    Raises:
        TerminalCallError: A field does not exist, or its value cannot be what the module wants.
    """
    return {name: _checked(name, value) for name, value in fields.items() if value is not None}


def _checked(name: str, value: Any) -> Any:
    if name in _FLOATS:
        return _number(name, value)
    if name in _INTEGERS:
        return _integer(name, value)
    if name not in _TEXTS:
        raise _refusal(name, value, f"there is no such field; there are {', '.join(sorted(FIELDS))}")
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise _refusal(name, value, f"it has to be text of at most {_LONGEST_TEXT} characters")
    return str(value)


def _number(name: str, value: Any) -> float:
    try:
        found = float(value) if not isinstance(value, str | bool) else math.nan
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found) or found < 0:
        raise _refusal(name, value, "it has to be a finite number from 0")
    return found


def _integer(name: str, value: Any) -> int:
    try:
        found = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        found = -1
    if not 0 <= found <= _INTEGERS[name]:
        raise _refusal(name, value, f"it has to be a whole number from 0 to {_INTEGERS[name]}")
    return int(found)


def _refusal(name: str, value: Any, why: str) -> TerminalCallError:
    return TerminalCallError(
        f"The trade request field {name} cannot be {value!r}: {why}.", advice="Please report this as a bug."
    )
