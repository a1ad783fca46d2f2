"""A MetaTrader5 module without MetaTrader: deterministic by seed and clock, with real bars replayed where wanted.

Known limits: a replayed symbol has no timeframe smaller than that of its file (such a request gives no bars), generated
symbols do not follow the replayed ones, news come by rules of thumb and not by a real calendar, the spread stays the
same within a minute, and no symbol has prices of deals (``last``).
"""

from app.terminal.simulated.faults import Faults
from app.terminal.simulated.module import SimulatedTerminal

__all__ = ["Faults", "SimulatedTerminal"]
