"""Fills the simulated org from a seed firm, and lets sellers work in it by hand.

A deal is an opportunity with its line items and, where it has one, its contract; a role that is sold is a product. Days
of a seed and of Salesforce both belong to their span. Neighbours: ``store`` keeps the rows, ``server`` calls.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from iso4217 import Currency as IsoCurrency

from tieout.connect.simulator.seed import SeedClient, SeedDeal, SeedDealLine, SeedFirm
from tieout.connectors.salesforce.simulator.rows import RowWriter
from tieout.connectors.salesforce.simulator.store import Fields, Kept, Record, Store

STAGES: Final = (
    ("Prospecting", 10, False, False),
    ("Qualification", 10, False, False),
    ("Needs Analysis", 20, False, False),
    ("Value Proposition", 50, False, False),
    ("Id. Decision Makers", 60, False, False),
    ("Perception Analysis", 70, False, False),
    ("Proposal/Price Quote", 75, False, False),
    ("Negotiation/Review", 90, False, False),
    ("Closed Won", 100, True, True),
    ("Closed Lost", 0, True, False),
)
"""Name, probability in percent, closed, won: the stages that a new org has."""

CONTRACT_STATUSES: Final = (
    ("Draft", "Draft"),
    ("In Approval Process", "InApproval"),
    ("Activated", "Activated"),
    ("Expired", "Expired"),
    ("Terminated", "Terminated"),
)
"""Name and StatusCode: the first three are those that a new org has."""

OWNER_EMAIL: Final = "sales@northwind.example"
_MINUTES: Final = Decimal(60)
_HOURS_SHOWN: Final = Decimal("0.0001")


class Seller:
    """Fills one org and works in it."""

    def __init__(self, store: Store, writer: RowWriter) -> None:
        self._store = store
        self._writer = writer

    def fill(self, firm: SeedFirm) -> None:
        """Replace everything by what ``firm`` has of clients, deals, lines and contracts."""
        with self._store.state.transaction():
            self._store.forget()
            self._store.state.put("events_on", value=False)
            self._store.state.put("currencies", _currencies(firm))
            for place, (name, probability, closed, won) in enumerate(STAGES, start=1):
                self._store.create("OpportunityStage", _stage(name, probability, place, closed=closed, won=won))
            for place, (name, code) in enumerate(CONTRACT_STATUSES, start=1):
                status: Fields = {"ApiName": name, "MasterLabel": name, "StatusCode": code, "SortOrder": str(place)}
                self._store.create("ContractStatus", status)
            for role in firm.roles:
                self._store.create("Product2", {"Name": role, "IsActive": True})
            for client in firm.clients:
                self.put_client(client)
            for deal in firm.deals:
                self.put_deal(deal, at=_seconds(deal.updated_at))
            self._store.state.put("events_on", value=True)

    def put_client(self, client: SeedClient) -> None:
        """Add an account, or change the one with the same code."""
        fields: Fields = {
            "Name": client.name,
            "Client_Code__c": client.code,
            "Legal_Entity__c": client.entity,
            "CurrencyIsoCode": client.currency,
            "Tax_Id__c": client.tax_id,
            "BillingCountryCode": client.country,
        }
        held = self._store.find("Account", "Client_Code__c", client.code)
        self._put("Account", held[0] if held else None, {**fields, "OwnerId": self._owner(OWNER_EMAIL)}, at=None)

    def put_deal(self, deal: SeedDeal, *, at: int | None = None) -> None:
        """Add a deal, or change the one with the same key; ``at`` is when it was last changed, else now."""
        held = self._store.find("Opportunity", "Deal_Number__c", deal.key)
        client = self._store.find("Account", "Client_Code__c", deal.client)
        account = client[0].id if client else None
        contract = None if deal.contract is None else self._put_contract(deal, account, at=at)
        fields: Fields = {
            "Name": deal.name,
            "Deal_Number__c": deal.key,
            "AccountId": account,
            "ContractId": contract,
            "OwnerId": self._owner(deal.owner_email or OWNER_EMAIL),
            "StageName": deal.stage,
            "Amount": _major(deal.amount_minor, deal.currency),
            "Probability": deal.probability,
            "CloseDate": deal.close_date,
            "CurrencyIsoCode": deal.currency,
            "Legal_Entity__c": deal.entity,
            "Service_Line__c": deal.service_line,
            "Project_Start__c": deal.starts,
            "Project_End__c": deal.ends,
            "Rate_Card__c": deal.rate_card,
            "PO_Number__c": deal.po_number,
            "Tax_Treatment__c": deal.tax_treatment,
            **self._writer.meaning_of_stage(deal.stage),
        }
        key = self._put("Opportunity", held[0] if held else None, fields, at=at)
        self._put_lines(deal, key, at=at)

    def delete(self, kind: str, key: str) -> bool:
        """Delete the client or the deal with the seed's key; False where there is none."""
        name, field = {"client": ("Account", "Client_Code__c"), "deal": ("Opportunity", "Deal_Number__c")}[kind]
        held = self._store.find(name, field, key)
        for one in held:
            self._writer.remove(one)
        return bool(held)

    def _put_contract(self, deal: SeedDeal, account: str | None, *, at: int | None) -> str:
        held = self._store.find("Contract", "ContractNumber", deal.contract or "")
        status = deal.contract_status or "Draft"
        fields: Fields = {
            "ContractNumber": deal.contract,
            "Contract_Code__c": deal.contract,
            "Name": deal.name,
            "AccountId": account,
            "OwnerId": self._owner(deal.owner_email or OWNER_EMAIL),
            "Status": status,
            "StatusCode": self._writer.status_code(status),
            "StartDate": deal.starts,
            "EndDate": deal.ends,
            "CurrencyIsoCode": deal.currency,
            "Legal_Entity__c": deal.entity,
            "Signed_Value__c": _major(deal.amount_minor, deal.currency),
            "PO_Number__c": deal.po_number,
            "Tax_Treatment__c": deal.tax_treatment,
        }
        return self._put("Contract", held[0] if held else None, fields, at=at)

    def _put_lines(self, deal: SeedDeal, opportunity: str, *, at: int | None) -> None:
        held = {
            str(one.fields.get("Line_Key__c")): one
            for one in self._store.records("OpportunityLineItem")
            if not one.deleted and one.fields.get("OpportunityId") == opportunity
        }
        for line in deal.lines:
            self._put(
                "OpportunityLineItem", held.pop(line.key, None), self._line(line, deal.currency, opportunity), at=at
            )
        for gone in held.values():
            self._store.delete(gone.id)

    def _line(self, line: SeedDealLine, currency: str, opportunity: str) -> Fields:
        hours = (Decimal(line.minutes) / _MINUTES).quantize(_HOURS_SHOWN)
        return {
            "OpportunityId": opportunity,
            "Product2Id": self._product(line.role),
            "CurrencyIsoCode": currency,
            "Quantity": str(hours),
            "UnitPrice": _major(line.price_minor, currency),
            "ServiceDate": line.starts,
            "Service_End__c": line.ends,
            "Location__c": line.location,
            "Skills__c": ";".join(line.skills) or None,
            "Line_Key__c": line.key,
            "Description": None,
        }

    def _put(self, name: str, held: Record | None, fields: Mapping[str, Kept], *, at: int | None) -> str:
        if held is not None:
            self._store.update(held.id, fields)
            return held.id
        return self._store.create(name, fields, at=at)

    def _product(self, role: str) -> str:
        held = self._store.find("Product2", "Name", role)
        return held[0].id if held else self._store.create("Product2", {"Name": role, "IsActive": True})

    def _owner(self, email: str) -> str:
        held = self._store.find("User", "Email", email)
        if held:
            return held[0].id
        name = email.partition("@")[0]
        return self._store.create("User", {"Username": email, "Name": name, "Email": email, "IsActive": True})


def _stage(name: str, probability: int, place: int, *, closed: bool, won: bool) -> Fields:
    return {
        "ApiName": name,
        "MasterLabel": name,
        "IsActive": True,
        "IsClosed": closed,
        "IsWon": won,
        "DefaultProbability": str(probability),
        "SortOrder": str(place),
    }


def _currencies(firm: SeedFirm) -> list[str]:
    of_masters = {one.currency for one in firm.entities} | {one.currency for one in firm.clients}
    return sorted(of_masters | {one.currency for one in firm.deals})


def minor_units(amount: str, currency: str) -> int:
    """An amount as the org keeps it, in minor units of its currency."""
    return int(Decimal(amount).scaleb(IsoCurrency(currency).exponent or 0))


def _major(minor: int, currency: str) -> str:
    return str(Decimal(minor).scaleb(-(IsoCurrency(currency).exponent or 0)))


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
