"""The command line on a small registry: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from app import cli, cli_commands, cli_text, cli_values, ipc
from app.cli_session import CommandSession
from app.errors import NothingToDo, UserAction
from app.owner import Owner
from app.params import params_from_texts
from app.paths import Paths
from app.settings import Settings
from app.tasks import Queue, Registry, TaskContext, TaskParams, TaskResult, TaskSpec


class CountParams(TaskParams):
    symbols: tuple[str, ...] = ("EURUSD",)
    limit: int | None = Field(default=None, ge=1, description="At most so many.")
    weights: dict[str, float] = Field(default_factory=dict)
    note: str = ""


class CountResult(TaskResult):
    counted: int

    def summary(self) -> str:
        return f"{self.counted} symbols counted."


STARTED = threading.Event()


def count(ctx: TaskContext, params: CountParams) -> CountResult:
    ctx.progress(1, 2, "halfway")
    if params.note == "broken":
        raise UserAction("The thing is broken.", advice="Mend it.")
    for number in range(int(params.note.removeprefix("odd ") if params.note.startswith("odd ") else 0)):
        ctx.warn(f"Count {number} is odd.")
    if not params.symbols:
        raise NothingToDo("The list of symbols is empty.")
    return CountResult(counted=len(params.symbols))


def wait_for_cancel(ctx: TaskContext, _params: TaskParams) -> TaskResult:
    STARTED.set()
    tick = threading.Event()
    while True:
        ctx.check_cancelled()
        tick.wait(0.01)


def registry() -> Registry:
    return Registry(
        (
            TaskSpec("count", "Count", "Counts.", Queue.MONITORING, count, CountParams, CountResult, "every 5 min"),
            TaskSpec("wait", "Wait", "Waits for a cancel.", Queue.MAINTENANCE, wait_for_cancel),
        )
    )


def no_window(_start: object) -> int:
    raise AssertionError("no window was asked for")


WIRING = cli_values.Wiring(registry=registry, window=no_window, screenshot=no_window)


@pytest.fixture
def ask(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any, str]]:
    """Runs a command with ``--json`` and returns its exit code, its document and stderr."""

    def run(*arguments: str) -> tuple[int, Any, str]:
        code = cli.main([*arguments, "--home", str(home), "--json"], WIRING)
        out, err = capsys.readouterr()
        return code, json.loads(out), err

    return run


Ask = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def owner(home: Path) -> Iterator[Owner]:
    """Another owner of the home; a thread of this process stands for another process."""
    session = CommandSession.open(str(home), {}, registry, as_json=True)
    owner = session.new_owner()
    owner.start(schedule=False)
    yield owner
    owner.stop()


def test_tasks_tell_schedule_next_and_last_run(ask: Ask) -> None:
    code, rows, _ = ask("tasks")
    assert code == 0
    assert [row["id"] for row in rows] == ["count", "wait"]
    counted, waiting = rows
    assert counted["schedule"] == "every 5 min"
    assert counted["queue"] == "monitoring"
    assert counted["enabled"] is True
    assert counted["next_run"].endswith("Z")
    assert counted["last_run"] is None
    assert waiting["next_run"] is None
    assert waiting["why_not"]


def test_a_run_is_printed_and_kept(ask: Ask) -> None:
    code, run, _ = ask("run", "count", "symbols=EURUSD, XAUUSD", "limit=3")
    assert (code, run["state"], run["task"], run["trigger"]) == (0, "succeeded", "count", "cli")
    assert run["result"] == {"counted": 2}
    assert run["params"]["symbols"] == ["EURUSD", "XAUUSD"]
    assert set(run) >= {
        "run_id",
        "reason",
        "queued_at",
        "started_at",
        "finished_at",
        "duration_s",
        "lateness_s",
        "files",
    }
    code, rows, _ = ask("runs")
    assert [row["run_id"] for row in rows] == [run["run_id"]]
    _, tasks, _ = ask("tasks")
    assert tasks[0]["last_run"]["run_id"] == run["run_id"]


@pytest.mark.allow_warnings("The thing is broken.")
def test_exit_codes_tell_failed_from_skipped(ask: Ask) -> None:
    code, run, _ = ask("run", "count", "note=broken")
    assert (code, run["state"], run["reason"], run["advice"]) == (1, "failed", "The thing is broken.", "Mend it.")
    code, run, _ = ask("run", "count", "symbols=")
    assert (code, run["state"], run["reason"]) == (3, "skipped", "The list of symbols is empty.")


@pytest.mark.allow_warnings("is odd.")
@pytest.mark.parametrize("warnings", [1, 3])
def test_each_warning_of_a_run_is_told_once(home: Path, capsys: pytest.CaptureFixture[str], warnings: int) -> None:
    assert cli.main(["run", "count", f"note=odd {warnings}", "--home", str(home)], WIRING) == 0
    out, err = capsys.readouterr()
    for number in range(warnings):
        assert out.count(f"Count {number} is odd.") == 1
        assert f"  warning: Count {number} is odd." in out.splitlines()
        assert err.count(f"Count {number} is odd.") == 1
    assert "count: succeeded with warnings" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "cuont"), "Did you mean count?"),
        (("run", "count", "limit"), "not of the form name=value"),
        (("run", "count", "limit=0"), "greater than or equal to 1"),
        (("run", "count", "nothing=1"), "nothing"),
        (("run", "count", "weights={"), "not JSON"),
        (("run", "count", "note=a", "note=b"), "given twice"),
        (("run",), "TASK"),
        (("runs", "--state", "done"), "States: queued, running"),
        (("runs", "--task", "x"), "There is no task named 'x'"),
        (("runs", "--limit", "0"), "shows nothing"),
        (("runs", "--limit", "many"), "--limit"),
        (("settings", "get", "market.watchlist"), "market.watch_list"),
        (("settings", "set", "ui.theme", "pink"), "ui.theme"),
        (("tasks", "--set", "novalue"), "KEY=VALUE"),
        (("tasks", "--set", "no.such=1"), "no.such"),
        (("--headless", "tasks"), "do not go with tasks"),
        (("tasks", "--headless"), "--headless"),
        (("screenshot", "tasks", "x.png", "--size", "10"), "1280x800"),
        (("screenshot", "tasks", "no/such/folder/x.png"), "There is no folder"),
        (("dance",), "dance"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_to_do(ask: Ask, arguments: tuple[str, ...], said: str) -> None:
    code, document, err = ask(*arguments)
    assert code == 2
    assert said in f"{document['error']} {document['advice']}"
    assert said in err


def test_options_may_stand_before_and_after_the_command() -> None:
    arguments = ["--set", "a=1", "tasks", "--home", "h", "--set", "b=2=3", "--json", "--terminal", "simulated"]
    common, options = cli.parse(arguments)
    assert cli.overrides_of(common) == {"a": "1", "b": "2=3", "terminal.kind": "simulated"}
    assert (common.home, common.json, options.command) == ("h", True, "tasks")


def test_settings_are_read_changed_and_overridden(ask: Ask, home: Path) -> None:
    assert ask("settings", "get", "ui.theme")[:2] == (0, {"key": "ui.theme", "value": "system"})
    assert ask("settings", "set", "ui.theme", "dark")[:2] == (0, {"key": "ui.theme", "value": "dark"})
    assert ask("settings", "get", "ui.theme", "--set", "ui.theme=light")[1]["value"] == "light"
    assert 'theme = "dark"' in Paths(home).settings_file.read_text(encoding="utf-8")
    listed = {option["key"]: option for option in ask("settings")[1]}
    assert (listed["ui.theme"]["value"], listed["ui.theme"]["default"]) == ("dark", "system")


def test_tables_for_people_name_what_matters(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def text(*arguments: str) -> str:
        assert cli.main([*arguments, "--home", str(home)], WIRING) == 0
        return capsys.readouterr().out

    assert "count" in text("tasks")
    assert "No run matches." in text("runs")
    assert "count: succeeded after" in text("run", "count")
    assert "1 symbols counted." in text("runs")
    assert text("settings", "get", "market.timeframes") == "M5,H1\n"
    assert "ui.theme" in text("settings")


def test_the_owner_of_the_home_runs_the_task(ask: Ask, owner: Owner) -> None:
    code, run, _ = ask("run", "count")
    assert (code, run["state"]) == (0, "succeeded")
    assert owner.engine.history.get(run["run_id"]) is not None
    assert [row["run_id"] for row in ask("runs", "--task", "count", "--state", "succeeded")[1]] == [run["run_id"]]
    assert ask("tasks")[1][0]["last_run"]["run_id"] == run["run_id"]


def test_the_owner_takes_up_a_changed_setting(ask: Ask, owner: Owner) -> None:
    assert ask("settings", "set", "queues.maintenance", "3")[:2] == (0, {"key": "queues.maintenance", "value": 3})
    assert owner.engine.settings.current.queues.maintenance == 3
    assert ask("settings", "set", "queues.maintenance", "99")[0] == 2


@pytest.mark.usefixtures("owner")
def test_a_run_for_the_owner_refuses_settings_of_this_process(ask: Ask) -> None:
    code, document, _ = ask("run", "count", "--set", "ui.theme=dark")
    assert code == 1
    assert "have no effect" in document["error"]


def test_ctrl_c_asks_the_owner_to_stop_the_run(ask: Ask, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    assert owner.engine.registry.get("wait").id == "wait"

    STARTED.clear()

    def interrupt(self: cli_commands.Watch, event: dict[str, Any]) -> None:
        self.run_id = event["run_id"]
        assert STARTED.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_commands.Watch, "on_event", interrupt)
    code, run, _ = ask("run", "wait")
    assert (code, run["state"]) == (1, "cancelled")


def test_ctrl_c_in_a_run_of_this_process_cancels_it(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def interrupt(self: cli_commands.Watch, event: dict[str, Any]) -> None:
        self.run_id = event["run_id"]
        heard.append(event["state"])
        if len(heard) > 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(cli_commands.Watch, "on_event", interrupt)
    code, run, _ = ask("run", "wait")
    assert (code, run["state"]) == (1, "cancelled")


def test_a_second_window_raises_the_first(home: Path) -> None:
    raised = threading.Event()
    session = CommandSession.open(str(home), {}, registry, as_json=False)
    first = session.new_owner(raised.set)
    first.start(schedule=False)
    try:
        assert cli.main(["--home", str(home)], WIRING) == 0
        assert raised.is_set()
    finally:
        first.stop()


@pytest.mark.usefixtures("owner")
def test_a_window_beside_a_headless_owner_is_refused(ask: Ask) -> None:
    code, document, _ = ask()
    assert code == 1
    assert "without a window" in document["error"]


def test_the_window_starts_the_engine_when_it_wants_and_it_is_stopped_for_it(home: Path) -> None:
    seen: list[str] = []

    def window(start: cli_values.WindowStart) -> int:
        assert ipc.owner_file(start.session.paths.lock_file).exists() is False
        engine = start.start(lambda: seen.append("shown"), lambda: 0.0)
        seen.append(engine.paths.home.name)
        ipc.call(ipc.owner_file(engine.paths.lock_file), "show")
        return 5

    wiring = cli_values.Wiring(registry=registry, window=window, screenshot=no_window)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QT_QPA_PLATFORM", "offscreen")
        assert cli.main(["--home", str(home)], wiring) == 5
    assert seen == [home.name, "shown"]
    assert not ipc.owner_file(Paths(home).lock_file).exists()


@pytest.mark.parametrize("arguments", [(), ("--minimized",), ("--set", "ui.theme=dark")])
@pytest.mark.usefixtures("screen")
def test_settings_of_a_newer_version_are_told_by_the_window(home: Path, arguments: tuple[str, ...]) -> None:
    file = Paths(home).settings_file
    file.parent.mkdir(parents=True)
    newer = "schema_version = 99\n[ui]\ntheme = 'light'\n"
    file.write_text(newer, encoding="utf-8")
    seen: list[str] = []

    def window(start: cli_values.WindowStart) -> int:
        assert start.session.settings.current.market == Settings().market
        for _ in range(2):
            with pytest.raises(UserAction) as refusal:
                start.start(lambda: None, lambda: 0.0)
            assert str(file) in refusal.value.message
            assert "schema 99" in refusal.value.message
            assert "move the file away" in refusal.value.advice
            assert file.read_text(encoding="utf-8") == newer
        file.write_text(newer.replace("99", "1"), encoding="utf-8")
        seen.append(start.start(lambda: None, lambda: 0.0).settings.current.ui.theme)
        return 0

    wiring = cli_values.Wiring(registry=registry, window=window, screenshot=no_window)
    assert cli.main(["--home", str(home), *arguments], wiring) == 0
    assert seen == ["dark" if "--set" in arguments else "light"]


@pytest.mark.parametrize("arguments", [("--headless",), ("tasks",), ("run", "count")])
def test_settings_of_a_newer_version_stop_every_command(home: Path, ask: Ask, arguments: tuple[str, ...]) -> None:
    file = Paths(home).settings_file
    file.parent.mkdir(parents=True)
    file.write_text("schema_version = 99\n", encoding="utf-8")
    code, document, _ = ask(*arguments)
    assert code == 1
    assert "schema 99" in document["error"]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen, or what Qt takes for one."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        ({"symbols": "A, B ,"}, {"symbols": ["A", "B"]}),
        ({"symbols": '["A,B"]'}, {"symbols": ["A,B"]}),
        ({"limit": "none"}, {"limit": None}),
        ({"limit": "7"}, {"limit": "7"}),
        ({"weights": '{"a": 1}'}, {"weights": {"a": 1}}),
        ({"note": "a,b"}, {"note": "a,b"}),
        ({"unknown": "x"}, {"unknown": "x"}),
    ],
)
def test_texts_become_parameters(texts: dict[str, str], values: dict[str, Any]) -> None:
    assert params_from_texts(CountParams, texts) == values


def test_long_cells_are_cut_and_columns_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    cli_text.table(("A", "B"), [("x" * 100, "1"), ("y", "2")])
    lines = capsys.readouterr().out.splitlines()
    assert {line.index(end) for line, end in zip(lines, "B12", strict=True)} == {cli_text.MAX_CELL + 2}
    assert "…" in lines[1]


def test_feeds_are_listed_and_changed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def feeds(_paths: Paths, action: str, values: Sequence[str]) -> dict[str, Any]:
        if action == "add" and not values:
            raise UserAction("It needs an address.", advice="Give one.")
        row = {"title": "ECB", "enabled": True, "failures": 2, "problem": "It is gone.", "items": 3}
        rows = [row | {"address": "https://ecb.example/", "last_success": None}]
        return {"message": f"{action} {' '.join(values)}", "feeds": [] if action == "remove" else rows}

    wiring = cli_values.Wiring(registry=registry, window=no_window, screenshot=no_window, feeds=feeds)
    assert cli.main(["feeds", "--home", str(home)], wiring) == cli_values.OK
    shown = capsys.readouterr().out
    assert "https://ecb.example/" in shown
    assert "failing" in shown
    assert "It is gone." in shown
    assert cli.main(["feeds", "list", "--json", "--home", str(home)], wiring) == cli_values.OK
    assert json.loads(capsys.readouterr().out)[0]["title"] == "ECB"
    assert cli.main(["feeds", "add", "https://a.example/", "A", "feed", "--home", str(home)], wiring) == cli_values.OK
    assert capsys.readouterr().out == "add https://a.example/ A feed\n"
    assert cli.main(["feeds", "remove", "ECB", "--json", "--home", str(home)], wiring) == cli_values.OK
    assert json.loads(capsys.readouterr().out) == {"message": "remove ECB", "feeds": []}
    assert cli.main(["feeds", "add", "--json", "--home", str(home)], wiring) == cli_values.USAGE
    assert json.loads(capsys.readouterr().out)["error"] == "It needs an address."
    assert cli.main(["feeds", "shuffle", "--home", str(home)], wiring) == cli_values.USAGE
    assert cli.main(["feeds", "--home", str(home)], WIRING) == cli_values.USAGE


def test_an_empty_list_of_feeds_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    cli_text.feed_table([])
    assert capsys.readouterr().out == "The list holds no feed.\n"
