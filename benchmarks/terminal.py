"""The simulated terminal: a year of bars, quotes of many symbols, the whole list of symbols."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from app.clock import FakeClock
from app.terminal.simulated import SimulatedTerminal
from benchmarks.figures import Figure, distribution, single

SYMBOLS = 5_000
WATCHED = 1_000
ROUNDS = 20
QUOTES = 20_000
_NOW = datetime(2025, 12, 31, 12, 0, 30, tzinfo=UTC)


def run() -> list[Figure]:
    """Measure."""
    clock = FakeClock(_NOW)
    terminal = SimulatedTerminal(clock, symbols=SYMBOLS)
    terminal.initialize()
    return [_year(), *_quotes(terminal, clock), *_list(terminal, clock), *_copies(terminal)]


def _year() -> Figure:
    """Each time by a terminal that knows nothing yet, in as many pieces as ``maxbars`` asks for."""
    taken = []
    for symbol in ("EURUSD", "GBPJPY", "XAUUSD", "US30", "BTCUSD"):
        terminal = SimulatedTerminal(FakeClock(_NOW))
        terminal.initialize()
        begun = time.perf_counter()
        for month in range(0, 12, 2):
            first, last = (datetime(2025 + m // 12, m % 12 + 1, 1, tzinfo=UTC).timestamp() for m in (month, month + 2))
            terminal.copy_rates_range(symbol, terminal.TIMEFRAME_M1, first, last - 1)
        taken.append(time.perf_counter() - begun)
    return distribution("a year of M1 of one symbol", "s", taken, {"max": 1.0})


def _quotes(terminal: SimulatedTerminal, clock: FakeClock) -> list[Figure]:
    names = [info.name for info in terminal.symbols_get() or ()][:WATCHED]
    for name in names:
        terminal.symbol_select(name)

    def quote_all() -> None:
        for name in names:
            terminal.symbol_info_tick(name)

    def quote_one() -> None:
        for _ in range(QUOTES):
            terminal.symbol_info_tick("EURUSD")
            clock.advance(0.001)

    passes = [_timed(lambda: (clock.advance(60.0), quote_all())) for _ in range(ROUNDS)]
    return [
        distribution(f"newest quotes of {WATCHED:,} symbols, a minute later each time", "ms", passes, {"max": 1000}),
        single("newest quote of one symbol, mean", "us", _timed(quote_one) * 1e3 / QUOTES, 50),
    ]


def _list(terminal: SimulatedTerminal, clock: FakeClock) -> list[Figure]:
    taken = [_timed(lambda: (clock.advance(60.0), terminal.symbols_get())) for _ in range(ROUNDS)]
    fresh = SimulatedTerminal(FakeClock(_NOW), symbols=SYMBOLS)
    fresh.initialize()
    return [
        single(f"symbols_get of {SYMBOLS:,} symbols, the first time", "ms", _timed(fresh.symbols_get), 1000),
        distribution(f"symbols_get of {SYMBOLS:,} symbols, a minute later each time", "ms", taken, {"max": 1000}),
    ]


def _copies(terminal: SimulatedTerminal) -> list[Figure]:
    day = datetime(2025, 12, 30, tzinfo=UTC).timestamp()
    return [
        single(
            "100,000 bars of M1 back from now",
            "ms",
            _timed(lambda: terminal.copy_rates_from_pos("GBPJPY", terminal.TIMEFRAME_M1, 0, 100_000)),
        ),
        single(
            "the ticks of a day",
            "ms",
            _timed(lambda: terminal.copy_ticks_range("EURUSD", day, day + 86_399, terminal.COPY_TICKS_ALL)),
        ),
    ]


def _timed(work: Callable[[], object]) -> float:
    """Milliseconds that it takes."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1e3
