"""Clean-up: what goes, what stays whatever happens, and when it asks."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hand_terminal import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upkeep import clean_cache, clean_logs, logs_of_days, put, tree, used

from app.errors import Cancelled, NothingToDo, UserAction
from app.execution import execute
from app.runs import RunState
from workers.maintenance import clock_guard, scan
from workers.maintenance.cleanup import Waits
from workers.maintenance.results import CacheParams, LogsParams
from workers.maintenance_tasks import SPECS

DAY_S = 86_400
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")


@pytest.fixture(autouse=True)
def in_use(bench: Bench) -> Path:
    """The home was in use this morning."""
    return used(bench.paths, bench.clock.now() - timedelta(hours=3))


def test_old_logs_go_and_the_live_one_stays(bench: Bench) -> None:
    old = bench.clock.now() - timedelta(days=400)
    live = put(bench.paths.log_file, "live", old)
    trades = put(bench.paths.logs / "trades_20200101.csv", "a", old)
    other = put(bench.paths.logs / "notes.txt", "mine", old)
    archived = put(bench.paths.archive / "trades_20200101.log", "a", old)
    files = logs_of_days(bench, 28, 33)
    dated = put(bench.paths.logs / "worker_20250101.log")
    result = clean_logs(bench)
    assert [path.exists() for path in files] == [True, True, False, False, False, False]
    assert not dated.exists()
    assert all(path.exists() for path in (live, trades, other, archived))
    assert (result.looked_at, result.files, result.bytes, result.skipped) == (7, 5, 14, 0)
    assert (result.oldest, result.newest) == ("2025-01-01", "2025-05-04 11:00 UTC")
    assert [item["outcome"] for item in result.listed] == ["deleted"] * 5
    assert result.summary() == "5 files (14 B, 2025-01-01 to 2025-05-04 11:00 UTC) deleted"


def test_old_cache_goes_and_the_current_documents_stay(bench: Bench) -> None:
    old = bench.clock.now() - timedelta(days=100)
    names = ("rss_news.json", "Symbol_Info.json", "symbol_info_Broker_7.json", "symbol_info_Broker_20200101.json")
    current = [put(bench.paths.cache / name, "{}", old) for name in names]
    gone = [
        put(bench.paths.market_data / "EURUSD_20250526.json"),
        put(bench.paths.cache / "deep" / "er" / "left.json", "{}", old),
        put(bench.paths.cache / "rss_news.json.damaged-20250101T000000Z", "{"),
        put(bench.paths.cache / "symbol_info_Broker_7.json.damaged-20250101T000000Z", "{"),
    ]
    young = put(bench.paths.market_data / "EURUSD_20250527.json", "{}", old)
    never = [
        put(bench.paths.bars / "EURUSD_M5.csv", "b", old),
        put(bench.paths.trade_ideas / "EURUSD_20200101_000000.json", "{}", old),
        put(bench.paths.evaluations / "evaluation_20200101.json", "{}", old),
        put(bench.paths.health_checks / "health_20200101.json", "{}", old),
        put(bench.paths.settings_file, "", old),
    ]
    # The old health check alone would tell of a home that was not in use for years.
    result = clean_cache(bench, confirm=True)
    assert result.files == 4
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in (*current, young, *never))


def test_a_dry_run_changes_nothing_and_does_not_claim_to(bench: Bench) -> None:
    logs_of_days(bench, 29, 40)
    before = tree(bench.paths.home)
    result = clean_logs(bench, dry_run=True)
    assert tree(bench.paths.home) == before
    assert (result.files, result.dry_run) == (11, True)
    assert {item["outcome"] for item in result.listed} == {"would be deleted"}
    assert result.summary().endswith("would be deleted; nothing was changed")


def test_nothing_to_do_is_skipped_with_the_reason(bench: Bench) -> None:
    with pytest.raises(NothingToDo, match="There is no log file"):
        clean_logs(bench)
    logs_of_days(bench, 1, 3)
    outcome = execute(SPECS[0], bench.context("cleanup_old_logs"), LogsParams())
    assert (outcome.state, outcome.reason) == (RunState.SKIPPED, "None of 3 log files is older than 30 days.")
    with pytest.raises(NothingToDo):
        clean_logs(bench, dry_run=True)


def test_files_from_the_future_stay_and_are_told(bench: Bench) -> None:
    put(bench.paths.logs / "a_20990101.log")
    put(bench.paths.logs / "b.log", at=bench.clock.now() + timedelta(days=300))
    with pytest.raises(NothingToDo, match="its date is in the future"):
        clean_logs(bench)


def test_many_files_are_counted_exactly_and_a_thousand_are_listed(bench: Bench) -> None:
    for number in range(1_100):
        put(bench.paths.logs / f"w{number}.log", "x", bench.clock.now() - timedelta(days=50))
    for number in range(1_100):
        put(bench.paths.logs / f"y{number}.log", "x")
    result = clean_logs(bench)
    assert (result.files, result.bytes, len(result.listed)) == (1_100, 1_100, 1_000)


def test_a_stop_is_obeyed(bench: Bench) -> None:
    for number in range(1_001):
        put(bench.paths.logs / f"w{number}.log", "x", bench.clock.now() - timedelta(days=50))
    bench.cancel.set()
    with pytest.raises(Cancelled):
        clean_logs(bench)
    assert len(tree(bench.paths.logs)) == 1_001


@pytest.mark.allow_warnings("could not be deleted")
def test_open_files_are_skipped_with_a_line_each(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    files = logs_of_days(bench, 31, 35)
    unlink = scan.Folder.unlink

    def refusing(folder: scan.Folder, name: str) -> None:
        if name.endswith(("1", "2")):
            raise PermissionError(13, "The process cannot access the file", name)
        unlink(folder, name)

    monkeypatch.setattr(scan.Folder, "unlink", refusing)
    ctx = bench.context("cleanup_old_logs")
    outcome = execute(SPECS[0], ctx, LogsParams())
    assert outcome.state is RunState.SUCCEEDED_WITH_WARNINGS
    assert (outcome.result["files"], outcome.result["skipped"]) == (3, 2)
    assert outcome.result["reasons"] == {"it is open in another program or must not be touched": 2}
    assert [path.exists() for path in files] == [True, True, False, False, False]
    # When all that is left is locked, that is no success.
    outcome = execute(SPECS[0], bench.context("cleanup_old_logs"), LogsParams())
    assert outcome.state is RunState.FAILED
    assert outcome.reason.startswith("None of 2 old log files could be deleted; logs/metronome.log.3")
    assert len(outcome.result["listed"]) == 2


@posix_only
def test_names_that_are_no_text(bench: Bench) -> None:
    name = b"\xff\xfe.log"
    path = os.path.join(os.fsencode(bench.paths.logs), name)  # noqa: PTH118 - bytes
    Path(os.fsdecode(path)).write_bytes(b"x")
    os.utime(path, (0, 0))
    outcome = execute(SPECS[0], bench.context("cleanup_old_logs"), LogsParams())
    assert outcome.state is RunState.SUCCEEDED
    assert outcome.result["listed"][0]["file"] == "logs/\\udcff\\udcfe.log"
    assert outcome.result["listed"][0]["dated"] == "1970-01-01 00:00 UTC"


@posix_only
def test_links_are_never_followed(bench: Bench, tmp_path: Path) -> None:
    old = bench.clock.now() - timedelta(days=500)
    outside = put(tmp_path / "outside" / "old.json", "mine", old)
    (bench.paths.cache / "way_out").symlink_to(outside.parent, target_is_directory=True)
    (bench.paths.cache / "one.json").symlink_to(outside)
    (bench.paths.cache / "self").symlink_to(bench.paths.cache, target_is_directory=True)
    bars = put(bench.paths.bars / "EURUSD_M5.csv", "b", old)
    (bench.paths.cache / "bars").symlink_to(bench.paths.bars, target_is_directory=True)
    gone = put(bench.paths.cache / "gone.json", "x", old)
    ctx = bench.context("cleanup_cache")
    outcome = execute(SPECS[1], ctx, CacheParams())
    assert (outcome.result["files"], outcome.result["skipped"]) == (1, 4)
    assert outside.read_text() == "mine"
    assert bars.exists()
    assert not gone.exists()


@posix_only
def test_a_folder_that_is_a_link_is_left_alone(bench: Bench) -> None:
    old = bench.clock.now() - timedelta(days=500)
    bars = put(bench.paths.bars / "EURUSD.csv", "b", old)
    bench.paths.market_data.rmdir()
    bench.paths.cache.rmdir()
    bench.paths.cache.symlink_to(bench.paths.bars, target_is_directory=True)
    with pytest.raises(NothingToDo, match="data/cache: it is a link"):
        clean_cache(bench)
    assert bars.exists()


@posix_only
def test_a_link_put_in_place_of_a_folder_meanwhile_leads_nowhere(bench: Bench, tmp_path: Path) -> None:
    old = bench.clock.now() - timedelta(days=500)
    outside = put(tmp_path / "outside" / "a.json", "mine", old)
    put(bench.paths.cache / "sub" / "a.json", "x", old)
    folder = scan.Folder(bench.paths.home, ("data", "cache", "sub"))
    (bench.paths.cache / "sub").rename(tmp_path / "moved")
    (bench.paths.cache / "sub").symlink_to(outside.parent, target_is_directory=True)
    folder.unlink("a.json")
    folder.close()
    assert outside.exists()
    assert not (tmp_path / "moved" / "a.json").exists()


@posix_only
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_costs_only_itself(bench: Bench) -> None:
    old = bench.clock.now() - timedelta(days=500)
    shut = put(bench.paths.cache / "shut" / "a.json", "x", old).parent
    put(bench.paths.cache / "open" / "a.json", "x", old)
    shut.chmod(0)
    try:
        assert clean_cache(bench).files == 1
    finally:
        shut.chmod(0o700)


def test_a_folder_that_breaks_off_costs_only_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    logs_of_days(bench, 31, 33)
    told: list[tuple[str, str]] = []
    opened = scan._opened  # type: ignore[attr-defined]

    def refusing(home: Path, parts: tuple[str, ...]) -> int | None:
        if parts:
            raise PermissionError(13, "Permission denied", str(home))
        return opened(home, parts)

    monkeypatch.setattr(scan, "_opened", refusing)
    assert list(scan.scan(bench.paths.home, cleanup_rule(), lambda file, why, _: told.append((file, why)))) == []
    assert told == [
        ("logs", "the folder cannot be read: it is open in another program or must not be touched")
    ]  # fmt: skip


def cleanup_rule() -> scan.Rule:
    from workers.maintenance.rules import LOGS

    return LOGS


def test_a_file_that_goes_by_itself_is_no_trouble(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    logs_of_days(bench, 31, 33)
    unlink = scan.Folder.unlink

    def faster(folder: scan.Folder, name: str) -> None:
        unlink(folder, name)
        if name.endswith("1"):
            raise FileNotFoundError(2, "No such file", name)

    monkeypatch.setattr(scan.Folder, "unlink", faster)
    result = clean_logs(bench)
    assert (result.files, result.skipped) == (2, 0)


# The clock


@pytest.mark.allow_warnings("if the clock of")
@pytest.mark.parametrize("years", [1, 2])
def test_a_clock_set_ahead_deletes_nothing(bench: Bench, years: int) -> None:
    logs_of_days(bench, 0, 29)
    with pytest.raises(NothingToDo):
        clean_logs(bench)
    bench.clock.advance(DAY_S / 2)
    before = tree(bench.paths.logs)
    bench.clock.jump(365 * DAY_S * years)
    outcome = execute(SPECS[0], bench.context("cleanup_old_logs"), LogsParams())
    assert tree(bench.paths.logs) == before
    assert outcome.state is RunState.FAILED
    assert "if the clock of this computer is right" in outcome.reason


def test_few_files_are_kept_from_a_clock_set_ahead_as_well(bench: Bench) -> None:
    logs_of_days(bench, 1, 5)
    with pytest.raises(NothingToDo):
        clean_logs(bench)
    before = tree(bench.paths.logs)
    bench.clock.jump(365 * DAY_S)
    with pytest.raises(Waits) as asked:
        clean_logs(bench)
    assert tree(bench.paths.logs) == before
    assert asked.value.findings["held"] == 5
    memory = clock_guard.recall(bench.storage, "cleanup_old_logs")
    assert memory is not None
    assert memory.asked is not None
    assert memory.asked["files"] == 5
    # The clock was right after all: the user says so.
    assert clean_logs(bench, confirm=True).files == 5
    memory = clock_guard.recall(bench.storage, "cleanup_old_logs")
    assert memory is not None
    assert memory.asked is None


def test_a_clock_set_back_deletes_nothing_and_neither_does_its_repair(bench: Bench) -> None:
    logs_of_days(bench, 15, 24)
    with pytest.raises(NothingToDo):
        clean_logs(bench)
    bench.clock.jump(-365 * DAY_S)
    ancient = put(bench.paths.logs / "ancient_20200101.log")
    with pytest.raises(Waits, match="365 days behind"):
        clean_logs(bench)
    assert ancient.exists()
    young = put(bench.paths.logs / "young.log", at=bench.clock.now())
    bench.clock.jump(366 * DAY_S)
    ancient.unlink()
    with pytest.raises((Waits, NothingToDo)):
        clean_logs(bench)
    assert young.exists()
    assert len(tree(bench.paths.logs)) == 11


@pytest.mark.allow_warnings("if the clock of")
def test_an_absence_of_weeks_heals_by_itself(bench: Bench) -> None:
    logs_of_days(bench, 0, 25)
    with pytest.raises(NothingToDo):
        clean_logs(bench)
    bench.clock.jump(29 * DAY_S)
    with pytest.raises(UserAction):
        clean_logs(bench)
    for _ in range(32):
        bench.clock.advance(DAY_S)
        execute(SPECS[0], bench.context("cleanup_old_logs"), LogsParams())
    assert tree(bench.paths.logs) == {}


@pytest.mark.allow_warnings("if the clock of")
@pytest.mark.parametrize("known", ["this process", "another process", "never looked"])
@pytest.mark.parametrize("days", range(1, 8))
@pytest.mark.parametrize("jump", [0.4, 0.9, 1.1, 3.4, 5.1, 7.5, 8.1, 40.0, 365.0])
def test_a_clock_set_ahead_never_takes_what_is_new(
    bench: Bench, in_use: Path, monkeypatch: pytest.MonkeyPatch, days: int, jump: float, known: str
) -> None:
    in_use.unlink()
    for number in range(15):
        put(bench.paths.market_data / f"{number}.json", "x", bench.clock.now() - timedelta(minutes=number))
    if known != "never looked":
        with pytest.raises(NothingToDo):
            clean_cache(bench, days_to_keep=days)
    if known == "another process":
        monkeypatch.setattr(clock_guard, "_PROCESS", "another")
    before = tree(bench.paths.cache)
    bench.clock.jump(jump * DAY_S)
    held = jump >= days
    for dry_run in (True, False):
        if held and not dry_run:
            with pytest.raises(Waits, match="if the clock of this computer is right") as asked:
                clean_cache(bench, days_to_keep=days)
            assert asked.value.findings["held"] == 15
        elif held:
            assert clean_cache(bench, days_to_keep=days, dry_run=True).held == 15
        else:
            with pytest.raises(NothingToDo):
                clean_cache(bench, days_to_keep=days, dry_run=dry_run)
    assert tree(bench.paths.cache) == before
    if held:
        assert clean_cache(bench, days_to_keep=days, confirm=True).files == 15


@pytest.mark.allow_warnings("if the clock of")
@pytest.mark.parametrize("days", range(1, 8))
def test_a_holiday_of_two_weeks_heals_by_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """The computer is off each night, and another process looks each day."""
    put(bench.paths.market_data / "before.json", "x", bench.clock.now())
    with pytest.raises(NothingToDo):
        clean_cache(bench, days_to_keep=days)
    looks = 0
    for passed in (14, *[1] * 20):
        bench.clock.jump(passed * DAY_S)
        monkeypatch.setattr(clock_guard, "_PROCESS", f"process {looks}")
        execute(SPECS[1], bench.context("cleanup_cache"), CacheParams(days_to_keep=days))
        if not tree(bench.paths.market_data):
            break
        looks += 1
    assert 1 <= looks <= days + 2


def test_more_than_the_usual_share_asks_first(bench: Bench) -> None:
    logs_of_days(bench, 25, 75)
    before = tree(bench.paths.logs)
    outcome = execute(SPECS[0], bench.context("cleanup_old_logs"), LogsParams())
    assert outcome.state is RunState.FAILED
    assert outcome.reason.startswith("46 log files (138 B) of 51 are older than 30 days: 90%")
    assert "confirm=true" in outcome.advice
    assert {item["outcome"] for item in outcome.result["listed"]} == {"would be deleted"}
    assert tree(bench.paths.logs) == before
    assert clean_logs(bench, confirm=True).files == 46


def test_the_first_run_in_an_old_home_is_of_use(bench: Bench) -> None:
    logs_of_days(bench, 0, 45)
    assert clean_logs(bench).files == 16


NAMES = st.sampled_from(
    ["metronome.log", "metronome.log.1", "a.log", "B.LOG", "trades_20240101.csv", "x_20240101.log", "y_20250601.log",
     "notes.txt", "rss_news.json", "EURUSD_20240101.json", "old.json", "EURUSD_M5.csv"]
)  # fmt: skip
FOLDERS = st.sampled_from(
    ["logs", "logs/archive", "data/cache", "data/cache/market_data", "data/cache/a/b", "data/bars", "data",
     "data/trade_ideas", "data/evidence/ab", "data/evaluations", "data/config", "data/config/strategies",
     "data/health_checks", "data/backtests", "data/imports", "."]
)  # fmt: skip


@pytest.mark.allow_warnings("")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    files=st.dictionaries(st.tuples(FOLDERS, NAMES), st.integers(-400, 400), max_size=25),
    jumps=st.lists(st.integers(-400, 400), max_size=3),
    confirm=st.booleans(),
)
def test_whatever_the_tree_and_the_clock_only_old_files_that_the_rules_name_go(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory, files: dict[tuple[str, str], int], jumps: list[int],
    confirm: bool,
) -> None:  # fmt: skip
    from app.paths import Paths
    from app.storage import Storage

    home = tmp_path_factory.mktemp("home")
    own = Bench(type(bench.clock)(), Paths(home), bench.storage, bench.terminal)
    own.storage = Storage(own.paths, own.clock)
    start = own.clock.now()
    used(own.paths, start - timedelta(hours=3))
    for (folder, name), age in files.items():
        put(home / folder / name, f"{folder}/{name}", start - timedelta(days=age))
    before = tree(home)
    shift = 0
    for jump in [0, *jumps]:
        own.clock.jump(jump * DAY_S)
        shift += jump
        for task, params in (("cleanup_old_logs", LogsParams), ("cleanup_cache", CacheParams)):
            spec = next(spec for spec in SPECS if spec.id == task)
            execute(spec, own.context(task), params(confirm=confirm))
    after = tree(home)
    for name in set(before) - set(after):
        folder, _, file = name.rpartition("/")
        assert folder in ("logs", "data/cache", "data/cache/market_data", "data/cache/a/b")
        assert file not in ("metronome.log", "notes.txt", "rss_news.json", "trades_20240101.csv") or (
            folder != "logs" and file == "trades_20240101.csv"
        )
        if not confirm and "_20" not in file:
            age = files[folder, file]
            kept = 30 if folder == "logs" else 7
            assert age > kept - 9 * (len(jumps) + 1)
    for name, content in before.items():
        assert name not in after or after[name] == content
