"""One real Tryton for all tests of this folder; its environment and empty database are kept between runs."""

from collections.abc import Iterator

import pytest

from tieout.sample.tryton_firm import (
    ACCOUNT_PLACES,
    TrytonAccount,
    TrytonCompany,
    TrytonCustomer,
    TrytonEmployee,
    TrytonFacts,
    TrytonFirm,
    TrytonProject,
    TrytonRate,
    currency,
)
from tieout.sample.tryton_harness import exclusively, kept_home
from tieout.sample.tryton_server import TrytonServer

ACCOUNTS = {
    "unbilled_receivable": "1310",
    "unbilled_revenue": "4310",
    "project_cost": "5310",
    "payroll_clearing": "2310",
}

FIRM = TrytonFirm(
    currencies=[currency(code) for code in ("EUR", "GBP", "JPY", "USD")],
    rates=[
        TrytonRate(day="2026-08-03", currency=code, rate=rate)
        for code, rate in (("EUR", "1"), ("USD", "1.1042"), ("GBP", "0.8611"), ("JPY", "170.25"))
    ],
    companies=[
        TrytonCompany(
            code=code,
            name=name,
            currency=functional,
            time_zone=zone,
            periods=["2026-07", "2026-08", "2026-09"],
            closed_periods=["2026-07"],
            country=code[:2],
        )
        for code, name, functional, zone in (
            ("US01", "Meridian Inc.", "USD", "America/New_York"),
            ("GB01", "Meridian Ltd", "GBP", "Europe/London"),
            ("DE01", "Meridian GmbH", "EUR", "Europe/Berlin"),
            ("JP01", "Meridian KK", "JPY", "Asia/Tokyo"),
        )
    ],
    accounts=[
        TrytonAccount(code=ACCOUNTS[role], name=name, beside=beside, party_required=party)
        for role, (name, beside, party) in ACCOUNT_PLACES.items()
    ],
    customers=[TrytonCustomer(code="C001", name="Acme Corporation")],
    employees=[
        TrytonEmployee(code="E001", name="Ann Lee", company="US01", starts="2024-01-01"),
        TrytonEmployee(code="E002", name="Bo Left", company="US01", starts="2024-01-01", ends="2025-12-31"),
    ],
    projects=[TrytonProject(code="P001", name="Apollo", company="US01", customer="C001")],
)


class Erp:
    """The running server and what was put into it."""

    def __init__(self, server: TrytonServer, facts: TrytonFacts) -> None:
        self.server = server
        self.facts = facts


@pytest.fixture(scope="session")
def running_erp() -> Iterator[Erp]:
    with exclusively(kept_home()), TrytonServer(kept_home()) as server:
        server.install()
        facts = server.set_up(FIRM, fresh=True)
        server.snapshot()
        server.start()
        yield Erp(server, facts)


@pytest.fixture
def erp(running_erp: Erp) -> Erp:
    """The ERP with the ledger as it was set up."""
    running_erp.server.restore()
    return running_erp
