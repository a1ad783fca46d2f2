from __future__ import annotations

import gzip
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from app.clock import FakeClock
from app.errors import MetronomeError, Retryable, UserAction
from app.http import Http


@pytest.fixture
def http() -> Http:
    return Http()


@pytest.fixture(autouse=True)
def closed(http: Http) -> Iterator[None]:
    yield
    http.close()


def test_a_page_and_then_not_modified(http: Http, httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        if request.headers.get("If-None-Match") == '"v1"' and request.headers.get("If-Modified-Since") == "Tue":
            return Response(status=304)
        return Response("žluť", headers={"ETag": '"v1"', "Last-Modified": "Tue"}, content_type="text/plain")

    httpserver.expect_request("/a").respond_with_handler(answer)
    first = http.get(httpserver.url_for("/a"))
    assert (first.status, first.content.decode(), first.etag, first.modified) == (200, "žluť", '"v1"', "Tue")
    assert first.content_type.startswith("text/plain")
    again = http.get(httpserver.url_for("/a"), etag=first.etag, modified=first.modified)
    assert (again.not_modified, again.content) == (True, b"")


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("", bytes)])
def test_packed_answers_are_unpacked_and_capped(
    http: Http, httpserver: HTTPServer, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    headers = {"Content-Encoding": encoding} if encoding else {}
    httpserver.expect_request("/ok").respond_with_data(pack(b"x" * 1000), headers=headers)
    httpserver.expect_request("/bomb").respond_with_data(pack(b"\0" * 3_000_000), headers=headers)
    assert http.get(httpserver.url_for("/ok"), max_bytes=1000).content == b"x" * 1000
    with pytest.raises(UserAction, match=r"larger than 1 MB"):
        http.get(httpserver.url_for("/bomb"), max_bytes=1_000_000)


def test_redirects_are_followed_five_times(http: Http, httpserver: HTTPServer) -> None:
    for step in range(7):
        httpserver.expect_request(f"/{step}").respond_with_data("", 302, {"Location": f"{step + 1}"})
    httpserver.expect_request("/7").respond_with_data("there")
    assert http.get(httpserver.url_for("/2")).content == b"there"
    with pytest.raises(UserAction, match="redirects more than 5 times"):
        http.get(httpserver.url_for("/1"))


def test_a_redirect_to_another_scheme_or_host_is_guarded(httpserver: HTTPServer) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        to = {"/file": "file:///etc/passwd", "/other": "https://other.example/x"}.get(request.url.path)
        return (
            httpx.Response(302, headers={"Location": to}) if to else httpx.Response(200, stream=httpx.ByteStream(b"ok"))
        )

    http = Http(transport=httpx.MockTransport(answer))
    with pytest.raises(UserAction, match="not an address of the web"):
        http.get("https://one.example/file")
    http.get("https://one.example/other", headers={"X-Api-Key": "secret"})
    assert "X-Api-Key" in seen[-2].headers
    assert "X-Api-Key" not in seen[-1].headers
    http.close()


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, UserAction), (410, UserAction), (401, UserAction), (403, UserAction), (400, UserAction), (204, UserAction),
     (429, Retryable), (408, Retryable), (500, Retryable), (503, Retryable)],
)  # fmt: skip
def test_a_status_decides_the_reaction(
    http: Http, httpserver: HTTPServer, status: int, error: type[MetronomeError]
) -> None:
    httpserver.expect_request("/a").respond_with_data("", status)
    with pytest.raises(error) as caught:
        http.get(httpserver.url_for("/a") + "?apikey=S3CR3T")
    assert str(status) in caught.value.message
    assert caught.value.advice
    assert "S3CR3T" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/x", "no address", "", "http://", "http://[::1", "http://a:b"]
)
def test_other_addresses_are_refused(http: Http, url: str) -> None:
    with pytest.raises(UserAction):
        http.get(url)


def test_nobody_there_is_worth_another_try(http: Http) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Retryable, match="cannot be reached") as caught:
        http.get(f"http://user:S3CR3T@127.0.0.1:{port}/a")
    assert "S3CR3T" not in str(caught.value)


def test_silence_ends_at_the_limit(http: Http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(Retryable, match="did not answer within"):
            http.get(f"http://127.0.0.1:{server.getsockname()[1]}/a", timeout_s=0.05)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"], ids=["headers", "body"])
def test_a_server_that_drips_is_cut_off(http: Http, before: bytes) -> None:
    """A byte every 10 ms never meets the limit of a single wait."""
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(before)
            while not over.wait(0.01):
                connection.sendall(b"X")

    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = threading.Thread(target=drip, args=(server,))
        dripping.start()
        try:
            with pytest.raises(Retryable, match=r"did not answer within 0\.2 s"):
                http.get(f"http://127.0.0.1:{server.getsockname()[1]}/a", timeout_s=0.2)
        finally:
            over.set()
            dripping.join()


@pytest.mark.parametrize("pause_s", [0.01, 5.0])
def test_a_body_that_ends_because_it_was_cut_off_is_no_answer(http: Http, pause_s: float) -> None:
    """It has no length and ends with the connection, so that the cut looks like its end."""
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nTitle,Country\n")
            while not over.wait(pause_s):
                connection.sendall(b"X")

    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = threading.Thread(target=drip, args=(server,))
        dripping.start()
        try:
            with pytest.raises(Retryable, match=r"did not answer within 0\.2 s"):
                http.get(f"http://127.0.0.1:{server.getsockname()[1]}/a", timeout_s=0.2)
        finally:
            over.set()
            dripping.join()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Content-Length: 1000", b"half"),
        (b"Content-Encoding: gzip\r\nConnection: close", gzip.compress(b"a calendar " * 500)[:-20]),
        (b"Transfer-Encoding: chunked", b"4\r\nhalf\r\n"),
    ],
    ids=["shorter than its length", "packed and cut", "chunked and cut"],
)
def test_a_body_that_breaks_off_is_no_answer(http: Http, headers: bytes, body: bytes) -> None:
    def half(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\n" + body)

    with socket.create_server(("127.0.0.1", 0)) as server:
        talking = threading.Thread(target=half, args=(server,))
        talking.start()
        try:
            with pytest.raises(Retryable):
                http.get(f"http://127.0.0.1:{server.getsockname()[1]}/a")
        finally:
            talking.join()


def test_a_length_is_held_against_the_body_whatever_carries_it() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Length": "9"}, stream=httpx.ByteStream(b"half"))

    http = Http(transport=httpx.MockTransport(answer))
    with pytest.raises(Retryable, match="broke off after 4 of 9 bytes"):
        http.get("https://one.example/a")
    http.close()


def test_a_trickle_ends_at_the_limit(fake_clock: FakeClock) -> None:
    class Trickle(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(1000):
                fake_clock.advance(1)
                yield b"x" * 70_000

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Trickle()))
    http = Http(transport=transport, monotonic=fake_clock.monotonic)
    with pytest.raises(Retryable, match="did not answer within 10 s"):
        http.get("https://one.example/a", timeout_s=10, max_bytes=10**9)
    http.close()


def test_a_broken_answer_is_worth_another_try(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/a").respond_with_data(b"this is not gzip", headers={"Content-Encoding": "gzip"})
    with pytest.raises(Retryable):
        http.get(httpserver.url_for("/a"))


def test_a_bad_certificate_is_not_tried_again() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired")

    http = Http(transport=httpx.MockTransport(answer))
    with pytest.raises(UserAction, match="certificate"):
        http.get("https://one.example/a")
    http.close()
