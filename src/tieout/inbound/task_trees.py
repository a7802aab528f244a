"""Whether the tasks of a project, as systems tell them, are a tree: judged when one of them changed.

``record_acceptance`` says what changed, ``model.project`` judges. What is wrong is one desk item per project, which
goes when the tree is sound again: tasks come one by one, and a parent may come after its child. Dates are not judged
here: a task outside its parent's holds nothing up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec
from psycopg import Cursor

from tieout.desk import intake
from tieout.governance.ownership import DELETED
from tieout.model.finding import Finding, finding
from tieout.model.project import WBSTask, wbs_problems
from tieout.model.reported import FieldValue, RecordType
from tieout.model.working_time import has_hour_decimals
from tieout.records.golden_record import ChangedRecord

TASK_TREE: Final = "task_tree"
"""The kind of an item's subject; the subject is the golden record of the project."""

_OF_A_TREE: Final = frozenset({"code", "project", "parent", "planned_hours", DELETED})
_fields = msgspec.json.Decoder(dict[str, FieldValue])


class _Task(msgspec.Struct, frozen=True):
    """A task with the records of its project and its parent; ``told_parent`` where it has one, known or not."""

    record_id: int
    project_id: int
    project: str
    fields: Mapping[str, FieldValue]
    parent_id: int | None
    told_parent: str | None


def settle_trees(cur: Cursor[tuple[object, ...]], changed: Iterable[ChangedRecord], *, now: datetime) -> None:
    """Judge the tree of every project of which a task changed, and keep its desk item."""
    moved = [one.record_id for one in changed if one.type == RecordType.TASK and _OF_A_TREE.intersection(one.fields)]
    projects = _projects_of(cur, moved) if moved else []
    if not projects:
        return
    trees: dict[int, list[_Task]] = {project: [] for project in projects}
    for task in _tasks_of(cur, projects):
        trees[task.project_id].append(task)
    broken = {project: found for project, tasks in trees.items() if (found := _judge(tasks)) is not None}
    items = intake.open_items_of(cur, TASK_TREE, projects)
    healed = [item.item_id for project, item in items.items() if project not in broken]
    intake.resolve_items(cur, healed, now=now, reason="The tasks are a tree again.")
    intake.update(cur, [(items[at].item_id, _item(at, one)) for at, one in broken.items() if at in items], now=now)
    intake.open_items(cur, [_item(at, one) for at, one in broken.items() if at not in items], now=now)


def _item(project_id: int, found: Finding) -> intake.ItemFacts:
    return intake.ItemFacts(subject_kind=TASK_TREE, subject_id=project_id, finding=found, entry_count=0)


def _projects_of(cur: Cursor[tuple[object, ...]], task_ids: Sequence[int]) -> list[int]:
    """The projects of these tasks, and those whose item names one of them: a task may have left its project."""
    cur.execute(
        """
        select x.record_id
          from golden_record t
          join cross_reference x on x.type = 'project' and x.system = t.refs -> 'project' ->> 0
                                and x.source_id = t.refs -> 'project' ->> 1
         where t.record_id = any(%(tasks)s)
         union
        select x.record_id
          from golden_record_version v
          join cross_reference x on x.type = 'project' and x.system = v.refs -> 'project' ->> 0
                                and x.source_id = v.refs -> 'project' ->> 1
         where v.record_id = any(%(tasks)s)
         order by 1
        """,
        {"tasks": list(task_ids)},
    )
    return [int(str(row[0])) for row in cur]


def _tasks_of(cur: Cursor[tuple[object, ...]], project_ids: Sequence[int]) -> list[_Task]:
    """Every living task of these projects, in the order in which they became known."""
    cur.execute(
        """
        select t.record_id, x.record_id, coalesce(j.fields ->> 'code', j.fields ->> 'name', x.source_id),
               t.fields::text, a.record_id, t.refs -> 'parent' ->> 1
          from golden_record t
          join cross_reference x on x.type = 'project' and x.system = t.refs -> 'project' ->> 0
                                and x.source_id = t.refs -> 'project' ->> 1
          join golden_record j on j.record_id = x.record_id
          left join cross_reference a on a.type = 'task' and a.system = t.refs -> 'parent' ->> 0
                                     and a.source_id = t.refs -> 'parent' ->> 1
         where t.type = 'task' and not t.tombstone and x.record_id = any(%s)
         order by t.record_id
        """,
        (list(project_ids),),
    )
    return [
        _Task(
            record_id=int(str(row[0])),
            project_id=int(str(row[1])),
            project=str(row[2]),
            fields=_fields.decode(str(row[3])),
            parent_id=None if row[4] is None else int(str(row[4])),
            told_parent=None if row[5] is None else str(row[5]),
        )
        for row in cur.fetchall()
    ]


def _judge(tasks: Sequence[_Task]) -> Finding | None:
    """The first thing that is wrong with the tree of a project, and how many there are."""
    codes = {task.record_id: _code(task) for task in tasks}
    found = [*_own_parents(tasks, codes), *wbs_problems(_tree(tasks, codes))]
    if not found:
        return None
    more = "" if len(found) == 1 else f" {len(found) - 1} more of its tasks are not in order either."
    return msgspec.structs.replace(found[0], message=found[0].message + more)


def _own_parents(tasks: Iterable[_Task], codes: Mapping[int, str]) -> Iterator[Finding]:
    for task in tasks:
        if task.parent_id == task.record_id:
            yield finding(
                "WBS_INVALID",
                f"Task {codes[task.record_id]} of {task.project}: it is its own parent.",
                cause=task.project,
                subject=f"task:{task.project}/{codes[task.record_id]}",
            )


def _tree(tasks: Iterable[_Task], codes: Mapping[int, str]) -> Iterator[WBSTask]:
    for task in tasks:
        yield WBSTask(
            project=task.project,
            wbs_code=codes[task.record_id],
            name=str(task.fields.get("name") or codes[task.record_id]),
            parent=_parent(task, codes),
            planned_hours=_hours(task.fields.get("planned_hours")),
        )


def _code(task: _Task) -> str:
    """Its WBS code; a task without one goes by its name and its number here, which no other has."""
    told = task.fields.get("code")
    return str(told) if told else f"{task.fields.get('name')} (record {task.record_id})"


def _parent(task: _Task, codes: Mapping[int, str]) -> str | None:
    """The code of its parent; one that is unknown, gone, or in another project goes by the source's key."""
    if task.told_parent is None or task.parent_id == task.record_id:
        return None
    known = None if task.parent_id is None else codes.get(task.parent_id)
    return known or f"key {task.told_parent}"


def _hours(told: FieldValue) -> Decimal:
    """Planned hours; such as no task can have are another rule's matter."""
    try:
        hours = Decimal(str(told or 0))
    except InvalidOperation:
        return Decimal(0)
    return hours if has_hour_decimals(hours) and hours >= 0 else Decimal(0)
