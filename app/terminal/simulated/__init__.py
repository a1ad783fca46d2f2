"""A MetaTrader5 module without MetaTrader: deterministic by seed and clock, with real bars replayed where wanted.

Known limits: a replayed symbol has no timeframe smaller than that of its file (such a request gives no bars), and
generated symbols do not follow the replayed ones.
"""

from app.terminal.simulated.faults import Faults
from app.terminal.simulated.module import SimulatedTerminal

__all__ = ["Faults", "SimulatedTerminal"]
