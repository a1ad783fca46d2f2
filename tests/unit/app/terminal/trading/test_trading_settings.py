"""The account that the settings ask for reaches the simulated terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from app.clock import FakeClock
from app.settings import TerminalSettings
from app.terminal import build_session

WEDNESDAY = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)


def test_the_account_is_as_the_settings_say() -> None:
    account = {"currency": "JPY", "balance": 1_500_000.0, "leverage": 25, "netting": True, "demo_history": True}
    settings = TerminalSettings.model_validate({"simulated": {"account": account, "seed": 7}})
    session = build_session(settings, FakeClock(WEDNESDAY))
    session.start()
    try:
        session.ensure_connected(10)
        info = session.call("account_info")
        deals = session.call("history_deals_get", 0.0, 4e9)
    finally:
        assert session.stop(5)
    assert (info["currency"], info["currency_digits"], info["leverage"], info["margin_mode"]) == ("JPY", 0, 25, 0)
    assert deals[0]["profit"] == 1_500_000.0
    assert len(deals) > 20
    assert info["balance"] == sum(deal["profit"] + deal["commission"] + deal["swap"] for deal in deals)
    assert all("imulated" in deal["comment"] for deal in deals)
