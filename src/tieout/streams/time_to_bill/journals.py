"""Pure: accepted entries with their actuals in, balanced journals out.

``step`` reads and stores, this module decides what goes into which journal and which lines it has. Per sales actual:
debit unbilled receivable, credit unbilled revenue; per cost actual: debit project cost, credit payroll clearing. Both
sides of a pair come from the same actual, so a journal balances by construction.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from tieout.errors import ConfigurationError
from tieout.model.firm import EntityPolicy
from tieout.model.identity import business_key, idempotency_key, reference_of
from tieout.model.journal import JournalLine, PostJournal

COMMAND_KIND = "post_journal"
PURPOSE = "time_to_bill"


class RatedEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An accepted entry with its actuals; amounts in minor units, currencies as letters.

    ``sales_minor`` is None for time that is not billed. ``cost_minor`` is the cost in the functional currency.
    """

    entry_id: int
    source: str
    version: int
    entity_id: int
    project_id: int
    work_date: date
    hours: Decimal
    currency: str
    sales_minor: int | None
    sales_functional_minor: int
    cost_minor: int
    functional_currency: str


class ProjectLabels(msgspec.Struct, frozen=True, kw_only=True):
    """What journal lines say of a project: codes that the target knows, and its dimensions."""

    code: str
    customer_code: str | None
    dimensions: dict[str, str]


class JournalGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Entries that go into one journal."""

    accounting_date: date
    late: bool
    project_id: int | None
    entries: tuple[RatedEntry, ...]


def group(entries: Iterable[tuple[RatedEntry, date, bool]], policy: EntityPolicy) -> list[JournalGroup]:
    """Cut entries of one legal entity (each with accounting date and late flag) by the policy's grain."""
    by_project = "project" in policy.journal_grain
    groups: dict[tuple[date, bool, int, str], list[RatedEntry]] = {}
    for entry, day, late in entries:
        key = (day, late, entry.project_id if by_project else 0, entry.currency)
        groups.setdefault(key, []).append(entry)
    most = policy.max_entries_per_journal
    return [
        JournalGroup(
            accounting_date=day,
            late=late,
            project_id=project_id or None,
            entries=tuple(members[at : at + most]),
        )
        for (day, late, project_id, _), members in sorted(groups.items(), key=lambda one: one[0])
        for at in range(0, len(members), most)
    ]


def key_of(entity: str, entries: Sequence[RatedEntry]) -> str:
    """The idempotency key of posting exactly these versions of these entries."""
    ordered = sorted(entries, key=lambda one: (one.source, one.version))
    return idempotency_key(
        entity=entity,
        kind="journal",
        source_id=business_key(*(one.source for one in ordered)),
        source_version=business_key(*(str(one.version) for one in ordered)),
        purpose=PURPOSE,
    )


def build(group_: JournalGroup, *, entity: str, policy: EntityPolicy, labels: dict[int, ProjectLabels]) -> PostJournal:
    """The journal of a group; ``labels`` by project id. Raises ConfigurationError when an account is not configured."""
    key = key_of(entity, group_.entries)
    lines = _entry_lines(group_, policy, labels) if policy.line_grain == "entry" else _lines(group_, policy, labels)
    first = min(entry.work_date for entry in group_.entries)
    last = max(entry.work_date for entry in group_.entries)
    worked = f"{first}" if first == last else f"{first} to {last}"
    late = ", late" if group_.late else ""
    return PostJournal(
        reference=reference_of(key),
        key=key,
        entity=entity,
        accounting_date=group_.accounting_date,
        currency=policy.functional_currency,
        description=f"Time of {worked}: {len(group_.entries)} entries{late}",
        lines=tuple(lines),
        entry_count=len(group_.entries),
        hours=sum((entry.hours for entry in group_.entries), Decimal(0)),
    )


def _entry_lines(group_: JournalGroup, policy: EntityPolicy, labels: dict[int, ProjectLabels]) -> list[JournalLine]:
    return [
        line
        for entry in group_.entries
        for line in _pairs([entry], policy, labels[entry.project_id], memo=entry.source)
    ]


def _lines(group_: JournalGroup, policy: EntityPolicy, labels: dict[int, ProjectLabels]) -> list[JournalLine]:
    by_project: dict[int, list[RatedEntry]] = {}
    for entry in group_.entries:
        by_project.setdefault(entry.project_id, []).append(entry)
    return [
        line
        for project_id, entries in by_project.items()
        for line in _pairs(entries, policy, labels[project_id], memo=f"{len(entries)} entries")
    ]


def _pairs(
    entries: Sequence[RatedEntry], policy: EntityPolicy, labels: ProjectLabels, *, memo: str
) -> list[JournalLine]:
    hours = sum((entry.hours for entry in entries), Decimal(0))
    billed = [entry for entry in entries if entry.sales_minor is not None]
    lines: list[JournalLine] = []
    if billed:
        lines += _pair(
            debit=_account(policy, "unbilled_receivable"),
            credit=_account(policy, "unbilled_revenue"),
            functional_minor=sum(entry.sales_functional_minor for entry in billed),
            amount_minor=sum(entry.sales_minor or 0 for entry in billed),
            currency=billed[0].currency,
            hours=sum((entry.hours for entry in billed), Decimal(0)),
            labels=labels,
            memo=memo,
        )
    cost_minor = sum(entry.cost_minor for entry in entries)
    lines += _pair(
        debit=_account(policy, "project_cost"),
        credit=_account(policy, "payroll_clearing"),
        functional_minor=cost_minor,
        amount_minor=cost_minor,
        currency=policy.functional_currency,
        hours=hours,
        labels=labels,
        memo=memo,
    )
    return lines


def _pair(  # noqa: PLR0913 - a pair of lines has this many facts, all named at the call
    *,
    debit: str,
    credit: str,
    functional_minor: int,
    amount_minor: int,
    currency: str,
    hours: Decimal,
    labels: ProjectLabels,
    memo: str,
) -> list[JournalLine]:
    if functional_minor < 0:
        debit, credit, functional_minor, amount_minor = credit, debit, -functional_minor, -amount_minor
    return [
        JournalLine(
            account=account,
            debit_minor=functional_minor if side > 0 else 0,
            credit_minor=functional_minor if side < 0 else 0,
            currency=currency,
            amount_minor=side * amount_minor,
            memo=memo,
            hours=hours,
            customer_code=labels.customer_code,
            project_code=labels.code,
            dimensions=labels.dimensions,
        )
        for account, side in ((debit, 1), (credit, -1))
    ]


def _account(policy: EntityPolicy, role: str) -> str:
    account = policy.accounts.get(role)
    if account is None:
        raise ConfigurationError(
            code="TIE-BILLING-001",
            message=f"The policy of {policy.entity} names no account for {role}.",
        )
    return account
