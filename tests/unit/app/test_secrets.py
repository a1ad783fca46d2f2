from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from app.errors import UserAction
from app.log import scrub
from app.secrets import MAX_LENGTH, Secrets


class Memory(KeyringBackend):
    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def _open(self) -> dict[tuple[str, str], str]:
        if self.locked:
            raise KeyringLocked("locked")
        return self.kept

    def get_password(self, service: str, username: str) -> str | None:
        return self._open().get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self._open().pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    monkeypatch.setattr("app.log_scrub._known", frozenset())
    before = keyring.get_keyring()
    memory = Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_kept_found_and_forgotten(backend: Memory) -> None:
    secrets = Secrets()
    assert secrets.get("terminal") is None
    secrets.set("terminal", "correct horse")
    assert backend.kept == {("metronome", "terminal"): "correct horse"}
    assert secrets.get("terminal") == "correct horse"
    assert secrets.delete("terminal") is True
    assert secrets.delete("terminal") is False
    assert secrets.get("terminal") is None


def test_a_secret_that_was_read_is_in_no_log(backend: Memory) -> None:
    backend.kept["metronome", "terminal"] = "correct horse"
    assert scrub("it said correct horse") == "it said correct horse"
    Secrets().get("terminal")
    assert scrub("it said correct horse") == "it said ***"


@pytest.mark.parametrize("value", ["", "x" * (MAX_LENGTH + 1)])
def test_what_no_keyring_takes_is_refused(backend: Memory, value: str) -> None:
    with pytest.raises(UserAction, match="characters"):
        Secrets().set("terminal", value)
    assert backend.kept == {}


def test_a_locked_keyring_is_told(backend: Memory) -> None:
    backend.locked = True
    for act in (lambda: Secrets().get("a"), lambda: Secrets().set("a", "abcdef"), lambda: Secrets().delete("a")):
        with pytest.raises(UserAction, match="locked") as caught:
            act()
        assert "Unlock" in caught.value.advice


def test_without_a_keyring_the_advice_says_what_to_install(backend: Memory) -> None:
    keyring.set_keyring(NoKeyring())
    with pytest.raises(UserAction, match="no keyring") as caught:
        Secrets().get("terminal")
    assert "gnome-keyring" in caught.value.advice
