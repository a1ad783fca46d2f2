"""All that Metronome knows of the market: one session that owns the MetaTrader5 module, genuine or simulated."""

from app.terminal.setup import build_session, rehearsal_start

__all__ = ["build_session", "rehearsal_start"]
