"""The checks of masters that a sink writes: a right definition passes them, each wrong one fails the check for it."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from tests.unit.connect.wrong_definitions import rest_connector

from tieout.connect.conformance import ALL_CHECKS, SimulatorHarness, Site, Verdict
from tieout.connect.conformance.bench import with_lines
from tieout.connect.conformance.fixture_masters import MASTERS, code_of, facts_of
from tieout.connect.conformance.harness import harness_for
from tieout.connect.conformance.score import Result
from tieout.connect.conformance.suite import SuiteRun
from tieout.connect.connector import Connector, load_connector
from tieout.connect.manifest import IdempotencyClass
from tieout.connect.outcome import Found, Outcome, Rejected, RejectionCode
from tieout.connect.sink import Sink
from tieout.model.command import (
    Command,
    DemandLine,
    PublishDemand,
    RatePrice,
    UpsertContract,
    UpsertProject,
    UpsertRateCard,
    UpsertTask,
)
from tieout.model.journal import PostJournal

CHECKS = {check.name: check for check in ALL_CHECKS}
ANSWER = 'answer = "data"'
FOUND = 'reference = "external_ref"'


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with SimulatorHarness("http", connector=rest_connector()).open() as opened:
        yield opened


def made(site: Site, check: str, connector: Connector) -> Result:
    return SuiteRun(SimulatorHarness("http", connector=connector), site).make(CHECKS[check])


WRONG = [
    ("upsert_project", "plus_days = -1", "plus_days = 0", "is_made_once_and_then_changed", "ends was sent as"),
    ("upsert_project", "plus_days = -1", "plus_days = 0", "comes_back_in_a_read", "is read as something else"),
    ("upsert_customer", "{code}", "{reference}", "is_made_once_and_then_changed", "0 times"),
    ("upsert_customer", "{code}", "{reference}", "is_whole_wherever_its_write_is_cut", "0 times"),
    (
        "upsert_task",
        '"open_for_time"',
        "{ constant = true }",
        "is_made_once_and_then_changed",
        "open_for_time was sent",
    ),
    (
        "set_project_status",
        'active = "open"',
        'active = "paused"',
        "is_made_once_and_then_changed",
        "status was sent as",
    ),
    (
        "link_deal",
        '"project_status"',
        '"project_code"',
        "is_whole_wherever_its_write_is_cut",
        "project_status was sent",
    ),
    ("publish_demand", "minutes = true", "scale = 1", "is_made_once_and_then_changed", "hours was sent as"),
    ("upsert_project", ANSWER, ANSWER + '\nref = "number"', "comes_back_in_a_read", "no project is read under that id"),
    ("upsert_employee", 'last = "name"', 'last = "code"', "is_made_once_and_then_changed", "name was sent as"),
    ("upsert_employee", "{code}", "{reference}", "is_whole_wherever_its_write_is_cut", "times"),
    ("upsert_employee", ANSWER, ANSWER + '\nref = "last"', "comes_back_in_a_read", "no resource is read under that id"),
    ("upsert_rate_card", FOUND, FOUND + '\nref = "number"', "is_made_once_and_then_changed", "the look-up names"),
]


@pytest.mark.parametrize(("command", "right", "wrong", "check", "words"), WRONG)
def test_a_definition_that_writes_one_thing_wrong_fails_the_check_for_it(
    site: Site, command: str, right: str, wrong: str, check: str, words: str
) -> None:
    result = made(site, f"{command}_{check}", rest_connector(f'command = "{command}"', right, wrong))
    assert result.verdict is Verdict.FAILED, result
    assert words in result.words


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("own_fields_arrive_with_upsert_customer", "field segment was sent as 'Gold' and is held as None"),
        ("an_unknown_field_of_upsert_customer_is_refused_in_words", "was dropped without a word"),
    ],
)
def test_fields_that_are_dropped_fail(site: Site, check: str, words: str) -> None:
    losing = rest_connector('command = "upsert_customer"', ANSWER, ANSWER + '\nextra_fields = "extra"')
    result = made(site, check, losing)
    assert result.verdict is Verdict.FAILED, result
    assert words in result.words


@pytest.mark.parametrize(
    ("code", "check"),
    [
        ("CUSTOMER_UNKNOWN", "upsert_project_with_an_unknown_customer_is_refused"),
        ("PROJECT_UNKNOWN", "upsert_task_with_an_unknown_project_is_refused"),
        ("PROJECT_UNKNOWN", "set_project_status_with_an_unknown_project_is_refused"),
    ],
)
def test_a_refusal_that_is_not_told_as_what_it_is_fails(site: Site, code: str, check: str) -> None:
    result = made(site, check, rest_connector("[errors.rejections]", code, "INVALID"))
    assert result.verdict is Verdict.FAILED, result
    assert f"is told as INVALID, not as {code}" in result.words


def of_class(declared: IdempotencyClass) -> Connector:
    right = rest_connector()
    writes = tuple(msgspec.structs.replace(one, idempotency=declared) for one in right.manifest.writes)
    return Connector(
        manifest=msgspec.structs.replace(right.manifest, writes=writes),
        translator=right.translator,
        open_source=right.open_source,
        open_sink=right.open_sink,
        open_ledger_reader=right.open_ledger_reader,
    )


def test_a_write_that_is_never_repeated_is_not_cut(site: Site) -> None:
    check = "upsert_customer_is_whole_wherever_its_write_is_cut"
    result = made(site, check, of_class(IdempotencyClass.N))
    assert result.verdict is Verdict.NOT_APPLICABLE
    assert made(site, check, of_class(IdempotencyClass.L)).verdict is Verdict.PASSED


def test_every_master_is_checked_in_the_same_way() -> None:
    for command in MASTERS:
        assert {name.removeprefix(f"{command}_") for name in CHECKS if name.startswith(f"{command}_")} >= {
            "is_made_once_and_then_changed",
            "comes_back_in_a_read",
            "is_whole_wherever_its_write_is_cut",
            "is_found_within_the_lag",
        }
        assert f"the_declared_class_of_{command}_is_true" in CHECKS


def test_the_facts_of_a_command_are_told_in_canonical_words() -> None:
    project = UpsertProject(
        reference="r",
        entity="US01",
        code="P-1",
        name="Phase 1",
        customer_code="C-1",
        currency="USD",
        ends=date(2026, 12, 31),
        budget_hours=Decimal("80.50"),
        fields={"practice": "Payments"},
    )
    assert facts_of(project) == {
        "name": "Phase 1",
        "customer_code": "C-1",
        "currency": "USD",
        "ends": "2026-12-31",
        "budget_hours": "80.5",
        "field:practice": "Payments",
    }
    task = UpsertTask(reference="r", entity="US01", project_code="P-1", wbs_code="1.2", name="Design")
    assert code_of(task) == "P-1/1.2"
    assert facts_of(task)["open_for_time"] == "true"
    lines = tuple(
        DemandLine(number=number, role="Consultant", hours=Decimal(40), starts=date(2026, 9, 1), ends=date(2026, 10, 1))
        for number in ("1", "2")
    )
    demand = PublishDemand(
        reference="r",
        entity="US01",
        project_code="P-1",
        project_name="Phase 1",
        customer_name="C",
        starts=date(2026, 9, 1),
        ends=date(2026, 10, 1),
        lines=lines,
    )
    assert (code_of(demand), facts_of(demand)) == ("P-1", {"hours": "80", "lines": "2"})


class _Finds:
    """A sink whose look-ups see nothing."""

    def __init__(self, sink: Sink) -> None:
        self.write, self.aclose = sink.write, sink.aclose

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> dict[str, Found]:
        del command_kind, references, entity
        return {}


class _Prices:
    """A sink that changes the prices of rate cards on the way."""

    def __init__(self, sink: Sink, change: Callable[[tuple[RatePrice, ...]], tuple[RatePrice, ...]]) -> None:
        self._sink, self._change = sink, change
        self.find, self.aclose = sink.find, sink.aclose

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        return await self._sink.write(
            [
                msgspec.structs.replace(one, prices=self._change(one.prices))
                if isinstance(one, UpsertRateCard)
                else one
                for one in commands
            ]
        )


def with_sink(right: Connector, wrong: Callable[[Sink], Sink], *, lag_s: float = 0.0) -> Connector:
    opened = right.open_sink
    assert opened is not None
    manifest = msgspec.structs.replace(right.manifest, read_your_write_lag_s=lag_s)
    return dataclasses.replace(right, manifest=manifest, open_sink=lambda connection: wrong(opened(connection)))


@pytest.mark.parametrize("command", ["upsert_customer", "upsert_employee"])
def test_a_look_up_that_does_not_see_it_after_the_declared_lag_fails(site: Site, command: str) -> None:
    check = f"{command}_is_found_within_the_lag"
    assert made(site, check, with_sink(rest_connector(), lambda sink: sink, lag_s=0.2)).verdict is Verdict.PASSED
    result = made(site, check, with_sink(rest_connector(), _Finds, lag_s=0.2))
    assert result.verdict is Verdict.FAILED, result
    assert "a look-up does not see it 0.2 s after it was written" in result.words


def _cheaper(prices: tuple[RatePrice, ...]) -> tuple[RatePrice, ...]:
    return (msgspec.structs.replace(prices[0], price=prices[0].price - 1), *prices[1:])


@pytest.mark.parametrize("change", [_cheaper, lambda prices: prices[1:]])
def test_a_price_that_is_written_otherwise_or_left_out_fails(
    change: Callable[[tuple[RatePrice, ...]], tuple[RatePrice, ...]],
) -> None:
    wrong = with_sink(load_connector("kantata"), lambda sink: _Prices(sink, change))
    with SimulatorHarness("kantata").open() as account:
        run = SuiteRun(SimulatorHarness("kantata", connector=wrong), account)
        result = run.make(CHECKS["upsert_rate_card_is_made_once_and_then_changed"])
    assert result.verdict is Verdict.FAILED, result
    assert "price:" in result.words


class _Contracts:
    """A sink that writes contracts otherwise than they are told, or tells otherwise what came of them."""

    def __init__(
        self, sink: Sink, change: Callable[[UpsertContract], UpsertContract], told: Callable[[Outcome], Outcome]
    ) -> None:
        self._sink, self._change, self._told = sink, change, told
        self.find, self.aclose = sink.find, sink.aclose

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        changed = [self._change(one) if isinstance(one, UpsertContract) else one for one in commands]
        return [self._told(one) for one in await self._sink.write(changed)]


def _as_invalid(outcome: Outcome) -> Outcome:
    is_refusal = isinstance(outcome, Rejected)
    return msgspec.structs.replace(outcome, code=RejectionCode.INVALID) if is_refusal else outcome


def _cent_less(one: UpsertContract) -> UpsertContract:
    return msgspec.structs.replace(one, signed_value_minor=(one.signed_value_minor or 0) - 1)


CONTRACT = "upsert_contract"
WRONG_CONTRACTS: list[tuple[Callable[[UpsertContract], UpsertContract], Callable[[Outcome], Outcome], str, str]] = [
    (_cent_less, lambda told: told, f"{CONTRACT}_is_made_once_and_then_changed", "signed_value_minor was sent as"),
    (
        lambda one: msgspec.structs.replace(one, code=one.reference[:20]),
        lambda told: told,
        f"{CONTRACT}_is_whole_wherever_its_write_is_cut",
        "0 times",
    ),
    (
        lambda one: msgspec.structs.replace(one, ends=date(2030, 1, 1)),
        lambda told: told,
        f"{CONTRACT}_comes_back_in_a_read",
        "is read as something else",
    ),
    (
        lambda one: one,
        _as_invalid,
        f"{CONTRACT}_with_an_unknown_customer_is_refused",
        "is told as INVALID, not as CUSTOMER_UNKNOWN",
    ),
]


@pytest.fixture(scope="module")
def org() -> Iterator[Site]:
    with harness_for("salesforce").open() as opened:
        yield opened


@pytest.mark.parametrize(("change", "told", "check", "words"), WRONG_CONTRACTS)
def test_a_contract_that_is_written_or_refused_otherwise_fails(
    org: Site,
    change: Callable[[UpsertContract], UpsertContract],
    told: Callable[[Outcome], Outcome],
    check: str,
    words: str,
) -> None:
    right = harness_for("salesforce").connector
    wrong = with_sink(right, lambda sink: _Contracts(sink, change, told))
    org.reset()
    result = SuiteRun(SimulatorHarness("salesforce", connector=wrong), org).make(CHECKS[check])
    assert result.verdict is Verdict.FAILED, result
    assert words in result.words


class _DropsDimensions:
    """A sink that leaves the dimensions of a journal's lines out."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.find, self.aclose = sink.find, sink.aclose

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        return await self._sink.write([_bare(one) if isinstance(one, PostJournal) else one for one in commands])


def _bare(journal: PostJournal) -> PostJournal:
    return with_lines(journal, [msgspec.structs.replace(one, dimensions={}) for one in journal.lines])


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("own_dimensions_arrive_with_a_journal", "is held as None"),
        ("an_unknown_dimension_is_refused_in_words", "a journal with an unknown dimension became Accepted"),
    ],
)
def test_dimensions_that_are_dropped_fail(check: str, words: str) -> None:
    right = load_connector("netsuite")
    opened = right.open_sink
    assert opened is not None
    wrong = dataclasses.replace(right, open_sink=lambda connection: _DropsDimensions(opened(connection)))
    with SimulatorHarness("netsuite").open() as account:
        run = SuiteRun(SimulatorHarness("netsuite", connector=wrong), account)
        result = run.make(CHECKS[check])
    assert result.verdict is Verdict.FAILED, result
    assert words in result.words
