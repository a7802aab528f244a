"""How a system names golden records: by its own keys, or, where it reports no masters of its own, by business codes.

Callers of the API have no ids of the project system; they say project codes, e-mail addresses and names. A name that
stands for two records stands for none.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

import msgspec

from tieout.records.facts import ProjectFacts, ResourceFacts, RoleFacts, TaskFacts
from tieout.records.reference_book import ReferenceBook

API_CONNECTOR = "api"
_Facts = TypeVar("_Facts")


class SourceKeys(msgspec.Struct, frozen=True):
    """The golden records that one system can name. ``tasks_by_name`` is keyed by project and name."""

    system_id: int
    projects: Mapping[str, ProjectFacts]
    resources: Mapping[str, ResourceFacts]
    roles: Mapping[str, RoleFacts]
    tasks: Mapping[str, TaskFacts]
    tasks_by_name: Mapping[tuple[int, str], TaskFacts] | None = None

    def task(self, key: str, project: ProjectFacts | None) -> TaskFacts | None:
        """The task that the system calls ``key`` on ``project``."""
        known = self.tasks.get(key)
        if known is not None or self.tasks_by_name is None or project is None:
            return known
        return self.tasks_by_name.get((project.record_id, key))


class _Codes(msgspec.Struct, frozen=True):
    projects: dict[str, ProjectFacts]
    resources: dict[str, ResourceFacts]
    roles: dict[str, RoleFacts]
    tasks: dict[tuple[int, str], TaskFacts]


def source_keys(book: ReferenceBook, system: str) -> SourceKeys:
    """The keys of ``system``, which has its number (``system_name``) since it was configured."""
    own = SourceKeys(
        system_id=book.system_ids[system],
        projects=book.projects_of(system),
        resources=book.resources_of(system),
        roles=book.roles_of(system),
        tasks=book.tasks_of(system),
    )
    configured = book.firm.system(system)
    if configured is None or configured.connector != API_CONNECTOR:
        return own
    codes = _codes(book)
    return SourceKeys(
        system_id=own.system_id,
        projects={**codes.projects, **own.projects},
        resources={**codes.resources, **own.resources},
        roles={**codes.roles, **own.roles},
        tasks=own.tasks,
        tasks_by_name=codes.tasks,
    )


@lru_cache(maxsize=2)
def _codes(book: ReferenceBook) -> _Codes:
    return _Codes(
        projects=_unique((one.code, one) for one in book.project_by_id.values() if one.code and not one.deleted),
        resources=_unique((one.email, one) for one in book.resource_by_id.values() if one.email and not one.deleted),
        roles=_unique((one.code or one.name, one) for one in book.role_by_id.values() if not one.deleted),
        tasks=_unique(
            ((one.project_id, one.name), one)
            for one in book.task_by_id.values()
            if one.project_id is not None and not one.deleted
        ),
    )


_Key = TypeVar("_Key")


def _unique(pairs: Iterable[tuple[_Key, _Facts]]) -> dict[_Key, _Facts]:
    found: dict[_Key, list[_Facts]] = defaultdict(list)
    for key, facts in pairs:
        found[key].append(facts)
    return {key: facts[0] for key, facts in found.items() if len(facts) == 1}
