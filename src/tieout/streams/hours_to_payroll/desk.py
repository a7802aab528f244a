"""Puts people whose approved hours no payroll can be told on the desk, and takes them off once they are known.

An item that a person excluded stays so: whoever is not paid there is not asked for again. Neighbours: ``step`` keeps
their days back, each for its reason.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from psycopg import Cursor

from tieout.desk import intake
from tieout.desk.intake import NewItem
from tieout.model.finding import finding
from tieout.records.reference_book import ReferenceBook
from tieout.streams.hours_to_payroll import store

PERSON: Final = "payroll_person"
EMPLOYER, NUMBER, NUMBERS, ELSEWHERE = "employer", "number", "numbers", "elsewhere"
_WORDS: Final[Mapping[str, str]] = {
    EMPLOYER: "the legal entity that employs the person is not known",
    NUMBER: "the person has no employee number there",
    NUMBERS: "the person has several employee numbers there",
}
_RELEASED_AT_ONCE: Final = 500


def claim_released(cur: Cursor[tuple[object, ...]]) -> set[int]:
    """People who are to be looked for again because somebody said so."""
    return {one.subject_id for one in intake.claim_released(cur, [PERSON], limit=_RELEASED_AT_ONCE)}


def judge(cur: Cursor[tuple[object, ...]], book: ReferenceBook, *, now: datetime) -> None:
    """One item for each person whose days are kept back; those of all others are resolved."""
    held = {
        person: NewItem(
            subject_kind=PERSON,
            subject_id=person,
            entity_id=_employer(book, person),
            entry_count=days,
            finding=finding(
                "PAYROLL_PERSON_UNKNOWN",
                f"Approved hours of {_name(book, person)} on {days} days wait for the payroll: {_WORDS[reason]}.",
                cause=str(person),
                context={"reason": reason, "days": str(days)},
            ),
        )
        for person, reason, days in store.held_people(cur, tuple(_WORDS))
    }
    last = _items(cur)
    known = {person: item for person, item in last.items() if item[1] != "excluded"}
    excluded = last.keys() - known.keys()
    gone = [item_id for person, (item_id, _) in known.items() if person not in held]
    intake.resolve_items(cur, gone, now=now, reason="The payroll can be told the person's hours.")
    intake.update(cur, [(known[person][0], item) for person, item in held.items() if person in known], now=now)
    new = [item for person, item in held.items() if person not in known and person not in excluded]
    intake.open_items(cur, new, now=now)


def _items(cur: Cursor[tuple[object, ...]]) -> dict[int, tuple[int, str]]:
    """The last item of each person that is not resolved: its id and state."""
    cur.execute(
        """
        select distinct on (subject_id) subject_id, item_id, state from desk_item
         where subject_kind = %s and state <> 'resolved' order by subject_id, item_id desc
        """,
        (PERSON,),
    )
    return {int(str(person)): (int(str(item_id)), str(state)) for person, item_id, state in cur.fetchall()}


def _name(book: ReferenceBook, person: int) -> str:
    known = book.resource_by_id.get(person)
    return f"person {person}" if known is None else known.name


def _employer(book: ReferenceBook, person: int) -> int | None:
    known = book.resource_by_id.get(person)
    return None if known is None else known.entity_id


def reason_of(numbers: Collection[str]) -> str | None:
    """Why a person of these employee numbers cannot be told; None for just one."""
    if len(numbers) == 1:
        return None
    return NUMBERS if numbers else NUMBER
