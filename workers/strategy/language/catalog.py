"""The words of the language: columns and functions, what each computes, and how many bars it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

import numpy as np

from workers.strategy import averages, indicators
from workers.strategy.averages import Array
from workers.strategy.language.syntax import Column, Numeric

#: Largest period and shift, in bars.
MOST_BARS: Final = 1000

Columns = Callable[[str], Array]


class Image(Enum):
    """What becomes of a value when the chart is turned upside down; see ``mirror``."""

    PRICE = auto()  # a price: the image of a high is a low
    STEP = auto()  # a difference of prices: the other sign
    SIZE = auto()  # a size without direction: unchanged
    AVERAGE = auto()  # as its source
    EXTREME = auto()  # as its source, by the opposite function
    OSCILLATOR = auto()  # 100 minus it, when its source turns over
    CHANGE = auto()  # as its source, without what the source was shifted by
    SPREAD_OF = auto()  # the size of the changes of its source


@dataclass(frozen=True, slots=True)
class Word:
    """A column: ``image`` when turned upside down and the name of the column that it becomes."""

    image: Image
    opposite: str
    about: str


COLUMNS: Final[dict[str, Word]] = {
    "open": Word(Image.PRICE, "open", "opening price of the bar (bid)"),
    "high": Word(Image.PRICE, "low", "highest price of the bar"),
    "low": Word(Image.PRICE, "high", "lowest price of the bar"),
    "close": Word(Image.PRICE, "close", "closing price of the bar"),
    "volume": Word(Image.SIZE, "volume", "tick volume of the bar"),
    "spread": Word(Image.SIZE, "spread", "spread of the bar, in points"),
    "range": Word(Image.SIZE, "range", "high - low"),
    "body": Word(Image.SIZE, "body", "distance between open and close"),
    "upper_wick": Word(Image.SIZE, "lower_wick", "high - the higher of open and close"),
    "lower_wick": Word(Image.SIZE, "upper_wick", "the lower of open and close - low"),
}


class Parameter(NamedTuple):
    """One number of a function; ``whole`` numbers are counts of bars."""

    name: str
    least: float = 1
    most: float = MOST_BARS
    whole: bool = True


class Reach(NamedTuple):
    """Bars that a value needs beyond those of its sources: to mean something, and until the seed has faded to
    nothing (1e-13 of it), so that it is the same wherever the bars begin."""

    least: int
    settled: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    Attributes:
        sources: What it looks at when nothing else is named; None for one that must be named.
        numbers: Its periods and the like, in order, after the sources.
        compute: ``compute(columns, sources, numbers)`` over whole arrays.
        reach: Bars that it needs beyond those of its sources.
        opposite: For ``Image.EXTREME``, the function that takes its place when the source turns over.
    """

    name: str
    sources: tuple[Numeric | None, ...]
    numbers: tuple[Parameter, ...]
    compute: Callable[[Columns, tuple[Array, ...], tuple[float, ...]], Array]
    reach: Callable[[tuple[float, ...]], Reach]
    image: Image
    about: str
    opposite: str = ""

    def usage(self) -> str:
        """How it is called: ``ema([source,] period)``."""
        sources = ["source" if len(self.sources) == 1 else f"value{n + 1}" for n in range(len(self.sources))]
        head = ", ".join(sources) + ("," if sources and self.numbers else "")
        if self.sources and None not in self.sources:
            head = f"[{head}]"
        tail = ", ".join(parameter.name for parameter in self.numbers)
        return f"{self.name}({f'{head} {tail}'.strip()})"


_CLOSE, _HIGH, _LOW = Column("close"), Column("high"), Column("low")
_PERIOD = (Parameter("period"),)
_MACD = (Parameter("fast"), Parameter("slow", 2), Parameter("signal"))
_BANDS = (Parameter("period", 2), Parameter("deviations", 0.1, 10, whole=False))
_NOTHING: Final = Reach(0, 0)


def _of_window(numbers: tuple[float, ...]) -> Reach:
    return Reach(int(numbers[0]) - 1, int(numbers[0]) - 1)


def _of_ema(numbers: tuple[float, ...]) -> Reach:
    return Reach(3 * int(numbers[0]) - 1, 16 * int(numbers[0]))


def _of_wilder(numbers: tuple[float, ...]) -> Reach:
    return Reach(4 * int(numbers[0]), 32 * int(numbers[0]))


def _of_macd(numbers: tuple[float, ...]) -> Reach:
    slow, signal = int(numbers[1]), int(numbers[2])
    return Reach(3 * slow + signal - 2, 16 * slow + 16 * signal)


def _macd(line: str, exponential: bool = False) -> Callable[[Columns, tuple[Array, ...], tuple[float, ...]], Array]:
    def compute(_columns: Columns, sources: tuple[Array, ...], numbers: tuple[float, ...]) -> Array:
        fast, slow, signal = (int(number) for number in numbers)
        found = indicators.macd(sources[0], fast, slow, signal, exponential_signal=exponential)
        values: Array = getattr(found, line)
        return values

    return compute


def _band(sign: int) -> Callable[[Columns, tuple[Array, ...], tuple[float, ...]], Array]:
    def compute(_columns: Columns, sources: tuple[Array, ...], numbers: tuple[float, ...]) -> Array:
        period = int(numbers[0])
        width = numbers[1] * averages.rolling_deviation(sources[0], period)
        return averages.rolling_mean(sources[0], period) + sign * width

    return compute


def _windowed(
    function: Callable[[Array, int], Array],
) -> Callable[[Columns, tuple[Array, ...], tuple[float, ...]], Array]:
    return lambda _columns, sources, numbers: function(sources[0], int(numbers[0]))


def _atr(columns: Columns, _sources: tuple[Array, ...], numbers: tuple[float, ...]) -> Array:
    return indicators.atr(columns("high"), columns("low"), columns("close"), int(numbers[0]))


def _change(_columns: Columns, sources: tuple[Array, ...], numbers: tuple[float, ...]) -> Array:
    return sources[0] - shifted(sources[0], int(numbers[0]))


def shifted(values: Array, bars: int) -> Array:
    """The values so many bars ago; NaN where there were none."""
    out = np.full(len(values), np.nan)
    out[bars:] = values[: max(len(values) - bars, 0)]
    return out


def _upside(
    name: str, sources: tuple[Numeric | None, ...], function: Callable[[Array, int], Array], opposite: str, about: str
) -> Function:
    return Function(name, sources, _PERIOD, _windowed(function), _of_window, Image.EXTREME, about, opposite)


_ALL: Final = (
    Function("ema", (_CLOSE,), _PERIOD, _windowed(indicators.ema), _of_ema, Image.AVERAGE, "exponential average"),
    Function("sma", (_CLOSE,), _PERIOD, _windowed(indicators.sma), _of_window, Image.AVERAGE, "simple average"),
    Function(
        "median",
        (None,),
        _PERIOD,
        _windowed(averages.rolling_median),
        _of_window,
        Image.AVERAGE,
        "median of the last values",
    ),
    _upside("highest", (_HIGH,), averages.rolling_highest, "lowest", "highest of the last values"),
    _upside("lowest", (_LOW,), averages.rolling_lowest, "highest", "lowest of the last values"),
    Function(
        "stdev",
        (_CLOSE,),
        (Parameter("period", 2),),
        _windowed(averages.rolling_deviation),
        _of_window,
        Image.SPREAD_OF,
        "standard deviation of the last values",
    ),
    Function(
        "rsi",
        (_CLOSE,),
        (Parameter("period", 2),),
        _windowed(indicators.rsi),
        _of_wilder,
        Image.OSCILLATOR,
        "relative strength index, 0 to 100",
    ),
    Function(
        "atr",
        (),
        _PERIOD,
        _atr,
        lambda numbers: Reach(int(numbers[0]), int(numbers[0])),
        Image.SIZE,
        "average true range",
    ),
    Function("macd", (_CLOSE,), _MACD, _macd("main"), _of_macd, Image.CHANGE, "main line of the MACD"),
    Function("macd_signal", (_CLOSE,), _MACD, _macd("signal"), _of_macd, Image.CHANGE, "signal line, simple average"),
    Function("macd_hist", (_CLOSE,), _MACD, _macd("histogram"), _of_macd, Image.CHANGE, "main line - signal line"),
    Function(
        "macd_signal_exponential",
        (_CLOSE,),
        _MACD,
        _macd("signal", True),
        _of_macd,
        Image.CHANGE,
        "signal line, exponential average",
    ),
    Function(
        "macd_hist_exponential",
        (_CLOSE,),
        _MACD,
        _macd("histogram", True),
        _of_macd,
        Image.CHANGE,
        "main line - exponential signal line",
    ),
    Function(
        "upper_band",
        (_CLOSE,),
        _BANDS,
        _band(+1),
        _of_window,
        Image.EXTREME,
        "Bollinger band above the average",
        "lower_band",
    ),
    Function(
        "lower_band",
        (_CLOSE,),
        _BANDS,
        _band(-1),
        _of_window,
        Image.EXTREME,
        "Bollinger band below the average",
        "upper_band",
    ),
    Function(
        "change",
        (_CLOSE,),
        (Parameter("bars"),),
        _change,
        lambda numbers: Reach(int(numbers[0]), int(numbers[0])),
        Image.CHANGE,
        "value - value so many bars ago",
    ),
    Function(
        "abs",
        (None,),
        (),
        lambda _columns, sources, _numbers: np.abs(sources[0]),
        lambda _numbers: _NOTHING,
        Image.SPREAD_OF,
        "value without its sign",
    ),
    Function(
        "max",
        (None, None),
        (),
        lambda _columns, sources, _numbers: np.maximum(*sources),
        lambda _numbers: _NOTHING,
        Image.EXTREME,
        "the larger of two",
        "min",
    ),
    Function(
        "min",
        (None, None),
        (),
        lambda _columns, sources, _numbers: np.minimum(*sources),
        lambda _numbers: _NOTHING,
        Image.EXTREME,
        "the smaller of two",
        "max",
    ),
)

#: Every function, by name.
FUNCTIONS: Final[dict[str, Function]] = {function.name: function for function in _ALL}
