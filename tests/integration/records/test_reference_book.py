"""The reference in memory: whole, resolved, and free while nothing changes."""

import time

from tests.worlds.records_database import ENTITIES, Records, said

from tieout.model.reported import RecordType
from tieout.records import reference_book


def test_the_same_book_is_used_while_nothing_has_changed(records: Records) -> None:
    book = records.book()
    assert reference_book.refresh(records.conn, book) is book
    records.report(said(RecordType.PROJECT, "p1", code="P1", name="One"))
    newer = reference_book.refresh(records.conn, book)
    assert newer is not book
    assert newer.version > book.version
    assert newer.project("psa", "p1") is not None


def test_what_comes_later_heals_what_came_too_early(records: Records) -> None:
    records.report(said(RecordType.TASK, "t1", name="Design", refs={"project": "p1"}))
    early = records.book().task("psa", "t1")
    assert early is not None
    assert early.project_id is None
    records.report(said(RecordType.PROJECT, "p1", code="P1", name="One", refs={"legal_entity": "Acme US"}))
    records.report(*ENTITIES, system="erp")
    book = records.book()
    task, project = book.task("psa", "t1"), book.project("psa", "p1")
    assert task is not None
    assert project is not None
    assert task.project_id == project.record_id
    assert project.entity is not None
    assert project.entity.policy is not None
    assert project.entity.poster == "erp"


def test_periods_that_overlap_are_left_out_and_reported(records: Records) -> None:
    records.report(*ENTITIES, system="erp")
    spans = {"a": ("2026-03-01", "2026-04-01"), "b": ("2026-03-15", "2026-04-15")}
    for entity, names in (("1", "ab"), ("2", "a")):
        records.report(
            *(
                said(
                    RecordType.PERIOD,
                    f"{entity}{name}",
                    refs={"legal_entity": entity},
                    code=name,
                    starts=spans[name][0],
                    ends=spans[name][1],
                    state="open",
                )
                for name in names
            ),
            system="erp",
        )
    book = records.book()
    assert book.periods.of("US01") == ()
    assert len(book.periods.of("DE01")) == 1
    assert any("overlap" in one for one in book.problems)


def test_a_firm_of_five_thousand_is_read_in_a_moment(records: Records) -> None:
    records.report(*ENTITIES, system="erp")
    records.report(*(said(RecordType.CLIENT, f"c{at}", code=f"C{at}", name=f"Client {at}") for at in range(200)))
    records.report(
        *(
            said(
                RecordType.PROJECT,
                f"p{at}",
                code=f"P{at}",
                name=f"Project {at}",
                currency="USD",
                status="active",
                refs={"client": f"c{at % 200}", "legal_entity": "Acme US"},
            )
            for at in range(1_000)
        )
    )
    records.report(
        *(said(RecordType.TASK, f"t{at}", name="Task", refs={"project": f"p{at % 1000}"}) for at in range(10_000))
    )
    records.report(
        *(
            said(
                RecordType.RESOURCE,
                f"u{at}",
                name=f"Person {at}",
                email=f"{at}@example.com",
                employment_from="2020-01-01",
                refs={"legal_entity": "Acme US"},
            )
            for at in range(5_000)
        )
    )
    started = time.process_time()
    book = records.book()
    spent_s = time.process_time() - started
    assert len(book.tasks_of("psa")) == 10_000
    assert spent_s < 2, f"{spent_s:.2f} s of processor time"
