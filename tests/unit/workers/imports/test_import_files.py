"""Exports in every dress, archives that mean harm, and what is said about rows that were refused."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from import_bench import HEADER, ImportBench, export, text_of

from workers.imports import sources as sources_module
from workers.imports.naming import named

UTC = {"time_zone": "UTC"}


@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("quoted", ["", "cells", "rows"])
def test_an_export_in_any_dress(imports: ImportBench, delimiter: str, encoding: str, newline: str, quoted: str) -> None:
    rows = [row.replace("\t", delimiter) for row in [HEADER, *export(30)]]
    if quoted == "rows":
        rows = [f'"{row}"' for row in rows]
    elif quoted == "cells":
        rows = [delimiter.join(f'"{cell}"' for cell in row.split(delimiter)) for row in rows]
    found = imports.one("EURUSD_M5.csv", newline.join([*rows, ""]), encoding, **UTC)
    assert (found.error, found.kind, found.symbol, found.timeframe) == ("", "mt5_bars", "EURUSD", "M5")
    assert (found.rows, found.refusals.count) == (30, 0)
    assert imports.history("EURUSD_M5")[1] == "2025-06-03T00:05:00Z,1.10000,1.10100,1.09900,1.10000,10,3,0"


@pytest.mark.parametrize(
    ("text", "kind", "frame", "line"),
    [
        ("\n".join(export(3)), "mt5_bars", "M5", "2025-06-03T00:00:00Z,1.10000,1.10100,1.09900,1.10000,10,3,0"),
        ("2025.06.03,12:00,1,2,1,2,5\n2025.06.03,13:00,2,2,1,1,5\n", "bars_csv", "H1",
         "2025-06-03T12:00:00Z,1,2,1,2,5,0,0"),
        ("Date;Time;Open;High;Low;Close\n2025.06.03;9:00;1,5;2,5;1,5;2,5\n2025.06.03;10:00;2,5;2,5;1,5;1,5\n",
         "bars_csv", "H1", "2025-06-03T09:00:00Z,1.5,2.5,1.5,2.5,0,0,0"),
        ("<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n2025.06.03\t1\t2\t1\t2\t9\t0\t1\n"
         "2025.06.04\t2\t2\t1\t1\t9\t0\t1\n", "mt5_bars", "D1", "2025-06-03T00:00:00Z,1,2,1,2,9,1,0"),
        ("time,open,high,low,close,tick_volume,spread,real_volume\n1748952000,1.5,2,1,2,4,3,2\n1748952060,2,2,1,1,4,3,2\n",
         "mt5_copy_rates", "M1", "2025-06-03T12:00:00Z,1.5,2.0,1.0,2.0,4,3,2"),
        (",time,open,high,low,close,date\n0,1748952000000,1,2,1,2,x\n1,1748952060000,2,2,1,1,y\n", "bars_csv", "M1",
         "2025-06-03T12:00:00Z,1,2,1,2,0,0,0"),
        ("20250603 120000;1.1;1.2;1.1;1.2;0\n20250603 120100;1.2;1.2;1.1;1.1;0\n", "histdata_bars", "M1",
         "2025-06-03T12:00:00Z,1.1,1.2,1.1,1.2,0,0,0"),
        ("time,open,high,low,close\n2025-06-03T14:00:00+02:00,1,2,1,2\n2025-06-03T14:30:00+02:00,2,2,1,1\n", "bars_csv",
         "M30", "2025-06-03T12:00:00Z,1,2,1,2,0,0,0"),
        ("Gmt time,Open,High,Low,Close,Volume\n2025.06.03 12:00:00.000,1,2,1,2,7.5\n"
         "2025.06.03 12:15:00.000,1,2,1,2,7\n",
         "bars_csv", "M15", "2025-06-03T12:00:00Z,1,2,1,2,7,0,0"),
    ],
)  # fmt: skip
def test_other_layouts(imports: ImportBench, text: str, kind: str, frame: str, line: str) -> None:
    found = imports.one("EURUSD.csv", text, **UTC)
    assert (found.error, found.kind, found.timeframe, found.refusals.count) == ("", kind, frame, 0)
    if line:
        assert imports.history(f"EURUSD_{frame}")[0] == line


def test_a_refused_row_is_named_and_the_others_are_kept(imports: ImportBench) -> None:
    rows = export(60)
    rows[3] = rows[3].replace("1.10000", "x", 1)
    rows[5] = "2025.06.03\t00:25"
    rows[7] = rows[7].replace("2025.06.03", "2025.06.31")
    rows[9] = rows[9].replace("\t10\t0\t3", "\t-1\t0\t3")
    rows[11] = rows[11].replace("1.09900", "1.10050")
    rows[12] = rows[12].replace("1.09900", "0")
    rows[20] = rows[19].replace("\t10\t0\t3", "\t11\t0\t3")
    rows[21] = rows[19]
    rows[30] = rows[30].replace("02:30:00", "02:31:30")
    found = imports.one("EURUSD_M5.csv", text_of(rows), **UTC)
    assert found.error == ""
    assert (found.rows, found.refusals.count) == (51, 9)
    assert sorted(found.refusals.named) == [
        (5, "the open is not a number: 'x'"),
        (7, "it has too few columns (2 of 9)"),
        (9, "the time cannot be read: '2025.06.31'"),
        (11, "the tick volume is not a number from 0 on: '-1'"),
        (13, "open or close lies outside of low and high"),
        (14, "a price is zero or negative"),
        (22, "its time comes twice (the first one was kept): 2025-06-03 01:35:00"),
        (23, "its time comes twice (the first one was kept): 2025-06-03 01:35:00"),
        (32, "its time is off the grid of M5: 2025-06-03 02:31:30"),
    ]
    assert len(imports.history("EURUSD_M5")) == 51


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_file_with_each_row_twice_is_taken_once(imports: ImportBench, shuffled: bool) -> None:
    rows = export(400, step=0.0001)
    twice = [*rows, *rows] if shuffled else [row for row in rows for _ in range(2)]
    found = imports.one("EURUSD_M5.csv", text_of(twice), **UTC)
    assert (found.error, found.rows, found.refusals.count) == ("", 400, 0)
    assert "400 rows repeat another one value for value; each bar was taken once." in found.notes
    assert len(imports.history("EURUSD_M5")) == 400


def test_two_series_in_one_file_are_refused_with_the_right_advice(imports: ImportBench) -> None:
    found = imports.one("EURUSD_M5.csv", text_of([*export(40), *export(40, price=1.3)]), **UTC)
    assert "comes twice" in found.error
    assert found.advice.startswith("Two series may be mixed in the file")


def test_rows_out_of_order_are_sorted_and_said_to_be(imports: ImportBench) -> None:
    rows = export(40)
    found = imports.one("EURUSD_M5.csv", text_of([*rows[20:], *rows[:20]]), **UTC)
    assert found.refusals.count == 0
    assert "The rows were not in the order of time and have been sorted." in found.notes
    lines = imports.history("EURUSD_M5")
    assert (len(lines), lines) == (40, sorted(lines))


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("EURUSD.csv", "", "is empty"),
        ("EURUSD.csv", "\n\n", "has no lines"),
        ("EURUSD.csv", HEADER, "it has a header and no bars"),
        ("EURUSD.csv", "hello, world", "nothing that can be imported"),
        ("EURUSD.csv", "a,b,c,d,e,f\n1,2,3,4,5,6\n", "neither a header nor a bar"),
        ("EURUSD.csv", b"\x7fELF" + bytes(300), "holds binary data"),
        ("EURUSD.csv", b"\x1f\x8b\x08\x00rubbish", "compression is broken"),
        ("EURUSD.zip", b"PK\x03\x04rubbish", "compression is broken"),
        ("EURUSD.csv", text_of(export(20)).replace("1.1", "x"), "20 of 20 rows of EURUSD.csv are no bars"),
        ("M5.csv", text_of(export(20)), "The symbol of M5.csv is neither in the file nor in its name"),
        ("EURUSD.csv", text_of(export(1)), "a single usable bar"),
        ("report.html", "<html><table><tr><td>x</td></tr></table></html>", "is no report of MetaTrader 5"),
        ("report.html", "<html><table><tr><th>Strategy Tester Report</th></tr></table></html>", "without a table"),
    ],
)
def test_what_cannot_be_imported_says_why(imports: ImportBench, name: str, text: str | bytes, error: str) -> None:
    found = imports.one(name, text, **UTC)
    assert error in found.error
    assert (found.stored, found.added) == ("", 0)
    assert not list(imports.paths.bars.iterdir())


def test_files_that_are_none(imports: ImportBench) -> None:
    missing, folder = imports.run(imports.folder / "none.csv", imports.folder)
    assert "There is no file" in missing.error
    assert "is a folder" in folder.error


@pytest.mark.parametrize("zone", ["Mars/Olympus", "25", "x" * 50])
def test_a_zone_that_is_none(imports: ImportBench, zone: str) -> None:
    found = imports.one("EURUSD_M5.csv", text_of(export(20)), time_zone=zone)
    assert "There is no time zone" in found.error


def test_the_brokers_clock_of_the_settings_is_taken_for_exports(imports: ImportBench) -> None:
    terminal = imports.settings.terminal.model_copy(update={"server_time": "UTC+3"})
    imports.settings = imports.settings.model_copy(update={"terminal": terminal})
    found = imports.one("EURUSD_M5.csv", text_of(export(20)))
    assert (found.error, found.time_zone, found.first) == ("", "UTC+3", "2025-06-02T21:00:00.000Z")
    assert any("terminal.server_time" in note for note in found.notes)
    other = imports.one("GBPUSD.csv", "time,open,high,low,close\n2025-06-03 14:00,1,2,1,2\n2025-06-03 14:30,2,2,1,1\n")
    assert "--time-zone" in other.advice


def test_prices_in_points(imports: ImportBench) -> None:
    rows = ["Date,open,high,low,close", "2025-06-03 00:00:00,83841.0,83900.0000001,83800.0,83850.0",
            "2025-06-03 01:00:00,83850.0,83900.0,83800.0,83841.0"]  # fmt: skip
    found = imports.one("USDJPY.csv", "\n".join(rows), **UTC)
    assert "they may be points" in found.error
    found = imports.one("USDJPY.csv", "\n".join(rows), **UTC, point=0.001)
    assert imports.history("USDJPY_H1")[0] == "2025-06-03T00:00:00Z,83.841,83.900,83.800,83.850,0,0,0"
    said = "Unit: points of 0.001, converted (--point): each price was multiplied by 0.001, and prices were stored."
    assert said in found.as_json()["notes"]
    found = imports.one("US30.cash.csv", "\n".join(rows), **UTC, point=1)
    assert "Unit: prices, as --point 1 says; nothing was converted." in found.notes
    assert imports.history("US30.cash_H1")[0] == "2025-06-03T00:00:00Z,83841,83900,83800,83850,0,0,0"


def test_a_point_of_one_rounds_nothing(imports: ImportBench) -> None:
    rows = ["Date,open,high,low,close", "2025-06-03 00:00:00,112345.5,112350.5,112340.5,112341.5",
            "2025-06-03 01:00:00,112341.5,112390.5,112340.5,112377.5"]  # fmt: skip
    assert imports.one("BTCUSD_H1.csv", "\n".join(rows), **UTC, point=1).error == ""
    assert imports.history("BTCUSD_H1")[0] == "2025-06-03T00:00:00Z,112345.5,112350.5,112340.5,112341.5,0,0,0"


@pytest.mark.parametrize(
    ("name", "price", "unit"),
    [
        ("EURUSD", "1.25", "Unit: prices, as decimals show."),
        ("SHARE", "112345.5", "Unit: prices, as decimals show."),
        ("USDJPY", "146", "Unit: prices, as USDJPY usually stands near 146."),
        ("SHARE", "146", "Unit: taken as prices; nothing in the file tells points from prices: "
         "give --point SIZE if they are points."),
    ],
)  # fmt: skip
def test_every_file_says_its_unit(imports: ImportBench, name: str, price: str, unit: str) -> None:
    bars = "".join(f"2025-06-03 0{hour}:00:00,{price},{price},{price},{price}\n" for hour in range(3))
    found = imports.one(f"{name}_H1.csv", f"Date,open,high,low,close\n{bars}", **UTC)
    assert (found.error, [note for note in found.notes if note.startswith("Unit")]) == ("", [unit])
    ticks = f"<DATE>\t<TIME>\t<BID>\t<ASK>\n2025.06.03\t12:00:00.000\t{price}\t\n"
    found = imports.one(f"{name}_ticks.csv", ticks, **UTC)
    assert (found.error, [note for note in found.notes if note.startswith("Unit")]) == ("", [unit])


TICKS_IN_POINTS = (
    "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\r\n"
    "2025.06.03\t15:00:00.017\t114000\t114010\t0\t\t6\r\n"
    "2025.06.03\t15:00:00.420\t114001\t\t\t\t2\r\n"
)


@pytest.mark.parametrize(
    ("symbol", "why"),
    [
        ("EURUSD", "prices of 114,000 and more, where EURUSD usually stands near 1.115"),
        ("SHARE", "whole numbers from 114,000 on as prices"),
    ],
)
def test_ticks_in_points_are_asked_about(imports: ImportBench, symbol: str, why: str) -> None:
    found = imports.one(f"{symbol}_ticks.csv", TICKS_IN_POINTS, **UTC)
    assert f"{why}: they may be points" in found.error
    assert (found.stored, found.added, "--point 0.001" in found.advice) == ("", 0, True)
    assert (found.rows, found.first) == (2, "2025-06-03T15:00:00.000Z")
    assert "The unit seems to be points; nothing was converted." in found.notes
    assert not list((imports.paths.imports / "ticks").iterdir())


def test_ticks_in_points_are_converted(imports: ImportBench) -> None:
    found = imports.one("EURUSD_ticks.csv", TICKS_IN_POINTS, **UTC, point=0.00001)
    said = "Unit: points of 0.00001, converted (--point): each price was multiplied by 0.00001, and prices were stored."
    assert (found.error, said in found.notes) == ("", True)
    lines = (imports.paths.home / found.stored).read_text(encoding="utf-8").splitlines()
    assert lines[1:] == [
        "2025-06-03T15:00:00.017Z,1.14000,1.14010,0.00000,,6",
        "2025-06-03T15:00:00.420Z,1.14001,,,,2",
    ]
    found = imports.one("EURUSD_ticks.csv", TICKS_IN_POINTS, **UTC, point=1)
    assert "Unit: prices, as --point 1 says; nothing was converted." in found.notes
    lines = (imports.paths.home / found.stored).read_text(encoding="utf-8").splitlines()
    assert lines[1] == "2025-06-03T15:00:00.017Z,114000,114010,0,,6"


def test_prices_in_tenths_of_points_are_asked_about(imports: ImportBench) -> None:
    """They are no whole numbers; but no such rate was ever so far from its usual height."""
    rows = ["Date,open,high,low,close", "2025-06-03 00:00:00,112345.5,112350.5,112340.5,112341.5",
            "2025-06-03 01:00:00,112341.5,112390.5,112340.5,112377.5"]  # fmt: skip
    found = imports.one("EURUSD_H1.csv", "\n".join(rows), **UTC)
    assert "112,340.5 and more, where EURUSD usually stands near 1.115: they may be points" in found.error
    assert (found.stored, "--point 0.001" in found.advice) == ("", True)
    assert "The unit seems to be points; nothing was converted." in found.as_json()["notes"]
    found = imports.one("EURUSD_H1.csv", "\n".join(rows), **UTC, point=0.00001)
    assert imports.history("EURUSD_H1")[0] == "2025-06-03T00:00:00Z,1.12346,1.12350,1.12340,1.12342,0,0,0"
    assert imports.one("SHARE_H1.csv", "\n".join(rows), **UTC).error == ""


def test_binary_data_is_called_that_and_not_quoted(imports: ImportBench) -> None:
    noise = np.random.default_rng(7)
    letters = [letter for letter in range(1, 256) if letter not in b"\n\r,;\t"]

    def row() -> bytes:
        return bytes(noise.choice(letters, 70).tolist())

    good = text_of(export(40)).encode().splitlines()
    found = imports.one("EURUSD_M5.csv", b"\n".join([*good[:20], row() + b"\t1" * 9, *good[20:]]), **UTC)
    assert found.refusals.named == [(21, "the time cannot be read: binary data")]
    table = b"\n".join([b"time,open,high,low,close", *(row() + b",1,2,1,2" for _ in range(30))])
    assert "line 2: the time cannot be read: binary data" in imports.one("EURUSD_M1.csv", table, **UTC).error
    assert "or semicolon: binary data" in imports.one("EURUSD_M15.csv", b"\n".join(row() for _ in range(9))).error
    assert "holds binary data" in imports.one("EURUSD_M30.csv", noise.bytes(5000)).error


def test_names_and_options(imports: ImportBench) -> None:
    found = imports.one("whatever.csv", text_of(export(20)), **UTC, symbol="EURUSD.x")
    assert (found.symbol, found.stored) == ("EURUSD.x", "data/bars/EURUSD.x_M5.csv")
    found = imports.one("GBPUSD_H1.csv", text_of(export(20)), **UTC)
    assert "The name says H1, but the bars are M5: taken as M5." in found.notes
    found = imports.one("AUDUSD.csv", text_of(export(20)), **UTC, timeframe="H1")
    assert "do not fit H1" in found.error


@pytest.mark.parametrize(
    ("name", "symbol", "frame"),
    [
        ("EURUSD.r_M5_202501020000_202512310000.csv", "EURUSD.r", "M5"),
        ("EURUSD_Daily_200001030000_202501010000.csv", "EURUSD", "D1"),
        ("XAUUSD_i_Monthly.csv", "XAUUSD_i", "MN1"),
        ("Volatility 75 Index_M5.csv", "Volatility 75 Index", "M5"),
        ("US30_SPREAD_MEDIUM_H1.csv", "US30_SPREAD_MEDIUM", "H1"),
        ("USDJPY-oj5k_M1.csv", "USDJPY-oj5k", "M1"),
        ("DAT_ASCII_EURUSD_M1_2018.csv", "EURUSD", "M1"),
        ("HISTDATA_COM_ASCII_SPXUSD_M12019.zip", "SPXUSD", "M1"),
        ("XAUUSDh1.csv", "XAUUSD", "H1"),
        ("gbpusd-m1-bid-2012.csv", "GBPUSD", "M1"),
        ("GOOG.csv", "GOOG", ""),
        ("GOLD_M15.csv.gz", "GOLD", "M15"),
        ("20140501_eurusd_minute_quote.csv", "EURUSD", "M1"),
    ],
)
def test_symbols_and_timeframes_in_names(name: str, symbol: str, frame: str) -> None:
    found = named(name)
    assert (found.symbol, found.timeframe) == (symbol, frame)


def test_a_tick_export(imports: ImportBench) -> None:
    text = (
        "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\r\n"
        "2025.06.03\t15:00:00.017\t1.10000\t1.10007\t\t\t6\r\n"
        "2025.06.03\t15:00:00.420\t1.10001\t\t\t\t2\r\n"
        "2025.06.03\t15:00:01.5\t\t1.10009\t\t\t4\r\n"
        "2025.06.03\t15:00:02.000\t\t\t\t\t4\r\n"
        "2025.06.03\t15:00:03.000\t1.10010\t1.10005\t\t\t6\r\n"
        "2025.06.03\t15:00:02.100\t1.10010\t1.10015\t\t\t6\r\n"
    )
    found = imports.one("EURUSD_202506031500_202506031501.csv", text, time_zone="UTC+3")
    assert (found.error, found.kind, found.symbol, found.rows) == ("", "mt5_ticks", "EURUSD", 5)
    assert found.refusals.named == [(5, "it has neither bid nor ask nor last price")]
    lines = (imports.paths.home / found.stored).read_text(encoding="utf-8").splitlines()
    assert lines[1:4] == [
        "2025-06-03T12:00:00.017Z,1.10000,1.10007,,,6",
        "2025-06-03T12:00:00.420Z,1.10001,,,,2",
        "2025-06-03T12:00:01.500Z,,1.10009,,,4",
    ]
    assert any("earlier than the one before" in note for note in found.notes)
    assert any("bid above their ask" in note for note in found.notes)
    asked = imports.one("EURUSD_ticks.csv", text)
    assert "--time-zone" in asked.advice
    assert not list((imports.paths.imports / "ticks").glob(".*"))


def test_what_a_file_holds_is_no_suffix_of_its_symbol(imports: ImportBench) -> None:
    text = "<DATE>\t<TIME>\t<BID>\t<ASK>\n2025.06.03\t12:00:00.000\t1.1\t1.2\n"
    found = imports.one("EURUSD_ticks.csv", text, time_zone="UTC")
    assert (found.error, found.symbol) == ("", "EURUSD")
    assert "The name has EURUSD_ticks; taken as EURUSD (--symbol chooses another one)." in found.notes
    assert imports.one("eurusd-ticks.csv", text, time_zone="UTC").symbol == "EURUSD"
    assert imports.one("EURUSD_raw.csv", text, time_zone="UTC").symbol == "EURUSD_raw"
    given = imports.one("EURUSD_ticks.csv", text, time_zone="UTC", symbol="EURUSD_ticks")
    assert given.symbol == "EURUSD_ticks"
    assert not any("taken as" in note for note in given.notes)


@pytest.mark.parametrize("quoted", ["cells", "rows"])
@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("2025-06-03,00:{:02d},1.03500,1.03600,1.03400,1.03550,12", "bars_csv"),
        ("2025.06.03\t00:{:02d}:00\t1.03500\t1.03600\t1.03400\t1.03550\t12\t0\t3", "mt5_bars"),
        ("20250603 00{:02d}00;1.035000;1.036000;1.034000;1.035500;0", "histdata_bars"),
    ],
)
def test_quoted_rows_need_no_header(imports: ImportBench, quoted: str, row: str, kind: str) -> None:
    rows = [row.format(minute) for minute in range(20)]
    delimiter = next(one for one in "\t;," if one in row)
    dressed = [
        f'"{line}"' if quoted == "rows" else f'"{line.replace(delimiter, chr(34) + delimiter + chr(34))}"'
        for line in rows
    ]
    plain = imports.one("GBPUSD.csv", "\n".join(rows) + "\n", time_zone="UTC")
    found = imports.one("EURUSD.csv", "\n".join(dressed) + "\n", time_zone="UTC")
    assert (found.error, found.kind, found.rows, found.refusals.count) == ("", kind, 20, 0)
    assert imports.history("EURUSD_M1") == imports.history("GBPUSD_M1")
    assert plain.notes == found.notes


# -- archives that mean harm -----------------------------------------------------------------------------------------


def zipped(members: dict[str, bytes], level: int = 9) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_a_zip_bomb_is_not_unpacked(imports: ImportBench) -> None:
    data = zipped({"EURUSD.csv": b"0" * 50_000_000})
    tracemalloc.start()
    found = imports.one("EURUSD.zip", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "it is left alone" in found.error
    assert peak < 5_000_000


def test_a_gzip_bomb_ends_where_no_line_does(imports: ImportBench) -> None:
    data = gzip.compress(b"<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\n" + b"1" * 100_000_000)
    tracemalloc.start()
    found = imports.one("EURUSD.csv.gz", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "does not end" in found.error
    assert peak < 20_000_000


def test_more_text_than_a_table_can_have(imports: ImportBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources_module, "MAX_BYTES", 3_000_000)
    found = imports.one("EURUSD_M5.csv.gz", gzip.compress((HEADER + "\n" + (export(1)[0] + "\n") * 100_000).encode()))
    assert "is larger than" in found.error


def test_members_are_read_and_never_written(imports: ImportBench, tmp_path: Path) -> None:
    data = zipped(
        {"../../EURUSD_M5.csv": text_of(export(30)).encode(), "/abs/GBPUSD_M5.csv": text_of(export(20)).encode()}
    )
    found = imports.run(imports.write("two.zip", data), **UTC)
    assert [(one.symbol, one.rows, one.error) for one in found] == [("EURUSD", 30, ""), ("GBPUSD", 20, "")]
    assert not list(tmp_path.glob("*.csv"))


def test_a_damaged_archive_gives_nothing(imports: ImportBench) -> None:
    data = bytearray(gzip.compress(text_of(export(2000)).encode()))
    data[len(data) // 2] ^= 0xFF
    assert "compression is broken" in imports.one("EURUSD_M5.csv.gz", bytes(data), **UTC).error
    assert "compression is broken" in imports.one("EURUSD_M5.csv.gz", bytes(data[:-9]), **UTC).error
    packed = bytearray(zipped({"EURUSD_M5.csv": text_of(export(2000)).encode()}))
    packed[300] ^= 0xFF
    assert "broken" in imports.one("EURUSD_M5.zip", bytes(packed), **UTC).error
    assert not list(imports.paths.bars.iterdir())


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<worksheet><sheetData><row><c t='inlineStr'><is><t>&b;</t></is></c></row></sheetData></worksheet>"
)


@pytest.mark.parametrize(
    ("sheet", "error"),
    [
        (BOMB, "document type"),
        ("<worksheet><sheetData><row>", "no XML"),
        ("<worksheet><sheetData><row><c r='A1' t='s'><v>7</v></c></row></sheetData></worksheet>", "not there"),
        ("<worksheet/>", "is no report of MetaTrader 5"),
        ("<worksheet>" + " " * 30_000_000 + "</worksheet>", "it is left alone"),
    ],
)
def test_workbooks_that_mean_harm(imports: ImportBench, sheet: str, error: str) -> None:
    data = zipped({"xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": sheet.encode()})
    assert error in imports.one("report.xlsx", data).error
    assert error.split()[0] in imports.one("report.zip", data).error


def test_ten_million_rows_in_bounded_memory(imports: ImportBench) -> None:
    """A tenth of it here: what counts is that the memory is a few bytes a row, not the size of the rows."""
    header = (HEADER + "\n").encode()
    day = "\n".join(export(288)).encode() + b"\n"
    days = [
        day.replace(b"2025.06.03", f"{2016 + n // 336}.{n // 28 % 12 + 1:02d}.{n % 28 + 1:02d}".encode())
        for n in range(3_400)
    ]
    path = imports.write("EURUSD_M5.csv.gz", gzip.compress(header + b"".join(days), 1))
    del days
    tracemalloc.start()
    (found,) = imports.run(path, **UTC)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.error, found.rows) == ("", 3_400 * 288)
    assert peak < 160_000_000
