"""Numbers in sentences."""

from __future__ import annotations


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 bar``, ``5 bars``; ``plural`` for nouns that do not take an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def seconds(value: float) -> str:
    """A span of time as people say it: ``0.4 s``, ``12 s``, ``5 min``, ``3 h``, ``2 days``."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    if value < 2 * 3600:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.0f} h" if value < 48 * 3600 else f"{value / 86_400:.0f} days"


def size(count_of_bytes: float) -> str:
    """Bytes as ``512 B``, ``3.4 MB`` or ``12.1 GB`` (powers of 1,000)."""
    value, units = float(count_of_bytes), ("B", "kB", "MB", "GB", "TB")
    unit = 0
    while value >= 1000 and unit < len(units) - 1:
        value /= 1000
        unit += 1
    return f"{value:.0f} B" if unit == 0 else f"{value:.1f} {units[unit]}"
