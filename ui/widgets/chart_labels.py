"""Where labels of a chart go so that none lies on another, or on what it would hide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QRectF


def spread(wanted: Sequence[float], height: float, top: float, bottom: float) -> list[float]:
    """Middles of labels of one height, as near as can be to where they are wanted, in the same order from top to
    bottom, none over another and all between top and bottom as far as there is room.

    Args:
        wanted: The middles that they would have alone, in pixels.
    """
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    # Neighbours that touch become a group, which stands where its members want to be on average.
    groups: list[tuple[list[int], float]] = []
    for place in order:
        members, middle = [place], wanted[place]
        while groups and groups[-1][1] + height * (len(groups[-1][0]) + len(members)) / 2 > middle:
            earlier, _middle = groups.pop()
            members = [*earlier, *members]
            middle = sum(wanted[one] - height * number for number, one in enumerate(members)) / len(members)
            middle += height * (len(members) - 1) / 2
        groups.append((members, middle))
    found = [0.0] * len(wanted)
    for members, middle in groups:
        for number, one in enumerate(members):
            found[one] = middle + height * (number - (len(members) - 1) / 2)
    least = top + height / 2
    for one in order:
        found[one] = least = max(found[one], least)
        least += height
    most = bottom - height / 2
    for one in reversed(order):
        found[one] = most = min(found[one], most)
        most -= height
    return found


def free_place(candidates: Iterable[QRectF], taken: Sequence[QRectF]) -> QRectF | None:
    """The first of these boxes that lies on nothing that is taken; None when there is none."""
    return next((box for box in candidates if not any(box.intersects(other) for other in taken)), None)
