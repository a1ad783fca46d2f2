"""Whether the circumstances suit a strategy: its sessions, the timeframe, and the direction that its symbol favours."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from workers.strategy import sessions
from workers.strategy.profile import Profile
from workers.strategy.rules import Side
from workers.strategy.schema import SessionName, Strategy


def wanted_sessions(strategy: Strategy, profile: Profile | None) -> tuple[SessionName, ...]:
    """The sessions of the strategy, or the best of the profile where its file has none; empty means all hours."""
    if strategy.sessions is not None:
        return strategy.sessions
    return profile.bestSessions if profile else ()


def aligned(strategy: Strategy, profile: Profile | None, side: Side, hours: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether all three suit on each bar; ``hours`` are those of ``in_sessions``."""
    if not (_frame_suits(strategy, profile) and _side_suits(profile, side)):
        return np.zeros(len(hours), dtype=np.bool_)
    return hours


def in_sessions(strategy: Strategy, profile: Profile | None, closings: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a wanted session is open at each closing of a bar (UTC epoch seconds, ascending)."""
    wanted = wanted_sessions(strategy, profile)
    return sessions.open_at(closings, wanted) if wanted else np.ones(len(closings), dtype=np.bool_)


def explain(strategy: Strategy, profile: Profile | None, side: Side, closing: datetime) -> str:
    """The same for one closing, in words."""
    wanted = wanted_sessions(strategy, profile)
    running = [name for name in sessions.open_sessions(closing) if name in wanted]
    if not wanted:
        parts = ["all hours"]
    else:
        parts = [f"in {', '.join(running)}" if running else f"outside {', '.join(wanted)}"]
    if not _frame_suits(strategy, profile) and profile is not None:
        parts.append(f"{strategy.timeframe} is none of the best timeframes {', '.join(profile.bestTimeframes)}")
    if not _side_suits(profile, side) and profile is not None:
        parts.append(f"against the bias {profile.style.bias} of the profile")
    return "; ".join(parts)


def _frame_suits(strategy: Strategy, profile: Profile | None) -> bool:
    return profile is None or not profile.bestTimeframes or strategy.timeframe in profile.bestTimeframes


def _side_suits(profile: Profile | None, side: Side) -> bool:
    return profile is None or profile.style.bias in ("both", side)
