"""Builds the session that the settings ask for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from app.clock import Clock
from app.errors import UserAction
from app.secrets import Secrets
from app.terminal.bars_csv import read_bars, read_span
from app.terminal.child_host import ChildHost
from app.terminal.connection import CONNECT_LIMIT_S
from app.terminal.fault_options import FaultOptions, switches
from app.terminal.host import Host, InProcessHost
from app.terminal.loaders import GenuineLoader, Loader, SimulatedLoader
from app.terminal.outages import OutageLog
from app.terminal.server_time import ServerTimeRule
from app.terminal.session import Session, SessionOptions

log = logging.getLogger(__name__)

#: The name under which the keyring holds the password of the terminal's account.
PASSWORD: Final = "terminal"  # noqa: S105 - a name, not a secret
_SETTLE_S: Final = 2.0
_ACCOUNT: Final = (
    "currency", "balance", "leverage", "credit", "commission", "margin_call", "stop_out", "limit_orders", "liquidity",
    "netting", "demo_history",
)  # fmt: skip
_NOON_H = 12
_WEDNESDAY = 2
_LEFT_OVER = timedelta(days=1)
# A file of this size has some 15,000 bars and is read within a twentieth of a second.
_SMALL_BYTES = 1_000_000


class AccountOptions(Protocol):
    """The settings of the simulated account."""

    @property
    def currency(self) -> str: ...
    @property
    def balance(self) -> float: ...
    @property
    def leverage(self) -> int: ...
    @property
    def credit(self) -> float: ...
    @property
    def commission(self) -> float: ...
    @property
    def margin_call(self) -> float: ...
    @property
    def stop_out(self) -> float: ...
    @property
    def limit_orders(self) -> int: ...
    @property
    def liquidity(self) -> float: ...
    @property
    def netting(self) -> bool: ...
    @property
    def demo_history(self) -> bool: ...


class SimulatedOptions(Protocol):
    """The settings of the simulated terminal."""

    @property
    def seed(self) -> int: ...
    @property
    def now(self) -> datetime | None: ...
    @property
    def replay(self) -> Mapping[str, str]: ...
    @property
    def replay_clock(self) -> Mapping[str, str]: ...
    @property
    def suffix(self) -> str: ...
    @property
    def rename(self) -> Mapping[str, str]: ...
    @property
    def symbols(self) -> int: ...
    @property
    def account(self) -> AccountOptions: ...
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


def build_session(settings: TerminalOptions, clock: Clock, outages: OutageLog | None = None) -> Session:
    """The session for these settings, not yet started. Costs no time: the module is loaded when it connects.

    Raises:
        UserAction: A setting cannot be met, such as a server time that is no rule.
    """
    session = Session(build_host(settings, clock), session_options(settings), clock, outages)
    if settings.kind == "simulated":
        session.made_up = settings.simulated
    return session


def build_host(settings: TerminalOptions, clock: Clock) -> Host:
    """The host for these settings; the module is loaded when the session connects."""
    loader = _loader(settings)
    return ChildHost(loader, clock) if settings.host == "child" else InProcessHost.of(loader, clock)


def session_options(settings: TerminalOptions) -> SessionOptions:
    """What these settings mean for the session."""
    simulated = settings.kind == "simulated"
    return SessionOptions(
        path="" if simulated else settings.path,
        login=settings.login,
        server=settings.server,
        call_timeout_s=settings.call_timeout_s,
        connect_limit_s=settings.call_timeout_s if simulated else CONNECT_LIMIT_S,
        settle_s=0.0 if simulated else _SETTLE_S,
        server_time=settings.server_time,
        password=_no_password if simulated else _password,
    )


def _no_password() -> str | None:
    """The simulated terminal asks for none."""
    return None


def _password() -> str | None:
    """The password of the terminal's account, if the keyring has one; without, the terminal's own login is used."""
    try:
        return Secrets().get(PASSWORD)
    except UserAction as error:
        log.info("the keyring gave no password for the terminal: %s", error.message)
        return None


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
    spans = [_span(Path(file), settings, name) for name, file in simulated.replay.items()]
    first, last = max(span[0] for span in spans), min(span[1] for span in spans)
    latest = last - _LEFT_OVER
    noon = latest.replace(hour=_NOON_H, minute=0, second=0, microsecond=0)
    noon -= timedelta(days=(noon.weekday() - _WEDNESDAY) % 7)
    if noon > latest:
        noon -= timedelta(days=7)
    return max(noon, first)


def _span(path: Path, settings: TerminalOptions, symbol: str) -> tuple[datetime, datetime]:
    """The first and the last bar of a file in UTC.

    The clock of a file shows in the whole of it only. A large one is taken to be on the server's, which moves its ends
    by some hours at most: that far from them no rehearsal begins.
    """
    server, given = ServerTimeRule(settings.server_time), settings.simulated.replay_clock.get(symbol, "")
    if given or not path.is_file() or path.stat().st_size > _SMALL_BYTES:
        rule, ends = ServerTimeRule(given) if given else server, read_span(path)
    else:
        from app.terminal.simulated.replay import file_clock

        file = read_bars(path, leave_out=True)
        rule, ends = file_clock(file, server)[0], (int(file.rates["time"][0]), int(file.rates["time"][-1]))
    first, last = (rule.to_utc(moment) for moment in ends)
    return first, last


def _loader(settings: TerminalOptions) -> Loader:
    if settings.kind != "simulated":
        return GenuineLoader(settings.path)
    simulated = settings.simulated
    return SimulatedLoader(
        server_time=settings.server_time,
        seed=simulated.seed,
        replay={name: Path(file) for name, file in simulated.replay.items()},
        replay_clock=dict(simulated.replay_clock),
        suffix=simulated.suffix,
        rename=dict(simulated.rename),
        symbols=simulated.symbols,
        account={name: getattr(simulated.account, name) for name in _ACCOUNT},
        faults=switches(simulated.faults),
    )
