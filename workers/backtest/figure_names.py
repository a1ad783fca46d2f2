"""What the figures of a test are called, in MetaTrader's words, and how each is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

#: Groups of figures: title, and names with how they are shown (m money, p percent, n number, i count, t time).
GROUPS: Final[Sequence[tuple[str, Sequence[tuple[str, str, str]]]]] = (
    ("Result", (
        ("total_net_profit", "Total net profit", "m"), ("gross_profit", "Gross profit", "m"),
        ("gross_loss", "Gross loss", "m"), ("profit_factor", "Profit factor", "n"),
        ("expected_payoff", "Expected payoff", "m"), ("recovery_factor", "Recovery factor", "n"),
        ("return_percent", "Return", "p"), ("cagr_percent", "CAGR", "p"),
        ("buy_and_hold_percent", "Buy and hold (the price alone)", "p"), ("commission", "Commission", "m"),
        ("swap", "Swap", "m"),
    )),
    ("Risk", (
        ("balance_drawdown_absolute", "Balance drawdown absolute", "m"),
        ("balance_drawdown_maximal", "Balance drawdown maximal", "m"),
        ("balance_drawdown_relative_percent", "Balance drawdown relative", "p"),
        ("equity_drawdown_absolute", "Equity drawdown absolute", "m"),
        ("equity_drawdown_maximal", "Equity drawdown maximal", "m"),
        ("equity_drawdown_relative_percent", "Equity drawdown relative", "p"),
        ("sharpe_ratio", "Sharpe ratio (daily, a year)", "n"), ("sortino_ratio", "Sortino ratio", "n"),
        ("deflated_sharpe_ratio", "Deflated Sharpe ratio (probability)", "n"), ("trials", "Trials", "i"),
        ("calmar_ratio", "Calmar ratio", "n"), ("sqn", "SQN", "n"), ("exposure_percent", "Exposure", "p"),
    )),
    ("Trades", (
        ("total_trades", "Total trades", "i"), ("long_trades", "Long trades", "i"),
        ("long_trades_won_percent", "Long trades won", "p"), ("short_trades", "Short trades", "i"),
        ("short_trades_won_percent", "Short trades won", "p"), ("profit_trades_percent", "Profit trades", "p"),
        ("largest_profit_trade", "Largest profit trade", "m"), ("largest_loss_trade", "Largest loss trade", "m"),
        ("average_profit_trade", "Average profit trade", "m"), ("average_loss_trade", "Average loss trade", "m"),
        ("average_holding_s", "Average holding", "t"), ("ambiguous_trades", "Ambiguous trades", "i"),
    )),
    ("Series", (
        ("maximum_consecutive_wins", "Maximum consecutive wins", "i"),
        ("maximal_consecutive_profit", "Maximal consecutive profit", "m"),
        ("maximum_consecutive_losses", "Maximum consecutive losses", "i"),
        ("maximal_consecutive_loss", "Maximal consecutive loss", "m"),
        ("average_consecutive_wins", "Average consecutive wins", "n"),
        ("average_consecutive_losses", "Average consecutive losses", "n"), ("z_score", "Z-score", "n"),
        ("z_score_probability_percent", "Z-score probability", "p"), ("ahpr", "AHPR", "n"), ("ghpr", "GHPR", "n"),
        ("lr_correlation", "LR correlation", "n"), ("lr_standard_error", "LR standard error", "m"),
        ("average_mfe", "Average MFE", "m"), ("average_mae", "Average MAE", "m"),
    )),
)  # fmt: skip

TABLES: Final = (
    ("direction", "By direction"),
    ("exit_reason", "By reason of the exit"),
    ("session", "By session of the entry"),
    ("weekday", "By weekday of the entry"),
    ("hour", "By hour of the entry (UTC)"),
)
