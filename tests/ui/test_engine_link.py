"""The door to the engine: coalesced, off the GUI thread, and silent after it was closed."""

import threading

import pytest
from fake_engine import NOW, FakeEngine, make_run
from PySide6.QtCore import QObject, Qt, Signal
from pytestqt.qtbot import QtBot

from app.errors import UserAction
from app.runs import RunState
from ui.engine_link import EngineLink


class Counter(QObject):
    """Receives a value from another thread."""

    told = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)

    def _on_told(self, _value: object) -> None:
        self.count += 1


def test_twenty_thousand_emissions_from_a_thread_arrive(qtbot: QtBot) -> None:
    """PySide6 6.12.0 died after some six hundred (design, section 8)."""
    counter = Counter()
    run = make_run(1, "t", RunState.SUCCEEDED, NOW)

    def emit() -> None:
        for _ in range(20_000):
            counter.told.emit(run)

    thread = threading.Thread(target=emit)
    thread.start()
    qtbot.waitUntil(lambda: counter.count == 20_000, timeout=20_000)
    thread.join()
    assert counter.count == 20_000


def test_a_burst_of_changes_costs_few_drains(qtbot: QtBot, link: EngineLink, engine: FakeEngine) -> None:
    link.attach(engine)
    seen: list[str] = []
    link.runs_changed.connect(lambda runs: seen.extend(run.run_id for run in runs))
    before = engine.runner.taken

    def burst() -> None:
        for n in range(500):
            engine.runner.tell(make_run(n, "t", RunState.SUCCEEDED, NOW))

    burst()
    qtbot.waitUntil(lambda: len(seen) == 500)
    assert engine.runner.taken - before <= 3


def test_a_query_runs_off_the_gui_thread_and_answers_on_it(qtbot: QtBot, link: EngineLink, engine: FakeEngine) -> None:
    link.attach(engine)
    threads: list[int] = []
    answers: list[tuple[int, int]] = []

    def work(_engine: object) -> int:
        threads.append(threading.get_ident())
        return 42

    link.query(link, work, lambda value: answers.append((value, threading.get_ident())))
    qtbot.waitUntil(lambda: bool(answers))
    assert answers == [(42, threading.get_ident())]
    assert threads[0] != threading.get_ident()


def test_a_refusal_is_shown_to_the_user(qtbot: QtBot, link: EngineLink, engine: FakeEngine) -> None:
    link.attach(engine)
    engine.runner.refuse = UserAction("There is no symbol.", advice="Name one.")
    with qtbot.waitSignal(link.troubled) as told:
        link.submit("collect_market_data")
    assert told.args == ["There is no symbol.", "Name one."]


def test_a_bug_in_a_query_reaches_the_crash_report(qtbot: QtBot, link: EngineLink, engine: FakeEngine) -> None:
    link.attach(engine)
    with qtbot.captureExceptions() as caught:
        link.act(lambda _engine: 1 // 0)
        qtbot.waitUntil(lambda: bool(caught))
    assert caught[0][0] is ZeroDivisionError


def test_an_owner_that_is_gone_gets_no_answer(qtbot: QtBot, link: EngineLink, engine: FakeEngine) -> None:
    import shiboken6

    link.attach(engine)
    gate = threading.Event()
    owner = QObject()
    answers: list[object] = []
    link.query(owner, lambda _engine: gate.wait(5), answers.append)
    shiboken6.delete(owner)
    gate.set()
    link.query(link, lambda _engine: "later", answers.append)
    qtbot.waitUntil(lambda: bool(answers))
    assert answers == ["later"]


def test_after_detach_nothing_arrives(qtbot: QtBot, link: EngineLink, engine: FakeEngine) -> None:
    link.attach(engine)
    seen: list[object] = []
    link.runs_changed.connect(seen.append)
    link.detach()
    engine.runner.tell(make_run(1, "t", RunState.SUCCEEDED, NOW))
    engine.timetable.pause_all()
    qtbot.wait(20)
    assert seen == []
    assert engine.terminal.listeners == []


def test_the_timetable_is_read_anew_when_it_changes(qtbot: QtBot, link: EngineLink, engine: FakeEngine) -> None:
    link.attach(engine)
    with qtbot.waitSignal(link.timetable_changed):
        link.set_paused(True)
    assert link.timetable.paused


def test_without_an_engine_there_is_none_to_ask(link: EngineLink) -> None:
    with pytest.raises(RuntimeError, match="not attached"):
        _ = link.engine
