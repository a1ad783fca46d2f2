"""The strategy file: old files are read, errors name the place, the published schema is the one in force."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from workers.strategy import library
from workers.strategy.documents import publish
from workers.strategy.profile import Profile
from workers.strategy.rules import prepare
from workers.strategy.schema import Strategy, StrategyFileError, parse_strategy

ROOT = Path(__file__).resolve().parents[4]


def old_file(**changes: Any) -> dict[str, Any]:
    """A file as users of the old system have it."""
    return {
        "id": "EURUSD_H1",
        "name": "EURUSD H1",
        "description": "",
        "enabled": True,
        "symbol": "EURUSD",
        "timeframe": "H1",
        "sessions": ["London", "NewYork"],
        "indicators": {
            "ema": {"fast": 20, "slow": 50},
            "rsi": {"period": 14, "overbought": 70, "oversold": 30},
            "macd": {"fast": 12, "slow": 26, "signal": 9},
            "atr": {"period": 14, "multiplier": 1.5},
        },
        "conditions": {"entry": ["ema_fast_gt_slow"], "exit": ["rsi_gt_70"], "strong": [], "weak": []},
        "strategy": {
            "direction": "long",
            "min_rr": 2.0,
            "news_embargo_minutes": 30,
            "invalidations": ["price_close_lt_ema_slow"],
            "max_risk_pct": 0.01,
        },
        "created_at": "2025-10-28T10:00:00Z",
        "updated_at": "2025-10-28T10:00:00Z",
        "created_by": "system",
    } | changes


@pytest.mark.parametrize(("model", "name"), [(Strategy, "strategy"), (Profile, "profile")])
def test_published_schema_is_the_one_in_force(model: type[BaseModel], name: str, tmp_path: Path) -> None:
    publish(model, tmp_path / "now.json")
    published = (ROOT / "resources" / "schema" / f"{name}.json").read_text(encoding="utf-8")
    assert published == (tmp_path / "now.json").read_text(encoding="utf-8"), (
        f"publish it anew: workers.strategy.documents.publish({model.__name__}, Path('resources/schema/{name}.json'))"
    )


def test_old_file_is_read() -> None:
    found = parse_strategy(json.dumps(old_file()), "EURUSD_H1.json")
    assert (found.id, found.indicators.ema.slow, found.strategy.max_risk_pct) == ("EURUSD_H1", 50, 0.01)


def test_old_file_with_a_byte_order_mark_and_without_id() -> None:
    document = old_file()
    del document["id"], document["name"], document["created_at"]
    found = parse_strategy(b"\xef\xbb\xbf" + json.dumps(document).encode(), "mine.json")
    assert (found.id, found.name) == ("mine", "mine")


def test_null_lists_are_empty() -> None:
    found = parse_strategy(json.dumps(old_file(sessions=None)), "a.json")
    assert found.sessions is None


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"timeframe": "H9"}, ("timeframe", "'M15'", "'H9'")),
        ({"sessions": ["Paris"]}, ("sessions.0", "'London'", "'Paris'")),
        ({"indicators": {"ema": {"fast": 50, "slow": 20}}}, ("indicators.ema", "fast (50)", "slow (20)")),
        ({"indicators": {"rsi": {"period": 1}}}, ("indicators.rsi.period", "greater than or equal to 2", "not 1")),
        ({"conditions": {"entry": []}}, ("conditions.entry", "at least 1")),
        ({"conditions": {"entry": ["a"], "storng": []}}, ("conditions.storng", "'strong'")),
        ({"enabeld": True}, ("enabeld", "Did you mean 'enabled'")),
        ({"strategy": {"direction": "up"}}, ("strategy.direction", "'long'", "'up'")),
        ({"strategy": {"direction": "long", "max_risk_pct": 1}}, ("max_risk_pct", "fraction", "0.01 is 1 %")),
        ({"id": "../x"}, ("id", "../x")),
        ({"schema": 2}, ("layout 2", "Update Metronome")),
        ({"schema_version": 99, "new": 1}, ("layout 99", "Update Metronome")),
        ({"schema": 1, "schema_version": 99}, ("layout 99", "Update Metronome")),
        ({"schema": "99"}, ("layout 99", "Update Metronome")),
        ({"schema": 99.0}, ("layout 99", "Update Metronome")),
        ({"short_conditions": {"entry": ["rsi_gt_70"]}}, ("short_conditions need", "'both'")),
    ],
)
def test_error_names_file_place_and_allowed(changes: dict[str, Any], parts: tuple[str, ...]) -> None:
    with pytest.raises(StrategyFileError) as caught:
        parse_strategy(json.dumps(old_file(**changes)), "bad.json")
    for part in ("bad.json", *parts):
        assert part in str(caught.value)
    assert caught.value.advice


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (b"{\n  oops", "line 2"),
        (b"[]", "holds a list"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
        (b"", "line 1"),
    ],
)
def test_what_is_no_strategy_is_an_error(text: bytes, part: str) -> None:
    with pytest.raises(StrategyFileError, match=part):
        parse_strategy(text, "bad.json")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b'{"symbol": "EURUSD",\n "symbol": "GBPUSD"}', "the name 'symbol' twice in one object (line 2, column 2)"),
        (
            b'{"strategy": {"direction": "long",\n\n"direction": "short"}}',
            "'direction' twice in one object (line 3, col",
        ),
        (b'{"a": [{"b": 1, "\\u0062": 2}]}', "the name 'b' twice in one object (line 1, column 17)"),
    ],
)
def test_a_name_that_comes_twice_is_refused(text: bytes, place: str) -> None:
    with pytest.raises(StrategyFileError) as caught:
        parse_strategy(text, "a.json")
    assert place in str(caught.value)


def test_null_says_what_leaving_out_says() -> None:
    document = old_file(short_conditions=None, sessions=None, created_at="", updated_at=None, id=None, name=None)
    document["indicators"] = {"ema": None, "rsi": {"period": None}, "atr": {"multiplier": None}}
    document["strategy"] |= {"min_rr": None, "invalidations": None, "max_risk_pct": None}
    strategy = parse_strategy(json.dumps(document), "a.json")
    assert (strategy.id, strategy.created_at, strategy.updated_at, strategy.sessions) == ("a", None, None, None)
    assert (strategy.indicators.ema.fast, strategy.indicators.rsi.period, strategy.strategy.min_rr) == (20, 14, 2.0)
    assert "multiplier" not in strategy.indicators.atr.model_fields_set
    for name in ("symbol", "timeframe", "conditions", "strategy"):
        with pytest.raises(StrategyFileError, match=f"{name}: this is missing"):
            parse_strategy(json.dumps(old_file(**{name: None})), "a.json")
    with pytest.raises(StrategyFileError, match="storng: there is no such name"):
        parse_strategy(json.dumps(old_file(storng=None)), "a.json")


def test_messages_speak_of_json_not_of_python() -> None:
    kinds = (None, "x", 5, True, [], {}, [None], [{}])
    names = [*Strategy.model_fields, *(f"indicators.{name}" for name in ("ema", "atr"))]
    said = []
    for name, value in [(name, value) for name in names for value in kinds]:
        document = old_file()
        *outer, last = name.split(".")
        (document[outer[0]] if outer else document)[last] = value
        try:
            parse_strategy(json.dumps(document), "a.json")
        except StrategyFileError as error:
            said.append(str(error))
    assert len(said) > 50
    for text in said:
        assert not re.search(r"tuple|dict|NoneType|None|instance|boolean|integer|\bTrue\b|\bstr\b", text), text
    assert any("sessions: this should be a list, not true." in text for text in said)
    with pytest.raises(StrategyFileError, match="holds nothing \\(null\\), not one object"):
        parse_strategy("null", "a.json")


def test_nan_is_refused() -> None:
    text = json.dumps(old_file()).replace("1.5", "NaN")
    with pytest.raises(StrategyFileError, match=r"indicators\.atr\.multiplier"):
        parse_strategy(text, "bad.json")


def test_examples_are_sound_and_can_be_evaluated() -> None:
    found = library.load(library.EXAMPLES)
    assert found.bad == ()
    assert len(found.rules) >= 5
    assert {rule.strategy.id: prepare(rule.strategy).problems for rule in found.enabled} == {
        rule.strategy.id: () for rule in found.rules
    }


def test_examples_come_once(tmp_path: Path) -> None:
    copied = library.ensure_examples(tmp_path)
    assert len(copied) == len(list(library.EXAMPLES.glob("*.json")))
    for name in copied:
        (tmp_path / name).unlink()
    assert library.ensure_examples(tmp_path) == ()
    assert list(tmp_path.glob("*.json")) == []


def test_examples_do_not_join_what_a_user_has(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(old_file()), encoding="utf-8")
    assert library.ensure_examples(tmp_path) == ()
    assert [rule.file_name for rule in library.load(tmp_path).rules] == ["mine.json"]


def test_two_files_of_one_id(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(old_file()), encoding="utf-8")
    found = library.load(tmp_path)
    assert [rule.file_name for rule in found.rules] == ["a.json"]
    assert "both have the id 'EURUSD_H1'" in found.bad[0].error.message


def test_huge_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big.json").write_bytes(b" " * 1_000_001)
    assert "1,000,001 bytes" in str(library.load(tmp_path).bad[0].error)


def test_a_number_too_long_to_read_is_the_file_s_fault_and_named() -> None:
    with pytest.raises(StrategyFileError, match=r"bigint\.json"):
        parse_strategy('{"schema": ' + "9" * 5000 + "}", "bigint.json")


@pytest.mark.skipif(sys.platform != "linux", reason="only there a file name may hold any bytes")
@pytest.mark.parametrize("content", ["{", json.dumps({"symbol": 1})])
def test_undecodable_file_name_is_told_in_printable_form(tmp_path: Path, content: str) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.json")).write_text(content, encoding="utf-8")
    (tmp_path / "good.json").write_text(json.dumps(old_file()), encoding="utf-8")
    found = library.load(tmp_path)
    assert [rule.file_name for rule in found.rules] == ["good.json"]
    (bad,) = found.bad
    assert bad.file_name == "bad\\udcff.json"
    assert "bad\\udcff.json" in str(bad.error)
    str(bad.error).encode("utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="only there a file name may hold any bytes")
def test_good_strategy_in_an_undecodable_file_name(tmp_path: Path) -> None:
    document = {name: value for name, value in old_file().items() if name != "id"}
    (tmp_path / os.fsdecode(b"mine\xff.json")).write_text(json.dumps(document), encoding="utf-8")
    (rule,) = library.load(tmp_path).rules
    assert rule.file_name == "mine\\udcff.json"
    assert rule.strategy.id == "mine\\udcff"


def test_number_of_thousands_of_digits_costs_its_file_only(tmp_path: Path) -> None:
    (tmp_path / "long.json").write_text('{"schema": ' + "9" * 5000 + "}", encoding="utf-8")
    (tmp_path / "good.json").write_text(json.dumps(old_file()), encoding="utf-8")
    found = library.load(tmp_path)
    assert [rule.file_name for rule in found.rules] == ["good.json"]
    assert "long.json" in str(found.bad[0].error)
