"""The channel to the process that owns a home folder: one machine, one user, JSON only.

The owner listens on a Unix socket or a Windows named pipe, never on a network port. Where, and with which key, it
writes to a file in the home folder that only its user can read. Both sides prove that they know the key before a
message is looked at; messages are JSON bytes of bounded size, never pickles.

A request is ``{"op": name, "args": {...}}``. The owner answers with any number of ``{"event": value}``, then one
``{"value": value}`` or ``{"error": {kind, message, advice}}``.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import os
import secrets
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from app import errors
from app.files import guarding

if TYPE_CHECKING:
    from multiprocessing.connection import Connection, Listener

MAX_REQUEST_BYTES = 1_000_000
MAX_ANSWER_BYTES = 32_000_000
MAX_CLIENTS = 32
HANDSHAKE_S = 5.0
#: A handler that works longer than this has to send an event now and then.
ANSWER_S = 15.0
POLL_S = 0.25
NONCE_BYTES = 32

logger = logging.getLogger(__name__)

Send: TypeAlias = Callable[[object], None]
Handler: TypeAlias = Callable[[str, dict[str, Any], Send], object]


class IpcError(errors.MetronomeError):
    """The other process could not be talked to, or refused."""


class NoOwner(IpcError):
    """No running process owns this home."""


class OwnerNotAnswering(IpcError):
    """A process owns this home, but it does not answer in time."""


def owner_file(home_lock: Path) -> Path:
    """Where the owner of a home says how it is reached: beside the home's lock file."""
    return home_lock.with_name("owner.json")


class Server:
    """Answers requests of other processes of the same user.

    Args:
        file: Where clients find address and key (see ``owner_file``).
        handler: ``handler(op, args, send_event) -> JSON value``; raises ``MetronomeError`` to refuse.

    Thread: the handler is called on a thread per client, several at once.
    """

    def __init__(self, file: Path, handler: Handler) -> None:
        self._file = file
        self._handler = handler
        self._key = secrets.token_bytes(NONCE_BYTES)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._clients: set[threading.Thread] = set()
        self._address = ""
        self._listener: Listener | None = None
        self._thread = threading.Thread(target=self._accept, name="ipc-accept", daemon=True)

    @property
    def stopping(self) -> bool:
        """Whether the server is about to stop; long handlers look at it."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Listen, and write the owner file.

        Raises:
            IpcError: the address cannot be made safe or used.
            StorageError: the owner file cannot be written.
        """
        from multiprocessing.connection import Listener

        self._address = new_address(self._file)
        try:
            self._listener = Listener(self._address, backlog=MAX_CLIENTS)
        except OSError as error:
            raise IpcError(
                f"The channel for other processes cannot be opened at {self._address}: {error}.",
                advice="Check that the folder for temporary files is writable, then start again.",
            ) from error
        write_private(
            self._file, json.dumps({"address": self._address, "key": self._key.hex(), "pid": os.getpid()}).encode()
        )
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop listening, let requests under way end, and leave no thread and no file; also after half a start."""
        if self._listener is None:
            return
        from multiprocessing.connection import Client

        self._stopping.set()
        if self._thread.ident is not None:
            try:
                Client(self._address).close()  # Wakes accept(), which nothing else does on both systems.
            except OSError:
                logger.debug("the channel had stopped listening already")
            self._thread.join(timeout_s)
        self._listener.close()
        with contextlib.suppress(OSError):  # A file that stays (read-only disk) names an address where nobody listens.
            self._file.unlink(missing_ok=True)
        if sys.platform != "win32":
            Path(self._address).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # Something else is in it: then it stays.
                Path(self._address).parent.rmdir()
        with self._lock:
            clients = tuple(self._clients)
        for client in clients:
            client.join(timeout_s)

    def _accept(self) -> None:
        assert self._listener is not None  # noqa: S101 - start() set it before this thread began
        while not self._stopping.is_set():
            try:
                connection = self._listener.accept()
            except OSError as error:
                if not self._stopping.wait(POLL_S):
                    logger.warning("a client of the channel was lost: %s", error)
                continue
            with self._lock:
                if self._stopping.is_set() or len(self._clients) >= MAX_CLIENTS:
                    connection.close()
                    continue
                client = threading.Thread(target=self._serve, args=(connection,), name="ipc-client", daemon=True)
                self._clients.add(client)
            client.start()

    def _serve(self, connection: Connection) -> None:
        try:
            with connection:
                if not welcome(connection, self._key):
                    logger.warning("a client of the channel did not know the key and was refused")
                    return
                while not self._stopping.is_set():
                    if connection.poll(POLL_S):
                        self._answer(connection, connection.recv_bytes(MAX_REQUEST_BYTES))
        except (EOFError, OSError):
            logger.debug("a client of the channel has gone")
        finally:
            with self._lock:
                self._clients.discard(threading.current_thread())

    def _answer(self, connection: Connection, message: bytes) -> None:
        def send_event(value: object) -> None:
            connection.send_bytes(encode({"event": value}))

        try:
            request = decode(message)
            op, args = request.get("op"), request.get("args", {})
            if not isinstance(op, str) or not isinstance(args, dict):
                raise IpcError("A request needs an op and args.")
            answer = encode({"value": self._handler(op, args, send_event)})
            if len(answer) > MAX_ANSWER_BYTES:
                raise errors.UserAction(
                    f"The answer has {len(answer) // 1_000_000} MB, too much for one message.",
                    advice="Ask for less with --limit.",
                )
        except errors.MetronomeError as error:
            answer = encode({"error": {"kind": type(error).__name__, "message": error.message, "advice": error.advice}})
        connection.send_bytes(answer)


def call(
    file: Path,
    op: str,
    args: Mapping[str, Any] | None = None,
    *,
    on_event: Callable[[Any], None] | None = None,
    timeout_s: float = ANSWER_S,
) -> Any:
    """Ask the owner of a home, wait for its answer and return it.

    Args:
        file: The owner file of the home.
        timeout_s: Longest silence; every event starts it anew.

    Raises:
        NoOwner: nobody listens.
        OwnerNotAnswering: somebody does, but stays silent or is not who the file says.
        MetronomeError: the owner refused, with its own class, message and advice.
    """
    record = read_owner(file)
    with connect(record) as connection:
        try:
            connection.send_bytes(encode({"op": op, "args": dict(args or {})}))
            while connection.poll(timeout_s):
                answer = decode(connection.recv_bytes(MAX_ANSWER_BYTES))
                if "event" not in answer:
                    return result_of(answer)
                if on_event is not None:
                    on_event(answer["event"])
        except (EOFError, OSError) as error:
            raise OwnerNotAnswering(
                f"The Metronome that has this home open (process {record['pid']}) ended before it answered {op!r}.",
                advice="Try again.",
            ) from error
    raise not_answering(record, f"did not answer {op!r} within {timeout_s:.0f} s")


def result_of(answer: Mapping[str, Any]) -> Any:
    """The value of an answer.

    Raises:
        MetronomeError: the answer is an error.
    """
    if "error" not in answer:
        return answer.get("value")
    error = answer["error"]
    known = {kind.__name__: kind for kind in (errors.UserAction, errors.Retryable, errors.Blocked, errors.NothingToDo)}
    raise known.get(error["kind"], IpcError)(error["message"], advice=error["advice"])


def read_owner(file: Path) -> dict[str, Any]:
    """Address, key and process id of the owner.

    Raises:
        NoOwner: there is no owner file, or a damaged one.
    """
    try:
        record = decode(file.read_bytes())
        return {"address": str(record["address"]), "key": bytes.fromhex(record["key"]), "pid": int(record["pid"])}
    except (OSError, IpcError, KeyError, TypeError, ValueError) as error:
        raise NoOwner(f"No running Metronome has this home open ({file.parent}).") from error


def connect(record: Mapping[str, Any]) -> Connection:
    """Connect to the owner; both sides prove that they know the key.

    Raises:
        NoOwner: nobody listens there any more.
        OwnerNotAnswering: no answer in time, or not the owner.
    """
    from multiprocessing.connection import Client

    try:
        connection = Client(record["address"])
    except (OSError, ValueError) as error:
        raise NoOwner(f"The Metronome that had this home open (process {record['pid']}) has gone.") from error
    try:
        if introduce(connection, record["key"]):
            return connection
    except (EOFError, OSError) as error:
        connection.close()
        raise not_answering(record, "hung up") from error
    connection.close()
    raise not_answering(record, "did not answer in time or did not prove who it is")


def not_answering(record: Mapping[str, Any], what: str) -> OwnerNotAnswering:
    """The error of an owner that is there but of no use."""
    return OwnerNotAnswering(
        f"The Metronome that has this home open (process {record['pid']}) {what}.",
        advice="Wait a moment and try again; if it stays so, end that process and start Metronome again.",
    )


def welcome(connection: Connection, key: bytes, timeout_s: float = HANDSHAKE_S) -> bool:
    """The server's half of the handshake: True when the client knows the key."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    connection.send_bytes(nonce)
    if not connection.poll(timeout_s):
        return False
    proof = connection.recv_bytes(2 * NONCE_BYTES)
    theirs, digest = proof[:NONCE_BYTES], proof[NONCE_BYTES:]
    if not hmac.compare_digest(digest, hmac.digest(key, b"client" + nonce + theirs, "sha256")):
        return False
    connection.send_bytes(hmac.digest(key, b"server" + nonce + theirs, "sha256"))
    return True


def introduce(connection: Connection, key: bytes, timeout_s: float = HANDSHAKE_S) -> bool:
    """The client's half of the handshake: True when the server knows the key."""
    if not connection.poll(timeout_s):
        return False
    nonce, mine = connection.recv_bytes(NONCE_BYTES), secrets.token_bytes(NONCE_BYTES)
    connection.send_bytes(mine + hmac.digest(key, b"client" + nonce + mine, "sha256"))
    if not connection.poll(timeout_s):
        return False
    expected = hmac.digest(key, b"server" + nonce + mine, "sha256")
    return hmac.compare_digest(connection.recv_bytes(NONCE_BYTES), expected)


def new_address(file: Path) -> str:
    """A new address for the owner of the home that ``file`` is in: short, and out of reach of other users.

    Raises:
        IpcError: somebody else holds the folder where the socket belongs.
        StorageError: the folder cannot be made.
    """
    mark = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]
    if sys.platform == "win32":
        return rf"\\.\pipe\metronome-{mark}-{secrets.token_hex(8)}"
    folder = socket_root() / f"metronome-{os.getuid()}-{mark}"
    with guarding(folder, "create"), contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise IpcError(
            f"The folder {folder} is not private to this user, so no channel is opened in it.",
            advice="Delete it, then start again.",
        )
    socket = folder / "owner"
    socket.unlink(missing_ok=True)  # Left by an owner that was killed; the home's lock says that it is gone.
    return str(socket)


def socket_root() -> Path:
    """Where folders of sockets go: addresses of sockets have to be short, and homes need not be."""
    return Path(tempfile.gettempdir())


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only this user can read, complete or not at all.

    Raises:
        StorageError: it cannot be written (the disk is full, the folder is read-only, and the like).
    """
    new = file.with_name(f"{file.name}.new")
    with guarding(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            new.replace(file)
        except OSError:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
            raise


def encode(value: object) -> bytes:
    """JSON bytes of plain values."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def decode(message: bytes) -> dict[str, Any]:
    """A JSON object from bytes.

    Raises:
        IpcError: it is none.
    """
    try:
        value = json.loads(message)
    except ValueError as error:
        raise IpcError("A message of the channel is not JSON.") from error
    if not isinstance(value, dict):
        raise IpcError("A message of the channel is not a JSON object.")
    return value
