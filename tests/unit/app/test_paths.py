from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import UserAction
from app.files import StorageError
from app.paths import PORTABLE_MARK, Paths, safe_name

ROOT = Path(__file__).resolve().parents[3]


def test_in_a_source_tree_the_tree_is_the_home() -> None:
    assert Paths.default().home == ROOT


@pytest.mark.skipif(sys.platform != "linux", reason="the per-user folder differs")
def test_an_installed_program_lives_per_user_and_a_portable_one_beside_itself(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(home / "metronome"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "share"))
    assert Paths.default().home == home / "share" / "metronome"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert Paths.default().home == Path.home() / ".local" / "share" / "metronome"
    (home / PORTABLE_MARK).touch()
    assert Paths.default().home == home.resolve()


def test_the_names_that_users_know(home: Path) -> None:
    paths = Paths(home)
    found = {
        "data/config/settings.toml": paths.settings_file,
        "data/config/strategies": paths.strategies,
        "data/config/profiles": paths.profiles,
        "data/config/feeds.opml": paths.feeds_file,
        "data/cache/market_data": paths.market_data,
        "data/trade_ideas": paths.trade_ideas,
        "data/evaluations": paths.evaluations,
        "data/health_checks": paths.health_checks,
        "data/bars": paths.bars,
        "data/backtests": paths.backtests,
        "data/metronome.db": paths.database,
        "logs/metronome.log": paths.log_file,
        "logs/archive": paths.archive,
    }
    assert {name: home / name for name in found} == found


def test_create_makes_every_folder_once_and_again(home: Path) -> None:
    paths = Paths(home / "new")
    paths.create()
    paths.create()
    for folder in (paths.strategies, paths.profiles, paths.market_data, paths.bars, paths.archive, paths.backtests):
        assert folder.is_dir()
    assert not paths.settings_file.exists()


def test_a_file_in_the_way_is_named(home: Path) -> None:
    (home / "data").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match="data"):
        Paths(home).create()


@pytest.mark.parametrize("path", ["../x", "data/../../x", "/etc/passwd"])
def test_a_path_out_of_the_home_is_refused(home: Path, path: str) -> None:
    with pytest.raises(UserAction, match="leads out"):
        Paths(home).inside(path)


def test_a_path_inside_is_made_absolute(home: Path) -> None:
    assert Paths(home).inside("data/../logs/a.csv") == home.resolve() / "logs" / "a.csv"
    assert Paths(home).inside(home / "data") == home.resolve() / "data"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_link_out_of_the_home_is_refused(home: Path) -> None:
    (home / "out").symlink_to(home.parent)
    with pytest.raises(UserAction, match="leads out"):
        Paths(home).inside("out/x")


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("EURUSD", "EURUSD"), ("EURUSD.a", "EURUSD.a"), ("US500/USD", "US500%2FUSD"), ("CON", "%43ON"), ("..", "%2E%2E")],
)
def test_safe_names(symbol: str, name: str) -> None:
    assert safe_name(symbol) == name


@given(st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=2, unique=True))
def test_different_symbols_have_different_names_that_stay_in_their_folder(symbols: list[str]) -> None:
    one, two = map(safe_name, symbols)
    assert one != two
    for name in (one, two):
        assert name not in ("", ".", "..")
        assert not set(name) & set('<>:"/\\|?*\0')
        assert not name.endswith((".", " "))


def test_a_folder_that_cannot_be_made_costs_only_those_who_write_to_it(home: Path) -> None:
    paths = Paths(home)
    (home / "data").mkdir()
    (home / "data" / "cache").write_text("a file in the way", encoding="utf-8")
    paths.create()
    assert paths.bars.is_dir()
    assert paths.logs.is_dir()
    assert not paths.market_data.is_dir()
