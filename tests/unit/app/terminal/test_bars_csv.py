from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from app.terminal.bars_csv import BadBarsFile, read_bars, read_span

HEADER = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
ROWS = [
    "2025.06.03\t12:00:00\t1.10000\t1.10030\t1.09990\t1.10010\t120\t3\t7",
    "2025.06.03\t12:05:00\t1.10010\t1.10020\t1.10000\t1.10015\t80\t0\t0",
    "2025.06.03\t12:15:00\t1.10015\t1.10025\t1.10005\t1.10020\t60\t0\t12",
]
FIRST = 1_748_952_000  # 2025-06-03 12:00


def write(folder: Path, text: str, encoding: str = "utf-8", name: str = "EURUSD.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
def test_an_export_is_read_in_any_dress(tmp_path: Path, encoding: str, newline: str, delimiter: str) -> None:
    text = newline.join([HEADER, ROWS[0], "", *ROWS[1:], ""]).replace("\t", delimiter)
    file = read_bars(write(tmp_path, text, encoding))
    assert (file.seconds, file.digits, file.utc, len(file.rates)) == (300, 5, False, 3)
    assert file.rates[0].tolist() == (FIRST, 1.1, 1.1003, 1.0999, 1.1001, 120, 7, 3)
    assert read_span(file.path) == (FIRST, FIRST + 900)


@pytest.mark.parametrize(
    ("text", "seconds", "first"),
    [
        ("<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\n2025.06.03\t1\t2\t1\t2\t9\n2025.06.04\t2\t2\t1\t1\t9\n",
         86_400, FIRST - 43_200),
        ("20250603 120000;1;2;1;2;0\n20250603 120100;2;2;1;1;0\n", 60, FIRST),
        ("2025.06.03,12:00,1,2,1,2,5\n2025.06.03,13:00,2,2,1,1,5\n", 3600, FIRST),
        ("time,open,high,low,close,spread\n2025-06-03T12:00:00Z,1,2,1,2,4\n2025-06-03T12:30:00Z,2,2,1,1,4\n",
         1800, FIRST),
        (",time,open,high,low,close,date\n0,1748952000,1,2,1,2,x\n1,1748952060,2,2,1,1,y\n", 60, FIRST),
        ("Date;Time;Open;High;Low;Close\n2025.06.03;12:00;1,5;2,5;1,5;2,5\n2025.06.03;12:01;2,5;2,5;1,5;1,5\n",
         60, FIRST),
        (",Open,High,Low,Close,Volume\n2025-06-03 12:00:00,1,2,1,2,3\n2025-06-03 16:00:00,2,2,1,1,3\n", 14_400, FIRST),
    ],
)  # fmt: skip
def test_other_layouts(tmp_path: Path, text: str, seconds: int, first: int) -> None:
    file = read_bars(write(tmp_path, text))
    assert (file.seconds, int(file.rates["time"][0]), file.utc) == (seconds, first, "Z," in text)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("2025.06.03\t12:05:00\t1.1\tx\t1.1\t1.1\t1\t0\t0", "'x' is not a number"),
        ("2025.06.03\t12:05:00\t1.1\t1.1", "4 columns"),
        ("2025.06.03\t12:05:00\tnan\t1.1\t1.1\t1.1\t1\t0\t0", "positive number"),
        ("2025.06.03\t12:05:00\t-1\t-1\t-1\t-1\t1\t0\t0", "positive number"),
        ("2025.06.03\t12:05:00\t1058\t1.1\t1.1\t1.1\t1\t0\t0", "outside of low and high"),
        ("2025.06.03\t12:00:00\t1.1\t1.1\t1.1\t1.1\t1\t0\t0", "not later"),
        ("2025.06.31\t12:05:00\t1.1\t1.1\t1.1\t1.1\t1\t0\t0", "time .* cannot be read"),
        ("2025.06.03\t25:05:00\t1.1\t1.1\t1.1\t1.1\t1\t0\t0", "time .* cannot be read"),
        ("03.06.2025\t12:05:00\t1.1\t1.1\t1.1\t1.1\t1\t0\t0", "time .* cannot be read"),
        ("2025.06.03\t12:05:00\t1.1\t1.1\t1.1\t1.1\t-1\t0\t0", "tick_volume"),
        ("2025.06.03\t12:05:00\t1.1\t1.1\t1.1\t1.1\t1\t0\t1e300", "spread"),
    ],
)
def test_a_damaged_row_is_named(tmp_path: Path, row: str, complaint: str) -> None:
    path = write(tmp_path, "\r\n".join([HEADER, ROWS[0], "", row]))
    with pytest.raises(BadBarsFile, match=complaint) as caught:
        read_bars(path)
    assert "line 4" in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.advice


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "empty"),
        (HEADER.encode(), "no bars"),
        (b"hello world", "no columns"),
        (b"a,b,open,c,d\n1,2,3,4,5\n", "no column for date"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "not text"),
        (b"MZ" + bytes(100), "not a text file"),
        (b"\x1f\x8bgarbage", "compression is broken"),
        (gzip.compress(b"x" * 5000)[:-9], "compression is broken"),
        ((HEADER + "\n" + ROWS[0]).encode(), "single bar"),
        ((HEADER + "\n" + ROWS[0] + "\n" + ROWS[1].replace("12:05", "12:07")).encode(), "no timeframe"),
    ],
)
def test_a_hostile_file_is_refused_with_advice(tmp_path: Path, data: bytes, complaint: str) -> None:
    path = tmp_path / "hostile.csv"
    path.write_bytes(data)
    with pytest.raises(BadBarsFile, match=complaint) as caught:
        read_bars(path)
    assert str(path) in caught.value.message
    assert caught.value.advice


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadBarsFile, match="does not exist"):
        read_bars(tmp_path / "none.csv")
    with pytest.raises(BadBarsFile, match="cannot be read"):
        read_bars(tmp_path)


def test_the_real_files_are_read(shared: Path) -> None:
    folder = shared / "data" / "bars" / "mt5"
    year = read_bars(folder / "EURUSD_M5_2025_fullyear.csv")
    assert (len(year.rates), year.seconds, year.digits) == (74_305, 300, 5)
    assert bool(np.all(np.diff(year.rates["time"]) > 0))
    packed = read_bars(folder / "USDCAD_M1_2025Q4.csv.gz")
    assert (len(packed.rates), packed.seconds) == (92_062, 60)
    assert read_bars(folder / "EURUSD_M1_copyrates_idx.csv").digits == 5
    with pytest.raises(BadBarsFile, match="line 145"):  # a spreadsheet made 1058 of 1.058 there
        read_bars(folder / "EURUSD_M1_tab_10k.csv")
