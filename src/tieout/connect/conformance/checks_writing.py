"""Checks of what a sink and a ledger reader do when all is well, and when the content is wrong."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connect.conformance.bench import Bench
from tieout.connect.conformance.check import Catalogue, posts, reads_ledger
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.outcome import Accepted, AlreadyDone, Echo, FoundState, Outcome, Rejected, RejectionCode, Unknown
from tieout.connect.simulator.control import DeleteHolding, SetPeriod
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.sink import LedgerPosting
from tieout.model.journal import JournalLine, PostJournal

CHECKS: Final = Catalogue()
_DONE: Final = (Accepted, AlreadyDone)
_AMOUNTS_MINOR: Final = (1, 99, 100, 1_005, 2_147_483_647, 99_999_999_999)
_UNKNOWN_ACCOUNT: Final = "99-NO-SUCH-ACCOUNT"


def _expect_done(outcome: Outcome) -> None:
    expect(isinstance(outcome, _DONE), f"a plain command became {outcome}")


@CHECKS.check(posts)
async def a_journal_arrives_once_and_whole(bench: Bench) -> None:
    """A journal is recorded once, posted, on its date, with its amount, in its currency."""
    command = bench.journal()
    outcome = await bench.write_one(command)
    _expect_done(outcome)
    held = bench.site.holdings(command.reference)
    expect(len(held) == 1, f"the target holds {len(held)} objects under the reference")
    expect(held[0].posted, "the target holds a draft, not a posting")
    expect(held[0].debit_minor in {None, 123_45}, f"12345 minor units became {held[0].debit_minor}")
    expect(held[0].currency in {None, command.currency}, f"{command.currency} became {held[0].currency}")
    expect(
        held[0].accounting_date in {None, command.accounting_date.isoformat()},
        f"{command.accounting_date} became {held[0].accounting_date}",
    )
    expect(isinstance(outcome, Accepted | AlreadyDone) and outcome.ref, "the outcome names no id of the target")


@CHECKS.check(posts)
async def money_is_exact_in_every_currency(bench: Bench) -> None:
    """Amounts from one minor unit up arrive exactly, in currencies with no, two and three decimals."""
    for entity in bench.site.firm.entities:
        for amount_minor in _AMOUNTS_MINOR:
            command = bench.journal(entity=entity, amount_minor=amount_minor)
            _expect_done(await bench.write_one(command))
            found = await bench.find(command)
            expect(found is not None and found.echo is not None, f"the look-up of {entity.currency} tells no amount")
            echo = None if found is None else found.echo
            expect(
                echo is not None and (echo.amount_minor, echo.currency) == (amount_minor, entity.currency),
                f"{amount_minor} minor units of {entity.currency} are found as {echo}",
            )


@CHECKS.check(posts)
async def a_look_up_tells_what_is_there_and_only_that(bench: Bench) -> None:
    """A look-up of many references finds those that exist, posted and once, and leaves the others out."""
    commands = [bench.journal(amount_minor=1_000 + one) for one in range(3)]
    for command in commands:
        _expect_done(await bench.write_one(command))
    absent = bench.journal()
    references = [one.reference for one in (*commands, absent)]
    async with bench.sink() as sink:
        found = await sink.find("post_journal", references, entity=commands[0].entity)
        nothing = await sink.find("post_journal", [], entity=commands[0].entity)
    expect(set(found) == set(references[:3]), f"{len(found)} of 3 references are found")
    expect(not nothing, "a look-up of nothing finds something")
    for number, command in enumerate(commands):
        one = found[command.reference]
        expect(one.state is FoundState.POSTED and one.count == 1, f"a posted journal is found as {one}")
        expect(one.echo is None or one.echo.amount_minor == 1_000 + number, f"another journal's amount: {one.echo}")


@CHECKS.check(posts)
async def a_fresh_sink_knows_what_another_wrote(bench: Bench) -> None:
    """Nothing is kept in the connector: two sinks at once, and a third later, agree."""
    command = bench.journal()
    async with bench.sink() as one, bench.sink() as other:
        _expect_done((await one.write([command]))[0])
        first = await one.find("post_journal", [command.reference], entity=command.entity)
        second = await other.find("post_journal", [command.reference], entity=command.entity)
    third = await bench.find(command)
    expect(first == second and first.get(command.reference) == third and third is not None, "fresh sinks do not agree")


@CHECKS.check(posts)
async def a_closed_period_is_told_as_closed(bench: Bench) -> None:
    """A journal into a closed period is rejected as PERIOD_CLOSED with the target's words; nothing is recorded."""
    entity = bench.entity()
    command = bench.journal(entity=entity, on=bench.closed_day(entity))
    outcome = await bench.write_one(command)
    expect(
        isinstance(outcome, Rejected) and outcome.code is RejectionCode.PERIOD_CLOSED,
        f"a journal into a closed period became {outcome}",
    )
    expect(isinstance(outcome, Rejected) and outcome.words.strip(), "the refusal has no words")
    expect(not bench.site.holdings(command.reference), "a refused journal is recorded")


@CHECKS.check(posts, fresh=True)
async def a_period_closed_meanwhile_is_told_as_closed(bench: Bench) -> None:
    """A period closed after the sink was opened is told as closed: what the sink knew is not believed for ever."""
    entity = bench.entity()
    month = bench.open_day(entity).strftime("%Y-%m")
    async with bench.sink() as sink:
        _expect_done((await sink.write([bench.journal(entity=entity)]))[0])
        bench.site.change(SetPeriod(entity=entity.code, period=month, closed=True))
        late = bench.journal(entity=entity)
        outcome = (await sink.write([late]))[0]
        bench.site.change(SetPeriod(entity=entity.code, period=month, closed=False))
    expect(
        isinstance(outcome, Rejected) and outcome.code is RejectionCode.PERIOD_CLOSED,
        f"a journal into a period closed meanwhile became {outcome}",
    )


@CHECKS.check(posts)
async def an_unknown_account_is_rejected_in_words(bench: Bench) -> None:
    """A journal on an account that the target does not have is rejected with words; nothing is recorded."""
    command = bench.journal(account=_UNKNOWN_ACCOUNT)
    outcome = await bench.write_one(command)
    expect(
        isinstance(outcome, Rejected)
        and outcome.code in {RejectionCode.ACCOUNT_UNKNOWN, RejectionCode.INVALID}
        and bool(outcome.words.strip()),
        f"a journal on an unknown account became {outcome}",
    )
    expect(not bench.site.holdings(command.reference), "a refused journal is recorded")


@CHECKS.check(posts)
async def one_bad_item_does_not_sink_the_rest(bench: Bench) -> None:
    """Of a batch with one bad journal the others are recorded, or all are told as BATCH_REJECTED and none is."""
    capability = bench.manifest.write("post_journal")
    if capability is None or capability.max_batch == 1:
        raise NotApplicableError("the connector writes one journal at a time")
    good = [bench.journal(amount_minor=2_000 + one) for one in range(3)]
    bad = bench.journal(account=_UNKNOWN_ACCOUNT)
    commands = [good[0], bad, *good[1:]][: capability.max_batch]
    outcomes = await bench.write(*commands)
    expect(len(outcomes) == len(commands), f"{len(commands)} commands, {len(outcomes)} outcomes")
    held = [bool(bench.site.holdings(one.reference)) for one in commands]
    refused = [isinstance(one, Rejected) for one in outcomes]
    expect(refused[1] and not held[1], f"the bad journal became {outcomes[1]}")
    sunk = all(isinstance(one, Rejected) and one.code is RejectionCode.BATCH_REJECTED for one in outcomes)
    if sunk or capability.atomic_batch:
        expect(all(refused) and not any(held), "a batch told as rejected is recorded in part")
        return
    for command, outcome, recorded in zip(commands, outcomes, held, strict=True):
        if command is not bad:
            expect(isinstance(outcome, _DONE) and recorded, f"a good journal beside a bad one became {outcome}")


@CHECKS.check(posts)
async def a_partly_answered_batch_is_told_item_by_item(bench: Bench) -> None:
    """When the target records only part of a batch, each item's outcome says what became of that item, or Unknown."""
    capability = bench.manifest.write("post_journal")
    if capability is None or capability.max_batch == 1:
        raise NotApplicableError("the connector writes one journal at a time")
    commands = [bench.journal(amount_minor=3_000 + one) for one in range(min(4, capability.max_batch))]
    bench.site.force(Fault(kind=FaultKind.PARTIAL_BATCH, on="write"))
    outcomes = await bench.write(*commands)
    for command, outcome in zip(commands, outcomes, strict=True):
        held = bench.site.holdings(command.reference)
        expect(
            isinstance(outcome, Unknown) or isinstance(outcome, _DONE) == bool(held),
            f"{outcome}, and the target holds {len(held)}",
        )


@CHECKS.check(posts)
async def an_altered_amount_is_visible(bench: Bench) -> None:
    """A target that records another amount than was sent is caught: its echo, or its look-up, shows the difference."""
    await _altered(bench, FaultKind.ALTER_AMOUNT)


@CHECKS.check(posts)
async def an_altered_currency_is_visible(bench: Bench) -> None:
    """A target that records another currency than was sent is caught: its echo, or its look-up, shows it."""
    await _altered(bench, FaultKind.ALTER_CURRENCY)


async def _altered(bench: Bench, kind: FaultKind) -> None:
    command = bench.journal()
    bench.site.force(Fault(kind=kind, on="write"))
    outcome = await bench.write_one(command)
    bench.site.calm()
    found = await bench.find(command)
    echoes: list[Echo | None] = [
        outcome.echo if isinstance(outcome, _DONE) else None,
        None if found is None else found.echo,
    ]
    sent = (123_45, command.currency)
    expect(any(echo is not None for echo in echoes), "neither the answer nor the look-up tells what was recorded")
    if not isinstance(outcome, _DONE):
        return
    expect(
        any(echo is not None and (echo.amount_minor, echo.currency) != sent for echo in echoes),
        f"the target recorded something else than {sent} and it is not visible: {echoes}",
    )


@CHECKS.check(reads_ledger)
async def the_ledger_reader_finds_exactly_what_was_written(bench: Bench) -> None:
    """Every line of a journal comes back from the ledger: account, sign, both amounts and currencies, date."""
    for number, entity in enumerate(bench.site.firm.entities):
        foreign = ("EUR", 11_400) if entity.currency != "EUR" else ("USD", 11_400)
        for command in (
            bench.journal(entity=entity, amount_minor=7_000 + number),
            bench.journal(entity=entity, amount_minor=12_345, foreign=foreign),
            _many_lines(bench.journal(entity=entity)),
        ):
            _expect_done(await bench.write_one(command))
            day = command.accounting_date
            read = await bench.postings(entity.code, day, day + timedelta(days=1))
            mine = [one for one in read if one.reference == command.reference]
            expect(len(mine) == 1, f"the ledger shows the journal of {entity.code} {len(mine)} times")
            _expect_same(command, mine[0])


@CHECKS.check(reads_ledger)
async def the_ledger_is_read_by_half_open_days(bench: Bench) -> None:
    """A reading of [starts, ends) has what is dated on starts, not what is dated on ends; days do not shift."""
    entity = bench.entity()
    month = [one for one in entity.periods if one not in entity.closed_periods]
    days = [date.fromisoformat(f"{one}-01") for one in month]
    days += [day - timedelta(days=1) for day in days if (day - timedelta(days=1)).strftime("%Y-%m") in month]
    commands = {day: bench.journal(entity=entity, on=day) for day in sorted(days)}
    for command in commands.values():
        _expect_done(await bench.write_one(command))
    for day, command in commands.items():
        inside = {one.reference for one in await bench.postings(entity.code, day, day + timedelta(days=1))}
        before = {one.reference for one in await bench.postings(entity.code, day - timedelta(days=1), day)}
        expect(command.reference in inside, f"what is dated {day} is not read on that day")
        expect(command.reference not in before, f"what is dated {day} is read before that day")


@CHECKS.check(reads_ledger)
async def the_ledger_shows_what_was_removed_by_hand(bench: Bench) -> None:
    """A posting that somebody removes in the target is gone from the ledger and from the look-up."""
    command = bench.journal()
    _expect_done(await bench.write_one(command))
    bench.site.change(DeleteHolding(reference=command.reference))
    day = command.accounting_date
    left = {one.reference for one in await bench.postings(command.entity, day, day + timedelta(days=1))}
    expect(command.reference not in left, "the ledger still shows a removed posting")
    found = await bench.find(command)
    expect(found is None or found.state is FoundState.CANCELLED, "the look-up still shows a removed posting")


@CHECKS.check(reads_ledger)
async def legal_entities_do_not_mix(bench: Bench) -> None:
    """The ledger of one legal entity shows no posting of another."""
    one, other = bench.entity(0), bench.entity(1)
    command = bench.journal(entity=one)
    _expect_done(await bench.write_one(command))
    day = command.accounting_date
    mine = {posting.reference for posting in await bench.postings(one.code, day, day + timedelta(days=1))}
    theirs = {posting.reference for posting in await bench.postings(other.code, day, day + timedelta(days=1))}
    expect(command.reference in mine, "a posting is not in its own ledger")
    expect(command.reference not in theirs, "a posting is in the ledger of another legal entity")


def _many_lines(command: PostJournal) -> PostJournal:
    """The journal with its amount split over many lines, amounts from one minor unit up."""
    debit, credit = command.lines
    amounts = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
    debits = [
        msgspec.structs.replace(debit, debit_minor=one, amount_minor=one, hours=Decimal("0.25")) for one in amounts
    ]
    whole = msgspec.structs.replace(credit, credit_minor=sum(amounts), amount_minor=-sum(amounts))
    return msgspec.structs.replace(command, lines=(*debits, whole))


def _expect_same(command: PostJournal, posting: LedgerPosting) -> None:
    def facts(line: JournalLine) -> tuple[str, int, str, int, str]:
        functional = line.debit_minor - line.credit_minor
        return line.account, functional, command.currency, line.amount_minor, line.currency

    sent = sorted(facts(line) for line in command.lines)
    got = sorted(
        (one.account, one.functional_minor, one.functional_currency, one.amount_minor, one.currency)
        for one in posting.lines
    )
    expect(sent == got, f"lines were sent as {sent} and are read as {got}")
    expect(posting.accounting_date == command.accounting_date, f"the date became {posting.accounting_date}")
    expect(posting.entity == command.entity, f"entity {command.entity} became {posting.entity}")
    expect(posting.posted, "the ledger shows a draft")
    expect(posting.ref and posting.period.strip(), "the ledger names no id or no period")
