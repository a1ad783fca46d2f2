"""The settings as a typed, described and bounded tree; every default is a working one.

Each value carries its title, description, unit and bounds, so that the settings page, the docs and the command
``settings`` are made from this file alone. The tree is frozen: a change is a new tree, so it may cross threads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

#: The schema of settings.toml that this version writes.
SCHEMA_VERSION: Final = 1

_DATE_AND_TIME: Final = re.compile(r"\s*\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}")

DEFAULT_WATCH_LIST: Final = ("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD", "USDCAD", "EURJPY", "XAUUSD")

Timeframe = Literal[
    "M1", "M2", "M3", "M4", "M5", "M6", "M10", "M12", "M15", "M20", "M30",
    "H1", "H2", "H3", "H4", "H6", "H8", "H12", "D1", "W1", "MN1",
]  # fmt: skip
TerminalKind = Literal["simulated", "metatrader5"]
HostKind = Literal["in_process", "child"]
AccountCurrency = Literal["USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD"]
AccountKind = Literal["demo", "contest", "real"]
CatchUpName = Literal["skip", "run_once", "latest_only"]
LevelName = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
ThemeName = Literal["system", "light", "dark"]


def _listed(value: object) -> object:
    """A list given as text ("EURUSD, XAUUSD") or as a list, in order and without repetitions."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)):
        return value
    parts = (item.strip() if isinstance(item, str) else item for item in value)
    return tuple(dict.fromkeys(part for part in parts if part != ""))


def _stripped_upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _known_zone(value: object) -> object:
    """A time zone by its IANA name; empty means none.

    Raises:
        ValueError: no zone has that name.
    """
    if not isinstance(value, str) or not value:
        return value or None
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        msg = "should be the name of a time zone such as Europe/London or UTC"
        raise ValueError(msg) from None
    return value


def _known_schedule(value: object) -> object:
    """A schedule that the timetable understands; empty means none.

    Raises:
        ValueError: it means nothing.
    """
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    # Imported here: most homes hold no schedule of their own.
    from app.schedule import Schedule, ScheduleError

    try:
        return Schedule.parse(value).text
    except ScheduleError as error:
        msg = f"should be a schedule: {error}".rstrip(".")
        raise ValueError(msg) from None


def _written_time(value: object) -> object:
    """A time as people write it; a bare number is no count of seconds here.

    Raises:
        ValueError: it is neither a time nor text that begins with a date and a time.
    """
    if value is None or isinstance(value, datetime) or (isinstance(value, str) and _DATE_AND_TIME.match(value)):
        return value
    msg = "should be a time with its zone, such as 2025-06-03T12:00:00Z"
    raise ValueError(msg)


def _layout(value: object) -> object:
    """The number of a layout.

    Raises:
        ValueError: it is no whole number from 1.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        msg = "should be a whole number from 1"
        raise ValueError(msg)
    return value


def _error_code(value: int) -> int:
    """A code of last_error() for a call that failed; 0 means none.

    Raises:
        ValueError: no call fails with that code.
    """
    if value in (0, *range(-8, 0), *range(-10005, -9999)):
        return value
    msg = "should be 0 or a code of last_error(): -1 to -8, or -10000 to -10005"
    raise ValueError(msg)


_ErrorCode = Annotated[int, AfterValidator(_error_code)]
_Time = Annotated[AwareDatetime | None, BeforeValidator(_written_time)]
_Layout = Annotated[int, BeforeValidator(_layout)]
_Schedule = Annotated[str | None, BeforeValidator(_known_schedule)]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
_Level = Annotated[LevelName, BeforeValidator(_stripped_upper)]
_Zone = Annotated[str | None, BeforeValidator(_known_zone)]
_Symbols = Annotated[tuple[_Name, ...], BeforeValidator(_listed)]
_Sources = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True)], ...],
    BeforeValidator(_listed),
]
_Timeframes = Annotated[tuple[Timeframe, ...], BeforeValidator(_listed)]


def setting(
    default: object,
    title: str,
    description: str,
    *,
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    restart: bool = False,
) -> Any:
    """Describe one value of the tree.

    Args:
        default: A working default.
        title: What a form calls it.
        description: One sentence on what it does.
        unit: Unit of the value, for example ``s`` or ``MB``.
        ge, le: Bounds, inclusive.
        restart: Whether a change takes effect at the next start only.
    """
    return Field(
        default,
        title=title,
        description=description,
        ge=ge,
        le=le,
        json_schema_extra={"unit": unit, "restart": restart},
    )


def group(model: type[BaseModel], title: str) -> Any:
    """A branch of the tree with all its defaults."""
    return Field(default_factory=model, title=title)


class SettingsGroup(BaseModel):
    """Base of every branch: frozen, unknown names refused (the store reports them), no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_as_number(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[info.field_name or ""]
        kinds, checked = _kinds(field.annotation), any(isinstance(check, BeforeValidator) for check in field.metadata)
        if isinstance(value, bool) and bool not in kinds and kinds & {int, float} and not checked:
            raise ValueError("needs a number, not true or false")
        return value


def _kinds(annotation: object) -> set[object]:
    return {annotation, *get_args(annotation)}


class MarketSettings(SettingsGroup):
    """What is watched and collected."""

    watch_list: _Symbols = setting(
        DEFAULT_WATCH_LIST,
        "Watch list",
        "Symbols to collect and evaluate, separated by commas, as your broker names them (EURUSD, EURUSD.m).",
    )
    timeframes: _Timeframes = setting(
        ("M5", "H1"), "Timeframes", "Timeframes whose closed bars are appended to the bar history."
    )
    history_bars: int = setting(
        2000,
        "First collection",
        "Closed bars to fetch when a symbol has no bar history yet.",
        unit="bars",
        ge=10,
        le=100_000,
    )
    max_tick_age_s: float = setting(
        300.0,
        "Oldest quote",
        "A quote older than this while the market is open is reported as stale.",
        unit="s",
        ge=1,
        le=86_400,
    )


class SimulatedFaultSettings(SettingsGroup):
    """Trouble of the simulated terminal, for rehearsals; all off. Changes take effect at once."""

    not_running: bool = setting(False, "Not running", "The terminal is closed: nothing can be connected to.")
    offline: bool = setting(
        False, "Offline", "The terminal has lost its trade server: prices stand still and nothing can be traded."
    )
    hang_s: float = setting(
        0.0, "Hang", "Every call takes this long, or until this is 0 again.", unit="s", ge=0, le=3600
    )
    slow_s: float = setting(0.0, "Slow", "Every call takes this much longer.", unit="s", ge=0, le=60)
    error_code: _ErrorCode = setting(
        0, "Error code", "Every call fails with this code of last_error(), such as -10005; 0: none."
    )
    stale_s: float = setting(
        0.0, "Stale quotes", "The market stands still since so many seconds.", unit="s", ge=0, le=604_800
    )
    zero_prices: bool = setting(False, "Zero prices", "Quotes have no prices, as before the first tick of a session.")
    missing: _Symbols = setting(
        (), "Missing symbols", "Symbols that the server does not offer, separated by commas, with their suffix."
    )
    late_history: bool = setting(
        False, "Late history", "The first request for bars of a symbol and timeframe gives none, the second too few."
    )
    login: int | None = setting(
        None, "Wrong account", "Another account that is logged in; empty: the usual one.", ge=1, le=2**63 - 1
    )
    account_kind: AccountKind = setting("demo", "Account kind", "What kind of account is logged in.")
    auto_trading_off: bool = setting(
        False, "AutoTrading off", "The AutoTrading button is off: orders are refused with retcode 10027."
    )
    api_trading_off: bool = setting(
        False, "API trading off", "The terminal's option against trading through the API is on: orders fail with -8."
    )


class SimulatedAccountSettings(SettingsGroup):
    """The account of the simulated terminal."""

    currency: AccountCurrency = setting("USD", "Currency", "In which the account is kept.", restart=True)
    balance: float = setting(
        10_000.0, "Deposit", "What the account begins with, in its currency.", ge=0, le=1e12, restart=True
    )
    leverage: int = setting(100, "Leverage", "100 means 1:100.", ge=1, le=10_000, restart=True)
    credit: float = setting(
        0.0, "Credit", "Lent by the broker: part of the equity, not of the balance.", ge=0, le=1e12, restart=True
    )
    commission: float = setting(3.0, "Commission", "For a lot and side, in US dollars.", ge=0, le=1e6, restart=True)
    margin_call: float = setting(
        100.0,
        "Margin call",
        "Margin level that the account shows as the warning.",
        unit="%",
        ge=0,
        le=1e4,
        restart=True,
    )
    stop_out: float = setting(
        50.0, "Stop-out", "At this margin level the largest loss is closed.", unit="%", ge=0, le=1e4, restart=True
    )
    limit_orders: int = setting(
        200, "Pending orders", "The most at a time; 0: no limit.", ge=0, le=100_000, restart=True
    )
    liquidity: float = setting(
        0.0,
        "Liquidity",
        "The most lots that are filled at one price, the rest by the filling mode of the order; 0: no limit.",
        unit="lots",
        ge=0,
        le=1e6,
        restart=True,
    )
    netting: bool = setting(
        False, "Netting", "One position a symbol; off: each order opens one of its own (hedging).", restart=True
    )
    demo_history: bool = setting(
        False,
        "Invented past",
        "Begin with closed trades of the last weeks, invented and marked as simulated.",
        restart=True,
    )


class SimulatedSettings(SettingsGroup):
    """The simulated terminal."""

    seed: int = setting(1, "Seed", "The same seed gives the same generated market.", ge=0, le=2**31 - 1, restart=True)
    now: _Time = setting(
        None,
        "Time",
        "The instant at which the simulated market begins, with its zone (2025-06-03T12:00:00Z); empty: the present.",
        restart=True,
    )
    replay: Mapping[_Name, str] = Field(
        default_factory=dict,
        title="Replay",
        description="Bar files to replay, by symbol; symbols without one are generated.",
        json_schema_extra={"unit": "file", "restart": True, "entry": "symbol"},
    )
    replay_clock: Mapping[_Name, str] = Field(
        default_factory=dict,
        title="Clock of a replay",
        description="The clock of a replayed file's times, by symbol (UTC, GMT+2/+3 New York); else the file tells it.",
        json_schema_extra={"unit": "", "restart": True, "entry": "symbol"},
    )
    suffix: str = setting(
        "", "Suffix", "Appended to every symbol name, as some brokers do (EURUSD becomes EURUSD.a).", restart=True
    )
    rename: Mapping[_Name, _Name] = Field(
        default_factory=dict,
        title="Other names",
        description="What the broker calls a symbol: GOLD for XAUUSD; the suffix comes after it.",
        json_schema_extra={"unit": "", "restart": True, "entry": "symbol"},
    )
    symbols: int = setting(
        0,
        "Symbols",
        "Fill the server's list with invented shares until it has so many symbols.",
        unit="symbols",
        ge=0,
        le=20_000,
        restart=True,
    )
    account: SimulatedAccountSettings = group(SimulatedAccountSettings, "Account")
    faults: SimulatedFaultSettings = group(SimulatedFaultSettings, "Faults")


class TerminalSettings(SettingsGroup):
    """The MetaTrader 5 terminal. The password is kept in the keyring, never here."""

    kind: TerminalKind = setting(
        "simulated", "Terminal", "Which terminal to work with: the simulated one or MetaTrader 5.", restart=True
    )
    host: HostKind = setting(
        "in_process",
        "Host",
        "Where the terminal module lives: in this process, or in a child that can be ended when it hangs.",
    )
    path: str = setting("", "Program", "File of the terminal program (terminal64.exe); empty: the one that runs.")
    login: int | None = setting(
        None,
        "Login",
        "Account number that the session must hold; empty: whichever is logged in.",
        ge=1,
        le=2**63 - 1,
    )
    server: str = setting("", "Server", "Trade server that the session must hold; empty: any.")
    call_timeout_s: float = setting(
        10.0, "Call limit", "Longest wait for one answer of the terminal.", unit="s", ge=0.1, le=120
    )
    server_time: str = setting(
        "auto",
        "Server time",
        "The clock of the trade server: auto infers it from quotes; otherwise the name of a rule or zone.",
        restart=True,
    )
    simulated: SimulatedSettings = group(SimulatedSettings, "Simulated terminal")


class QueueSettings(SettingsGroup):
    """How many tasks of each queue run at the same time."""

    ai_evaluation: int = setting(
        2, "Evaluation", "Evaluations and backtests at the same time.", unit="tasks", ge=1, le=16
    )
    data_collection: int = setting(3, "Collection", "Collections at the same time.", unit="tasks", ge=1, le=16)
    maintenance: int = setting(1, "Maintenance", "Maintenance tasks at the same time.", unit="tasks", ge=1, le=16)
    monitoring: int = setting(1, "Monitoring", "Health checks at the same time.", unit="tasks", ge=1, le=16)


class TaskSettings(SettingsGroup):
    """What the user changed about one task; None: as the task defines it."""

    enabled: bool | None = setting(None, "Enabled", "Whether the timetable starts the task.")
    schedule: _Schedule = setting(
        None, "Schedule", "When it runs: */5 * * * * or every 30 s, daily 02:00, weekly sun 05:00, manual."
    )
    timezone: _Zone = setting(None, "Time zone", "Zone in which its schedule is read, by IANA name; UTC otherwise.")
    catch_up: CatchUpName | None = setting(
        None, "Catch up", "What to do at start-up and after sleep about missed runs."
    )
    soft_limit_s: float | None = setting(
        None, "Soft limit", "After this long a run is asked to stop.", unit="s", ge=0.1, le=86_400
    )
    hard_limit_s: float | None = setting(
        None, "Hard limit", "After this long a run counts as timed out.", unit="s", ge=0.1, le=86_400
    )


class TimetableSettings(SettingsGroup):
    """The timetable as a whole."""

    paused: bool = setting(False, "Paused", "Nothing is started by time while this is on; it survives a restart.")
    misfire_settle_s: float = setting(
        30.0,
        "Settling time",
        "Pause after the computer woke up, before missed runs are caught up.",
        unit="s",
        ge=0,
        le=600,
    )


class HistorySettings(SettingsGroup):
    """How long runs are remembered."""

    keep_days: int = setting(
        90,
        "Keep days",
        "Runs older than this are forgotten once a week of runs confirms the clock.",
        unit="days",
        ge=1,
        le=3650,
    )
    keep_rows: int = setting(
        1_000_000, "Keep runs", "At most this many runs are remembered.", unit="runs", ge=1000, le=20_000_000
    )


class LoggingSettings(SettingsGroup):
    """The log file logs/metronome.log."""

    level: _Level = setting("INFO", "Level", "The least severe records that are kept.")
    max_bytes: int = setting(
        10_000_000, "File size", "The log file is rotated at this size.", unit="bytes", ge=10_000, le=2_000_000_000
    )
    backups: int = setting(5, "Backups", "Rotated log files to keep.", unit="files", ge=1, le=100)


class HealthSettings(SettingsGroup):
    """The limits at which the health check warns."""

    out_of_character: bool = setting(
        True,
        "Ran, but did it work?",
        "Warn when a run succeeds but its counts or its duration are far from what the task usually does.",
    )
    disk_warn_gb: float = setting(5.0, "Disk: warn", "Warn when less is free than this.", unit="GB", ge=0, le=100_000)
    disk_error_gb: float = setting(
        1.0, "Disk: error", "Error when less is free than this.", unit="GB", ge=0, le=100_000
    )
    disk_warn_days: float = setting(
        14.0,
        "Disk: days left",
        "Warn when the disk is full in fewer days, at the pace of the last week.",
        unit="days",
        ge=0,
        le=3650,
    )
    log_warn_mb: float = setting(500.0, "Logs", "Warn when the log folder is larger.", unit="MB", ge=1, le=1_000_000)
    cache_warn_mb: float = setting(1000.0, "Cache", "Warn when the cache is larger.", unit="MB", ge=1, le=1_000_000)
    heartbeat_warn_s: float = setting(
        90.0, "Heartbeat", "Warn when the timetable has not looked at its clock for longer.", unit="s", ge=5, le=86_400
    )
    queue_wait_warn_s: float = setting(
        60.0, "Queue wait", "Warn when the oldest waiting run of a queue has waited longer.", unit="s", ge=1, le=86_400
    )
    lateness_warn_s: float = setting(
        5.0, "Lateness", "Warn when scheduled runs start later than this (99th percentile).", unit="s", ge=0.01, le=3600
    )
    memory_warn_mb: float = setting(
        1000.0, "Memory", "Warn when the process holds more than this.", unit="MB", ge=50, le=1_000_000
    )
    memory_growth_warn_mb_h: float = setting(
        20.0, "Memory: growth", "Warn when the process grows faster than this.", unit="MB/h", ge=0.1, le=100_000
    )
    handles_warn: int = setting(
        5_000, "Handles", "Warn when the process holds more handles (open files elsewhere).", ge=100, le=1_000_000
    )
    handles_growth_warn_h: float = setting(
        100.0, "Handles: growth", "Warn when they grow faster than this.", unit="/h", ge=1, le=1_000_000
    )
    clock_offset_warn_s: float = setting(
        30.0, "Clock", "Warn when this computer's clock is further behind the server's.", unit="s", ge=1, le=86_400
    )
    ping_warn_ms: float = setting(
        500.0, "Ping", "Warn when the terminal's ping to the trade server is longer.", unit="ms", ge=1, le=60_000
    )
    terminal_hold_warn_ms: float = setting(
        250.0, "Window held", "Warn when one terminal call has held the window longer.", unit="ms", ge=10, le=60_000
    )
    data_age_warn_s: float = setting(
        3600.0,
        "Age of data",
        "Warn when the newest bars are older while their market is open.",
        unit="s",
        ge=10,
        le=604_800,
    )
    calendar_age_warn_s: float = setting(
        86_400.0, "Age of the calendar", "Warn when its last good fetch is older.", unit="s", ge=600, le=2_592_000
    )
    calendar_age_error_s: float = setting(
        604_800.0,
        "Age of the calendar: error",
        "Error when its last good fetch is older: a calendar covers a week.",
        unit="s",
        ge=600,
        le=31_536_000,
    )
    feeds_age_warn_s: float = setting(
        86_400.0, "Age of the news", "Warn when no feed was read for longer.", unit="s", ge=600, le=2_592_000
    )
    feeds_failing_warn: float = setting(
        0.25, "Feeds: failing", "Warn when more of the feeds fail, as a fraction: 0.25 is 25 %.", ge=0, le=1
    )


class CalendarSettings(SettingsGroup):
    """The economic calendar."""

    sources: _Sources = setting(
        ("https://nfs.faireconomy.media/ff_calendar_thisweek.json",),
        "Sources",
        "Addresses, files or folders of calendars, separated by commas.",
    )
    time_zone: _Zone = setting(
        None,
        "Time zone",
        "Zone of the times in documents that do not state one, by IANA name; empty: told by their content, or refused.",
    )
    date_order: Literal["auto", "month_first", "day_first"] = setting(
        "auto", "Date order", "How dates such as 03/04/2025 are meant; auto: told by their content, or refused."
    )


class NewsSettings(SettingsGroup):
    """The news. The feeds themselves are in data/config/feeds.opml, the keywords in data/config/news_keywords.json."""

    feed_timeout_s: float = setting(
        10.0, "Feed limit", "Longest wait for one feed; all are fetched at the same time.", unit="s", ge=1, le=60
    )
    keep_days: int = setting(30, "Keep days", "Articles older than this are dropped.", unit="days", ge=1, le=3650)
    keep_articles: int = setting(
        2000, "Keep articles", "At most this many articles are kept, the newest.", unit="articles", ge=50, le=20_000
    )


class RiskSettings(SettingsGroup):
    """What the account may take on; trade ideas beyond it have no volume."""

    max_concurrent_positions: int = setting(
        5, "Positions", "Most positions open at the same time.", unit="positions", ge=1, le=1000
    )
    max_positions_per_symbol: int = setting(
        1, "Positions of a symbol", "Most of them of one symbol.", unit="positions", ge=1, le=1000
    )
    max_daily_loss: float = setting(
        0.03,
        "Loss of a day",
        "Most that equity may fall in a day, as a fraction of what it was when the day began: 0.03 is 3 %.",
        ge=0.001,
        le=1.0,
    )


class StrategySettings(SettingsGroup):
    """What must hold before a strategy may have an idea, and how long an idea waits."""

    least_grade: Literal["A", "B", "C", "D", "E", "F"] = setting(
        "C", "Least grade of data", "Ideas rest on bars of this grade or a better one; A is the best, F the worst."
    )
    least_backtest_grade: Literal["A", "B", "C", "D", "E", "F"] = setting(
        "D",
        "Least grade for backtests",
        "Backtests on worse bars are refused unless they are forced; the report names the grade either way.",
    )
    calendar_max_age_h: float = setting(
        24.0,
        "Oldest calendar",
        "With an economic calendar older than this, strategies that stay away from news have no ideas.",
        unit="h",
        ge=1,
        le=168,
    )
    idea_expires_bars: int = setting(
        12,
        "Ideas expire after",
        "A pending idea ends when so many bars of its timeframe have closed after its own; weekends do not count.",
        unit="bars",
        ge=1,
        le=500,
    )


class UiSettings(SettingsGroup):
    """The window."""

    theme: ThemeName = setting("system", "Theme", "Light, dark, or as the system says.")
    close_to_tray: bool = setting(True, "Close to tray", "Closing the window keeps Metronome running in the tray.")
    scale: float = setting(1.0, "Scale", "Size of text and controls; 1 is normal.", ge=0.5, le=3.0, restart=True)


class Settings(SettingsGroup):
    """All settings. Build it through ``SettingsStore``; ``Settings()`` is the tree of defaults."""

    schema_version: _Layout = Field(default=SCHEMA_VERSION, title="Schema", description="Version of the file's layout.")
    market: MarketSettings = group(MarketSettings, "Market")
    terminal: TerminalSettings = group(TerminalSettings, "Terminal")
    queues: QueueSettings = group(QueueSettings, "Queues")
    tasks: Mapping[_Name, TaskSettings] = Field(
        default_factory=dict,
        title="Tasks",
        description="What the user changed about tasks, by task id.",
        json_schema_extra={"entry": "task"},
    )
    timetable: TimetableSettings = group(TimetableSettings, "Timetable")
    history: HistorySettings = group(HistorySettings, "History")
    logging: LoggingSettings = group(LoggingSettings, "Log")
    health: HealthSettings = group(HealthSettings, "Health")
    calendar: CalendarSettings = group(CalendarSettings, "Calendar")
    news: NewsSettings = group(NewsSettings, "News")
    risk: RiskSettings = group(RiskSettings, "Risk")
    strategies: StrategySettings = group(StrategySettings, "Strategies")
    ui: UiSettings = group(UiSettings, "Window")

    def task(self, task_id: str) -> TaskSettings:
        """What the user changed about that task; all None when nothing."""
        return self.tasks.get(task_id) or _UNCHANGED


_UNCHANGED: Final = TaskSettings()
