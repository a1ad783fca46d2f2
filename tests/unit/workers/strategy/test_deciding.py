"""Decisions about real ideas: what they change, what they leave alone, and their twins on the command line."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hand_terminal import Bench

from app.cli_ideas import IdeaOptions
from app.clock import FakeClock
from app.errors import NothingToDo, UserAction
from app.paths import Paths
from app.tasks import NoParams
from tests.idea_maker import make_idea
from workers.ai_tasks import evaluate_all_strategies
from workers.strategy import evidence, idea_card, replay
from workers.strategy.chain import FILE_NAME, parse
from workers.strategy.command import ideas
from workers.strategy.deciding import IdeaDesk
from workers.strategy.decision_book import Kind
from workers.strategy.idea_edit import BadTerms
from workers.strategy.idea_files import IdeaRow
from workers.strategy.idea_life import State
from workers.strategy.idea_statistics import COLUMNS, statistics, write_csv
from workers.strategy.ideas import TradeIdea

NOW = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def idea(paths: Paths, fake_clock: FakeClock) -> TradeIdea:
    """A pending idea of 12:00, which ends at 13:00."""
    assert fake_clock.now() == NOW
    return make_idea(paths, NOW)


@pytest.fixture
def desk(paths: Paths, fake_clock: FakeClock, idea: TradeIdea) -> IdeaDesk:
    return IdeaDesk(paths, fake_clock, 12, "window")


def row_of(desk: IdeaDesk, id: str) -> IdeaRow:
    return next(row for row in desk.board().rows if row.facts.id == id)


def options(clock: FakeClock, **values: str) -> IdeaOptions:
    return IdeaOptions(clock=clock, **values)


def test_an_idea_is_approved_once(desk: IdeaDesk, idea: TradeIdea) -> None:
    assert row_of(desk, idea.id).state is State.PENDING
    made = desk.approve(idea.id)
    assert (made.kind, made.by, made.time, made.symbol, made.score) == (
        Kind.APPROVE,
        "window",
        NOW,
        "EURUSD",
        idea.confidence,
    )
    assert row_of(desk, idea.id).state is State.APPROVED
    with pytest.raises(UserAction, match="It was approved already, so it cannot be approved"):
        desk.approve(idea.id)
    with pytest.raises(UserAction, match="cannot be edited"):
        desk.edit(idea.id, replace(row_of(desk, idea.id).terms, volume=None))


def test_an_approval_can_be_withdrawn_until_the_end(desk: IdeaDesk, idea: TradeIdea, fake_clock: FakeClock) -> None:
    desk.approve(idea.id)
    desk.reject(idea.id, "  Spread too\n wide ")
    assert row_of(desk, idea.id).state is State.REJECTED
    assert desk.board().decisions[0].reason == "Spread too wide"
    with pytest.raises(UserAction, match="It was rejected already"):
        desk.approve(idea.id)
    other = make_idea(desk._paths, NOW, name="other")
    desk.approve(other.id)
    fake_clock.advance(3600)
    with pytest.raises(UserAction, match="the approval cannot be withdrawn"):
        desk.reject(other.id, "Too late")


@pytest.mark.parametrize(("reason", "text"), [("", "needs a reason"), (" \n", "needs a reason"), ("x" * 501, "501")])
def test_a_rejection_needs_a_reason_of_some_length(desk: IdeaDesk, idea: TradeIdea, reason: str, text: str) -> None:
    with pytest.raises(UserAction, match=text):
        desk.reject(idea.id, reason)
    assert row_of(desk, idea.id).state is State.PENDING


def test_an_edit_is_recalculated_and_recorded(desk: IdeaDesk, idea: TradeIdea) -> None:
    before = row_of(desk, idea.id).terms
    terms = replace(before, stop=round(before.entry - 0.00100, 5), volume=0.5)
    made = desk.edit(idea.id, terms)
    assert made.before is not None
    assert made.after is not None
    assert made.before.terms == before
    # 100 ticks of 1 USD for half a lot.
    assert made.after.risk_money == pytest.approx(50.0)
    assert made.after.risk_share == pytest.approx(0.005)
    assert made.after.reward_risk == pytest.approx((before.target - before.entry) / 0.00100)
    row = row_of(desk, idea.id)
    assert (row.state, row.terms) == (State.PENDING, terms)
    assert row.reward_risk == made.after.reward_risk
    # The next edit starts from this one.
    again = desk.edit(idea.id, replace(terms, volume=0.4))
    assert again.before == made.after
    with pytest.raises(UserAction, match="Nothing was changed"):
        desk.edit(idea.id, replace(terms, volume=0.4))
    with pytest.raises(BadTerms, match="The stop of a long must be below"):
        desk.edit(idea.id, replace(terms, stop=terms.target))
    desk.approve(idea.id)
    assert row_of(desk, idea.id).terms.volume == 0.4


def test_decisions_leave_files_chain_and_replay_alone(desk: IdeaDesk, idea: TradeIdea, paths: Paths) -> None:
    file = row_of(desk, idea.id).facts.file
    before = {path: path.read_bytes() for path in (paths.trade_ideas / file, paths.data / "evidence" / "chain.jsonl")}
    desk.edit(idea.id, replace(row_of(desk, idea.id).terms, volume=0.1))
    desk.approve(idea.id)
    desk.reject(idea.id, "No")
    assert {path: path.read_bytes() for path in before} == before
    assert replay.verify(paths).faults == ()
    assert ideas(paths, "replay", (idea.id,))["identical"] is True


def test_an_idea_whose_file_was_touched_cannot_be_approved(desk: IdeaDesk, idea: TradeIdea, paths: Paths) -> None:
    path = paths.trade_ideas / row_of(desk, idea.id).facts.file
    path.write_text(path.read_text(encoding="utf-8").replace('"long"', '"short"'), encoding="utf-8")
    with pytest.raises(UserAction, match="was edited after it was written"):
        desk.approve(idea.id)
    desk.reject(idea.id, "It was touched")


def test_ideas_end_by_the_clock_and_that_is_recorded_once(
    desk: IdeaDesk, idea: TradeIdea, fake_clock: FakeClock, paths: Paths
) -> None:
    assert desk.expire() == ()
    taken = make_idea(paths, NOW, name="taken")
    desk.approve(taken.id)
    assert desk.pending() == 1
    fake_clock.advance(3600)
    assert row_of(desk, idea.id).state is State.EXPIRED  # shown before it is recorded
    assert (desk.pending(), desk.board().decisions[0].idea) == (0, taken.id)
    with pytest.raises(UserAction, match="It expired at 2025-06-03 13:00 UTC"):
        desk.approve(idea.id)
    (ended,) = desk.expire()
    assert (ended.idea, ended.kind, ended.time) == (idea.id, Kind.EXPIRE, NOW + timedelta(hours=1))
    assert desk.expire() == IdeaDesk(paths, fake_clock, 12, "evaluation").expire() == ()
    # A longer time in the settings wakes nothing that was recorded as ended.
    assert row_of(IdeaDesk(paths, fake_clock, 500, "window"), idea.id).state is State.EXPIRED


def test_the_evaluation_records_the_end(bench: Bench) -> None:
    rule = {
        "symbol": "EURUSD", "timeframe": "M5", "conditions": {"entry": ["close > 0"]},
        "strategy": {"direction": "long", "news_embargo_minutes": 0},
    }  # fmt: skip
    path = bench.paths.strategies / "a.json"
    path.write_text(json.dumps(rule), encoding="utf-8")
    result = evaluate_all_strategies(bench.context("evaluate_all_strategies"), NoParams())
    assert (result.ideas, result.expired) == (1, 0)
    bench.clock.advance(3601)
    path.unlink()
    with pytest.raises(NothingToDo):  # nothing to evaluate; the end is recorded all the same
        evaluate_all_strategies(bench.context("evaluate_all_strategies"), NoParams())
    desk = IdeaDesk(bench.paths, bench.clock, 12, "window")
    (ended,) = desk.board().decisions
    assert (ended.kind, ended.by) == (Kind.EXPIRE, "evaluation")


@pytest.mark.allow_warnings("The end of trade ideas was not recorded")
def test_decisions_that_cannot_be_written_cost_no_evaluation(bench: Bench) -> None:
    make_idea(bench.paths, NOW)
    (bench.paths.data / "trade_decisions.json").write_bytes(b'{"schema": 9, "entries": []}')
    rule = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "conditions": {"entry": ["close > 0"]},
        "strategy": {"direction": "long"},
    }
    (bench.paths.strategies / "a.json").write_text(json.dumps(rule), encoding="utf-8")
    ctx = bench.context("evaluate_all_strategies")
    result = evaluate_all_strategies(ctx, NoParams())
    assert (result.strategies, result.expired) == (1, 0)
    assert any("The end of trade ideas was not recorded" in text and "schema 9" in text for text in ctx.warnings)


def test_statistics_count_each_idea_once(desk: IdeaDesk, paths: Paths, fake_clock: FakeClock) -> None:
    made = [make_idea(paths, NOW, name=name) for name in ("a", "b", "c")]
    desk.edit(made[0].id, replace(row_of(desk, made[0].id).terms, volume=0.1))
    desk.approve(made[0].id)
    desk.reject(made[1].id, "No")
    found = statistics(desk.board().rows)
    total = found.total
    assert (total.ideas, total.pending, total.approved, total.rejected, total.expired, total.edited) == (
        4,
        2,
        1,
        1,
        0,
        1,
    )
    assert total.mean_approved == made[0].confidence
    assert [(one.name, one.ideas) for one in found.by_strategy] == [("a", 1), ("always", 1), ("b", 1), ("c", 1)]
    assert statistics(()).total.mean_rejected is None


def test_ideas_are_exported(desk: IdeaDesk, idea: TradeIdea, tmp_path: Path) -> None:
    desk.reject(idea.id, "=cmd|' /C calc'!A0")
    file = tmp_path / "ideas.csv"
    assert write_csv(file, desk.board().rows) == 1
    with file.open(encoding="utf-8", newline="") as stream:
        head, line = csv.reader(stream)
    found = dict(zip(head, line, strict=True))
    assert tuple(head) == COLUMNS
    assert (found["id"], found["state"], found["decided_by"]) == (idea.id, "rejected", "window")
    assert found["reason"].startswith("'=")  # no formula for a spreadsheet


def test_files_that_hold_no_idea_are_named(desk: IdeaDesk, paths: Paths) -> None:
    for number, content in enumerate(
        (b"", b"{}", b"[1]", b"\xff", b'{"id": 1, "timestamp": "2025-06-03"}', b"[" * 9999)
    ):
        (paths.trade_ideas / f"bad{number}.json").write_bytes(content)
    board = desk.board()
    assert len(board.rows) == 1
    assert board.broken == tuple(f"bad{number}.json" for number in range(6))


def test_an_idea_that_is_in_no_chain_can_only_be_rejected(desk: IdeaDesk, idea: TradeIdea, paths: Paths) -> None:
    document = json.loads((paths.trade_ideas / row_of(desk, idea.id).facts.file).read_bytes())
    del document["evidence"]
    (paths.trade_ideas / "old.json").write_text(json.dumps(document | {"id": "old"}), encoding="utf-8")
    for refused in (lambda: desk.approve("old"), lambda: desk.edit("old", row_of(desk, "old").terms)):
        with pytest.raises(UserAction, match="is in no chain, so it cannot be trusted"):
            refused()
    assert desk.reject("old", "Nobody knows where it comes from").idea == "old"


@pytest.mark.parametrize("name", ["", "forged.json"], ids=["the chained file", "a new file"])
def test_an_idea_that_denies_its_evidence_cannot_be_approved(
    desk: IdeaDesk, idea: TradeIdea, paths: Paths, name: str
) -> None:
    path = paths.trade_ideas / row_of(desk, idea.id).facts.file
    document = json.loads(path.read_bytes()) | {"stop_loss": 0.5, "volume": 50.0}
    del document["evidence"]["inputs_sha256"]
    document["id"] = "forged" if name else idea.id
    (path.with_name(name) if name else path).write_text(json.dumps(document), encoding="utf-8")
    terms = replace(row_of(desk, document["id"]).terms, volume=0.02)
    for refused in (lambda: desk.approve(document["id"]), lambda: desk.edit(document["id"], terms)):
        with pytest.raises(UserAction, match="so it cannot be trusted"):
            refused()
    assert desk.board().decisions == ()
    assert any((name or path.name) in fault for fault in replay.verify(paths).faults)


@pytest.mark.parametrize("seal", [True, False])
def test_a_line_added_for_an_edited_file_makes_it_no_better(
    desk: IdeaDesk, idea: TradeIdea, paths: Paths, seal: bool
) -> None:
    path = paths.trade_ideas / row_of(desk, idea.id).facts.file
    path.write_bytes(path.read_bytes().replace(b'"long"', b'"short"'))
    chain = evidence.folder_of(paths) / FILE_NAME
    link = parse(chain.read_bytes().splitlines()[0])
    assert link is not None
    forged = replace(link, sha256=evidence.sha256(path.read_bytes()))
    if seal:  # a second line
        with chain.open("ab") as file:
            file.write(replace(forged, number=2, previous=link.hash).sealed().line())
    else:  # the one line edited
        chain.write_bytes(forged.line())
    with pytest.raises(UserAction, match="is in a chain that was tampered with"):
        desk.approve(idea.id)


def test_the_card_of_an_idea(desk: IdeaDesk, idea: TradeIdea, paths: Paths, bench: Bench) -> None:
    card = idea_card.load(bench.storage, row_of(desk, idea.id), "UTC", replay.IdeaChecker(paths))
    assert (card.intact, card.chain, card.trouble) == (True, "line 1 of 1, chain intact", "")
    assert len(card.chart.rates) == 500
    assert card.decided == int(card.chart.rates["time"][-1]) == int((NOW - timedelta(minutes=5)).timestamp())
    assert [(band.name, datetime.fromtimestamp(band.first, UTC).hour) for band in card.bands][-1] == ("London", 6)
    # Adds up to the score, line by line, with the conditions that decided it.
    assert [line.title for line in card.score] == ["Entry", "Aligned", "Scaled to 100", "Weak", "News", "Score"]
    assert card.score[0].text.startswith("close ")
    assert card.score[-1].points == f"{idea.confidence:g}"
    assert {line.group for line in card.evidence} == {"Entry", "Weak", "Gate", "Price", "Size", "SHA-256", "Engine"}
    assert card.figures is not None
    assert card.figures.risk_money == pytest.approx(100.0, abs=5)
    file = next((paths.data / "evidence").glob("*/*.z"))
    file.unlink()
    broken = idea_card.load(bench.storage, row_of(desk, idea.id), "UTC", replay.IdeaChecker(paths))
    assert not broken.intact
    assert "is missing" in broken.chain


def test_the_checker_reads_on_and_finds_what_verify_finds(idea: TradeIdea, paths: Paths) -> None:
    checker = replay.IdeaChecker(paths)
    names = [path.name for path in paths.trade_ideas.glob("*.json")]
    assert checker.check(names[0]) == replay.CheckedIdea(1, 1, ())
    make_idea(paths, NOW + timedelta(seconds=1), name="second")
    (name,) = {path.name for path in paths.trade_ideas.glob("*.json")} - set(names)
    assert checker.check(name) == replay.CheckedIdea(2, 2, ())
    assert checker.check("nosuch.json").faults == ("nosuch.json is in no line of the chain.",)
    chain = paths.data / "evidence" / "chain.jsonl"
    lines = chain.read_bytes().splitlines(keepends=True)
    chain.write_bytes(lines[1])
    found = checker.check(name)
    assert (found.number, found.lines) == (2, 1)
    assert found.faults == tuple(fault for fault in replay.verify(paths).faults if "Line 1" in fault)
    chain.write_bytes(b"".join(lines))
    assert checker.check(name).faults == ()


# -- the command line --------------------------------------------------------------------------------------------------


def test_the_command_line_decides(desk: IdeaDesk, idea: TradeIdea, paths: Paths, fake_clock: FakeClock) -> None:
    now = options(fake_clock)
    assert ideas(paths, "list", (), options(fake_clock, status="approved"))["ideas"] == []
    (listed,) = ideas(paths, "list", (), options(fake_clock, status="pending"))["ideas"]
    assert (listed["id"], listed["status"], listed["expires"]) == (idea.id, "pending", "2025-06-03T13:00:00.000Z")
    edited = ideas(paths, "edit", (idea.id, "volume=0.10"), now)
    assert edited["message"].startswith(f"Idea {idea.id} is edited: reward/risk 2.00, 0.1 lots risk ")
    approved = ideas(paths, "approve", (idea.id,), now)
    assert "Metronome sends no order" in approved["message"]
    assert approved["decision"]["by"] == "command line"
    rejected = ideas(paths, "reject", (idea.id,), options(fake_clock, reason="Changed my mind"))
    assert rejected["message"] == f"Idea {idea.id} is rejected: Changed my mind"
    file = paths.home / "out.csv"
    assert ideas(paths, "export", (str(file),), now)["ideas"] == 1
    assert file.read_text(encoding="utf-8").count("rejected") == 1


@pytest.mark.parametrize(
    ("action", "values", "text"),
    [
        ("approve", (), "Name one idea"),
        ("approve", ("a", "b"), "Name one idea"),
        ("approve", ("nosuch",), "no trade idea called nosuch"),
        ("reject", ("IDEA",), "needs a reason"),
        ("edit", ("nosuch", "stop=1"), "no trade idea called nosuch"),
        ("edit", ("IDEA", "size=1"), "names nothing to edit"),
        ("edit", ("IDEA", "stop=low"), "is no number"),
        ("edit", ("IDEA",), "Nothing was changed"),
        ("export", (), "Name one file"),
        ("list", ("x",), "takes nothing more"),
    ],
)
def test_wrong_commands_are_refused(
    desk: IdeaDesk,
    idea: TradeIdea,
    paths: Paths,
    fake_clock: FakeClock,
    action: str,
    values: tuple[str, ...],
    text: str,
) -> None:
    given = tuple(idea.id if value == "IDEA" else value for value in values)
    with pytest.raises(UserAction, match=text):
        ideas(paths, action, given, options(fake_clock))
