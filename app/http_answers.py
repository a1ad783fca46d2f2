"""What an answer means and may hold: the rules for one request (``app.http``) and for many (``app.http_many``)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from app.errors import Retryable, UserAction
from app.log_scrub import scrub

#: Bytes of an answer after decompression.
MAX_BYTES: Final = 5_000_000
MAX_REDIRECTS: Final = 5
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_RETRYABLE: Final = frozenset({408, 425, 429})


class Unpacker:
    """Unpacks the body of one answer piece by piece, and tells whether it came whole.

    Args:
        headers: Of the answer.
        url: The address as it may be shown.

    Raises:
        UserAction: the encoding is not understood.
    """

    def __init__(self, headers: Mapping[str, str], url: str) -> None:
        self._url = url
        self._came = 0
        self._inflate: zlib._Decompress | None = None
        length = headers.get("content-length", "").strip()
        stated = length.isascii() and length.isdecimal() and "transfer-encoding" not in headers
        self._length = int(length[:18]) if stated else None
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding in ("", "identity"):
            return
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise UserAction(
                f"{url} answers in an encoding that is not understood ({encoding}).", advice="Use another address."
            )
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, whichever it is

    def unpack(self, piece: bytes, most: int) -> bytes:
        """The unpacked bytes of the next piece, at most ``most``."""
        self._came += len(piece)
        return piece[:most] if self._inflate is None else self._inflate.decompress(piece, most)

    def check_whole(self) -> None:
        """To be called at the end of the body.

        Raises:
            Retryable: it is shorter than its ``Content-Length``, or its packing breaks off.
        """
        if self._length is not None and self._came < self._length:
            raise Retryable(
                f"The answer of {self._url} broke off after {self._came:,} of {self._length:,} bytes.",
                advice="It is tried again; check the network.",
            )
        if self._inflate is not None and self._came and not self._inflate.eof:
            raise Retryable(
                f"The answer of {self._url} broke off: its packed text has no end.",
                advice="It is tried again; check the network.",
            )


def check_status(url: str, status: int, retry_after: str) -> None:
    """Raise what the status calls for; nothing for a good answer.

    Args:
        url: The address as it may be shown.
        retry_after: What the server says of a next try; empty when it says nothing.

    Raises:
        Retryable: the server is busy or in trouble.
        UserAction: it refuses, or has nothing under that address.
    """
    if status in (200, 203, 206, 304):
        return
    if status in _RETRYABLE or status >= 500:
        advice = "The server is busy or in trouble; it is tried again."
        raise Retryable(f"{url} answered {status}.", advice=advice, retry_after=retry_after)
    if status in (401, 403):
        raise UserAction(
            f"{url} refuses access ({status}).",
            advice="Check the key or the password, or whether a browser may open it.",
        )
    if status in (404, 410):
        raise UserAction(f"{url} does not exist ({status}).", advice="Correct or remove the address.")
    raise UserAction(f"{url} answered {status}.", advice="Open it in a browser and check the address.")


@contextmanager
def mapped(url: str, timeout_s: float) -> Iterator[None]:
    """Turn what httpx raises into our errors, with no secret of the address in them.

    Raises:
        Retryable: no answer in time, or no connection.
        UserAction: the address or its certificate is bad.
    """
    import httpx

    shown = scrub(url)
    try:
        yield
    except httpx.TimeoutException as error:
        raise Retryable(f"{shown} did not answer within {timeout_s:g} s.", advice="Check the network.") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise UserAction(
            f"{shown} is not a valid address.", advice="Use one that begins with https:// or http://."
        ) from error
    except (httpx.TransportError, zlib.error) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise UserAction(
                f"The certificate of {shown} cannot be trusted.",
                advice="Check the date of this computer; otherwise do not use this address.",
            ) from error
        raise Retryable(f"{shown} cannot be reached ({scrub(str(error))}).", advice="Check the network.") from error
