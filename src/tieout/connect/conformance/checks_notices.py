"""Checks of notices: people are told once, whole, in plain text, or it is said in words why they were not.

A notice moves no money, but whoever is told the same thing five times stops reading: the class is proven here as that
of journals is, also class N, by showing that the target does make two of one. Neighbour: ``checks_idempotency``.
"""

import asyncio
from functools import partial
from typing import Final

from tieout.connect.conformance.bench import Bench
from tieout.connect.conformance.check import Catalogue, writes
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.manifest import IdempotencyClass
from tieout.connect.outcome import Accepted, AlreadyDone, NoAccess, Outcome, Rejected, RetryLater, Unknown, Warned
from tieout.connect.simulator.control import Holding
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.errors import TieoutError
from tieout.model.command import SendNotice

COMMAND: Final = "send_notice"
CHECKS: Final = Catalogue()
CLASS_CHECKS: Final = Catalogue(class_of=COMMAND)
_tells: Final = writes(COMMAND)
_DONE: Final = (Accepted, AlreadyDone)
_NOT_SENT: Final = (Rejected, Warned, RetryLater, NoAccess)
_MANY: Final = 1_000
_AT_ONCE: Final = 4
_MOST_STEPS: Final = 8
_LATE_S: Final = 1.0
_SHORT_TIMEOUT_S: Final = 0.4
_LONGEST_CHARS: Final = 100_000


@CHECKS.check(_tells)
async def a_notice_arrives_once_and_whole(bench: Bench) -> None:
    """A notice is held once, under the outcome's id, with its subject, its text as text, its facts and its link."""
    command = bench.notice()
    outcome = await bench.write_one(command)
    expect(isinstance(outcome, _DONE), f"a plain notice became {outcome}")
    expect(isinstance(outcome, _DONE) and outcome.ref, "the outcome names no id of the target")
    held = _held_once(bench, command, "")
    told = {"subject": command.subject, "body": command.body, "link": command.link or "", "fact:owner": "finance"}
    for name, value in told.items():
        there = held.facts.get(name)
        expect(there == value, f"{name} was sent as {value!r} and is held as {there!r}")


@CHECKS.check(_tells)
async def a_notice_without_link_and_facts_arrives_too(bench: Bench) -> None:
    """A hub that does not know its own address still tells people."""
    plain = bench.notice()
    command = SendNotice(
        reference=plain.reference, entity="", address=plain.address, subject="One line", body="Nothing else."
    )
    outcome = await bench.write_one(command)
    expect(isinstance(outcome, _DONE), f"a notice without a link became {outcome}")
    _held_once(bench, command, "")


@CHECKS.check(_tells)
async def a_subject_of_several_lines_adds_no_header(bench: Bench) -> None:
    """Line ends in a subject, as a system's words may have them, change nothing but the subject."""
    command = bench.notice(subject="Late\r\nBcc: everybody@attacker.example\n\nGo away")
    outcome = await bench.write_one(command)
    expect(isinstance(outcome, (*_DONE, Rejected)), f"a subject of several lines became {outcome}")
    for held in bench.site.holdings(command.reference):
        there = held.facts.get("subject", "")
        expect("\n" not in there and there.startswith("Late"), f"the subject became {there!r}")
        expect(held.facts.get("recipients", command.address) == command.address, "a header was slipped in")


@CHECKS.check(_tells)
async def a_very_long_notice_is_cut_or_refused_in_words(bench: Bench) -> None:
    """A text longer than any vendor takes is cut, or refused with words; it does not stay in doubt."""
    command = bench.notice(body="ß" * _LONGEST_CHARS)
    outcome = await bench.write_one(command)
    held = bench.site.holdings(command.reference)
    expect(isinstance(outcome, (*_DONE, Rejected)), f"a very long notice became {outcome}")
    expect(isinstance(outcome, _DONE) == bool(held), f"{outcome}, and the target holds {len(held)}")


@CHECKS.check(_tells)
async def a_notice_to_a_place_that_is_not_there_is_refused_in_words(bench: Bench) -> None:
    """An address that the target does not know is Rejected with its words."""
    if not bench.site.sheet().address:
        raise NotApplicableError("the target has a single place and is given no address")
    for address in ("no-such-place", "nobody@unknown.example"):
        command = bench.notice(address=address)
        outcome = await bench.write_one(command)
        expect(isinstance(outcome, Rejected), f"a notice to {address!r} became {outcome}")
        expect(isinstance(outcome, Rejected) and outcome.words.strip(), "the refusal has no words")
        expect(not bench.site.holdings(command.reference), "a refused notice is held")


@CHECKS.check(_tells)
async def a_notice_with_wrong_credentials_is_no_access(bench: Bench) -> None:
    """Credentials that are wrong make NoAccess, and nothing is sent."""
    command = bench.notice()
    async with bench.sink(secrets=bench.wrong_secrets()) as sink:
        outcome = (await sink.write([command]))[0]
    expect(isinstance(outcome, NoAccess), f"wrong credentials became {outcome}")
    expect(not bench.site.holdings(command.reference), "a notice was sent with wrong credentials")


@CHECKS.check(_tells)
async def a_notice_to_a_target_that_is_gone_may_be_repeated(bench: Bench) -> None:
    """A target that refuses connections has certainly told nobody: RetryLater."""
    command = bench.notice()
    bench.site.down(30)
    outcome = await bench.write_one(command)
    bench.site.calm()
    expect(isinstance(outcome, RetryLater), f"a notice that reached nobody became {outcome}")
    expect(not bench.site.holdings(command.reference), "the target holds a notice that it never got")


@CHECKS.check(_tells)
async def every_notice_goes_through_the_throttle(bench: Bench) -> None:
    """Every request of a notice and its look-up waits for its place under the account's declared limits."""
    before = bench.site.status().requests
    command = bench.notice()
    await bench.write_one(command)
    await bench.find(command)
    requests = bench.site.status().requests - before
    expect(bench.throttle.acquired >= 1, "no place was taken")
    http = bench.manifest.speaks_http
    expect(not http or bench.throttle.acquired >= requests, f"{requests} requests, {bench.throttle.acquired} places")
    expect(bench.throttle.accounts_seen <= {"under-test"}, f"places were taken for {bench.throttle.accounts_seen}")


_FAULTS: Final[dict[FaultKind, tuple[tuple[type[Outcome], ...], str]]] = {
    FaultKind.TOKEN_EXPIRED: ((NoAccess,), "A refused sign-in is NoAccess: the connection pauses."),
    FaultKind.FORBIDDEN: ((NoAccess,), "A right that is missing is NoAccess: the connection pauses."),
    FaultKind.NOT_FOUND: (
        (Rejected, Unknown),
        "A place that is gone is never taken for done or for a reason to repeat.",
    ),
    FaultKind.UNPROCESSABLE: ((Rejected,), "A refusal of the content is Rejected with the vendor's words."),
    FaultKind.HTTP_429: ((RetryLater,), "A notice that is told to wait is RetryLater."),
    FaultKind.HTTP_500: ((Unknown,), "A 500 says nothing about what was told: Unknown."),
    FaultKind.HTTP_503: ((RetryLater, Unknown), "A 503 is never done and never rejected."),
    FaultKind.DROP: ((Unknown,), "A connection cut before any answer is Unknown."),
    FaultKind.COMMIT_THEN_DROP: (
        (Unknown, *_DONE),
        "An answer lost after people were told is never taken for not told.",
    ),
    FaultKind.CUT_BODY: ((Unknown, *_DONE), "An answer cut in its middle is never taken for not told."),
    FaultKind.COMMIT_THEN_5XX: ((Unknown, *_DONE), "A 500 after people were told is never taken for not told."),
    FaultKind.COMMIT_THEN_DELAY: ((Unknown,), "A timeout after sending is Unknown."),
    FaultKind.DELAY: ((Unknown,), "A timeout before the target acts is Unknown: it still takes effect later."),
    FaultKind.HTML_PAGE: ((Unknown, NoAccess, RetryLater), "A sign-in page with status 200 is never taken for done."),
    FaultKind.OK_WITH_ERROR_BODY: (
        (Unknown, Rejected, RetryLater, NoAccess),
        "An answer 200 with an error in its body is never taken for done.",
    ),
}
_LATE: Final = frozenset({FaultKind.DELAY, FaultKind.COMMIT_THEN_DELAY})


async def _fails_rightly(bench: Bench, *, kind: FaultKind, right: tuple[type[Outcome], ...]) -> None:
    command = bench.notice()
    bench.site.force(Fault(kind=kind, on="write", seconds=_LATE_S))
    try:
        outcome = await bench.write_one(command, timeout_s=_SHORT_TIMEOUT_S if kind in _LATE else 20.0)
    except TieoutError as error:
        expect(condition=False, words=f"the sink raised {type(error).__name__} where an outcome was due: {error}")
        return
    if kind in _LATE:
        await asyncio.sleep(_LATE_S)
        await bench.settle(command)
    held = bench.site.holdings(command.reference)
    expect(isinstance(outcome, right), f"the outcome is {outcome}; the target holds {len(held)}")
    expect(not (isinstance(outcome, _NOT_SENT) and held), f"{outcome} claims not told, the target holds it")
    expect(not isinstance(outcome, _DONE) or held, f"{outcome} claims told, the target does not hold it")
    expect(len(held) <= 1, f"one notice was sent {len(held)} times")
    if isinstance(outcome, Rejected | NoAccess):
        expect(outcome.words.strip(), "a refusal without the target's words helps nobody")


for _kind, (_right, _proves) in _FAULTS.items():
    CHECKS.add(
        name=f"notice_{_kind.value}",
        proves=_proves,
        applies=_tells,
        experiment=partial(_fails_rightly, kind=_kind, right=_right),
    )


@CLASS_CHECKS.check(_tells)
async def the_declared_class_of_send_notice_is_true(bench: Bench) -> None:
    """K, U: four writes at once tell once; L: a look-up sees it in time; N: no look-up claims to know, two are two."""
    declared, command = _class(bench), bench.notice()
    if declared in {IdempotencyClass.K, IdempotencyClass.U}:
        outcomes = await asyncio.gather(*(bench.write_one(command) for _ in range(_AT_ONCE)))
        expect(any(isinstance(one, _DONE) for one in outcomes), f"none of {_AT_ONCE} was done: {outcomes}")
        _held_once(bench, command, f"{_AT_ONCE} writes at once: ")
        bench.proven[COMMAND] = f"{_AT_ONCE} writes at once tell once"
        return
    outcome = await bench.write_one(command)
    expect(isinstance(outcome, _DONE), f"a plain notice became {outcome}")
    if declared is IdempotencyClass.L:
        await asyncio.sleep(bench.manifest.read_your_write_lag_s)
        found = await bench.find(command)
        expect(found is not None and found.count == 1, f"a look-up finds {found}: the class is not L")
        expect(await bench.find(bench.notice()) is None, "a look-up finds a notice that was never sent")
        bench.proven[COMMAND] = "a look-up sees it in time"
        return
    expect(await bench.find(command) is None, "class N is declared, and a look-up claims to know")
    await bench.write_one(command)
    held = bench.site.holdings(command.reference)
    expect(len(held) > 1, "the target told the same notice once: the class is better than N")
    bench.proven[COMMAND] = "the same notice twice is told twice, so it is never retried by the machine"


@CLASS_CHECKS.check(_tells)
async def a_notice_is_told_once_wherever_its_write_is_cut(bench: Bench) -> None:
    """Cut at each request, looked up, and written again if and only if the engine would: told once at most."""
    declared = _class(bench)
    before = bench.site.status().writes
    expect(isinstance(await bench.write_one(bench.notice()), _DONE), "a plain notice was not sent")
    for step in range(min(bench.site.status().writes - before, _MOST_STEPS)):
        for kind in (FaultKind.COMMIT_THEN_DROP, FaultKind.DROP):
            command = bench.notice()
            bench.site.force(Fault(kind=kind, on="write", skip=step))
            cut = await bench.write_one(command)
            bench.site.calm()
            may_repeat = isinstance(cut, RetryLater) or declared in {IdempotencyClass.K, IdempotencyClass.U}
            if declared is IdempotencyClass.L and isinstance(cut, Unknown):
                may_repeat = await bench.find(command) is None
            if may_repeat:
                again = await bench.write_one(command)
                expect(isinstance(again, _DONE), f"after {kind} at request {step + 1} ({cut}), again became {again}")
            held = bench.site.holdings(command.reference)
            expect(len(held) <= 1, f"{kind} at request {step + 1}: told {len(held)} times")
            expect(held or not may_repeat, f"{kind} at request {step + 1}: nobody was told")


@CLASS_CHECKS.check(_tells)
async def a_failed_look_up_of_a_notice_is_not_an_absence(bench: Bench) -> None:
    """For class L a look-up that could not be made raises; it never says that nobody was told."""
    if _class(bench) is not IdempotencyClass.L:
        raise NotApplicableError("nothing is looked up")
    command = bench.notice()
    expect(isinstance(await bench.write_one(command), _DONE), "a plain notice was not sent")
    for kind in (FaultKind.HTTP_429, FaultKind.HTTP_500, FaultKind.DROP, FaultKind.TOKEN_EXPIRED, FaultKind.HTML_PAGE):
        bench.site.force(Fault(kind=kind, on="read", count=_MANY))
        try:
            found = await bench.find(command)
        except TieoutError:
            continue
        finally:
            bench.site.calm()
        expect(found is not None, f"under {kind} the look-up says that nobody was told")


def _class(bench: Bench) -> IdempotencyClass:
    capability = bench.manifest.write(COMMAND)
    if capability is None:
        raise NotApplicableError(f"the connector does not write {COMMAND}")
    return capability.idempotency


def _held_once(bench: Bench, command: SendNotice, where: str) -> Holding:
    held = bench.site.holdings(command.reference)
    expect(len(held) == 1, f"{where}the target holds the notice {len(held)} times")
    return held[0]
