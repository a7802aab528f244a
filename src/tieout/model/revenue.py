"""Revenue events: how much of an obligation is earned, period by period (domain model 2.11)."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import msgspec

from tieout.model.contract import RevenueMethod
from tieout.model.finding import Finding, finding
from tieout.model.money import Money
from tieout.model.rule import refuse


class RevenueEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Revenue of one obligation in one period: ``cumulative`` up to its end, ``delta`` in it, ``billed`` up to its end.

    ``progress`` is a share between 0 and 1 where the method measures progress.
    """

    obligation: str
    period: str
    method: RevenueMethod
    cumulative: Money
    delta: Money
    billed: Money
    progress: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse mixed currencies and progress outside 0 to 1."""
        name = f"Revenue of {self.obligation} in {self.period}"
        if not self.cumulative.currency == self.delta.currency == self.billed.currency:
            refuse(name, "its amounts are in different currencies")
        if self.progress is not None and not (self.progress.is_finite() and 0 <= self.progress <= 1):
            refuse(name, f"progress {self.progress} is not between 0 and 1")

    @property
    def contract_asset(self) -> Money:
        """What is earned and not billed; zero when more was billed than earned."""
        return max(self.cumulative - self.billed, Money.of_minor(0, self.cumulative.currency))

    @property
    def contract_liability(self) -> Money:
        """What is billed and not earned; zero when more was earned than billed."""
        return max(self.billed - self.cumulative, Money.of_minor(0, self.cumulative.currency))


def broken_chain(events: Sequence[RevenueEvent]) -> list[Finding]:
    """One finding for each period of one obligation (in order) whose delta is not the step between cumulatives."""
    return [
        finding(
            "REVENUE_CHAIN",
            f"Revenue of {after.obligation} in {after.period} steps by {after.delta.amount}, but goes from "
            f"{before.cumulative.amount} to {after.cumulative.amount}.",
            cause=after.obligation,
            subject=f"obligation:{after.obligation}",
        )
        for before, after in pairwise(events)
        if before.cumulative + after.delta != after.cumulative
    ]
