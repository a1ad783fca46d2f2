"""How the threads of this process share the interpreter."""

from __future__ import annotations

import sys
from typing import Final

#: How long a thread that computes keeps the interpreter when others wait. Python's 5 ms make a click wait 5 ms for
#: each change of thread; with 0.1 ms a run has its row after 0.5 ms while another task computes.
SWITCH_INTERVAL_S: Final = 0.0001


def share_fairly() -> None:
    """Let no computing thread keep the window or a starting run waiting."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
