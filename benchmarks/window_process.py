"""The real program in a process of its own, and what its log says about it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE_S = 30.0


@dataclass
class WindowProcess:
    """A started program.

    Attributes:
        started: Wall time (s since the epoch) right before the process was made.
    """

    process: subprocess.Popen[bytes]
    started: float
    log_file: Path

    def seconds_until(self, *words: str) -> float:
        """Seconds from the start of the process to the first log line with all of ``words``.

        Raises:
            RuntimeError: no such line within half a minute, or the process ended.
        """
        give_up = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up:
            lines = self.log_file.read_text(encoding="utf-8").splitlines() if self.log_file.is_file() else []
            for line in lines:
                if all(word in line for word in words):
                    return datetime.fromisoformat(line.split(" ", 1)[0]).timestamp() - self.started
            if self.process.poll() is not None:
                raise RuntimeError(f"the program ended with {self.process.returncode}")
            time.sleep(0.02)
        raise RuntimeError(f"no log line with {words}")


@contextmanager
def window(home: Path, *options: str) -> Iterator[WindowProcess]:
    """Start ``main.py`` on ``home``; end it in good order afterwards."""
    environment = {**os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}
    log_file = home / "logs" / "metronome.log"
    log_file.unlink(missing_ok=True)
    started = time.time()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), "--home", str(home), *options],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield WindowProcess(process, started, log_file)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
