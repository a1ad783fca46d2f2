"""What a trade server answers to an order (``TRADE_RETCODE_*``), in plain words.

Numbers and names as documented at mql5.com, "Return codes of the trade server"; 10046 has no constant in the
MetaTrader5 package. Metronome itself sends no order; it explains the codes of orders that are checked or recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Reaction(StrEnum):
    """What the answer calls for."""

    DONE = "done"
    RETRY = "retry"  # the same request may pass a little later
    CHANGE = "change"  # another request may pass
    USER = "user"  # only the user or the broker can mend it


@dataclass(frozen=True, slots=True)
class Retcode:
    """One answer of the trade server."""

    code: int
    name: str
    reaction: Reaction
    meaning: str
    advice: str


_DONE, _RETRY, _CHANGE, _USER = Reaction.DONE, Reaction.RETRY, Reaction.CHANGE, Reaction.USER
#: ``order_check`` says so when the request would pass.
CHECK_PASSED: Final = Retcode(0, "", _DONE, "The request passes the check.", "Nothing needs doing.")
_ALL: Final = (
    Retcode(10004, "REQUOTE", _RETRY, "The price changed; the server offers a new one.", "Ask again at the new price."),
    Retcode(
        10006, "REJECT", _USER, "The server rejected the request.", "Ask the broker; its journal names the reason."
    ),
    Retcode(10007, "CANCEL", _USER, "The trader cancelled the request.", "Nothing needs doing if it was meant."),
    Retcode(10008, "PLACED", _DONE, "The pending order is placed.", "Nothing needs doing."),
    Retcode(10009, "DONE", _DONE, "The request was carried out.", "Nothing needs doing."),
    Retcode(
        10010, "DONE_PARTIAL", _DONE, "Only a part of the volume was filled.", "Look at the volume of the position."
    ),
    Retcode(
        10011, "ERROR", _RETRY, "The server failed while it handled the request.", "Try again; else ask the broker."
    ),
    Retcode(
        10012,
        "TIMEOUT",
        _RETRY,
        "The server took too long and cancelled the request.",
        "Look first whether it was carried out, then try again.",
    ),
    Retcode(
        10013, "INVALID", _CHANGE, "The request does not make sense as a whole.", "Check its action, type and symbol."
    ),
    Retcode(
        10014,
        "INVALID_VOLUME",
        _CHANGE,
        "The volume is not allowed.",
        "Keep to the symbol's smallest and largest volume and its step.",
    ),
    Retcode(
        10015,
        "INVALID_PRICE",
        _CHANGE,
        "The price is not allowed.",
        "Round it to the symbol's digits; keep pending prices on the right side of the market.",
    ),
    Retcode(
        10016,
        "INVALID_STOPS",
        _CHANGE,
        "Stop loss or take profit is not allowed.",
        "Keep the symbol's stops level away from the price, on the right side.",
    ),
    Retcode(
        10017,
        "TRADE_DISABLED",
        _USER,
        "Trading is disabled for the account or symbol.",
        "Ask the broker; an investor password cannot trade.",
    ),
    Retcode(10018, "MARKET_CLOSED", _RETRY, "The market is closed.", "Wait for the symbol's session to open."),
    Retcode(
        10019,
        "NO_MONEY",
        _USER,
        "There is not enough free margin.",
        "Take a smaller volume, close positions or deposit money.",
    ),
    Retcode(
        10020,
        "PRICE_CHANGED",
        _RETRY,
        "The price moved before the order arrived.",
        "Ask again, or allow more deviation.",
    ),
    Retcode(10021, "PRICE_OFF", _RETRY, "There is no quote to trade at.", "Wait for quotes of the symbol."),
    Retcode(
        10022,
        "INVALID_EXPIRATION",
        _CHANGE,
        "The expiration of the order is not allowed.",
        "Give a later time, or a kind of expiration that the symbol allows.",
    ),
    Retcode(
        10023,
        "ORDER_CHANGED",
        _RETRY,
        "The order changed its state meanwhile.",
        "Read the order again before changing it.",
    ),
    Retcode(10024, "TOO_MANY_REQUESTS", _RETRY, "Too many requests were sent.", "Wait a while between requests."),
    Retcode(10025, "NO_CHANGES", _CHANGE, "The request changes nothing.", "Nothing needs doing."),
    Retcode(
        10026,
        "SERVER_DISABLES_AT",
        _USER,
        "The server forbids automated trading.",
        "Ask the broker to allow it for the account.",
    ),
    Retcode(
        10027,
        "CLIENT_DISABLES_AT",
        _USER,
        "AutoTrading is off in the terminal.",
        "Switch the AutoTrading button on (Ctrl+E in the terminal).",
    ),
    Retcode(
        10028, "LOCKED", _RETRY, "The request is locked while it is handled.", "Wait for the answer to the first one."
    ),
    Retcode(
        10029,
        "FROZEN",
        _RETRY,
        "The order or position is too near to the market to be changed.",
        "Try again when the price is farther than the freeze level.",
    ),
    Retcode(
        10030,
        "INVALID_FILL",
        _CHANGE,
        "The symbol does not support this filling.",
        "Choose a filling of its filling_mode (a bit mask: 1 FOK, 2 IOC, 4 BOC).",
    ),
    Retcode(
        10031,
        "CONNECTION",
        _RETRY,
        "The terminal has no connection to the trade server.",
        "Wait for the connection in the terminal's status bar.",
    ),
    Retcode(
        10032, "ONLY_REAL", _USER, "Only real accounts may do this.", "Use a real account if that is what you want."
    ),
    Retcode(10033, "LIMIT_ORDERS", _USER, "The account has as many pending orders as it may.", "Delete some first."),
    Retcode(
        10034,
        "LIMIT_VOLUME",
        _USER,
        "The largest total volume of the symbol is reached.",
        "Close some of it first, or take a smaller volume.",
    ),
    Retcode(
        10035,
        "INVALID_ORDER",
        _CHANGE,
        "The type of the order is wrong or forbidden.",
        "Choose a type that the symbol allows (order_mode).",
    ),
    Retcode(
        10036,
        "POSITION_CLOSED",
        _CHANGE,
        "The position is closed already.",
        "Nothing needs doing; read the positions again.",
    ),
    Retcode(
        10038,
        "INVALID_CLOSE_VOLUME",
        _CHANGE,
        "More volume was to be closed than the position has.",
        "Close at most its volume.",
    ),
    Retcode(
        10039,
        "CLOSE_ORDER_EXIST",
        _CHANGE,
        "An order to close the position exists already.",
        "Wait for it, or delete it first.",
    ),
    Retcode(
        10040,
        "LIMIT_POSITIONS",
        _USER,
        "The account has as many positions as it may.",
        "Close one first; pending orders may count too.",
    ),
    Retcode(
        10041,
        "REJECT_CANCEL",
        _USER,
        "The pending order could not be activated and was cancelled.",
        "Check margin and limits, then place it anew.",
    ),
    Retcode(10042, "LONG_ONLY", _USER, "Only long positions are allowed for the symbol.", "Do not sell it short."),
    Retcode(10043, "SHORT_ONLY", _USER, "Only short positions are allowed for the symbol.", "Do not buy it."),
    Retcode(
        10044,
        "CLOSE_ONLY",
        _USER,
        "Positions of the symbol may only be closed.",
        "Open none; ask the broker until when.",
    ),
    Retcode(
        10045,
        "FIFO_CLOSE",
        _CHANGE,
        "Positions must be closed in the order in which they were opened.",
        "Close the oldest position of the symbol first.",
    ),
    Retcode(
        10046,
        "HEDGE_PROHIBITED",
        _USER,
        "Opposite positions in one symbol are prohibited for the account.",
        "Close the other side first.",
    ),
)
RETCODES: Final[Mapping[int, Retcode]] = {row.code: row for row in _ALL}


def explain(code: int) -> Retcode:
    """The meaning of an answer; one that is not documented says so and is left to the user."""
    if code == CHECK_PASSED.code:
        return CHECK_PASSED
    return RETCODES.get(code) or Retcode(
        code,
        "",
        _USER,
        f"The server answered with {code}, which is not documented.",
        "Look into the terminal's journal, or ask the broker.",
    )
