"""``terminal password`` and ``terminal forget``: the password of the terminal's account, kept by the keyring alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from getpass import getpass

from app.cli_session import CommandSession
from app.cli_text import write, write_json
from app.errors import UserAction
from app.secrets import Secrets
from app.terminal.setup import PASSWORD

_NO_LOGIN = "It is used once terminal.login names the account: python main.py settings set terminal.login 12345678"


def store_password(session: CommandSession, ask: Callable[[str], str] | None = None) -> int:
    """Ask for the password without showing it, and give it to the keyring.

    Args:
        ask: Asks without an echo; by default at the console.

    Raises:
        UserAction: there is no console to ask at, nothing was given, or the keyring refuses.
    """
    if ask is None:
        if not sys.stdin.isatty():
            raise UserAction(
                "There is no console to ask for the password at.", advice="Give this command in a terminal window."
            )
        ask = getpass
    try:
        given = ask("Password of the terminal's account (it is not shown): ")
    except EOFError:
        given = ""
    if not given:
        raise UserAction("No password was given, so nothing was changed.", advice="Give the command again.")
    Secrets().set(PASSWORD, given)
    told = "The keyring has the password; Metronome gives it to the terminal at the next connection."
    _tell(session, told, {"stored": True})
    return 0


def forget_password(session: CommandSession) -> int:
    """Take the password out of the keyring.

    Raises:
        UserAction: the keyring refuses.
    """
    was_there = Secrets().delete(PASSWORD)
    told = "The password is no longer in the keyring." if was_there else "The keyring had no password."
    _tell(session, told, {"forgotten": was_there})
    return 0


def _tell(session: CommandSession, text: str, document: dict[str, bool]) -> None:
    if session.as_json:
        write_json(document)
        return
    write(text)
    if document.get("stored") and session.settings.current.terminal.login is None:
        write(_NO_LOGIN)
