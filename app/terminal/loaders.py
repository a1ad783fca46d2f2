"""How a process gets its module: plain values that travel to a child by pickle.

Light on purpose: a child imports this and the module, nothing else of the application.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from app.clock import Clock
from app.errors import UserAction
from app.terminal.errors import TerminalUnavailable
from app.terminal.processes import terminal_running
from app.terminal.protocol import TerminalModule


class Loader(Protocol):
    """Gives the module in whichever process it is asked for. Frozen and picklable.

    Attributes:
        simulated: The market behind the module is made up.
        holds_gil: A call stops every thread of its process until it returns.
    """

    @property
    def simulated(self) -> bool: ...
    @property
    def holds_gil(self) -> bool: ...

    def look(self) -> None:
        """Raise when there is no point in connecting; costs milliseconds.

        Raises:
            TerminalUnavailable: No terminal runs.
        """

    def check_faults(self, faults: Mapping[str, Any]) -> None:
        """Refuse faults that the module does not have.

        Raises:
            AttributeError: There is one.
        """

    def load(self, clock: Clock) -> TerminalModule:
        """The module.

        Raises:
            UserAction: It cannot be had.
        """


@dataclass(frozen=True, slots=True)
class GenuineLoader:
    """The MetaTrader5 package.

    Attributes:
        program: The terminal's file; empty for whichever runs.
    """

    program: str = ""
    simulated: bool = field(default=False, init=False)
    holds_gil: bool = field(default=True, init=False)

    def look(self) -> None:
        if not terminal_running(self.program):
            which = f"The terminal {self.program}" if self.program else "MetaTrader 5"
            msg = f"{which} is not running."
            raise TerminalUnavailable(msg, advice="Start it and log in; Metronome connects by itself.")

    def check_faults(self, faults: Mapping[str, Any]) -> None:
        for name in faults:
            msg = f"The genuine terminal has no fault {name} to set"
            raise AttributeError(msg)

    def load(self, clock: Clock) -> TerminalModule:
        del clock  # the terminal has its own
        return load_genuine()


@dataclass(frozen=True, slots=True)
class SimulatedLoader:
    """The simulated terminal.

    Attributes:
        account: Values by the names of ``app.terminal.simulated.trading.AccountSettings``; the rest is usual.
        faults: Values by the names of ``app.terminal.simulated.Faults``, set as soon as it is made.
    """

    server_time: str = "auto"
    seed: int = 1
    replay: Mapping[str, Path] = field(default_factory=dict)
    replay_clock: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""
    rename: Mapping[str, str] = field(default_factory=dict)
    symbols: int = 0
    account: Mapping[str, Any] = field(default_factory=dict)
    faults: Mapping[str, Any] = field(default_factory=dict)
    simulated: bool = field(default=True, init=False)
    holds_gil: bool = field(default=False, init=False)

    def look(self) -> None:
        """It is always there."""

    def check_faults(self, faults: Mapping[str, Any]) -> None:
        from app.terminal.simulated import Faults

        known = Faults()
        for name in faults:
            getattr(known, name)

    def load(self, clock: Clock) -> TerminalModule:
        # Imported here: with the genuine terminal nobody needs it.
        from app.terminal.simulated import SimulatedTerminal
        from app.terminal.simulated.trading import AccountSettings

        terminal = SimulatedTerminal(
            clock,
            server_time=self.server_time,
            seed=self.seed,
            replay=self.replay,
            replay_clock=self.replay_clock,
            suffix=self.suffix,
            rename=self.rename,
            symbols=self.symbols,
            account=AccountSettings(seed=self.seed, **self.account),
        )
        set_faults(terminal, self.faults)
        return terminal


def set_faults(module: object, faults: Mapping[str, Any]) -> None:
    """Set switches of a simulated module by name; the genuine one has none.

    Raises:
        AttributeError: There is no such switch.
    """
    if faults:
        switches: Any = getattr(module, "faults")  # noqa: B009 - only the simulated module has it
        switches.set(faults)


def note_of(module: object) -> str:
    """What a simulated module says of its market; empty for the genuine one."""
    note = getattr(module, "note", None)
    return str(note()) if callable(note) else ""


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
