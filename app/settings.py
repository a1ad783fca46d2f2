"""Typed settings in a TOML file that people may edit: this module is the door to them.

``Settings`` (``app.settings_model``) is the frozen tree; ``SettingsStore`` (``app.settings_store``) reads, changes and
watches it; ``Option`` (``app.settings_keys``) describes one value for forms, docs and the command line.
"""

from __future__ import annotations

from app.settings_file import Schema
from app.settings_keys import Option
from app.settings_model import (
    SCHEMA_VERSION,
    HealthSettings,
    HistorySettings,
    LoggingSettings,
    MarketSettings,
    QueueSettings,
    RiskSettings,
    Settings,
    SimulatedSettings,
    TaskSettings,
    TerminalSettings,
    TimetableSettings,
    UiSettings,
)
from app.settings_store import SettingsStore

__all__ = [
    "SCHEMA_VERSION",
    "HealthSettings",
    "HistorySettings",
    "LoggingSettings",
    "MarketSettings",
    "Option",
    "QueueSettings",
    "RiskSettings",
    "Schema",
    "Settings",
    "SettingsStore",
    "SimulatedSettings",
    "TaskSettings",
    "TerminalSettings",
    "TimetableSettings",
    "UiSettings",
]
