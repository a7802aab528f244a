"""One reading of one version of an assignment or an absence on its way in: golden records for the source's keys.

Pure. As for time entries (``normalizer``), a value that no table can hold makes the item unreadable, and a key that is
not known only leaves its golden id empty, for ``bookings_rules`` to judge. A reading lives for one batch; ``bookings``
completes it and ``bookings_store`` writes it.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import IntEnum
from hashlib import blake2b
from struct import Struct
from typing import ClassVar, Final, TypeAlias

import msgspec

from tieout.inbound.normalizer import UnreadableItem, storable_key
from tieout.inbound.reading import KnownVersion, Released
from tieout.inbound.rule_context import RuleContext
from tieout.inbound.source_keys import SourceKeys
from tieout.model.finding import Finding
from tieout.model.reported import ReportedAssignment, ReportedBooking, ReportedLeave, ReportedTimeOff
from tieout.records.facts import ProjectFacts, ResourceFacts, TaskFacts

Reported: TypeAlias = ReportedAssignment | ReportedTimeOff

ASSIGNMENT: Final = "assignment"
TIME_OFF: Final = "time_off"

_MAX_KEY_LENGTH: Final = 200
_MAX_VERSION: Final = 2**63 - 1
_MAX_AMOUNT: Final = 100_000
_MAX_RATE: Final = 10**12
_AMOUNT_DECIMALS: Final = 4
_RATE_DECIMALS: Final = 6
_ENCODER: Final = msgspec.msgpack.Encoder()
_SIGNED_64: Final = Struct(">q").unpack


class Outcome(IntEnum):
    """What became of a reading (``assignment_version.disposition``, ``time_off_version.disposition``)."""

    ACCEPTED = 1
    HELD = 2
    ENDED = 3
    SUPERSEDED = 4


class FactArrival(msgspec.Struct, frozen=True, gc=False):
    """One translated assignment or absence and where it was read from.

    ``released``: it is read again. ``is_revaluation``: it stands, and what it was judged by has changed.
    """

    message_id: int
    item_no: int
    system: str
    object: str
    said: Reported
    released: Released | None = None
    is_revaluation: bool = False


class KnownFact(KnownVersion, frozen=True, gc=False):
    """A stored reading of an assignment or absence; the golden ids that it had then."""

    resource_id: int | None
    project_id: int | None
    task_id: int | None
    role_id: int | None


class FactReading(msgspec.Struct, kw_only=True):
    """What assignments and absences have in common. ``noun`` also names the kind of their items on the desk."""

    noun: ClassVar[str] = ""

    message_id: int
    item_no: int
    system: str
    system_id: int
    object: str
    source_id: str
    version: int
    digest: int
    resource: ResourceFacts | None
    released: Released | None = None
    is_revaluation: bool = False
    known: tuple[KnownFact, ...] = ()
    findings: tuple[Finding, ...] = ()
    disposition: int = 0
    revision: int = 0
    previous_entry_id: int | None = None
    entry_id: int = 0

    def add(self, finding: Finding) -> None:
        """Note one more finding."""
        self.findings = (*self.findings, finding)

    @property
    def resource_id(self) -> int | None:
        """Golden id of the person, where known."""
        return None if self.resource is None else self.resource.record_id

    @property
    def golden_ids(self) -> tuple[int | None, int | None, int | None, int | None]:
        """Person, project, task and role, as far as they are known."""
        return self.resource_id, None, None, None


class AssignmentReading(FactReading, kw_only=True):
    """One version of an assignment. ``role_id`` is the role that it names itself, not that of the person."""

    noun = ASSIGNMENT

    said: ReportedAssignment
    project: ProjectFacts | None
    task: TaskFacts | None
    role_id: int | None

    @property
    def project_id(self) -> int | None:
        """Golden id of the project, where known."""
        return None if self.project is None else self.project.record_id

    @property
    def task_id(self) -> int | None:
        """Golden id of the task, where known as one of the project."""
        return None if self.task is None else self.task.record_id

    @property
    def golden_ids(self) -> tuple[int | None, int | None, int | None, int | None]:
        """Person, project, task and role, as far as they are known."""
        return self.resource_id, self.project_id, self.task_id, self.role_id

    @property
    def has_ended(self) -> bool:
        """Whether its source took it back: nothing of it is in the plan."""
        return self.said.state in {ReportedBooking.CANCELLED, ReportedBooking.DELETED}


class AbsenceReading(FactReading, kw_only=True):
    """One version of an absence."""

    noun = TIME_OFF

    said: ReportedTimeOff

    @property
    def has_ended(self) -> bool:
        """Whether its source took it back or refused it: the person works."""
        return self.said.state in {ReportedLeave.REJECTED, ReportedLeave.CANCELLED, ReportedLeave.DELETED}


Fact: TypeAlias = AssignmentReading | AbsenceReading


def normalize_facts(
    arrivals: Iterable[FactArrival], context: RuleContext
) -> tuple[list[AssignmentReading], list[AbsenceReading], list[UnreadableItem]]:
    """Readings of ``arrivals`` in their order, by kind, and the items that cannot be understood."""
    assignments: list[AssignmentReading] = []
    absences: list[AbsenceReading] = []
    unreadable: list[UnreadableItem] = []
    for one in arrivals:
        problem = _problem(one.said)
        if problem is not None:
            unreadable.append(
                UnreadableItem(
                    message_id=one.message_id,
                    item_no=one.item_no,
                    system=one.system,
                    object=one.object,
                    problem=problem,
                    source_id=storable_key(one.said.source_id),
                    released=one.released,
                )
            )
        elif isinstance(one.said, ReportedAssignment):
            assignments.append(_assignment(one, one.said, context.keys(one.system)))
        else:
            absences.append(_absence(one, one.said, context.keys(one.system)))
    return assignments, absences, unreadable


def _assignment(arrival: FactArrival, said: ReportedAssignment, keys: SourceKeys) -> AssignmentReading:
    project = keys.projects.get(said.project)
    resource = None if said.person is None else keys.resources.get(said.person)
    task = None if said.task is None else keys.task(said.task, project)
    if task is not None and (project is None or task.project_id != project.record_id):
        task = None
    role = None if said.role is None else keys.roles.get(said.role)
    return AssignmentReading(
        message_id=arrival.message_id,
        item_no=arrival.item_no,
        system=arrival.system,
        system_id=keys.system_id,
        object=arrival.object,
        source_id=said.source_id,
        version=said.version,
        digest=_digest(said),
        said=said,
        resource=resource,
        project=project,
        task=task,
        role_id=None if role is None else role.record_id,
        released=arrival.released,
        is_revaluation=arrival.is_revaluation,
    )


def _absence(arrival: FactArrival, said: ReportedTimeOff, keys: SourceKeys) -> AbsenceReading:
    return AbsenceReading(
        message_id=arrival.message_id,
        item_no=arrival.item_no,
        system=arrival.system,
        system_id=keys.system_id,
        object=arrival.object,
        source_id=said.source_id,
        version=said.version,
        digest=_digest(said),
        said=said,
        resource=keys.resources.get(said.person),
        released=arrival.released,
        is_revaluation=arrival.is_revaluation,
    )


def _digest(said: Reported) -> int:
    """64 bits over everything the source said: tells two readings of one version apart."""
    digest: int = _SIGNED_64(blake2b(_ENCODER.encode(said), digest_size=8).digest())[0]
    return digest


def _problem(said: Reported) -> str | None:
    """Why no table can hold what was said; None when one can."""
    if not 0 <= said.version <= _MAX_VERSION:
        return f"version {said.version} is not between 0 and 2^63 - 1"
    if storable_key(said.source_id) is None:
        return f"the id cannot be kept; it has 1 to {_MAX_KEY_LENGTH} characters and no NUL"
    if isinstance(said, ReportedAssignment):
        keys: Sequence[str | None] = (said.person, said.project, said.task, said.role, said.location, said.time_zone)
        texts: Sequence[str] = (said.notes,)
        amounts = (said.hours_per_day, said.percent, *(said.hours_by_day or {}).values())
    else:
        keys, texts = (said.person, said.kind), ()
        amounts = (said.hours_per_day, *(said.hours_by_day or {}).values())
    return (
        _text_problem(keys, texts)
        or _number_problem(amounts, _MAX_AMOUNT, _AMOUNT_DECIMALS)
        or (
            _number_problem((said.bill_rate,), _MAX_RATE, _RATE_DECIMALS)
            if isinstance(said, ReportedAssignment)
            else None
        )
    )


def _text_problem(keys: Sequence[str | None], texts: Sequence[str]) -> str | None:
    for text in (*keys, *texts):
        if text is not None and ("\x00" in text or not _is_text(text)):
            return "a text holds what no table can keep"
    if any(key is not None and len(key) > _MAX_KEY_LENGTH for key in keys):
        return f"a key, place or kind has more than {_MAX_KEY_LENGTH} characters"
    return None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number_problem(numbers: Iterable[Decimal | None], below: int, decimals: int) -> str | None:
    for number in numbers:
        if number is None:
            continue
        if not number.is_finite() or abs(number) >= below:
            return f"{str(number)[:40]} is no amount"
        if number != round(number, decimals):
            return f"{str(number)[:40]} has more than {decimals} decimals"
    return None
