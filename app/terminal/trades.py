"""Positions, orders, deals, checks and the order book as frozen values in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from app.terminal.retcodes import Retcode, explain
from app.terminal.server_time import ServerTimeRule


class _Record:
    """Built from the module's struct by its field names; its times are turned into UTC."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()
    #: Field here, and the field of the struct with its time: seconds, or milliseconds when it ends in ``_msc``.
    TIMES: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def from_struct(cls, struct: Mapping[str, Any], rule: ServerTimeRule) -> Self:
        """Take the fields of this value out of the ``_asdict()`` of a struct of the module."""
        values = {name: struct[cls.TIMES.get(name, name)] for name in cls.__match_args__}
        for name, source in cls.TIMES.items():
            values[name] = _utc(values[name] / 1000 if source.endswith("_msc") else values[name], rule)
        return cls(**values)


def _utc(stamp: float, rule: ServerTimeRule) -> datetime | None:
    return rule.to_utc(stamp) if stamp > 0 else None


@dataclass(frozen=True, slots=True)
class Position(_Record):
    """An open position: ``profit``, ``swap`` in the account's currency, ``volume`` in lots, ``type`` 0 buy, 1 sell."""

    ticket: int
    symbol: str
    type: int
    volume: float
    price_open: float
    price_current: float
    sl: float
    tp: float
    swap: float
    profit: float
    magic: int
    identifier: int
    reason: int
    comment: str
    external_id: str
    time: datetime | None
    time_update: datetime | None

    TIMES: ClassVar[Mapping[str, str]] = {"time": "time_msc", "time_update": "time_update_msc"}


@dataclass(frozen=True, slots=True)
class Order(_Record):
    """An order, pending or of the history. Volumes in lots; ``time_done`` and ``time_expiration`` None when unset."""

    ticket: int
    symbol: str
    type: int
    state: int
    type_time: int
    type_filling: int
    volume_initial: float
    volume_current: float
    price_open: float
    price_current: float
    price_stoplimit: float
    sl: float
    tp: float
    magic: int
    position_id: int
    position_by_id: int
    reason: int
    comment: str
    external_id: str
    time_setup: datetime | None
    time_done: datetime | None
    time_expiration: datetime | None

    TIMES: ClassVar[Mapping[str, str]] = {
        "time_setup": "time_setup_msc",
        "time_done": "time_done_msc",
        "time_expiration": "time_expiration",
    }


@dataclass(frozen=True, slots=True)
class Deal(_Record):
    """A deal of the history. ``profit``, ``swap``, ``commission`` and ``fee`` in the account's currency."""

    ticket: int
    order: int
    symbol: str
    type: int
    entry: int
    volume: float
    price: float
    commission: float
    swap: float
    profit: float
    fee: float
    magic: int
    position_id: int
    reason: int
    comment: str
    external_id: str
    time: datetime | None

    TIMES: ClassVar[Mapping[str, str]] = {"time": "time_msc"}


@dataclass(frozen=True, slots=True)
class BookEntry:
    """A level of the depth of market; ``type`` 1 sell, 2 buy, 3 and 4 the same at market; ``volume`` in lots."""

    type: int
    price: float
    volume: float


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """What would become of an order; amounts in the account's currency. Nothing was sent."""

    retcode: int
    balance: float
    equity: float
    profit: float
    margin: float
    margin_free: float
    margin_level: float
    comment: str

    @property
    def explanation(self) -> Retcode:
        """The return code in plain words."""
        return explain(self.retcode)

    @property
    def passed(self) -> bool:
        """Whether the order would be taken."""
        return self.retcode == 0
