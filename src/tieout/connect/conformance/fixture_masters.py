"""The masters that checks write: a customer, a project and an employee of the fixture firm's legal entities.

Neighbours: ``checks_writing`` writes them once and again, ``checks_idempotency`` proves their classes with them.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, TypeAlias

from tieout.connect.conformance.bench import Bench
from tieout.model.command import UpsertCustomer, UpsertEmployee, UpsertProject

Master: TypeAlias = UpsertCustomer | UpsertProject | UpsertEmployee


def customer(bench: Bench) -> UpsertCustomer:
    """A customer that is not there yet."""
    entity, key = bench.entity(), bench.numbers.next_key()
    return UpsertCustomer(
        reference=f"TIE-{key[:32]}",
        entity=entity.code,
        code=f"N-{key[:8]}",
        name="Ünïcode & Sons",
        currency=entity.currency,
    )


def project(bench: Bench) -> UpsertProject:
    """A project of the fixture customer that is not there yet."""
    entity, key = bench.entity(), bench.numbers.next_key()
    return UpsertProject(
        reference=f"TIE-{key[:32]}",
        entity=entity.code,
        code=f"N-{key[:8]}",
        name="Phase 1",
        customer_code=f"C-{entity.code}",
        currency=entity.currency,
        starts=date(2026, 9, 1),
        ends=date(2026, 12, 31),
    )


def employee(bench: Bench) -> UpsertEmployee:
    """An employee who is not there yet."""
    key = bench.numbers.next_key()
    return UpsertEmployee(
        reference=f"TIE-{key[:32]}", entity=bench.entity().code, code=f"N-{key[:8]}", name="Zoë Ångström"
    )


MASTERS: Final[Mapping[str, Callable[[Bench], Master]]] = {
    "upsert_customer": customer,
    "upsert_project": project,
    "upsert_employee": employee,
}
"""How to make the command of each kind."""
