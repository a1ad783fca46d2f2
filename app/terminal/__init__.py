"""All that Metronome knows of the market: one session that owns the MetaTrader5 module, genuine or simulated."""

from app.terminal.setup import build_host, build_session, rehearsal_start, session_options

__all__ = ["build_host", "build_session", "rehearsal_start", "session_options"]
