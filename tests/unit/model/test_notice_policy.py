"""Who is told where: the closest channel, the mailbox, the default; and nobody at night unless it is critical."""

from datetime import UTC, datetime

import pytest

from tieout.model.command import Severity
from tieout.model.notice_policy import NoticeChannel, NoticePolicy, severity_of
from tieout.model.service_level import Domain

ELSEWHERE = NoticeChannel(system="chat", address="C0ALL")
FINANCE = NoticeChannel(system="chat", address="C0FIN", told=("queue:finance",))
CLOSE = NoticeChannel(system="chat", address="C0CLOSE", told=("queue:finance",), domain=Domain.PROOF)
PAGER = NoticeChannel(system="pager", told=("queue:finance",), severity=Severity.CRITICAL)
POLICY = NoticePolicy(default=ELSEWHERE, mail="post", channels=(FINANCE, CLOSE, PAGER))


def places(recipient: str, domain: str | None = "time", severity: Severity = Severity.WARNING) -> list[str]:
    return [f"{one.system}:{one.address}" for one in POLICY.places(recipient, domain, severity)]


def test_an_owner_is_told_on_his_channel_and_on_the_one_of_the_domain_where_there_is_one() -> None:
    assert places("queue:finance") == ["chat:C0FIN"]
    assert places("queue:finance", "proof") == ["chat:C0CLOSE"]


def test_a_channel_for_what_is_critical_gets_nothing_less() -> None:
    assert places("queue:finance", severity=Severity.CRITICAL) == ["chat:C0FIN", "pager:"]


def test_an_address_is_reached_by_mail_and_whoever_is_not_named_by_the_default() -> None:
    assert places("ada@firm.example") == ["post:ada@firm.example"]
    assert places("queue:integration") == ["chat:C0ALL"]


def test_without_a_default_nobody_is_told_outside_the_hub() -> None:
    assert NoticePolicy().places("queue:finance", None, Severity.CRITICAL) == ()


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        ("2026-07-01T12:00", "2026-07-01T12:00"),
        ("2026-07-01T18:30", "2026-07-02T05:00"),
        ("2026-07-02T03:00", "2026-07-02T05:00"),
        ("2026-07-02T05:00", "2026-07-02T05:00"),
        ("2026-10-24T22:00", "2026-10-25T06:00"),
    ],
    ids=["by day", "in the evening", "after midnight", "as it ends", "over the change to winter time"],
)
def test_what_is_not_critical_waits_until_the_quiet_hours_end(at: str, sent: str) -> None:
    quiet = NoticeChannel(system="chat", quiet_from="20:00", quiet_until="07:00", time_zone="Europe/Berlin")
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert quiet.send_at(now, Severity.WARNING) == datetime.fromisoformat(sent).replace(tzinfo=UTC)
    assert quiet.send_at(now, Severity.CRITICAL) == now


def test_the_first_step_of_an_escalation_warns_and_every_further_one_is_critical() -> None:
    assert severity_of({"escalation": "1"}) is Severity.WARNING
    assert severity_of({"escalation": "2"}) is Severity.CRITICAL
    assert severity_of({"severity": "info"}) is Severity.INFO
