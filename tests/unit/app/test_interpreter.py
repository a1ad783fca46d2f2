"""How the process treats its interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
