"""Nothing private leaves in a bundle: secrets of every kind, in every place that a bundle is made of."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from app import log, log_scrub
from app.bundle import make
from app.bundle_parts import Source
from app.bundle_scrub import Scrubber
from app.clock import FakeClock
from app.engine import Engine
from app.errors import UserAction
from app.paths import Paths
from app.recorder import Stall
from app.runs import RunState
from app.settings_store import SettingsStore
from app.tasks import Queue, Registry, TaskContext, TaskParams, TaskResult, TaskSpec

WAIT_S = 10.0
LOGIN = 50123987
#: The secret itself -> texts that hold it.
PLANTED = {
    "hunter2secretword": [
        "password=hunter2secretword",
        '"password": "hunter2secretword"',
        "--password hunter2secretword",
    ],
    "Tr0ubadour and3": ['the password "Tr0ubadour and3" was refused', "passphrase: 'Tr0ubadour and3'"],
    "plain4text9": ["the password is plain4text9", "pwd: plain4text9"],
    "ak_93jd82hd71": ["api_key=ak_93jd82hd71", "X-Api-Key: ak_93jd82hd71"],
    "q7w8e9r0t1": ["https://data.example/v1?apikey=q7w8e9r0t1&x=2", "https://a.example/?anything=q7w8e9r0t1"],
    "s3cr3tpart": ["https://me:s3cr3tpart@feeds.example/a", "ftp://me:s3cr3tpart@files.example"],
    "9f8a7c6b5d4e3f2a1b0c9d8e": ["https://hooks.example/services/9f8a7c6b5d4e3f2a1b0c9d8e/in"],
    "dXNlcjpodW50ZXIyYWJj": ["Authorization: Basic dXNlcjpodW50ZXIyYWJj"],
    "abcDEF123456ghiJKL": ["Authorization: Bearer abcDEF123456ghiJKL", "Bearer abcDEF123456ghiJKL was refused"],
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl": [
        "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl back"
    ],
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a": ["pushed with ghp_16C7e42F292c6912E7710c838347Ae178B4a"],
    "sk-proj-abcdefghijklmnop1234": ["key sk-proj-abcdefghijklmnop1234"],
    "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw": [
        "https://api.example/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/send"
    ],
    "AKIAIOSFODNN7EXAMPLE": ["AKIAIOSFODNN7EXAMPLE"],
    "sess10n8value": ["Cookie: sid=sess10n8value; theme=dark"],
    "MIIEpAIBAAKCAQEA75": ["-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA75\n-----END RSA PRIVATE KEY-----"],
    "access9token9here": ["https://a.example/cb#access_token=access9token9here"],
    'k3yr1ng "quoted" v4lue': ['it holds k3yr1ng "quoted" v4lue somewhere'],
    str(LOGIN): [f"login={LOGIN}", f"account {LOGIN} on Broker-Live", f"{LOGIN} in the middle"],
    "jane.doe@mail.example": ["sent to jane.doe@mail.example"],
    "Jane Doe": [r"C:\Users\Jane Doe\AppData\Local", "C:\\\\Users\\\\Jane Doe\\\\x", "/Users/Jane Doe/Library"],
    "janedoe": ["/home/janedoe/metronome", "file:///home/janedoe/x", r"\\?\C:\Users\janedoe"],
}
TEXTS = [text for texts in PLANTED.values() for text in texts]


class Anything(TaskParams):
    note: str = ""
    password: str = ""
    values: dict[str, Any] = Field(default_factory=dict)


class Found(TaskResult):
    texts: tuple[str, ...] = ()
    token: str = ""
    login: int = 0

    def summary(self) -> str:
        return self.texts[0] if self.texts else ""


def spill(ctx: TaskContext, _params: Anything) -> Found:
    """Puts what is private into everything that a run keeps."""
    for text in TEXTS:
        ctx.warn(text)
    return Found.model_validate({"texts": TEXTS, "token": "hunter2secretword", "login": LOGIN})


def refuse(_ctx: TaskContext, _params: Anything) -> Found:
    raise UserAction(" / ".join(TEXTS), advice=" / ".join(TEXTS))


def crash(_ctx: TaskContext, _params: Anything) -> Found:
    raise RuntimeError("\n".join(TEXTS))


def bytes_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def spellings(secret: str) -> set[bytes]:
    """As it is, and as JSON writes it."""
    return {secret.encode(), json.dumps(secret)[1:-1].encode()}


@pytest.mark.allow_warnings
def test_no_planted_secret_is_in_any_byte_of_a_bundle(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, fake_clock: FakeClock
) -> None:
    monkeypatch.setattr(log_scrub, "_known", frozenset())
    log_scrub.hide('k3yr1ng "quoted" v4lue')
    store = SettingsStore(paths.settings_file, {"terminal.login": str(LOGIN), "terminal.kind": "simulated"})
    store.load()
    log.setup(paths, store.current, None)
    specs = [
        TaskSpec(name, name, "", Queue.MONITORING, work, Anything, Found)
        for name, work in (("spill", spill), ("refuse", refuse), ("crash", crash))
    ]
    engine = Engine(paths, store, Registry(specs))
    engine.start(schedule=False)
    try:
        params = {
            "note": "; ".join(TEXTS),
            "password": "hunter2secretword",
            "values": {
                "api_key": "ak_93jd82hd71",
                "name": "password",
                "value": "plain4text9",
                "arguments": ["--token", "q7w8e9r0t1"],
                "deep": [{"header": "Authorization", "content": "abcDEF123456ghiJKL"}],
                "login": LOGIN,
            },
        }
        for name, state in (
            ("spill", RunState.SUCCEEDED_WITH_WARNINGS),
            ("refuse", RunState.FAILED),
            ("crash", RunState.FAILED),
        ):
            run = engine.runner.wait(engine.runner.submit(name, params).run_id, WAIT_S)
            assert run is not None
            assert run.state is state
        for text in TEXTS:  # past the scrubbing of the log, as an older Metronome may have written it
            with paths.log_file.open("a", encoding="utf-8") as file:
                file.write(f"2025-06-03T12:00:00.000Z ERROR x task=- run=- {text}\n")
            logging.getLogger("x").error("%s", text)
        (paths.logs / "stall.trace").write_text("\n".join(TEXTS), encoding="utf-8")
        engine.storage.write_json(paths.outages_file, {"entries": [{"reason": text} for text in TEXTS]})
        day = paths.health_checks / "health_20250603.json"
        engine.storage.append_json_item(day, {"checks": [{"value": text} for text in TEXTS], "token": "plain4text9"})
        engine.recorder.stalled(Stall(fake_clock.now(), 6.0, {TEXTS[0]: "\n".join(TEXTS)}, TEXTS[0]))
        engine.problems.extend(TEXTS)
        engine.recorder.call_ended("initialize", 0.1, "ok")
        running = make(Source(paths, store.current, fake_clock.now(), engine), None, "crash", "\n".join(TEXTS))
    finally:
        engine.stop()
    log.shutdown()
    offline = make(Source(paths, store.current, fake_clock.now()), paths.home / "offline.zip", "request")
    assert set(running.missing) == set()
    assert set(offline.missing) == {"recorder.json", "engine.json"}
    for made in (running, offline):
        parts = bytes_of(made.path)
        assert b"spill" in parts["runs.json"]
        assert b"ERROR x" in parts["metronome.log"]
        for name, content in parts.items():
            for secret in PLANTED:
                assert not any(text in content for text in spellings(secret)), f"{secret} is in {name}"
            assert str(paths.home).encode() not in content, name
            assert json.dumps(str(paths.home))[1:-1].encode() not in content, name


@pytest.mark.parametrize("text", TEXTS)
def test_each_text_alone(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_scrub, "_known", frozenset(['k3yr1ng "quoted" v4lue']))
    scrubber = Scrubber(tmp_path, [str(LOGIN)])
    shown = scrubber.text(text)
    assert not [secret for secret in PLANTED if secret in shown]


KEY = ["-----BEGIN PRIVATE KEY-----", "A" * 64, "B" * 64, "CCshort9", "-----END PRIVATE KEY-----"]


@pytest.mark.parametrize("first", range(3))
@pytest.mark.parametrize("last", range(3, 6))
def test_a_private_key_that_was_cut_leaves_nothing(first: int, last: int, tmp_path: Path) -> None:
    text = "\n".join(["before", *(f"    {line}" for line in KEY[first:last])])
    shown = Scrubber(tmp_path).text(text)
    assert shown.startswith("before")
    assert "AAAA" not in shown
    assert "BBBB" not in shown
    assert ("CCshort9" in shown) == (first > 0 and last == 4)  # alone it could be anything


def test_a_secret_across_pieces_and_in_a_giant_line_does_not_show(tmp_path: Path) -> None:
    line = "2025-06-03T12:00:00.000Z INFO a task=- run=- password=hunter2secretword " + "x" * 90
    shown = Scrubber(tmp_path).text("\n".join([*[line] * 500, "y" * 30_000 + " hunter2secretword"]))
    assert "hunter2secretword" not in shown
    assert shown.count("\n") == 500
    assert "a line of 30018 characters" in shown


@pytest.mark.parametrize(
    "text",
    [
        "collect_rss_news succeeded in 2.032 s. 8 symbols, 32,000 bars added",
        "The terminal did not answer symbol_info('EURUSD') within 5 s.",
        'File "app/runner.py", line 210, in _execute',
        "https://feeds.example/rss/markets is unreachable",
        "run=06610531e2d8e7 2025-06-03T12:00:00.000Z",
    ],
)
def test_what_helps_to_find_a_fault_stays(text: str, tmp_path: Path) -> None:
    assert Scrubber(tmp_path, [str(LOGIN)]).text(text) == text


def test_a_text_is_cut_after_it_was_scrubbed(tmp_path: Path) -> None:
    text = "x" * 90 + " password=hunter2secretword"
    assert "hunter" not in Scrubber(tmp_path).text(text, 110)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_values_keep_their_shape_and_stay_json(value: Any) -> None:
    shown = Scrubber(Path("somewhere")).value({"it": value})
    json.dumps(shown)
    again = Scrubber(Path("somewhere")).value(shown)
    assert again == shown
