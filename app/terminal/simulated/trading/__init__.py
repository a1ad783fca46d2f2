"""The trade server of the simulated terminal: account, orders, positions, deals and their history.

``Trading(market, settings)`` is all that the module's surface needs. Its methods take arguments that are checked
already and do not raise; what they return is what the module would return, with ``last_error`` 1 unless said otherwise:

    account_values() -> dict            the trading fields of AccountInfo; the caller adds login, names and permissions
    order_calc_margin(action, symbol, volume, price) -> float | None                  None: last_error -2
    order_calc_profit(action, symbol, volume, price_open, price_close) -> float | None   None: last_error -2
    order_check(request, refusal=None) -> OrderCheckResult
    order_send(request, auto_trading=True, refusal=None) -> OrderSendResult     auto_trading False gives retcode 10027
    positions_total() -> int            positions_get(symbol=, group=, ticket=) -> tuple
    orders_total() -> int               orders_get(symbol=, group=, ticket=) -> tuple
    history_orders_total(date_from, date_to) -> int         history_orders_get(dates=None, group=, ticket=, position=)
    history_deals_total(date_from, date_to) -> int          history_deals_get(dates=None, group=, ticket=, position=)

``request`` is the dict of the caller; a filter that was not given is None; dates are seconds on the server's clock
(``dates`` is a pair of them). ``order_calc_*`` want a symbol that exists (else the caller says -4). ``order_send`` with
the terminal's option against API trading (None, -8) is the caller's business too, and so is trouble on the way to the
server: ``refusal`` is the retcode it ends with, such as ``Retcode.CONNECTION``. Unknown symbols in a request get a
retcode, in a filter ``()``.

Every method first brings the account up to the market's present: along the quotes since the last call, in order of time
across symbols, stops, take profits and pending orders are executed at the first quote that reaches them (after a gap:
at the first price there is), nights are charged, orders expire and the margin is watched.
"""

from app.terminal.simulated.trading.market import Spec, TradingMarket
from app.terminal.simulated.trading.server import Trading
from app.terminal.simulated.trading.settings import AccountSettings
from app.terminal.simulated.trading.terms import Retcode

__all__ = ["AccountSettings", "Retcode", "Spec", "Trading", "TradingMarket"]
