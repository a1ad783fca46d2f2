from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from app.errors import Retryable, UserAction
from app.http_many import Ask, HttpMany, Told, retry_after

NOW = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)


def fetch(*asks: Ask | str, timeout_s: float = 5.0, **options: object) -> list[Told]:
    """All of them at once."""

    async def work() -> list[Told]:
        async with HttpMany(timeout_s=timeout_s, now=lambda: NOW, **options) as http:  # type: ignore[arg-type]
            return await asyncio.gather(*(http.get(Ask(ask) if isinstance(ask, str) else ask) for ask in asks))

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@contextmanager
def raw_server(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that does with a connection whatever it likes; the event says when to end."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def work() -> None:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    connection.recv(65_536)
                    talk(connection, ended)
                except OSError:
                    return

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/feed"
        finally:
            ended.set()
            thread.join()


def test_answers_and_troubles_come_side_by_side(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/good").respond_with_data("body", headers={"ETag": '"1"', "Last-Modified": "Tue"})
    httpserver.expect_request("/busy").respond_with_data("", 503, headers={"Retry-After": "120"})
    good, gone, busy, wrong = fetch(
        httpserver.url_for("/good"), httpserver.url_for("/gone"), httpserver.url_for("/busy"), "ftp://a.example/x"
    )
    assert good.answer is not None
    assert (good.answer.content, good.answer.etag, good.answer.modified, good.status) == (b"body", '"1"', "Tue", 200)
    assert isinstance(busy.error, Retryable)
    assert (busy.status, busy.retry_after_s) == (503, 120.0)
    assert isinstance(wrong.error, UserAction)
    assert (gone.answer, gone.offline) == (None, False)


def test_validators_bring_not_modified(httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        known = (request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since"))
        return Response(status=304) if known == ('"1"', "Tue") else Response("new")

    httpserver.expect_request("/a").respond_with_handler(answer)
    url = httpserver.url_for("/a")
    first, again = fetch(Ask(url), Ask(url, '"1"', "Tue"))
    assert first.answer is not None
    assert again.answer is not None
    assert (first.answer.not_modified, again.answer.not_modified) == (False, True)


def test_redirects_end_after_five_and_lasting_ones_are_told(httpserver: HTTPServer) -> None:
    for step in range(8):
        httpserver.expect_request(f"/{step}").respond_with_data("", 301, {"Location": f"/{step + 1}"})
    httpserver.expect_request("/8").respond_with_data("there")
    httpserver.expect_request("/round").respond_with_data("", 302, {"Location": "/round"})
    httpserver.expect_request("/away").respond_with_data("", 302, {"Location": "file:///etc/passwd"})
    five, six, circle, away = fetch(*(httpserver.url_for(path) for path in ("/3", "/2", "/round", "/away")))
    assert five.answer is not None
    assert (five.answer.content, five.moved_to) == (b"there", httpserver.url_for("/8"))
    for refused in (six, circle):
        assert refused.error is not None
        assert "redirects more than 5 times" in refused.error.message
    assert away.error is not None
    assert "not an address of the web" in away.error.message


def test_bombs_and_endless_bodies_are_cut_off(httpserver: HTTPServer) -> None:
    packed = gzip.compress(b"\0" * 20_000_000)
    httpserver.expect_request("/bomb").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    httpserver.expect_request("/rubbish").respond_with_data(b"no gzip", headers={"Content-Encoding": "gzip"})
    httpserver.expect_request("/odd").respond_with_data(b"x", headers={"Content-Encoding": "br"})
    bomb, rubbish, odd = fetch(*(httpserver.url_for(path) for path in ("/bomb", "/rubbish", "/odd")))
    assert bomb.error is not None
    assert "larger than 5 MB" in bomb.error.message
    assert isinstance(rubbish.error, Retryable)
    assert isinstance(odd.error, UserAction)

    sent = [0]

    def flood(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while sent[0] < 100_000_000 and not ended.is_set():
            sent[0] += connection.send(b"x" * 65_536)

    with raw_server(flood) as url:
        (told,) = fetch(url)
    assert told.error is not None
    assert "larger than 5 MB" in told.error.message
    assert sent[0] < 30_000_000  # the rest was never asked for


def test_a_drip_and_a_silence_end_at_the_limit_of_one() -> None:
    def drip(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not ended.wait(0.02):
            connection.sendall(b"x")

    def drip_until_closed(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<rss>")
        while not ended.wait(0.02):
            connection.sendall(b"x")

    def silence(_connection: socket.socket, ended: threading.Event) -> None:
        ended.wait(5)

    with raw_server(drip) as slow, raw_server(drip_until_closed) as open_ended, raw_server(silence) as silent:
        for told in fetch(slow, open_ended, silent, timeout_s=0.3):
            assert isinstance(told.error, Retryable)
            assert "did not answer within 0.3 s" in told.error.message


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Content-Length: 1000", b"half"),
        (b"Content-Encoding: gzip\r\nConnection: close", gzip.compress(b"news " * 500)[:-12]),
    ],
    ids=["shorter than its length", "packed and cut"],
)
def test_an_answer_that_breaks_off_is_worth_another_try(headers: bytes, body: bytes) -> None:
    def half(connection: socket.socket, _ended: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\n" + body)

    with raw_server(half) as url:
        (told,) = fetch(url)
    assert isinstance(told.error, Retryable)


def test_rubbish_instead_of_http_is_worth_another_try() -> None:
    with raw_server(lambda connection, _ended: connection.sendall(b"\0\1\2 this is no HTTP\r\n\r\n")) as url:
        (told,) = fetch(url)
    assert isinstance(told.error, Retryable)


def test_nobody_there_is_not_the_same_as_no_network() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        refused = f"http://127.0.0.1:{free.getsockname()[1]}/"

    class Offline(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            cause = socket.gaierror(-2, "Name or service not known")
            raise httpx.ConnectError(str(cause)) from cause

    (closed,) = fetch(refused)
    (offline,) = fetch("https://a.example/", transport=Offline())
    assert (closed.offline, offline.offline) == (False, True)
    assert isinstance(offline.error, Retryable)


def test_all_bodies_together_stay_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.http_many.MAX_HELD", 1_000)

    class Body(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"x" * 600

    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=Body()))
    told = fetch("https://a.example/", "https://b.example/", transport=transport)
    assert sorted(one.error is None for one in told) == [False, True]
    failed = next(one for one in told if one.error is not None)
    assert "together hold more than" in str(failed.error)


def test_secrets_in_addresses_are_not_told(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/a").respond_with_data("", 404)
    (told,) = fetch(httpserver.url_for("/a") + "?apikey=S3CR3T")
    assert told.error is not None
    assert "S3CR3T" not in str(told.error)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("Tue, 03 Jun 2025 12:01:00 GMT", 60.0),
        ("Tue, 03 Jun 2025 11:00:00 GMT", 0.0),
        ("999999999999", 86_400.0),
        ("", None),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds
