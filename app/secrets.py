"""Passwords and tokens: kept by the operating system's keyring, never in files or logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.errors import UserAction
from app.log_scrub import hide

SERVICE: Final = "metronome"

#: Windows stores no more (its limit counts bytes of UTF-16).
MAX_LENGTH: Final = 1000


class Secrets:
    """Secrets by name, for example ``terminal`` or ``provider.finnhub``.

    Thread: any, but never the window's: a keyring may ask the user to unlock it and wait for the answer.
    """

    def __init__(self, service: str = SERVICE) -> None:
        self._service = service

    def get(self, name: str) -> str | None:
        """The secret; None when there is none of that name. From now on no log line shows it.

        Raises:
            UserAction: the keyring is missing, locked or refuses.
        """
        import keyring

        with _asking("read", name):
            value = keyring.get_password(self._service, name)
        if value is not None:
            hide(value)
        return value

    def set(self, name: str, value: str) -> None:
        """Keep a secret under that name, in place of an older one.

        Raises:
            UserAction: it is empty or too long, or the keyring is missing, locked or refuses.
        """
        if not value or len(value) > MAX_LENGTH:
            raise UserAction(
                f"The secret {name} has {len(value)} characters.", advice=f"Give 1 to {MAX_LENGTH} characters."
            )
        import keyring

        hide(value)
        with _asking("kept", name):
            keyring.set_password(self._service, name, value)

    def delete(self, name: str) -> bool:
        """Forget a secret. Returns whether there was one.

        Raises:
            UserAction: the keyring is missing, locked or refuses.
        """
        import keyring

        with _asking("deleted", name):
            if keyring.get_password(self._service, name) is None:
                return False
            keyring.delete_password(self._service, name)
        return True


@contextmanager
def _asking(doing: str, name: str) -> Iterator[None]:
    """Turn the errors of the keyring into advice."""
    from keyring.errors import KeyringError, KeyringLocked, NoKeyringError

    try:
        yield
    except NoKeyringError as error:
        raise UserAction(
            f"The secret {name} cannot be {doing}: this computer has no keyring.",
            advice="Install one (on Linux gnome-keyring or KWallet) and log in to a desktop session.",
        ) from error
    except KeyringLocked as error:
        raise UserAction(
            f"The secret {name} cannot be {doing}: the keyring is locked.", advice="Unlock it and try again."
        ) from error
    except (KeyringError, OSError) as error:
        raise UserAction(
            f"The secret {name} cannot be {doing}: the keyring refused ({type(error).__name__}).",
            advice="Check that Metronome may use the keyring.",
        ) from error
