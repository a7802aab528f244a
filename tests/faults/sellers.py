"""What the sellers of a campaign do in the CRM, deal by deal.

Taken from the sample's quarter: deals that are won and become projects, with what happens to some of them afterwards.
"""

from collections.abc import Sequence

from tieout.connect.simulator.control import Change, PutClient, PutDeal
from tieout.connect.simulator.seed import SeedClient, SeedDeal, SeedFirm
from tieout.sample.deals import WON, Quarter, sample_quarter

_DEALS = 1_500
_Act = tuple[SeedDeal | SeedClient, ...]


class Sellers:
    """Deals one after the other; each is a story of one to three acts. Where there are only a ``few``, of one."""

    def __init__(self, firm: SeedFirm, seed: int, *, few: int | None = None) -> None:
        quarter = sample_quarter(firm, _DEALS, seed)
        stories = [_story(quarter, key) for key in _sound(quarter)]
        self._untold = stories if few is None else [one for one in stories if len(one) == 1][:few]
        self._begun: list[list[_Act]] = []
        self._told: dict[str, list[SeedDeal]] = {}

    @property
    def deals(self) -> int:
        """How many deals there are by now."""
        return len(self._told)

    def win(self) -> list[Change]:
        """A new deal is won; nothing where there is none any more."""
        if not self._untold:
            return []
        story = self._untold.pop(0)
        self._begun.append(story)
        return self._next_act_of(story)

    def go_on(self) -> list[Change]:
        """The oldest deal of which more is to be told goes on; nothing where there is none."""
        return self._next_act_of(self._begun[0]) if self._begun else []

    def done(self) -> Quarter:
        """What they did until now."""
        states = self._told.values()
        later = [tuple(told[act] for told in states if len(told) > act) for act in (1, 2)]
        return Quarter(deals=tuple(told[0] for told in states), acts=(later[0], later[1]), merged={}, problems={})

    def _next_act_of(self, story: list[_Act]) -> list[Change]:
        act = story.pop(0)
        for one in act:
            if isinstance(one, SeedDeal):
                self._told.setdefault(one.key, []).append(one)
        if not story:
            self._begun.remove(story)
        return [PutClient(client=one) if isinstance(one, SeedClient) else PutDeal(deal=one) for one in act]


def _sound(quarter: Quarter) -> Sequence[str]:
    """Deals that are won in the end, held for nothing, and have a project of their own."""
    return sorted(
        key
        for key, deal in quarter.final().items()
        if deal.stage == WON and key not in quarter.problems and key not in quarter.merged
    )


def _story(quarter: Quarter, key: str) -> list[_Act]:
    acts: list[_Act] = [(deal,) for deal in quarter.deals if deal.key == key]
    for act in quarter.acts:
        acts += [(*_customer_of(act, one), one) for one in act if isinstance(one, SeedDeal) and one.key == key]
    return acts


def _customer_of(act: Sequence[SeedDeal | SeedClient], deal: SeedDeal) -> Sequence[SeedClient]:
    return [one for one in act if isinstance(one, SeedClient) and one.code == deal.client]
