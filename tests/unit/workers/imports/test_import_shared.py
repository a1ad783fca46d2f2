"""Every real file, with the counts that its own lines give, counted without any of our readers."""

from __future__ import annotations

import gzip
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from import_bench import ImportBench

from app.terminal.bars_csv import read_bars
from workers.market.resample import larger

pytestmark = pytest.mark.shared
NEW_YORK = "GMT+2/+3 New York"


def raw_lines(path: Path) -> int:
    """Filled lines of the table in a file."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            data = archive.read(archive.namelist()[0])
    else:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return sum(bool(line.strip()) for line in data.splitlines())


@pytest.mark.parametrize(
    ("name", "kind", "symbol", "frame", "header", "refused", "first", "zone", "options"),
    [
        ("mt5/EURUSD_H1_2025.csv", "mt5_bars", "EURUSD", "H1", 1, 0, "2025-01-01T22:00:00.000Z", NEW_YORK, {}),
        ("mt5/EURUSD_M1_2025H1.csv.gz", "mt5_bars", "EURUSD", "M1", 1, 0, "2025-01-01T22:00:00.000Z", NEW_YORK, {}),
        ("mt5/EURUSD_M5_2025_fullyear.csv", "mt5_bars", "EURUSD", "M5", 1, 0, "2025-01-01T22:00:00.000Z", NEW_YORK, {}),
        ("mt5/USDCAD_M1_2025Q4.csv.gz", "mt5_bars", "USDCAD", "M1", 1, 0, "2025-09-30T21:00:00.000Z", NEW_YORK, {}),
        ("mt5/EURUSD_M1_copyrates_idx.csv", "mt5_copy_rates", "EURUSD", "M1", 1, 0, "2021-11-14T23:39:00.000Z",
         "UTC+2", {"time_zone": "UTC+2"}),
        ("mt5/EURUSD_M1_tab_10k.csv", "bars_csv", "EURUSD", "M1", 1, 326, "2024-11-14T14:01:00.000Z", "UTC", {}),
        ("histdata/HISTDATA_COM_ASCII_EURUSD_M12018.zip", "histdata_bars", "EURUSD", "M1", 0, 0,
         "2018-01-01T22:00:00.000Z", "America/New_York", {}),
        ("histdata/HISTDATA_COM_ASCII_SPXUSD_M12019.zip", "histdata_bars", "SPXUSD", "M1", 0, 0,
         "2019-01-01T23:00:00.000Z", "America/New_York", {}),
        ("histdata/HISTDATA_COM_ASCII_XAUUSD_M12018.zip", "histdata_bars", "XAUUSD", "M1", 0, 0,
         "2018-01-01T23:01:00.000Z", "America/New_York", {}),
        ("lean/xauusd_hour.zip", "lean_quote_bars", "XAUUSD", "H1", 0, 0, "2006-03-20T00:00:00.000Z", "UTC", {}),
        ("nautilus/gbpusd-m1-bid-2012.csv", "bars_csv", "GBPUSD", "M1", 1, 0, "2012-02-01T00:00:00.000Z", "UTC", {}),
        ("ejtrader/XAUUSDh1.csv", "bars_csv", "XAUUSD", "H1", 1, 0, "2012-05-17T05:00:00.000Z", "GMT+2/+3 Europe",
         {"point": 0.01}),
        ("ejtrader/USDJPYh4.csv", "bars_csv", "USDJPY", "H4", 1, 0, "2012-11-26T18:00:00.000Z", NEW_YORK,
         {"point": 0.001, "time_zone": NEW_YORK}),
        ("pypi_backtesting/EURUSD.csv", "bars_csv", "EURUSD", "H1", 1, 0, "2017-04-19T09:00:00.000Z", "UTC", {}),
        ("pypi_backtesting/BTCUSD.csv", "bars_csv", "BTCUSD", "MN1", 1, 0, "2012-01-01T00:00:00.000Z", "UTC",
         {"time_zone": "UTC"}),
        ("pypi_backtesting/GOOG.csv", "bars_csv", "GOOG", "D1", 1, 0, "2004-08-19T00:00:00.000Z", "UTC",
         {"time_zone": "UTC"}),
    ],
)  # fmt: skip
def test_bars(
    shared: Path,
    imports: ImportBench,
    name: str,
    kind: str,
    symbol: str,
    frame: str,
    header: int,
    refused: int,
    first: str,
    zone: str,
    options: dict[str, object],
) -> None:
    path = shared / "data/bars" / name
    (found,) = imports.run(path, **options)
    assert found.error == ""
    assert (found.kind, found.symbol, found.timeframe, found.time_zone) == (kind, symbol, frame, zone)
    # This file repeats an hour line by line.
    repeated = 56 if symbol == "SPXUSD" else 0
    assert found.notes.count(f"{repeated} rows repeat another one value for value; each bar was taken once.") == (
        repeated > 0
    )
    assert (found.rows + found.refusals.count + repeated, found.refusals.count) == (raw_lines(path) - header, refused)
    assert (found.first, found.added) == (first, found.rows)
    lines = imports.history(f"{symbol}_{frame}")
    assert len(lines) == found.rows
    assert lines == sorted(lines)
    assert any("Time zone" in note for note in found.notes)


def test_damaged_rows_of_a_real_file_are_named(shared: Path, imports: ImportBench) -> None:
    path = shared / "data/bars/mt5/EURUSD_M1_tab_10k.csv"
    (found,) = imports.run(path)
    text = path.read_text(encoding="utf-8").splitlines()
    wrong, torn = [], 0
    for number, line in enumerate(text[1:], start=2):
        opened, high, low, close = (float(cell) for cell in line.split("\t")[1:5])
        if high < max(opened, close) or low > min(opened, close):
            wrong.append(number)
        elif max(opened, high, low, close) > 5 * min(opened, high, low, close):
            torn += 1
    assert [line for line, _reason in found.refusals.named] == wrong[:100]
    # One more has four prices that agree with each other but not with those around them.
    assert found.refusals.count == len(wrong) + torn + 1


def test_a_clock_that_the_file_does_not_show_is_asked_for(shared: Path, imports: ImportBench) -> None:
    names = ("ejtrader/USDJPYh4.csv", "mt5/EURUSD_M1_copyrates_idx.csv", "pypi_backtesting/GOOG.csv")
    for name in names:
        (found,) = imports.run(shared / "data/bars" / name)
        assert found.error
        assert "--time-zone" in found.advice
        assert (found.time_zone, found.stored, found.added) == ("", "", 0)
    assert not list(imports.paths.bars.glob("*.csv"))


def test_prices_that_may_be_points_are_asked_about(shared: Path, imports: ImportBench) -> None:
    (found,) = imports.run(shared / "data/bars/ejtrader/XAUUSDh1.csv")
    assert "they may be points" in found.error
    assert "--point" in found.advice
    (found,) = imports.run(shared / "data/bars/ejtrader/XAUUSDh1.csv", point=0.01)
    assert imports.history("XAUUSD_H1")[0] == "2012-05-17T05:00:00Z,1547.59,1553.84,1547.40,1552.95,4418,0,0"


def test_minutes_of_two_providers_agree_on_the_clock(shared: Path, imports: ImportBench) -> None:
    """HistData calls its times EST without summer time; in April 2018 they were New York's summer time all the same."""
    imports.run(shared / "data/bars/histdata/HISTDATA_COM_ASCII_EURUSD_M12018.zip")
    ours = dict(line.split(",", 1) for line in imports.history("EURUSD_M1"))
    (other,) = imports.run(shared / "data/bars/lean/oanda_minute_eurusd/20180403_quote.zip")
    assert "only 2 agree" in " ".join(other.notes)  # other prices: kept apart
    kept = (imports.paths.home / other.stored).read_text(encoding="utf-8").splitlines()[1:]
    gaps = [
        abs(float(line.split(",")[4]) - float(ours[line.split(",")[0]].split(",")[3]))
        for line in kept
        if line.split(",")[0] in ours
    ]
    assert len(gaps) > 1_400
    assert float(np.median(gaps)) < 0.0001


def test_days_of_one_kind_make_one_history(shared: Path, imports: ImportBench) -> None:
    files = sorted((shared / "data/bars/lean/oanda_minute_eurusd").glob("*.zip"))
    outcomes = imports.run(*reversed(files))
    assert [found.error for found in outcomes] == [""] * len(files)
    lines = imports.history("EURUSD_M1")
    assert len(lines) == sum(raw_lines(path) for path in files)
    assert lines == sorted(lines)
    assert lines[0] == "2014-05-01T00:00:00Z,1.38676,1.38686,1.38669,1.38686,0,11,0"


@pytest.mark.parametrize("name", ["lean/oanda_tick_eurusd/20140501_quote.zip", "ticks/truefx_usdjpy-ticks.csv"])
def test_ticks(shared: Path, imports: ImportBench, name: str) -> None:
    path = shared / "data/bars" / name
    (found,) = imports.run(path)
    assert (found.error, found.refusals.count, found.time_zone) == ("", 0, "UTC")
    assert found.rows == raw_lines(path) - (path.suffix == ".csv")
    stored = (imports.paths.home / found.stored).read_text(encoding="utf-8").splitlines()
    assert len(stored) == found.rows + 1
    assert stored[0] == "time,bid,ask,last,volume,flags"
    if path.suffix == ".csv":
        assert stored[1] == "2013-01-01T22:00:00.295Z,86.655,86.728,,,"


def deals_in(path: Path) -> int:
    """Rows below the heading Deals, counted in the sheet itself."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as archive:
        texts = [item.findtext(f"{space}t") for item in ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))]  # noqa: S314 - our own reference data
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314
    below, count = False, 0
    for row in sheet.iter(f"{space}row"):
        cell = row.find(f"{space}c")
        value = cell.findtext(f"{space}v") if cell is not None and cell.get("t") == "s" else None
        text = texts[int(value)] if value is not None else ""
        below = below or text == "Deals"
        count += bool(below and re.match(r"\d{4}\.\d\d\.\d\d", text or ""))
    return count


@pytest.mark.parametrize(
    ("name", "symbol", "frame"),
    [("2MACDSTO", "NZDUSD_i", "H3"), ("3MAF", "USDCAD.std", "M15"), ("BBRSI", "XAUUSD.std", "M5"),
     ("CEZLSMA", "AUDUSD_o", "M15"), ("COT1", "EURUSD_i", "D1")],
)  # fmt: skip
def test_tester_reports(shared: Path, imports: ImportBench, name: str, symbol: str, frame: str) -> None:
    path = shared / f"data/mt5/tester_reports/{name}_report.xlsx"
    (found,) = imports.run(path)
    assert (found.error, found.kind, found.symbol, found.timeframe) == ("", "mt5_tester_report", symbol, frame)
    deals = deals_in(path)
    assert (found.tables["deals"], found.tables["orders"], found.refusals.count) == (deals, deals - 1, 0)
    folder = imports.paths.home / found.stored
    document = imports.storage.read_json(folder / "report.json")
    assert document is not None
    assert int(document["facts"]["Total Deals"]) == deals - 1
    rows = (folder / "deals.csv").read_text(encoding="utf-8").splitlines()
    profits = sum(float(row.split(",")[10]) for row in rows[1:] if ",balance," not in row)
    costs = sum(float(row.split(",")[8] or 0) + float(row.split(",")[9] or 0) for row in rows[1:])
    assert profits + costs == pytest.approx(float(document["facts"]["Total Net Profit"]), abs=0.02)


def test_tester_settings(shared: Path, imports: ImportBench) -> None:
    files = sorted((shared / "data/mt5/tester_settings").iterdir())
    for path, found in zip(files, imports.run(*files), strict=True):
        text = path.read_text(encoding="utf-16")
        assert (found.error, found.refusals.count) == ("", 0)
        assert found.rows == sum("=" in line and not line.startswith(";") for line in text.splitlines())
        assert found.kind == ("mt5_tester_settings" if path.suffix == ".ini" else "mt5_expert_inputs")


@pytest.mark.parametrize("name", ["UNITTEST_BTC-1m.json", "backtest-result.json"])
def test_what_is_unknown_is_said_to_be(shared: Path, imports: ImportBench, name: str) -> None:
    (found,) = imports.run(shared / "data/trades" / name)
    assert (found.stored, found.rows) == ("", 0)
    assert found.error


def test_a_file_again_changes_nothing(shared: Path, imports: ImportBench) -> None:
    path = shared / "data/bars/mt5/EURUSD_H1_2025.csv"
    imports.run(path)
    before = (imports.paths.bars / "EURUSD_H1.csv").read_bytes()
    (found,) = imports.run(path)
    assert (found.error, found.rows, found.added) == ("", 6193, 0)
    assert (imports.paths.bars / "EURUSD_H1.csv").read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "bytes", "swapped", "nan", "negative", "encoding"])
def test_damaged_variants_of_a_real_export(shared: Path, imports: ImportBench, damage: str) -> None:
    """Each is refused, or read in part with the lines named; the history that is there stays as it is."""
    path = shared / "data/bars/mt5/EURUSD_H1_2025.csv"
    imports.run(path)
    before = (imports.paths.bars / "EURUSD_H1.csv").read_bytes()
    data = path.read_bytes()
    lines = data.split(b"\r\n")
    if damage == "cut":
        data = data[: len(data) // 2 + 17]
    elif damage == "bytes":
        data = b"\r\n".join([*lines[:100], b"\x00\xff\x9a\x01" * 5, *lines[100:]])
    elif damage == "swapped":
        data = b"\r\n".join(b"\t".join(_swapped(line.split(b"\t"))) for line in lines)
    elif damage in ("nan", "negative"):
        bad = b"nan" if damage == "nan" else b"-1.03"
        data = b"\r\n".join(
            b"\t".join([*line.split(b"\t")[:2], bad, *line.split(b"\t")[3:]]) if place in (7, 900) else line
            for place, line in enumerate(lines)
        )
    else:
        data = data.decode().encode("utf-16-be")
    found = imports.one("EURUSD_H1_2025.csv", data)
    if damage in ("swapped", "encoding"):
        assert found.error
    else:
        assert found.error == ""
        assert found.refusals.count == {"cut": 1, "bytes": 1, "nan": 2, "negative": 2}[damage]
        assert found.refusals.named[0][0] == {"cut": found.rows + 2, "bytes": 101, "nan": 8, "negative": 8}[damage]
        assert found.refusals.count + found.rows == sum(bool(line.strip()) for line in data.split(b"\r\n")) - 1
    assert (imports.paths.bars / "EURUSD_H1.csv").read_bytes() == before


def _swapped(cells: list[bytes]) -> list[bytes]:
    """High and low in one another's place, but not in the header."""
    return [*cells[:3], cells[4], cells[3], *cells[5:]] if len(cells) > 5 and cells[0][:1] != b"<" else cells


@pytest.mark.parametrize(
    ("source", "source_frame", "target", "target_frame"),
    [
        ("EURUSD_M1_2025H1.csv.gz", "M1", "EURUSD_M5_2025_fullyear.csv", "M5"),
        ("EURUSD_M5_2025_fullyear.csv", "M5", "EURUSD_H1_2025.csv", "H1"),
        ("EURUSD_M1_2025H1.csv.gz", "M1", "EURUSD_H1_2025.csv", "H1"),
    ],
)
def test_resampled_bars_are_the_brokers_own(
    shared: Path, source: str, source_frame: str, target: str, target_frame: str
) -> None:
    folder = shared / "data/bars/mt5"
    parts, whole = read_bars(folder / source).rates, read_bars(folder / target).rates
    made = larger(parts, source_frame, target_frame)
    whole = whole[(whole["time"] >= made["time"][0]) & (whole["time"] <= made["time"][-1])]
    # The M5 file ends within its last bar, of 2025-12-31 00:00.
    unfinished = 1 if source_frame == "M5" else 0
    assert len(made) == len(whole) > 3_000
    assert made[: len(made) - unfinished].tobytes() == whole[: len(whole) - unfinished].tobytes()


def test_minutes_to_hours_by_way_of_five_minutes(shared: Path) -> None:
    minutes = read_bars(shared / "data/bars/mt5/EURUSD_M1_2025H1.csv.gz").rates
    by_way = larger(larger(minutes, "M1", "M5"), "M5", "H1")
    assert by_way.tobytes() == larger(minutes, "M1", "H1").tobytes()
