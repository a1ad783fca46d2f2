"""What an answer means and may hold: the rules for one request (``app.http``) and for many (``app.http_many``)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from app.errors import Retryable, UserAction
from app.log_scrub import scrub

#: Bytes of an answer after decompression.
MAX_BYTES: Final = 5_000_000
MAX_REDIRECTS: Final = 5
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_RETRYABLE: Final = frozenset({408, 425, 429})


def unpacker(encoding: str, url: str) -> Callable[[bytes, int], bytes]:
    """A function (packed piece, most bytes) -> unpacked piece.

    Raises:
        UserAction: the encoding is not understood.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return lambda piece, most: piece[:most]
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise UserAction(
            f"{url} answers in an encoding that is not understood ({encoding}).", advice="Use another address."
        )
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, whichever it is
    return inflate.decompress


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
