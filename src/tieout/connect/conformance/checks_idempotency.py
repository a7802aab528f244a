"""Experiments that prove the declared idempotency class of each command, and that nothing is made twice.

The engine recovers by class: K honours a key, U enforces a unique reference, L can be looked up, N none of these.
A class that is claimed and not true is how money is posted twice, so it is never taken on trust. What was proven is
put into the score.
"""

import asyncio
from itertools import chain
from typing import Final

import msgspec

from tieout.connect.conformance.bench import Bench
from tieout.connect.conformance.check import Catalogue, Check, Experiment, posts, writes
from tieout.connect.conformance.fixture_masters import MASTERS, Made, Master
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.manifest import IdempotencyClass
from tieout.connect.outcome import Accepted, AlreadyDone, FoundState, Outcome, Rejected, RejectionCode
from tieout.connect.simulator.control import Switches
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.errors import TieoutError
from tieout.model.journal import PostJournal

_DONE: Final = (Accepted, AlreadyDone)
_AT_ONCE: Final = 4
_COMMAND: Final = "post_journal"
CHECKS: Final = Catalogue(class_of=_COMMAND)
_NEVER_AGAIN: Final = "never retried by the machine"
_LAG_MARGIN_S: Final = 0.5
_LONGEST_LAG_TRIED_S: Final = 5.0


def _class(bench: Bench, command: str = _COMMAND) -> IdempotencyClass:
    capability = bench.manifest.write(command)
    if capability is None:
        raise NotApplicableError(f"the connector does not write {command}")
    return capability.idempotency


def _done(outcome: Outcome) -> bool:
    return isinstance(outcome, _DONE)


@CHECKS.check(posts)
async def the_declared_idempotency_class_is_true(bench: Bench) -> None:
    """K: one key twice has one effect; U: a second create is refused; L: a look-up sees it in time; N: declared."""
    declared = _class(bench)
    if declared is IdempotencyClass.N:
        bench.proven[_COMMAND] = _NEVER_AGAIN
        return
    command = bench.journal()
    first = await bench.write_one(command)
    expect(_done(first), f"a plain journal became {first}")
    if declared is IdempotencyClass.L:
        bench.proven[_COMMAND] = await _expect_found_within_lag(bench, command)
        return
    second = await bench.write_one(command)
    held = bench.site.holdings(command.reference)
    expect(len(held) == 1, f"the same command twice made {len(held)} objects: the class is not {declared}")
    if declared is IdempotencyClass.U:
        refused = isinstance(second, AlreadyDone) or (
            isinstance(second, Rejected) and second.code is RejectionCode.CONFLICT
        )
        expect(refused, f"a second create was not refused as such: {second}")
        bench.proven[_COMMAND] = "a second create under the same reference is refused"
        return
    expect(_done(second), f"the same key twice was not answered as done: {second}")
    bench.proven[_COMMAND] = "the same key twice has one effect"


async def _expect_found_within_lag(bench: Bench, command: PostJournal | Master) -> str:
    lag_s = bench.manifest.read_your_write_lag_s
    if lag_s > _LONGEST_LAG_TRIED_S:
        raise NotApplicableError(f"a read-your-write lag of {lag_s} s is too long to try here")
    await asyncio.sleep(lag_s)
    found = await bench.find(command)
    expect(found is not None, f"a look-up does not see it {lag_s} s after it was written: the class is not L")
    return f"a look-up sees it {'at once' if not lag_s else f'within {lag_s:g} s'}"


@CHECKS.check(posts)
async def the_same_command_at_once_has_one_effect(bench: Bench) -> None:
    """For classes K and U the target itself keeps four simultaneous writes of one command to one effect."""
    if _class(bench) not in {IdempotencyClass.K, IdempotencyClass.U}:
        raise NotApplicableError("the target gives no such protection, and the manifest claims none")
    command = bench.journal()
    outcomes = await asyncio.gather(*(bench.write_one(command) for _ in range(_AT_ONCE)))
    held = bench.site.holdings(command.reference)
    expect(len(held) == 1, f"{_AT_ONCE} writes at once made {len(held)} objects: {outcomes}")


@CHECKS.check(posts)
async def a_repeat_after_a_lost_answer_has_one_effect(bench: Bench) -> None:
    """Lost answer, look-up by our reference, write again if and only if the engine would: one posting."""
    declared = _class(bench)
    command = bench.journal()
    bench.site.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write"))
    first = await bench.write_one(command)
    bench.site.calm()
    found = await bench.find(command)
    if declared is IdempotencyClass.N:
        return
    if found is None or found.state is FoundState.DRAFT or declared is not IdempotencyClass.L:
        again = await bench.write_one(command)
        expect(
            _done(again) or (isinstance(again, Rejected) and again.code is RejectionCode.CONFLICT),
            f"after {first}, writing again became {again}",
        )
    held = bench.site.holdings(command.reference)
    expect(len(held) == 1, f"a lost answer and its repeat made {len(held)} objects")
    expect(held[0].posted, "a lost answer and its repeat left a draft")


@CHECKS.check(posts)
async def a_crash_between_any_two_steps_leaves_no_orphan(bench: Bench) -> None:
    """A write of several requests is cut at each of them in turn; writing again resumes: one posting, no draft."""
    if _class(bench) is IdempotencyClass.N:
        raise NotApplicableError("a write of class N is never repeated by the machine")
    before = bench.site.status().writes
    expect(_done(await bench.write_one(bench.journal())), "a plain journal was not recorded")
    steps = bench.site.status().writes - before
    for step in range(steps):
        for kind in (FaultKind.COMMIT_THEN_DROP, FaultKind.DROP):
            command = bench.journal(amount_minor=4_000 + step)
            bench.site.force(Fault(kind=kind, on="write", skip=step))
            await bench.write_one(command)
            bench.site.calm()
            found = await bench.find(command)
            if found is None or found.state is FoundState.DRAFT:
                again = await bench.write_one(command)
                expect(_done(again), f"after {kind} at request {step + 1} of {steps}, writing again became {again}")
            held = bench.site.holdings(command.reference)
            expect(len(held) == 1, f"{kind} at request {step + 1} of {steps} left {len(held)} objects")
            expect(held[0].posted, f"{kind} at request {step + 1} of {steps} left a draft")


@CHECKS.check(posts)
async def the_same_reference_with_other_content_is_never_a_second_posting(bench: Bench) -> None:
    """Another amount under a used reference makes no second posting; a look-up tells the recorded amount."""
    if _class(bench) not in {IdempotencyClass.K, IdempotencyClass.U}:
        raise NotApplicableError("the target gives no such protection, and the manifest claims none")
    command = bench.journal(amount_minor=5_000)
    expect(_done(await bench.write_one(command)), "a plain journal was not recorded")
    other = bench.journal(amount_minor=6_000)
    other = msgspec.structs.replace(other, reference=command.reference, key=command.key)
    outcome = await bench.write_one(other)
    held = bench.site.holdings(command.reference)
    expect(len(held) == 1, f"other content under a used reference made {len(held)} objects: {outcome}")
    found = await bench.find(command)
    expect(found is not None and found.count == 1, f"the look-up finds {found}")
    told = None if found is None or found.echo is None else found.echo.amount_minor
    expect(
        told in {None, held[0].debit_minor} or held[0].debit_minor is None,
        f"the look-up tells {told}, the target holds {held[0].debit_minor}",
    )


@CHECKS.check(posts)
async def a_look_up_waits_for_reads_that_lag(bench: Bench) -> None:
    """With reads as late as declared, a look-up after the declared lag sees what was written."""
    lag_s = bench.manifest.read_your_write_lag_s
    if not 0 < lag_s <= _LONGEST_LAG_TRIED_S:
        raise NotApplicableError("no lag is declared, or one too long to try here")
    bench.site.switch(Switches(read_lag_s=lag_s))
    command = bench.journal()
    await bench.write_one(command)
    await asyncio.sleep(lag_s + _LAG_MARGIN_S)
    try:
        found = await bench.find(command)
    except TieoutError as error:
        expect(condition=False, words=f"the look-up failed: {error}")
        return
    expect(found is not None, f"a look-up does not see a journal {lag_s} s after it was written")


def _class_of_master(command: str, made: Made) -> Experiment:
    async def experiment(bench: Bench) -> None:
        declared = _class(bench, command)
        if declared is IdempotencyClass.N:
            bench.proven[command] = _NEVER_AGAIN
            return
        wanted = await made.make(bench)
        if declared is IdempotencyClass.L:
            first = await bench.write_one(wanted)
            expect(_done(first), f"a plain {command} became {first}")
            bench.proven[command] = await _expect_found_within_lag(bench, wanted)
            return
        outcomes = await asyncio.gather(*(bench.write_one(wanted) for _ in range(_AT_ONCE)))
        expect(any(map(_done, outcomes)), f"none of {_AT_ONCE} writes at once was done: {outcomes}")
        held = bench.site.holdings(wanted.reference)
        expect(
            len(held) == 1,
            f"{_AT_ONCE} writes at once made {len(held)} objects: the class is not {declared}: {outcomes}",
        )
        bench.proven[command] = f"{_AT_ONCE} writes at once make one"

    return experiment


def _repeated_master(command: str, made: Made) -> Experiment:
    async def experiment(bench: Bench) -> None:
        declared = _class(bench, command)
        if declared is IdempotencyClass.N:
            raise NotApplicableError("a write of class N is never repeated by the machine")
        wanted = await made.make(bench)
        bench.site.force(Fault(kind=FaultKind.COMMIT_THEN_DROP, on="write"))
        first = await bench.write_one(wanted)
        bench.site.calm()
        if declared is not IdempotencyClass.L or await bench.find(wanted) is None:
            again = await bench.write_one(wanted)
            expect(
                _done(again) or (isinstance(again, Rejected) and again.code is RejectionCode.CONFLICT),
                f"after {first}, writing again became {again}",
            )
        held = bench.site.holdings(wanted.reference)
        expect(len(held) == 1, f"a lost answer and its repeat made {len(held)} objects")

    return experiment


def _master_checks(command: str, made: Made) -> Catalogue:
    checks = Catalogue(class_of=command)
    checks.add(
        name=f"the_declared_class_of_{command}_is_true",
        proves=f"For {command}: K and U keep {_AT_ONCE} writes at once to one effect; L: a look-up sees it in time.",
        applies=writes(command),
        experiment=_class_of_master(command, made),
    )
    checks.add(
        name=f"a_repeated_{command}_after_a_lost_answer_has_one_effect",
        proves=f"For {command}: lost answer, look-up, write again if and only if the engine would: one object.",
        applies=writes(command),
        experiment=_repeated_master(command, made),
    )
    return checks


MASTER_CHECKS: Final[tuple[Check, ...]] = tuple(
    chain.from_iterable(_master_checks(command, made) for command, made in MASTERS.items())
)
