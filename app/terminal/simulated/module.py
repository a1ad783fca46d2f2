"""The simulated terminal: an object with the surface of the MetaTrader5 module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from app.clock import Clock
from app.terminal.constants import ModuleConstants
from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated import arguments, structs
from app.terminal.simulated.arguments import INVALID, Refused
from app.terminal.simulated.chart import Chart
from app.terminal.simulated.faults import Faults
from app.terminal.simulated.market import Market
from app.terminal.simulated.specification import symbol_struct, template
from app.terminal.timeframes import SECONDS_BY_CONSTANT
from app.terminal.values import Rates

_T = TypeVar("_T")

SERVER = "Metronome-Simulated"
LOGIN = 5_000_001
MAX_BARS = 100_000
_BUILD = 5000
_BALANCE = 10_000.0

_TEXTS = {
    1: "Success",
    -1: "Terminal: Call failed",
    -2: INVALID,
    -3: "Terminal: Out of memory",
    -4: "Terminal: Not found",
    -5: "Terminal: Incompatible versions, please install the latest version of Terminal and Python module",
    -6: "Terminal: Authorization failed",
    -7: "Terminal: Unsupported function",
    -8: "Auto-Trading using Python API disabled in Terminal",
    -10000: "IPC call failed",
    -10001: "IPC send failed",
    -10002: "IPC recv failed",
    -10003: "IPC initialize failed, MetaTrader 5 x64 not found",
    -10004: "No IPC connection",
    -10005: "IPC timeout",
}
# Texts that may be given by name to initialize, and the most characters they may have.
_INITIALIZE: dict[str, tuple[type[Any], int]] = {
    "path": (str, 257),
    "login": (int, 0),
    "password": (str, 253),
    "server": (str, 253),
    "timeout": (int, 0),
    "portable": (int, 0),
}


class SimulatedTerminal(ModuleConstants):
    """Everything that ``import MetaTrader5`` would give, as far as Metronome uses it.

    Errors are the module's own: None or False, and ``last_error()``. Exceptions are those of the extension
    (TypeError, SystemError), and BadBarsFile when a file to replay cannot be used.

    Args:
        clock: The time at which the market stands.
        server_time: The clock of the server; a rule's name.
        seed: Of the generated symbols.
        replay: Bar files by symbol.
        suffix: Appended to every symbol name.

    Thread: like the module, for one thread; ``faults`` may be set from any.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        server_time: str = "auto",
        seed: int = 1,
        replay: Mapping[str, Path] | None = None,
        suffix: str = "",
    ) -> None:
        self.faults = Faults()
        self._market = Market(clock, ServerTimeRule(server_time), seed, replay or {}, suffix=suffix)
        self._selected = set(self._market.shown)
        self._connected = False
        self._error: tuple[int, str] = (0, "")

    def note(self) -> str:
        """What is replayed and what is made up."""
        return self._market.note()

    # The connection.

    def initialize(self, *args: Any, **kwargs: Any) -> bool:
        """Connect; see ``TerminalModule``. Unknown keywords are ignored, as in the genuine module."""
        refusal = _initialize_refusal(args, kwargs)
        if refusal:
            return self._no(-2, refusal)
        self.faults.hang()
        path = args[0] if args else kwargs.get("path", "")
        if self.faults.not_running:
            what = f"Process create failed '{path}'" if path else "MetaTrader 5 x64 not found"
            self._connected = False
            return self._no(-10003, f"IPC initialize failed, {what}")
        self._connected = True
        return self._good(True)

    def shutdown(self) -> bool:
        """Give up the connection."""
        self._connected = False
        return self._good(True)

    def last_error(self) -> tuple[int, str]:
        """Code and text of the last call."""
        return self._error

    def version(self) -> tuple[int, int, str]:
        """Version, build and release date."""
        if not self._ready():
            return (0, 0, "")
        return self._good((500, _BUILD, "1 Jan 2025"))

    def terminal_info(self) -> structs.ModuleStruct | None:
        """State of the terminal."""
        if not self._ready():
            return None
        values = {"connected": not self.faults.offline, "trade_allowed": True, "build": _BUILD, "maxbars": MAX_BARS}
        texts = {"company": "Metronome", "name": "Simulated terminal", "language": "English", "path": "simulated"}
        numbers = {"ping_last": 1_000, "codepage": 65_001, "data_path": "simulated", "commondata_path": "simulated"}
        types = dict.fromkeys(structs.TerminalInfo.__match_args__[:10], bool)
        return self._good(structs.build(structs.TerminalInfo, {**values, **texts, **numbers}, types))

    def account_info(self) -> structs.ModuleStruct | None:
        """The account: a demo account with nothing at stake."""
        if not self._ready():
            return None
        values = {
            "login": LOGIN if self.faults.login is None else self.faults.login,
            "trade_mode": self.faults.trade_mode,
            "leverage": 100,
            "limit_orders": 200,
            "margin_so_mode": 0,
            "trade_allowed": True,
            "trade_expert": True,
            "margin_mode": self.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING,
            "currency_digits": 2,
            "fifo_close": False,
            "balance": _BALANCE,
            "equity": _BALANCE,
            "margin_free": _BALANCE,
            "margin_so_call": 100.0,
            "margin_so_so": 50.0,
            "name": "Rehearsal",
            "server": SERVER,
            "currency": "USD",
            "company": "Metronome",
        }
        return self._good(structs.build(structs.AccountInfo, values, {}))

    # Symbols.

    def symbols_total(self) -> int | None:
        """How many symbols there are."""
        return self._good(len(self._names())) if self._ready(-5) else None

    def symbols_get(self, *args: Any, **kwargs: Any) -> tuple[structs.ModuleStruct, ...] | None:
        """All symbols, or those that match ``group``."""
        group = args[0] if args else kwargs.get("group", "*")
        if len(args) > 1 or not isinstance(group, str):
            self._fail(-2, INVALID)
            return None
        if not self._ready(-5):
            return None
        now = self._now()
        names = [name for name in self._names() if arguments.group_matches(group, name)]
        return self._good(tuple(self._symbol_struct(name, now) for name in names))

    def symbol_info(self, *args: Any) -> structs.ModuleStruct | None:
        """Specification of a symbol."""
        found: structs.ModuleStruct | None = self._symbol_call(args, lambda n: self._symbol_struct(n, self._now()))
        return found

    def symbol_info_tick(self, *args: Any) -> structs.ModuleStruct | None:
        """Newest quote of a symbol in the Market Watch."""
        found: structs.ModuleStruct | None = self._symbol_call(args, self._tick_struct)
        return found

    def symbol_select(self, *args: Any) -> bool:
        """Put a symbol into the Market Watch, or take it out."""
        if not 1 <= len(args) <= 2:
            return self._no(-2, INVALID)

        def select(name: str) -> bool:
            if len(args) == 1 or args[1]:
                self._selected.add(name)
            else:
                self._selected.discard(name)
            return True

        return self._symbol_call(args[:1], select) is not None

    # Bars.

    def copy_rates_from(self, *args: Any) -> Rates | None:
        """Bars back from a date."""

        def copy(chart: Chart, seconds: int, date_from: float, count: int) -> Rates:
            return chart.before(seconds, int(date_from // 1), min(count, MAX_BARS), self._now())

        return self._bars_call(args, (arguments.moment, arguments.integer), copy)

    def copy_rates_from_pos(self, *args: Any) -> Rates | None:
        """Bars back from a position, 0 being the newest."""

        def copy(chart: Chart, seconds: int, start_pos: int, count: int) -> Rates | None:
            if start_pos < 0 or count < 0:
                return None
            now = self._now()
            bars = chart.before(seconds, now // 1000, min(start_pos + count, MAX_BARS), now)
            end = len(bars) - start_pos
            return bars[max(0, end - count) : max(0, end)]

        return self._bars_call(args, (arguments.integer, arguments.integer), copy)

    def copy_rates_range(self, *args: Any) -> Rates | None:
        """Bars between two dates."""

        def copy(chart: Chart, seconds: int, date_from: float, date_to: float) -> Rates:
            return chart.between(seconds, int(-(-date_from // 1)), int(date_to // 1), self._now())[-MAX_BARS:]

        return self._bars_call(args, (arguments.moment, arguments.moment), copy)

    # How all of them work.

    def _symbol_call(self, args: tuple[Any, ...], give: Callable[[str], Any]) -> Any:
        try:
            name = arguments.symbol_name(*arguments.only(args, 1))
        except Refused as refused:
            self._fail(-2, str(refused))
            return None
        if not self._ready():
            return None
        if name not in self._names():
            self._fail(-4)
            return None
        answer = give(name)
        if answer is None:
            self._fail(-4)
            return None
        return self._good(answer)

    def _bars_call(
        self, args: tuple[Any, ...], checks: tuple[Callable[[Any], Any], ...], copy: Callable[..., Rates | None]
    ) -> Rates | None:
        try:
            symbol, *values = arguments.only(args, 4)
            name = arguments.symbol_name(symbol)
            timeframe, *rest = (check(value) for check, value in zip((arguments.integer, *checks), values, strict=True))
        except Refused as refused:
            self._fail(-2, str(refused))
            return None
        except SystemError as error:
            if isinstance(error.__cause__, TypeError):
                self._error = (-2, INVALID)
            raise
        if not self._ready():
            return None
        if name not in self._names():
            self._fail(-4)
            return None
        seconds = SECONDS_BY_CONSTANT.get(timeframe)
        bars = copy(self._market.chart(name), seconds, *rest) if seconds else None
        if bars is None:
            self._fail(-2)
            return None
        # A copy: what the caller does to it must not reach the market.
        return self._good(np.array(bars))

    def _names(self) -> tuple[str, ...]:
        missing = self.faults.missing
        return tuple(name for name in self._market.names if name not in missing) if missing else self._market.names

    def _now(self) -> int:
        return self._market.now_msc() - round(self.faults.stale_s * 1000)

    def _tick_struct(self, name: str) -> structs.ModuleStruct | None:
        if name not in self._selected:
            return None
        chart = self._market.chart(name)
        present = chart.present(self._now())
        if present is None or self.faults.zero_prices:
            return structs.Tick((0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0))
        msc = present.time_msc
        flags = self.TICK_FLAG_BID | self.TICK_FLAG_ASK
        return structs.Tick((msc // 1000, present.bid, present.ask, 0.0, 0, msc, flags, 0.0))

    def _symbol_struct(self, name: str, now_msc: int) -> structs.ModuleStruct:
        chart = self._market.chart(name)
        return symbol_struct(
            template(chart.spec),
            chart,
            now_msc,
            shown=name in self._selected,
            priced=not self.faults.zero_prices,
            rate=lambda currency: self._market.rate(currency, "USD", now_msc),
        )

    def _ready(self, code: int = -10004) -> bool:
        """Whether a call can be answered; else ``last_error`` says why not."""
        self.faults.hang()
        if self.faults.not_running:
            self._connected = False
        if not self._connected:
            self._fail(code)
        elif self.faults.error_code:
            self._fail(self.faults.error_code)
        else:
            return True
        return False

    def _good(self, value: _T) -> _T:
        self._error = (1, _TEXTS[1])
        return value

    def _no(self, code: int, text: str) -> bool:
        self._fail(code, text)
        return False

    def _fail(self, code: int, text: str = "") -> None:
        self._error = (code, text or _TEXTS.get(code, "Terminal: Call failed"))


def _initialize_refusal(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Why the arguments of ``initialize`` are refused; empty when they are not."""
    if len(args) > 1:
        return "Invalid number of arguments"
    if args and (not isinstance(args[0], str) or len(args[0]) > _INITIALIZE["path"][1]):
        return "Invalid 1st unnamed argument"
    for name, value in kwargs.items():
        kind, most = _INITIALIZE.get(name, (object, 0))
        if not isinstance(value, kind) or (most and len(value) > most):
            return f'Invalid "{name}" argument'
    return ""
