"""Values between this process and the child that owns the module.

Pickle protocol 5 with out-of-band buffers (PEP 574): the bytes of arrays are written to the pipe from where they lie
and read into where they will stay, never copied into a pickle. Only ever used between us and a child of our own.
"""

from __future__ import annotations

import pickle
import struct
from multiprocessing.connection import Connection
from typing import Any, Final

_COUNT: Final = struct.Struct("<I")
_SIZE: Final = struct.Struct("<Q")

Channel = Connection


def send(channel: Channel[Any, Any], value: object) -> None:
    """Send a value; arrays in it must be C-contiguous to travel without a copy.

    Raises:
        OSError: The other side is gone.
        Exception: The value cannot be pickled.
    """
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    raws = [buffer.raw() for buffer in buffers]
    head = _COUNT.pack(len(raws)) + b"".join(_SIZE.pack(raw.nbytes) for raw in raws)
    channel.send_bytes(head + body)
    for raw in raws:
        if raw.nbytes:
            channel.send_bytes(raw)


def receive(channel: Channel[Any, Any]) -> Any:
    """Wait for a value; arrays in it are writable and belong to the receiver.

    Raises:
        EOFError, OSError: The other side is gone.
    """
    message = memoryview(channel.recv_bytes())
    (count,) = _COUNT.unpack_from(message)
    sizes = [_SIZE.unpack_from(message, _COUNT.size + at * _SIZE.size)[0] for at in range(count)]
    buffers = [bytearray(size) for size in sizes]
    for buffer in buffers:
        if buffer:
            channel.recv_bytes_into(buffer)
    # Both ends are ours: nobody else has the pipe.
    return pickle.loads(message[_COUNT.size + count * _SIZE.size :], buffers=buffers)  # noqa: S301
