"""Changes of one value in a JSON text leave everything else as its owner wrote it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.strategy import json_text
from workers.strategy.json_text import NotJson, Path

NAMES = st.sampled_from(["a", "b", "entry", "x y", 'quo"te', "ü"])
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4))
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5)
LAYOUTS = st.sampled_from([None, 1, 2, 4, "\t"])


def paths_of(value: Any, path: Path = ()) -> list[Path]:
    found = [path]
    if isinstance(value, dict):
        for name, part in value.items():
            found += paths_of(part, (*path, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            found += paths_of(part, (*path, number))
    return found


def at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document


@given(DOCUMENTS, LAYOUTS, VALUES, st.data())
def test_a_value_is_put_where_it_belongs_and_nothing_else_changes(
    document: dict[str, Any], layout: Any, value: Any, data: st.DataObject
) -> None:
    text = json.dumps(document, indent=layout, ensure_ascii=False)
    path = data.draw(st.sampled_from(paths_of(document)))
    if isinstance(at(document, path), dict) and data.draw(st.booleans()):
        path = (*path, data.draw(NAMES))
    edit = json_text.put(text, path, value)
    wanted: Any = {"root": copy.deepcopy(document)}
    at(wanted, ("root", *path)[:-1])[("root", *path)[-1]] = value
    assert json.loads(edit.applied(text)) == wanted["root"]
    assert text.startswith(edit.applied(text)[: edit.start])


@given(DOCUMENTS, LAYOUTS, st.data())
def test_a_value_is_taken_away(document: dict[str, Any], layout: Any, data: st.DataObject) -> None:
    text = json.dumps(document, indent=layout)
    paths = [path for path in paths_of(document) if path]
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    wanted = copy.deepcopy(document)
    del at(wanted, path[:-1])[path[-1]]
    assert json.loads(json_text.removed(text, path).applied(text)) == wanted


@given(DOCUMENTS, LAYOUTS)
def test_every_value_is_found(document: dict[str, Any], layout: Any) -> None:
    text = json.dumps(document, indent=layout)
    for path in paths_of(document):
        node = json_text.outline(text)
        for step in path:
            node = node.members[step].node if isinstance(step, str) else node.items[step]
        assert json.loads(text[node.start : node.end]) == at(document, path)


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    try:
        json_text.outline(text)
    except NotJson:
        return


def test_layout_and_spelling_stay() -> None:
    text = '{\n    "b":1.0,   "a" : {"x": [1,\n 2]},\n    "c": 1e3\n}\n'
    assert json_text.put(text, ("a", "x", 1), 5).applied(text) == text.replace("\n 2", "\n 5")
    assert json_text.put(text, ("a", "y"), True).applied(text) == text.replace("2]}", '2], "y": true}')
    assert json_text.put(text, ("d", "e"), 1).applied(text) == text.replace(
        "1e3\n", '1e3,\n    "d": {\n      "e": 1\n    }\n'
    )
    assert json_text.removed(text, ("c",)).applied(text) == text.replace(',\n    "c": 1e3', "")
    assert json_text.removed(text, ("nothing", "there")).applied(text) == text


def test_places_of_what_is_missing_are_those_around_it() -> None:
    text = '{\n "conditions": {\n  "exit": ["x",\n   "y"]\n }\n}'
    start, end = json_text.place(json_text.outline(text), ("conditions", "exit", 1))
    assert (text[start:end], json_text.line_of(text, start)) == ('"y"', 4)
    start, end = json_text.place(json_text.outline(text), ("conditions", "entry"))
    assert text[start:end] == '"conditions": {'
    assert json_text.place(json_text.outline(text), ("strategy",)) == (0, 1)


@pytest.mark.parametrize("text", ["", "{", '{"a" 1}', "[1 2]", "{1:2}", '{"a":1}x', "[" * 500, '{"\\q": 1}'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(NotJson):
        json_text.outline(text)


def test_a_path_through_a_number_is_refused() -> None:
    with pytest.raises(NotJson):
        json_text.put('{"a": 1}', ("a", "b"), 1)
    with pytest.raises(NotJson):
        json_text.put("[1]", (5,), 1)
    with pytest.raises(NotJson):
        json_text.removed("{}", ())
