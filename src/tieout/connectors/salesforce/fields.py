"""Which canonical fields come from which fields of Salesforce, and how the values of one row are read.

Salesforce has no field for a business code, a legal entity, a service line or the days of a project: firms keep them in
custom fields. The names below are defaults that a firm may take as they are; ``options`` lets it name its own. ``Row``
reads values and coerces nothing. Neighbours: ``soql`` asks for the fields, ``mapping`` translates them.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tieout.connect.json_codec import JsonValue

ACCOUNT: Final = "Account"
OPPORTUNITY: Final = "Opportunity"
LINE: Final = "OpportunityLineItem"
CONTRACT: Final = "Contract"
STAGE: Final = "OpportunityStage"
OBJECTS: Final = (ACCOUNT, OPPORTUNITY, LINE, CONTRACT)
"""The objects of Salesforce that become records of ours."""

PROJECT_LINK: Final = "project_link"
RATE_CARD_CODE: Final = "rate_card_code"
"""Where people find a deal's project: written to Salesforce and never read."""

_ID_CHARS: Final = 18
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


class Kind(StrEnum):
    """How a value is read. NAME is a text that must be there, LAST_DAY a day that belongs to its span, KEY a reference.

    WRITTEN is not read.
    """

    NAME = "name"
    TEXT = "text"
    DAY = "day"
    LAST_DAY = "last_day"
    AMOUNT = "amount"
    NUMBER = "number"
    WHOLE = "whole"
    LIST = "list"
    KEY = "key"
    WRITTEN = "written"


KINDS: Final[Mapping[str, Mapping[str, Kind]]] = {
    ACCOUNT: {
        "code": Kind.TEXT,
        "name": Kind.NAME,
        "legal_name": Kind.TEXT,
        "tax_id": Kind.TEXT,
        "country": Kind.TEXT,
        "email": Kind.TEXT,
        "payment_days": Kind.WHOLE,
        "credit_status": Kind.TEXT,
        "legal_entity": Kind.KEY,
        "parent_client": Kind.KEY,
    },
    OPPORTUNITY: {
        "code": Kind.TEXT,
        "name": Kind.NAME,
        "probability": Kind.NUMBER,
        "amount": Kind.AMOUNT,
        "close_date": Kind.DAY,
        "starts": Kind.DAY,
        "ends": Kind.LAST_DAY,
        "service_line": Kind.TEXT,
        "rate_card_code": Kind.TEXT,
        "contract_number": Kind.TEXT,
        "po_number": Kind.TEXT,
        "tax_treatment": Kind.TEXT,
        "project_code": Kind.TEXT,
        "project_status": Kind.TEXT,
        "owner_email": Kind.TEXT,
        "client": Kind.KEY,
        "legal_entity": Kind.KEY,
        "contract": Kind.KEY,
        PROJECT_LINK: Kind.WRITTEN,
    },
    LINE: {
        "role_name": Kind.TEXT,
        "description": Kind.TEXT,
        "hours": Kind.NUMBER,
        "price": Kind.NUMBER,
        "starts": Kind.DAY,
        "ends": Kind.LAST_DAY,
        "location": Kind.TEXT,
        "skills": Kind.LIST,
        "deal": Kind.KEY,
    },
    CONTRACT: {
        "code": Kind.TEXT,
        "name": Kind.TEXT,
        "signed_value": Kind.AMOUNT,
        "nte_limit": Kind.AMOUNT,
        "starts": Kind.DAY,
        "ends": Kind.LAST_DAY,
        "po_number": Kind.TEXT,
        "tax_treatment": Kind.TEXT,
        "billing_frequency": Kind.TEXT,
        "client": Kind.KEY,
        "legal_entity": Kind.KEY,
        "rate_card": Kind.KEY,
        "deal": Kind.KEY,
        RATE_CARD_CODE: Kind.WRITTEN,
    },
}
"""The canonical fields that each object can tell; stage and status follow from what Salesforce says of them itself."""

DEFAULT_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    ACCOUNT: {
        "code": "Client_Code__c",
        "name": "Name",
        "tax_id": "Tax_Id__c",
        "country": "BillingCountryCode",
        "legal_entity": "Legal_Entity__c",
        "parent_client": "ParentId",
    },
    OPPORTUNITY: {
        "code": "Deal_Number__c",
        "name": "Name",
        "probability": "Probability",
        "amount": "Amount",
        "close_date": "CloseDate",
        "starts": "Project_Start__c",
        "ends": "Project_End__c",
        "service_line": "Service_Line__c",
        "rate_card_code": "Rate_Card__c",
        "contract_number": "Contract.ContractNumber",
        "po_number": "PO_Number__c",
        "tax_treatment": "Tax_Treatment__c",
        "project_code": "Project_Code__c",
        "project_status": "Project_Status__c",
        PROJECT_LINK: "Project_Link__c",
        "owner_email": "Owner.Email",
        "client": "AccountId",
        "legal_entity": "Legal_Entity__c",
        "contract": "ContractId",
    },
    LINE: {
        "role_name": "Product2.Name",
        "description": "Description",
        "hours": "Quantity",
        "price": "UnitPrice",
        "starts": "ServiceDate",
        "ends": "Service_End__c",
        "location": "Location__c",
        "skills": "Skills__c",
        "deal": "OpportunityId",
    },
    CONTRACT: {
        "code": "ContractNumber",
        "name": "Name",
        "signed_value": "Signed_Value__c",
        "nte_limit": "NTE_Limit__c",
        "starts": "StartDate",
        "ends": "EndDate",
        "po_number": "PO_Number__c",
        "tax_treatment": "Tax_Treatment__c",
        "billing_frequency": "Billing_Frequency__c",
        "client": "AccountId",
        "legal_entity": "Legal_Entity__c",
        RATE_CARD_CODE: "Rate_Card__c",
    },
}
"""Where each field is unless the firm says otherwise; a name with dots is reached through a relation and only read."""

DEFAULT_CONTRACT_STATES: Final[Mapping[str, str]] = {
    "Draft": "draft",
    "InApproval": "draft",
    "Activated": "active",
    "Expired": "expired",
    "Terminated": "terminated",
}
"""Our state of each StatusCode (page "ContractStatus"); the labels that a firm gives its statuses do not matter."""


class UnmappableError(Exception):
    """A row does not say what it must; its text becomes the words of an Unreadable."""


class Row:
    """One record as Salesforce answered it; every field that was asked for must be there, empty ones as null."""

    def __init__(self, members: Mapping[str, JsonValue]) -> None:
        self._members = members

    def value(self, path: str) -> JsonValue:
        """What is at ``path``, which may lead through relations; a relation that is not set has nothing behind it."""
        found: JsonValue = dict(self._members)
        for name in path.split("."):
            if found is None:
                return None
            if not isinstance(found, dict):
                raise UnmappableError(f"{path} does not lead through {name}")
            if name not in found:
                raise UnmappableError(f"the field {path} is missing")
            found = found[name]
        return found

    def key(self) -> str:
        """The record's own id, in the form of 18 characters that tells upper from lower case."""
        return checked_id(self.value("Id"), "Id")

    def version(self) -> int:
        """When it was last written (SystemModstamp), in microseconds since 1970; one more where that deleted it."""
        return micros(instant_of(self.value("SystemModstamp"), "SystemModstamp")) + self.flag("IsDeleted")

    def flag(self, path: str) -> bool:
        """A checkbox."""
        found = self.value(path)
        if not isinstance(found, bool):
            raise _wrong(path, found, "is neither true nor false")
        return found

    def text(self, path: str) -> str | None:
        """A text without blanks around it; None where it is empty."""
        found = self.value(path)
        if found is None:
            return None
        if not isinstance(found, str):
            raise _wrong(path, found, "is no text")
        return found.strip() or None

    def name(self, path: str) -> str:
        """A text that must be there."""
        found = self.text(path)
        if found is None:
            raise UnmappableError(f"{path} is empty")
        return found

    def day(self, path: str) -> date | None:
        """A date."""
        found = self.text(path)
        if found is None:
            return None
        try:
            read = date.fromisoformat(found)
        except ValueError as error:
            raise _wrong(path, found, "is no date") from error
        if read.isoformat() != found:
            raise _wrong(path, found, "is no date")
        return read

    def day_after(self, path: str) -> date | None:
        """The day after a date."""
        found = self.day(path)
        try:
            return None if found is None else found + _DAY
        except OverflowError as error:
            raise _wrong(path, str(found), "has no day after it") from error

    def number(self, path: str) -> Decimal | None:
        """A number, exactly as it was written."""
        found = self.value(path)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | Decimal):
            raise _wrong(path, found, "is no number")
        return Decimal(found)


def checked_id(value: JsonValue, path: str) -> str:
    """``value`` as an id; raises UnmappableError where it is none of 18 letters and digits."""
    if isinstance(value, str) and is_id(value):
        return value
    raise _wrong(path, value, f"is no id of {_ID_CHARS} letters and digits")


def is_id(text: str) -> bool:
    """Whether ``text`` is an id in its form of 18 characters."""
    return len(text) == _ID_CHARS and text.isascii() and text.isalnum()


def instant_of(value: JsonValue, path: str) -> datetime:
    """``value`` as an instant (``2026-01-05T10:20:30.000+0000``); raises UnmappableError where it is none."""
    if not isinstance(value, str):
        raise _wrong(path, value, "is no instant")
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise _wrong(path, value, "is no instant") from error
    if found.tzinfo is None:
        raise _wrong(path, value, "names no zone")
    return found.astimezone(UTC)


def micros(instant: datetime) -> int:
    """An instant in microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def plain(value: Decimal) -> str:
    """A decimal as text, without an exponent and without zeros at its end."""
    return f"{value.normalize():f}" if value else "0"


def _wrong(path: str, value: JsonValue, why: str) -> UnmappableError:
    return UnmappableError(f"{path} is {str(value)[:80]!r}, which {why}")
