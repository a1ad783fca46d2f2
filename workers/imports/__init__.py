"""Reading what MetaTrader users already have: bars, ticks, tester and history reports, tester settings."""
