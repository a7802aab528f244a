"""The real ERP stands by itself, before any connector: plain JSON-RPC against it."""

import base64
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.real_erp.conftest import FIRM, Erp

from tieout.sample import tryton_ledger

pytestmark = [pytest.mark.real_erp, pytest.mark.timeout(600)]


class Rpc:
    def __init__(self, erp: Erp) -> None:
        settings = erp.server.connection_settings
        self._client = httpx.Client(base_url=f"{settings['base_url']}/{settings['database']}/", timeout=60)
        user = settings["user"]
        uid, token, *_rest = self.call("common.db.login", user, {"password": erp.server.service_password})["result"]
        session = base64.b64encode(f"{user}:{uid}:{token}".encode()).decode()
        self._client.headers["Authorization"] = f"Session {session}"

    def call(self, method: str, *parameters: object) -> dict[str, Any]:
        answer = self._client.post("rpc/", json={"id": 1, "method": method, "params": parameters})
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def rpc(erp: Erp) -> Iterator[Rpc]:
    client = Rpc(erp)
    yield client
    client.close()


def decimal(text: str) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": text}


def move(erp: Erp, reference: str, *, debit: str, credit: str, month: str = "2026-08") -> dict[str, object]:
    company = erp.facts.companies["GB01"]
    year, number = month.split("-")
    return {
        "company": company.id,
        "period": company.periods[month],
        "date": {"__class__": "date", "year": int(year), "month": int(number), "day": 14},
        "journal": erp.facts.journal,
        "description": reference,
        "lines": [
            [
                "create",
                [
                    {"account": company.accounts["5310"], "debit": decimal(debit), "credit": decimal("0")},
                    {"account": company.accounts["2310"], "debit": decimal("0"), "credit": decimal(credit)},
                ],
            ]
        ],
    }


def test_a_balanced_move_is_posted_and_stands_in_the_ledger(erp: Erp, rpc: Rpc) -> None:
    created = rpc.call("model.account.move.create", [move(erp, "TIE-good", debit="120.50", credit="120.50")], {})
    assert rpc.call("model.account.move.post", created["result"], {}) == {"id": 1, "result": None}
    totals = tryton_ledger.read_totals(erp.server.database_url)
    assert [(one.entity, one.period, one.currency, one.account, one.posted, one.amount) for one in totals] == [
        ("GB01", "2026-08", "GBP", "2310", True, Decimal("-120.50")),
        ("GB01", "2026-08", "GBP", "5310", True, Decimal("120.50")),
    ]
    assert tryton_ledger.read_draft_references(erp.server.database_url) == []
    assert tryton_ledger.read_doubled_references(erp.server.database_url) == []


def test_an_unbalanced_move_stays_a_draft(erp: Erp, rpc: Rpc) -> None:
    created = rpc.call("model.account.move.create", [move(erp, "TIE-bad", debit="120.50", credit="120.49")], {})
    refused = rpc.call("model.account.move.post", created["result"], {})
    assert refused["error"][0] == "UserError"
    assert "balance" in refused["error"][1][0]
    assert tryton_ledger.read_draft_references(erp.server.database_url) == ["TIE-bad"]


def test_a_closed_period_takes_no_move_until_it_is_reopened(erp: Erp, rpc: Rpc) -> None:
    late = [move(erp, "TIE-late", debit="1", credit="1", month="2026-07")]
    assert rpc.call("model.account.move.create", late, {})["error"][0] == "UserError"
    erp.server.set_period_state("GB01", "2026-07", is_open=True)
    assert "result" in rpc.call("model.account.move.create", late, {})


def test_the_service_user_may_neither_close_periods_nor_change_accounts(erp: Erp, rpc: Rpc) -> None:
    company = erp.facts.companies["GB01"]
    assert "error" in rpc.call("model.account.period.close", [company.periods["2026-08"]], {})
    assert "error" in rpc.call("model.account.account.write", [company.accounts["5310"]], {"name": "Mine"}, {})


def test_setting_the_firm_up_again_changes_nothing(erp: Erp) -> None:
    assert erp.server.set_up(FIRM) == erp.facts


def test_the_server_comes_back_at_its_address_after_a_crash(erp: Erp, rpc: Rpc) -> None:
    before = erp.server.base_url
    created = rpc.call("model.account.move.create", [move(erp, "TIE-kept", debit="5", credit="5")], {})
    erp.server.kill()
    assert erp.server.start() == before
    assert rpc.call("model.account.move.post", created["result"], {})["result"] is None
