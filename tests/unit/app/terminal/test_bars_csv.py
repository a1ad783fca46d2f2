from __future__ import annotations

import gzip
import re
import zipfile
from datetime import UTC, datetime
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


# HistData.


def histdata(folder: Path, winter: str, summer: str) -> Path:
    """Two weekends of M1: the evening on which the week opens in January, and in July."""
    rows = []
    for friday, sunday, opening in (("20180112", "20180114", winter), ("20180706", "20180708", summer)):
        rows += [f"{friday} 16{n}00;1.200100;1.200300;1.200000;1.200200;0" for n in (58, 59)]
        rows += [f"{sunday} {opening}{n:02d}00;1.200100;1.200300;1.200000;1.200200;0" for n in range(3)]
    path = folder / "DAT_ASCII_EURUSD_M1_2018.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("DAT_ASCII_EURUSD_M1_2018.csv", "\r\n".join(rows))
        archive.writestr("DAT_ASCII_EURUSD_M1_2018.txt", "HistData.com status report: no gaps")
    return path


@pytest.mark.parametrize(("summer", "clock"), [("16", "EST"), ("17", "America/New_York")])
def test_the_clock_of_histdata_is_told_by_its_weekly_openings(tmp_path: Path, summer: str, clock: str) -> None:
    file = read_bars(histdata(tmp_path, "17", summer))
    assert (file.clock, file.utc, file.digits, file.seconds, len(file.rates)) == (clock, False, 4, 60, 10)


def test_the_real_files_of_histdata_keep_new_yorks_clock(shared: Path) -> None:
    file = read_bars(shared / "data" / "bars" / "histdata" / "HISTDATA_COM_ASCII_EURUSD_M12018.zip")
    assert (len(file.rates), file.seconds, file.digits, file.clock) == (372_607, 60, 5, "America/New_York")
    # American employment, 2018-07-06 at 8:30 in New York: the liveliest minute of the morning.
    rates = file.rates
    morning = rates[(rates["time"] >= 1_530_856_800) & (rates["time"] < 1_530_882_000)]
    widest = morning["time"][np.argmax(morning["high"] - morning["low"])]
    assert datetime.fromtimestamp(int(widest), UTC).strftime("%H:%M") == "08:30"


def test_a_file_that_repeats_an_hour_is_refused_by_its_line(shared: Path) -> None:
    with pytest.raises(BadBarsFile, match="line 257572"):
        read_bars(shared / "data" / "bars" / "histdata" / "HISTDATA_COM_ASCII_SPXUSD_M12019.zip")


# Rows left out.


@pytest.mark.parametrize(
    ("name", "rows", "left_out", "notes"),
    [
        ("mt5/EURUSD_M1_tab_10k.csv", 9999, 326,
         ["326 rows of EURUSD_M1_tab_10k.csv were left out, the first in line 107: its prices are more than"]),
        ("histdata/HISTDATA_COM_ASCII_SPXUSD_M12019.zip", 308_354, 56,
         ["56 rows of HISTDATA_COM_ASCII_SPXUSD_M12019.zip were left out, the first in line 257572: its time has"]),
        ("mt5/EURUSD_H1_2025.csv", 6_193, 0, []),
    ],
)  # fmt: skip
def test_real_files_with_bad_rows_are_read_without_them(
    shared: Path, name: str, rows: int, left_out: int, notes: list[str]
) -> None:
    file = read_bars(shared / "data" / "bars" / name, leave_out=True)
    assert (len(file.rates), file.left_out) == (rows - left_out, left_out)
    assert len(file.notes) == len(notes)
    assert all(part in note for part, note in zip(notes, file.notes, strict=True))
    assert bool(np.all(np.diff(file.rates["time"]) > 0))


def minutes(count: int) -> list[str]:
    return [f"2025.06.03\t12:{n:02d}:00\t1.1\t1.2\t1.0\t1.1\t5\t0\t7" for n in range(count)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2025.06.03\t12:05:00\t1.1\tx\t1.1\t1.1\t1\t0\t0", "'x' is not a number"),
        ("2025.06.03\t12:05:00\t1.1\t1_0\t1.1\t1.1\t1\t0\t0", "'1_0' is not a number"),
        ("2025.06.03\t12:05:00\t1.1\t1.1", "4 columns"),
        ('2025.06.03\t12:05:00\t"1.1\t1.1\t1.1\t1.1\t1\t0\t0', "quotation mark"),
        ('2025.06.03\t12:05:00\t"1.1\t"1.1\t1.1\t1.1\t1\t0\t0', "quotation mark"),
        ("2025.06.03\t12:05:00\t1.1\t\u0661\t1.1\t1.1\t1\t0\t0", "is not a number"),
        ("\u20252025.06.03\t12:05:00\t1.1\t1.1\t1.1\t1.1\t1\t0\t0", "the time .* cannot be read"),
        ("2025.06.03\t12:05:00\tnan\t1.1\t1.1\t1.1\t1\t0\t0", "positive number"),
        ("2025.06.03\t12:05:00\t1058\t1.1\t1.1\t1.1\t1\t0\t0", "outside of low and high"),
        ("2025.06.31\t12:05:00\t1.1\t1.1\t1.1\t1.1\t1\t0\t0", "the time '2025.06.31 12:05:00' cannot be read"),
        ("2025.06.03 12:05\t\t1.1\t1.1\t1.1\t1.1\t1\t0\t0", "cannot be read"),
        ("1748952300\t\t1.1\t1.1\t1.1\t1.1\t1\t0\t0", "cannot be read"),
        ("2025.06.03\t12:05:20\t1.1\t1.1\t1.1\t1.1\t1\t0\t0", "off the grid"),
        ("2025.06.03\t12:05:00\t1.1\t1.1\t1.1\t1.1\t-1\t0\t0", "tick_volume"),
        ("2025.06.03\t12:05:00\t1.1\t1.1\t1.1\t1.1\t1\t0\t1e300", "spread"),
    ],
)
@pytest.mark.parametrize("place", [0, 5, 9])
def test_one_bad_row_costs_itself_alone(tmp_path: Path, row: str, reason: str, place: int) -> None:
    rows = minutes(10)
    del rows[place]
    rows.insert(place, row)
    file = read_bars(write(tmp_path, "\n".join([HEADER, *rows])), leave_out=True)
    assert (len(file.rates), file.left_out, file.seconds, file.digits) == (9, 1, 60, 1)
    (note,) = file.notes
    assert re.search(rf"1 row of EURUSD\.csv was left out: line {place + 2}: .*{reason}", note)
    assert read_span(file.path)[1] >= FIRST + 5 * 60


def test_rows_that_come_twice_or_too_early_are_told(tmp_path: Path) -> None:
    rows = minutes(10)
    text = "\n".join([HEADER, *rows[:3], rows[1].replace("1.2", "1.3"), rows[4], rows[3], *rows[5:]])
    file = read_bars(write(tmp_path, text), leave_out=True)
    assert file.rates["time"].tolist() == [FIRST + 60 * n for n in range(10)]
    assert file.rates["high"].tolist() == [1.2] * 10
    first, second = file.notes
    assert "1 row of EURUSD.csv was left out: line 5: its time has come before" in first
    assert "not in the order of time" in second


@pytest.mark.parametrize(("bad", "refused"), [(2, False), (3, True)])
def test_a_file_of_which_more_than_a_fifth_is_broken_is_refused(tmp_path: Path, bad: int, refused: bool) -> None:
    rows = minutes(10)
    rows[1] = rows[1].replace("12:01:00", "12:00:00")
    rows[4] = rows[4].replace("1.2", "0.2")
    if bad > 2:
        rows[2] = "2025.06.03\tnoon\t?"
    path = write(tmp_path, "\n".join([HEADER, *rows]))
    if not refused:
        assert read_bars(path, leave_out=True).left_out == 2
        return
    with pytest.raises(BadBarsFile, match=r"3 of its 10 rows are no bars, .* the first is line 3: its time") as caught:
        read_bars(path, leave_out=True)
    assert caught.value.advice


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"readme.md": "x"}, "0 tables"),
        ({"a.csv": "x", "b.csv": "y"}, "2 tables"),
        ({"a.exe": "x"}, "0 tables"),
        ({"a.csv": ""}, "empty"),
    ],
)
def test_an_archive_without_one_table_is_refused(tmp_path: Path, members: dict[str, str], complaint: str) -> None:
    path = tmp_path / "bars.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    with pytest.raises(BadBarsFile, match=complaint):
        read_bars(path)


def test_a_damaged_archive_and_a_bomb_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = histdata(tmp_path, "17", "17")
    whole = path.read_bytes()
    path.write_bytes(whole[:60])
    with pytest.raises(BadBarsFile, match="compression is broken"):
        read_bars(path)
    monkeypatch.setattr("app.terminal.bars_csv.MAX_BYTES", 20_000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.csv", "0" * 5_000_000)
    assert path.stat().st_size < 20_000
    with pytest.raises(BadBarsFile, match="larger than"):
        read_bars(path)
