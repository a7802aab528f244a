"""Publishes what projects need to the resource tools that take it; what changes or goes is published again.

A tool is told of a project once it has the project; until then the demand waits. Deliveries of a project go one after
the other, in the order of what ``lead_to_project`` sends of it; an older one that its target refused is given up when a
newer one takes its place. Neighbours: ``demand`` says what is needed, ``outbound`` delivers.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec
from psycopg import Cursor

from tieout.desk import intake
from tieout.ledger.rate_lines import FOR_EVER
from tieout.ledger.rating import HOUR_E4
from tieout.model.command import DemandLine, PublishDemand
from tieout.model.firm import FirmConfig
from tieout.model.identity import business_key, content_hash, idempotency_key, reference_of
from tieout.model.reported import RecordType
from tieout.outbound.aftermath import DELIVERY
from tieout.outbound.outbox import NewDelivery, enqueue, give_up
from tieout.records import event_log
from tieout.records.facts import ProjectFacts
from tieout.storage.copying import ID_BLOCK, take_ids
from tieout.streams.plan_to_allocate.demand import Demand
from tieout.streams.plan_to_allocate.judgement import is_over
from tieout.streams.plan_to_allocate.plan_book import PUBLISH, Budget, PlanBook

_STREAM: Final = "plan_to_allocate"
_PROJECT: Final = "upsert_project"


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool was told of a project last (a row of ``published_demand``)."""

    revision: int = 0
    content: bytes | None = None
    line_count: int = 0


def takers(firm: FirmConfig, entity: str) -> list[str]:
    """The systems that are told of the demand of projects of ``entity``."""
    return sorted(
        one.name for one in firm.systems if PUBLISH in one.takes and (not one.posts_for or entity in one.posts_for)
    )


def demand_command(
    project: ProjectFacts, lines: Collection[Demand], budget: Budget, customer: str
) -> PublishDemand | None:
    """What a project needs, without a reference; None while code, entity or days are not told.

    A project that is over needs nothing any more. A line without days needs them within those of the project.
    """
    known = () if is_over(project) else tuple(_line(one, project) for one in lines)
    whole = [one for one in known if one is not None]
    starts = min([one.starts for one in whole], default=project.starts)
    ends = max([one.ends for one in whole], default=project.ends)
    if project.code is None or project.entity_code is None or starts is None or ends is None:
        return None
    return PublishDemand(
        reference="",
        entity=project.entity_code,
        project_code=project.code,
        project_name=project.name,
        customer_name=customer,
        starts=starts,
        ends=ends,
        lines=tuple(whole),
        budget_hours=None if budget.hours_e4 is None else _hours(budget.hours_e4),
    )


def _line(one: Demand, project: ProjectFacts) -> DemandLine | None:
    starts = date.fromordinal(one.starts) if one.starts else project.starts
    ends = date.fromordinal(one.ends) if one.ends != FOR_EVER else project.ends
    if starts is None or ends is None or not one.role:
        return None
    return DemandLine(
        number=one.number,
        role=one.role,
        hours=_hours(one.hours_e4),
        starts=starts,
        ends=ends,
        location=one.location,
        skills=one.skills,
    )


class Publisher:
    """Publishes demand in the transaction of the step."""

    def __init__(self, cur: Cursor[tuple[object, ...]], plan: PlanBook, *, now: datetime) -> None:
        self._cur = cur
        self._plan = plan
        self._now = now

    def publish(self, project_ids: Iterable[int]) -> int:
        """Enqueue what is to be said otherwise of ``project_ids`` and of those that wait; returns how many."""
        self._settle()
        wanted = self._wanted(sorted({*project_ids, *self._waiting()}))
        if not wanted:
            return 0
        known = self._published({key[1] for key in wanted})
        held = self._held(wanted)
        deliveries: list[NewDelivery] = []
        ids = _delivery_ids(self._cur)
        for key, command in wanted.items():
            before, content = known.get(key, Published()), content_hash(msgspec.to_builtins(command))
            if before.content == content or (before.content is None and not command.lines):
                self._mark(key, waiting=False, is_known=key in known)
            elif key not in held:
                self._mark(key, waiting=True, is_known=key in known)
            else:
                delivery = self._delivery(key, command, content, before.revision + 1, next(ids))
                self._record(key, delivery.delivery_id, before.revision + 1, content, len(command.lines))
                deliveries.append(delivery)
        enqueue(self._cur, deliveries, now=self._now)
        if deliveries:
            self._settle()
            event_log.append(self._cur, [_event(one) for one in deliveries], now=self._now)
        return len(deliveries)

    def _wanted(self, project_ids: Iterable[int]) -> dict[tuple[str, int], PublishDemand]:
        book, found = self._plan.book, {}
        for project_id in project_ids:
            project = book.project_by_id.get(project_id)
            if project is None or project.entity_code is None:
                continue
            client = None if project.client_id is None else book.client_by_id.get(project.client_id)
            command = demand_command(
                project,
                self._plan.demand.get(project_id, ()),
                self._plan.budgets.get(project_id, Budget()),
                "" if client is None else client.name,
            )
            if command is not None:
                found.update({(one, project_id): command for one in takers(book.firm, project.entity_code)})
        return found

    def _waiting(self) -> list[int]:
        self._cur.execute("select distinct project_id from published_demand where waiting")
        return [int(str(row[0])) for row in self._cur.fetchall()]

    def _published(self, project_ids: Collection[int]) -> dict[tuple[str, int], Published]:
        self._cur.execute(
            """
            select system, project_id, revision, content, line_count from published_demand
             where project_id = any(%s)
            """,
            (sorted(project_ids),),
        )
        return {
            (str(system), int(str(project_id))): Published(
                revision=int(str(revision)),
                content=bytes(content) if isinstance(content, bytes) else None,
                line_count=int(str(lines)),
            )
            for system, project_id, revision, content, lines in self._cur.fetchall()
        }

    def _held(self, wanted: Mapping[tuple[str, int], PublishDemand]) -> set[tuple[str, int]]:
        """Which tools have which projects: they tell them themselves, or have acknowledged to have made them."""
        self._cur.execute(
            """
            select given.system, given.project_id
              from unnest(%s::text[], %s::int[], %s::text[]) as given (system, project_id, object_key)
             where exists (select 1 from cross_reference x where x.system = given.system and x.type = %s
                              and x.record_id = given.project_id)
                or exists (select 1 from provisioned_object o where o.system = given.system and o.kind = %s
                              and o.object_key = given.object_key and o.acknowledged is not null)
            """,
            (
                [key[0] for key in wanted],
                [key[1] for key in wanted],
                [business_key(one.entity, one.project_code) for one in wanted.values()],
                str(RecordType.PROJECT),
                _PROJECT,
            ),
        )
        return {(str(system), int(str(project_id))) for system, project_id in self._cur.fetchall()}

    def _delivery(
        self, key: tuple[str, int], command: PublishDemand, content: bytes, revision: int, delivery_id: int
    ) -> NewDelivery:
        system, project_id = key
        object_key = business_key(command.entity, command.project_code)
        idempotency = idempotency_key(
            entity=command.entity,
            kind=PUBLISH,
            source_id=business_key(system, object_key),
            source_version=business_key(str(revision), content.hex()),
            purpose=_STREAM,
        )
        entity = self._plan.book.project_by_id[project_id].entity_id
        return NewDelivery(
            delivery_id=delivery_id,
            system=system,
            command_kind=PUBLISH,
            command=msgspec.structs.replace(command, reference=reference_of(idempotency)),
            key=idempotency,
            order_key=f"master|project|{object_key}",
            entity_id=entity or 0,
        )

    def _mark(self, key: tuple[str, int], *, waiting: bool, is_known: bool) -> None:
        if not waiting and not is_known:
            return
        self._cur.execute(
            """
            insert into published_demand (system, project_id, waiting) values (%s, %s, %s)
            on conflict (system, project_id) do update set waiting = excluded.waiting
             where published_demand.waiting <> excluded.waiting
            """,
            (*key, waiting),
        )

    def _record(self, key: tuple[str, int], delivery_id: int, revision: int, content: bytes, lines: int) -> None:
        self._cur.execute(
            """
            insert into published_demand (system, project_id, revision, content, line_count) values (%s, %s, %s, %s, %s)
            on conflict (system, project_id) do update
               set revision = excluded.revision, content = excluded.content, line_count = excluded.line_count,
                   waiting = false
            """,
            (*key, revision, content, lines),
        )
        self._cur.execute(
            "insert into demand_sending (delivery_id, system, project_id, revision) values (%s, %s, %s, %s)",
            (delivery_id, *key, revision),
        )

    def _settle(self) -> None:
        """Give up what was refused and is said otherwise since; close what came to its end."""
        self._cur.execute(
            """
            select s.delivery_id from demand_sending s
              join published_demand p using (system, project_id) join delivery d using (delivery_id)
             where s.open and s.revision < p.revision and d.state in ('ready', 'rejected', 'dead')
            """
        )
        outdated = [int(str(row[0])) for row in self._cur.fetchall()]
        if outdated:
            gone = give_up(self._cur, outdated, now=self._now)
            intake.resolve(self._cur, DELIVERY, gone, now=self._now, reason="Newer demand is published instead.")
        self._cur.execute(
            """
            update demand_sending s set open = false from delivery d
             where s.open and d.delivery_id = s.delivery_id and d.state in ('posted', 'excluded', 'superseded')
            """
        )


def _event(one: NewDelivery) -> event_log.Event:
    command = one.command
    code = command.project_code if isinstance(command, PublishDemand) else ""
    lines = len(command.lines) if isinstance(command, PublishDemand) else 0
    return event_log.Event(
        type="demand.published" if lines else "demand.withdrawn",
        subject=f"project/{command.entity}/{code}",
        payload={"system": one.system, "code": code, "lines": lines},
    )


def _delivery_ids(cur: Cursor[tuple[object, ...]]) -> Iterator[int]:
    while True:
        first = take_ids(cur, "delivery_id_seq")
        yield from range(first, first + ID_BLOCK)


def _hours(hours_e4: int) -> Decimal:
    return (Decimal(hours_e4) / HOUR_E4).normalize() + 0
