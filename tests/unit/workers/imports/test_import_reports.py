"""Reports of MetaTrader as HTML, in the encoding and with the quirks of the terminal."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from import_bench import ImportBench

HISTORY = """<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN"><html><head><title>1: Trade History Report</title>
<style>td {{ x: 1 }}</style><script>alert(1)</script></head><body><table>
<tr align="center"><th colspan="14"><div><b>Trade History Report</b></div></th></tr>
<tr align="left"><th colspan="4" align="right">Name:</th><th colspan="10"><b>A Trader</b></th></tr>
<tr align="left"><th colspan="4" align="right">Account:</th>
<th colspan="10"><b>101&nbsp;(USD, Demo, demo, Hedge)</b></th></tr>
<tr align="center"><th colspan="14"><div><b>Positions</b></div></th></tr>
<tr align="center" bgcolor="#E5F0FC"><td><b>Time</b></td><td><b>Position</b></td><td><b>Symbol</b></td>
<td><b>Type</b></td>
<td><b>Volume</b></td><td><b>Price</b></td><td><b>S / L</b></td><td><b>T / P</b></td><td><b>Time</b></td>
<td><b>Price</b></td>
<td><b>Commission</b></td><td><b>Swap</b></td><td colspan="2"><b>Profit</b></td></tr>
<tr align="right"><td>2025.06.03 09:15:02</td><td>5005</td><td>EURUSD</td><td>sell</td>
<td class="hidden" colspan="8">a comment</td><td class="">0.20</td><td class="">1.08900</td><td class=""></td>
<td></td>
<td>2025.06.03 11:40:31</td><td>1.08800</td><td>-1.40</td><td>0.00</td><td colspan="2">1 020.50</td></tr>
<tr align="right"><td>2025.06.99 09:15:02</td><td>5006</td><td>EURUSD</td><td>sell</td>
<td class="hidden" colspan="8"></td>
<td>0.20</td><td>1.08900</td><td></td><td></td><td></td><td></td><td>0</td><td>0</td><td colspan="2">1</td></tr>
<tr align="right"><td colspan="10"></td><td>-1.40</td><td>0.00</td><td colspan="2">1 020.50</td></tr>
<tr align="center"><th colspan="14"><div><b>Deals</b></div></th></tr>
<tr align="center"><td><b>Time</b></td><td><b>Deal</b></td><td><b>Symbol</b></td><td><b>Type</b></td>
<td><b>Direction</b></td>
<td><b>Volume</b></td><td><b>Price</b></td><td><b>Order</b></td><td><b>Commission</b></td><td><b>Fee</b></td>
<td><b>Swap</b></td>
<td><b>Profit</b></td><td><b>Balance</b></td><td><b>Comment</b></td></tr>
<tr align="right"><td>2025.06.01 00:00:00</td><td>1</td><td></td><td>balance</td><td></td><td></td><td></td>
<td></td><td>0.00</td>
<td>0.00</td><td>0.00</td><td>10 000.00</td><td>10 000.00</td><td>&lt;b&gt;start&lt;/b&gt;</td></tr>
<tr align="right"><td>2025.06.03 09:15:02</td><td>2</td><td>EURUSD</td><td>sell</td><td>in</td><td>0.20</td>
<td>1.08900</td>
<td>7</td><td>-1.40</td><td>0.00</td><td>0.00</td><td>0.00</td><td>9 998.60</td><td></td></tr>
<tr align="right"><td colspan="8"></td><td>-1.40</td><td></td><td>0.00</td><td>10 000.00</td><td>9 998.60</td>
<td></td></tr>
<tr><td colspan="3">Balance:</td><td colspan="2"><b>9 998.60</b></td><td colspan="3">Total Trades:</td>
<td><b>1</b></td></tr>
</table></body></html>"""

TESTER = """<html><head><title>Strategy Tester Report</title></head><body><table>
<tr><td colspan="13"><b>Strategy Tester Report</b></td></tr><tr><td colspan="13"><b>Broker (Build 4040)</b></td></tr>
<tr><td colspan="3">Expert:</td><td colspan="10"><b>Mine</b></td></tr>
<tr><td colspan="3">Symbol:</td><td colspan="10"><b>EURUSD</b></td></tr>
<tr><td colspan="3">Period:</td><td colspan="10"><b>M5 (2025.01.01 - 2025.06.01)</b></td></tr>
<tr><td colspan="3">Inputs:</td><td colspan="10"><b>Risk=3.5</b></td></tr>
<tr><td colspan="3"></td><td colspan="10"><b>Name=a=b</b></td></tr>
<tr><td colspan="3">Initial Deposit:</td><td colspan="10"><b>10 000.00</b></td></tr>
<tr><td colspan="13"><b>Results</b></td></tr>
<tr><td colspan="3">Total Deals:</td><td><b>{deals}</b></td></tr></table><table>
<tr><th colspan="13"><b>Orders</b></th></tr>
<tr><td>Open Time</td><td>Order</td><td>Symbol</td><td>Type</td><td>Volume</td><td>Price</td><td>S / L</td>
<td>T / P</td><td>Time</td><td>State</td><td>Comment</td></tr>
<tr><td>2025.01.02 01:00:00</td><td>2</td><td>EURUSD</td><td>buy</td><td>0.1 / 0.1</td><td>1.03</td><td></td>
<td></td><td>2025.01.02 01:00:00</td><td>filled</td><td></td></tr></table><table>
<tr><th colspan="13"><b>Deals</b></th></tr>
<tr><td>Time</td><td>Deal</td><td>Symbol</td><td>Type</td><td>Direction</td><td>Volume</td><td>Price</td>
<td>Order</td>
<td>Commission</td><td>Swap</td><td>Profit</td><td>Balance</td><td>Comment</td></tr>
<tr><td>2025.01.02 01:00:00</td><td>2</td><td>EURUSD</td><td>buy</td><td>in</td><td>0.1</td><td>1.03</td>
<td>2</td><td>0</td>
<td>0</td><td>0</td><td>10000</td><td></td></tr></table></body></html>"""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "utf-8-sig"])
def test_a_history_report(imports: ImportBench, encoding: str) -> None:
    found = imports.one("ReportHistory-101.html", HISTORY, encoding)
    assert (found.error, found.kind, found.symbol) == ("", "mt5_history_report", "EURUSD")
    assert found.tables == {"positions": 1, "deals": 2}
    assert [reason for _line, reason in found.refusals.named] == ["the time cannot be read: '2025.06.99 09:15:02'"]
    assert (found.first, found.time_zone) == ("2025-06-01T00:00:00", "broker's clock, as written")
    folder = imports.paths.home / found.stored
    positions = (folder / "positions.csv").read_text(encoding="utf-8").splitlines()
    assert positions[0] == (
        "time,position,symbol,type,volume,price,sl,tp,close_time,close_price,commission,swap,profit"
    )
    assert positions[1] == (
        "2025-06-03T09:15:02,5005,EURUSD,sell,0.20,1.08900,,,2025-06-03T11:40:31,1.08800,-1.40,0.00,1020.50"
    )
    deals = (folder / "deals.csv").read_text(encoding="utf-8").splitlines()
    assert deals[1].endswith("balance,,,,,0.00,0.00,0.00,10000.00,10000.00,<b>start</b>")
    document = imports.storage.read_json(folder / "report.json")
    assert document is not None
    assert document["facts"] == {
        "Name": "A Trader",
        "Account": "101 (USD, Demo, demo, Hedge)",
        "Balance": "9998.6",
        "Total Trades": "1",
    }


@pytest.mark.parametrize(("deals", "whole"), [(1, True), (700, False)])
def test_a_tester_report_and_whether_it_is_whole(imports: ImportBench, deals: int, whole: bool) -> None:
    found = imports.one("tester.htm", TESTER.format(deals=deals), "utf-16")
    assert (found.error, found.kind, found.symbol, found.timeframe) == ("", "mt5_tester_report", "EURUSD", "M5")
    assert found.missing == ([] if whole else ["The report says 700 deals and lists 1: it is not whole."])
    assert found.doubts == [note for note in found.notes if note.startswith("Nothing tells whether the report agrees")]
    assert len(found.doubts) == 1
    document = imports.storage.read_json(imports.paths.home / found.stored / "report.json")
    assert document is not None
    assert (document["server"], document["inputs"]) == ("Broker (Build 4040)", {"Risk": "3.5", "Name": "a=b"})
    assert document["facts"]["Initial Deposit"] == "10000"


CUTS = {
    "before the deals": ('<tr align="center"><th colspan="14"><div><b>Deals', {"positions": 1}, 1),
    "in a position": ("<td>1.08800</td><td>-1.40</td>", {"positions": 0}, 1),
    "in a deal": ("<td>9 998.60</td><td></td></tr>", {"positions": 1, "deals": 1}, 2),
    "in a tag": ('colspan="8"></td><td>-1.40</td><td></td>', {"positions": 1, "deals": 2}, 1),
    "before the end": ("</table></body>", {"positions": 1, "deals": 2}, 1),
}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_report_gives_what_it_has_and_says_so(imports: ImportBench, cut: str, encoding: str) -> None:
    mark, tables, refused = CUTS[cut]
    text = HISTORY[: HISTORY.index(mark)]
    found = imports.one("ReportHistory.html", text, encoding)
    assert (found.error, found.tables, found.refusals.count) == ("", tables, refused)
    lines = text.count("\n") + 1 - text.endswith("\n")
    assert found.missing[0].startswith(f"The file breaks off in line {lines}, ")
    assert found.missing[1:] == ([] if "deals" in tables else ["There is no table of deals."])
    if cut.startswith("in a ") and cut != "in a tag":
        line, reason = found.refusals.named[-1]
        assert "the row breaks off before its" in reason
        assert text.splitlines()[line - 1].startswith('<tr align="right"><td>2025')
    assert found.as_json()["notes"][0] == found.missing[0]


def test_a_cut_report_does_not_take_the_place_of_the_whole_one(imports: ImportBench) -> None:
    whole = imports.one("ReportHistory.html", HISTORY, "utf-16")
    before = (imports.paths.home / whole.stored / "deals.csv").read_bytes()
    for _ in range(2):
        cut = imports.one("ReportHistory.html", HISTORY[: HISTORY.index("<td>9 998.60</td><td></td></tr>")], "utf-16")
        assert (cut.tables["deals"], cut.stored) == (1, f"{whole.stored}-part")
    assert (imports.paths.home / whole.stored / "deals.csv").read_bytes() == before
    assert imports.one("ReportHistory.html", HISTORY, "utf-16").stored == whole.stored


@pytest.mark.parametrize("whole", [True, False])
def test_a_part_is_of_one_cut_and_a_longer_one_stays(imports: ImportBench, whole: bool) -> None:
    def tables(stored: str) -> dict[str, int]:
        folder = imports.paths.home / stored
        found = {path.stem: len(path.read_text().splitlines()) - 1 for path in folder.glob("*.csv")}
        document = json.loads((folder / "report.json").read_text())
        assert document["tables"] == found
        return found

    if whole:
        imports.one("ReportHistory.html", HISTORY, "utf-16")
    longer = HISTORY[: HISTORY.index("<td>9 998.60</td><td></td></tr>")]
    shorter = HISTORY[: HISTORY.index("<b>Deals")]
    short = imports.one("ReportHistory.html", shorter, "utf-16")
    assert "deals" not in tables(short.stored)
    long = imports.one("ReportHistory.html", longer, "utf-16")
    assert (long.stored, tables(long.stored)["deals"]) == (short.stored, 1)
    before = {path.name: path.read_bytes() for path in (imports.paths.home / long.stored).iterdir()}
    again = imports.one("ReportHistory.html", shorter, "utf-16")
    assert (again.stored, again.added) == (long.stored, 0)
    assert "stays; nothing was added" in again.notes[-1]
    assert {path.name: path.read_bytes() for path in (imports.paths.home / long.stored).iterdir()} == before


def test_tables_of_another_cut_are_taken_away(imports: ImportBench) -> None:
    stored = imports.one("ReportHistory.html", HISTORY, "utf-16").stored
    strange = imports.paths.home / stored / "a_table.csv"
    strange.write_text("a\n1\n")
    imports.one("ReportHistory.html", HISTORY, "utf-16")
    assert not strange.exists()


def test_a_row_with_fewer_cells_is_refused(imports: ImportBench) -> None:
    found = imports.one("ReportHistory.html", HISTORY.replace("<td>0.00</td><td>9 998.60</td><td></td></tr>", "</tr>"))
    assert (found.error, found.tables["deals"], found.missing) == ("", 1, [])
    assert "the row breaks off before its profit" in found.refusals.named[-1][1]


def test_a_tester_report_without_its_deals(imports: ImportBench) -> None:
    text = TESTER.format(deals=1)
    found = imports.one("tester.htm", text[: text.index('</table><table>\n<tr><th colspan="13"><b>Deals')], "utf-16")
    assert (found.error, found.tables) == ("", {"orders": 1})
    assert found.missing[1:] == ["There is no table of deals."]
    assert found.missing[0].endswith("before the end of a table: there is no </table>.")


def book(rows: list[list[str]]) -> bytes:
    cells = "".join(
        "<row>" + "".join(f"<c t='inlineStr'><is><t>{text}</t></is></c>" for text in row) + "</row>" for row in rows
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet><sheetData>{cells}</sheetData></worksheet>")
    return buffer.getvalue()


def test_a_workbook_that_lacks_cells_or_a_table(imports: ImportBench) -> None:
    head = ["Time", "Deal", "Symbol", "Type", "Direction", "Volume", "Price", "Profit", "Balance", "Comment"]
    row = ["2025.01.02 01:00:00", "2", "EURUSD", "buy", "in", "0.1", "1.03", "0", "10000"]
    rows = [["Strategy Tester Report"], ["Deals"], head, row, row[:6]]
    found = imports.one("report.xlsx", book(rows))
    assert (found.error, found.tables, found.missing) == ("", {"deals": 1}, ["There is no table of orders."])
    assert found.refusals.named == [(5, "the row breaks off before its price: '2025.01.02 01:00:00 2'")]
