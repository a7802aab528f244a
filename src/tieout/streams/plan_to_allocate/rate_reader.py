"""Reads what systems say of rates: their cards, the rates of bookings, and what was sold in deals.

Neighbours: ``rate_comparison`` holds it against the rates in force, ``desk`` tells what differs, the command line lists
it.
"""

from collections import Counter
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec
from psycopg import Connection

from tieout.ledger.rate_lines import WORK_TYPE_NUMBER, RateContext, RateGap, RateLine
from tieout.ledger.rating import HOUR_E4, RatingRequest
from tieout.model.reported import RecordType
from tieout.records.facts import ProjectFacts, ResourceFacts
from tieout.records.mapping import ANY
from tieout.streams.plan_to_allocate.plan_book import PlanBook
from tieout.streams.plan_to_allocate.rate_comparison import (
    CARDS,
    Compared,
    Difference,
    Rate,
    StatedCard,
    card_differences,
    effect,
    hourly,
    price_text,
    same_cards,
)
from tieout.streams.plan_to_allocate.reader import sold_prices

_NOBODY: Final = ResourceFacts(record_id=0, name="nobody")
_REGULAR: Final = WORK_TYPE_NUMBER["regular"]


def differences_of_cards(conn: Connection[tuple[object, ...]], plan: PlanBook, *, today: int) -> list[Difference]:
    """What rate cards of several systems state differently."""
    cards = _cards(conn, plan)
    groups = same_cards(cards, lambda system, word: _word(plan, system, word))
    booked = _booked(conn, today) if groups else {}
    found = []
    for group in groups:
        found += card_differences(
            group, plan.rates.lines.of_card, booked, today=today, role_of=lambda one: _role(plan, one)
        )
    return found


def _word(plan: PlanBook, system: str, word: str) -> str:
    return plan.book.map_value(CARDS, system, ANY, word, plan.book.on) or word


def _cards(conn: Connection[tuple[object, ...]], plan: PlanBook) -> list[StatedCard]:
    bound = Counter(one.rate_card_id for one in plan.book.project_by_id.values() if not one.deleted)
    rows = conn.execute(
        """
        select x.record_id, r.system, r.fields ->> 'code', r.fields ->> 'name'
          from reported_record r
          join cross_reference x on x.system = r.system and x.type = r.type and x.source_id = r.source_id
         where r.type = %s and not r.deleted order by x.record_id, r.system
        """,
        (str(RecordType.RATE_CARD),),
    )
    return [
        StatedCard(
            record_id=int(str(record_id)),
            system=str(system),
            code=_text(code),
            name=_text(name),
            projects=bound[int(str(record_id))],
        )
        for record_id, system, code, name in rows
    ]


def _booked(conn: Connection[tuple[object, ...]], today: int) -> dict[int, int]:
    """The booked hours to come by the rate line that prices them."""
    rows = conn.execute(
        """
        select bill_line_id, (sum(hours) * 10000)::bigint from booking_week
         where until_day > %s and bill_line_id is not null group by 1
        """,
        (date.fromordinal(today),),
    )
    return {int(str(line)): int(str(hours)) for line, hours in rows}


def differences_of_bookings(
    conn: Connection[tuple[object, ...]], plan: PlanBook, booking_ids: Collection[int] | None, *, today: int
) -> list[Difference]:
    """The bookings (of ``booking_ids``, or all) whose own rate is not the one that the hub prices them by.

    A booking's rate is per hour in its project's currency; of several rates to come the first that differs counts.
    """
    only = "" if booking_ids is None else "and b.booking_id = any(%(ids)s)"
    rows = conn.execute(
        f"""
        select b.booking_id, s.name, b.source_id, b.bill_rate, w.project_id, w.role_id, w.bill_line_id,
               min(w.from_day), (sum(w.hours) * 10000)::bigint
          from booking b join booking_week w using (booking_id) join system_name s on s.system_id = b.system_id
         where b.bill_rate is not null and w.until_day > %(today)s and w.bill_line_id is not null {only}
         group by 1, 2, 3, 4, 5, 6, 7 order by 1, 8
        """,  # noqa: S608 - constants of this function
        {"today": date.fromordinal(today), "ids": sorted(booking_ids or ())},
    )
    found: dict[int, Difference] = {}
    for booking_id, system, source_id, bill_rate, project_id, role_id, line_id, since, hours_e4 in rows:
        project = plan.book.project_by_id.get(int(str(project_id)))
        line = plan.rates.lines.by_id.get(int(str(line_id)))
        if project is None or line is None:
            continue
        one = _against_hub(
            plan,
            _Said(
                kind=Compared.BOOKING,
                subject_id=int(str(booking_id)),
                what=f"booking {source_id} on project {project.code or project.name}",
                system=str(system),
                price=Decimal(str(bill_rate)),
                currency=project.currency,
                role_id=None if role_id is None else int(str(role_id)),
                hours_e4=int(str(hours_e4)),
                since=since if isinstance(since, date) else date.fromordinal(today),
            ),
            project,
            line,
        )
        if one is not None:
            found.setdefault(one.subject_id, one)
    return list(found.values())


def differences_of_deals(conn: Connection[tuple[object, ...]], plan: PlanBook) -> list[Difference]:
    """The lines of deals that became projects, whose price is not the one by which the hub bills the role there."""
    found = []
    for line_id, demand, price, currency in sold_prices(conn, plan.book):
        project = plan.book.project_by_id.get(demand.project_id)
        if project is None or demand.role_id is None:
            continue
        day = demand.starts or (project.starts or plan.book.on).toordinal()
        line = _line_of_role(plan, project, demand.role_id, day)
        if line is None:
            continue
        said = _Said(
            kind=Compared.DEAL,
            subject_id=line_id,
            what=f"line {demand.number} of the deal of project {project.code or project.name}",
            system="the CRM",
            price=price,
            currency=currency or project.currency,
            role_id=demand.role_id,
            hours_e4=demand.hours_e4,
            since=date.fromordinal(day),
        )
        one = _against_hub(plan, said, project, line)
        if one is not None:
            found.append(one)
    return found


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says an hour of a role on a project is billed at."""

    kind: Compared
    subject_id: int
    what: str
    system: str
    price: Decimal
    currency: str | None
    role_id: int | None
    hours_e4: int
    since: date


def _against_hub(plan: PlanBook, said: _Said, project: ProjectFacts, line: RateLine) -> Difference | None:
    """The difference to the rate line that prices the work; None where both say the same."""
    policy = None if project.entity is None else project.entity.policy
    own = hourly(line, None if policy is None else policy.hours_per_day)
    if own is None or said.currency is None:
        return None
    same = said.currency == line.currency
    if same and Fraction(said.price) == own:
        return None
    return Difference(
        kind=said.kind,
        subject_id=said.subject_id,
        what=said.what,
        role=_role(plan, said.role_id),
        since=said.since,
        ours=Rate(system="the hub", price=price_text(own), currency=line.currency),
        theirs=Rate(system=said.system, price=said.price, currency=said.currency),
        hours=Decimal(said.hours_e4) / HOUR_E4,
        effect_minor=effect(said.hours_e4, own, Fraction(said.price), same=same, currency=line.currency),
        entity_id=project.entity_id,
    )


def _line_of_role(plan: PlanBook, project: ProjectFacts, role_id: int, day: int) -> RateLine | None:
    """The line that prices the role on the project, whoever works."""
    shelf = plan.rates.shelf(project)
    if shelf is None:
        return None
    request = RatingRequest(
        project=project,
        resource=_NOBODY,
        role_id=role_id,
        task_id=None,
        work_type=_REGULAR,
        day=day,
        hours_e4=HOUR_E4,
        billable=True,
    )
    price, _ = plan.rates.prices(RateContext.BILL, shelf, request)
    return None if isinstance(price, RateGap) else price.line


def _role(plan: PlanBook, role_id: int | None) -> str:
    facts = None if role_id is None else plan.book.role_by_id.get(role_id)
    return "any role" if facts is None else facts.code or facts.name


def _text(value: object) -> str | None:
    return None if value is None else str(value)
