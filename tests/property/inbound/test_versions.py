"""Whatever the order and the batches in which versions arrive, the newest stands, and every item is counted once."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.worlds import inbound_firm as world

from tieout.inbound.idempotent_receiver import Received, SourceKey, receive
from tieout.inbound.judgement import judge
from tieout.inbound.normalizer import Arrival, normalize
from tieout.inbound.person_days import PersonDays
from tieout.inbound.reading import Disposition, Known, Reading
from tieout.inbound.rule_context import RuleContext
from tieout.model.reported import ReportedState, ReportedTime

CONTEXT = world.context()
RATES = world.rates()

_versions = st.builds(
    lambda source, version, state, quarters: world.said(
        source_id=source, version=version, state=state, hours=Decimal(quarters) / 4
    ),
    st.sampled_from(["a", "b"]),
    st.integers(1, 5),
    st.sampled_from(list(ReportedState)),
    st.integers(1, 40),
)


class _Store:
    """What the database keeps of readings, in memory."""

    def __init__(self) -> None:
        self.known: dict[SourceKey, tuple[Known, ...]] = {}
        self.next_id = 1

    def take(self, readings: list[Reading]) -> Received[Reading]:
        history = {key: self.known[key] for one in readings if (key := (one.source_id, one.system_id)) in self.known}
        received = receive(readings, history)
        judge(received.heads, CONTEXT, RATES, PersonDays())
        for one in (*received.superseded, *received.heads):
            self._keep(one)
        return received

    def _keep(self, one: Reading) -> None:
        key = (one.source_id, one.system_id)
        kept = Known(
            entry_id=self.next_id,
            version=one.version,
            revision=one.revision,
            state=one.state,
            disposition=int(one.disposition),
            digest=one.digest,
            previous_entry_id=one.previous_entry_id,
            resource_id=one.resource_id,
            project_id=one.project_id,
            task_id=one.task_id,
            role_id=one.role_id,
            entity_id=one.entity_id,
            day=one.day,
            hours_e4=one.hours_e4,
            billable=one.said.billable,
            work_type=one.work_type,
        )
        self.next_id += 1
        rows = (*self.known.get(key, ()), kept)
        assert len({(row.version, row.revision) for row in rows}) == len(rows)
        self.known[key] = tuple(sorted(rows, key=lambda row: (row.version, row.revision)))


def _read(said: list[ReportedTime]) -> list[Reading]:
    return [world.read(one, CONTEXT, item_no=at) for at, one in enumerate(said)]


@given(
    versions=st.lists(_versions, max_size=5, unique_by=lambda one: (one.source_id, one.version)),
    data=st.data(),
)
def test_any_order_and_any_batches_end_in_the_state_of_the_source(
    versions: list[ReportedTime], data: st.DataObject
) -> None:
    order = data.draw(st.permutations([*versions, *versions[: data.draw(st.integers(0, len(versions)))]]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=3)))
    store = _Store()
    for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
        store.take(_read(list(order[start:end])))
    for source in {one.source_id for one in versions}:
        newest = max((one for one in versions if one.source_id == source), key=lambda one: one.version)
        standing = store.known[source, 1][-1]
        assert (standing.version, standing.hours_e4) == (newest.version, int(newest.hours * 10_000))
        expected = Disposition.ACCEPTED if newest.state is ReportedState.APPROVED else Disposition.NOT_APPROVED
        assert standing.disposition in {expected, Disposition.HELD}


@given(batches=st.lists(st.lists(_versions, max_size=6), max_size=4))
def test_every_item_is_a_row_or_a_repeat(batches: list[list[ReportedTime]]) -> None:
    store = _Store()
    rows = 0
    for batch in batches:
        received = store.take(_read(batch))
        taken = len(received.heads) + len(received.superseded)
        assert taken + received.repeats == len(batch)
        rows += taken
    assert rows == sum(len(known) for known in store.known.values())


_text = st.text(max_size=12) | st.sampled_from(["ada", "p100", "design", "\x00", "\ud800", "regular", "x" * 300])
_decimals = st.decimals(allow_nan=True, allow_infinity=True) | st.decimals(-30, 30, places=2)
_garbage = st.builds(
    ReportedTime,
    source_id=_text,
    version=st.integers(-1, 2**64),
    state=st.sampled_from(list(ReportedState)),
    person=_text,
    project=_text,
    work_date=st.dates(),
    hours=_decimals,
    billable=st.booleans(),
    task=st.none() | _text,
    role=st.none() | _text,
    work_type=_text,
    narrative=_text,
    started_at=st.none() | st.datetimes() | st.datetimes(timezones=st.timezones()),
    ended_at=st.none() | st.datetimes(timezones=st.timezones()),
    approved_by=st.none() | _text,
    approved_at=st.none() | st.datetimes() | st.datetimes(timezones=st.timezones()),
    claimed_rate=st.none() | _decimals,
    claimed_amount=st.none() | _decimals,
    claimed_currency=st.none() | st.sampled_from(["USD", "JPY", "KWD", "XXX", "", "usd"]),
    replaces=st.none() | _text,
)


@given(said=st.lists(_garbage, max_size=8))
def test_whatever_is_said_ends_as_a_reading_with_a_disposition_or_as_a_finding(said: list[ReportedTime]) -> None:
    context = RuleContext(CONTEXT.book, world.NOW)
    arrivals = [Arrival(1, at, "psa", "time_entries", one) for at, one in enumerate(said)]
    readings, unreadable = normalize(arrivals, context)
    received = receive(readings, {})
    judge(received.heads, context, RATES, PersonDays())
    counted = len(received.heads) + len(received.superseded) + received.repeats + len(unreadable)
    assert counted == len(said)
    for one in received.heads:
        assert one.disposition in {Disposition.ACCEPTED, Disposition.HELD, Disposition.NOT_APPROVED}
        assert bool([finding for finding in one.findings if finding.blocks]) == (one.disposition == Disposition.HELD)
        for finding in one.findings:
            assert "\x00" not in finding.message + finding.cause_key + "".join(finding.context.values())
            (finding.message + finding.cause_key + "".join(finding.context.values())).encode()
    assert all(one.problem.isprintable() for one in unreadable)


@given(hours=st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_accepted_hours_are_those_of_the_accepted_entries(hours: list[int]) -> None:
    said = [
        world.said(source_id=str(at), hours=Decimal(one) / 4, task=None, narrative=f"{at * 7919} {one}")
        for at, one in enumerate(hours)
    ]
    readings = _read(said)
    judge(readings, CONTEXT, RATES, PersonDays())
    accepted = [one for one in readings if one.disposition == Disposition.ACCEPTED]
    assert sum(one.hours_e4 for one in accepted) <= 24 * 10_000
    for one in accepted:
        assert one.rated is not None
        assert one.rated.sales is not None
        assert one.rated.sales.amount_minor == one.hours_e4 * 20_000 // 10_000
