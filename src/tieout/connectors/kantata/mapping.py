"""What a stored answer of Kantata says in canonical words: time entries, deletions, and the Translator over all.

Pure. ``masters`` does the same for everything that is not time. Minutes become hours with four decimals, from which
the minutes can always be had back; a rate in subunits becomes a decimal by the base unit that came with it. Nothing
is coerced: an item that does not say what it must is Unreadable, and the rest of its page goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

import msgspec

from tieout.connect.json_codec import decode_strict_as
from tieout.connect.source import Translated, Unreadable
from tieout.connectors.kantata import masters, rates
from tieout.connectors.kantata.envelope import Envelope, Keyed, decode
from tieout.connectors.kantata.fields import version_of
from tieout.connectors.kantata.records import (
    Id,
    KantataSubscribedEvent,
    KantataTimeBeforeDeletion,
    KantataTimeEntry,
    KantataTimePage,
    KantataTimesheetSubmission,
)
from tieout.errors import ContractError
from tieout.model.reported import RecordType, ReportedRecord, ReportedState, ReportedTime
from tieout.model.working_time import hours_from_minutes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BASE_UNITS = {1: 0, 10: 1, 100: 2, 1_000: 3, 10_000: 4}
_NO_TIME = KantataTimeBeforeDeletion()

_STATE_OF_SUBMISSION = {
    "pending": ReportedState.SUBMITTED,
    "new": ReportedState.SUBMITTED,
    "approved": ReportedState.SUBMITTED,
    "rejected": ReportedState.REJECTED,
    "cancelled": ReportedState.RECALLED,
}
_RECORD_OF_EVENT = {
    "workspace:deleted": RecordType.PROJECT,
    "story:deleted": RecordType.TASK,
    "workspace_group:deleted": RecordType.CLIENT,
}
TIME_DELETED = "time_entry:deleted"
EVENT_TYPES = (TIME_DELETED, *_RECORD_OF_EVENT)


class KantataTranslator:
    """Translates every object that the manifest reads; stateless."""

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """One result per item in the order of the answer; raises ContractError where the answer cannot be read."""
        translate = _TRANSLATE.get(object_name)
        if translate is None:
            raise ContractError(
                code="TIE-KANTATA-001", message=f"Kantata has no object {object_name!r} that the hub can read."
            )
        return translate(payload)


def time_entries(payload: bytes) -> list[Translated]:
    """A page of ``/time_entries``: at once where every row is as documented, else row by row."""
    try:
        page = decode(payload, KantataTimePage)
    except ContractError:
        envelope = Envelope(payload)
        listed = envelope.references("time_entries")
        entries = envelope.rows("time_entries", KantataTimeEntry)
        submissions = envelope.rows("timesheet_submissions", KantataTimesheetSubmission)
    else:
        if any(one.key != "time_entries" for one in page.results):
            Envelope(payload).references("time_entries")
        listed = [one.id for one in page.results]
        entries = Keyed(page.time_entries)
        submissions = Keyed(page.timesheet_submissions)
    rows = entries.rows
    translated: list[Translated] = []
    for source_id in listed:
        entry = rows.get(source_id)
        if entry is None or entry.id != source_id:
            translated.append(Unreadable(problem=_problem(source_id, entries), source_id=source_id))
        else:
            translated.append(_reported_time(entry, submissions))
    return translated


def _problem(source_id: str, entries: Keyed[KantataTimeEntry]) -> str:
    if source_id in entries.rows:
        return f"Time entry {source_id}: its id is not the one that it is filed under."
    return f"Time entry {source_id}: {entries.problem(source_id)}."


def _reported_time(
    entry: KantataTimeEntry, submissions: Keyed[KantataTimesheetSubmission]
) -> ReportedTime | Unreadable:
    rate = None
    if entry.rate_in_cents is not None:
        rate = price_of(entry.rate_in_cents, entry.currency_base_unit)
        if rate is None or entry.currency is None:
            return _unreadable(
                entry,
                f"rate_in_cents {entry.rate_in_cents} in currency {entry.currency!r} with "
                f"currency_base_unit {entry.currency_base_unit!r} is no price",
            )
    submission: KantataTimesheetSubmission | None = None
    submission_id = entry.active_submission_id or entry.recent_submission_id
    if submission_id is not None:
        submission = submissions.rows.get(str(submission_id))
        if submission is None:
            return _unreadable(entry, f"its submission {submission_id}: {submissions.problem(str(submission_id))}")
        if submission.status not in _STATE_OF_SUBMISSION:
            return _unreadable(entry, f"its submission {submission_id} has the unknown status {submission.status!r}")
    approved_by: Id | None = None
    approved_at: datetime | None = None
    if entry.approved:
        state = ReportedState.APPROVED
        if submission is not None and submission.status == "approved":
            approved_by = submission.current_resolution_creator_id
            approved_at = submission.current_resolution_created_at_date
    else:
        state = ReportedState.DRAFT if submission is None else _STATE_OF_SUBMISSION[submission.status]
    return ReportedTime(
        source_id=entry.id,
        version=(entry.updated_at - _EPOCH) // _MICROSECOND,
        state=state,
        person=str(entry.user_id),
        project=str(entry.workspace_id),
        work_date=entry.date_performed,
        hours=hours_from_minutes(entry.time_in_minutes),
        billable=entry.billable,
        task=_key(entry.story_id),
        role=_key(entry.role_id),
        narrative=entry.notes or "",
        approved_by=_key(approved_by),
        approved_at=approved_at,
        claimed_rate=rate,
        claimed_currency=entry.currency,
    )


@lru_cache(maxsize=8192)
def price_of(subunits: int, base_unit: int | None) -> Decimal | None:
    """``subunits`` as units of a currency of which one has ``base_unit`` subunits; None where that is unknown."""
    exponent = _BASE_UNITS.get(base_unit) if base_unit is not None else None
    return None if exponent is None else Decimal(subunits).scaleb(-exponent)


def _key(value: Id | None) -> str | None:
    return None if value is None else str(value)


def _unreadable(entry: KantataTimeEntry, why: str) -> Unreadable:
    return Unreadable(problem=f"Time entry {entry.id}: {why}.", source_id=entry.id)


def subscribed_events(payload: bytes) -> list[Translated]:
    """A page of ``/subscribed_events`` with deletions; a repeated event yields an equal tombstone."""
    envelope = Envelope(payload)
    events = envelope.rows("subscribed_events", KantataSubscribedEvent)
    translated: list[Translated] = []
    for event_id in envelope.references("subscribed_events"):
        event = events.rows.get(event_id)
        if event is None:
            translated.append(Unreadable(problem=f"Event {event_id}: {events.problem(event_id)}."))
        elif event.event_type == TIME_DELETED:
            translated.append(_deleted_time(event))
        elif event.event_type in _RECORD_OF_EVENT:
            translated.append(_deleted_record(event, _RECORD_OF_EVENT[event.event_type]))
        else:
            problem = f"Event {event_id}: the event type {event.event_type!r} is unknown."
            translated.append(Unreadable(problem=problem, source_id=str(event.subject_id)))
    return translated


def _deleted_time(event: KantataSubscribedEvent) -> ReportedTime:
    """A tombstone: its id, version and state are what counts; the rest is what the event still knew, else empty.

    The version lies above every version of the entry itself, even of one changed in the second of its deletion:
    ids are never used again, so nothing can follow.
    """
    before = _before_deletion(event)
    changed_at = event.subject_changed_at
    if before.updated_at is not None:
        changed_at = max(changed_at, before.updated_at)
    return ReportedTime(
        source_id=str(event.subject_id),
        version=version_of(changed_at) + 1,
        state=ReportedState.DELETED,
        person=_key(before.user_id) or "",
        project=_key(before.workspace_id) or "",
        work_date=before.date_performed or event.subject_changed_at.date(),
        hours=hours_from_minutes(before.time_in_minutes or 0),
        billable=bool(before.billable),
        task=_key(before.story_id),
        role=_key(before.role_id),
    )


def _before_deletion(event: KantataSubscribedEvent) -> KantataTimeBeforeDeletion:
    try:
        if isinstance(event.previous_payload, str):
            return decode_strict_as(event.previous_payload.encode(), KantataTimeBeforeDeletion)
        return msgspec.convert(event.previous_payload or {}, KantataTimeBeforeDeletion)
    except (ContractError, msgspec.ValidationError, UnicodeEncodeError):
        return _NO_TIME


def _deleted_record(event: KantataSubscribedEvent, record_type: RecordType) -> ReportedRecord:
    return ReportedRecord(
        type=record_type,
        source_id=str(event.subject_id),
        version=version_of(event.subject_changed_at) + 1,
        fields={},
        deleted=True,
    )


_TRANSLATE: Mapping[str, Callable[[bytes], Sequence[Translated]]] = {
    "time_entries": time_entries,
    "subscribed_events": subscribed_events,
    **masters.TRANSLATE,
    **rates.TRANSLATE,
}
