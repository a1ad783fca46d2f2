"""A trade request, and what the server has against it before anything is done.

The rules are those of the MQL5 articles and reference: "Trade request structure", "Order properties" (filling and
expiration), "Symbol properties" (bit masks, stops and freeze level) and "The checks a trading robot must pass".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.terminal.simulated.trading.book import Book
from app.terminal.simulated.trading.market import Spec
from app.terminal.simulated.trading.records import Order, Position
from app.terminal.simulated.trading.terms import Action, OrderType, Retcode

_NUMBERS = ("volume", "price", "stoplimit", "sl", "tp")
_TEXTS = ("symbol", "comment")
KEYS = (
    "action", "magic", "order", "symbol", "volume", "price", "stoplimit", "sl", "tp", "deviation", "type",
    "type_filling", "type_time", "expiration", "comment", "position", "position_by",
)  # fmt: skip


@dataclass(slots=True)
class Request:
    """The keys of a request; those left out are 0 or empty."""

    action: int
    magic: int
    order: int
    symbol: str
    volume: float
    price: float
    stoplimit: float
    sl: float
    tp: float
    deviation: int
    type: int
    type_filling: int
    type_time: int
    expiration: int
    comment: str
    position: int
    position_by: int

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Request:
        """The known keys of a request whose types are right; others are ignored."""
        kinds: dict[str, type] = {
            **dict.fromkeys(KEYS, int),
            **dict.fromkeys(_NUMBERS, float),
            **dict.fromkeys(_TEXTS, str),
        }
        return cls(**{key: kind(given.get(key, kind())) for key, kind in kinds.items()})

    def values(self) -> tuple[Any, ...]:
        """In the order of the fields of ``TradeRequest``."""
        return tuple(getattr(self, key) for key in KEYS)


@dataclass(slots=True)
class Case:
    """A request and what it is about.

    Attributes:
        request: With prices rounded to the symbol's digits.
        bid, ask: 0 when the symbol has no price.
        position, by, order: What it names, if that exists.
        kind: None for a type that there is not.
    """

    book: Book
    request: Request
    spec: Spec
    msc: int
    bid: float
    ask: float
    position: Position | None
    by: Position | None
    order: Order | None
    kind: OrderType | None

    @property
    def symbol(self) -> str:
        return self.request.symbol

    def price(self, side: int) -> float:
        """At which a buy (0) or a sell (1) is executed now."""
        return self.bid if side else self.ask


Rule = Callable[[Case], Retcode | None]


def open_case(book: Book, given: Request, msc: int) -> Case | Retcode:
    """Find what a request is about. A request for something that is not there gets a retcode."""
    known = {action.value for action in Action}
    if given.action not in known:
        return Retcode.INVALID
    position, by = _position(book, given), book.positions.get(given.position_by)
    order = book.orders.get(given.order)
    missing = _missing(book, given, position, by, order)
    if missing is not None:
        return missing
    subject = order if given.action in (Action.MODIFY, Action.REMOVE) else position
    symbol = given.symbol or (subject.symbol if subject is not None else "")
    if symbol not in book.market.names or (subject is not None and subject.symbol != symbol):
        return Retcode.INVALID
    spec = book.spec(symbol)
    bid, ask = book.quote(symbol, msc) or (0.0, 0.0)
    request = Request(*given.values())
    request.symbol = symbol
    for name in ("price", "stoplimit", "sl", "tp"):
        setattr(request, name, round(getattr(given, name), spec.digits))
    kinds = {kind.value for kind in OrderType}
    kind = OrderType(given.type) if given.type in kinds else None
    return Case(book, request, spec, msc, bid, ask, position, by, order, kind)


def _position(book: Book, given: Request) -> Position | None:
    if given.action not in (Action.DEAL, Action.SLTP, Action.CLOSE_BY):
        return None
    if not book.settings.netting:
        return book.positions.get(given.position)
    # A netting account has one position a symbol: nobody need name it, and a deal never means another.
    if given.action == Action.DEAL:
        return None
    named = book.positions.get(given.position)
    return named or next((item for item in book.positions.values() if item.symbol == given.symbol), None)


def _missing(
    book: Book, given: Request, position: Position | None, by: Position | None, order: Order | None
) -> Retcode | None:
    """What the server says to a ticket that stands for nothing: closed is told from never there."""
    action = given.action
    if action in (Action.MODIFY, Action.REMOVE):
        return Retcode.INVALID if order is None else None
    wanted = [(given.position, position)] if action in (Action.SLTP, Action.CLOSE_BY) else []
    if action == Action.DEAL and given.position and not book.settings.netting:
        wanted = [(given.position, position)]
    if action == Action.CLOSE_BY:
        wanted.append((given.position_by, by))
    for ticket, found in wanted:
        if found is None:
            return Retcode.POSITION_CLOSED if book.existed(ticket) else Retcode.INVALID
    return None


def first_of(case: Case, rules: tuple[Rule, ...]) -> Retcode:
    """The first objection of the rules, or ``CHECKED``."""
    return next((code for code in (rule(case) for rule in rules) if code is not None), Retcode.CHECKED)
