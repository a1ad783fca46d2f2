"""Imports: a year of minutes read and stored, and a million rows for time and memory."""

from __future__ import annotations

import gc
import tempfile
import time
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from app.clock import SystemClock
from app.paths import Paths
from app.settings_model import Settings
from app.storage import Storage
from app.terminal.values import RATES_DTYPE, Rates
from benchmarks.figures import Figure, distribution, single
from workers.imports.bar_rows import read_bars, settle
from workers.imports.layouts import recognise
from workers.imports.outcome import Options
from workers.imports.run import import_files
from workers.imports.sources import sources
from workers.imports.spool import Spool

YEAR = 372_000
MANY = 10_000_000
REPEATS = 7
_PIECE = 250_000


def run() -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        year = place / "EURUSD_M1_year.zip"
        _write(year, YEAR)
        reading, storing = [], []
        for turn in range(REPEATS):
            reading.append(_read(year))
            storing.append(_import(year, place / f"home{turn}"))
        many = place / "EURUSD_M1_many.zip"
        _write(many, MANY)
        took, peak = _many(many, place / "many")
        return [
            distribution(f"read {YEAR:,} minutes out of a zip", "s", reading, {"max": 1.0}),
            distribution(f"import {YEAR:,} minutes into a history", "s", storing, {"max": 1.0}),
            single(f"import {MANY:,} rows", "s", took),
            single(f"memory of {MANY:,} rows at most", "MB", peak / 1e6, 400.0),
        ]


def _read(path: Path) -> float:
    began = time.perf_counter()
    (source,), _ = sources(path)
    with Spool() as spool:
        found = read_bars(source, recognise(source), spool)
        settle(found, source.name, "")
        if found.rows != YEAR:
            msg = f"{found.rows} of {YEAR} rows were read"
            raise RuntimeError(msg)
    return time.perf_counter() - began


def _import(path: Path, home: Path) -> float:
    paths, clock = Paths(home), SystemClock()
    paths.create()
    storage = Storage(paths, clock)
    began = time.perf_counter()
    (found,) = import_files(storage, clock, Settings(), [path], Options("UTC"), lambda _done, _total, _name: None)
    took = time.perf_counter() - began
    if found.error:
        raise RuntimeError(found.error)
    return took


def _many(path: Path, home: Path) -> tuple[float, int]:
    """Seconds without, and bytes at most with the memory being watched (which makes everything slower)."""
    took = _import(path, home)
    gc.collect()
    tracemalloc.start()
    _import(path, home.with_name("watched"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return took, peak


def _write(path: Path, count: int) -> None:
    """An export of ``count`` minutes in a row."""
    start = int(datetime(2005, 1, 3, tzinfo=UTC).timestamp())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("EURUSD_M1.csv", "w", force_zip64=True) as file:
            file.write(b"<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n")
            for first in range(0, count, _PIECE):
                file.write(_rows(first, min(_PIECE, count - first), start))


def _rows(first: int, count: int, start: int) -> bytes:
    from workers.market.bar_text import lines

    places = np.arange(first, first + count)
    rates: Rates = np.zeros(count, dtype=RATES_DTYPE)
    rates["time"] = start + 60 * places
    close = 1.1 + 0.05 * np.sin(places / 5_000)
    rates["open"] = rates["close"] = close
    rates["high"], rates["low"] = close + 0.0003, close - 0.0003
    rates["tick_volume"] = 10 + places % 90
    # Our own lines in the dress of an export.
    return lines(rates, 5).replace(b",", b"\t").replace(b"T", b"\t").replace(b"Z", b"").replace(b"-", b".")
