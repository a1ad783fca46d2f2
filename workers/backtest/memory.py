"""Memory of one array used for the next, so that computing does not wait for the system."""

from __future__ import annotations

import numpy as np


def keep_freed() -> None:
    """Have the allocator keep what large arrays give back.

    That of Linux (glibc, mallopt: M_MMAP_THRESHOLD) hands the memory of a large array back to the system until a larger
    one was freed; the next array then fetches it anew, page by page, which takes as long as the computing. This frees
    a larger one, which was never touched and so costs nothing. Other systems are none the worse for it.
    """
    for _ in range(2):
        np.empty(31 << 20, dtype=np.uint8)
