"""A loopback server with as many feeds as asked for, in a process of its own: slow, hanging and broken ones among them.

``/feed/N`` is an RSS feed of 20 articles after 50 ms; every twentieth hangs, every twentieth (another one) is broken.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
LATENCY_S = 0.05
ITEMS = 20
WORDS = (
    "dollar euro yen sterling gold oil stocks bonds yields inflation payrolls minister bank rates growth trade budget "
    "tariffs output exports jobs prices forecast survey outlook market traders investors officials policy deficit "
    "surplus housing energy harvest shipping insurance mining retail tourism"
).split()


def feed(number: int) -> bytes:
    """A feed of some 20 kB, its titles unlike those of every other feed."""
    now = datetime.now(UTC)
    items = "".join(_item(number, item, now) for item in range(ITEMS))
    head = f"<title>Feed {number}</title><link>https://feed{number}.example/</link><description>News</description>"
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{head}{items}</channel></rss>'.encode()


def _item(number: int, item: int, now: datetime) -> str:
    place = number * ITEMS + item
    picked = [WORDS[(place // len(WORDS) ** power * 7 + power * 5 + place) % len(WORDS)] for power in range(6)]
    when = format_datetime(now - timedelta(minutes=place % 20_000))
    text = f"&lt;p&gt;{' '.join(picked * 12)}.&lt;/p&gt;"
    return (
        f"<item><title>{' '.join(picked).capitalize()} {place}</title><link>https://feed{number}.example/{item}</link>"
        f"<guid>{number}-{item}</guid><pubDate>{when}</pubDate><description>{text}</description></item>"
    )


def kind(number: int) -> str:
    """``hangs``, ``broken`` or ``good``."""
    return {7: "hangs", 13: "broken"}.get(number % 20, "good")


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        request = await reader.readuntil(b"\r\n\r\n")
        number = int(request.split()[1].rpartition(b"/")[2])
        if kind(number) == "hangs":
            await reader.read()  # until the client goes away
        else:
            await asyncio.sleep(LATENCY_S)
            body = feed(number) if kind(number) == "good" else b"<html><body>Out of order</body></html>"
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n")
            writer.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
    writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The address of a running server, without the number of a feed."""
    command = [sys.executable, "-m", "benchmarks.feed_server"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    psutil.Process(process.pid).nice(10 if sys.platform != "win32" else psutil.BELOW_NORMAL_PRIORITY_CLASS)
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/feed"
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(_serve())
