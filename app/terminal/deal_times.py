"""When deals were made: in the hour that the server's clock shows twice, a stamp alone does not tell.

A server gives its tickets in ascending order, so deals by ticket are deals by time: what follows a step back within
that hour was made the second time, what precedes one the first. Orders by ticket are orders by the time they were set
up; a deal comes after its order, and soon after it when that is one at the market. Nothing was made later than now.
What all this leaves open stays open: such a deal has two times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from app.terminal.server_time import ServerTimeRule

Fields = Mapping[str, Any]

#: Of two tickets, the later one may have the earlier stamp by so much.
_DISORDER_S: Final = 5.0
#: An order at the market is filled within this, even where a dealer confirms it.
_FILLED_WITHIN_S: Final = 1800.0
#: This computer's clock may be off by so much.
_CLOCK_ERROR: Final = timedelta(minutes=1)
#: ENUM_ORDER_TYPE: purchases and sales at the market.
_AT_MARKET: Final = frozenset({0, 1})


@dataclass(frozen=True, slots=True)
class DealRecord:
    """A deal of the history.

    Attributes:
        time: When it was made, aware UTC; the first of two possible times.
        latest: The second of them; ``time`` where there is only one.
        fields: Every field as the module has it.
    """

    time: datetime
    latest: datetime
    fields: Fields

    @property
    def ticket(self) -> int:
        """The number of the deal."""
        return int(self.fields["ticket"])

    @property
    def decided(self) -> bool:
        """Whether there is only one time at which it can have been made."""
        return self.time == self.latest

    def not_before(self, moment: datetime) -> DealRecord:
        """The same deal when it is known that it was not made before ``moment`` (aware), by this computer's clock."""
        bound = moment - _CLOCK_ERROR
        return replace(self, time=self.latest) if self.time < bound <= self.latest else self

    def not_after(self, moment: datetime) -> DealRecord:
        """The same deal when it is known that it was not made after ``moment`` (aware), by this computer's clock."""
        bound = moment + _CLOCK_ERROR
        return replace(self, latest=self.time) if self.time <= bound < self.latest else self


def deal_records(deals: Sequence[Fields], rule: ServerTimeRule, now: datetime) -> tuple[DealRecord, ...]:
    """Deals of one account as the module has them, made until ``now`` (aware); in the order given."""
    found = [DealRecord(time := rule.to_utc(_stamp(deal)), time, deal) for deal in deals]
    for begins, ends, inside in _repeated(found, rule):
        for place in inside:
            both = replace(found[place], latest=found[place].time + timedelta(seconds=ends - begins))
            found[place] = both.not_after(now)
    return told_apart(found, rule)


def told_apart(
    records: Sequence[DealRecord], rule: ServerTimeRule, orders: Iterable[Fields] = ()
) -> tuple[DealRecord, ...]:
    """What the tickets tell of the deals that have two times; in the order given.

    Args:
        records: Deals of one account. Those that have one time tell of the others.
        orders: Orders of that account, done or pending, as the module has them.
    """
    found, known = list(records), list(orders)
    for begins, ends, inside in _repeated(found, rule):
        if all(found[place].decided for place in inside):
            continue
        inside.sort(key=lambda place: found[place].ticket)
        net = _Net()
        deals = [net.add(found[place].time.timestamp(), found[place].latest.timestamp()) for place in inside]
        net.in_order(deals)
        by_order: dict[int, list[int]] = {}
        for place, deal in zip(inside, deals, strict=True):
            by_order.setdefault(found[place].fields["order"], []).append(deal)
        _add_orders(net, by_order, [order for order in known if begins <= _setup(order) < ends], rule, ends - begins)
        net.settle()
        for place, deal in zip(inside, deals, strict=True):
            time, latest = (datetime.fromtimestamp(moment, UTC) for moment in net.spans[deal])
            if not found[place].decided:
                found[place] = replace(found[place], time=time, latest=latest)
    return tuple(found)


def in_repeated_hours(records: Sequence[DealRecord], rule: ServerTimeRule) -> tuple[DealRecord, ...]:
    """Those whose stamps the server's clock shows twice, whether it is known which time they were made or not."""
    return tuple(records[place] for _begins, _ends, inside in _repeated(records, rule) for place in inside)


class _Net:
    """Things that were made at one of two times each, and which of them was made before which.

    Attributes:
        spans: The first and the last possible time of each, UTC epoch seconds.
    """

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []
        self._links: list[tuple[int, int, float]] = []

    def add(self, first: float, last: float) -> int:
        """Take one in; its number."""
        self.spans.append((first, last))
        return len(self.spans) - 1

    def link(self, before: int, after: int, slack_s: float = _DISORDER_S) -> None:
        """Say that one was made before another, or at most so much later."""
        self._links.append((before, after, slack_s))

    def in_order(self, things: Sequence[int]) -> None:
        """Say that these were made one after the other."""
        for before, after in pairwise(things):
            self.link(before, after)

    def settle(self) -> None:
        """Leave out the times that contradict the order; where all contradict it, nothing is left out."""
        # Forth and back, since each link tells of both its ends.
        links = [*self._links, *reversed(self._links)]
        while any([self._apply(*link) for link in links]):
            pass

    def _apply(self, before: int, after: int, slack_s: float) -> bool:
        (early, late), (first, last) = self.spans[before], self.spans[after]
        changed = False
        if first < early - slack_s <= last:
            self.spans[after], changed = (last, last), True
        if early <= last + slack_s < late:
            self.spans[before], changed = (early, early), True
        return changed


def _add_orders(
    net: _Net, by_order: Mapping[int, Sequence[int]], orders: Iterable[Fields], rule: ServerTimeRule, twice_s: int
) -> None:
    """Take in the orders that were set up in the hour, with the deals that they led to."""
    ascending = sorted({int(order["ticket"]): order for order in orders}.items())
    places = []
    for ticket, order in ascending:
        first = rule.to_utc(_setup(order)).timestamp()
        place = net.add(first, first + twice_s)
        places.append(place)
        for deal in by_order.get(ticket, ()):
            net.link(place, deal)
            if order["type"] in _AT_MARKET:
                net.link(deal, place, _FILLED_WITHIN_S)
    net.in_order(places)


def _repeated(records: Sequence[DealRecord], rule: ServerTimeRule) -> Iterable[tuple[int, int, list[int]]]:
    """Of each hour that is shown twice: its first stamp, its end, and the places of the deals in it."""
    stamps = [_stamp(record.fields) for record in records]
    for begins, ends in rule.hours_told_twice(min(stamps), max(stamps)) if stamps else ():
        yield begins, ends, [place for place, stamp in enumerate(stamps) if begins <= stamp < ends]


def _stamp(deal: Fields) -> float:
    return float(deal["time_msc"] or deal["time"] * 1000) / 1000


def _setup(order: Fields) -> float:
    return float(order["time_setup_msc"] or order["time_setup"] * 1000) / 1000
