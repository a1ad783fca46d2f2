"""Long answers of the module as plain data that stay small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, overload


@dataclass(frozen=True, slots=True, eq=False)
class Structs(Sequence[dict[str, Any]]):
    """Structs of one kind; each is a dict by the names of its fields, made when it is asked for.

    Thousands of symbols as dicts take 5 KB each, as the tuples of their values less than 1 KB.

    Attributes:
        fields: Names of the values of each row.
        rows: A tuple of values for each struct.
    """

    fields: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> Structs: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | Structs:
        if isinstance(place, slice):
            return Structs(self.fields, self.rows[place])
        return self.named(self.rows[place])

    def __eq__(self, other: object) -> bool:
        """Whether the other sequence holds equal dicts."""
        if isinstance(other, Structs):
            return (self.fields, self.rows) == (other.fields, other.rows)
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(dict.__eq__, self, other))

    def named(self, row: tuple[Any, ...]) -> dict[str, Any]:
        """A row as the dict that it stands for."""
        return dict(zip(self.fields, row, strict=True))


def plain(value: Any) -> Any:
    """Structs of the module as dicts, also inside tuples and structs; everything else unchanged."""
    if hasattr(value, "_asdict"):
        return {name: plain(item) if isinstance(item, tuple) else item for name, item in value._asdict().items()}
    if not isinstance(value, tuple):
        return value
    if value and isinstance(value[0], tuple) and all(type(item) is type(value[0]) for item in value):
        names = tuple(value[0]._asdict()) if hasattr(value[0], "_asdict") else ()
        if names and not any(isinstance(item, tuple) for item in value[0]):
            return Structs(names, tuple(map(tuple, value)))
    return tuple(plain(item) for item in value)


def joined(pieces: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """The pieces of a long answer as the one that they were cut from."""
    if isinstance(pieces[0], Structs):
        rows = chain.from_iterable(piece.rows for piece in pieces if isinstance(piece, Structs))
        return Structs(pieces[0].fields, tuple(rows))
    return tuple(chain.from_iterable(pieces))


def one_by_one(structs: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The structs of an answer as dicts, each let go before the next is given.

    Thousands that are let go at once hold the interpreter, and the window, for 80 ms.
    """
    fields = structs.fields if isinstance(structs, Structs) else ()
    left: list[Any] = list(reversed(structs.rows if isinstance(structs, Structs) else structs))
    del structs
    while left:
        item = left.pop()
        yield dict(zip(fields, item, strict=True)) if fields else item
