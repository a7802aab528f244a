"""Duplicates: the same work said twice, by natural key and by likeness (domain model 2.6).

Exact repeats (same source, id and version) never reach this module: ``idempotent_receiver`` drops them. Here entries of
one person are compared. Nothing is ever deleted; a likely duplicate is held and a person decides.

Only candidates are scored: entries of the same person that have equal hours on the same day, or whose times overlap on
the same or a neighbouring day. The same narrative and hours on neighbouring days is how ordinary work looks, so without
overlapping times a neighbouring day is no candidate. Entries whose times are both known and do not overlap are two
pieces of work, however alike they read.

Score, 0 to 100 = 30 x T + 30 x P + 40 x N:

- T: 1 for equal hours, else the share of the shorter time span that overlaps;
- P: 1 for the same project and kind of work, one half for the same project and another kind of work, else 0;
- N: the mean of rapidfuzz's token-set and token-sort ratio of the two narratives (0 where one is empty). The
  mean, since the token-set ratio alone calls "Workshop" and "Workshop preparation with the client" the same.

At the default threshold of 92, two entries of one person, day and project with equal hours are held when their
narratives agree to four fifths.
"""

from typing import Protocol

from rapidfuzz.fuzz import token_set_ratio, token_sort_ratio

_TIME_WEIGHT = 30.0
_PROJECT_WEIGHT = 30.0
_NARRATIVE_WEIGHT = 0.4
_OTHER_KIND_OF_WORK = 0.5
MOST_ACROSS_PROJECTS = _TIME_WEIGHT + 100 * _NARRATIVE_WEIGHT
"""The highest score of two entries of different projects: below the threshold they need not be compared at all."""


class Work(Protocol):
    """What is compared of one entry; times are None where the source tells none."""

    @property
    def system_id(self) -> int:
        """The system it comes from."""
        ...

    @property
    def source_id(self) -> str:
        """Its id there."""
        ...

    @property
    def replaces(self) -> str | None:
        """The source id of the entry it corrects."""
        ...

    @property
    def day(self) -> int:
        """The work date as a proleptic ordinal."""
        ...

    @property
    def hours_e4(self) -> int:
        """Ten-thousandths of an hour."""
        ...

    @property
    def project_id(self) -> int | None:
        """The golden project."""
        ...

    @property
    def task_id(self) -> int | None:
        """The golden task."""
        ...

    @property
    def work_type(self) -> int:
        """Kind of work by its number."""
        ...

    @property
    def started_us(self) -> int | None:
        """Start, microseconds since 1970."""
        ...

    @property
    def ended_us(self) -> int | None:
        """End, microseconds since 1970."""
        ...

    @property
    def narrative(self) -> str:
        """What was done."""
        ...


def overlap_us(one: Work, other: Work) -> int | None:
    """Microseconds that both cover; 0 when they only touch (spans are half-open); None where a time is not known."""
    if one.started_us is None or one.ended_us is None or other.started_us is None or other.ended_us is None:
        return None
    return max(0, min(one.ended_us, other.ended_us) - max(one.started_us, other.started_us))


def is_correction(one: Work, other: Work) -> bool:
    """Whether one of the two says that it corrects the other."""
    if one.system_id != other.system_id:
        return False
    return one.replaces == other.source_id or other.replaces == one.source_id


def is_candidate(one: Work, other: Work) -> bool:
    """Whether the two are worth comparing at all: see the module's docstring. Both are of the same person."""
    shared_us = overlap_us(one, other)
    if shared_us is not None:
        return shared_us > 0
    return one.day == other.day and one.hours_e4 == other.hours_e4


def is_natural_duplicate(one: Work, other: Work) -> bool:
    """Same project, task, day, kind of work and hours (and start, where both tell one), of the same person."""
    return (
        one.day == other.day
        and one.hours_e4 == other.hours_e4
        and one.project_id == other.project_id
        and one.task_id == other.task_id
        and one.work_type == other.work_type
        and (one.started_us is None or other.started_us is None or one.started_us == other.started_us)
    )


def likeness(one: Work, other: Work) -> float:
    """The score of two candidates of one person, 0 to 100."""
    score = _TIME_WEIGHT * _time_agreement(one, other)
    if one.project_id is not None and one.project_id == other.project_id:
        score += _PROJECT_WEIGHT * (1.0 if one.work_type == other.work_type else _OTHER_KIND_OF_WORK)
    if one.narrative and other.narrative:
        mine, theirs = one.narrative.casefold(), other.narrative.casefold()
        score += _NARRATIVE_WEIGHT * (token_set_ratio(mine, theirs) + token_sort_ratio(mine, theirs)) / 2
    return score


def _time_agreement(one: Work, other: Work) -> float:
    if one.hours_e4 == other.hours_e4 and one.day == other.day:
        return 1.0
    shared_us = overlap_us(one, other)
    if not shared_us or one.started_us is None or one.ended_us is None:
        return 0.0
    if other.started_us is None or other.ended_us is None:
        return 0.0
    return shared_us / max(1, min(one.ended_us - one.started_us, other.ended_us - other.started_us))
