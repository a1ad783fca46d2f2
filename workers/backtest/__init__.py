"""Backtests: the rules of the live evaluation traded over past bars. Run in a process of their own."""
