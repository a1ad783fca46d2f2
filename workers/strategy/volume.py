"""The volume of an idea: what the account may take, and how much of it the idea puts at risk."""

from __future__ import annotations

from app.settings import RiskSettings
from workers.strategy.confidence import Action, risk_fraction
from workers.strategy.evaluate import Evaluation
from workers.strategy.exposure import Exposure, refusal
from workers.strategy.prices import trade_terms
from workers.strategy.sizing import Size, VolumeRules, lots


def size_of(evaluation: Evaluation, rules: VolumeRules, limits: RiskSettings, account: Exposure) -> Size:
    """The volume of an evaluation that has an idea, or the reason why it has none.

    Half of the strategy's risk for a pending order, none while the idea waits for a better reward.
    """
    plan, judged = evaluation.plan, evaluation.judgement
    if plan is None or judged is None:
        return Size(None, reason="There is no idea to size.")
    if evaluation.action is Action.WAIT_RR:
        return Size(None, reason="The idea waits for a better reward, so it has no size yet.")
    if reason := refusal(evaluation.strategy.symbol, limits, account):
        return Size(None, reason=reason)
    direction = 1 if judged.side == "long" else -1
    return lots(
        account.equity or 0.0,
        risk_fraction(evaluation.action, trade_terms(evaluation.strategy, evaluation.profile).max_risk),
        abs(plan.entry - plan.stop),
        rules,
        account.volume(evaluation.strategy.symbol, direction),
    )
