"""Builds the session that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from app.clock import Clock
from app.errors import UserAction
from app.terminal.bars_csv import read_span
from app.terminal.fault_options import FaultOptions, switches
from app.terminal.host import Host, InProcessHost, genuine_host
from app.terminal.server_time import ServerTimeRule
from app.terminal.session import Session, SessionOptions

_NOON_H = 12
_WEDNESDAY = 2
_LEFT_OVER = timedelta(days=1)


class SimulatedOptions(Protocol):
    """The settings of the simulated terminal."""

    @property
    def seed(self) -> int: ...
    @property
    def now(self) -> datetime | None: ...
    @property
    def replay(self) -> Mapping[str, str]: ...
    @property
    def suffix(self) -> str: ...
    @property
    def rename(self) -> Mapping[str, str]: ...
    @property
    def symbols(self) -> int: ...
    @property
    def faults(self) -> FaultOptions: ...


class TerminalOptions(Protocol):
    """The settings of the group ``terminal``."""

    @property
    def kind(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def login(self) -> int | None: ...
    @property
    def server(self) -> str: ...
    @property
    def call_timeout_s(self) -> float: ...
    @property
    def server_time(self) -> str: ...
    @property
    def simulated(self) -> SimulatedOptions: ...


def build_session(settings: TerminalOptions, clock: Clock) -> Session:
    """The session for these settings, not yet started. Costs no time: the module is loaded when it connects.

    Raises:
        UserAction: A setting cannot be met, such as a server time that is no rule.
    """
    if settings.host != "in_process":
        msg = f"The terminal host {settings.host!r} is not available in this version."
        raise UserAction(msg, advice="Set terminal.host to in_process.")
    options = SessionOptions(
        path=settings.path if settings.kind != "simulated" else "",
        login=settings.login,
        server=settings.server,
        call_timeout_s=settings.call_timeout_s,
        server_time=settings.server_time,
    )
    return Session(_host(settings, clock), options, clock)


def rehearsal_start(settings: TerminalOptions) -> datetime | None:
    """The instant at which the simulated market begins; None for the present.

    Without a time in the settings, a replay begins on the last Wednesday, 12:00 UTC, that leaves at least a day of
    bars before the end of the shortest file; or with its first bar, when it holds no such day.

    Raises:
        BadBarsFile: A file to replay cannot be used.
    """
    simulated = settings.simulated
    if simulated.now is not None:
        return simulated.now.astimezone(UTC)
    if not simulated.replay:
        return None
    rule = ServerTimeRule(settings.server_time)
    spans = [read_span(Path(file)) for file in simulated.replay.values()]
    first, last = (rule.to_utc(moment) for moment in (max(s[0] for s in spans), min(s[1] for s in spans)))
    latest = last - _LEFT_OVER
    noon = latest.replace(hour=_NOON_H, minute=0, second=0, microsecond=0)
    noon -= timedelta(days=(noon.weekday() - _WEDNESDAY) % 7)
    if noon > latest:
        noon -= timedelta(days=7)
    return max(noon, first)


def _host(settings: TerminalOptions, clock: Clock) -> Host:
    if settings.kind != "simulated":
        return genuine_host(settings.path)
    simulated = settings.simulated
    # Imported here: with the genuine terminal nobody needs it.
    from app.terminal.simulated import SimulatedTerminal

    terminal = SimulatedTerminal(
        clock,
        server_time=settings.server_time,
        seed=simulated.seed,
        replay={name: Path(file) for name, file in simulated.replay.items()},
        suffix=simulated.suffix,
        rename=simulated.rename,
        symbols=simulated.symbols,
    )
    terminal.faults.set(switches(simulated.faults))
    load: Callable[[], SimulatedTerminal] = lambda: terminal  # noqa: E731
    return InProcessHost(load, simulated=True, note=terminal.note)
