"""How many closed bars a condition looks back, on each timeframe that it names."""

from __future__ import annotations

from collections.abc import Iterable

from workers.strategy import divergence
from workers.strategy.language.catalog import FUNCTIONS, Reach
from workers.strategy.language.syntax import Call, Column, Cross, Diverges, Framed, Node, Shift, children

#: Bars needed, by timeframe; the empty name is the timeframe of the rule itself.
Reaches = dict[str, Reach]


def reach(node: Node) -> Reaches:
    """Bars that the node needs: to mean something, and until seeds have faded so that more bars change nothing.

    What a function needs comes on top of what its sources need.
    """
    sources: Iterable[Node] = children(node)
    own, extra = "", Reach(0, 0)
    match node:
        case Column():
            return {own: Reach(1, 1)}
        case Call():
            function = FUNCTIONS[node.name]
            extra = function.reach(node.numbers)
            sources = node.sources or [source for source in function.sources if source is not None] or [Column("close")]
        case Diverges():
            span = divergence.FARTHEST + 2 * divergence.STRENGTH + divergence.LASTS
            extra = Reach(span, span)
        case Cross():
            extra = Reach(1, 1)
        case Shift():
            extra = Reach(node.bars, node.bars)
        case Framed():
            return {node.timeframe: reach(node.operand)[own]}
    found = most(reach(source) for source in sources)
    # More is needed of the bars that the node itself counts; values of other timeframes are held over them.
    return {frame: Reach(*map(sum, zip(need, extra, strict=True))) for frame, need in found.items()} or {own: extra}


def most(found: Iterable[Reaches]) -> Reaches:
    """The largest need on each timeframe."""
    out: Reaches = {}
    for item in found:
        for frame, need in item.items():
            known = out.get(frame, Reach(0, 0))
            out[frame] = Reach(max(known.least, need.least), max(known.settled, need.settled))
    return out
