"""How the process treats its interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def test_pyside_reads_no_sources_and_what_is_loaded_stays_out_of_collections() -> None:
    # In a process of its own: what the tests leave behind shall be collected.
    script = (
        "import gc\n"
        "from app.interpreter import keep_what_is_loaded, spare_reading_sources\n"
        "spare_reading_sources()\n"
        "from PySide6.QtCore import QObject, Signal\n"
        "import linecache, json.tool, app.runs\n"
        "class Bell(QObject):\n"
        "    rung = Signal(int)\n"
        "bell, heard = Bell(), []\n"
        "bell.rung.connect(heard.append)\n"
        "bell.rung.emit(3)\n"
        "assert heard == [3]\n"
        "keep_what_is_loaded()\n"
        "assert gc.get_freeze_count() > 1_000\n"
        "print([name for name in linecache.cache if name.endswith(('tool.py', 'runs.py'))])\n"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has a heap for each thread")
def test_threads_share_one_heap_and_free_memory_goes_back() -> None:
    script = (
        "import ctypes, threading\n"
        "from app.interpreter import give_back_free_memory, share_one_heap\n"
        "def resident():\n"
        "    return int(open('/proc/self/statm').read().split()[1])\n"
        "share_one_heap()\n"
        "pieces = [ctypes.create_string_buffer(b'x' * 60_000, 60_000) for _ in range(1_000)]\n"
        "last = ctypes.create_string_buffer(60_000)\n"
        "held = []\n"
        "thread = threading.Thread(target=lambda: held.append(ctypes.create_string_buffer(60_000)))\n"
        "thread.start(); thread.join()\n"
        "apart = abs(ctypes.addressof(held[0]) - ctypes.addressof(last))\n"
        "before = resident()\n"
        "del pieces\n"
        "give_back_free_memory()\n"
        "print(apart < 2**26, before - resident() > 10_000)\n"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "True"]
