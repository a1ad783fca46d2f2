"""Long answers of the module: dicts to whoever looks, tuples of values in memory."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from app.clock import FakeClock
from app.terminal.child_host import ChildHost
from app.terminal.host import Host, InProcessHost
from app.terminal.loaders import SimulatedLoader
from app.terminal.simulated.structs import BookInfo, OrderCheckResult, TradeRequest, build
from app.terminal.structs import Structs, joined, one_by_one, plain


def books(count: int) -> tuple[Any, ...]:
    """Entries of a market book, with a volume that tells them apart."""
    return tuple(build(BookInfo, {"type": 1, "price": 1.5, "volume": number}) for number in range(count))


def test_structs_are_dicts_to_whoever_looks() -> None:
    answer = books(3)
    found = plain(answer)
    dicts = [item._asdict() for item in answer]
    assert isinstance(found, Structs)
    assert (len(found), found[0], found[-1], list(found)) == (3, dicts[0], dicts[-1], dicts)
    assert found == tuple(dicts)
    assert found[1:] == dicts[1:]
    assert found != dicts[1:]
    assert found != plain(books(4))
    with pytest.raises(IndexError):
        found[3]


def test_what_are_no_rows_of_one_kind_is_left_as_it_was() -> None:
    book = books(1)[0]
    request = build(TradeRequest, {"symbol": "EURUSD"})
    checked = build(OrderCheckResult, {"request": request})
    assert plain(()) == ()
    assert plain((500, 6231, "1 Jul 2025")) == (500, 6231, "1 Jul 2025")
    assert plain((book, "text")) == (book._asdict(), "text")
    assert plain((book, request)) == (book._asdict(), request._asdict())
    assert plain((checked,))[0]["request"] == request._asdict()
    assert plain(((1, 2), (3, 4))) == ((1, 2), (3, 4))


def test_pieces_are_joined_in_their_order() -> None:
    found = plain(books(7))
    assert isinstance(joined((found[:3], found[3:6], found[6:])), Structs)
    assert joined((found[:3], found[3:6], found[6:])) == found
    assert joined(((1, 2), (3,))) == (1, 2, 3)


@pytest.mark.parametrize("lazy", [True, False])
def test_each_is_let_go_before_the_next(lazy: bool) -> None:
    class Value:
        pass

    values = [(Value(),) for _ in range(5)]
    answer = Structs(("value",), tuple(values)) if lazy else tuple({"value": value} for (value,) in values)
    del values
    left = one_by_one(answer)
    del answer
    for number, item in enumerate(left):
        alive = sum(isinstance(thing, Value) for thing in gc.get_objects())
        assert (list(item), alive) == (["value"], 5 - number)


def test_both_hosts_give_thousands_of_symbols_as_rows() -> None:
    hosts: list[Host] = [
        kind(SimulatedLoader(symbols=300), FakeClock())  # type: ignore[operator]
        for kind in (ChildHost, InProcessHost.of)
    ]
    try:
        answers = []
        for host in hosts:
            host.open()
            assert host.call("initialize")
            answers.append(host.call("symbols_get"))
        assert [type(answer) for answer in answers] == [Structs, Structs]
        assert answers[0] == answers[1]
        assert len(answers[0]) == 300
    finally:
        for host in hosts:
            host.close()
