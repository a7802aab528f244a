"""Checks of the hours that a payroll is told: once, whole, as they were accepted, or refused in words.

A payroll that pays hours twice is as wrong as a ledger that posts them twice, so that the class is proven here as that
of journals is. Neighbours: ``checks_idempotency`` proves the classes of journals and masters.
"""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from tieout.connect.conformance.bench import Bench
from tieout.connect.conformance.check import Catalogue, writes
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.manifest import IdempotencyClass
from tieout.connect.outcome import Accepted, AlreadyDone, Outcome, Rejected, RejectionCode
from tieout.connect.simulator.control import Holding
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.model.payroll import HoursLine, PostPayrollHours

COMMAND: Final = "post_payroll_hours"
CHECKS: Final = Catalogue()
CLASS_CHECKS: Final = Catalogue(class_of=COMMAND)
_tells_hours: Final = writes(COMMAND)
_DONE: Final = (Accepted, AlreadyDone)
_AT_ONCE: Final = 4
_MOST_STEPS: Final = 8
_LONGEST_LAG_TRIED_S: Final = 5.0
_NOBODY: Final = "NOBODY-0"


def hours(bench: Bench, *lines: HoursLine) -> PostPayrollHours:
    """Hours of the fixture firm's people in its last open month, or ``lines``, under a new reference."""
    entity = bench.entity()
    first = bench.open_day(entity).replace(day=1)
    told = lines or _lines(bench, first)
    return PostPayrollHours(
        reference=f"TIE-{bench.numbers.next_key()[:32]}",
        entity=entity.code,
        sequence=1,
        period=f"{first:%Y-%m}",
        starts=first,
        ends=(first + timedelta(days=31)).replace(day=1),
        correction=False,
        hours=sum((line.hours for line in told), Decimal(0)),
        lines=told,
    )


def _lines(bench: Bench, first: date) -> tuple[HoursLine, ...]:
    """Whole, broken and negative hours, of every time type."""
    people = [one.key for one in bench.site.firm.people if one.entity == bench.entity().code]
    told = (("regular", "7.25"), ("overtime", "0.0001"), ("travel", "-3.5"))
    return tuple(
        HoursLine(
            employee_number=person,
            work_date=first + timedelta(days=place),
            time_type=time_type,
            hours=Decimal(number),
        )
        for person in people
        for place, (time_type, number) in enumerate(told)
    )


@CHECKS.check(_tells_hours)
async def hours_arrive_once_and_whole(bench: Bench) -> None:
    """Hours are held once, under the outcome's id, with their number of lines and their exact sum."""
    command = hours(bench)
    outcome = await bench.write_one(command)
    expect(isinstance(outcome, _DONE), f"plain hours became {outcome}")
    expect(isinstance(outcome, _DONE) and outcome.ref, "the outcome names no id of the target")
    held = _held_once(bench, command, "")
    told = {"hours": f"{command.hours.normalize():f}", "lines": str(len(command.lines))}
    for name, value in told.items():
        there = held.facts.get(name)
        expect(there in {None, value}, f"{name} were sent as {value} and are held as {there}")
    found = await bench.find(command)
    expect(found is not None and found.count == 1, f"the look-up of what was taken finds {found}")


@CHECKS.check(_tells_hours)
async def hours_of_nobody_are_refused_in_words(bench: Bench) -> None:
    """Hours of a person whom the payroll does not have are refused in words, and none of the others are taken."""
    plain = hours(bench)
    stranger = msgspec.structs.replace(plain.lines[0], employee_number=_NOBODY)
    command = hours(bench, *plain.lines, stranger)
    outcome = await bench.write_one(command)
    expect(isinstance(outcome, Rejected), f"hours of nobody became {outcome}")
    expect(isinstance(outcome, Rejected) and outcome.words.strip(), "the refusal has no words")
    expect(not bench.site.holdings(command.reference), "refused hours are held")


@CLASS_CHECKS.check(_tells_hours)
async def the_declared_class_of_post_payroll_hours_is_true(bench: Bench) -> None:
    """For post_payroll_hours: K and U keep four writes at once to one effect; L: a look-up sees it in time."""
    declared, command = _class(bench), hours(bench)
    if declared is IdempotencyClass.N:
        bench.proven[COMMAND] = "never retried by the machine"
        return
    if declared is IdempotencyClass.L:
        outcome = await bench.write_one(command)
        expect(isinstance(outcome, _DONE), f"plain hours became {outcome}")
        lag_s = bench.manifest.read_your_write_lag_s
        if lag_s > _LONGEST_LAG_TRIED_S:
            raise NotApplicableError(f"a read-your-write lag of {lag_s} s is too long to try here")
        await asyncio.sleep(lag_s)
        expect(await bench.find(command) is not None, "a look-up does not see what was taken: the class is not L")
        bench.proven[COMMAND] = "a look-up sees it at once" if not lag_s else f"a look-up sees it within {lag_s:g} s"
        return
    outcomes = await asyncio.gather(*(bench.write_one(command) for _ in range(_AT_ONCE)))
    expect(any(isinstance(one, _DONE) for one in outcomes), f"none of {_AT_ONCE} writes at once was done: {outcomes}")
    _held_once(bench, command, f"{_AT_ONCE} writes at once: ")
    bench.proven[COMMAND] = f"{_AT_ONCE} writes at once make one"


@CLASS_CHECKS.check(_tells_hours)
async def hours_are_there_once_wherever_their_write_is_cut(bench: Bench) -> None:
    """For post_payroll_hours: cut at each request, looked up, and written again as the engine would: held once."""
    declared = _class(bench)
    if declared is IdempotencyClass.N:
        raise NotApplicableError("a write of class N is never repeated by the machine")
    before = bench.site.status().writes
    first = await bench.write_one(hours(bench))
    expect(isinstance(first, _DONE), f"plain hours became {first}")
    for step in range(min(bench.site.status().writes - before, _MOST_STEPS)):
        for kind in (FaultKind.COMMIT_THEN_DROP, FaultKind.DROP):
            command = hours(bench)
            bench.site.force(Fault(kind=kind, on="write", skip=step))
            cut = await bench.write_one(command)
            bench.site.calm()
            if declared is not IdempotencyClass.L or await bench.find(command) is None:
                again = await bench.write_one(command)
                expect(_is_settled(again), f"after {kind} at request {step + 1} ({cut}), writing again became {again}")
            _held_once(bench, command, f"{kind} at request {step + 1}: ")


def _class(bench: Bench) -> IdempotencyClass:
    capability = bench.manifest.write(COMMAND)
    if capability is None:
        raise NotApplicableError(f"the connector does not write {COMMAND}")
    return capability.idempotency


def _is_settled(outcome: Outcome) -> bool:
    known = isinstance(outcome, Rejected) and outcome.code is RejectionCode.CONFLICT
    return known or isinstance(outcome, _DONE)


def _held_once(bench: Bench, command: PostPayrollHours, where: str) -> Holding:
    held = bench.site.holdings(command.reference)
    expect(len(held) == 1, f"{where}the target holds the hours {len(held)} times")
    return held[0]
