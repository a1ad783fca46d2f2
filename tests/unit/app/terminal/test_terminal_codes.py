"""Every code of the module and of the trade server has plain words, and docs/terminal.md has them all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.errors import MetronomeError
from app.terminal.errors import LAST_ERRORS, TerminalBusy, TerminalCallError, error_for
from app.terminal.retcodes import CHECK_PASSED, RETCODES, Reaction, explain
from app.terminal.trade_request import FIELDS, trade_request
from app.terminal.values import SessionState

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "terminal.md"


@pytest.fixture(scope="module")
def contract(shared: Path) -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = json.loads(
        (shared / "mt5_contract" / "contract.json").read_text(encoding="utf-8")
    )
    return found


def test_every_code_of_last_error_is_explained(contract: dict[str, dict[str, dict[str, str]]]) -> None:
    assert {int(code) for code in contract["last_error"]} | {0} == set(LAST_ERRORS)
    for code in LAST_ERRORS:
        error = error_for("version()", code, "text")
        assert isinstance(error, MetronomeError)
        assert error.advice.endswith(".")
        assert f"({code}, text)" in error.message
    unknown = error_for("version()", -4711, "?")
    assert isinstance(unknown, TerminalBusy)
    assert "not documented" in unknown.message


def test_every_retcode_is_explained(contract: dict[str, dict[str, dict[str, str]]]) -> None:
    assert {f"TRADE_RETCODE_{row.name}": str(row.code) for row in RETCODES.values()} == {
        row["name"]: code for code, row in contract["retcodes"].items()
    }
    for row in RETCODES.values():
        assert row.meaning.endswith(".")
        assert row.advice.endswith(".")
    assert explain(10009).reaction is Reaction.DONE
    assert explain(10027).reaction is Reaction.USER
    assert explain(0) is CHECK_PASSED
    assert "4711" in explain(4711).meaning


def table(name: str) -> list[list[str]]:
    text = DOCUMENT.read_text(encoding="utf-8")
    part = text.partition(f"<!-- {name}: begin -->")[2].partition(f"<!-- {name}: end -->")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in part.strip().splitlines()[2:]]


def test_the_document_lists_them_all_as_they_are() -> None:
    assert table("codes") == [
        [str(code), f"{row.meaning[:1].upper()}{row.meaning[1:]}.", row.advice] for code, row in LAST_ERRORS.items()
    ]
    assert table("retcodes") == [[str(r.code), r.name, r.meaning, r.advice] for r in RETCODES.values()]
    states = {
        line.split("|")[1].strip().lower()
        for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
        if line[:1] == "|"
    }
    from ui.terminal_words import state_look

    assert {state_look(state).word.lower() for state in SessionState} <= states


def test_a_request_gets_the_types_that_the_module_wants() -> None:
    made = trade_request(
        action=np.int64(1), symbol="EURUSD", volume=1, price=np.float32(1.5), sl=None, magic=2**64 - 1, comment=""
    )
    assert made == {"action": 1, "symbol": "EURUSD", "volume": 1.0, "price": 1.5, "magic": 2**64 - 1, "comment": ""}
    assert [type(made[name]) for name in ("action", "volume", "price")] == [int, float, float]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("volume", "1"), ("volume", float("nan")), ("volume", True), ("price", -1.0), ("price", 10**400),
        ("magic", -1), ("magic", 2**64), ("action", 1.0), ("type", 2**32), ("deviation", True), ("expiration", "now"),
        ("comment", "x" * 30), ("symbol", 5), ("no_such_field", 1),
    ],
)  # fmt: skip
def test_a_request_that_the_module_would_refuse_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(TerminalCallError, match=name):
        trade_request(**{name: value})


def test_the_fields_of_a_request_are_those_of_the_module(contract: dict[str, list[dict[str, str]]]) -> None:
    assert {item["field"] for item in contract["request_keys"]} == set(FIELDS)
