"""Reads ``notices.toml``: which channels notices go to. Neighbour: ``directory``."""

from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tieout.model.firm import FirmConfig
from tieout.model.notice_policy import NoticeChannel, NoticePolicy, time_of
from tieout.runtime.firm.problems import FirmProblem

FILE: Final = "notices.toml"
COMMAND: Final = "send_notice"
_RECIPIENTS: Final = ("queue:", "role:", "channel:")


def read_notices(table: dict[str, object], problems: list[FirmProblem]) -> NoticePolicy:
    """The channels in the parsed file; what is wrong with them is added to ``problems``."""
    try:
        found = msgspec.convert(table, NoticePolicy)
    except msgspec.ValidationError as error:
        problems.append(_problem(f"{error}.", "Correct the named setting."))
        return NoticePolicy()
    problems += _recipients(found)
    problems += (one for channel in found.every() for one in _hours(channel))
    return found


def notice_contradictions(config: FirmConfig) -> Iterator[FirmProblem]:
    """Channels by systems that the firm does not have, or that take no notices."""
    takers = {one.name for one in config.systems if COMMAND in one.takes}
    named = {one.system for one in config.notices.every()}
    for name in sorted(named | ({config.notices.mail} if config.notices.mail is not None else set())):
        if name not in takers:
            yield _problem(
                f"{name} takes no notices.", f'Name a system whose file says takes = ["{COMMAND}"], or say so there.'
            )


def _recipients(policy: NoticePolicy) -> Iterator[FirmProblem]:
    if policy.default is not None and policy.default.told:
        yield _problem("[default] names recipients.", "Leave told out: it is for whoever no channel names.")
    for channel in policy.channels:
        if not channel.told:
            yield _problem(f"A [[channel]] of {channel.system} tells nobody.", "Name recipients in told.")
        for one in channel.told:
            if not one.startswith(_RECIPIENTS) and "@" not in one:
                yield _problem(
                    f"A [[channel]] of {channel.system} tells {one!r}.",
                    "Use an e-mail address, queue:NAME, role:NAME or channel:NAME.",
                )


def _hours(channel: NoticeChannel) -> Iterator[FirmProblem]:
    given = [one for one in (channel.quiet_from, channel.quiet_until) if one is not None]
    if len(given) == 1:
        yield _problem(f"The quiet hours of {channel.system} lack an end.", "Say quiet_from and quiet_until.")
    for one in given:
        try:
            time_of(one)
        except ValueError:
            yield _problem(f"The quiet hours of {channel.system} say {one!r}.", "Use a time of day: 20:00.")
    try:
        ZoneInfo(channel.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield _problem(f"There is no time zone {channel.time_zone!r}.", "Use a name such as Europe/Berlin.")


def _problem(message: str, next_step: str) -> FirmProblem:
    return FirmProblem(file=FILE, message=message, next_step=next_step)
