"""How a function was called, where the genuine extension can tell and a Python function cannot."""

from __future__ import annotations

import sys
from functools import lru_cache
from opcode import opmap

_CALL_EX = opmap["CALL_FUNCTION_EX"]
_PUSH_NULL = opmap["PUSH_NULL"]
# From here on a call without mapping pushes NULL in its place; before, the lowest bit of the argument says so.
_NULL_FOR_NONE = (3, 14)


def has_mapping(depth: int) -> bool:
    """Whether the caller ``depth`` frames up called with ``**mapping``, be the mapping empty or not.

    ``order_send(request, **{})`` is refused by the extension: it looks whether there are keywords at all. Python hands
    ``f(x)`` and ``f(x, **{})`` to a Python function alike, so the caller's bytecode has to tell. A call from C counts
    as one without mapping, and so does every call on a Python whose bytecode is another.
    """
    return _bytecode_is_known() and _mapping_at(depth + 1)


def _mapping_at(depth: int) -> bool:
    frame = sys._getframe(depth + 1)
    code, place = frame.f_code.co_code, frame.f_lasti
    if place < 2 or code[place] != _CALL_EX:
        return False
    if sys.version_info >= _NULL_FOR_NONE:
        return code[place - 2] != _PUSH_NULL
    return bool(code[place + 1] & 1)


@lru_cache(maxsize=1)
def _bytecode_is_known() -> bool:
    def probe(*_args: object, **_kwargs: object) -> bool:
        return _mapping_at(1)

    none: tuple[object, ...] = ()
    nothing: dict[str, object] = {}
    return (probe(), probe(*none), probe(*none, **nothing)) == (False, False, True)
