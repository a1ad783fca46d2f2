"""The network for tasks: http and https only, every wait and every size bounded, errors that decide the reaction."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.errors import UserAction
from app.http_answers import MAX_BYTES, MAX_REDIRECTS, REDIRECTS, Unpacker, check_status, mapped
from app.log_scrub import scrub

if TYPE_CHECKING:
    import httpx

TIMEOUT_S: Final = 20.0

_PASSED_ON: Final = frozenset({"accept", "user-agent"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said.

    Attributes:
        url: The address that answered, after redirects.
        content: The body, decompressed; empty when ``not_modified``.
        content_type: As the server says, for example ``application/rss+xml; charset=utf-8``; may be empty.
        etag, modified: To be given back with the next request; empty when the server sent none.
        not_modified: What the caller has is still right.
    """

    url: str
    status: int
    content: bytes
    content_type: str = ""
    etag: str = ""
    modified: str = ""
    not_modified: bool = False


class Http:
    """A client that is made at the first request and closed with the engine.

    Args:
        transport: Instead of the network, for tests.

    Thread: any.
    """

    def __init__(
        self,
        *,
        transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._monotonic = monotonic
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def get(
        self,
        url: str,
        *,
        etag: str = "",
        modified: str = "",
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = MAX_BYTES,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Fetch ``url``.

        Args:
            etag, modified: From the last answer: an unchanged page then comes back as ``not_modified``.
            timeout_s: For everything together: redirects, waiting and reading.
            max_bytes: Most bytes of the body, after decompression.
            headers: More request headers. After a redirect to another host, secrets among them are left out.

        Raises:
            Retryable: the network or the server is in trouble; another try may work.
            UserAction: the address is wrong, refused, gone, too large or redirects in circles.
        """
        deadline = self._monotonic() + timeout_s
        asked = {"Accept-Encoding": "gzip, deflate", **(headers or {})}
        if etag:
            asked["If-None-Match"] = etag
        if modified:
            asked["If-Modified-Since"] = modified
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            with mapped(target, timeout_s):
                answer, onward = self._once(target, asked, deadline, max_bytes)
            if answer is not None:
                return answer
            if _host(onward) != _host(target):
                asked = {name: text for name, text in asked.items() if name.lower() in _PASSED_ON | {"accept-encoding"}}
            target = onward
        raise UserAction(
            f"{scrub(url)} redirects more than {MAX_REDIRECTS} times.",
            advice="Open it in a browser and use the address shown there.",
        )

    def close(self) -> None:
        """Close the connections. A later request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _open(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    transport=self._transport,
                    follow_redirects=False,
                    headers={"User-Agent": "Metronome/0.1", "Accept": "*/*"},
                    # Each request has a connection of its own, which its watchdog may cut.
                    limits=httpx.Limits(max_connections=20, max_keepalive_connections=0),
                )
            return self._client

    def _once(self, url: str, headers: Mapping[str, str], deadline: float, max_bytes: int) -> tuple[Answer | None, str]:
        """One request: the answer, or None and the address that it redirects to."""
        import httpx

        address = httpx.URL(url)
        if address.scheme not in ("http", "https") or not address.host:
            raise UserAction(
                f"{scrub(url)} is not an address of the web.", advice="Use one that begins with https:// or http://."
            )
        left = deadline - self._monotonic()
        if left <= 0:
            raise httpx.ReadTimeout("out of time")
        client = self._open()
        with (
            _Watchdog(left) as watchdog,
            client.stream("GET", address, headers=dict(headers), timeout=left, extensions=watchdog.hook) as response,
        ):
            location = response.headers.get("location", "")
            if response.status_code in REDIRECTS and location:
                return None, str(address.join(location))
            check_status(scrub(url), response.status_code, response.headers.get("retry-after", ""))
            unchanged = response.status_code == 304
            content = b"" if unchanged else self._body(response, url, deadline, max_bytes, watchdog)
            return Answer(
                url=str(address),
                status=response.status_code,
                content=content,
                content_type=response.headers.get("content-type", ""),
                etag=response.headers.get("etag", ""),
                modified=response.headers.get("last-modified", ""),
                not_modified=unchanged,
            ), ""

    def _body(self, response: httpx.Response, url: str, deadline: float, max_bytes: int, watchdog: _Watchdog) -> bytes:
        """The body, decompressed piece by piece, so that a small answer cannot unfold into a huge one."""
        import httpx

        unpacker = Unpacker(response.headers, scrub(url))
        body = bytearray()
        for piece in response.iter_raw():  # as they come: waiting for large pieces would let a trickle go on
            body += unpacker.unpack(piece, max_bytes + 1 - len(body))
            if len(body) > max_bytes:
                raise UserAction(
                    f"{scrub(url)} is larger than {max_bytes / 1e6:g} MB.", advice="Use an address with less content."
                )
            if self._monotonic() > deadline:
                raise httpx.ReadTimeout("out of time")
        if watchdog.fired:  # without a length its end is that of the connection, also of one that was cut
            raise httpx.ReadTimeout("out of time")
        unpacker.check_whole()
        return bytes(body)


class _Watchdog:
    """Cuts the connection of one request when its time is over.

    The time limits of httpx are for each single wait, so a server that sends a byte now and then, be it of the
    headers, would never meet them.
    """

    def __init__(self, limit_s: float) -> None:
        self._stream: Any = None
        self.fired = False
        self._timer = threading.Timer(limit_s, self._cut)
        self._timer.daemon = True
        self.hook: dict[str, Any] = {"trace": self._trace}

    def __enter__(self) -> _Watchdog:
        self._timer.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        import httpx

        self._timer.cancel()
        if self.fired and isinstance(error, httpx.TransportError):
            raise httpx.ReadTimeout("out of time") from error

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info.get("return_value")

    def _cut(self) -> None:
        self.fired = True
        found = self._stream.get_extra_info("socket") if self._stream is not None else None
        if isinstance(found, socket.socket):
            with suppress(OSError):
                # Not the method of an encrypted socket: that one drops what the reading thread still uses.
                socket.socket.shutdown(found, socket.SHUT_RDWR)


def _host(url: str) -> tuple[str, str, int | None]:
    import httpx

    address = httpx.URL(url)
    return address.scheme, address.host, address.port
