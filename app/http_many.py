"""Many addresses fetched at once: every wait and every size bounded, one that hangs or breaks costs no other.

One asyncio loop of its own, for a process of its own: hundreds of connections would hold the window's interpreter lock
for their handshakes, and their memory would stay with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

from app.errors import MetronomeError, Retryable, UserAction
from app.http import Answer
from app.http_answers import MAX_BYTES, MAX_REDIRECTS, REDIRECTS, Unpacker, check_status, mapped
from app.log_scrub import scrub

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType

    import httpx

#: Connections at the same time.
MAX_AT_ONCE: Final = 500
#: Bytes of bodies that may lie in memory at the same time.
MAX_HELD: Final = 64_000_000
#: Longest ``Retry-After`` that is obeyed, seconds.
LONGEST_WAIT_S: Final = 86_400.0

_LOOKUP_THREADS: Final = 16
_PIECE: Final = 65_536


@dataclass(frozen=True, slots=True)
class Ask:
    """An address to fetch; ``etag`` and ``modified`` from the last answer."""

    url: str
    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it: an answer, or an error that says which reaction fits.

    Attributes:
        status: The last HTTP status; None when no server answered.
        retry_after_s: What the server asked for, seconds.
        offline: Its name could not be looked up, or this computer has no network.
        moved_to: Where a permanent redirect led (301, 308); empty when there was none.
    """

    ask: Ask
    answer: Answer | None = None
    error: MetronomeError | None = None
    status: int | None = None
    retry_after_s: float | None = None
    offline: bool = False
    moved_to: str = ""


class HttpMany:
    """An asyncio client, HTTP/1.1 and 2, for one loop; ``async with`` opens and closes it.

    Args:
        accept: The request header of that name.
        timeout_s: For each address: redirects, waiting and reading together. It counts from the opening of the
            client, so that many addresses take no longer than one; from its own turn for one that had to wait for
            its turn.
        passed_s: Seconds of that limit that have passed before the opening.
        max_bytes: Most bytes of one body, after decompression.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        passed_s: float = 0.0,
        accept: str = "*/*",
        max_bytes: int = MAX_BYTES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._passed_s = passed_s
        self._max_bytes = max_bytes
        self._accept = accept
        self._now = now
        self._transport = transport
        self._held = 0

    async def __aenter__(self) -> HttpMany:
        import httpx

        # The loop's own pool is too small for many slow look-ups, and must not be waited for at the end.
        self._lookups = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="lookup")
        asyncio.get_running_loop().set_default_executor(self._lookups)
        self._places = asyncio.Semaphore(MAX_AT_ONCE)
        self._opened = asyncio.get_running_loop().time() - self._passed_s
        self._asked = 0
        self._client = httpx.AsyncClient(
            http2=True,
            follow_redirects=False,
            transport=self._transport,
            headers={"User-Agent": "Metronome/0.1", "Accept": self._accept, "Accept-Encoding": "gzip, deflate"},
            limits=httpx.Limits(max_connections=MAX_AT_ONCE, max_keepalive_connections=20),
            timeout=httpx.Timeout(self._timeout_s),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def get(self, ask: Ask) -> Told:
        """Fetch one address. Call ``release`` with the answer once its body is dealt with. Never raises an error of
        the policy tree: it is told.
        """
        self._asked += 1
        in_first_wave = self._asked <= MAX_AT_ONCE
        async with self._places:
            seen = _Seen()
            begins = self._opened if in_first_wave else asyncio.get_running_loop().time()
            try:
                with mapped(ask.url, self._timeout_s):
                    async with asyncio.timeout_at(begins + self._timeout_s):
                        answer = await self._follow(ask, seen)
            except TimeoutError:
                shown = scrub(ask.url)
                error: MetronomeError = Retryable(
                    f"{shown} did not answer within {self._timeout_s:g} s.", advice="Check the network."
                )
                return Told(ask, error=error, status=seen.status)
            except MetronomeError as refused:
                return Told(
                    ask,
                    error=refused,
                    status=seen.status,
                    retry_after_s=seen.retry_after_s,
                    offline=_is_offline(refused),
                    moved_to=seen.moved_to,
                )
            return Told(ask, answer, status=answer.status, moved_to=seen.moved_to)

    def release(self, answer: Answer) -> None:
        """The body of this answer is no longer kept."""
        self._held -= len(answer.content)

    async def _follow(self, ask: Ask, seen: _Seen) -> Answer:
        import httpx

        headers: dict[str, str] = {}
        if ask.etag:
            headers["If-None-Match"] = ask.etag
        if ask.modified:
            headers["If-Modified-Since"] = ask.modified
        target, lasting = ask.url, True
        for _ in range(MAX_REDIRECTS + 1):
            address = httpx.URL(target)
            if address.scheme not in ("http", "https") or not address.host:
                raise UserAction(
                    f"{scrub(target)} is not an address of the web.",
                    advice="Use one that begins with https:// or http://.",
                )
            async with self._client.stream("GET", address, headers=headers) as response:
                seen.status = response.status_code
                location = response.headers.get("location", "")
                if response.status_code in REDIRECTS and location:
                    target = str(address.join(location))
                    lasting = lasting and response.status_code in (301, 308)
                    seen.moved_to = target if lasting else ""
                    continue
                seen.retry_after_s = retry_after(response.headers.get("retry-after", ""), self._now())
                check_status(scrub(target), response.status_code, response.headers.get("retry-after", ""))
                unchanged = response.status_code == 304
                content = b"" if unchanged else await self._body(response, target)
                return Answer(
                    url=str(address),
                    status=response.status_code,
                    content=content,
                    content_type=response.headers.get("content-type", ""),
                    etag=response.headers.get("etag", ""),
                    modified=response.headers.get("last-modified", ""),
                    not_modified=unchanged,
                )
        raise UserAction(
            f"{scrub(ask.url)} redirects more than {MAX_REDIRECTS} times.",
            advice="Open it in a browser and use the address shown there.",
        )

    async def _body(self, response: httpx.Response, url: str) -> bytes:
        """The body, decompressed piece by piece; what a body that fails held is given back at once."""
        unpacker = Unpacker(response.headers, scrub(url))
        body = bytearray()
        whole = False
        try:
            raw = cast("AsyncGenerator[bytes]", response.aiter_raw(_PIECE))
            async with contextlib.aclosing(raw) as pieces:
                async for piece in pieces:
                    part = unpacker.unpack(piece, self._max_bytes + 1 - len(body))
                    body += part
                    self._held += len(part)
                    self._check_size(len(body), url)
            unpacker.check_whole()
            whole = True
        finally:
            if not whole:
                self._held -= len(body)
        return bytes(body)

    def _check_size(self, length: int, url: str) -> None:
        if length > self._max_bytes:
            raise UserAction(
                f"{scrub(url)} is larger than {self._max_bytes / 1e6:g} MB.", advice="Use an address with less content."
            )
        if self._held > MAX_HELD:
            raise Retryable(
                f"{scrub(url)} was left out: the answers of this run together hold more than {MAX_HELD / 1e6:g} MB.",
                advice="It is tried again; fetch fewer large addresses at once.",
            )


@dataclass(slots=True)
class _Seen:
    """What was seen on the way, whatever comes of it."""

    status: int | None = None
    retry_after_s: float | None = None
    moved_to: str = ""


def retry_after(text: str, now: datetime) -> float | None:
    """Seconds that a ``Retry-After`` header asks to wait: a number, or a date (RFC 9110, section 10.2.3); at most a
    day. None when there is none that can be read.
    """
    text = text.strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), LONGEST_WAIT_S)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT_S)


def _is_offline(error: BaseException) -> bool:
    """Whether the cause is that names cannot be looked up or that no way leads out of this computer."""
    import errno

    lost = {errno.ENETUNREACH, errno.ENETDOWN, getattr(errno, "EHOSTDOWN", errno.ENETDOWN), 10050, 10051}
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror) or (isinstance(cause, OSError) and cause.errno in lost):
            return True
    return False


def _causes(error: BaseException | None, depth: int = 12) -> Iterator[BaseException]:
    if error is None or depth == 0:
        return
    yield error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _causes(inner, depth - 1)
    yield from _causes(error.__cause__ or error.__context__, depth - 1)
