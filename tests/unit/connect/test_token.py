import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tieout.connect.token import IssuedToken, TokenKeeper
from tieout.errors import AccessError
from tieout.model.clock import FixedClock

NOON = datetime(2026, 8, 3, 12, tzinfo=UTC)


class Office:
    def __init__(self, clock: FixedClock, *, revoked: bool = False) -> None:
        self.clock = clock
        self.issued = 0
        self.revoked = revoked

    async def issue(self) -> IssuedToken:
        self.issued += 1
        await asyncio.sleep(0.01)
        if self.revoked:
            raise AccessError(code="TIE-TEST-001", message="revoked")
        return IssuedToken(value=f"token {self.issued}", expires_at=self.clock.now() + timedelta(hours=1))


async def test_twenty_refused_requests_renew_once() -> None:
    clock = FixedClock(NOON)
    office = Office(clock)
    keeper = TokenKeeper(office.issue, clock)
    first = await keeper.current()
    renewed = await asyncio.gather(*(keeper.renew(first) for _ in range(20)))
    assert set(renewed) == {"token 2"}
    assert await keeper.renew(first) == "token 2"
    assert office.issued == 2


async def test_a_token_about_to_expire_is_renewed_before_it_is_used() -> None:
    clock = FixedClock(NOON)
    keeper = TokenKeeper(Office(clock).issue, clock)
    assert await keeper.current() == await keeper.current() == "token 1"
    clock.advance(3580)
    assert await keeper.current() == "token 2"


async def test_a_refused_renewal_is_told_to_all_and_asked_once() -> None:
    clock = FixedClock(NOON)
    office = Office(clock, revoked=True)
    keeper = TokenKeeper(office.issue, clock)
    told = await asyncio.gather(*(keeper.current() for _ in range(20)), return_exceptions=True)
    assert all(isinstance(one, AccessError) for one in told)
    assert office.issued == 1
    office.revoked = False
    assert await keeper.current() == "token 2"


async def test_a_request_that_gives_up_does_not_take_the_renewal_with_it() -> None:
    clock = FixedClock(NOON)
    keeper = TokenKeeper(Office(clock).issue, clock)
    waiting = asyncio.create_task(keeper.current())
    other = asyncio.create_task(keeper.current())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await other == "token 1"
