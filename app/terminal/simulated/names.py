"""What the simulated broker calls its symbols, as the settings ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.errors import UserAction
from app.terminal.simulated.arguments import LONGEST_SYMBOL

_RENAME = "terminal.simulated.rename"


def broker_names(usual: Iterable[str], rename: Mapping[str, str], suffix: str) -> dict[str, str]:
    """The broker's name of each symbol, by its usual one and in the same order.

    Args:
        usual: Usual names, each once.
        rename: Other names, by usual ones; before the suffix.

    Raises:
        UserAction: Two symbols would have one name, or a name is longer than the module takes.
    """
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for symbol in usual:
        name = rename.get(symbol, symbol) + suffix
        if len(name) > LONGEST_SYMBOL:
            raise UserAction(
                f"The simulated broker cannot call {symbol} {name}: a name has at most {LONGEST_SYMBOL} characters, "
                f"this one has {len(name)}.",
                advice=f"Shorten {_RENAME}.{symbol}." if symbol in rename else "Shorten terminal.simulated.suffix.",
            )
        if (other := taken.get(name)) is not None:
            renamed = other if other in rename else symbol
            raise UserAction(
                f"The simulated broker cannot call both {other} and {symbol} {name}.",
                advice=f"Give {renamed} another name in {_RENAME}.{renamed}.",
            )
        names[symbol], taken[name] = name, symbol
    return names
