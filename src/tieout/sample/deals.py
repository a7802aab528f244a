"""A quarter of deals of the sample firm: a pipeline, what is won of it, what changes afterwards, and the usual mess.

Pure: everything follows from masters and seed. ``Quarter.acts`` are what sellers do one after the other once the first
state is in the systems; ``expected_projects`` says, from the seed alone, what every system has to hold in the end.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from enum import IntEnum
from random import Random
from typing import Final, TypeAlias

import msgspec

from tieout.connect.simulator.seed import SeedClient, SeedDeal, SeedDealLine, SeedFirm
from tieout.sample.masters import EXPIRED_ROLE, UNMAPPED_SERVICE_LINE

WON: Final = "Closed Won"
LOST: Final = "Closed Lost"
BACK: Final = "Negotiation/Review"
QUARTER: Final = date(2026, 10, 1)
UNKNOWN_ROLE: Final = "Oracle Whisperer"
_OPEN_STAGES: Final = (("Prospecting", "10"), ("Proposal/Price Quote", "50"), (BACK, "75"))
_WON_OF_TEN: Final = 6
_OPEN_OF_TEN: Final = 8
_BLOCK: Final = 24
_ENTITY_OF_CURRENCY: Final = {"USD": "US01", "GBP": "UK01", "EUR": "DE01", "JPY": "JP01"}
_WEEKS: Final = (8, 12, 16, 26)
_HOURS: Final = (80, 120, 160, 240, 320)
_SELLERS: Final = ("lena.ortiz", "tom.baker", "yuki.mori")
_WORKS: Final = ("Discovery", "Migration", "Operating model", "Data platform", "Rollout", "Assessment")
_SKILLS: Final = {
    "Analyst": ["SQL"],
    "Consultant": ["SAP"],
    "Senior Consultant": ["SAP", "Architecture"],
    "Principal": [],
}

Change: TypeAlias = SeedDeal | SeedClient
"""What somebody does in the CRM: a deal or a customer as it is from now on."""


class Place(IntEnum):
    """What is special about a won deal, by its place in a block of 24; the other places are plain."""

    AMENDED = 0
    WITHOUT_ENTITY = 1
    MOVED_BACK = 2
    OF_UNKNOWN_SERVICE_LINE = 3
    LOST_AFTERWARDS = 4
    AT_AN_EXPIRED_RATE = 5
    RENAMED = 6
    WITH_AN_UNKNOWN_ROLE = 7
    WON_AGAIN = 8
    WITHOUT_CONTRACT = 9
    CUT_DOWN = 10
    SECOND_OF_A_PROJECT = 11
    OF_A_NEW_CUSTOMER = 12
    WITHOUT_RATE_CARD = 13
    OF_UNCLEAR_TAX = 15
    WITH_A_DRAFT_CONTRACT = 17
    WITHOUT_DATES = 19


PROBLEMS: Final = {
    Place.WITHOUT_ENTITY: "LEGAL_ENTITY_UNMAPPED",
    Place.OF_UNKNOWN_SERVICE_LINE: "SERVICE_LINE_UNKNOWN",
    Place.AT_AN_EXPIRED_RATE: "RATE_EXPIRED",
    Place.WITH_AN_UNKNOWN_ROLE: "ROLE_UNKNOWN",
    Place.WITHOUT_CONTRACT: "CONTRACT_MISSING",
    Place.WITHOUT_RATE_CARD: "RATE_CARD_MISSING",
    Place.OF_UNCLEAR_TAX: "TAX_UNDETERMINED",
    Place.WITH_A_DRAFT_CONTRACT: "CONTRACT_MISSING",
    Place.WITHOUT_DATES: "DEAL_TERMS_INVALID",
}
"""What is wrong with some of the won deals; what lacks its legal entity is corrected later."""


_PLACES: Final = frozenset(Place)


class Quarter(msgspec.Struct, frozen=True, kw_only=True):
    """The deals as they stand at first, what happens to them in each act, and what the firm knows about them.

    ``merged`` maps the number of a deal to the code of another one's project. ``problems`` are the codes of findings
    that deals are held for in the end, by number.
    """

    deals: tuple[SeedDeal, ...]
    acts: tuple[tuple[Change, ...], ...]
    merged: dict[str, str]
    problems: dict[str, str]

    def final(self) -> dict[str, SeedDeal]:
        """Every deal as it stands after all acts."""
        standing = {deal.key: deal for deal in self.deals}
        for act in self.acts:
            standing |= {one.key: one for one in act if isinstance(one, SeedDeal)}
        return standing


NO_QUARTER: Final = Quarter(deals=(), acts=(), merged={}, problems={})


class ExpectedProject(msgspec.Struct, frozen=True, kw_only=True):
    """What every system has to say of a project in the end; ``ends`` is the first day after it."""

    code: str
    deals: tuple[str, ...]
    entity: str
    client: str
    name: str
    currency: str
    starts: date
    ends: date
    budget_minor: int
    budget_minutes: int
    status: str
    tasks: int


def sample_quarter(firm: SeedFirm, count: int, seed: int) -> Quarter:
    """``count`` deals of the last quarter of 2026; equal firms and seeds give equal quarters."""
    random = Random(seed + 2)  # noqa: S311 - a reproducible sample, not a secret
    deals: list[SeedDeal] = []
    acts: tuple[list[Change], list[Change]] = ([], [])
    merged: dict[str, str] = {}
    problems: dict[str, str] = {}
    won = 0
    for number in range(1, count + 1):
        drawn = number % 10
        deal = _deal(firm, number, random)
        if drawn >= _WON_OF_TEN:
            deals.append(_not_won(deal, drawn))
            continue
        at, won = won % _BLOCK, won + 1
        place = Place(at) if at in _PLACES else None
        if place in PROBLEMS:
            for name, value in _SPOILT[place](deal).items():
                setattr(deal, name, value)
            problems[deal.key] = PROBLEMS[place]
        if place is Place.SECOND_OF_A_PROJECT:
            _join(deal, deals[_last_sound(deals, problems, merged)], merged)
        if place is Place.OF_A_NEW_CUSTOMER:
            _sign_new_customer(deal, firm, acts[0])
        else:
            deals.append(deal)
        _later(deal, place, problems, acts)
    return Quarter(deals=tuple(deals), acts=(tuple(acts[0]), tuple(acts[1])), merged=merged, problems=problems)


def expected_projects(quarter: Quarter, *, own_tasks: int) -> list[ExpectedProject]:
    """One project for every won, valid deal, or for those that are merged; ``own_tasks`` are what each has besides."""
    groups: dict[str, list[SeedDeal]] = {}
    standing = quarter.final()
    accepted = _accepted(quarter)
    for key, deal in accepted.items():
        groups.setdefault(quarter.merged.get(key, key), []).append(deal)
    found = []
    for code, deals in sorted(groups.items()):
        deals.sort(key=lambda one: one.key != code)
        lines = [line for deal in deals for line in deal.lines]
        ever = {line.key for deal in deals for line in _ever(quarter, deal.key)}
        first = deals[0]
        found.append(
            ExpectedProject(
                code=code,
                deals=tuple(deal.key for deal in deals),
                entity=first.entity or "",
                client=first.client,
                name=first.name,
                currency=first.currency,
                starts=min(date.fromisoformat(deal.starts or "") for deal in deals),
                ends=max(date.fromisoformat(deal.ends or "") for deal in deals) + timedelta(days=1),
                budget_minor=sum(deal.amount_minor for deal in deals),
                budget_minutes=sum(line.minutes for line in lines),
                status="active" if any(standing[deal.key].stage == WON for deal in deals) else "on_hold",
                tasks=own_tasks + len(ever),
            )
        )
    return found


def _accepted(quarter: Quarter) -> dict[str, SeedDeal]:
    """What each deal said when it was last won and valid."""
    found = {}
    for states in ({deal.key: deal for deal in quarter.deals}, *(_deals_of(act) for act in quarter.acts)):
        for key, deal in states.items():
            corrected = quarter.problems.get(key) is None
            if deal.stage == WON and corrected and deal.entity is not None:
                found[key] = deal
    return found


def _ever(quarter: Quarter, key: str) -> Iterator[SeedDealLine]:
    """Every line that the deal had while it was won: a task that was made stays."""
    for states in ({deal.key: deal for deal in quarter.deals}, *(_deals_of(act) for act in quarter.acts)):
        if key in states and states[key].stage == WON:
            yield from states[key].lines


def _deals_of(act: Sequence[Change]) -> dict[str, SeedDeal]:
    return {one.key: one for one in act if isinstance(one, SeedDeal)}


def _deal(firm: SeedFirm, number: int, random: Random) -> SeedDeal:
    """A won deal with everything that a project needs."""
    client = random.choice(firm.clients)
    starts = QUARTER + timedelta(weeks=random.randrange(2, 12), days=4)
    ends = starts + timedelta(weeks=random.choice(_WEEKS), days=-3)
    card = next(one for one in firm.rate_cards if one.code == f"RC-{client.currency}-2026")
    prices = {line.role: line.amount_minor for line in card.lines if line.ends is None}
    key = f"NW-{number:04d}"
    roles = random.sample(firm.roles, random.randrange(1, 4))
    lines = [
        SeedDealLine(
            key=f"{key}-{at}",
            role=role,
            minutes=random.choice(_HOURS) * 60,
            price_minor=prices[role],
            starts=starts.isoformat(),
            ends=ends.isoformat(),
            location=client.country,
            skills=_SKILLS[role],
        )
        for at, role in enumerate(roles, start=1)
    ]
    closed = QUARTER + timedelta(days=random.randrange(80))
    return SeedDeal(
        key=key,
        name=f"{client.name}: {random.choice(_WORKS)}",
        client=client.code,
        stage=WON,
        probability="100",
        amount_minor=_worth(lines),
        currency=client.currency,
        close_date=closed.isoformat(),
        updated_at=f"{closed.isoformat()}T{random.randrange(8, 19):02d}:{random.randrange(60):02d}:00Z",
        entity=client.entity,
        service_line=random.choice([one for one in firm.departments if one != UNMAPPED_SERVICE_LINE]),
        starts=starts.isoformat(),
        ends=ends.isoformat(),
        rate_card=card.code,
        contract=f"K-{number:04d}",
        contract_status="Activated",
        po_number=f"PO-{random.randrange(10_000, 99_999)}",
        owner_email=f"{random.choice(_SELLERS)}@northwind.example",
        lines=lines,
    )


def _worth(lines: Sequence[SeedDealLine]) -> int:
    """Whole hours at whole minor units an hour: exact."""
    return sum(line.minutes // 60 * line.price_minor for line in lines)


def _not_won(deal: SeedDeal, drawn: int) -> SeedDeal:
    """A deal of the pipeline, or one that went to somebody else."""
    if drawn > _OPEN_OF_TEN:
        deal.stage, deal.probability, deal.contract = LOST, "0", None
        return deal
    deal.stage, deal.probability = _OPEN_STAGES[drawn % len(_OPEN_STAGES)]
    deal.contract = deal.po_number = None
    return deal


def _of_role(deal: SeedDeal, role: str) -> list[SeedDealLine]:
    return [msgspec.structs.replace(deal.lines[0], role=role)]


_SPOILT: Final[dict[Place, Callable[[SeedDeal], dict[str, object]]]] = {
    Place.WITHOUT_ENTITY: lambda _: {"entity": None},
    Place.OF_UNKNOWN_SERVICE_LINE: lambda _: {"service_line": UNMAPPED_SERVICE_LINE},
    Place.AT_AN_EXPIRED_RATE: lambda deal: {
        "rate_card": f"RC-{deal.currency}-OLD",
        "lines": _of_role(deal, EXPIRED_ROLE),
    },
    Place.WITH_AN_UNKNOWN_ROLE: lambda deal: {"lines": _of_role(deal, UNKNOWN_ROLE)},
    Place.WITHOUT_CONTRACT: lambda _: {"contract": None},
    Place.WITHOUT_RATE_CARD: lambda _: {"rate_card": None},
    Place.OF_UNCLEAR_TAX: lambda _: {"tax_treatment": "to be clarified"},
    Place.WITH_A_DRAFT_CONTRACT: lambda _: {"contract_status": "Draft"},
    Place.WITHOUT_DATES: lambda _: {"starts": None, "ends": None},
}
"""What sellers forget and get wrong."""


def _last_sound(deals: Sequence[SeedDeal], problems: dict[str, str], merged: dict[str, str]) -> int:
    """The place of the latest won deal without any problem."""
    return max(
        at for at, deal in enumerate(deals) if deal.stage == WON and deal.key not in problems and deal.key not in merged
    )


def _join(deal: SeedDeal, first: SeedDeal, merged: dict[str, str]) -> None:
    """A second order of the same customer that goes on the first one's project."""
    deal.client, deal.entity, deal.currency = first.client, first.entity, first.currency
    deal.rate_card, deal.service_line = first.rate_card, first.service_line
    deal.name = f"{first.name}, extension"
    merged[deal.key] = first.key


def _sign_new_customer(deal: SeedDeal, firm: SeedFirm, act: list[Change]) -> None:
    """A customer that only the CRM knows yet signs."""
    known = next(client for client in firm.clients if client.code == deal.client)
    code = f"C9{deal.key[-3:]}"
    act.append(msgspec.structs.replace(known, code=code, name=f"New {known.name}"))
    deal.client, deal.name = code, f"New {deal.name}"
    act.append(deal)


def _later(
    deal: SeedDeal, place: Place | None, problems: dict[str, str], acts: tuple[list[Change], list[Change]]
) -> None:
    """What happens to a won deal in the weeks after."""
    first, second = acts
    match place:
        case Place.AMENDED:
            more = msgspec.structs.replace(deal.lines[0], key=f"{deal.key}-9", minutes=40 * 60)
            first.append(_changed(deal, 1, lines=[*deal.lines, more]))
        case Place.WITHOUT_ENTITY:
            problems.pop(deal.key)
            first.append(_changed(deal, 1, entity=_ENTITY_OF_CURRENCY[deal.currency]))
        case Place.MOVED_BACK:
            first.append(_changed(deal, 1, stage=BACK, probability="75"))
        case Place.LOST_AFTERWARDS:
            first.append(_changed(deal, 1, stage=LOST, probability="0"))
        case Place.RENAMED:
            first.append(_changed(deal, 1, name=f"{deal.name} (renamed)"))
        case Place.WON_AGAIN:
            first.append(_changed(deal, 1, stage=BACK, probability="75"))
            second.append(_changed(deal, 2))
        case Place.CUT_DOWN:
            first.append(_changed(deal, 1, lines=deal.lines[:1]))
        case _:
            pass


def _changed(deal: SeedDeal, weeks: int, **changes: object) -> SeedDeal:
    """The deal some weeks later; its worth follows from its lines."""
    later = date.fromisoformat(deal.updated_at[:10]) + timedelta(weeks=weeks)
    fresh = msgspec.structs.replace(deal, updated_at=f"{later.isoformat()}{deal.updated_at[10:]}", **changes)
    return msgspec.structs.replace(fresh, amount_minor=_worth(fresh.lines))
