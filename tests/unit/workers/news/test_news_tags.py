from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from news_desk import article

from app.errors import UserAction
from workers.news import tags

SHIPPED = tags.load(tags.DEFAULT)


@pytest.mark.parametrize(
    ("text", "currencies", "symbols"),
    [
        ("EUR/USD rises after Fed's Powell speaks", ("EUR", "USD"), ("EURUSD",)),
        ("GBPJPY and AUD-NZD in focus", ("AUD", "GBP", "JPY", "NZD"), ("AUDNZD", "GBPJPY")),
        ("Australian dollar slips", ("AUD",), ()),
        ("Traders are fed up with gold", (), ("XAUUSD",)),
        ("GOLD at a record", (), ("XAUUSD",)),
        ("Bank of Canada cuts rates", ("CAD",), ()),
        ("Nikkei leads; S&P 500 flat", (), ("JP225", "US500")),
        ("U.S. inflation cools", ("USD",), ()),
        ("Golden retriever wins prize for us", (), ()),
        ("USD/USD is nonsense", ("USD",), ()),
        ("", (), ()),
    ],
)
def test_the_shipped_table(text: str, currencies: tuple[str, ...], symbols: tuple[str, ...]) -> None:
    assert SHIPPED.tags(text) == (currencies, symbols)


def test_title_text_and_source_count() -> None:
    (found,) = tags.tagged([article("Decision today", summary="Gold jumps.", source="Bank of England")], SHIPPED)
    assert (found.currencies, found.symbols) == (("GBP",), ("XAUUSD",))


def test_another_table_tags_anew() -> None:
    table = tags.read(b'{"schema": 1, "symbols": {"GOLD.a": ["gold"]}}', "mine.json")
    (found,) = tags.tagged([article("Gold jumps", currencies=("EUR",))], table)
    assert (found.currencies, found.symbols) == ((), ("GOLD.a",))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "line 1"),
        ("[]", "not a JSON object"),
        ("{}", "its schema is None"),
        ('{"schema": 2}', "its schema is 2"),
        ('{"schema": 1, "currency": {}}', "unknown name 'currency'"),
        ('{"schema": 1, "currencies": []}', "currencies is not an object"),
        ('{"schema": 1, "currencies": {"euro": ["EUR"]}}', "currencies.euro is not a code"),
        ('{"schema": 1, "currencies": {"EUR": "euro"}}', "currencies.EUR is not a list"),
        ('{"schema": 1, "symbols": {"X": [5]}}', "symbols.X is not a list"),
        ('{"schema": 1, "symbols": {"X": [""]}}', "symbols.X is not a list"),
        ('{"schema": 1, "symbols": {"X": ["+++"]}}', "keyword without letters"),
        ('{"schema": 1, "symbols": {" ": []}}', "1 to 64 characters"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_table_is_refused_with_the_place(document: str, reason: str) -> None:
    with pytest.raises(UserAction) as refusal:
        tags.read(document.encode(), "news_keywords.json")
    assert "news_keywords.json" in refusal.value.message
    assert reason in refusal.value.message
    assert refusal.value.advice


def test_the_table_is_put_in_place_once(tmp_path: Path) -> None:
    path = tmp_path / "config" / "news_keywords.json"
    assert tags.ensure(path)
    path.write_text(json.dumps({"schema": 1}), encoding="utf-8")
    assert not tags.ensure(path)
    assert tags.load(path).tags("gold") == ((), ())


@given(st.text())
@settings(deadline=None)
def test_any_text_can_be_tagged(text: str) -> None:
    currencies, symbols = SHIPPED.tags(text)
    assert list(currencies) == sorted(set(currencies))
    assert list(symbols) == sorted(set(symbols))
