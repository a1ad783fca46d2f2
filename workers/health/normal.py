"""Ran, but did it work? What each task usually does, learned from the history of its own runs.

Of every successful run the duration, the counts in its result and the number of files are compared with those of
earlier runs with the same parameters, in the same three hours of the day, with the market in the same state. While the
market of the watch list is closed (weekends, holidays) only durations are compared. The first run after the market
opened or closed, or after a pause, is not compared: it makes up for what went by. A change of the settings that say
what tasks do begins everything anew.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.errors import MetronomeError
from app.expectation import Ended
from app.history import RunFilter, RunHistory
from app.runs import RunState, compact_json, iso
from app.settings import Settings
from app.settings_store import SettingsStore
from app.storage import Storage
from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated.hours import FOREX, is_open
from workers.health.usual import Odd, Usual
from workers.market.hours import hours_of
from workers.wording import seconds as spoken

_log = logging.getLogger(__name__)

STATE_NAME: Final = "normal.json"
#: How many runs of the history a task begins with.
LOADED: Final = 1_000
#: Runs that follow each other closer than this are compared, and one of them is learned from.
SPACING_S: Final = 30.0
#: Shorter runs are never too long (``workers.health.usual``).
_SHORT_S: Final = 1.0
#: A pause of so many times the usual one: the run makes up for something.
_PAUSE: Final = 3.0
_PAUSE_S: Final = 900.0
#: Sets of parameters that are remembered of a task, and numbers of a result.
_MAX_PARAMS: Final = 30
_MAX_NUMBERS: Final = 40
_TOLD: Final = 3
_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TRIAL: Final = timedelta(days=1)
_CLOSED: Final = 0
_BLOCKS: Final = 8
_HOURS: Final = 3
_SLOT_S: Final = 300
_DURATION: Final = "duration"
_FILES: Final = "files written"
#: Numbers that count nothing.
_NAMES: Final = ("login", "ticket", "magic", "code", "port", "version", "_id", "digits", "year")
#: Settings that say what tasks do.
_GROUPS: Final = ("market", "terminal", "calendar", "news", "risk", "strategies", "tasks")


class Normal:
    """The expectation of one home.

    Thread: any; runs of one task come one after the other.
    """

    def __init__(self, history: RunHistory, settings: SettingsStore, storage: Storage) -> None:
        self._history = history
        self._settings = settings
        self._storage = storage
        self._lock = threading.Lock()
        self._tasks: dict[str, _Task] = {}
        self._next: dict[str, float] = {}
        self._seen: Settings | None = None
        self._mark = ""
        self._since = _ALWAYS
        self._market = _Market()

    def wants(self, task: str, now: float, seconds: float) -> bool:
        """Of short runs that count nothing, one in a while is enough: there is nothing to be said about them."""
        if seconds < _SHORT_S and now < self._next.get(task, now):
            return False
        self._next[task] = now + SPACING_S
        return True

    def judge(self, ended: Ended) -> str:
        """The sentence that says what is out of character; empty when nothing is, or the setting is off."""
        settings = self._settings.current
        if not settings.health.out_of_character:
            return ""
        if settings is not self._seen:
            self._follow(settings, ended.at)
        task = self._tasks.get(ended.task)
        if task is None:
            with self._lock:
                task = self._tasks.setdefault(ended.task, _Task())
        with task.lock:
            if not task.loaded:
                task.loaded = True
                self._load(task, ended)
            return told(task.judge(ended, self._market))

    def _follow(self, settings: Settings, now: datetime) -> None:
        """Begin anew when what tasks do was changed, also while no Metronome ran."""
        with self._lock:
            if settings is self._seen:
                return
            mark = mark_of(settings)
            self._market = _Market(settings.market.watch_list)
            if mark != self._mark:
                self._since = self._begun(mark, now)
                self._tasks = {}
            self._mark, self._seen = mark, settings

    def _begun(self, mark: str, now: datetime) -> datetime:
        """Since when the settings are these; remembered in ``data/normal.json``.

        Whoever goes back to the settings of before within a day has only tried something: what was known still holds.
        """
        path = self._storage.paths.data / STATE_NAME
        since, before = now, dict[str, Any]()
        try:
            known = self._storage.read_json(path)
            if known is None:
                since = _ALWAYS
            elif known["settings"] == mark:
                return _time(known["since"])
            else:
                past = known.get("before") or {}
                before = {"settings": known["settings"], "since": known["since"], "until": iso(now)}
                if past.get("settings") == mark and now - _time(past["until"]) < _TRIAL:
                    since = _time(past["since"])
        except (MetronomeError, ValueError, LookupError, TypeError, AttributeError) as error:
            _log.info("Since when the settings are as they are is not known: %s", error)
        try:
            self._storage.write_json(path, {"settings": mark, "since": iso(since), "before": before})
        except MetronomeError as error:
            _log.info("Since when the settings are as they are is not kept: %s", error)
        return since

    def _load(self, task: _Task, ended: Ended) -> None:
        wanted = RunFilter(
            task=ended.task,
            states=(RunState.SUCCEEDED, RunState.SUCCEEDED_WITH_WARNINGS),
            since=self._since,
        )
        for run in reversed(self._history.page(wanted, LOADED)):
            if run.finished_at is not None and run.duration_s is not None:
                past = Ended(run.task, run.params, run.result, run.duration_s, len(run.files), run.finished_at)
                task.judge(past, self._market)


class _Task:
    """What is known of one task, for each set of parameters."""

    __slots__ = ("_by_params", "loaded", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loaded = False
        self._by_params: OrderedDict[str, _Habit] = OrderedDict()

    def judge(self, ended: Ended, market: _Market) -> list[tuple[str, Odd]]:
        key = compact_json(ended.params) if ended.params else ""
        habit = self._by_params.get(key)
        if habit is None:
            habit = self._by_params[key] = _Habit()
            if len(self._by_params) > _MAX_PARAMS:
                self._by_params.popitem(last=False)
        elif len(self._by_params) > 1:
            self._by_params.move_to_end(key)
        return habit.judge(ended, market)


class _Habit:
    """What a task with one set of parameters usually does."""

    __slots__ = ("_last", "_learned", "_numbers", "_pause", "_state")

    def __init__(self) -> None:
        self._numbers: dict[str, Usual] = {_DURATION: Usual(duration=True), _FILES: Usual(duration=False)}
        self._last = 0.0
        self._learned = 0.0
        self._pause = 0.0
        self._state = -1

    def judge(self, ended: Ended, market: _Market) -> list[tuple[str, Odd]]:
        at = ended.at.timestamp()
        state = market.state(at)
        pause, self._last = at - self._last, at
        before, self._state = self._state, state
        learn = abs(at - self._learned) >= SPACING_S
        usual_pause = self._pause
        if learn:
            self._learned = at
            self._pause = pause if usual_pause == 0.0 else min(pause, usual_pause * 1.1)
        if state != before or pause > max(_PAUSE * usual_pause, _PAUSE_S):
            return []
        kind = _CLOSED if state == _CLOSED else state * _BLOCKS + int(at // 3600 % 24) // _HOURS
        week = int(at // 604_800)
        found = []
        for name, value in self._values(ended, counts=state != _CLOSED):
            number = self._numbers.get(name)
            if number is None:
                number = self._numbers[name] = Usual(duration=False)
            odd = number.judge(kind, value, week, learn=learn)
            if odd is not None:
                found.append((name, odd))
        return found

    def _values(self, ended: Ended, *, counts: bool) -> Iterator[tuple[str, float]]:
        yield _DURATION, ended.seconds
        if not counts:
            return
        yield _FILES, float(ended.files)
        for name, value in numbers_of(ended.result):
            if name in self._numbers or len(self._numbers) < _MAX_NUMBERS:
                yield name, value


class _Market:
    """Whether the markets of the watch list are open: none, some or all of those whose hours are known.

    Without any such symbol the hours of currencies count.
    """

    def __init__(self, watch_list: tuple[str, ...] = ()) -> None:
        known = {hours for symbol in watch_list if (hours := hours_of(symbol)) is not None}
        self._hours = tuple((hours, ServerTimeRule(hours.clock)) for hours in known or {FOREX})
        self._slot: tuple[int, int] = (-1, _CLOSED)

    def state(self, at: float) -> int:
        """0: all are closed, 1: some are open, 2: all are; looked at every five minutes."""
        slot = int(at // _SLOT_S)
        known, state = self._slot
        if slot != known:
            moment = datetime.fromtimestamp(slot * _SLOT_S, UTC)
            open_ones = sum(is_open(int(clock.to_server(moment)), hours) for hours, clock in self._hours)
            state = _CLOSED if open_ones == 0 else 2 if open_ones == len(self._hours) else 1
            self._slot = (slot, state)
        return state


def numbers_of(result: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The counts in a result: whole numbers from 0 on, and the lengths of lists."""
    for name, value in result.items():
        if isinstance(value, list | tuple):
            yield name, float(len(value))
        elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            if not any(part in name for part in _NAMES):
                yield name, float(value)


def told(found: list[tuple[str, Odd]]) -> str:
    """What is out of character as a sentence."""
    if not found:
        return ""
    parts = []
    for name, odd in found[:_TOLD]:
        if name == _DURATION:
            parts.append(f"it took {spoken(odd.value)}, usually {spoken(odd.usual)}")
        else:
            parts.append(f"{odd.value:,.0f} {name.replace('_', ' ')}, usually {odd.usual:,.0f}")
    rest = f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return f"It ran, but out of character: {'; '.join(parts)}{rest}."


def _time(text: object) -> datetime:
    """Raises ValueError when it is none."""
    return datetime.fromisoformat(str(text)).astimezone(UTC)


def mark_of(settings: Settings) -> str:
    """A short text that changes with the settings that say what tasks do."""
    chosen = {name: getattr(settings, name) for name in _GROUPS}
    plain = {
        name: {key: value.model_dump(mode="json") for key, value in item.items()}
        if isinstance(item, Mapping)
        else item.model_dump(mode="json")
        for name, item in chosen.items()
    }
    return hashlib.sha256(compact_json(plain).encode()).hexdigest()[:16]
