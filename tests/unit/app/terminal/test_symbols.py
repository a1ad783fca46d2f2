"""The user's names of symbols on the simulated server, with what was confirmed kept in a real file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from app.clock import FakeClock
from app.paths import Paths
from app.settings import SimulatedSettings, TerminalSettings
from app.storage import Storage
from app.terminal.errors import UnknownSymbol
from app.terminal.session import Session
from app.terminal.setup import build_session
from app.terminal.symbols import How, PendingSymbol, SymbolBook, SymbolNames

SERVER = "Metronome-Simulated"


@pytest.fixture
def storage(paths: Paths, fake_clock: FakeClock) -> Storage:
    return Storage(paths, fake_clock)


@pytest.fixture
def session(fake_clock: FakeClock) -> Iterator[Session]:
    """A broker who appends ``.a`` to every name."""
    found = build_session(TerminalSettings(simulated=SimulatedSettings(suffix=".a")), fake_clock)
    found.start()
    found.ensure_connected()
    yield found
    found.stop()


@pytest.fixture
def names(session: Session, storage: Storage, fake_clock: FakeClock) -> Callable[[], SymbolNames]:
    return lambda: SymbolNames(session, storage, fake_clock)


def test_exact_name(names: Callable[[], SymbolNames]) -> None:
    found = names().look("EURUSD.a")
    assert (found.name, found.how, found.suggestions) == ("EURUSD.a", How.EXACT, ())


def test_a_likely_name_is_suggested_and_not_used(names: Callable[[], SymbolNames]) -> None:
    found = names().look("EURUSD")
    assert (found.name, found.how) == ("", How.PENDING)
    (suggestion,) = found.suggestions
    assert (suggestion.name, suggestion.description) == ("EURUSD.a", "Euro vs US Dollar")
    with pytest.raises(PendingSymbol, match="no symbol 'EURUSD'") as caught:
        names().symbol_info("EURUSD")
    assert "python main.py symbols confirm EURUSD EURUSD.a" in caught.value.advice
    assert names().broker_name("EURUSD") == "EURUSD"


def test_another_name_of_the_market_is_suggested(names: Callable[[], SymbolNames]) -> None:
    assert [item.name for item in names().look("GOLD").suggestions] == ["XAUUSD.a"]


def test_nothing_like_it(names: Callable[[], SymbolNames]) -> None:
    found = names().look("QQQQ")
    assert (found.how, found.suggestions) == (How.UNKNOWN, ())
    assert "Market Watch" in found.advice


def test_a_confirmed_name_is_used_from_then_on(
    names: Callable[[], SymbolNames], storage: Storage, fake_clock: FakeClock
) -> None:
    assert names().confirm("EURUSD", "EURUSD.a").how is How.CONFIRMED
    assert names().symbol_info("EURUSD").name == "EURUSD.a"
    assert names().look("EURUSD").as_document()["name"] == "EURUSD.a"
    stored = json.loads((storage.paths.config / "symbols.json").read_text(encoding="utf-8"))
    assert stored == {
        "schema": 1,
        "servers": {SERVER: {"EURUSD": {"name": "EURUSD.a", "confirmed": "2025-06-03T12:00:00.000Z"}}},
    }
    assert SymbolBook(storage, fake_clock).confirmed("Another-Server") == {}


def test_a_name_that_the_broker_has_not_is_refused(names: Callable[[], SymbolNames], storage: Storage) -> None:
    with pytest.raises(UnknownSymbol, match="no symbol 'EURUSDx'") as caught:
        names().confirm("EURUSD", "EURUSDx")
    assert "EURUSD.a" in caught.value.advice
    assert not (storage.paths.config / "symbols.json").exists()


def test_a_confirmation_is_taken_back(names: Callable[[], SymbolNames]) -> None:
    names().confirm("EURUSD", "EURUSD.a")
    assert names().forget("EURUSD")
    assert not names().forget("EURUSD")
    assert names().look("EURUSD").how is How.PENDING


def test_a_confirmed_symbol_that_went_away_is_told(
    names: Callable[[], SymbolNames], storage: Storage, fake_clock: FakeClock
) -> None:
    SymbolBook(storage, fake_clock).confirm(SERVER, "EURUSD", "EURUSD.gone")
    with pytest.raises(PendingSymbol, match=r"'EURUSD\.gone', which was confirmed for EURUSD") as caught:
        names().symbol_info("EURUSD")
    assert "EURUSD.a" in caught.value.advice


@pytest.mark.allow_warnings("is damaged")
def test_a_damaged_file_is_kept_aside(names: Callable[[], SymbolNames], storage: Storage) -> None:
    (storage.paths.config / "symbols.json").write_text('{"schema": 1, "servers"', encoding="utf-8")
    assert names().look("EURUSD").how is How.PENDING
    assert list(storage.paths.config.glob("symbols.json.damaged-*"))


@pytest.mark.parametrize(
    "content",
    ['{"servers": []}', '{"servers": {"Metronome-Simulated": {"EURUSD": 3, "X": {"name": 7}}}}', '{"servers": 1}'],
)
def test_strange_content_settles_nothing(names: Callable[[], SymbolNames], storage: Storage, content: str) -> None:
    (storage.paths.config / "symbols.json").write_text(content, encoding="utf-8")
    assert names().look("EURUSD").how is How.PENDING
