"""Tasks that are no tree are one item of their project on the desk, for as long as they are none."""

from tests.worlds.inbound_database import Hub, master

from tieout.model.reported import FieldValue, RecordType, ReportedRecord


def task(
    key: str, parent: str | None = None, *, version: int = 1, project: str = "p100", **fields: FieldValue
) -> ReportedRecord:
    above = {} if parent is None else {"parent": parent}
    told = {"name": f"Task {key}", "code": key, **fields}
    return master(RecordType.TASK, key, told, version, project=project, **above)


def said(hub: Hub) -> list[str]:
    """What the desk says of trees."""
    rows = hub.rows(
        """
        select i.message from desk_item i join root_cause c using (cause_id)
         where c.code = 'WBS_INVALID' and i.state in ('open', 'released') order by i.subject_id
        """
    )
    return [str(row[0]) for row in rows]


def test_a_cycle_is_named_and_forgotten_when_it_is_cut(hub: Hub) -> None:
    hub.report(task("a"), task("b", "a"), task("c", "b"))
    assert said(hub) == []
    hub.report(task("a", "c", version=2))
    assert said(hub) == ["Task a of P100: it is its own ancestor. 2 more of its tasks are not in order either."]
    hub.report(task("a", version=3))
    assert said(hub) == []


def test_a_task_that_is_its_own_parent_is_named(hub: Hub) -> None:
    hub.report(task("a", "a"))
    assert said(hub) == ["Task a of P100: it is its own parent."]


def test_a_parent_may_come_after_its_child_and_its_going_is_told(hub: Hub) -> None:
    hub.report(task("b", "a"))
    assert said(hub) == ["Task b of P100: its parent key a does not exist."]
    hub.report(task("a"))
    assert said(hub) == []
    hub.report(
        ReportedRecord(type=RecordType.TASK, source_id="a", version=2, fields={}, deleted=True),
    )
    assert said(hub) == ["Task b of P100: its parent key a does not exist."]


def test_hours_belong_on_leaves_and_a_code_to_one_task(hub: Hub) -> None:
    hub.report(task("a", planned_hours="8"), task("b", "a"))
    assert said(hub) == ["Task a of P100: it has hours and children; hours belong on leaves only."]
    hub.report(task("a", version=2, planned_hours="0"), task("c", code="b"))
    assert said(hub) == ["Task b of P100: its code is used twice."]


def test_a_task_that_moves_away_heals_the_project_that_it_leaves(hub: Hub) -> None:
    hub.report(task("a"), task("b", "a"))
    hub.report(task("a", "b", version=2))
    assert len(said(hub)) == 1
    hub.report(task("a", version=3, project="p200"), task("b", version=2))
    assert said(hub) == []


def test_an_item_that_is_tried_again_stays_while_nothing_has_changed(hub: Hub) -> None:
    hub.report(task("a", "a"))
    hub.conn.execute("update desk_item set state = 'released' where state = 'open' and subject_kind = 'task_tree'")
    hub.work()
    assert [state for code, state, _ in hub.open_items() if code == "WBS_INVALID"] == ["open"]
