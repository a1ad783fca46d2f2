"""How a function was called, where the genuine extension can tell and a Python function cannot."""

from __future__ import annotations

import sys
from opcode import opmap
from types import FrameType

_CALL_EX = opmap["CALL_FUNCTION_EX"]
_PUSH_NULL = opmap["PUSH_NULL"]
_NULL_SAYS_NONE = (3, 14)  # from here on a call without mapping pushes NULL; before, its argument says so


def has_mapping(depth: int) -> bool:
    """Whether the caller ``depth`` frames up called with ``**mapping``, be the mapping empty or not.

    ``order_send(request, **{})`` is refused by the extension: it looks whether there are keywords at all. Python hands
    ``f(x)`` and ``f(x, **{})`` to a Python function alike, so the caller's bytecode has to tell. A call from C counts as
    one without mapping.
    """
    frame: FrameType = sys._getframe(depth + 1)  # noqa: SLF001 - the only way
    code, place = frame.f_code.co_code, frame.f_lasti
    if place < 2 or code[place] != _CALL_EX:
        return False
    if sys.version_info >= _NULL_SAYS_NONE:
        return code[place - 2] != _PUSH_NULL
    return bool(code[place + 1] & 1)
