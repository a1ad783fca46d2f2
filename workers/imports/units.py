"""Prices or points: which of the two a table holds, told to the user or asked for, never guessed."""

from __future__ import annotations

from typing import Final

from app.terminal.simulated.factors import usual_price
from app.terminal.simulated.symbols import CATALOGUE
from workers.imports.bar_rows import BarTable
from workers.imports.errors import BadImport

#: Whole prices from here on may be points: no currency and no metal has them, some indices do.
_WHOLE_FROM: Final = 1000.0
#: Of the usual symbols, none has ever cost so many times what it usually costs.
_FAR: Final = 20.0
_MAX_DIGITS: Final = 8


def decimals_of(point: float) -> int:
    """Decimals of prices that are multiples of ``point``."""
    return min(_MAX_DIGITS, len(f"{point:.8f}".rstrip("0").partition(".")[2]))


def scale_bars(found: BarTable, point: float) -> int:
    """Take the prices of ``found`` as points of this size; the decimals that they have then.

    A point of 1 says that they are prices: with fractions they are left as they are, of whole ones only noise goes.
    """
    if point == 1 and not found.whole:
        return found.digits
    digits = decimals_of(point)
    found.spool.scale(point, digits)
    return digits


def point_note(point: float) -> str:
    """What is to be said of prices for which the user named the size of a point."""
    if point == 1:
        return "Unit: prices, as --point 1 says; nothing was converted."
    size = f"{point:.10f}".rstrip("0").rstrip(".")
    return f"Unit: points of {size}, converted (--point): each price was multiplied by {size}, and prices were stored."


def told_unit(name: str, symbol: str, least: float, *, whole: bool, notes: list[str]) -> None:
    """Note why prices are taken as such, for which the user named no point.

    Args:
        name: The file, as messages call it.
        least: The lowest price.
        whole: Every price is a whole number.
        notes: Takes what is to be said about it.

    Raises:
        BadImport: they may be points.
    """
    usual = next((usual_price(spec.legs) for spec in CATALOGUE if spec.name == symbol), 0.0)
    if why := _why_points(symbol, usual, least, whole=whole):
        notes.append("The unit seems to be points; nothing was converted.")
        raise BadImport(
            f"{name} holds {why}: they may be points. Nothing was stored.",
            advice="Give the size of a point, for example --point 0.001; --point 1 takes them as prices.",
        )
    if not whole:
        notes.append("Unit: prices, as decimals show.")
    elif usual:
        notes.append(f"Unit: prices, as {symbol} usually stands near {usual:,.5g}.")
    else:
        notes.append(
            "Unit: taken as prices; nothing in the file tells points from prices: give --point SIZE if they are points."
        )


def may_be_points(least: float, *, whole: bool) -> bool:
    """Whether prices from ``least`` on may be points: whole numbers of a size that no currency has."""
    return whole and least >= _WHOLE_FROM


def _why_points(symbol: str, usual: float, least: float, *, whole: bool) -> str:
    """What makes the prices look like points, to be completed to a sentence; empty when nothing does."""
    if usual and least >= _FAR * usual:
        return f"prices of {least:,.10g} and more, where {symbol} usually stands near {usual:,.5g}"
    return f"whole numbers from {least:,.0f} on as prices" if may_be_points(least, whole=whole) else ""
