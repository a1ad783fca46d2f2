"""How times, amounts and states read."""

from datetime import timedelta

import pytest
from fake_engine import NOW, make_run

from app.runs import Progress, RunState
from ui import words

GAP = words.GAP


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, words.DASH),
        (0.0021, f"2.1{GAP}ms"),
        (0.04, f"0.04{GAP}s"),
        (0.34, f"0.3{GAP}s"),
        (250, f"4{GAP}min 10{GAP}s"),
        (7300, f"2{GAP}h 1{GAP}min"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "now"),
        (0, "now"),
        (148, "2:28"),
        (3599, "59:59"),
        (3148, "52:28"),
        (54000, f"15{GAP}h"),
        (432000, f"5{GAP}d"),
    ],
)
def test_countdown(seconds: float, text: str) -> None:
    assert words.countdown(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("ago", "text"),
    [(1, "just now"), (47, "45 s ago"), (130, "2 min ago"), (7300, "2 h ago"), (86400 * 3, "3 days ago")],
)
def test_age(ago: float, text: str) -> None:
    assert words.age(NOW - timedelta(seconds=ago), NOW) == text


@pytest.mark.parametrize("state", list(RunState))
def test_every_state_has_an_icon_a_colour_and_a_word(state: RunState) -> None:
    look = words.state_look(state)
    assert look.icon
    assert look.role
    assert look.word


def test_no_two_states_look_the_same() -> None:
    looks = [(words.state_look(state).icon, words.state_look(state).word) for state in RunState]
    assert len(set(looks)) == len(looks)


def test_a_failure_says_its_reason_and_a_success_its_result() -> None:
    assert words.sentence(make_run(1, "t", RunState.FAILED, NOW, text="Disk full on D:.")) == "Disk full on D:."
    assert words.sentence(make_run(1, "t", RunState.SUCCEEDED, NOW, text="8 symbols")) == "8 symbols"


def test_a_run_being_stopped_says_so() -> None:
    run = make_run(1, "t", RunState.RUNNING, NOW, cancelling=True, progress=Progress(1, 3))
    assert words.run_look(run).word == "Cancelling"
