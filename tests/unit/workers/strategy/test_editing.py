"""Changes of rule files: nothing of a user is lost, whatever the names and whoever else writes."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import FakeClock
from app.errors import UserAction
from app.files import StorageError
from app.paths import Paths, safe_name
from workers.strategy import library
from workers.strategy.editing import LONGEST_STEM, Binned, ChangedOnDisk, StrategyFiles, examples, file_stem
from workers.strategy.library import load

TEXT = """{
    "id": "a",   "name": "One",
    "enabled": true, "symbol": "EURUSD", "timeframe": "M5",
    "conditions": {"entry": ["ema_fast_gt_slow"]},
    "strategy": {"direction": "long"}
}
"""
NOW = "2025-06-03T12:00:00.000Z"


@pytest.fixture
def files(paths: Paths, fake_clock: FakeClock) -> StrategyFiles:
    """A home with one strategy."""
    (paths.strategies / "a.json").write_text(TEXT, encoding="utf-8")
    return StrategyFiles(paths, fake_clock)


def on_disk(files: StrategyFiles, name: str = "a.json") -> str:
    return (files.folder / name).read_text(encoding="utf-8")


def names(files: StrategyFiles) -> set[str]:
    return {path.name for path in files.folder.iterdir()}


def test_a_switch_changes_nothing_else(files: StrategyFiles) -> None:
    files.set_enabled("a.json", enabled=False)
    wanted = TEXT.replace("true", "false").replace('"long"}\n', f'"long"}},\n    "updated_at": "{NOW}"\n')
    assert on_disk(files) == wanted


def test_saving_keeps_line_ends_mark_and_what_it_does_not_know(files: StrategyFiles) -> None:
    content = b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode()
    (files.folder / "a.json").write_bytes(content)
    opened = files.open("a.json")
    assert opened.text == TEXT
    saved = files.save("a.json", opened.text.replace("One", "Öne"), opened.sha256)
    written = (files.folder / "a.json").read_bytes()
    assert written.startswith(b"\xef\xbb\xbf{\r\n")
    assert b"\n" not in written.replace(b"\r\n", b"")
    assert files.open("a.json") == saved
    assert json.loads(saved.text)["updated_at"] == NOW
    assert json.loads(saved.text)["name"] == "Öne"


def test_a_text_that_is_no_json_is_saved_as_it_is(files: StrategyFiles) -> None:
    opened = files.open("a.json")
    files.save("a.json", "{ half", opened.sha256)
    assert on_disk(files) == "{ half"
    with pytest.raises(UserAction, match="not valid JSON"):
        files.set_enabled("a.json", enabled=True)
    with pytest.raises(UserAction, match="not valid JSON"):
        files.duplicate("a.json")
    assert on_disk(files) == "{ half"


def test_what_another_program_wrote_is_never_overwritten(files: StrategyFiles) -> None:
    opened = files.open("a.json")
    (files.folder / "a.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ChangedOnDisk, match=r"a\.json was changed by another program") as caught:
        files.save("a.json", "{mine}", opened.sha256)
    assert not caught.value.gone
    assert on_disk(files) == "{}"
    (files.folder / "a.json").unlink()
    with pytest.raises(ChangedOnDisk, match="was removed") as caught:
        files.save("a.json", "{mine}", opened.sha256)
    assert caught.value.gone
    assert names(files) == set()
    copy = files.save_copy("a.json", TEXT)
    assert copy.file_name == "a.json"
    assert files.save_copy("a.json", TEXT).file_name == "a_2.json"
    assert not load(files.folder).bad


def test_a_save_that_fails_leaves_the_old_file(files: StrategyFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = files.open("a.json")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        files.save("a.json", TEXT.replace("One", "Two"), opened.sha256)
    assert names(files) == {"a.json"}
    assert on_disk(files) == TEXT


def test_readers_never_see_half_a_file(files: StrategyFiles) -> None:
    seen: set[str] = set()
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            seen.add(json.loads((files.folder / "a.json").read_bytes())["description"])

    opened = files.open("a.json")
    texts = [TEXT.replace('"name"', f'"description": "{letter * 50_000}", "name"') for letter in "xyz"]
    opened = files.save("a.json", texts[0], opened.sha256)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(30):
            opened = files.save("a.json", texts[number % 3], opened.sha256)
    finally:
        over.set()
        reader.join()
    assert seen <= {letter * 50_000 for letter in "xyz"}


def test_copies_are_off_and_have_names_of_their_own(files: StrategyFiles) -> None:
    first, second = files.duplicate("a.json"), files.duplicate("a.json")
    third = files.duplicate(first.file_name)
    assert names(files) == {"a.json", "a_2.json", "a_3.json", "a_4.json"}
    found = load(files.folder)
    assert not found.bad
    rules = {rule.file_name: rule.strategy for rule in found.rules}
    assert [rules[copy.file_name].enabled for copy in (first, second, third)] == [False] * 3
    assert rules["a_2.json"].id == "a_2"
    assert rules["a_2.json"].name == "One (copy)"
    assert rules["a_2.json"].created_by == "user"


def test_new_ones_are_plain_or_like_an_example(files: StrategyFiles) -> None:
    assert examples()
    for example in ("", *examples()):
        made = files.create("", example)
        assert json.loads(made.text)["enabled"] is False
    named = files.create("Über con:trarian/..\\ 5 %")
    assert named.file_name == "Uber_con_trarian_5.json"
    assert json.loads(named.text)["name"] == "Über con:trarian/..\\ 5 %"
    found = load(files.folder)
    assert not found.bad
    assert len(found.rules) == len(examples()) + 3
    with pytest.raises(UserAction, match="no example"):
        files.create("x", "../a.json")


def test_the_bin_gives_everything_back(files: StrategyFiles, paths: Paths, fake_clock: FakeClock) -> None:
    first = files.delete("a.json")
    assert names(files) == set()
    (files.folder / "a.json").write_text("{ damaged", encoding="utf-8")
    second = files.delete("a.json")  # in the same second
    assert files.binned() == (second, first)
    later = StrategyFiles(paths, fake_clock)  # after a restart
    assert later.binned() == (second, first)
    assert later.restore(first) == "a.json"
    assert on_disk(files) == TEXT
    assert later.restore(second) == "a_2.json"
    assert on_disk(files, "a_2.json") == "{ damaged"
    assert later.binned() == ()
    assert list(paths.strategy_bin.iterdir()) == []
    with pytest.raises(UserAction, match="not in the bin any more"):
        later.restore(first)


def test_a_name_that_is_taken_with_other_capitals_is_taken(files: StrategyFiles) -> None:
    gone = files.delete("a.json")
    (files.folder / "A.json").write_text(TEXT.replace('"a"', '"A"'), encoding="utf-8")
    assert files.restore(gone) == "a_2.json"
    assert files.create("A").file_name == "A_3.json"


@pytest.mark.parametrize(
    "name", ["../a.json", "..", "a.txt", "x/a.json", "x\\a.json", "", "a\0.json", "/etc/passwd", "nothing.json"]
)
def test_names_that_lead_elsewhere_are_refused(files: StrategyFiles, name: str) -> None:
    for change in (files.open, files.delete, files.duplicate, lambda name: files.set_enabled(name, enabled=True)):
        with pytest.raises(UserAction):
            change(name)
    with pytest.raises(UserAction):
        files.restore(Binned("..", name))
    assert names(files) == {"a.json"}


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_out_of_the_home_is_not_followed(files: StrategyFiles, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text(TEXT, encoding="utf-8")
    (files.folder / "link.json").symlink_to(outside)
    with pytest.raises(UserAction, match="leads out of the folder"):
        files.set_enabled("link.json", enabled=False)
    assert outside.read_text(encoding="utf-8") == TEXT


def test_files_far_too_long_or_not_utf8_are_told(files: StrategyFiles) -> None:
    (files.folder / "long.json").write_bytes(b" " * (library.LARGEST + 1))
    with pytest.raises(UserAction, match="has 1,000,001 bytes"):
        files.open("long.json")
    (files.folder / "odd.json").write_bytes(b'{"name": "\xff"}')
    with pytest.raises(UserAction, match="not UTF-8 text"):
        files.open("odd.json")
    opened = files.open("a.json")
    with pytest.raises(UserAction, match="is the most"):
        files.save("a.json", " " * (library.LARGEST + 1), opened.sha256)
    assert on_disk(files) == TEXT


@given(st.text(max_size=200) | st.sampled_from(["con", "NUL.txt", "LPT1", "..", ".hidden", "a" * 300, "ä b/c", "com1"]))
def test_stems_are_safe_everywhere(name: str) -> None:
    stem = file_stem(name)
    assert 0 < len(stem) <= LONGEST_STEM + len("strategy_")
    assert safe_name(f"{stem}.json") == f"{stem}.json"
    assert stem.isascii()
    assert not set(stem) & set(' ./\\:"<>|?*%')


@given(st.lists(st.sampled_from(["", "a", "A", "a_2", "con", "Con", "é", "日本", "x" * 90]), min_size=1, max_size=8))
def test_names_of_new_files_are_unique(tmp_path_factory: pytest.TempPathFactory, wanted: list[str]) -> None:
    paths = Paths(tmp_path_factory.mktemp("home"))
    files = StrategyFiles(paths, FakeClock())
    made: list[Any] = [files.create(name) for name in wanted]
    assert len({item.file_name.casefold() for item in made}) == len(wanted)
    assert not load(paths.strategies).bad
