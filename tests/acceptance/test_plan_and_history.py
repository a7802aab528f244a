"""What a changed rate does is told before it is applied, and is what then happens."""

from decimal import Decimal

import msgspec
from tests.acceptance.conftest import running, systems
from tests.acceptance.hub import Hub, wait_for

RATES = "scope,price,currency,valid_from,valid_to,entity,client,project,role,resource,task,work_type,complimentary"
DEARER = "assignment,250,USD,2026-10-15,,US01,,,Consultant,,,,"


class Effect(msgspec.Struct):
    entity: str
    where: str
    currency: str
    count: int
    before: Decimal
    after: Decimal
    delta: Decimal
    unpriced_count: int


class Difference(msgspec.Struct):
    file: str
    before: str | None
    after: str | None


class Plan(msgspec.Struct):
    from_version: int
    is_new: bool
    differences: list[Difference]
    effects: list[Effect]


class Version(msgspec.Struct):
    version: int
    applied_by: str


def plan(hub: Hub) -> Plan:
    return msgspec.json.decode(hub.does("plan", "--json"), type=Plan)


def test_the_plan_of_a_changed_rate_is_what_apply_then_does(hub: Hub) -> None:
    hub.write("mappings/bill_rates.csv", RATES, DEARER)
    planned = plan(hub)
    assert [one.file for one in planned.differences] == ["mappings/bill_rates.csv"]
    (effect,) = planned.effects
    assert (effect.entity, effect.where, effect.currency) == ("US01", "posted", "USD")
    assert effect.count > 0
    assert effect.after - effect.before == effect.delta
    assert plan(hub) == planned, "a plan changes nothing"
    with systems(hub), running(hub):
        wait_for(lambda: bool(hub.causes("RATE_CHANGED")), "the posted entries are on the desk")
        (cause,) = hub.causes("RATE_CHANGED")
        items = hub.items(cause.cause_id)
        assert len(items) == effect.count
        assert sum(one.amount_minor or 0 for one in items) == int(effect.delta * 100)
    assert hub.statement().holds


def test_a_plan_of_what_holds_already_says_so(hub: Hub) -> None:
    assert "nothing would change" in hub.does("plan")


def test_versions_are_listed_and_told_apart(hub: Hub) -> None:
    hub.write("mappings/bill_rates.csv", RATES, DEARER)
    hub.does("apply")
    versions = msgspec.json.decode(hub.does("history", "--json"), type=list[Version])
    assert [one.version for one in versions] == [2, 1]
    assert versions[0].applied_by == "auditor"
    assert hub.does("diff", "1", "2").startswith("+ mappings/bill_rates.csv: scope assignment, price 250")
    assert "TIE-FIRM-002" in hub.refuses("diff", "1", "9")
