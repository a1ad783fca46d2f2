"""The server's books: what is open, what has been, and the account's arithmetic over both."""

from __future__ import annotations

from collections.abc import Iterable

from app.terminal.simulated.trading.margin import TINY_VOLUME, Leg, symbol_margin
from app.terminal.simulated.trading.market import Spec, TradingMarket
from app.terminal.simulated.trading.profit import price_profit
from app.terminal.simulated.trading.records import Account, Deal, Order, Position
from app.terminal.simulated.trading.settings import AccountSettings
from app.terminal.simulated.trading.terms import DealType, Entry, OrderState, Reason

_VOLUME_DIGITS = 8
_DAY_MSC = 86_400_000
_TICKETS_A_DAY = 200_000
_FIRST_OF_DAY = 1_000


class Book:
    """Everything the server knows of one account.

    Attributes:
        orders: The active ones by ticket.
        time_msc: Up to here quotes have been looked at.
        margin_msc: Quotes after this instant can bring the margin to the stop-out level.
        charged_msc: The newest midnight for which swaps were charged.
        version: Grows whenever positions or balance change.
    """

    def __init__(self, market: TradingMarket, settings: AccountSettings, now_msc: int) -> None:
        self.market = market
        self.settings = settings
        self.positions: dict[int, Position] = {}
        self.orders: dict[int, Order] = {}
        self.done_orders: list[Order] = []
        self.deals: list[Deal] = []
        self.balance = 0.0
        self.credit = 0.0
        self.time_msc = self.margin_msc = now_msc
        self.charged_msc = 0
        self.version = 0
        self._ticket = 0
        self._known: set[int] = set()

    # Tickets.

    def count_from(self, msc: int, *, first: int | None = None, twice_msc: int = 0) -> None:
        """Let tickets go on from a number of that instant: a later start of the program repeats none.

        Args:
            first: The number within the day, instead of that of the instant.
            twice_msc: How much of the day so far the server's clock has shown twice.
        """
        day, rest = divmod(msc, _DAY_MSC)
        number = _FIRST_OF_DAY + (rest + twice_msc) // 1000 if first is None else first
        self._ticket = max(self._ticket, day * _TICKETS_A_DAY + number)

    def next_ticket(self) -> int:
        """A number that no order and no deal has yet."""
        self._ticket += 1
        return self._ticket

    # Money.

    def money(self, amount: float) -> float:
        """An amount as it is booked: in whole cents, or what the account's currency has."""
        return round(amount, self.settings.currency_digits) + 0.0

    def convert(self, amount: float, currency: str, msc: int) -> float:
        """An amount in the account's currency, not rounded; an empty ``currency`` is that of the account."""
        return amount * self.rate(currency, msc) if amount else 0.0

    def rate(self, currency: str, msc: int) -> float:
        """How much of the account's currency a unit of ``currency`` is worth."""
        own = self.settings.currency
        return 1.0 if currency in ("", own) else self.market.rate(currency, own, msc)

    def commission(self, volume: float, msc: int) -> float:
        """Of one side of a trade; not above zero."""
        return -self.money(self.convert(self.settings.commission * volume, "USD", msc)) + 0.0

    # Prices.

    def spec(self, symbol: str) -> Spec:
        """The specification of a symbol that exists."""
        return self.market.spec(symbol)

    def quote(self, symbol: str, msc: int) -> tuple[float, float] | None:
        """Bid and ask; None when there is no price to trade at."""
        found = self.market.quote(symbol, msc)
        return None if found is None or min(found[1:]) <= 0 else (found[1], found[2])

    def mark(self, msc: int) -> None:
        """Take the present prices into the positions and orders; where there is none the last one stays."""
        for position in self.positions.values():
            quote = self.quote(position.symbol, msc)
            if quote is not None:
                position.price = quote[position.side]
        for order in self.orders.values():
            quote = self.quote(order.symbol, msc)
            if quote is not None:
                order.price_current = quote[1 - order.type.side]

    # Account.

    def profit_of(self, position: Position, msc: int) -> float:
        """What closing the position at its present price would bring, without swap and commission."""
        return self.profit(position, position.volume, position.price, msc)

    def profit(self, position: Position, volume: float, price: float, msc: int) -> float:
        """What closing so many lots of the position at ``price`` brings, as it is booked."""
        spec = self.spec(position.symbol)
        raw = price_profit(spec, position.side, volume, position.price_open, price)
        return self.money(self.convert(raw, spec.profit, msc))

    def account(self, msc: int) -> Account:
        """The account at the prices last marked."""
        profit = self.money(sum(self.profit_of(position, msc) for position in self.positions.values()))
        swap = self.money(sum(position.swap for position in self.positions.values()))
        equity = self.money(self.balance + self.credit + profit + swap)
        margin = self.margin()
        level = round(equity / margin * 100, 2) if margin > 0 else 0.0
        return Account(self.balance, self.credit, profit, swap, equity, margin, self.money(equity - margin), level)

    def margin(self) -> float:
        """What all positions tie up."""
        symbols = {position.symbol for position in self.positions.values()}
        return self.money(sum(self._symbol_margin(symbol, self._legs(symbol)) for symbol in sorted(symbols)))

    def margin_after(self, symbol: str, side: int, volume: float, price: float, msc: int) -> float:
        """What would be tied up if these lots were bought or sold too."""
        others = {position.symbol for position in self.positions.values()} - {symbol}
        total = sum(self._symbol_margin(other, self._legs(other)) for other in sorted(others))
        legs = self._legs(symbol)
        added = Leg(side, volume, price, self.rate(self.spec(symbol).margin_currency, msc))
        if self.settings.netting and legs and legs[0].side != side:
            left = legs[0].volume - volume
            kept, held = (legs[0], left) if left > 0 else (added, -left)
            legs = [Leg(kept.side, held, kept.price, kept.rate)]
        else:
            legs.append(added)
        return self.money(total + self._symbol_margin(symbol, legs))

    def margin_without(self, position: Position, volume: float) -> float:
        """What would be tied up if so many lots of a position were closed."""
        held = position.volume
        position.volume = lots(held - volume)
        try:
            return self.margin()
        finally:
            position.volume = held

    def _legs(self, symbol: str) -> list[Leg]:
        held = (position for position in self.positions.values() if position.symbol == symbol)
        return [Leg(item.side, item.volume, item.price_open, item.margin_rate) for item in held]

    def _symbol_margin(self, symbol: str, legs: Iterable[Leg]) -> float:
        return symbol_margin(self.spec(symbol), self.settings.leverage, list(legs))

    # Changes.

    def open(self, order: Order, volume: float, price: float, msc: int) -> Position:
        """Begin the position that an order opens."""
        quote = self.quote(order.symbol, msc)
        side = order.type.side
        position = Position(
            ticket=order.ticket,
            identifier=order.ticket,
            symbol=order.symbol,
            side=side,
            volume=volume,
            price_open=price,
            price=price if quote is None else quote[side],
            sl=order.sl,
            tp=order.tp,
            opened_msc=msc,
            updated_msc=msc,
            since_msc=msc,
            margin_rate=self.rate(self.spec(order.symbol).margin_currency, msc),
            magic=order.magic,
            comment=order.comment,
            reason=order.reason,
        )
        self.positions[position.ticket] = position
        self._known.add(position.ticket)
        return position

    def existed(self, ticket: int) -> bool:
        """Whether there ever was a position with this ticket."""
        return ticket in self._known

    def rename(self, position: Position, ticket: int) -> None:
        """Give a position the ticket of the order that turned it round; its identifier stays."""
        del self.positions[position.ticket]
        position.ticket = ticket
        self.positions[ticket] = position
        self._known.add(ticket)

    def lessen(self, position: Position, volume: float, msc: int) -> float:
        """Take lots off a position; gone when none are left. Returns their share of the swap."""
        left = lots(position.volume - volume)
        if left <= TINY_VOLUME:
            del self.positions[position.ticket]
            return position.swap
        share = self.money(position.swap * volume / position.volume)
        position.swap = self.money(position.swap - share)
        position.volume = left
        position.updated_msc = msc
        return share

    def post(self, deal: Deal) -> Deal:
        """Enter a deal and what it does to the balance (or the credit)."""
        self.deals.append(deal)
        amount = deal.profit + deal.commission + deal.swap + deal.fee
        if deal.type is DealType.CREDIT:
            self.credit = self.money(self.credit + amount)
        else:
            self.balance = self.money(self.balance + amount)
        self.version += 1
        return deal

    def deposit(self, kind: DealType, amount: float, msc: int, comment: str) -> None:
        """A deal of money alone."""
        self.post(
            Deal(
                self.next_ticket(), 0, msc, kind, Entry.IN, "", 0.0, 0.0, 0, 0, Reason.CLIENT, 0.0, 0.0,
                self.money(amount), comment,
            )
        )  # fmt: skip

    def finish(self, order: Order, state: OrderState, msc: int) -> None:
        """Move an order into the history."""
        self.orders.pop(order.ticket, None)
        order.state = state
        order.done_msc = msc
        self.done_orders.append(order)


def lots(volume: float) -> float:
    """A volume without the noise of the floats."""
    return round(volume, _VOLUME_DIGITS)
