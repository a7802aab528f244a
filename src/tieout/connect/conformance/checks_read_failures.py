"""Checks of what a source does when its system fails: the right error, no invented page, and nothing lost after."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from tieout.connect.conformance.bench import Bench, latest
from tieout.connect.conformance.check import Catalogue, reads
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.errors import AccessError, ConfigurationError, ContractError, TieoutError, TransientError

CHECKS: Final = Catalogue()
_MANY: Final = 1_000
_LONGEST_WAIT_S: Final = 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A fault on every read, and the errors that are right for it; ``timeout_s`` makes a delay one too many."""

    fault: Fault
    right: tuple[type[TieoutError], ...]
    proves: str
    timeout_s: float = 20.0


def _on_read(kind: FaultKind, *, seconds: float = 0.3, retry_after: str | None = None) -> Fault:
    return Fault(kind=kind, on="read", count=_MANY, seconds=seconds, retry_after=retry_after)


_REFUSED: Final = (AccessError,)
_AGAIN: Final = (TransientError,)
_NO_PAGE: Final = (TransientError, AccessError, ContractError)
_CASES: Final = {
    "unauthorised": _Case(
        fault=_on_read(FaultKind.TOKEN_EXPIRED),
        right=_REFUSED,
        proves="A read that stays 401 is an AccessError, so that the connection pauses.",
    ),
    "forbidden": _Case(
        fault=_on_read(FaultKind.FORBIDDEN),
        right=_REFUSED,
        proves="A read that is forbidden (403) is an AccessError.",
    ),
    "not_found": _Case(
        fault=_on_read(FaultKind.NOT_FOUND),
        right=(AccessError, ContractError, TransientError, ConfigurationError),
        proves="A collection that is not found (404) is an error, never an empty collection.",
    ),
    "too_many_requests": _Case(
        fault=_on_read(FaultKind.HTTP_429, retry_after="7"),
        right=_AGAIN,
        proves="A read that is throttled (429) is a TransientError.",
    ),
    "server_error": _Case(
        fault=_on_read(FaultKind.HTTP_500), right=_AGAIN, proves="A read that fails with 500 is a TransientError."
    ),
    "unavailable": _Case(
        fault=_on_read(FaultKind.HTTP_503), right=_AGAIN, proves="A read that fails with 503 is a TransientError."
    ),
    "dropped": _Case(
        fault=_on_read(FaultKind.DROP), right=_AGAIN, proves="A read whose connection is cut is a TransientError."
    ),
    "cut": _Case(
        fault=_on_read(FaultKind.CUT_BODY), right=_AGAIN, proves="A page that is cut in the middle is no page."
    ),
    "slow": _Case(
        fault=_on_read(FaultKind.DELAY, seconds=1.5),
        right=_AGAIN,
        timeout_s=0.4,
        proves="A read that takes longer than its deadline is a TransientError.",
    ),
    "html_page": _Case(
        fault=_on_read(FaultKind.HTML_PAGE), right=_NO_PAGE, proves="A sign-in page in HTML with status 200 is no page."
    ),
    "error_in_ok": _Case(
        fault=_on_read(FaultKind.OK_WITH_ERROR_BODY),
        right=_NO_PAGE,
        proves="An answer 200 with an error in its body is no page.",
    ),
}


async def _read_fails_rightly(bench: Bench, *, case: _Case) -> None:
    name = bench.objects[0]
    whole = set(latest(bench.translate(await bench.read(name))))
    bench.site.force(case.fault)
    pages = 0
    raised: TieoutError | None = None
    try:
        pages = len(await bench.read(name, timeout_s=case.timeout_s))
    except TieoutError as error:
        raised = error
    expect(raised is not None, f"the read ended with {pages} pages as if nothing had happened")
    expect(isinstance(raised, case.right), f"{type(raised).__name__} is not right: {raised}")
    bench.site.calm()
    after = set(latest(bench.translate(await bench.read(name))))
    expect(whole == after, "after the failure the same read gives something else")


for _name, _case in _CASES.items():
    CHECKS.add(
        name=f"read_{_name}",
        proves=_case.proves,
        applies=reads,
        experiment=partial(_read_fails_rightly, case=_case),
    )


@CHECKS.check(reads)
async def a_read_told_when_to_come_back_says_so(bench: Bench) -> None:
    """Retry-After reaches the engine: sane as it is, absurd or negative ones capped."""
    for told, least, most in (("7", 7.0, 7.0), ("1000000000", 1.0, _LONGEST_WAIT_S), ("-5", 0.0, _LONGEST_WAIT_S)):
        bench.site.force(_on_read(FaultKind.HTTP_429, retry_after=told))
        raised: TransientError | None = None
        try:
            await bench.read(bench.objects[0])
        except TransientError as error:
            raised = error
        bench.site.calm()
        expect(raised is not None, "a throttled read is no TransientError")
        wait_s = 0.0 if raised is None or raised.retry_after_s is None else raised.retry_after_s
        expect(least <= wait_s <= most, f"Retry-After: {told} became {wait_s} seconds")
    expect(max(bench.throttle.penalties_s, default=0) <= _LONGEST_WAIT_S, "an absurd Retry-After stops the account")


@CHECKS.check(reads)
async def a_read_does_not_hammer_a_system_that_is_down(bench: Bench) -> None:
    """A read of a system that refuses or fails makes few attempts and leaves waiting to the engine."""
    bench.site.force(_on_read(FaultKind.HTTP_503))
    before = bench.site.status().requests
    try:
        await bench.read(bench.objects[0])
    except TransientError:
        made = bench.site.status().requests - before
        expect(made <= 5, f"one failing read made {made} requests")  # noqa: PLR2004 - a token and a few retries
    else:
        raise NotApplicableError("the system did not fail")


@CHECKS.check(reads)
async def a_read_of_a_system_that_is_gone_may_be_repeated(bench: Bench) -> None:
    """A read of a system that refuses connections is a TransientError."""
    bench.site.down(30)
    raised: TieoutError | None = None
    try:
        await bench.read(bench.objects[0])
    except TieoutError as error:
        raised = error
    finally:
        bench.site.calm()
    expect(isinstance(raised, TransientError), f"{type(raised).__name__} is not right: {raised}")


@CHECKS.check(reads, fresh=True)
async def a_read_cut_in_the_middle_goes_on_from_its_cursor(bench: Bench) -> None:
    """Pages before a failure stand; reading on from their cursor loses nothing."""
    name = max(bench.manifest.reads, key=lambda one: one.overlap_s).object
    whole = set(latest(bench.translate(await bench.read(name))))
    bench.site.calm()
    bench.site.force(Fault(kind=FaultKind.CUT_BODY, on="read", count=_MANY, skip=1))
    seen: set[tuple[str, str]] = set()
    cursor: str | None = None
    async with bench.source() as source:
        try:
            async for page in source.read(name, None):
                seen |= set(latest(bench.translate([page])))
                cursor = page.next_cursor
        except TransientError:
            bench.site.calm()
    bench.site.calm()
    seen |= set(latest(bench.translate(await bench.read(name, cursor))))
    expect(whole <= seen, f"{len(whole - seen)} of {len(whole)} records are lost after a failure in the middle")
