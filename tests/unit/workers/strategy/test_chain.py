"""The chain of ideas: what is appended, what a kill tears, and which change of it is found."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_terminal import Bench, make_rates

from app.errors import UserAction
from app.history import RunHistory
from app.runs import Run, RunState, Trigger
from app.tasks import NoParams
from workers.ai_tasks import EvaluationResult, evaluate_all_strategies
from workers.strategy import batch, replay
from workers.strategy.batch import Batch
from workers.strategy.chain import BEGINNING, Chain, lines_of, parse
from workers.strategy.command import ideas
from workers.strategy.deciding import IdeaDesk
from workers.strategy.evidence import EvidenceLost, EvidenceStore, canonical, folder_of, sha256
from workers.strategy.ideas import IdeaFiles


def put(bench: Bench, name: str, **changes: Any) -> None:
    document: dict[str, Any] = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "conditions": {"entry": ["ema_fast_gt_slow"], "weak": ["rsi_gt_70"]},
        "strategy": {"direction": "both", "news_embargo_minutes": 0},
    }
    (bench.paths.strategies / f"{name}.json").write_text(json.dumps(document | changes), encoding="utf-8")


def run_all(bench: Bench) -> EvaluationResult:
    return evaluate_all_strategies(bench.context("evaluate_all_strategies"), NoParams())


@pytest.fixture
def written(bench: Bench) -> Bench:
    """A home with three ideas."""
    for name in ("a", "b", "c"):
        put(bench, name)
    assert run_all(bench).ideas == 3
    return bench


def chain_file(bench: Bench) -> Path:
    return folder_of(bench.paths) / "chain.jsonl"


def faults(bench: Bench) -> tuple[str, ...]:
    return replay.verify(bench.paths).faults


def rewrite(bench: Bench, change: Callable[[list[bytes]], list[bytes]]) -> None:
    lines, _torn = lines_of(chain_file(bench))
    chain_file(bench).write_bytes(b"".join(line + b"\n" for line in change(lines)))


def test_untouched_ideas_verify(written: Bench) -> None:
    found = replay.verify(written.paths)
    assert (found.ideas, found.faults, found.notes) == (3, (), ())
    lines, torn = lines_of(chain_file(written))
    links = [parse(line) for line in lines]
    assert torn == b""
    assert [link.number for link in links if link] == [1, 2, 3]
    assert links[0] is not None
    assert links[0].previous == BEGINNING
    assert links[2] is not None
    assert found.head == links[2].hash


def test_an_empty_home_verifies(bench: Bench) -> None:
    found = replay.verify(bench.paths)
    assert (found.ideas, found.head, found.faults) == (0, BEGINNING, ())


def test_an_edited_idea_is_found(written: Bench) -> None:
    path = written.paths.trade_ideas / "EURUSD_20250603_120000_2.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"confidence": 100.0', '"confidence": 99.0'), encoding="utf-8"
    )
    (fault,) = faults(written)
    assert fault.startswith("The file EURUSD_20250603_120000_2.json of idea b_")
    assert fault.endswith("was edited.")


def test_a_removed_idea_is_found(written: Bench) -> None:
    (written.paths.trade_ideas / "EURUSD_20250603_120000.json").unlink()
    (fault,) = faults(written)
    assert "of idea a_" in fault
    assert fault.endswith("was removed.")


def test_an_idea_removed_with_its_line_is_found(written: Bench) -> None:
    (written.paths.trade_ideas / "EURUSD_20250603_120000_2.json").unlink()
    rewrite(written, lambda lines: [lines[0], lines[2]])
    (fault,) = faults(written)
    assert "Line 2 of the chain, idea c_" in fault
    assert "does not follow the line before it" in fault


def test_reordered_ideas_are_found(written: Bench) -> None:
    rewrite(written, lambda lines: [lines[1], lines[0], lines[2]])
    found = faults(written)
    assert len(found) == 3
    assert all("does not follow the line before it" in fault for fault in found)


def test_an_edited_line_is_found(written: Bench) -> None:
    rewrite(written, lambda lines: [lines[0], lines[1].replace(b"2025-06-03T12", b"2025-06-03T11"), lines[2]])
    (fault,) = faults(written)
    assert "Line 2 of the chain" in fault
    assert fault.endswith("was edited.")


@pytest.mark.parametrize("line", [b"{", b"[]", b"null", b'{"number": "1"}', b"\xff", b"[" * 100_000])
def test_a_damaged_line_is_found(written: Bench, line: bytes) -> None:
    rewrite(written, lambda lines: [lines[0], line, lines[2]])
    found = faults(written)
    assert "Line 2 of the chain is damaged." in found
    # The chain goes on behind it, and the damage stays visible. The idea of that line is not known any more.
    put(written, "d")
    assert run_all(written).ideas == 2
    assert "Line 2 of the chain is damaged." in faults(written)


def test_an_end_cut_off_is_found_by_the_evaluations_of_the_day(written: Bench) -> None:
    (written.paths.trade_ideas / "EURUSD_20250603_120000_3.json").unlink()
    rewrite(written, lambda lines: lines[:2])
    (fault,) = faults(written)
    assert "saw line 3 of the chain, which is there no more" in fault


def cut_off(bench: Bench, *, evaluation: bool) -> None:
    """Take away what the last run left: the last line, its file, and the run's entry in the day's evaluation."""
    (bench.paths.trade_ideas / "EURUSD_20250603_120000_3.json").unlink()
    rewrite(bench, lambda lines: lines[:2])
    if evaluation:
        for path in bench.paths.evaluations.glob("*.json"):
            path.unlink()


def test_an_end_cut_off_with_the_evaluation_of_the_day_is_found_by_the_run(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        put(bench, name)
    result = run_all(bench)
    assert (result.chain_number, result.chain_head) == IdeaFiles(bench.paths).head()
    history = RunHistory(bench.paths.database, bench.clock)
    run = Run(
        "0661057bd6393e", "evaluate_all_strategies", RunState.SUCCEEDED, Trigger.CLI, bench.clock.now(),
        result=result.model_dump(mode="json"),
    )  # fmt: skip
    history.add(run)
    history.close()
    assert replay.verify(bench.paths).witnesses == 5  # the evaluation, the run, and its three ideas
    cut_off(bench, evaluation=True)
    head, idea = faults(bench)
    assert "The run 0661057bd6393e saw line 3 of the chain, which is there no more" in head
    assert "wrote the idea of EURUSD_20250603_120000_3.json, which no line of the chain names" in idea


def test_an_end_cut_off_is_found_by_a_decision(written: Bench) -> None:
    IdeaDesk(written.paths, written.clock, 12, "window").approve("EURUSD_20250603_120000_3")
    cut_off(written, evaluation=True)
    (fault,) = faults(written)
    assert "was approved the idea of EURUSD_20250603_120000_3.json, which no line of the chain names" in fault


def test_where_nobody_saw_the_end_nothing_is_claimed(written: Bench) -> None:
    before = ideas(written.paths, "verify", ())
    assert (before["ok"], before["witnesses"]) == (True, 1)
    assert f"3 ideas up to the head {before['head']}: none of them was edited" in before["message"]
    assert "By 1 note of runs and decisions there never was one behind them." in before["message"]
    cut_off(written, evaluation=True)
    found = ideas(written.paths, "verify", ())
    assert (found["ok"], found["ideas"], found["witnesses"]) == (True, 2, 0)
    assert found["head"] != before["head"]
    assert "never was" not in found["message"]
    assert "Keep the head elsewhere" in found["message"]
    (note,) = found["notes"]
    assert "There is evidence of 1 idea that no line of the chain names" in note


@pytest.mark.parametrize("change", [(b"{", b"{ "), (b'"hash"', b'"more": 1, "hash"'), (b"}", b"} ")])
def test_a_line_with_anything_added_is_found(written: Bench, change: tuple[bytes, bytes]) -> None:
    rewrite(written, lambda lines: [lines[0], lines[1].replace(*change), lines[2]])
    assert "Line 2 of the chain is damaged." in faults(written)


def test_a_history_that_cannot_be_read_is_told(written: Bench) -> None:
    written.paths.database.write_bytes(b"no database" * 500)
    (note,) = replay.verify(written.paths).notes
    assert note.startswith("The history of runs could not be asked (")


def test_an_idea_put_there_by_hand_is_found(written: Bench) -> None:
    source = written.paths.trade_ideas / "EURUSD_20250603_120000.json"
    (written.paths.trade_ideas / "EURUSD_20250603_120001.json").write_bytes(source.read_bytes())
    (written.paths.trade_ideas / "XAUUSD_20240603_120001.json").write_text(
        '{"id": "x", "timestamp": "2024-06-03T12:00:00.000Z", "evidence": {}}', encoding="utf-8"
    )
    found = replay.verify(written.paths)
    assert [fault.partition(" ")[0] for fault in found.faults] == ["EURUSD_20250603_120001.json"]
    assert found.notes == ("Ideas of earlier versions, which are in no chain and cannot be approved: 1.",)


def test_evidence_that_is_missing_or_edited_is_found(written: Bench) -> None:
    link = parse(lines_of(chain_file(written))[0][0])
    assert link is not None
    store = EvidenceStore(folder_of(written.paths))
    rule = store.document(link.inputs)["rule"]
    path = folder_of(written.paths) / rule[:2] / f"{rule}.z"
    path.write_bytes(zlib.compress(b"another rule"))
    (fault,) = faults(written)
    assert fault.endswith(f"The evidence {rule} is damaged or was edited.")
    with pytest.raises(EvidenceLost, match="damaged or was edited"):
        ideas(written.paths, "replay", [link.id])
    path.unlink()
    with pytest.raises(EvidenceLost, match="is missing"):
        replay.rebuild(link.inputs, store)


@pytest.mark.parametrize("content", [b"", b"no zlib", zlib.compress(b"\0" * 70_000_000), zlib.compress(b"ab")[:-3]])
def test_hostile_pieces_are_refused(bench: Bench, content: bytes) -> None:
    store = EvidenceStore(bench.paths.data / "evidence")
    name = store.put(b"something")
    (bench.paths.data / "evidence" / name[:2] / f"{name}.z").write_bytes(content)
    with pytest.raises(EvidenceLost):
        store.get(name)
    for wrong in ("", "../../x", "A" * 64):
        with pytest.raises(EvidenceLost):
            store.get(wrong)


def test_what_is_evidence_but_no_inputs_is_refused(bench: Bench) -> None:
    store = EvidenceStore(bench.paths.data / "evidence")
    for content in (b"[]", b"{", canonical({}), canonical({"rule": "x"})):
        with pytest.raises(EvidenceLost):
            replay.rebuild(store.put(content), store)


def test_a_kill_between_line_and_file_is_completed(written: Bench, caplog: pytest.LogCaptureFixture) -> None:
    path = written.paths.trade_ideas / "EURUSD_20250603_120000_3.json"
    content = path.read_bytes()
    path.unlink()
    (fault,) = faults(written)
    assert "the next evaluation completes it" in fault
    result = run_all(written)
    assert (result.ideas, result.known) == (0, 3)
    assert path.read_bytes() == content
    assert faults(written) == ()


def test_a_kill_before_the_line_leaves_no_trace(written: Bench) -> None:
    EvidenceStore(folder_of(written.paths)).put(b"of an idea that was never written")
    assert faults(written) == ()


def test_a_line_torn_by_a_kill_is_moved_aside(written: Bench, caplog: pytest.LogCaptureFixture) -> None:
    with chain_file(written).open("ab") as file:
        file.write(b'{"number": 4, "ti')
    found = replay.verify(written.paths)
    assert found.faults == ()
    assert "torn by an interrupted write" in found.notes[0]
    put(written, "d")
    assert run_all(written).ideas == 1
    assert replay.verify(written.paths).faults == ()
    assert replay.verify(written.paths).ideas == 4
    side = chain_file(written).with_name("chain.rejected.jsonl")
    assert side.read_bytes() == b'{"number": 4, "ti\n'


class Kill(BaseException):
    """The end of the process, in the middle of things."""


@pytest.mark.parametrize("step", range(15))
def test_wherever_a_kill_comes_the_next_run_completes_all(
    bench: Bench, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bench, "a")
    put(bench, "b")
    left = [step]

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def write(*args: Any, **options: Any) -> Any:
            if not left[0]:
                raise Kill
            left[0] -= 1
            return real(*args, **options)

        return write

    with monkeypatch.context() as patch:
        patch.setattr(batch, "replace", dying(batch.replace))
        patch.setattr(Chain, "append_all", dying(Chain.append_all))
        patch.setattr(Batch, "add", dying(Batch.add))
        with pytest.raises(Kill):
            run_all(bench)
    again = run_all(bench)
    assert again.ideas + again.known == 2
    assert faults(bench) == ()
    assert len(list(bench.paths.trade_ideas.glob("*.json"))) == 2


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_file_of_half_an_idea_cannot_be(written: Bench, cut: int, caplog: pytest.LogCaptureFixture) -> None:
    """Wherever the line of an idea is torn, the next run writes that idea whole."""
    data = chain_file(written).read_bytes()
    last = data[:-1].rfind(b"\n") + 1
    chain_file(written).write_bytes(data[: last + cut])
    (written.paths.trade_ideas / "EURUSD_20250603_120000_3.json").unlink()
    (written.paths.evaluations / "evaluation_20250603.json").unlink()  # a kill came before it too
    assert run_all(written).ideas == 1
    assert faults(written) == ()


def test_long_chains_are_read_from_their_end(bench: Bench) -> None:
    path = bench.paths.data / "chain.jsonl"
    chain = Chain(path)
    for number in range(1500):
        chain.append(
            f"2025-06-{1 + number // 100:02}T00:00:00.000Z", f"idea{number}", f"f{number}.json", "0" * 64, "1" * 64
        )
    again = Chain(path)
    late = again.recent("2025-06-15T00:00:00.000Z")
    assert 100 <= len(late) < 1500
    assert late[-1].id == "idea1499"
    assert again.head == chain.head == (1500, late[-1].hash)
    assert len(again.recent("2025-06-01T00:00:00.000Z")) == 1500
    # Another object sees what this one appends.
    chain.append("2025-06-20T00:00:00.000Z", "more", "m.json", "0" * 64, "1" * 64)
    assert again.recent("2025-06-19T00:00:00.000Z")[-1].id == "more"
    assert again.head[0] == 1501


def test_list_and_replay(written: Bench) -> None:
    listed = ideas(written.paths, "list", [])["ideas"]
    assert len(listed) == 3
    assert listed[0]["volume"] > 0
    for item in listed:
        found = ideas(written.paths, "replay", [item["id"]])
        assert (found["ok"], found["identical"], found["file"]) == (True, True, item["file"])
        assert sha256((written.paths.trade_ideas / item["file"]).read_bytes())
    for wrong in ([], ["a", "b"], ["nosuch"]):
        with pytest.raises(UserAction):
            ideas(written.paths, "replay", wrong)
    with pytest.raises(UserAction, match="takes nothing more"):
        ideas(written.paths, "verify", ["x"])
    (written.paths.trade_ideas / "EURUSD_x.json").write_text("{", encoding="utf-8")
    assert len(ideas(written.paths, "list", [])["ideas"]) == 3
    assert ideas(written.paths, "verify", [])["ok"] is False


def test_a_stretch_of_ideas_replays_byte_for_byte(bench: Bench) -> None:
    put(bench, "plain")
    put(bench, "hours", conditions={"entry": ["H1.close > H1.ema(3)"]}, strategy={"direction": "long", "min_rr": 3})
    hours = bench.terminal.history["EURUSD", "M5"][::12].copy()
    bench.terminal.history["EURUSD", "H1"] = hours
    bench.terminal.simulated = True
    profile = {"symbol": "EURUSD", "style": {"rrTarget": 3, "maxRiskPct": 0.004}}
    history = bench.terminal.history["EURUSD", "M5"]
    more = make_rates(history["close"][-300:], bench.clock.now())
    bench.terminal.history["EURUSD", "M5"] = np.concatenate((history[:-1], more))
    for step in range(24):
        if step == 12:
            (bench.paths.profiles / "EURUSD.json").write_text(json.dumps(profile), encoding="utf-8")
            bench.terminal.equity = 9_990.123456789
        bench.terminal.quote("EURUSD", 1.1, 1.1001, age_s=1)  # the feed moves on
        run_all(bench)
        bench.clock.advance(300)
    links = IdeaFiles(bench.paths).recent(bench.clock.now().replace(year=2024))
    assert len(links) >= 24
    for link in links:
        again = replay.rebuild(link.inputs, EvidenceStore(folder_of(bench.paths)))
        assert again.content == (bench.paths.trade_ideas / link.file).read_bytes()
    assert faults(bench) == ()
