"""The channel to the owner of a home: who may talk, what travels, what happens when one side is gone."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any

import pytest

from app import ipc
from app.errors import Retryable, UserAction
from app.files import StorageError

StartServer = Callable[[ipc.Handler], ipc.Server]


@pytest.fixture(autouse=True)
def short_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder for sockets that goes away; tmp_path is too long for a socket's address on some machines."""
    with tempfile.TemporaryDirectory(prefix="mn") as folder:
        monkeypatch.setattr(ipc, "socket_root", lambda: Path(folder))
        yield


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return ipc.owner_file(tmp_path / "data" / "metronome.lock")


@pytest.fixture
def serve(file: Path) -> Iterator[StartServer]:
    servers: list[ipc.Server] = []

    def start(handler: ipc.Handler) -> ipc.Server:
        server = ipc.Server(file, handler)
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


def echo(op: str, args: dict[str, Any], _send: ipc.Send) -> object:
    return {"op": op, **args}


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ipc-")]


def test_a_question_is_answered_with_plain_values(serve: StartServer, file: Path) -> None:
    serve(echo)
    assert ipc.call(file, "tasks", {"symbol": "Zürich €", "n": 2}) == {"op": "tasks", "symbol": "Zürich €", "n": 2}


def test_events_arrive_in_order_before_the_answer(serve: StartServer, file: Path) -> None:
    def count(_op: str, args: dict[str, Any], send: ipc.Send) -> object:
        for number in range(args["to"]):
            send(number)
        return "done"

    serve(count)
    heard: list[int] = []
    assert ipc.call(file, "count", {"to": 5}, on_event=heard.append) == "done"
    assert heard == [0, 1, 2, 3, 4]


def test_several_clients_are_served_while_one_waits(serve: StartServer, file: Path) -> None:
    release, entered = threading.Event(), threading.Event()

    def handler(op: str, _args: dict[str, Any], _send: ipc.Send) -> object:
        if op == "wait":
            entered.set()
            release.wait(10)
        return op

    serve(handler)
    answers: list[object] = []
    waiting = threading.Thread(target=lambda: answers.append(ipc.call(file, "wait")))
    waiting.start()
    assert entered.wait(10)
    assert ipc.call(file, "quick") == "quick"
    release.set()
    waiting.join(10)
    assert answers == ["wait"]


@pytest.mark.parametrize("kind", [UserAction, Retryable])
def test_a_refusal_keeps_its_class_message_and_advice(
    serve: StartServer, file: Path, kind: type[UserAction | Retryable]
) -> None:
    def refuse(_op: str, _args: dict[str, Any], _send: ipc.Send) -> object:
        raise kind("There is no task 'x'.", advice="Known tasks: y.")

    serve(refuse)
    with pytest.raises(kind) as caught:
        ipc.call(file, "run")
    assert (caught.value.message, caught.value.advice) == ("There is no task 'x'.", "Known tasks: y.")


def test_without_an_owner_file_there_is_no_owner(file: Path) -> None:
    with pytest.raises(ipc.NoOwner):
        ipc.call(file, "tasks")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"address": 1}', '{"address": "x", "key": "zz", "pid": 1}'])
def test_a_damaged_owner_file_means_no_owner(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ipc.NoOwner):
        ipc.call(file, "tasks")


def test_an_owner_that_was_killed_is_no_owner_and_does_not_stop_the_next(serve: StartServer, file: Path) -> None:
    # What a kill leaves: the owner file and, on POSIX, a socket that nobody listens on.
    address = ipc.new_address(file)
    with Listener(address):
        record = {"address": address, "key": "00" * 32, "pid": 1}
    if sys.platform != "win32":
        Path(address).touch()
    ipc.write_private(file, json.dumps(record).encode())
    with pytest.raises(ipc.NoOwner):
        ipc.call(file, "tasks")
    serve(echo)
    assert ipc.call(file, "tasks") == {"op": "tasks"}


def test_stop_leaves_no_thread_and_no_file(file: Path) -> None:
    server = ipc.Server(file, echo)
    server.start()
    address = json.loads(file.read_text(encoding="utf-8"))["address"]
    assert ipc.call(file, "ping") == {"op": "ping"}
    server.stop()
    assert our_threads() == []
    assert not file.exists()
    assert sys.platform == "win32" or not Path(address).exists()
    with pytest.raises(ipc.NoOwner):
        ipc.call(file, "ping")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is played by /dev/full")
def test_a_full_disk_at_the_start_is_told_and_the_stop_is_safe(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_open = os.open

    def on_full_disk(path: Path, flags: int, mode: int = 0o777) -> int:
        os.close(real_open(path, flags, mode))
        return real_open("/dev/full", os.O_WRONLY)

    server = ipc.Server(file, echo)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", on_full_disk)
        with pytest.raises(StorageError, match="the disk is full") as caught:
            server.start()
    assert caught.value.path == file
    assert list(file.parent.iterdir()) == []
    server.stop()
    assert our_threads() == []
    assert list(ipc.socket_root().iterdir()) == []


def test_stop_without_a_start_does_nothing(file: Path) -> None:
    server = ipc.Server(file, echo)
    server.stop()
    assert not server.stopping
    assert our_threads() == []


def test_an_idle_client_does_not_hold_up_the_stop(serve: StartServer, file: Path) -> None:
    server = serve(echo)
    with ipc.connect(ipc.read_owner(file)):
        server.stop()
        assert our_threads() == []


@pytest.mark.allow_warnings("did not know the key")
def test_who_does_not_know_the_key_is_refused(serve: StartServer, file: Path) -> None:
    called: list[str] = []
    serve(lambda op, _args, _send: called.append(op))
    record = {**ipc.read_owner(file), "key": b"\0" * 32}
    with pytest.raises(ipc.OwnerNotAnswering), ipc.connect(record):
        pass
    assert called == []


def test_a_client_does_not_trust_a_server_that_does_not_know_the_key(file: Path) -> None:
    address = ipc.new_address(file)
    with Listener(address) as listener:

        def impostor() -> None:
            with listener.accept() as connection:
                connection.send_bytes(b"n" * 32)
                connection.recv_bytes()
                connection.send_bytes(b"p" * 32)

        thread = threading.Thread(target=impostor)
        thread.start()
        with pytest.raises(ipc.OwnerNotAnswering):
            ipc.connect({"address": address, "key": b"k" * 32, "pid": 7})
        thread.join(10)


def test_an_owner_that_stays_silent_is_told_apart_from_none(serve: StartServer, file: Path) -> None:
    release = threading.Event()
    serve(lambda _op, _args, _send: release.wait(10))
    with pytest.raises(ipc.OwnerNotAnswering, match="did not answer 'tasks'"):
        ipc.call(file, "tasks", timeout_s=0.05)
    release.set()


def test_a_message_above_the_cap_costs_the_client_its_connection_only(
    serve: StartServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ipc, "MAX_REQUEST_BYTES", 1000)
    serve(echo)
    with pytest.raises(ipc.OwnerNotAnswering):
        ipc.call(file, "tasks", {"text": "x" * 2000})
    assert ipc.call(file, "tasks") == {"op": "tasks"}


def test_an_answer_above_the_cap_is_refused_with_advice(
    serve: StartServer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ipc, "MAX_ANSWER_BYTES", 1000)
    serve(lambda _op, _args, _send: "x" * 2000)
    with pytest.raises(UserAction, match="too much for one message"):
        ipc.call(file, "runs")


@pytest.mark.parametrize("message", [b"not json", b"[1]", b'{"op": 1}', b'{"op": "x", "args": []}', b"\xff\xfe"])
def test_nonsense_is_answered_with_an_error(serve: StartServer, file: Path, message: bytes) -> None:
    serve(echo)
    with ipc.connect(ipc.read_owner(file)) as connection:
        connection.send_bytes(message)
        assert json.loads(connection.recv_bytes())["error"]["kind"] == "IpcError"


def test_a_pickle_is_never_read(serve: StartServer, file: Path) -> None:
    serve(echo)
    with ipc.connect(ipc.read_owner(file)) as connection:
        connection.send({"op": "x"})
        assert "not JSON" in json.loads(connection.recv_bytes())["error"]["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_this_user_can_read_the_key_and_reach_the_socket(serve: StartServer, file: Path) -> None:
    serve(echo)
    address = Path(ipc.read_owner(file)["address"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(address.parent.stat().st_mode) == 0o700
    assert len(os.fsencode(address)) < 100


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_folder_that_others_can_enter_is_refused(file: Path) -> None:
    folder = Path(ipc.new_address(file)).parent
    folder.chmod(0o755)
    with pytest.raises(ipc.IpcError, match="not private"):
        ipc.Server(file, echo).start()


def test_homes_have_different_addresses(tmp_path: Path) -> None:
    assert ipc.new_address(tmp_path / "a" / "owner.json") != ipc.new_address(tmp_path / "b" / "owner.json")


def test_a_client_that_hangs_in_the_handshake_blocks_nobody(serve: StartServer, file: Path) -> None:
    serve(echo)
    with Client(ipc.read_owner(file)["address"]):
        assert ipc.call(file, "tasks") == {"op": "tasks"}
