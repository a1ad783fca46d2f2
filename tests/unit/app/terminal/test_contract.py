"""One suite for both modules: the simulated one everywhere, the genuine one where its package can be loaded.

The genuine one is never connected here: ``initialize`` could start a terminal that trades.
"""

from __future__ import annotations

import ast
import json
import pickle
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.clock import FakeClock
from app.terminal.constants import ModuleConstants
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.arguments import group_matches
from app.terminal.timeframes import TIMEFRAMES
from app.terminal.values import RATES_DTYPE, TICKS_DTYPE

NOON = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def contract(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "mt5_contract" / "contract.json").read_text(encoding="utf-8"))


@pytest.fixture(params=["simulated", "genuine"])
def module(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A module that is not connected."""
    if request.param == "simulated":
        terminal = SimulatedTerminal(FakeClock(NOON))
        terminal.faults.not_running = True
        yield terminal
        return
    if sys.platform != "win32":
        pytest.skip("the MetaTrader5 package exists for 64-bit Windows only")
    genuine = pytest.importorskip("MetaTrader5", reason="the MetaTrader5 package is not installed")
    genuine.shutdown()
    yield genuine


@pytest.fixture
def connected() -> SimulatedTerminal:
    terminal = SimulatedTerminal(FakeClock(NOON))
    assert terminal.initialize()
    return terminal


def is_genuine(module: Any) -> bool:
    return not isinstance(module, SimulatedTerminal)


# The surface.


def test_every_constant_has_the_value_of_the_module(module: Any, contract: dict[str, Any]) -> None:
    assert len(contract["constants"]) == 223
    assert {name: getattr(module, name, None) for name in contract["constants"]} == contract["constants"]


def test_there_are_no_constants_of_our_own(contract: dict[str, Any]) -> None:
    ours = {name for name in vars(ModuleConstants) if name.isupper()}
    assert ours == contract["constants"].keys()


def test_every_public_name_is_there(module: Any, contract: dict[str, Any]) -> None:
    surface = contract["module"]
    assert set(surface["public_names"]) | set(surface["dunder"]) <= set(dir(module))
    assert module.__author__ == contract["package"]["author_constant"]
    assert module.__version__


def test_timeframes_are_those_of_the_module(module: Any) -> None:
    assert len(TIMEFRAMES) == 21
    assert {name: getattr(module, f"TIMEFRAME_{name}") for name in TIMEFRAMES} == {
        name: frame.constant for name, frame in TIMEFRAMES.items()
    }


@pytest.mark.parametrize(("name", "dtype"), [("rates", RATES_DTYPE), ("ticks", TICKS_DTYPE)])
def test_records_are_those_of_the_module_to_the_byte(name: str, dtype: Any, contract: dict[str, Any]) -> None:
    theirs = contract["dtypes"][name]
    fields = [[field, dtype[field].str, dtype.fields[field][1]] for field in dtype.names]
    assert (dtype.itemsize, fields) == (theirs["itemsize"], theirs["fields"])


# Structs.


def test_structs_have_the_fields_of_the_module_in_order(module: Any, contract: dict[str, Any]) -> None:
    assert len(contract["structs"]) == 11
    for name, fields in contract["structs"].items():
        kind = getattr(module, name)
        assert list(kind.__match_args__) == [field["field"] for field in fields], name
        assert (kind.__name__, kind.__module__) == (name, "builtins")
        assert (kind.n_fields, kind.n_sequence_fields, kind.n_unnamed_fields) == (len(fields), len(fields), 0)


def test_structs_behave_as_those_of_the_module(module: Any) -> None:
    values = (1, 1.1, 1.2, 0.0, 0, 1000, 6, 0.0)
    tick = module.Tick(values)
    assert tick == values
    assert hash(tick) == hash(values)
    assert isinstance(tick, tuple)
    assert (tick.bid, tick[1], len(tick)) == (1.1, 1.1, 8)
    assert tick._asdict() == dict(zip(module.Tick.__match_args__, values, strict=True))
    assert not any(hasattr(tick, name) for name in ("_fields", "_replace", "_make"))
    with pytest.raises(AttributeError):
        tick.bid = 2.0
    with pytest.raises((TypeError, pickle.PicklingError)):
        pickle.dumps(tick)
    with pytest.raises(TypeError):
        module.Tick((1, 2))


def test_a_nested_request_stays_a_struct(module: Any) -> None:
    request = module.TradeRequest([0] * 17)
    result = module.OrderSendResult([10013, *[0] * 9, request])
    assert type(result._asdict()["request"]) is module.TradeRequest


# Calls without a terminal.


def _value(node: ast.expr) -> Any:
    """The arguments that the contract's calls are written with."""
    now = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001 - the contract's own naive time
    match node:
        case ast.Name(id="now"):
            return now
        case ast.Name(id="utc"):
            return now.replace(tzinfo=UTC)
        case ast.Call(func=ast.Attribute(attr=kind)):
            return getattr(np, kind)(_value(node.args[0]))
        case ast.Call(func=ast.Name(id="date")):
            return date(*(_value(arg) for arg in node.args))
        case ast.Call(func=ast.Name(id="req")):
            base = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "price": 1.1, "deviation": 20}
            return base | {str(word.arg): _value(word.value) for word in node.keywords}
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _value(left) ** _value(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _value(left) * _value(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _value(left) - _value(right)
    return ast.literal_eval(node)


def _call(module: Any, text: str) -> Any:
    """Make a call as it is written: with a keyword mapping only where there is one."""
    node = ast.parse(text, mode="eval").body
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    function = getattr(module, node.func.id)
    args = [_value(arg) for arg in node.args]
    if not node.keywords:
        return function(*args)
    kwargs: dict[str, Any] = {}
    for word in node.keywords:
        kwargs |= {word.arg: _value(word.value)} if word.arg else _value(word.value)
    return function(*args, **kwargs)


_ERRORS = {"TypeError": TypeError, "SystemError": SystemError, "AttributeError": AttributeError}


def test_all_148_calls_without_a_terminal_answer_as_recorded(module: Any, shared: Path) -> None:
    recorded = json.loads((shared / "mt5_contract" / "disconnected_calls.json").read_text(encoding="utf-8"))["calls"]
    assert len(recorded) == 148
    if is_genuine(module):
        # Its first state is that of a fresh process; a search for the program could start it.
        recorded = [entry for entry in recorded[1:] if entry["last_error"][0] != -10003]
    for entry in recorded:
        if "raises" in entry:
            with pytest.raises(_ERRORS[entry["raises"]]) as caught:
                _call(module, entry["call"])
            cause = type(caught.value.__cause__).__name__ if caught.value.__cause__ else None
            assert cause == entry["cause"], entry["call"]
        else:
            assert repr(_call(module, entry["call"])) == entry["result"], entry["call"]
        assert list(module.last_error()) == entry["last_error"], entry["call"]


def test_an_empty_keyword_mapping_beside_a_request_is_refused(module: Any) -> None:
    request = {"action": 1}
    for function in (module.order_send, module.order_check):
        function(request)
        assert module.last_error()[0] == -10004
        function(request, **{})
        assert module.last_error() == (-2, "Unnamed arguments not allowed")
        function(*[request])
        assert module.last_error()[0] == -10004
        function(**request)
        assert module.last_error()[0] == -10004


def test_functions_take_keywords_only_where_the_module_does(module: Any, contract: dict[str, Any]) -> None:
    for name, function in contract["functions"].items():
        if function["calling"] in ("positional_only", "no_arguments"):
            with pytest.raises(TypeError):
                getattr(module, name)(symbol="EURUSD")


def test_texts_may_have_the_length_that_the_module_takes(module: Any, contract: dict[str, Any]) -> None:
    limits = contract["string_limits"]
    for length, code in ((limits["symbol"], -10004), (limits["symbol"] + 1, -2)):
        assert module.symbol_info("E" * length) is None
        assert module.last_error()[0] == code
    for name in ("password", "server"):
        for length, code in ((limits[f"login_{name}"], -10004), (limits[f"login_{name}"] + 1, -2)):
            assert module.login(1, **{name: "p" * length}) is False
            assert module.last_error()[0] == code


@pytest.mark.parametrize("key", ["action", "type", "type_filling", "type_time"])
def test_a_request_number_that_does_not_fit_ends_in_a_system_error(module: Any, key: str) -> None:
    with pytest.raises(SystemError) as caught:
        module.order_send({key: 2**64})
    assert isinstance(caught.value.__cause__, OverflowError)
    assert module.last_error() == (-2, f'Invalid "{key}" argument')


# Every function, connected. Only the simulated one: the genuine one would need a terminal.

_REQUEST = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "price": 1.2266, "type_filling": 1}
_LATER = datetime(2030, 1, 1, tzinfo=UTC)
_CALLS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "initialize": ((), bool),
    "login": ((5_000_001,), bool),
    "version": ((), tuple),
    "last_error": ((), tuple),
    "account_info": ((), "AccountInfo"),
    "terminal_info": ((), "TerminalInfo"),
    "symbols_total": ((), int),
    "symbols_get": (("EUR*",), "SymbolInfo"),
    "symbol_info": (("EURUSD",), "SymbolInfo"),
    "symbol_info_tick": (("EURUSD",), "Tick"),
    "symbol_select": (("EURUSD", True), bool),
    "market_book_add": (("EURUSD",), bool),
    "market_book_get": (("EURUSD",), "BookInfo"),
    "market_book_release": (("EURUSD",), bool),
    "copy_rates_from": (("EURUSD", 1, NOON, 5), RATES_DTYPE),
    "copy_rates_from_pos": (("EURUSD", 1, 0, 5), RATES_DTYPE),
    "copy_rates_range": (("EURUSD", 1, 1_763_550_000, NOON), RATES_DTYPE),
    "copy_ticks_from": (("EURUSD", 1_763_550_000, 5, -1), TICKS_DTYPE),
    "copy_ticks_range": (("EURUSD", 1_763_550_000, NOON, -1), TICKS_DTYPE),
    "order_calc_margin": ((0, "EURUSD", 0.1, 1.1), float),
    "order_calc_profit": ((0, "EURUSD", 0.1, 1.1, 1.2), float),
    "order_check": ((_REQUEST,), "OrderCheckResult"),
    "order_send": ((_REQUEST,), "OrderSendResult"),
    "Buy": (("EURUSD", 0.1), "OrderSendResult"),
    "Sell": (("EURUSD", 0.1), "OrderSendResult"),
    "orders_total": ((), int),
    "orders_get": ((), "TradeOrder"),
    "positions_total": ((), int),
    "positions_get": ((), "TradePosition"),
    "history_orders_total": ((0, _LATER), int),
    "history_orders_get": ((0, _LATER), "TradeOrder"),
    "history_deals_total": ((0, _LATER), int),
    "history_deals_get": ((0, _LATER), "TradeDeal"),
    "Close": (("EURUSD",), bool),
    "shutdown": ((), bool),
}


def test_a_walk_over_every_function_of_the_contract(connected: SimulatedTerminal, contract: dict[str, Any]) -> None:
    assert _CALLS.keys() == contract["functions"].keys()
    place = {"action": 5, "symbol": "EURUSD", "volume": 0.1, "type": 2, "price": 1.0}
    assert connected.order_send(place).retcode == connected.TRADE_RETCODE_PLACED
    for name, (args, kind) in _CALLS.items():
        answer = getattr(connected, name)(*args)
        assert connected.last_error() == (1, "Success"), name
        if isinstance(kind, np.dtype):
            assert (answer.dtype, len(answer) > 0) == (kind, True), name
        elif isinstance(kind, str):
            structs = answer if isinstance(answer, tuple) and not hasattr(answer, "_asdict") else (answer,)
            assert structs, name
            for struct in structs:
                assert type(struct).__name__ == kind, name
                types = [type(value).__name__ for value in struct]
                assert types == [field["type"] for field in contract["structs"][kind]], name
        else:
            assert type(answer) is kind, name


def test_volumes_are_unsigned_as_in_the_module(connected: SimulatedTerminal) -> None:
    rates = connected.copy_rates_from_pos("EURUSD", connected.TIMEFRAME_M1, 0, 3)
    assert rates is not None
    assert rates["tick_volume"].dtype == np.uint64


def test_empty_is_a_tuple_and_an_error_is_none(connected: SimulatedTerminal) -> None:
    assert connected.positions_get() == ()
    assert connected.symbols_get("NOTHING*") == ()
    assert connected.last_error() == (1, "Success")
    connected.shutdown()
    assert connected.positions_get() is None
    with pytest.raises(TypeError):
        connected.Close("EURUSD")


def test_unknown_symbols_are_not_found(connected: SimulatedTerminal) -> None:
    assert connected.symbol_info("eurusd") is None
    assert connected.last_error() == (-4, "Terminal: Not found")
    assert connected.symbol_select("NONE") is False
    assert connected.copy_rates_from_pos("NONE", 1, 0, 1) is None
    assert connected.copy_ticks_range("NONE", 0, 1, -1) is None
    assert connected.order_calc_margin(0, "NONE", 0.1, 1.0) is None
    assert connected.last_error()[0] == -4


def test_quotes_ticks_and_book_need_the_market_watch(connected: SimulatedTerminal) -> None:
    assert connected.symbol_select("EURUSD", False)
    assert connected.symbol_info_tick("EURUSD") is None
    assert connected.copy_ticks_from("EURUSD", 1_763_550_000, 5, -1) is None
    assert connected.market_book_add("EURUSD") is False
    info = connected.symbol_info("EURUSD")
    assert info is not None
    assert (info.select, info.visible) == (False, False)
    assert connected.symbol_select("EURUSD")
    assert connected.symbol_info_tick("EURUSD") is not None


def test_only_the_account_of_the_server_can_log_in(connected: SimulatedTerminal) -> None:
    assert connected.login(42) is False
    assert connected.last_error() == (-6, "Terminal: Authorization failed")
    assert connected.initialize(login=42) is False
    assert connected.account_info() is None
    assert connected.initialize(login=5_000_001, server="Metronome-Simulated")


@pytest.mark.parametrize(
    ("group", "name", "passes"),
    [
        ("*", "EURUSD", True),
        ("*USD*", "EURUSD", True),
        ("*USD*,!EUR*", "EURUSD", False),
        ("EUR*,GBP*", "GBPJPY", True),
        ("EURUSD", "EURUSD.a", False),
        ("!EUR*", "GBPUSD", False),
        ("E*U*D", "EURUSD", True),
        ("USD*USD", "USD", False),
    ],
)
def test_groups_filter_as_the_module(group: str, name: str, passes: bool) -> None:
    assert group_matches(group, name) is passes
