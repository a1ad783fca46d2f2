from __future__ import annotations

import stat
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.clock import FakeClock
from app.errors import UserAction
from app.files import StorageError
from app.settings import Schema, Settings, SettingsStore


@pytest.fixture
def file(home: Path) -> Path:
    return home / "settings.toml"


def test_without_a_file_the_defaults_apply_and_nothing_is_written(file: Path) -> None:
    store = SettingsStore(file)
    assert store.load() == Settings()
    assert store.problems == ()
    assert store.current.market.watch_list[0] == "EURUSD"
    assert len(store.current.market.watch_list) == 8
    assert not file.exists()


def test_a_change_keeps_comments_and_order(file: Path) -> None:
    file.write_text(
        "# mine\n[queues]\nmonitoring = 2 # two\nai_evaluation = 3\n\n[ui]\ntheme = 'dark'\n", encoding="utf-8"
    )
    assert SettingsStore(file).set("queues.monitoring", "4") == {"queues.monitoring"}
    assert file.read_text(encoding="utf-8") == (
        "# mine\n[queues]\nmonitoring = 4 # two\nai_evaluation = 3\n\n[ui]\ntheme = 'dark'\n"
    )


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("market.watch_list", "EURUSD.a, xauusd ,EURUSD.a", ("EURUSD.a", "xauusd")),
        ("market.watch_list", "", ()),
        ("queues.ai_evaluation", " 16 ", 16),
        ("terminal.login", "123456", 123456),
        ("terminal.simulated.now", "2025-06-03T12:00:00Z", datetime(2025, 6, 3, 12, tzinfo=UTC)),
        ("terminal.simulated.replay.EURUSD.a", "C:\\bars\\a b.csv", "C:\\bars\\a b.csv"),
        ('terminal.simulated.replay."EURUSD.a"', "x.csv", "x.csv"),
        ("tasks.my_task.schedule", "*/5 * * * *", "*/5 * * * *"),
        ("tasks.my_task.enabled", "off", False),
        ("tasks.my_task.timezone", "Europe/London", "Europe/London"),
        ("logging.level", "debug", "DEBUG"),
        ("ui.scale", "1.5", 1.5),
    ],
)
def test_text_is_read_by_the_type_of_the_key(file: Path, key: str, text: str, value: object) -> None:
    store = SettingsStore(file)
    store.set(key, text)
    assert store.get(key) == value
    assert SettingsStore(file).get(key) == value
    assert SettingsStore(file).problems == ()


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("queues.ai_evaluation", "17", ["queues.ai_evaluation", "'17'", "1 to 16 tasks"]),
        ("terminal.kind", "mt4", ["'mt4'", "simulated, metatrader5"]),
        ("market.timeframes", "M5,M7", ["M5,M7", "M1, M2", "MN1"]),
        ("terminal.simulated.now", "2025-06-03T12:00:00", ["with its zone"]),
        ("terminal.simulated.now", "2025", ["'2025'", "with its zone"]),
        ("terminal.simulated.now", "1748952000.5", ["with its zone"]),
        ("tasks.a.timezone", "Mars/Olympus", ["Mars/Olympus", "Europe/London"]),
        ("queues.ai_evalation", "3", ["queues.ai_evalation", "Did you mean queues.ai_evaluation?"]),
        ("tasks.backup.shedule", "manual", ["Did you mean tasks.backup.schedule?"]),
        ("watch_list", "EURUSD", ["Did you mean market.watch_list?"]),
        ("market", "3", ["group", "market.watch_list"]),
        ("schema_version", "7", ["no setting"]),
        ("", "3", ["no setting"]),
        ("ui.scale", "nan", ["0.5 to 3"]),
    ],
)
def test_a_bad_change_names_key_value_and_what_is_allowed(file: Path, key: str, text: str, words: list[str]) -> None:
    store = SettingsStore(file)
    with pytest.raises(UserAction) as caught:
        store.set(key, text)
    assert all(word in str(caught.value) for word in words)
    assert not file.exists()
    assert store.current == Settings()


@pytest.mark.allow_warnings("app.settings_store")
def test_values_out_of_bounds_cost_themselves_only(file: Path) -> None:
    file.write_text(
        '[queues]\nai_evaluation = 99\nmonitoring = 2\n[market]\nwacth_list = ["X"]\n[ui]\ntheme = "pink"\n'
        '[terminal.simulated.replay]\nEURUSD.a = "f"\n[history]\nkeep_days = "many"\nkeep_rows = 5000\n'
        "[tasks]\nx = 1\n",
        encoding="utf-8",
    )
    store = SettingsStore(file)
    current = store.load()
    assert (current.queues.ai_evaluation, current.queues.monitoring) == (2, 2)
    assert (current.history.keep_days, current.history.keep_rows) == (90, 5000)
    assert current.ui.theme == "system"
    found = "\n".join(store.problems)
    for words in (
        f"{file}, line 2: queues.ai_evaluation cannot be 99. Allowed: 1 to 16 tasks. The default applies.",
        f"{file}, line 5: there is no setting named market.wacth_list; did you mean market.watch_list?",
        f"{file}, line 7: ui.theme cannot be 'pink'. Allowed: system, light, dark.",
        f"{file}, line 9: terminal.simulated.replay.EURUSD should be text. A name that contains a dot needs quotes",
        f"{file}, line 11: history.keep_days cannot be 'many'. Allowed: 1 to 3650 days.",
        f"{file}, line 14: tasks.x should be a table",
    ):
        assert words in found
    store.set("queues.data_collection", 5)
    assert "wacth_list" in file.read_text(encoding="utf-8"), "what was not understood is not thrown away"


@pytest.mark.allow_warnings("cannot be understood")
@pytest.mark.parametrize(
    ("data", "place"),
    [(b"[ui]\ntheme = \n", "line 2"), (b"[ui]\n\ntheme = '\xff'\n", "line 3"), (b"a = [\n\n", "line")],
)
def test_a_damaged_file_is_kept_aside(file: Path, fake_clock: FakeClock, data: bytes, place: str) -> None:
    file.write_bytes(data)
    store = SettingsStore(file, clock=fake_clock)
    assert store.load() == Settings()
    aside = file.with_name("settings.toml.damaged-20250603T120000Z")
    assert aside.read_bytes() == data
    assert not file.exists()
    assert all(words in store.problems[0] for words in (str(file), place, aside.name, "rename"))
    store.set("ui.theme", "dark")
    assert SettingsStore(file).load().ui.theme == "dark"


@pytest.mark.allow_warnings("cannot be understood")
def test_a_damaged_file_of_another_process_is_left_alone(file: Path) -> None:
    file.write_text("[ui\n", encoding="utf-8")
    store = SettingsStore(file, guest=True)
    assert store.load() == Settings()
    assert "line 1" in store.problems[0]
    assert file.read_text(encoding="utf-8") == "[ui\n"


@pytest.mark.allow_warnings("needs a number")
def test_truth_is_no_number(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.write_text("[queues]\nmonitoring = true\n[terminal]\ncall_timeout_s = false\n", encoding="utf-8")
    store = SettingsStore(file)
    assert store.load() == Settings()
    assert len(store.problems) == 2
    assert all("needs a number, not true or false" in problem for problem in store.problems)


def test_an_unreadable_file_gives_defaults_and_is_not_replaced(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.mkdir()
    store = SettingsStore(file)
    assert store.load() == Settings()
    assert str(file) in store.problems[0]
    with pytest.raises(StorageError):
        store.set("ui.theme", "dark")
    assert file.is_dir()


def test_a_newer_schema_is_refused_and_left_alone(file: Path) -> None:
    file.write_text("schema_version = 99\n[new]\nx = 1\n", encoding="utf-8")
    for act in (lambda: SettingsStore(file).load(), lambda: SettingsStore(file).set("ui.theme", "dark")):
        with pytest.raises(UserAction, match="schema 99"):
            act()
    assert file.read_text(encoding="utf-8") == "schema_version = 99\n[new]\nx = 1\n"


def test_an_older_schema_is_migrated_with_a_backup(file: Path) -> None:
    def rename(document: Any) -> None:
        document["ui"]["theme"] = document["ui"].pop("colours")

    old = "# mine\nschema_version = 1\n[ui]\ncolours = 'dark' # night\n"
    file.write_text(old, encoding="utf-8")
    store = SettingsStore(file, schema=Schema(version=2, steps={1: rename}))
    assert store.load().ui.theme == "dark"
    assert store.problems == ()
    assert file.with_name("settings.toml.bak-1").read_text(encoding="utf-8") == old
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# mine\nschema_version = 2\n")
    with pytest.raises(UserAction, match="no longer understands"):
        SettingsStore(file, schema=Schema(version=3, steps={})).load()


def test_overrides_rule_and_are_never_written(file: Path) -> None:
    store = SettingsStore(file, {"queues.ai_evaluation": "7", "terminal.simulated.replay.EURUSD": "a.csv"})
    assert store.current.queues.ai_evaluation == 7
    assert store.set("queues.ai_evaluation", 3) == frozenset()
    assert store.get("queues.ai_evaluation") == 7
    assert tomllib.loads(file.read_text(encoding="utf-8")) == {"schema_version": 1, "queues": {"ai_evaluation": 3}}
    assert {option.key for option in store.describe() if option.overridden} == {
        "queues.ai_evaluation",
        "terminal.simulated.replay.EURUSD",
    }
    with pytest.raises(UserAction, match="1 to 16"):
        SettingsStore(file, {"queues.ai_evaluation": "70"}).load()


def test_an_edit_from_outside_is_seen_and_told(file: Path) -> None:
    store = SettingsStore(file)
    store.load()
    told: list[tuple[frozenset[str], Settings]] = []
    stop = store.subscribe(lambda changed, settings: told.append((changed, settings)))
    assert store.reload() == frozenset()
    file.write_text("[ui]\ntheme = 'dark'\n[tasks.a]\nenabled = false\n", encoding="utf-8")
    changed = store.reload()
    assert {"ui.theme", "tasks.a.enabled"} <= changed
    assert told == [(changed, store.current)]
    stop()
    store.unset("tasks.a.enabled")
    store.unset("ui.theme")
    assert store.current.ui.theme == "system"
    assert len(told) == 1


@pytest.mark.allow_warnings("stay as they were")
def test_half_an_edit_changes_nothing_and_moves_nothing(file: Path) -> None:
    file.write_text("[ui]\ntheme = 'dark'\n", encoding="utf-8")
    store = SettingsStore(file)
    store.load()
    file.write_text("[ui]\ntheme = 'li", encoding="utf-8")
    assert store.reload() == frozenset()
    assert store.current.ui.theme == "dark"
    assert "line 2" in store.problems[0]
    with pytest.raises(UserAction, match="line 2"):
        store.set("ui.scale", 2)
    assert file.read_text(encoding="utf-8") == "[ui]\ntheme = 'li"
    file.write_text("[ui]\ntheme = 'light'\n", encoding="utf-8")
    assert store.reload() == {"ui.theme"}
    assert store.problems == ()


def test_a_file_that_cannot_be_written_leaves_the_settings(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SettingsStore(file)
    store.set("ui.theme", "dark")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.files.os.fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        store.set("ui.theme", "light")
    assert store.current.ui.theme == "dark"
    assert SettingsStore(file).load().ui.theme == "dark"


def test_every_setting_is_described_and_its_default_is_allowed(file: Path) -> None:
    store = SettingsStore(file)
    store.set("tasks.a.schedule", "manual")
    options = {option.key: option for option in store.describe()}
    assert len(options) == len(store.describe()) > 45
    assert options["queues.ai_evaluation"].bounds == (1, 16)
    assert options["queues.ai_evaluation"].allowed == "1 to 16 tasks"
    assert options["ui.theme"].choices == ("system", "light", "dark")
    assert options["tasks.a.schedule"].value == "manual"
    assert options["tasks.<task>.schedule"].optional
    assert options["terminal.kind"].restart_needed
    for option in options.values():
        assert option.title
        assert len(option.description) > 15
        if "<" not in option.key:
            store.set(option.key, option.default if option.default is not None else "")
            assert store.get(option.key) == option.default


def test_permissions_of_the_file_are_kept(file: Path) -> None:
    file.write_text("[ui]\nscale = 1.0\n", encoding="utf-8")
    file.chmod(0o600)
    SettingsStore(file).set("ui.scale", 2)
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 or stat.S_IMODE(file.stat().st_mode) == 0o666


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
_SYMBOLS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters='"'), min_size=1, max_size=20
)


@hypothesis_settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    symbol=_SYMBOLS,
    replay=_TEXT,
    width=st.integers(1, 16),
)
def test_what_is_set_is_read_again(file: Path, symbol: str, replay: str, width: int) -> None:
    file.unlink(missing_ok=True)
    if not symbol.strip() or symbol != symbol.strip():
        symbol = f"x{symbol}x"
    key = f'terminal.simulated.replay."{symbol}"'
    store = SettingsStore(file)
    store.set("queues.monitoring", width)
    store.set(key, replay)
    again = SettingsStore(file)
    assert again.load().terminal.simulated.replay == {symbol: replay}
    assert again.get("queues.monitoring") == width
    assert again.problems == ()
    store.unset(key)
    assert SettingsStore(file).load().terminal.simulated.replay == {}


def test_a_schedule_that_means_nothing_is_refused_with_the_forms_to_use(tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.toml")
    with pytest.raises(UserAction, match="61"):
        store.set("tasks.collect_market_data.schedule", "61 * * * *")
    store.set("tasks.collect_market_data.schedule", "every 10 min")
    assert store.current.tasks["collect_market_data"].schedule == "every 10 min"


@pytest.mark.allow_warnings("61 * * * *")
def test_a_schedule_by_hand_that_means_nothing_is_a_problem_with_its_line(file: Path) -> None:
    file.write_text('[tasks.nobody]\nenabled = false\nschedule = "61 * * * *"\n', encoding="utf-8")
    store = SettingsStore(file)
    assert store.load().task("nobody").schedule is None
    assert store.current.task("nobody").enabled is False
    (problem,) = store.problems
    assert problem.startswith(f"{file}, line 3: tasks.nobody.schedule cannot be '61 * * * *'.")
    assert 'or "manual". The default applies.' in problem


@pytest.mark.allow_warnings("cannot be")
@pytest.mark.parametrize("value", ["2025", "2025.5", '"2025"', "2025-06-03", "true"])
def test_a_simulated_time_by_hand_needs_date_time_and_zone(file: Path, value: str) -> None:
    file.write_text(f"[terminal.simulated]\nnow = {value}\n", encoding="utf-8")
    store = SettingsStore(file)
    assert store.load().terminal.simulated.now is None
    (problem,) = store.problems
    assert "line 2: terminal.simulated.now cannot be" in problem
    assert "2025-06-03T12:00:00Z" in problem


def test_an_override_of_the_simulated_time_needs_date_time_and_zone(file: Path) -> None:
    with pytest.raises(UserAction, match="with its zone"):
        SettingsStore(file, {"terminal.simulated.now": "2025"}).load()


@pytest.mark.allow_warnings("schema_version")
@pytest.mark.parametrize("value", ["0", "-1", "true", "false", '"x"', "1.0"])
def test_a_schema_that_cannot_be_is_a_problem(file: Path, value: str) -> None:
    file.write_text(f"schema_version = {value}\n[queues]\nai_evaluation = 3\n", encoding="utf-8")
    store = SettingsStore(file)
    assert (store.load().schema_version, store.current.queues.ai_evaluation) == (1, 3)
    (problem,) = store.problems
    assert problem.startswith(f"{file}, line 1: schema_version cannot be ")
    assert "a whole number from 1" in problem
