"""The book of decisions: valid at every instant, whoever dies, and no decision lost, whoever decides beside."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.clock import FakeClock
from app.errors import UserAction
from app.files import FolderLock
from app.paths import Paths
from workers.strategy.decision_book import LOCK_NAME, Decision, DecisionBook, Figures, Kind, Terms
from workers.strategy.idea_life import State, after, refusal, state_at

ROOT = Path(__file__).resolve().parents[4]
NOW = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)
FIGURES = Figures(Terms(1.1, 1.099, 1.102, 0.1), 2.0, 10.0, 0.001)
#: Decides without end, and says after each decision that it was made.
DECIDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from app.clock import FakeClock
from app.paths import Paths
from workers.strategy.decision_book import Decision, DecisionBook, Kind

book = DecisionBook(Paths(Path(sys.argv[1])), FakeClock())
for number in range(int(sys.argv[3])):
    decision = Decision(datetime(2025, 6, 3, tzinfo=UTC), f"{sys.argv[2]}-{number}", Kind.REJECT, "window", "r" * 400)
    book.change(lambda _made: [decision])
    print(decision.idea, flush=True)
"""


def decision(idea: str, kind: Kind = Kind.APPROVE, **values: object) -> Decision:
    edited = {"before": FIGURES, "after": FIGURES, "currency": "USD"} if kind is Kind.EDIT else {}
    return Decision(NOW, idea, kind, "window", **(edited | values))


@pytest.fixture
def book(paths: Paths, fake_clock: FakeClock) -> DecisionBook:
    return DecisionBook(paths, fake_clock)


def stored(book: DecisionBook) -> list[str]:
    """Ideas of the decisions, as any reader of JSON finds them."""
    return [entry["idea"] for entry in json.loads(book.path.read_bytes())["entries"]]


def test_what_is_decided_is_read_again(book: DecisionBook) -> None:
    edit = decision(
        "b", Kind.EDIT, reason="Tr\N{LATIN SMALL LETTER U WITH DIAERESIS}b\ud800", score=61.5, symbol="EURUSD"
    )
    book.change(lambda _made: [decision("a"), edit])
    book.change(lambda made: [decision("c")] if len(made) == 2 else [])
    assert stored(book) == ["a", "b", "c"]
    assert book.read()[:2] == (decision("a"), edit)
    assert book.change(lambda _made: []) == ()


def test_an_empty_home_has_no_decisions(book: DecisionBook) -> None:
    assert book.read() == ()
    assert not book.path.exists()


def test_a_refusal_writes_nothing(book: DecisionBook) -> None:
    def refuse(_made: tuple[Decision, ...]) -> list[Decision]:
        raise UserAction("No.")

    with pytest.raises(UserAction, match="No"):
        book.change(refuse)
    assert not book.path.exists()
    book.change(lambda _made: [decision("a")])  # the lock was given back
    assert stored(book) == ["a"]


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(list(Kind)), st.integers(0, 2)),
        st.tuples(st.just("advance"), st.integers(1, 40)),
        st.tuples(st.just("kill"), st.integers(0, 2)),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(OPERATIONS)
def test_any_sequence_of_decisions_and_kills_leaves_a_valid_book(operations: list[tuple[object, int]]) -> None:
    """Against a model: what was told as decided is there, what was refused is not, and the states agree."""
    ends = NOW + timedelta(minutes=60)
    with tempfile.TemporaryDirectory() as folder:
        paths, clock = Paths(Path(folder)), FakeClock(NOW)
        paths.data.mkdir()
        book = DecisionBook(paths, clock)
        model: list[Decision] = []
        for operation, value in operations:
            if operation == "advance":
                clock.advance(value * 60)
            elif operation == "kill":
                # A process that dies leaves its lock file, perhaps a temporary file, and nothing of the entry.
                (paths.data / LOCK_NAME).write_bytes(b'{"pid": 999999}')
                (paths.data / f".{book.path.name}.999999-{value}.tmp").write_bytes(b'{"schema": 1, "entr')
                book = DecisionBook(paths, clock)
            else:
                _decide(book, Kind(operation), f"idea{value}", ends, clock.now(), model)
        assert list(book.read()) == model
        assert list(DecisionBook(paths, clock).read()) == model
        if model:
            assert stored(book) == [item.idea for item in model]
        for name in ("idea0", "idea1", "idea2"):
            about = [item for item in book.read() if item.idea == name]
            closing = [item.kind for item in about if item.kind is not Kind.EDIT]
            assert closing in ([], [Kind.APPROVE], [Kind.REJECT], [Kind.EXPIRE], [Kind.APPROVE, Kind.REJECT])
            assert (after(about) is State.PENDING) == (not closing)


def _decide(book: DecisionBook, kind: Kind, idea: str, ends: datetime, now: datetime, model: list[Decision]) -> None:
    def decide(made: tuple[Decision, ...]) -> list[Decision]:
        about = [item for item in made if item.idea == idea]
        if kind is Kind.EXPIRE:
            return [decision(idea, kind)] if after(about) is State.PENDING and now >= ends else []
        if why := refusal(state_at(about, ends, now), kind, ends, now):
            raise UserAction(why)
        return [decision(idea, kind)]

    with suppress(UserAction):
        model += book.change(decide)


def test_deciders_of_several_threads_and_processes_lose_nothing(book: DecisionBook, paths: Paths) -> None:
    others = [
        subprocess.Popen(
            [sys.executable, "-c", DECIDER, str(paths.home), f"process{number}", "15"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        for number in range(2)
    ]

    def decide(name: str) -> None:
        own = DecisionBook(paths, FakeClock())
        for number in range(15):
            made = decision(f"{name}-{number}", reason="r" * 400)
            own.change(lambda _before, made=made: [made])

    threads = [threading.Thread(target=decide, args=(f"thread{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in others:
        assert len(process.communicate(timeout=60)[0].split()) == 15
    wanted = {
        f"{name}-{number}" for name in ("thread0", "thread1", "thread2", "process0", "process1") for number in range(15)
    }
    assert sorted(stored(book)) == sorted(wanted)


def test_a_killed_decider_leaves_a_valid_book_with_all_it_told(book: DecisionBook, paths: Paths) -> None:
    told: list[str] = []
    for number in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", DECIDER, str(paths.home), f"life{number}", "100000"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _line in range(10 + number):
            told.append(process.stdout.readline().strip())
        process.kill()
        told += process.communicate(timeout=30)[0].split()
        found = stored(book)
        assert set(told) <= set(found)
        assert len(found) <= len(told) + number + 1  # the last of each life may not have been told any more
        book.change(lambda _made, number=number: [decision(f"window{number}")])
        told.append(f"window{number}")


@pytest.mark.allow_warnings("The file of decisions was damaged")
def test_of_a_damaged_book_everything_readable_is_kept(book: DecisionBook, paths: Paths) -> None:
    book.change(lambda _made: [decision("a"), decision("b"), decision("c")])
    data = book.path.read_bytes()
    at = data.index(b'"b"')
    book.path.write_bytes(data[:at] + b"\x00\xff\x00" + data[at + 3 :])
    assert [item.idea for item in book.read()] == ["a", "c"]
    book.change(lambda _made: [decision("d")])
    assert stored(book) == ["a", "c", "d"]
    (aside,) = paths.data.glob("trade_decisions.json.damaged-*")
    assert aside.read_bytes() == data[:at] + b"\x00\xff\x00" + data[at + 3 :]


def test_another_layout_and_foreign_entries_are_read(book: DecisionBook) -> None:
    book.change(lambda _made: [decision("a"), decision("b", Kind.EDIT)])
    document = json.loads(book.path.read_bytes())
    strange = [{"time": "yesterday"}, {"time": "2025-06-03T12:00:00Z", "idea": "x", "decision": "sell"}, 7]
    document["entries"] += strange
    book.path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    assert [item.idea for item in book.read()] == ["a", "b"]
    document["entries"] = document["entries"][:4]
    book.path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    book.change(lambda _made: [decision("c")])
    assert [item.idea for item in book.read()] == ["a", "b", "c"]


@pytest.mark.parametrize("text", [b'{"schema": 9, "entries": [\n{"time": "x"}\n]}\n', b'{"schema": 9, "entries": []}'])
def test_a_book_of_a_newer_version_is_left_alone(book: DecisionBook, text: bytes) -> None:
    book.path.write_bytes(text)
    before = book.path.read_bytes()
    for use in (book.read, lambda: book.change(lambda _made: [decision("a")])):
        with pytest.raises(UserAction, match="schema 9"):
            use()
    assert book.path.read_bytes() == before


def test_a_lock_that_is_not_let_go_is_told(book: DecisionBook, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.strategy.decision_book._PATIENCE_S", 0.02)
    with FolderLock(paths.data / LOCK_NAME), pytest.raises(UserAction, match="another process"):
        book.change(lambda _made: [decision("a")])
