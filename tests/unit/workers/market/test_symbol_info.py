"""All symbols recorded and compared, on real files."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import pytest
from hand_terminal import Bench

from app.clock import FakeClock
from app.errors import Blocked, Cancelled, Retryable, UserAction
from app.settings import Settings, TerminalSettings
from app.tasks import NoParams
from app.terminal.setup import build_session
from app.terminal.simulated import SimulatedTerminal
from app.terminal.symbols import SymbolBook
from workers.data_tasks import SymbolsResult, update_symbol_info
from workers.market.symbol_info import FILE_NAME

#: What a summary says of a comparison with a record of the bench's first minute.
SINCE = " since 2025-06-03 12:00 UTC"


def structs() -> list[dict[str, Any]]:
    """Specifications as the module gives them."""
    terminal = SimulatedTerminal(FakeClock())
    terminal.initialize()
    found = terminal.symbols_get()
    assert found is not None
    return [item._asdict() for item in found]


@pytest.fixture
def listed(bench: Bench) -> dict[str, dict[str, Any]]:
    """The symbols of the bench's broker, by name; what a test changes is what the broker changes."""
    bench.terminal.server, bench.terminal.login = "Broker", 7
    bench.terminal.structs = structs()
    return {item["name"]: item for item in bench.terminal.structs}


def run(bench: Bench) -> tuple[SymbolsResult, Any]:
    ctx = bench.context("update_symbol_info")
    return update_symbol_info(ctx, NoParams()), ctx


def document(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bench.paths.cache / "symbol_info.json").read_text(encoding="utf-8"))
    return found


def kept(bench: Bench) -> list[str]:
    return [path.name for path in bench.paths.cache.glob("symbol_info_*.json")]


def aside(bench: Bench) -> list[bytes]:
    return [path.read_bytes() for path in bench.paths.cache.glob("symbol_info.json.damaged-*")]


def test_the_first_time_nothing_is_compared(bench: Bench, listed: dict[str, Any]) -> None:
    listed["US500"]["expiration_time"] = 1_750_000_000  # on the server's clock: 2025-06-15 15:06:40
    result, ctx = run(bench)
    assert result.summary() == f"{len(listed)} symbols recorded, the first record of this account"
    assert (result.new, result.changed, result.compared_with, ctx.warnings) == (0, 0, None, [])
    assert ctx.files == ["data/cache/symbol_info.json"]
    stored = document(bench)
    head = {name: stored[name] for name in ("schema", "server", "login", "simulated", "fetched", "count")}
    assert head == {
        "schema": 1,
        "server": "Broker",
        "login": 7,
        "simulated": False,
        "fetched": "2025-06-03T12:00:00.000Z",
        "count": len(listed),
    }
    by_name = {item["name"]: item for item in stored["symbols"]}
    assert list(by_name) == list(listed)
    assert by_name["EURUSD"]["digits"] == 5
    assert by_name["EURUSD"]["trade_contract_size"] == 100_000.0
    assert by_name["EURUSD"]["expiration_time"] is None
    assert by_name["US500"]["expiration_time"] == "2025-06-15T12:06:40.000Z"
    assert not {"bid", "ask", "time", "session_open"} & set(by_name["EURUSD"])


def test_without_a_change_nothing_is_told(bench: Bench, listed: dict[str, Any]) -> None:
    run(bench)
    listed["EURUSD"]["bid"], listed["EURUSD"]["spread"], listed["EURUSD"]["trade_tick_value"] = 9.0, 99, 7.0
    bench.clock.advance(60)
    result, ctx = run(bench)
    assert result.summary() == f"{len(listed)} symbols, nothing changed{SINCE}"
    assert (result.compared_with, ctx.warnings) == ("2025-06-03T12:00:00.000Z", [])


@pytest.mark.allow_warnings("The broker")
def test_changes_of_the_users_symbols_are_warnings(bench: Bench, listed: dict[str, Any]) -> None:
    run(bench)
    listed["EURUSD"] |= {"swap_long": -8.25, "trade_mode": 3, "spread_float": False}
    listed["GBPJPY"] |= {"digits": 2}
    bench.terminal.structs.remove(listed["BTCUSD"])
    bench.terminal.structs.append(listed["EURUSD"] | {"name": "EURUSD.new"})
    result, ctx = run(bench)
    assert result.summary() == f"{len(listed)} symbols, 1 new, 1 removed, 2 changed{SINCE}"
    assert (result.affected, result.new_names, result.removed_names) == (("EURUSD",), ("EURUSD.new",), ("BTCUSD",))
    (warning,) = ctx.warnings
    assert "The broker changed EURUSD: kind of spread floating -> fixed, swap long -7.1 -> -8.25" in warning
    assert "permission to trade full -> close only" in warning
    assert [change["symbol"] for change in result.changes] == ["EURUSD"] * 3 + ["GBPJPY"]
    assert result.changes[-1] == {"symbol": "GBPJPY", "field": "digits", "before": 3, "now": 2}
    assert run(bench)[1].warnings == []  # told once


@pytest.mark.allow_warnings("The broker")
def test_a_fixed_spread_that_changes_is_a_change(bench: Bench, listed: dict[str, Any]) -> None:
    listed["EURUSD"] |= {"spread_float": False, "spread": 10}
    run(bench)
    listed["EURUSD"]["spread"] = 15
    assert "spread 10 -> 15" in run(bench)[1].warnings[0]


@pytest.mark.allow_warnings("The broker")
def test_symbols_with_a_strategy_and_other_names_count_as_the_users(bench: Bench, listed: dict[str, Any]) -> None:
    bench.market(watch_list=("GOLD",))
    SymbolBook(bench.storage, bench.clock).confirm("Broker", "GOLD", "XAUUSD")
    strategy = {
        "symbol": "USDJPY",
        "timeframe": "M5",
        "conditions": {"entry": ["ema_fast_gt_slow"]},
        "strategy": {"direction": "both"},
    }
    (bench.paths.strategies / "a.json").write_text(json.dumps(strategy), encoding="utf-8")
    run(bench)
    listed["XAUUSD"]["trade_contract_size"] = 10.0
    bench.terminal.structs.remove(listed["USDJPY"])
    result, ctx = run(bench)
    assert set(result.affected) == {"GOLD", "USDJPY"}
    assert "The broker changed GOLD (XAUUSD): contract size 100 -> 10." in ctx.warnings[0]
    assert "no longer lists USDJPY" in ctx.warnings[1]


@pytest.mark.parametrize("change", [{"server": "Another"}, {"login": 8}])
def test_another_account_is_not_compared(bench: Bench, listed: dict[str, Any], change: dict[str, Any]) -> None:
    run(bench)
    for name, value in change.items():
        setattr(bench.terminal, name, value)
    listed["EURUSD"]["digits"] = 4
    result, ctx = run(bench)
    told = f"{len(listed)} symbols recorded, the first record of this account"
    assert (result.summary(), result.compared_with, ctx.warnings) == (told, None, [])


@pytest.mark.allow_warnings("The broker")
def test_on_return_to_an_account_its_own_last_record_is_compared(bench: Bench, listed: dict[str, Any]) -> None:
    run(bench)
    first = (bench.paths.cache / FILE_NAME).read_bytes()
    bench.terminal.login = 8
    bench.clock.advance(60)
    run(bench)
    assert (kept(bench), document(bench)["login"]) == (["symbol_info_Broker_7.json"], 8)
    assert (bench.paths.cache / "symbol_info_Broker_7.json").read_bytes() == first
    bench.terminal.login = 7
    listed["EURUSD"]["digits"] = 4
    bench.clock.advance(60)
    result, ctx = run(bench)
    assert (result.summary(), result.compared_with) == (
        f"{len(listed)} symbols, 1 changed{SINCE}",
        "2025-06-03T12:00:00.000Z",
    )
    assert "digits 5 -> 4" in ctx.warnings[0]
    assert kept(bench) == ["symbol_info_Broker_8.json"]  # that of the present account is the current file again
    bench.terminal.login = 8
    assert run(bench)[0].compared_with == "2025-06-03T12:01:00.000Z"


@pytest.mark.allow_warnings("is damaged", "The broker")
def test_a_damaged_kept_record_is_moved_aside(bench: Bench, listed: dict[str, Any]) -> None:
    run(bench)
    bench.terminal.login = 8
    run(bench)
    (bench.paths.cache / "symbol_info_Broker_7.json").write_bytes(b"{")
    bench.terminal.login = 7
    result, ctx = run(bench)
    assert "symbol_info_Broker_7.json.damaged-20250603T120000Z" in ctx.warnings[0]
    assert (result.compared_with, result.first_record) == (None, False)
    assert kept(bench) == ["symbol_info_Broker_8.json"]


def test_a_kept_record_that_is_of_another_account_is_not_compared(bench: Bench, listed: dict[str, Any]) -> None:
    run(bench)
    (bench.paths.cache / FILE_NAME).replace(bench.paths.cache / "symbol_info_Broker_8.json")
    bench.terminal.login = 8
    assert run(bench)[0].first_record


@pytest.mark.parametrize("server", ["../../evil", "con", "a" * 300, "\ud800", "\u00e9" * 200, "a\0b"])
def test_the_record_of_a_server_of_any_name_stays_in_the_folder(
    bench: Bench, listed: dict[str, Any], server: str
) -> None:
    bench.terminal.server = server
    run(bench)
    bench.terminal.server = "Broker"
    run(bench)
    assert len(kept(bench)) == 1
    bench.terminal.server = server
    assert run(bench)[0].compared_with == "2025-06-03T12:00:00.000Z"


def test_the_records_of_the_ten_last_accounts_are_kept(bench: Bench, listed: dict[str, Any]) -> None:
    for login in range(1, 14):
        bench.terminal.login = login
        run(bench)
        for name in kept(bench):
            number = int(name.removesuffix(".json").rpartition("_")[2])
            os.utime(bench.paths.cache / name, (number, number))
    assert sorted(kept(bench)) == sorted(f"symbol_info_Broker_{login}.json" for login in range(3, 13))


@pytest.mark.allow_warnings("is damaged", "The broker")
def test_of_a_record_that_was_cut_off_the_rest_is_compared(bench: Bench, listed: dict[str, Any]) -> None:
    run(bench)
    path = bench.paths.cache / "symbol_info.json"
    path.write_bytes(path.read_bytes()[:-3000])
    cut = path.read_bytes()
    listed["EURUSD"]["digits"] = 4
    result, ctx = run(bench)
    assert (result.new, result.removed, result.changed) == (0, 0, 1)
    assert ctx.warnings[0].startswith("The last record of symbols, symbol_info.json, is damaged: ")
    assert aside(bench) == [cut]
    assert f"of {len(listed)} symbols are left in it" in ctx.warnings[0]
    assert document(bench)["count"] == len(listed)


@pytest.mark.allow_warnings("is damaged")
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"schema": 1, "server": "Bro',
        b"\0\0\0\0",
        b"[1, 2]",
        b'{"schema": 1}',
        b'{"schema": 1, "symbols": [\n]}\n',
        b'{"schema": 1, "server": 5, "login": "x", "fetched": 7, "count": 0, "symbols": [\n]}\n',
        b'{"schema": "new", "server": "Broker", "login": 7, "fetched": "2025", "count": 0, "symbols": [\n]}\n',
    ],
)
def test_a_damaged_record_is_moved_aside_with_a_warning(bench: Bench, listed: dict[str, Any], data: bytes) -> None:
    (bench.paths.cache / "symbol_info.json").write_bytes(data)
    result, ctx = run(bench)
    (warning,) = ctx.warnings
    assert "symbol_info.json.damaged-20250603T120000Z" in warning
    assert "Nothing could be compared" in warning
    assert (result.compared_with, result.symbols, aside(bench)) == (None, len(listed), [data])
    bench.clock.advance(60)
    assert result.summary() == f"{len(listed)} symbols recorded"
    assert run(bench)[0].summary() == f"{len(listed)} symbols, nothing changed{SINCE}"


@pytest.mark.allow_warnings("is damaged", "The broker")
@pytest.mark.parametrize(
    "garbage",
    [
        {"name": None, "digits": 5},
        {"digits": 5},
        {},
        {"name": "GBPUSD", "digits": "five"},
        {"name": "GBPUSD", "digits": {"a": [1]}},
        {"name": "GBPUSD", "swap_long": float("nan")},
        {"name": "GBPUSD", "description": 5},
    ],
)
def test_entries_that_are_no_symbols_are_left_out_with_a_warning(
    bench: Bench, listed: dict[str, Any], garbage: dict[str, Any]
) -> None:
    run(bench)
    path = bench.paths.cache / "symbol_info.json"
    whole = document(bench)
    place = next(i for i, item in enumerate(whole["symbols"]) if item["name"] == "GBPUSD")
    whole["symbols"][place] = garbage
    path.write_text(json.dumps(whole), encoding="utf-8")
    listed["EURUSD"]["digits"] = 4
    result, ctx = run(bench)
    assert f"{len(listed) - 1} of {len(listed)} symbols are left in it" in ctx.warnings[0]
    assert [change["symbol"] for change in result.changes] == ["EURUSD"]
    assert (result.new, result.removed, len(aside(bench))) == (0, 0, 1)


@pytest.mark.allow_warnings("The broker")
def test_a_record_that_another_program_laid_out_anew_is_compared(bench: Bench, listed: dict[str, Any]) -> None:
    run(bench)
    (bench.paths.cache / "symbol_info.json").write_text(json.dumps(document(bench), indent=4), encoding="utf-8")
    listed["EURUSD"]["digits"] = 4
    result, ctx = run(bench)
    assert (result.compared_with, result.changed) == ("2025-06-03T12:00:00.000Z", 1)
    (warning,) = ctx.warnings
    assert "digits 5 -> 4" in warning
    assert aside(bench) == []


def test_a_record_of_a_newer_metronome_is_left_alone(bench: Bench, listed: dict[str, Any]) -> None:
    path = bench.paths.cache / "symbol_info.json"
    path.write_text('{"schema": 99}', encoding="utf-8")
    with pytest.raises(UserAction, match="schema 99"):
        run(bench)
    assert (path.read_text(encoding="utf-8"), aside(bench)) == ('{"schema": 99}', [])


def test_numbers_that_json_has_not_are_left_empty(bench: Bench, listed: dict[str, Any]) -> None:
    listed["EURUSD"]["margin_initial"] = float("nan")
    listed["GBPUSD"]["swap_long"] = float("inf")
    run(bench)
    by_name = {item["name"]: item for item in document(bench)["symbols"]}
    assert by_name["EURUSD"]["margin_initial"] is None
    assert by_name["GBPUSD"]["swap_long"] is None
    assert run(bench)[0].changed == 0


def test_no_symbols_yet_is_worth_another_try(bench: Bench, listed: dict[str, Any]) -> None:
    run(bench)
    before = (bench.paths.cache / "symbol_info.json").read_bytes()
    bench.terminal.structs = []
    with pytest.raises(Retryable, match="no symbols yet"):
        run(bench)
    bench.terminal.connected = False
    with pytest.raises(Blocked):
        run(bench)
    assert (bench.paths.cache / "symbol_info.json").read_bytes() == before


def test_cancelled(bench: Bench, listed: dict[str, Any]) -> None:
    bench.cancel.set()
    with pytest.raises(Cancelled):
        run(bench)
    assert not (bench.paths.cache / "symbol_info.json").exists()


def test_thousands_of_symbols_and_a_bounded_result(bench: Bench, listed: dict[str, Any]) -> None:
    model = listed["EURUSD"]
    bench.terminal.structs = [model | {"name": f"S{number:04}"} for number in range(5000)]
    run(bench)
    for item in bench.terminal.structs:
        item["swap_long"] = 1.0
    result, ctx = run(bench)
    assert (result.symbols, result.changed, len(result.changes), ctx.warnings) == (5000, 5000, 50, [])
    assert result.summary() == f"5,000 symbols, 5,000 changed{SINCE}"


@pytest.mark.parametrize("host", ["in_process", "child"])
def test_both_hosts(bench: Bench, host: str) -> None:
    bench.settings = Settings(terminal=TerminalSettings.model_validate({"host": host}))
    session = build_session(bench.settings.terminal, bench.clock)
    bench.terminal = session
    session.start()
    try:
        session.ensure_connected(30.0)
        result, _ = run(bench)
        assert (result.symbols, result.compared_with) == (len(structs()), None)
        assert run(bench)[0].summary() == f"{result.symbols} symbols, nothing changed{SINCE}"
    finally:
        session.stop()
    fetched = document(bench)["fetched"]
    assert datetime.fromisoformat(fetched).astimezone(UTC) == bench.clock.now()
