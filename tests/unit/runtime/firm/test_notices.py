"""What is wrong with ``notices.toml`` is said before it is applied."""

import tomllib

import msgspec
import pytest
from tests.worlds import inbound_firm as world

from tieout.model.notice_policy import NoticePolicy
from tieout.runtime.firm.notices import notice_contradictions, read_notices
from tieout.runtime.firm.problems import FirmProblem


def read(text: str) -> tuple[NoticePolicy, list[str]]:
    problems: list[FirmProblem] = []
    return read_notices(tomllib.loads(text), problems), [one.message for one in problems]


def test_channels_quiet_hours_and_a_default_are_read() -> None:
    policy, problems = read(
        """
        mail = "post"
        [default]
        system = "chat"
        address = "C0ALL"
        [[channel]]
        told = ["queue:finance", "ada@firm.example"]
        domain = "proof"
        severity = "critical"
        system = "chat"
        address = "C0FIN"
        quiet_from = "20:00"
        quiet_until = "07:00"
        time_zone = "Europe/Berlin"
        """
    )
    assert problems == []
    assert [one.address for one in policy.every()] == ["C0ALL", "C0FIN"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[channel]]\nsystem = "chat"', "A [[channel]] of chat tells nobody."),
        ('[[channel]]\nsystem = "chat"\ntold = ["finance"]', "A [[channel]] of chat tells 'finance'."),
        ('[default]\nsystem = "chat"\ntold = ["queue:finance"]', "[default] names recipients."),
        ('[default]\nsystem = "chat"\nquiet_from = "20:00"', "The quiet hours of chat lack an end."),
        (
            '[default]\nsystem = "chat"\nquiet_from = "8 pm"\nquiet_until = "07:00"',
            "The quiet hours of chat say '8 pm'.",
        ),
        ('[default]\nsystem = "chat"\ntime_zone = "Berlin"', "There is no time zone 'Berlin'."),
        ('[defualt]\nsystem = "chat"', "Object contains unknown field `defualt`."),
    ],
)
def test_what_cannot_be_meant_is_said(text: str, problem: str) -> None:
    assert problem in read(text)[1]


def test_a_system_that_takes_no_notices_cannot_be_a_channel() -> None:
    policy, _ = read('mail = "erp"\n[default]\nsystem = "chat"')
    firm = msgspec.structs.replace(world.firm(), notices=policy)
    assert [one.message for one in notice_contradictions(firm)] == ["chat takes no notices.", "erp takes no notices."]
