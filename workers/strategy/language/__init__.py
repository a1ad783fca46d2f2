"""The small language of conditions: text to a frozen tree, its mirror image, and its value on every bar.

``ema(20) crosses above ema(50)``, ``rsi(14) < 30``, ``close > highest(high, 20)[1]``, ``H4.close > H4.ema(50)``.
Nothing is ever handed to Python's own evaluation. See docs/strategy.md for the grammar.
"""
