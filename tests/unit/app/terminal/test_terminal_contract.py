"""The simulated terminal held to the contract of the genuine module."""

from __future__ import annotations

import ast
import json
import pickle
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.clock import FakeClock
from app.terminal.constants import ModuleConstants
from app.terminal.simulated import SimulatedTerminal, structs
from app.terminal.simulated.arguments import group_matches
from app.terminal.timeframes import TIMEFRAMES
from app.terminal.values import RATES_DTYPE

OFFERED = {
    "initialize", "shutdown", "last_error", "version", "terminal_info", "account_info", "symbols_total", "symbols_get",
    "symbol_info", "symbol_info_tick", "symbol_select", "copy_rates_from", "copy_rates_from_pos", "copy_rates_range",
}  # fmt: skip


@pytest.fixture
def contract(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "mt5_contract" / "contract.json").read_text(encoding="utf-8"))


def test_constants_have_the_values_of_the_module(contract: dict[str, Any]) -> None:
    ours = {name: value for name, value in vars(ModuleConstants).items() if name.isupper()}
    assert len(ours) > 100
    assert {name: contract["constants"][name] for name in ours} == ours


def test_timeframes_are_those_of_the_module(contract: dict[str, Any]) -> None:
    theirs = {k.removeprefix("TIMEFRAME_"): v for k, v in contract["constants"].items() if k.startswith("TIMEFRAME_")}
    assert {name: frame.constant for name, frame in TIMEFRAMES.items()} == theirs


def test_rates_have_the_records_of_the_module(contract: dict[str, Any]) -> None:
    theirs = contract["dtypes"]["rates"]
    fields = [[name, RATES_DTYPE[name].str, RATES_DTYPE.fields[name][1]] for name in RATES_DTYPE.names]
    assert (RATES_DTYPE.itemsize, fields) == (theirs["itemsize"], theirs["fields"])


@pytest.mark.parametrize("name", ["Tick", "SymbolInfo", "AccountInfo", "TerminalInfo"])
def test_structs_have_the_fields_and_types_of_the_module(name: str, contract: dict[str, Any]) -> None:
    terminal = SimulatedTerminal(FakeClock())
    terminal.initialize()
    made = {
        "Tick": terminal.symbol_info_tick("EURUSD"),
        "SymbolInfo": terminal.symbol_info("EURUSD"),
        "AccountInfo": terminal.account_info(),
        "TerminalInfo": terminal.terminal_info(),
    }[name]
    assert made is not None
    theirs = [(field["field"], field["type"]) for field in contract["structs"][name]]
    assert [(field, type(value).__name__) for field, value in made._asdict().items()] == theirs


def test_structs_behave_as_those_of_the_module() -> None:
    tick = structs.Tick((1, 1.1, 1.2, 0.0, 0, 1000, 6, 0.0))
    assert tick == (1, 1.1, 1.2, 0.0, 0, 1000, 6, 0.0)
    assert (tick.bid, type(tick).__module__, tick.n_fields) == (1.1, "builtins", 8)
    assert not any(hasattr(tick, name) for name in ("_fields", "_replace", "_make"))
    with pytest.raises(AttributeError):
        tick.bid = 2.0
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(tick)
    with pytest.raises(TypeError, match="8-sequence"):
        structs.Tick((1, 2))


def _value(node: ast.expr) -> Any:
    """The arguments that the contract's calls are written with."""
    now = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001 - the contract's own naive time
    match node:
        case ast.Name(id="now"):
            return now
        case ast.Name(id="utc"):
            return now.replace(tzinfo=UTC)
        case ast.Call(func=ast.Attribute(attr="int64")):
            return np.int64(_value(node.args[0]))
        case ast.Call(func=ast.Name(id="date")):
            return date(*(_value(arg) for arg in node.args))
        case ast.BinOp(op=ast.Pow()):
            return _value(node.left) ** _value(node.right)
        case ast.BinOp(op=ast.Mult()):
            return _value(node.left) * _value(node.right)
    return ast.literal_eval(node)


def test_disconnected_calls_answer_as_the_module(shared: Path) -> None:
    recorded = json.loads((shared / "mt5_contract" / "disconnected_calls.json").read_text(encoding="utf-8"))["calls"]
    terminal = SimulatedTerminal(FakeClock())
    terminal.faults.not_running = True
    compared = 0
    for entry in recorded:
        node = ast.parse(entry["call"], mode="eval").body
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        # After a call that we do not offer, last_error is that call's.
        if name not in OFFERED or (name == "last_error" and compared):
            continue
        args = [_value(arg) for arg in node.args]
        kwargs = {word.arg: _value(word.value) for word in node.keywords if word.arg}
        if "raises" in entry:
            kind = {"TypeError": TypeError, "SystemError": SystemError}[entry["raises"]]
            with pytest.raises(kind) as caught:
                getattr(terminal, name)(*args, **kwargs)
            cause = type(caught.value.__cause__).__name__ if caught.value.__cause__ else None
            assert cause == entry["cause"], entry["call"]
        else:
            assert repr(getattr(terminal, name)(*args, **kwargs)) == entry["result"], entry["call"]
        assert list(terminal.last_error()) == entry["last_error"], entry["call"]
        compared += 1
    assert compared >= 50


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
