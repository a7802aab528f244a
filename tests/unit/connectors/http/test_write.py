"""What is written is recorded once and found again; what is refused, lost or unsayable is told as what it is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from tests.unit.connectors.http.server import HEAD, Server

from tieout.connect.outcome import (
    Accepted,
    AlreadyDone,
    FoundState,
    NoAccess,
    Rejected,
    RejectionCode,
    RetryLater,
    Unknown,
)
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.sink import Sink
from tieout.connectors.http.simulator.rest_server import sample_definition
from tieout.errors import ConfigurationError
from tieout.model.command import (
    DemandLine,
    LinkDeal,
    MasterCommand,
    PublishDemand,
    RatePrice,
    SetProjectStatus,
    UpsertCustomer,
    UpsertEmployee,
    UpsertProject,
    UpsertRateCard,
    UpsertTask,
)
from tieout.model.journal import JournalLine, PostJournal

CUSTOMER = UpsertCustomer(
    reference="TIE-1",
    entity="US01",
    code="N/1 ä",
    name="Ünïcode & Sons",
    currency="USD",
    fields={"segment": "gold", "address.city": "Boston"},
)
PROJECT = UpsertProject(
    reference="TIE-2",
    entity="US01",
    code="P-NEW",
    name="Phase 1",
    customer_code="C-US01",
    currency="USD",
    starts=date(2026, 9, 1),
    ends=date(2027, 1, 1),
    budget_hours=Decimal("120.50"),
    budget_minor=1_000_000,
)


def journal(reference: str = "TIE-J1", *, on: date = date(2026, 11, 3), account: str = "1250") -> PostJournal:
    lines = tuple(
        JournalLine(
            account=number,
            debit_minor=debit,
            credit_minor=credit,
            currency="EUR",
            amount_minor=amount,
            memo="Work",
        )
        for number, debit, credit, amount in ((account, 12345, 0, 11400), ("4050", 0, 12345, -11400))
    )
    return PostJournal(
        reference=reference,
        key=reference * 8,
        entity="US01",
        accounting_date=on,
        currency="USD",
        description="November",
        lines=lines,
        entry_count=1,
        hours=Decimal("1.5"),
    )


@asynccontextmanager
async def sink(server: Server, definition: str | None = None) -> AsyncIterator[Sink]:
    connector, connection = server.configured(definition)
    assert connector.open_sink is not None
    opened = connector.open_sink(connection)
    try:
        yield opened
    finally:
        await opened.aclose()


async def test_a_customer_is_put_under_its_code_with_fields_of_the_firms_own(server: Server) -> None:
    async with sink(server) as opened:
        (first,) = await opened.write([CUSTOMER])
        (again,) = await opened.write([CUSTOMER])
        found = await opened.find("upsert_customer", ["TIE-1", "TIE-0"], entity="US01")
    assert isinstance(first, Accepted)
    assert again == first
    assert found.keys() == {"TIE-1"}
    held = server.simulator._rows.held("clients", "N/1 ä")
    assert held is not None
    assert (held["name"], held["segment"], held["address"]) == ("Ünïcode & Sons", "gold", {"city": "Boston"})


async def test_a_project_its_tasks_its_state_and_its_demand_arrive(server: Server) -> None:
    task = UpsertTask(reference="TIE-3", entity="US01", project_code="P-NEW", wbs_code="1.1", name="Design")
    state = SetProjectStatus(reference="TIE-4", entity="US01", project_code="P-NEW", status="active")
    demand = PublishDemand(
        reference="TIE-5",
        entity="US01",
        project_code="P-NEW",
        project_name="Phase 1",
        customer_name="O'Brien",
        starts=date(2026, 9, 1),
        ends=date(2027, 1, 1),
        lines=(
            DemandLine(
                number="1",
                role="Consultant",
                hours=Decimal("40.25"),
                starts=date(2026, 9, 1),
                ends=date(2026, 10, 1),
                skills=("Audit",),
            ),
        ),
    )
    async with sink(server) as opened:
        for command in (PROJECT, task, state, demand):
            (outcome,) = await opened.write([command])
            assert isinstance(outcome, Accepted), outcome
    held = server.simulator._rows.held("projects", "P-NEW")
    assert held is not None
    assert (held["state"], held["from"], held["until"]) == ("open", "2026-09-01", "2026-12-31")
    assert held["budget"] == {"hours": "120.50", "amount": "10000.00"}
    wanted = server.simulator._rows.held("demands", "P-NEW")
    assert wanted is not None
    assert wanted["lines"] == [
        {
            "number": "1",
            "role": "Consultant",
            "minutes": 2415,
            "from": "2026-09-01",
            "until": "2026-09-30",
            "skills": ["Audit"],
        }
    ]


async def test_a_journal_arrives_with_its_amounts_and_is_found_and_read_back(server: Server) -> None:
    connector, connection = server.configured()
    assert connector.open_ledger_reader is not None
    async with sink(server) as opened:
        (outcome,) = await opened.write([journal()])
        found = (await opened.find("post_journal", ["TIE-J1"], entity="US01"))["TIE-J1"]
    assert isinstance(outcome, Accepted)
    assert outcome.echo is not None
    assert (outcome.echo.amount_minor, outcome.echo.currency, outcome.echo.accounting_date) == (
        12345,
        "USD",
        "2026-11-03",
    )
    assert (found.state, found.echo, found.count) == (FoundState.POSTED, outcome.echo, 1)
    reader = connector.open_ledger_reader(connection)
    read = [one async for one in reader.postings(entity="US01", starts=date(2026, 11, 3), ends=date(2026, 11, 4))]
    before = [one async for one in reader.postings(entity="US01", starts=date(2026, 11, 1), ends=date(2026, 11, 3))]
    await reader.aclose()
    assert [(one.functional_minor, one.amount_minor, one.currency) for one in read[0].lines] == [
        (12345, 11400, "EUR"),
        (-12345, -11400, "EUR"),
    ]
    assert before == []


async def test_a_refusal_after_a_lost_answer_is_not_believed_before_a_look_up(server: Server) -> None:
    server.simulator.plan.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write"))
    async with sink(server) as opened:
        (lost,) = await opened.write([journal()])
        (again,) = await opened.write([journal()])
    assert isinstance(lost, Unknown)
    assert isinstance(again, AlreadyDone)
    assert len(list(server.simulator.holdings())) == 1


async def test_a_refusal_whose_look_up_fails_is_unknown(server: Server) -> None:
    server.simulator.plan.force(Fault(kind=FaultKind.HTTP_503, on="read"))
    async with sink(server) as opened:
        (outcome,) = await opened.write([journal(account="99-NO")])
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (journal(on=date(2026, 2, 3)), RejectionCode.PERIOD_CLOSED),
        (journal(account="99-NO"), RejectionCode.ACCOUNT_UNKNOWN),
        (msgspec.structs.replace(PROJECT, customer_code="NOBODY"), RejectionCode.CUSTOMER_UNKNOWN),
        (
            SetProjectStatus(reference="TIE-9", entity="US01", project_code="NONE", status="active"),
            RejectionCode.PROJECT_UNKNOWN,
        ),
        (
            SetProjectStatus(reference="TIE-9", entity="US01", project_code="P-US01", status="dreaming"),
            RejectionCode.INVALID,
        ),
    ],
)
async def test_a_refusal_has_our_code_and_the_systems_words(
    server: Server, command: PostJournal | UpsertProject | SetProjectStatus, code: RejectionCode
) -> None:
    async with sink(server) as opened:
        (outcome,) = await opened.write([command])
    assert isinstance(outcome, Rejected)
    assert outcome.code is code
    assert outcome.words


@pytest.mark.parametrize(
    ("kind", "outcome_type"),
    [
        (FaultKind.HTTP_429, RetryLater),
        (FaultKind.HTTP_500, Unknown),
        (FaultKind.HTTP_503, Unknown),
        (FaultKind.FORBIDDEN, NoAccess),
        (FaultKind.CONFLICT, Rejected),
        (FaultKind.UNPROCESSABLE, Rejected),
        (FaultKind.OK_WITH_ERROR_BODY, Unknown),
        (FaultKind.HTML_PAGE, Unknown),
        (FaultKind.CUT_BODY, Unknown),
    ],
)
async def test_every_failure_of_a_write_is_the_outcome_that_it_means(
    server: Server, kind: FaultKind, outcome_type: type[object]
) -> None:
    server.simulator.plan.force(Fault(kind=kind, on="write"))
    async with sink(server) as opened:
        (outcome,) = await opened.write([journal()])
    assert isinstance(outcome, outcome_type), outcome


MASTERS: tuple[MasterCommand, ...] = (
    CUSTOMER,
    msgspec.structs.replace(PROJECT, customer_code="C-US01"),
    UpsertTask(reference="TIE-3", entity="US01", project_code="P-US01", wbs_code="9.1", name="Design"),
    SetProjectStatus(reference="TIE-4", entity="US01", project_code="P-US01", status="on_hold"),
    UpsertRateCard(
        reference="TIE-6",
        entity="US01",
        code="RC-NEW",
        name="New",
        currency="USD",
        prices=(RatePrice(role="Consultant", price=Decimal("175.50"), starts=date(2026, 1, 1)),),
    ),
    UpsertEmployee(reference="TIE-7", entity="US01", code="W-NEW", name="Zoë Ångström"),
    LinkDeal(reference="TIE-8", entity="US01", deal="D-US01", project_code="P-US01", project_status="active"),
    PublishDemand(
        reference="TIE-9",
        entity="US01",
        project_code="P-US01",
        project_name="Phase 1",
        customer_name="O'Brien",
        starts=date(2026, 9, 1),
        ends=date(2027, 1, 1),
        lines=(),
    ),
)


@pytest.mark.parametrize("kind", [FaultKind.COMMIT_THEN_DROP, FaultKind.COMMIT_THEN_5XX, FaultKind.CUT_BODY])
@pytest.mark.parametrize("command", MASTERS, ids=lambda one: str(one.__struct_config__.tag))
async def test_a_master_whose_answer_was_lost_is_found_and_written_again_without_a_second_one(
    server: Server, command: MasterCommand, kind: FaultKind
) -> None:
    tag = str(command.__struct_config__.tag)
    server.simulator.plan.force(Fault(kind=kind, on="write"))
    async with sink(server) as opened:
        (lost,) = await opened.write([command])
        found = await opened.find(tag, [command.reference, "TIE-0"], entity=command.entity)
        (again,) = await opened.write([command])
    assert isinstance(lost, Unknown)
    assert found.keys() == {command.reference}
    assert isinstance(again, Accepted)
    assert again.ref == found[command.reference].ref
    held = [one for one in server.simulator.holdings() if one.reference == command.reference]
    assert [(one.kind, one.id) for one in held] == [(tag, again.ref)]


@pytest.mark.parametrize("command", MASTERS, ids=lambda one: str(one.__struct_config__.tag))
async def test_a_master_that_never_arrived_is_not_found(server: Server, command: MasterCommand) -> None:
    server.simulator.plan.force(Fault(kind=FaultKind.DROP, on="write"))
    async with sink(server) as opened:
        (lost,) = await opened.write([command])
        found = await opened.find(str(command.__struct_config__.tag), [command.reference], entity=command.entity)
    assert isinstance(lost, Unknown)
    assert found == {}


NAMELESS = (
    HEAD
    + """
[[write]]
command = "upsert_customer"
idempotency = "N"
method = "PUT"
path = "/v1/clients/{code}"
ref = ""

[write.body]
name = "name"
entity = "entity"
"""
)


async def test_an_answer_that_names_no_id_is_known_by_our_reference_and_not_looked_up(server: Server) -> None:
    async with sink(server, NAMELESS) as opened:
        (outcome,) = await opened.write([CUSTOMER])
        with pytest.raises(ConfigurationError):
            await opened.find("upsert_customer", ["TIE-1"], entity="US01")
        server.simulator.plan.force(Fault(kind=FaultKind.HTML_PAGE, on="write"))
        (page,) = await opened.write([CUSTOMER])
    assert outcome == Accepted(ref="TIE-1")
    assert isinstance(page, Unknown)


async def test_a_status_that_says_absent_is_no_failure_of_the_look_up(server: Server) -> None:
    definition = sample_definition().replace(
        'path = "/v1/clients"\nparams = { external_ref = "{reference}" }',
        'path = "/v1/no-client-{reference}"\nabsent = [404]',
    )
    async with sink(server, definition) as opened:
        assert await opened.find("upsert_customer", ["TIE-1"], entity="US01") == {}
