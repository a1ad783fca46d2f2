"""Laws of the readers, on whatever hypothesis thinks of: they read what is right and refuse the rest, never worse."""

from __future__ import annotations

import contextlib
import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.terminal.timeframes import TIMEFRAMES
from app.terminal.values import RATES_DTYPE
from workers.imports import html_rows, reports, settings_files, xlsx
from workers.imports.bar_rows import read_bars, settle
from workers.imports.columns import Cells, numbers, split
from workers.imports.errors import BadImport
from workers.imports.layouts import recognise
from workers.imports.naming import named
from workers.imports.sources import sources
from workers.imports.spool import Spool
from workers.imports.stamps import stamps
from workers.imports.ticks import TickTable, lines, look
from workers.market import bar_text
from workers.market.bar_history import rows_of

FEW = settings(max_examples=150, deadline=None)


def column_of(texts: list[bytes]) -> Cells:
    block = split(b"\n".join(b"|" + text for text in texts) + b"\n", 1, "|")
    return block.column(1, np.arange(len(texts)))


@FEW
@given(st.lists(st.decimals(-(10**7), 10**7, places=6, allow_nan=False).map(lambda value: f"{value:f}"), min_size=1))
def test_decimal_numbers_are_read_to_the_last_bit(texts: list[str]) -> None:
    found = numbers(column_of([text.encode() for text in texts]))
    assert found.good.all()
    assert found.values.tolist() == [float(text) for text in texts]


@FEW
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False).map(repr), min_size=1))
def test_every_finite_double_is_read_as_python_reads_it(texts: list[str]) -> None:
    found = numbers(column_of([text.encode() for text in texts]))
    assert found.values[found.good].tolist() == [
        float(text) for text, good in zip(texts, found.good, strict=True) if good
    ]
    assert found.good.all()


@FEW
@given(st.lists(st.binary(max_size=20).filter(lambda raw: not set(raw) & set(b"\r\n|")), min_size=1))
def test_rubbish_is_no_number(texts: list[bytes]) -> None:
    cells = column_of(texts)
    found = numbers(cells)
    for row, good in enumerate(found.good.tolist()):
        if good:
            assert float(cells.text(row)) == found.values[row]


@FEW
@given(
    st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31)), min_size=1),  # noqa: DTZ001 - made aware below
    st.sampled_from(["%Y.%m.%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y%m%d %H%M%S", "%Y%m%d%H%M%S", "%Y-%m-%d %H:%M"]),
)
def test_times_are_read_as_written(moments: list[datetime], form: str) -> None:
    texts = [moment.strftime(form).encode() for moment in moments]
    found = stamps(column_of(texts))
    assert found.good.all()
    for text, msc in zip(texts, found.msc.tolist(), strict=True):
        expected = datetime.strptime(text.decode(), form).replace(tzinfo=UTC)
        assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=msc) == expected.replace(
            microsecond=expected.microsecond // 1000 * 1000
        )


@FEW
@given(st.lists(st.text("0123456789.-: TZ+", max_size=26).map(str.encode), min_size=1))
def test_what_is_no_time_is_marked(texts: list[bytes]) -> None:
    found = stamps(column_of(texts))
    assert len(found.good) == len(texts)
    assert (found.msc[~found.good] == 0).all()


@FEW
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2_000_000_000),
            st.floats(0.00001, 900_000),
            st.integers(0, 2**40),
            st.integers(0, 2**31 - 1),
        ),
        min_size=1,
        max_size=30,
    ),
    st.integers(0, 6),
)
def test_bars_are_written_as_value_by_value(bars: list[tuple[int, float, int, int]], digits: int) -> None:
    rates = np.zeros(len(bars), dtype=RATES_DTYPE)
    for place, (time, price, volume, spread) in enumerate(bars):
        # Prices have the decimals that they are written with: ties between two decimals do not come up.
        rates[place] = (time, *[round(price, digits)] * 4, volume, spread, 0)
    expected = "".join(",".join(row) + "\n" for row in rows_of(rates, digits))
    assert bar_text.lines(rates, digits).decode() == expected


def all_of(path: Path) -> None:
    """Read a file by whatever reader takes it."""
    found, workbook = sources(path)
    if workbook is not None:
        reports.read(path.name, xlsx.rows(workbook))
        return
    for source in found:
        table = recognise(source)
        if table.ticks:
            look(source, table)
            b"".join(lines(source, table, None, TickTable()))
            continue
        with Spool() as spool:
            bars = read_bars(source, table, spool)
            settle(bars, source.name, "")
            assert bars.rows == len(spool)
            assert (np.diff(spool.times) > 0).all()


CELLS = st.sampled_from(
    [
        "2025.06.03",
        "12:00:00",
        "1.1",
        "1.2",
        "1.0",
        "nan",
        "inf",
        "-1",
        "",
        "x",
        '"1.1"',
        "1,5",
        "1e400",
        "0",
        "é",
        "\0",
    ]
)
HEADS = st.sampled_from(
    [
        "",
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n",
        "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n",
        "time,open,high,low,close,tick_volume,spread,real_volume\n",
        "timestamp,bid,ask\n",
    ]
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@FEW
@given(
    HEADS,
    st.lists(st.lists(CELLS, max_size=11), max_size=12),
    st.sampled_from("\t,;"),
    st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-8-sig"]),
    st.integers(0, 400),
)
def test_no_table_of_cells_does_worse_than_be_refused(
    scratch: Path, head: str, rows: list[list[str]], delimiter: str, encoding: str, cut: int
) -> None:
    text = head + "\n".join(delimiter.join(row) for row in rows)
    path = scratch / "EURUSD_M5.csv"
    data = text.encode(encoding)
    path.write_bytes(data[: len(data) - cut] if cut < len(data) // 2 else data)
    with contextlib.suppress(BadImport):
        all_of(path)


@FEW
@given(st.binary(max_size=600), st.sampled_from([b"", b"\x1f\x8b", b"PK\x03\x04", b"\xff\xfe", b"<html>", b"<?xml"]))
def test_no_binary_rubbish_does_worse_than_be_refused(scratch: Path, data: bytes, magic: bytes) -> None:
    path = scratch / "rubbish.bin"
    path.write_bytes(magic + data)
    with contextlib.suppress(BadImport):
        all_of(path)


@FEW
@given(st.text(max_size=400))
def test_no_markup_does_worse_than_be_refused(text: str) -> None:
    with contextlib.suppress(BadImport):
        page = html_rows.page("x.html", text)
        reports.read("x.html", page.rows, page.lines, page.broken)


CELL_TEXTS = st.sampled_from(
    ["Deals", "Orders", "Time", "Deal", "Type", "Symbol", "Order", "Open Time", "2024.01.02 03:04:05",
     "2024.13.02 03:04",
     "buy", "1", "1 000.50", "x", "", "Balance:", "Inputs:", "a=b", "Strategy Tester Report"]
)  # fmt: skip


@FEW
@given(st.lists(st.lists(CELL_TEXTS, max_size=8), max_size=20))
def test_no_report_does_worse_than_be_refused(cells: list[list[str]]) -> None:
    with contextlib.suppress(BadImport):
        report = reports.read("x", [["Strategy Tester Report"], *cells])
        assert all(len(row) == len(table.columns) for table in report.tables.values() for row in table.rows)


@FEW
@given(st.text(max_size=300))
def test_settings_never_fail(text: str) -> None:
    settings_files.looks_like("x.set", text)
    found = settings_files.read("x.set", text)
    assert len(found.inputs) + found.refusals.count <= len(text.splitlines())


@FEW
@given(st.text(max_size=60))
def test_names_never_fail(name: str) -> None:
    assert named(name).timeframe in ("", *TIMEFRAMES)


@FEW
@given(st.binary(max_size=400), st.binary(max_size=400))
def test_no_workbook_does_worse_than_be_refused(scratch: Path, sheet: bytes, strings: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        archive.writestr("xl/sharedStrings.xml", strings)
    path = scratch / "book.xlsx"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(BadImport):
        all_of(path)
