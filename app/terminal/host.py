"""Hosts: where the module lives. The session asks a host and gets plain data back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from app.clock import Clock
from app.terminal.errors import TerminalUnavailable
from app.terminal.loaders import Loader, note_of, set_faults
from app.terminal.protocol import TerminalModule
from app.terminal.structs import plain

#: What ``last_error()`` says before the first call.
NO_ERROR = (0, "")


class Host(Protocol):
    """Owner of the module. Thread: the session's only, but for the properties, ``set_faults`` and ``abort``.

    Attributes:
        kind: The name in the settings: ``in_process`` or ``child``.
        simulated: The market behind it is made up.
        holds_window: A call that takes long stops this whole process meanwhile.
        last_error: Code and text of the last call that gave None or False, read right after it on its thread.
    """

    @property
    def kind(self) -> str: ...
    @property
    def simulated(self) -> bool: ...
    @property
    def holds_window(self) -> bool: ...
    @property
    def last_error(self) -> tuple[int, str]: ...

    def open(self) -> None:
        """Make the module ready for ``initialize``.

        Raises:
            TerminalUnavailable: No terminal runs, so that connecting would only cost time.
            UserAction: The module cannot be had at all.
        """

    def call(
        self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, limit_s: float = 60.0
    ) -> Any:
        """Call a function of the module; structs come back as dicts (many as ``Structs``), arrays as they are.

        Args:
            limit_s: A host that can end a call that hangs does so after this long.

        Raises:
            TerminalUnavailable: The host is not open.
            HostHung: The call did not return within its limit; the process that made it has been ended.
            HostDied: That process ended by itself.
            Exception: Whatever the function raised.
        """

    def note(self) -> str:
        """What to tell the user about the market behind it; empty for a real one."""

    def set_faults(self, faults: Mapping[str, Any]) -> None:
        """From any thread: set faults of the simulated terminal for the next call, and in each later process.

        Raises:
            AttributeError: There is no such fault, or the terminal is the genuine one.
        """

    def close(self) -> None:
        """Give the module up: a child ends. ``open`` begins anew."""

    def abort(self) -> None:
        """From any thread: end a call that hangs, if this host can."""


class InProcessHost:
    """The module in this very process. A call that hangs in the genuine module stops the whole process meanwhile.

    Args:
        load: Gives the module; called once, on the session's thread.
        look: Called before each connect; raises when there is no point in trying.
        holds_window: The module holds the interpreter lock while it waits; by default if it is not simulated.
        check_faults: Raises AttributeError for faults that the module does not have.
    """

    kind = "in_process"

    def __init__(
        self,
        load: Callable[[], TerminalModule],
        *,
        simulated: bool,
        look: Callable[[], None] | None = None,
        holds_window: bool | None = None,
        check_faults: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self._load = load
        self._look = look
        self._check_faults = check_faults
        self._module: TerminalModule | None = None
        self._faults: dict[str, Any] = {}
        self.simulated = simulated
        self.holds_window = not simulated if holds_window is None else holds_window
        self.last_error = NO_ERROR

    @classmethod
    def of(cls, loader: Loader, clock: Clock) -> InProcessHost:
        """The host for what ``loader`` gives."""
        return cls(
            lambda: loader.load(clock),
            simulated=loader.simulated,
            look=loader.look,
            holds_window=loader.holds_gil,
            check_faults=loader.check_faults,
        )

    def open(self) -> None:
        if self._look is not None:
            self._look()
        if self._module is None:
            module = self._load()
            set_faults(module, self._faults)
            self._module = module

    def call(
        self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, limit_s: float = 60.0
    ) -> Any:
        del limit_s  # nobody can end a call in the process that makes it
        if self._module is None:
            raise not_open(name)
        answer, error = ask(self._module, name, args, kwargs)
        if error is not None:
            self.last_error = error
        return answer

    def note(self) -> str:
        return note_of(self._module) if self._module is not None else ""

    def set_faults(self, faults: Mapping[str, Any]) -> None:
        if self._check_faults is not None:
            self._check_faults(faults)
        self._faults |= faults
        if self._module is not None:
            set_faults(self._module, faults)

    def close(self) -> None:
        """Nothing: the module stays loaded, as no process can unload it."""

    def abort(self) -> None:
        """Nothing: nobody can end a call in the process that makes it."""


def ask(
    module: TerminalModule, name: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None
) -> tuple[Any, tuple[int, str] | None]:
    """Call a function of the module: its answer as plain data, and ``last_error()`` when the answer is a failure.

    ``last_error()`` is asked before anything else can overwrite it. Raises whatever the function raises.
    """
    function = getattr(module, name)
    # Some functions of the genuine module refuse f(x, **{}): leave the mapping out when it is empty.
    answer = function(*args, **kwargs) if kwargs else function(*args)
    if answer is None or answer is False:
        return answer, module.last_error()
    return plain(answer), None


def not_open(name: str) -> TerminalUnavailable:
    """The error for a call that came before ``open``."""
    return TerminalUnavailable(
        f"The terminal call {name} came while the terminal was not open.", advice="Wait for the connection."
    )
