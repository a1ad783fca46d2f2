"""Hosts: where the module lives. The session asks a host and gets plain data back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from app.errors import UserAction
from app.terminal.errors import TerminalUnavailable
from app.terminal.processes import terminal_running
from app.terminal.protocol import TerminalModule


class Host(Protocol):
    """Owner of the module. Thread: every method is called from the session's thread only, but for ``simulated``."""

    @property
    def simulated(self) -> bool:
        """Whether the market behind it is made up."""

    def open(self) -> None:
        """Make the module ready for ``initialize``.

        Raises:
            TerminalUnavailable: No terminal runs, so that connecting would only cost time.
            UserAction: The module cannot be had at all.
        """

    def call(self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Call a function of the module; structs come back as dicts, arrays as they are."""

    def note(self) -> str:
        """What to tell the user about the market behind it; empty for a real one."""


class InProcessHost:
    """The module in this very process. A call that hangs in the genuine module stops the whole process meanwhile.

    Args:
        load: Gives the module; called once, on the session's thread.
        look: Called before each connect; raises when there is no point in trying.
        note: See ``Host.note``.
    """

    def __init__(
        self,
        load: Callable[[], TerminalModule],
        *,
        simulated: bool,
        look: Callable[[], None] | None = None,
        note: Callable[[], str] | None = None,
    ) -> None:
        self._load = load
        self._look = look
        self._note = note
        self._module: TerminalModule | None = None
        self.simulated = simulated

    def open(self) -> None:
        if self._look is not None:
            self._look()
        if self._module is None:
            self._module = self._load()

    def call(self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        if self._module is None:
            msg = f"The terminal call {name} came before the terminal was opened."
            raise TerminalUnavailable(msg, advice="Wait for the connection.")
        function = getattr(self._module, name)
        # Some functions of the genuine module refuse f(x, **{}): leave the mapping out when it is empty.
        return plain(function(*args, **kwargs) if kwargs else function(*args))

    def note(self) -> str:
        return self._note() if self._note is not None else ""


def plain(value: Any) -> Any:
    """Structs of the module as dicts, also inside tuples and structs; everything else unchanged."""
    if hasattr(value, "_asdict"):
        return {name: plain(item) if isinstance(item, tuple) else item for name, item in value._asdict().items()}
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    return value


def genuine_host(program: str) -> InProcessHost:
    """The genuine package in this process.

    Args:
        program: The terminal's file; empty for whichever runs.
    """

    def look() -> None:
        if not terminal_running(program):
            which = f"The terminal {program}" if program else "MetaTrader 5"
            msg = f"{which} is not running."
            raise TerminalUnavailable(msg, advice="Start it and log in; Metronome connects by itself.")

    return InProcessHost(load_genuine, simulated=False, look=look)


def load_genuine() -> TerminalModule:
    """Import the MetaTrader5 package.

    Raises:
        UserAction: The package is not there, as everywhere but on Windows.
    """
    import importlib

    try:
        module: Any = importlib.import_module("MetaTrader5")
    except ImportError as error:
        msg = f"The MetaTrader5 package cannot be loaded: {error}."
        advice = "It exists for 64-bit Windows only. Elsewhere set terminal.kind to simulated."
        raise UserAction(msg, advice=advice) from error
    genuine: TerminalModule = module
    return genuine
