"""One reading of one version of a time entry on its way in, and what is known of its source entry already.

Made by ``normalizer``, completed step by step (``idempotent_receiver``, ``changes``, ``validation``, ``judgement``) and
written by ``acceptance``. It lives for one batch only.
"""

from enum import IntEnum
from typing import ClassVar

import msgspec

from tieout.inbound.rule_context import HOUR_E4, EntityRules
from tieout.ledger.rating import Rated
from tieout.model.finding import Finding
from tieout.model.reported import ReportedState, ReportedTime
from tieout.records.facts import ProjectFacts, ResourceFacts, TaskFacts

__all__ = [
    "APPROVED",
    "HOUR_E4",
    "STATE_NUMBER",
    "Disposition",
    "Known",
    "KnownVersion",
    "Posted",
    "Reading",
    "Released",
]


class Disposition(IntEnum):
    """What became of a reading (``time_entry.disposition``)."""

    ACCEPTED = 1
    HELD = 2
    NOT_APPROVED = 3
    SUPERSEDED = 4
    CARRIED = 5


STATE_NUMBER = {
    ReportedState.DRAFT: 1,
    ReportedState.SUBMITTED: 2,
    ReportedState.APPROVED: 3,
    ReportedState.REJECTED: 4,
    ReportedState.RECALLED: 5,
    ReportedState.DELETED: 6,
}
APPROVED = STATE_NUMBER[ReportedState.APPROVED]


class KnownVersion(msgspec.Struct, frozen=True, gc=False):
    """A reading that is stored already, as far as ``idempotent_receiver`` needs it. ``entry_id`` is its id."""

    entry_id: int
    version: int
    revision: int
    disposition: int
    digest: int


class Known(KnownVersion, frozen=True, gc=False):
    """A stored reading of a time entry, as far as a later one of the same source entry needs it."""

    state: int
    previous_entry_id: int | None
    resource_id: int | None
    project_id: int | None
    task_id: int | None
    role_id: int | None
    entity_id: int | None
    day: int
    hours_e4: int
    billable: bool
    work_type: int


class Released(msgspec.Struct, frozen=True):
    """Why something is read again: its desk item, with the codes that a person decided shall not block.

    ``subject_id`` is the held reading; 0 for an item that could not be read before.
    """

    item_id: int
    subject_id: int
    code: str
    cause_key: str
    overrides: frozenset[str]


class Posted(msgspec.Struct, frozen=True):
    """What the ledger and a delivery hold of an entry that its source has changed since."""

    entry_id: int
    delivery_id: int
    hours_e4: int
    amount_minor: int
    currency: int


class Reading(msgspec.Struct, gc=False):
    """A normalised time entry. ``day`` is the work date as an ordinal, ``hours_e4`` ten-thousandths of an hour.

    The golden ids are None where the source's key is not known. ``findings`` stays empty for a good entry.
    ``is_revaluation``: the source says nothing new, but what stands of the entry is worth something else by now.
    """

    noun: ClassVar[str] = "time entry"

    message_id: int
    item_no: int
    system: str
    system_id: int
    said: ReportedTime
    source_id: str
    version: int
    state: int
    digest: int
    day: int
    hours_e4: int
    work_type: int
    narrative: str
    started_us: int | None
    ended_us: int | None
    project: ProjectFacts | None
    task: TaskFacts | None
    resource: ResourceFacts | None
    project_id: int | None
    task_id: int | None
    resource_id: int | None
    role_id: int | None
    entity_id: int | None
    rules: EntityRules | None
    released: Released | None = None
    is_revaluation: bool = False
    known: tuple[Known, ...] = ()
    posted: Posted | None = None
    findings: tuple[Finding, ...] = ()
    rated: Rated | None = None
    disposition: int = 0
    revision: int = 0
    previous_entry_id: int | None = None
    entry_id: int = 0

    @property
    def replaces(self) -> str | None:
        """The source id of the entry that this one corrects, where the source tells it."""
        return self.said.replaces

    def add(self, finding: Finding) -> None:
        """Note one more finding."""
        self.findings = (*self.findings, finding)
