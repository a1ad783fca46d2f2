"""Modules that a child process loads in tests; importable there by name."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from app.clock import Clock
from app.terminal.simulated.structs import AccountInfo, TerminalInfo, build
from app.terminal.values import RATES_DTYPE


class Awkward:
    """Does everything that makes the genuine module hard to live with."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._error = (0, "")

    def initialize(self, *_args: Any, **_kwargs: Any) -> bool:
        self._error = (1, "Success")
        return True

    def shutdown(self) -> bool:
        return True

    def last_error(self) -> tuple[int, str]:
        return self._error

    def terminal_info(self) -> Any:
        return build(TerminalInfo, {"connected": True, "path": "C:\\MT5", "ping_last": 1000})

    def account_info(self) -> Any:
        return build(AccountInfo, {"login": 7, "server": "Test", "currency": "USD"})

    def order_check(self, *args: Any, **kwargs: Any) -> Any:
        """As the genuine one: a mapping beside the positional argument, even an empty one, is refused.

        Python gives a C function no mapping for ``f(x, **{})`` either way; here the names tell it apart.
        """
        if args and kwargs:
            self._error = (-2, "Unnamed arguments not allowed")
            return None
        return args[0]

    def hold_the_gil(self, seconds: int) -> bool:
        """Sleep as the genuine module does: without giving the interpreter lock back."""
        ctypes.PyDLL(None).sleep(seconds)
        return True

    def sleep(self, seconds: int) -> bool:
        """Sleep and let other threads work."""
        time.sleep(seconds)
        return True

    def copy_rates(self, count: int) -> Any:
        import numpy as np

        bars = np.zeros(count, RATES_DTYPE)
        bars["time"] = np.arange(count)
        return bars

    def many(self, count: int) -> Any:
        return tuple(build(AccountInfo, {"login": at}) for at in range(count))

    def empty(self) -> Any:
        return ()

    def nothing(self) -> Any:
        self._error = (-4, "Terminal: Not found")

    def overflow(self) -> Any:
        try:
            (1 << 70).to_bytes(8, "little")
        except OverflowError as error:
            raise SystemError("call returned a result with an error set") from error

    def strange(self) -> Any:
        class Local(Exception):
            """Cannot be pickled."""

        raise Local("odd")

    def process(self) -> tuple[int, tuple[str, ...], str]:
        return os.getpid(), tuple(sorted(sys.modules)), self.clock.now().isoformat()

    def die(self) -> None:
        os._exit(9)


@dataclass(frozen=True)
class AwkwardLoader:
    """Loads ``Awkward``."""

    simulated: bool = field(default=False, init=False)
    holds_gil: bool = field(default=True, init=False)

    def look(self) -> None:
        """It is there."""

    def check_faults(self, faults: object) -> None:
        """None are set."""

    def load(self, clock: Clock) -> Any:
        return Awkward(clock)
