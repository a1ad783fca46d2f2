"""Ideas that carry what their score was worth: written, made again from evidence, shown, and of earlier engines."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from idea_maker import make_idea

from app.cli_ideas import IdeaOptions
from app.clock import FakeClock
from app.paths import Paths
from app.storage import Storage
from workers.strategy import calibration
from workers.strategy.command import ideas
from workers.strategy.evidence import EvidenceStore, folder_of
from workers.strategy.idea_files import IdeaReader, facts_of, rows
from workers.strategy.replay import rebuild, verify
from workers.strategy.schema import parse_strategy

AT = datetime(2025, 6, 3, 9, 7, tzinfo=UTC)
STEPS = [(60.0, 70.0, 40, 10), (80.0, 100.0, 214, 122)]


def written(paths: Paths) -> Path:
    return next(paths.trade_ideas.glob("*.json"))


def test_an_idea_carries_its_calibration_and_is_made_again_byte_for_byte(paths: Paths) -> None:
    idea = make_idea(paths, AT, steps=STEPS)
    assert idea.calibration is not None
    assert idea.calibration.text == "57 % (50-63 %, n=214) reached target first; break-even needs 33 %"
    content = written(paths).read_bytes()
    assert json.loads(content)["evidence"]["calibration_sha256"] == idea.evidence.calibration_sha256
    assert "news" not in json.loads(content)["calibration"]  # as in ideas that were written before there was a word
    again = rebuild(idea.evidence.inputs_sha256, EvidenceStore(folder_of(paths)))
    assert again.content == content
    assert not verify(paths).faults


def test_an_idea_says_that_the_embargo_was_not_applied(paths: Paths) -> None:
    idea = make_idea(paths, AT, steps=STEPS, measured_news="not applied: no calendar was stored")
    assert idea.calibration is not None
    worth = "needs 33 %; the news embargo of the rule was not applied: no calendar was stored"
    assert idea.calibration.text.endswith(worth)
    again = rebuild(idea.evidence.inputs_sha256, EvidenceStore(folder_of(paths)))
    assert again.content == written(paths).read_bytes()
    assert b"not applied: no calendar was stored" in again.content
    [row] = ideas(paths, "list", [])["ideas"]
    assert row["calibration_text"].endswith(worth)


def test_its_evidence_is_part_of_the_proof(paths: Paths) -> None:
    idea = make_idea(paths, AT, steps=STEPS)
    name = idea.evidence.calibration_sha256
    assert name is not None
    (folder_of(paths) / name[:2] / f"{name}.z").unlink()
    assert any(f"The evidence {name} is missing" in fault for fault in verify(paths).faults)


def test_a_changed_rule_says_so_and_so_does_its_replay(paths: Paths) -> None:
    idea = make_idea(paths, AT, steps=STEPS, measured_rule="0" * 64)
    assert idea.calibration is not None
    assert idea.calibration.text == "not calibrated: the rule or its profile changed since its backtest"
    again = rebuild(idea.evidence.inputs_sha256, EvidenceStore(folder_of(paths)))
    assert again.content == written(paths).read_bytes()


def test_an_idea_of_the_engine_before_is_made_again_without_a_word_of_it(paths: Paths) -> None:
    idea = make_idea(paths, AT, engine="3")
    content = written(paths).read_bytes()
    assert b"calibration" not in content
    again = rebuild(idea.evidence.inputs_sha256, EvidenceStore(folder_of(paths)))
    assert (again.content, again.engine) == (content, "3")
    answer = ideas(paths, "replay", [idea.id])
    assert answer["identical"]


def test_the_list_says_what_a_score_is_worth(paths: Paths) -> None:
    make_idea(paths, AT, steps=STEPS)
    [row] = ideas(paths, "list", [])["ideas"]
    worth = "57 % (50-63 %, n=214) reached target first; break-even needs 33 %"
    assert row["calibration_text"] == f"score {row['confidence']:g}; {worth}"
    assert row["reached_text"] == "57 % (50-63 %, n=214), needs 33 %"
    assert row["calibration"]["probability"] == 0.5701


def test_edited_prices_are_not_those_that_were_measured(paths: Paths, fake_clock: FakeClock) -> None:
    options = IdeaOptions(clock=fake_clock)
    idea = make_idea(paths, fake_clock.now(), steps=STEPS)
    ideas(paths, "edit", [idea.id, "volume=0.01"], options)
    assert ideas(paths, "list", [], options)["ideas"][0]["calibration"] is not None
    ideas(paths, "edit", [idea.id, f"target={idea.take_profit + 0.0001:.5f}"], options)
    [row] = ideas(paths, "list", [], options)["ideas"]
    assert row["calibration"] is None
    assert row["calibration_text"].endswith("; not calibrated: its prices were edited, and other ones were measured")


def exported(paths: Paths, file: Path) -> dict[str, str]:
    assert ideas(paths, "export", [str(file)])["ok"]
    with file.open(encoding="utf-8", newline="") as stream:
        [row] = csv.DictReader(stream)
    return row


def test_an_export_says_what_a_score_is_worth(paths: Paths, tmp_path: Path) -> None:
    idea = make_idea(paths, AT, steps=STEPS)
    row = exported(paths, tmp_path / "ideas.csv")
    names = ("calibrated", "probability", "probability_low", "probability_high", "signals", "reached", "break_even")
    assert [row[name] for name in names] == ["yes", "0.5701", "0.5031", "0.6346", "214", "122", "0.3333"]
    worth = "57 % (50-63 %, n=214) reached target first; break-even needs 33 %"
    assert row["calibration_text"] == f"score {idea.confidence:g}; {worth}"
    assert list(row)[-1] == "calibration_text"  # what was there before stands where it stood


def test_an_export_says_why_a_score_is_not_calibrated(paths: Paths, tmp_path: Path) -> None:
    idea = make_idea(paths, AT, steps=STEPS, measured_rule="0" * 64)
    row = exported(paths, tmp_path / "ideas.csv")
    assert (row["calibrated"], row["probability"], row["break_even"]) == ("no", "", "0.3333")
    why = "not calibrated: the rule or its profile changed since its backtest"
    assert row["calibration_text"] == f"score {idea.confidence:g}; {why}"


def test_an_export_of_an_idea_of_the_engine_before_says_that_nothing_was_measured(paths: Paths, tmp_path: Path) -> None:
    make_idea(paths, AT, engine="3")
    row = exported(paths, tmp_path / "ideas.csv")
    assert (row["calibrated"], row["break_even"]) == ("no", "")
    assert row["calibration_text"].endswith("; not calibrated: its version of Metronome did not measure it")


def test_facts_without_a_word_of_calibration_have_none(paths: Paths) -> None:
    make_idea(paths, AT, engine="3")
    facts, _broken = IdeaReader(paths.trade_ideas).read()
    assert rows(facts, (), 12, AT)[0].calibration is None
    document = json.loads(written(paths).read_bytes()) | {"calibration": {"calibrated": "perhaps"}}
    assert facts_of("x.json", json.dumps(document).encode()) is None


@pytest.mark.allow_warnings("")
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 1, "steps": 3}', b'{"schema": 99}'])
def test_a_file_that_holds_no_calibration_is_none(paths: Paths, fake_clock: FakeClock, content: bytes) -> None:
    rule = {"symbol": "EURUSD", "timeframe": "M5", "conditions": {"entry": ["close > 0"]}}
    strategy = parse_strategy(json.dumps({**rule, "strategy": {"direction": "long"}}), "some.json")
    storage = Storage(paths, fake_clock)
    assert calibration.load(storage, strategy) is None
    path = calibration.path_of(paths, "some", "EURUSD", "M5")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert calibration.load(storage, strategy) is None
