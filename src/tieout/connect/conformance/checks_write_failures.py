"""Checks of what a sink makes of failures: a money-moving "no" must be certain, everything else is unknown.

Each experiment compares the outcome with what the system really holds; a claim of "certainly not recorded" over a
recorded journal is how money is posted twice.
"""

from dataclasses import dataclass
from functools import partial
from typing import Final

from tieout.connect.conformance.bench import Bench
from tieout.connect.conformance.check import Catalogue, posts
from tieout.connect.conformance.score import expect
from tieout.connect.outcome import (
    Accepted,
    AlreadyDone,
    NoAccess,
    Outcome,
    Rejected,
    RetryLater,
    Unknown,
    Warned,
)
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.errors import TieoutError

CHECKS: Final = Catalogue()
_LONGEST_WAIT_S: Final = 24 * 3600.0
_DONE: Final = (Accepted, AlreadyDone)
_NOT_RECORDED: Final = (Rejected, Warned, RetryLater, NoAccess)
_MANY: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A fault on the write, and the outcomes that are right for it."""

    fault: Fault
    right: tuple[type[Outcome], ...]
    proves: str
    timeout_s: float = 20.0


def _on_write(kind: FaultKind, *, count: int = _MANY, seconds: float = 0.3, retry_after: str | None = None) -> Fault:
    return Fault(kind=kind, on="write", count=count, seconds=seconds, retry_after=retry_after)


_CASES: Final = {
    "unauthorised": _Case(
        fault=_on_write(FaultKind.TOKEN_EXPIRED),
        right=(NoAccess,),
        proves="A write that stays 401 is NoAccess: the connection pauses and no attempt is burned.",
    ),
    "forbidden": _Case(
        fault=_on_write(FaultKind.FORBIDDEN), right=(NoAccess,), proves="A write that is forbidden (403) is NoAccess."
    ),
    "not_found": _Case(
        fault=_on_write(FaultKind.NOT_FOUND),
        right=(Rejected, Unknown),
        proves="A write to something that is not found (404) is never taken for done or for a reason to repeat.",
    ),
    "conflict": _Case(
        fault=_on_write(FaultKind.CONFLICT),
        right=(Rejected, RetryLater, Unknown),
        proves="A conflict (409) is never taken for done.",
    ),
    "unprocessable": _Case(
        fault=_on_write(FaultKind.UNPROCESSABLE),
        right=(Rejected,),
        proves="A refusal of the content (422, or the vendor's twin) is Rejected with the vendor's words.",
    ),
    "too_many_requests": _Case(
        fault=_on_write(FaultKind.HTTP_429),
        right=(RetryLater,),
        proves="A throttled write (429) is RetryLater, with or without Retry-After.",
    ),
    "server_error": _Case(
        fault=_on_write(FaultKind.HTTP_500),
        right=(Unknown,),
        proves="A 500 says nothing about what was recorded: Unknown.",
    ),
    "unavailable": _Case(
        fault=_on_write(FaultKind.HTTP_503),
        right=(RetryLater, Unknown),
        proves="A 503 is RetryLater or Unknown, never done and never rejected.",
    ),
    "dropped": _Case(
        fault=_on_write(FaultKind.DROP, count=1),
        right=(Unknown,),
        proves="A connection cut before any answer is Unknown.",
    ),
    "answer_lost": _Case(
        fault=_on_write(FaultKind.COMMIT_THEN_DROP, count=1),
        right=(Unknown, *_DONE),
        proves="An answer lost after the target committed is never taken for not recorded, and a look-up finds it.",
    ),
    "answer_cut": _Case(
        fault=_on_write(FaultKind.CUT_BODY, count=1),
        right=(Unknown, *_DONE),
        proves="An answer cut in its middle is never taken for not recorded, and a look-up finds it.",
    ),
    "answer_500_after_commit": _Case(
        fault=_on_write(FaultKind.COMMIT_THEN_5XX, count=1),
        right=(Unknown, *_DONE),
        proves="A 500 after the target committed is never taken for not recorded, and a look-up finds it.",
    ),
    "answer_late": _Case(
        fault=_on_write(FaultKind.COMMIT_THEN_DELAY, count=1, seconds=1.0),
        right=(Unknown,),
        timeout_s=0.4,
        proves="A timeout after sending is Unknown, and a look-up finds what the target recorded.",
    ),
    "effect_late": _Case(
        fault=_on_write(FaultKind.DELAY, count=1, seconds=1.0),
        right=(Unknown,),
        timeout_s=0.4,
        proves="A timeout before the target acts is Unknown as well: the request still takes effect later.",
    ),
    "html_page": _Case(
        fault=_on_write(FaultKind.HTML_PAGE),
        right=(Unknown, NoAccess, RetryLater),
        proves="A sign-in page in HTML with status 200 is never taken for done.",
    ),
    "error_in_ok": _Case(
        fault=_on_write(FaultKind.OK_WITH_ERROR_BODY),
        right=(Unknown, Rejected, RetryLater, NoAccess),
        proves="An answer 200 with an error in its body is never taken for done.",
    ),
}


async def _write_fails_rightly(bench: Bench, *, case: _Case) -> None:
    command = bench.journal()
    bench.site.force(case.fault)
    try:
        outcome = await bench.write_one(command, timeout_s=case.timeout_s)
    except TieoutError as error:
        expect(condition=False, words=f"the sink raised {type(error).__name__} where an outcome was due: {error}")
        return
    if case.fault.seconds > case.timeout_s:
        await bench.settle(command)
    held = bench.site.holdings(command.reference)
    expect(isinstance(outcome, case.right), f"the outcome is {outcome}; the target holds {len(held)}")
    expect(not (isinstance(outcome, _NOT_RECORDED) and held), f"{outcome} claims not recorded, the target holds it")
    expect(not isinstance(outcome, _DONE) or held, f"{outcome} claims recorded, the target does not hold it")
    expect(len(held) <= 1, f"one write made {len(held)} objects")
    if isinstance(outcome, Rejected | NoAccess):
        expect(outcome.words.strip(), "a refusal without the target's words helps nobody")
    bench.site.calm()
    found = await bench.find(command)
    expect((found is None) == (not held), f"the look-up says {found}; the target holds {len(held)}")


for _name, _case in _CASES.items():
    CHECKS.add(
        name=f"write_{_name}",
        proves=_case.proves,
        applies=posts,
        experiment=partial(_write_fails_rightly, case=_case),
    )


@CHECKS.check(posts)
async def a_write_told_when_to_come_back_says_so(bench: Bench) -> None:
    """Retry-After reaches the engine and slows the account: sane as it is, absurd or negative ones capped."""
    for told, least, most in (("7", 7.0, 7.0), ("1000000000", 1.0, _LONGEST_WAIT_S), ("-5", 0.0, _LONGEST_WAIT_S)):
        bench.site.force(_on_write(FaultKind.HTTP_429, retry_after=told))
        outcome = await bench.write_one(bench.journal())
        bench.site.calm()
        expect(isinstance(outcome, RetryLater), f"a throttled write became {outcome}")
        wait_s = outcome.after_s if isinstance(outcome, RetryLater) else None
        expect(least <= (wait_s or 0.0) <= most, f"Retry-After: {told} became {wait_s} seconds")
    expect(7.0 in bench.throttle.penalties_s, "Retry-After did not slow the account down")  # noqa: PLR2004
    expect(max(bench.throttle.penalties_s) <= _LONGEST_WAIT_S, "an absurd Retry-After stops the account")


@CHECKS.check(posts)
async def a_write_to_a_system_that_is_gone_may_be_repeated(bench: Bench) -> None:
    """A target that refuses connections has certainly recorded nothing: RetryLater."""
    command = bench.journal()
    bench.site.down(30)
    outcome = await bench.write_one(command)
    bench.site.calm()
    expect(isinstance(outcome, RetryLater), f"a write that reached nobody became {outcome}")
    expect(not bench.site.holdings(command.reference), "the target holds a journal that it never got")


@CHECKS.check(posts)
async def a_sink_never_retries_by_itself(bench: Bench) -> None:
    """One lost answer makes one effect: the sink leaves repeating to the engine, which looks first."""
    command = bench.journal()
    bench.site.force(_on_write(FaultKind.COMMIT_THEN_DROP, count=2))
    await bench.write_one(command)
    held = bench.site.holdings(command.reference)
    expect(len(held) <= 1, f"one write under a lost answer made {len(held)} objects")


@CHECKS.check(posts)
async def a_failed_look_up_is_not_an_absence(bench: Bench) -> None:
    """A look-up that could not be made raises; it never says that nothing is there."""
    command = bench.journal()
    outcome = await bench.write_one(command)
    expect(isinstance(outcome, _DONE), f"a plain journal became {outcome}")
    for kind in (
        FaultKind.HTTP_429,
        FaultKind.HTTP_500,
        FaultKind.HTTP_503,
        FaultKind.DROP,
        FaultKind.CUT_BODY,
        FaultKind.FORBIDDEN,
        FaultKind.TOKEN_EXPIRED,
        FaultKind.OK_WITH_ERROR_BODY,
        FaultKind.HTML_PAGE,
    ):
        if kind not in bench.site.supported_faults:
            continue
        bench.site.force(Fault(kind=kind, on="read", count=_MANY))
        try:
            found = await bench.find(command)
        except TieoutError:
            continue
        finally:
            bench.site.calm()
        expect(found is not None, f"under {kind} the look-up says that a recorded journal is not there")


@CHECKS.check(posts)
async def wrong_credentials_are_no_access(bench: Bench) -> None:
    """Credentials that are wrong make NoAccess or an error of access, and nothing is recorded."""
    command = bench.journal()
    try:
        async with bench.sink(secrets=bench.wrong_secrets()) as sink:
            outcome = (await sink.write([command]))[0]
    except TieoutError as error:
        expect(type(error).__name__ in {"AccessError", "ConfigurationError"}, f"wrong credentials became {error}")
    else:
        expect(isinstance(outcome, NoAccess), f"wrong credentials became {outcome}")
    expect(not bench.site.holdings(command.reference), "a journal was recorded with wrong credentials")
