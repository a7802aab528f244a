"""``[audit]`` of tieout.toml names places that can hold an anchor, or says why one cannot."""

import msgspec
import pytest
from tests.worlds import inbound_firm as world

from tieout.model.firm import AnchorPlace, AuditPolicy
from tieout.runtime.firm.audit import audit_contradictions, read_audit
from tieout.runtime.firm.problems import FirmProblem


def read(*places: dict[str, str]) -> tuple[AuditPolicy, list[str]]:
    problems: list[FirmProblem] = []
    policy = read_audit({"anchors": list(places)}, problems)
    return policy, [one.message for one in problems]


def test_files_and_webhooks_are_places() -> None:
    policy, problems = read(
        {"kind": "file", "place": "/var/audit/anchors.jsonl"},
        {"kind": "webhook", "place": "https://audit.example/tieout", "secret": "env:ANCHOR_SECRET"},
    )
    assert problems == []
    assert policy.anchors[1] == AnchorPlace(
        kind="webhook", place="https://audit.example/tieout", secret="env:ANCHOR_SECRET"
    )


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ({"kind": "file", "place": "anchors.jsonl"}, "no absolute path"),
        ({"kind": "file", "place": "/a", "secret": "env:X"}, "has a secret"),
        ({"kind": "webhook", "place": "http://audit.example/"}, "no plain https address"),
        ({"kind": "webhook", "place": "https://me:secret@audit.example/"}, "no plain https address"),
        ({"kind": "webhook", "place": "https://audit.example/?key=1"}, "no plain https address"),
        ({"kind": "pigeon", "place": "/a"}, "Invalid enum value 'pigeon'"),
        ({"kind": "file", "place": "/a", "system": "mail"}, "names a system"),
        ({"kind": "email", "place": "audit@firm.example"}, "names no system"),
        ({"kind": "email", "place": "audit", "system": "mail"}, "no e-mail address"),
        ({"kind": "email", "place": "audit@firm.example", "system": "mail", "secret": "env:X"}, "has a secret"),
        ({"kind": "file"}, "missing required field `place`"),
    ],
)
def test_what_can_hold_no_anchor_is_a_problem(place: dict[str, str], why: str) -> None:
    _, problems = read(place)
    assert len(problems) == 1
    assert why in problems[0]


def test_a_mailbox_goes_by_a_system_that_sends() -> None:
    policy, problems = read({"kind": "email", "place": "audit@firm.example", "system": "erp"})
    assert problems == []
    firm = msgspec.structs.replace(world.firm(), audit=policy)
    assert "erp, which takes no notices" in audit_contradictions(firm)[0].message
