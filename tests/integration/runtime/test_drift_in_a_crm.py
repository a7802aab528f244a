"""What the hub writes into a CRM is compared too: a customer, and which project a won deal became."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.worlds.drift_hub import CUSTOMER, DriftHub, open_drift_hub

from tieout.model.command import LinkDeal
from tieout.model.firm import OwnershipRule

OWNED = tuple(OwnershipRule(object=kind, fields=("*",), system="crm") for kind in ("client", "deal"))


@pytest.fixture
def hub(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DriftHub]:
    with open_drift_hub("salesforce", database_url, tmp_path, monkeypatch, OWNED) as opened:
        yield opened


def test_a_customer_that_was_renamed_behind_is_found_and_put_right(hub: DriftHub) -> None:
    hub.deliver(CUSTOMER)
    assert (hub.sweep()["client"].compared_count, hub.desk()) == (1, [])
    hub.write_behind(msgspec.structs.replace(hub.last_told(type(CUSTOMER)), name="Mine"))
    hub.sweep()
    [item] = hub.desk()
    assert (item.context["name.acknowledged"], item.context["name.held"]) == ("Ünïcode & Sons", "Mine")
    hub.retry()
    assert hub.sweep()["client"].drifted_count == 0
    assert hub.desk() == []


def test_a_deal_that_names_another_project_is_found_and_put_right(hub: DriftHub) -> None:
    [deal, *_] = hub.keys_of("deal")
    link = LinkDeal(reference="", entity="US01", deal=deal, project_code="P-77", project_status="active")
    hub.deliver(link)
    assert (hub.sweep()["deal"].compared_count, hub.desk()) == (1, [])
    hub.write_behind(msgspec.structs.replace(hub.last_told(LinkDeal), project_code="P-1"))
    hub.sweep()
    [item] = hub.desk()
    assert (item.context["project_code.acknowledged"], item.context["project_code.held"]) == ("P-77", "P-1")
    hub.retry()
    assert hub.sweep()["deal"].drifted_count == 0
