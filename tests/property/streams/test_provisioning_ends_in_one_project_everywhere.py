"""Targets that refuse and answer in any order, deals that change on the way: the real rules, no database.

The saga is asked what to do after every event, as the step does; the targets here keep what they are told and refuse
what refers to something that they do not hold.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tieout.model.command import SetProjectStatus, UpsertContract, UpsertCustomer, UpsertProject, UpsertTask
from tieout.model.project import ProjectState
from tieout.model.stream_policy import LeadToProject, TaskTemplate
from tieout.records.facts import ClientFacts
from tieout.streams.lead_to_project import targets
from tieout.streams.lead_to_project.deal import AcceptedContract, AcceptedDeal, SoldLine
from tieout.streams.lead_to_project.plan import PlannedStep, base_steps
from tieout.streams.lead_to_project.saga import Held, Sending, Target, all_current, progress
from tieout.streams.lead_to_project.specification import ProjectSpec, number_lines, specify
from tieout.streams.lead_to_project.targets import TargetSystem

TAKES = frozenset({targets.CUSTOMER, targets.CONTRACT, targets.PROJECT, targets.TASK, targets.STATUS})
SYSTEMS = (
    TargetSystem(system="erp", takes=TAKES),
    TargetSystem(system="psa", takes=TAKES - {targets.CONTRACT}),
    TargetSystem(system="tool", takes=frozenset({targets.CUSTOMER, targets.PROJECT})),
)
CRMS = frozenset({"crm"})
POLICY = LeadToProject(
    tasks=(
        TaskTemplate(code="A", name="All"),
        TaskTemplate(code="A.B", name="Phase", parent="A"),
        TaskTemplate(code="A.B.C", name="Package", parent="A.B"),
    ),
    lines_below="A.B",
)


def spec_of(amount_minor: int, lines: int, name: str) -> ProjectSpec:
    deal = AcceptedDeal(
        system="crm",
        key="o1",
        number="D1",
        name=name,
        client_id=1,
        client_tax_id=None,
        entity="US01",
        currency="USD",
        amount_minor=amount_minor,
        starts=date(2026, 9, 1),
        ends=date(2026, 12, 1),
        service_line="Strategy",
        tax_category="S",
        contract=AcceptedContract(number="K1", name="Frame", currency="USD"),
        lines=tuple(
            SoldLine(key=f"l{at}", number=0, role="Senior", name=f"Work {at}", hours=Decimal(10)) for at in range(lines)
        ),
    )
    client = ClientFacts(record_id=1, code="ACME", name="Acme")
    return specify("P-D1", [number_lines(deal, (), taken=())], client=client, card=None, policy=POLICY)


class World:
    """What the hub knows of every object, and what the targets hold."""

    def __init__(self, spec: ProjectSpec) -> None:
        self.spec = spec
        self.state = ProjectState.PROVISIONING
        self.halted = False
        self.held: dict[Target, Held] = {}
        self.flying: list[PlannedStep] = []
        self.books: dict[str, dict[tuple[str, ...], object]] = {one.system: {} for one in (*SYSTEMS,)}
        self.books["crm"] = {}

    def advance(self) -> None:
        made = progress(self.spec, SYSTEMS, CRMS, state=self.state, halted=self.halted, held=self.held)
        for target in made.withdraw:
            self.held[target] = msgspec.structs.replace(self.held[target], sending=Sending.SETTLED)
        for step in made.send:
            before = self.held.get(step.target, Held())
            assert before.sending in {Sending.SETTLED, Sending.REFUSED}
            self.held[step.target] = Held(
                acknowledged=before.acknowledged, sent=step.content, sending=Sending.UNDER_WAY
            )
            self.flying.append(step)
            self.check_order(step)
        self.state = made.state

    def check_order(self, step: PlannedStep) -> None:
        """Nothing is sent to a system that does not hold what it refers to; no status before all have all."""
        book, command = self.books[step.system], step.command
        match command:
            case UpsertProject() | UpsertContract():
                assert ("customer", command.customer_code) in book
            case UpsertTask():
                assert ("project", command.project_code) in book
                assert command.parent_wbs_code is None or ("task", command.parent_wbs_code) in book
            case SetProjectStatus():
                if self.state is ProjectState.PROVISIONING:
                    assert all_current(base_steps(self.spec, SYSTEMS), self.held)

    def answer(self, at: int, fate: str) -> None:
        """What becomes of one of the deliveries under way: done, refused for now, or in doubt for good."""
        if not self.flying:
            return
        step = self.flying.pop(at % len(self.flying))
        one = self.held[step.target]
        if fate == "refused":
            self.held[step.target] = msgspec.structs.replace(one, sending=Sending.REFUSED)
            return
        self.keep(step)
        self.held[step.target] = Held(acknowledged=step.content, sent=step.content)

    def keep(self, step: PlannedStep) -> None:
        book, command = self.books[step.system], step.command
        match command:
            case UpsertCustomer():
                book["customer", command.code] = command
            case UpsertContract():
                book["contract", command.code] = command
            case UpsertProject():
                book["project", command.code] = command
            case UpsertTask():
                book["task", command.wbs_code] = command
            case SetProjectStatus():
                book["status", command.project_code] = command.status
            case _:
                book["link",] = command

    def release(self) -> None:
        """A person lets what was refused be tried again."""
        for target, one in list(self.held.items()):
            if one.sending is Sending.REFUSED:
                wanted = self.wanted(target)
                if wanted is not None and wanted.content == one.sent:
                    self.held[target] = msgspec.structs.replace(one, sending=Sending.UNDER_WAY)
                    self.flying.append(wanted)

    def wanted(self, target: Target) -> PlannedStep | None:
        made = progress(self.spec, SYSTEMS, CRMS, state=self.state, halted=self.halted, held=self.held)
        return next((step for step in made.steps if step.target == target), None)

    def settle(self) -> None:
        """Everything that is tried from now on succeeds."""
        for _ in range(200):
            self.advance()
            self.release()
            if not self.flying:
                return
            while self.flying:
                self.answer(0, "done")
        raise AssertionError("The saga never comes to rest.")


events = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), st.integers(0, 9), st.sampled_from(["done", "done", "done", "refused"])),
        st.tuples(st.just("amend"), st.integers(1, 5), st.integers(0, 3)),
        st.tuples(st.just("halt"), st.booleans(), st.just(0)),
        st.tuples(st.just("release"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


def run(script: Sequence[tuple[str, int, object]], *, won: bool) -> World:
    world = World(spec_of(100, 2, "Deal"))
    world.advance()
    for kind, first, second in script:
        if kind == "answer":
            world.answer(first, str(second))
        elif kind == "amend":
            world.spec = spec_of(first * 100, 2 + int(str(second)), f"Deal {first}")
        elif kind == "halt":
            world.halted = bool(first)
        else:
            world.release()
        world.advance()
    world.halted = not won
    world.settle()
    return world


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(script=events)
def test_whatever_happens_on_the_way_a_won_deal_ends_as_the_same_active_project_everywhere(
    script: list[tuple[str, int, object]],
) -> None:
    world = run(script, won=True)
    assert world.state is ProjectState.ACTIVE
    for one in SYSTEMS:
        book = world.books[one.system]
        project = book["project", "P-D1"]
        assert isinstance(project, UpsertProject)
        assert (project.budget_minor, project.name) == (world.spec.budget_minor, world.spec.name)
        if targets.STATUS in one.takes:
            assert book["status", "P-D1"] == "active"
        if targets.TASK in one.takes:
            assert {key[1] for key in book if key[0] == "task"} >= {task.code for task in world.spec.tasks}


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(script=events)
def test_whatever_happens_on_the_way_a_deal_that_is_lost_in_the_end_is_active_nowhere(
    script: list[tuple[str, int, object]],
) -> None:
    world = run(script, won=False)
    assert world.state in {ProjectState.PROVISIONING, ProjectState.ON_HOLD}
    assert "active" not in {book.get(("status", "P-D1")) for book in world.books.values()}


@given(amount=st.integers(1, 10**12), lines=st.integers(0, 6))
def test_a_plan_is_the_same_whoever_makes_it_and_names_each_object_once(amount: int, lines: int) -> None:
    steps = base_steps(spec_of(amount, lines, "Deal"), SYSTEMS)
    again = base_steps(spec_of(amount, lines, "Deal"), tuple(reversed(SYSTEMS)))
    assert steps == again
    assert len({step.target for step in steps}) == len(steps)
    for system in SYSTEMS:
        ranks = [step.rank for step in steps if step.system == system.system]
        assert ranks == sorted(ranks)
