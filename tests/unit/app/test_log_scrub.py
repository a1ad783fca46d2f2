"""What looks like a secret gets into no log and into no bundle, whatever writes it; what explains a fault stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.bundle_scrub import Scrubber
from app.log_scrub import scrub

SECRETS = [
    ("api key: SECRETF12345", "SECRETF"),
    ("the api key is SECRETF12345", "SECRETF"),
    ("token SECRETG1", "SECRETG"),
    ("got token SECRETG1 back", "SECRETG"),
    ('{"user": "x", "pass": "SECRETM1"}', "SECRETM"),
    ('{"pw": "SECRETM2"}', "SECRETM"),
    ("{'pass': 'SECRETM3 and more'}", "SECRETM3 and more"),
    (r"{\"pass\": \"SECRETM4\"}", "SECRETM"),
    (r"{\"password\": \"SECRETM4\", \"x\": 1}", "SECRETM"),
    ('{"key":"SECRETM5"}', "SECRETM"),
    ("key=SECRETM6 sent", "SECRETM"),
    ("pass=SECRETM7", "SECRETM"),
    ("password SECRETW2", "SECRETW"),
    ("password => SECRETW4", "SECRETW"),
    ("'password' => 'SECRET W4'", "SECRET W4"),
    ("<password>SECRETW5</password>", "SECRETW"),
    ('<ns:Token type="x">SECRETW6</ns:Token>', "SECRETW"),
    ('--pass "SECRET U3"', "SECRET U3"),
    ("--password SECRETU", "SECRETU"),
    ("--token=SECRETU", "SECRETU"),
    ("Passwort SECRETH2", "SECRETH"),
    ("Kennwort: SECRETH3", "SECRETH"),
    ("X-Auth: SECRETK2", "SECRETK"),
    ("X-Auth-Key: SECRETK3", "SECRETK"),
    ('"x-auth": "SECRETK4"', "SECRETK"),
    ("https://discord.com/api/webhooks/1122334455/SECRETtok", "SECRETtok"),
    ("https://hooks.slack.com/services/TABCD/BABCD/SECRETletters", "SECRETletters"),
    ("POST hooks.slack.com/services/TABCD/BABCD/SECRETletters", "SECRETletters"),
    ("https://example.webhook.office.example/webhookb2/SECRETguid/x", "SECRETguid"),
]
#: Only what is given away is searched for what may be an account or a person.
PRIVATE = [
    ("-pSECRETU1", "SECRETU"),
    ("mysql -u x -pSECRETU1 db", "SECRETU"),
    ("pass: SECRETM8", "SECRETM"),
    ("Login failed for 87654321", "87654321"),
    ("no such login (87654322).", "87654322"),
    ("#87654323", "87654323"),
    ("user 5012345 disconnected", "5012345"),
    ("client_id=87654324", "87654324"),
    ("pay to DE89370400440532013000 now", "DE8937"),
    ("pay to DE89 3704 0044 0532 0130 00 now", "0532"),
    ("call +49 171 1234567", "1234567"),
    ("call +491711234567", "1711234567"),
    ("call 0171 1234567", "1234567"),
    ("call (030) 2345 678", "2345 678"),
    ("call 555-123-4567", "123-4567"),
]
HARMLESS = [
    "the token was refused, the password is wrong",
    "press the key 3 times",
    "key pressed",
    'duplicate key "EURUSD" in line 12',
    '{"key": "market.watch_list", "value": 3}',
    '{"key": "XAUUSD"}',
    "first pass: 12 files, second pass: 3 files",
    "password of 12 characters is too short",
    "token 2025-06-03T12:00:00Z",
    "passed 33 of 34 tests in 12.5 s",
    "collect_market_data (startup) succeeded in 1.683 s. 8 symbols, 32,000 bars added",
    "run=06610793cefa84 task=collect_market_data",
    "order=123456789 deal=987654321 position=5551234",
    "ticket 123456789 filled, order #123456789, deal 87654321",
    "opened position 123456789 at 1.10000",
    "read 12345678 bytes in 1234567 rows",
    "65,536,000 bytes; free 76300000000",
    '{"free_bytes": 123456789, "rows": 1234567}',
    "health_20250603.json, 20250603, metronome.db.damaged-20261124T154027Z",
    "2025-06-03T12:00:00.000Z INFO a task=- run=-",
    "magic 20250001, build 4755123, line 1234567",
    "EURUSD 1.10000 XAUUSD 2345.67 US500 5432.1 BTCUSD 104123.50",
    "offset +0200, +30.0 MB an hour, slope +0.12345678",
    "https://feeds.example/rss/markets is unreachable",
    'File "app/runner.py", line 210, in _execute',
    "0x7fdec4426c10 pid 1234567",
    "elapsed 1234567 ms, took 1234567 us",
    "at 1717416000 (epoch)",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_get_into_no_log(text: str, secret: str) -> None:
    shown = scrub(text)
    assert secret not in shown
    assert "***" in shown
    assert scrub(shown) == shown


@pytest.mark.parametrize(("text", "secret"), SECRETS + PRIVATE)
def test_what_is_private_gets_into_no_bundle(text: str, secret: str, tmp_path: Path) -> None:
    scrubber = Scrubber(tmp_path)
    for line in (text, f"2025-06-03T12:00:00.000Z ERROR x task=- run=- {text}"):
        shown = scrubber.text(line)
        assert secret not in shown
        assert scrubber.text(shown) == shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_explains_a_fault_stays(text: str, tmp_path: Path) -> None:
    assert scrub(text) == text
    shown = Scrubber(tmp_path).text(text)
    # In what is given away it is better to lose a number of passes than a password.
    assert shown == (text.replace("12 files", "*** files").replace("3 files", "*** files") if "pass:" in text else text)


def test_a_key_that_is_named_so_in_plain_values(tmp_path: Path) -> None:
    value = {"key": "SECRETM5", "deep": [{"pass": "SECRETM1", "pw": "x", "iban": "y", "passed": 3}]}
    shown = Scrubber(tmp_path).value(value)
    assert shown == {"key": "***", "deep": [{"pass": "***", "pw": "***", "iban": "***", "passed": 3}]}
    assert Scrubber(tmp_path).value({"key": "market.watch_list"}) == {"key": "market.watch_list"}


#: What makes patterns go back and forth, a megabyte of it in one line.
_ODD = (
    "token ",
    "token",
    "key=",
    '"key":"',
    "'pass':'",
    'password="',
    "password \\",
    "<password ",
    "<token>",
    "--",
    "-p",
    "--pass ",
    "a-",
    "x-auth-",
    "://a.hook",
    "hooks.",
    "webhook/",
    "://",
    "api ",
    "+1 ",
    "0123 ",
    "1",
    "123456 ",
    "#",
    "AB12 ",
    "AB12",
    "pass is ",
    "a@",
    "a.",
    " ",
    "\\",
    '"',
    "eyJ",
    "Users/",
)


@pytest.mark.parametrize("piece", _ODD)
def test_no_text_makes_patterns_go_back_and_forth(piece: str, tmp_path: Path) -> None:
    """In one line and in lines as long as any that is shown; where time grew with the square, these took minutes."""
    scrubber = Scrubber(tmp_path)
    begun = time.process_time()
    text = "token hook pass auth key " + piece * (200_000 // len(piece))
    scrub(text)
    scrubber.text(text)
    scrubber.text("\n".join(text[at : at + 15_000] for at in range(0, len(text), 15_000)))
    assert time.process_time() - begun < 10
