"""The password of the terminal's account: asked for without an echo, kept by the keyring, in no file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from app import cli_terminal
from app.cli_session import CommandSession
from app.errors import UserAction
from app.secrets import Secrets
from app.terminal.setup import PASSWORD
from workers import registry

TYPED = "correct horse 7731"


class Memory(KeyringBackend):
    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[Memory]:
    before, ours = keyring.get_keyring(), Memory()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


@pytest.fixture
def session(tmp_path: Path) -> CommandSession:
    return CommandSession.open(str(tmp_path / "home"), {}, registry, as_json=False)


def test_a_password_is_kept_by_the_keyring_alone(
    ring: Memory, session: CommandSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli_terminal.store_password(session, lambda _prompt: TYPED) == 0
    assert ring.kept == {("metronome", "terminal"): TYPED}
    assert Secrets().get(PASSWORD) == TYPED
    shown = capsys.readouterr()
    assert TYPED not in shown.out + shown.err
    assert "terminal.login" in shown.out
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and TYPED in file.read_text("utf-8", "replace")]
    assert cli_terminal.forget_password(session) == 0
    assert ring.kept == {}
    assert cli_terminal.forget_password(session) == 0
    assert "had no password" in capsys.readouterr().out


def test_nothing_given_changes_nothing(ring: Memory, session: CommandSession) -> None:
    def ended(_prompt: str) -> str:
        raise EOFError

    for ask in (lambda _prompt: "", ended):
        with pytest.raises(UserAction, match="nothing was changed"):
            cli_terminal.store_password(session, ask)
    assert ring.kept == {}


def test_without_a_console_nobody_is_asked(session: CommandSession) -> None:
    with pytest.raises(UserAction, match="no console"):
        cli_terminal.store_password(session)
