"""The objects of the simulated org: what "Object Reference for the Salesforce Platform" has of them, and custom fields.

Neighbours: ``store`` keeps rows of them, ``soql`` asks, ``rows`` writes, ``describe`` answers from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

TEXT_LENGTH: Final = 255
SYSTEM_FIELDS: Final = ("Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp")
CHANGE_EVENTS_OF: Final = ("Account", "Opportunity", "OpportunityLineItem", "Contract")
"""The objects that are selected for Change Data Capture."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field. ``relation`` is the name by which SOQL goes through a reference to an object of type ``to``."""

    name: str
    type: str = "string"
    external_id: bool = False
    read_only: bool = False
    required: bool = False
    relation: str | None = None
    to: str | None = None

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.type in {"currency", "double", "percent", "int"}


@dataclass(frozen=True, kw_only=True)
class ObjectSchema:
    """One object. ``prefix`` begins its ids; ``fields`` by their names."""

    name: str
    prefix: str
    fields: Mapping[str, Field]
    writable: bool = True

    def field(self, name: str) -> Field | None:
        """A field by its name, whose case does not matter."""
        return next((one for key, one in self.fields.items() if key.lower() == name.lower()), None)

    def related(self, name: str) -> Field | None:
        """The reference that SOQL calls ``name``."""
        wanted = name.lower()
        return next((one for one in self.fields.values() if (one.relation or "").lower() == wanted), None)


def _object(name: str, prefix: str, fields: Sequence[Field], *, writable: bool = True) -> ObjectSchema:
    system = (
        Field(name="Id", type="id", read_only=True),
        Field(name="IsDeleted", type="boolean", read_only=True),
        Field(name="CreatedDate", type="datetime", read_only=True),
        Field(name="LastModifiedDate", type="datetime", read_only=True),
        Field(name="SystemModstamp", type="datetime", read_only=True),
    )
    return ObjectSchema(
        name=name, prefix=prefix, fields={one.name: one for one in (*system, *fields)}, writable=writable
    )


def _texts(*names: str) -> list[Field]:
    return [Field(name=name) for name in names]


_CURRENCY: Final = Field(name="CurrencyIsoCode", type="picklist")
_OWNER: Final = Field(name="OwnerId", type="reference", relation="Owner", to="User")
_ACCOUNT: Final = Field(name="AccountId", type="reference", relation="Account", to="Account")

OBJECTS: Final[Mapping[str, ObjectSchema]] = {
    one.name: one
    for one in (
        _object(
            "Account",
            "001",
            [
                Field(name="Name", required=True),
                Field(name="ParentId", type="reference", relation="Parent", to="Account"),
                _OWNER,
                _CURRENCY,
                Field(name="Client_Code__c", external_id=True),
                *_texts("AccountNumber", "BillingCity", "BillingCountry", "BillingCountryCode", "Industry"),
                *_texts("Tax_Id__c", "Legal_Entity__c", "Region__c", "Tieout_Reference__c"),
            ],
        ),
        _object(
            "Opportunity",
            "006",
            [
                Field(name="Name", required=True),
                _ACCOUNT,
                Field(name="ContractId", type="reference", relation="Contract", to="Contract"),
                _OWNER,
                _CURRENCY,
                Field(name="StageName", type="picklist", required=True),
                Field(name="Amount", type="currency"),
                Field(name="Probability", type="percent"),
                Field(name="CloseDate", type="date", required=True),
                Field(name="IsClosed", type="boolean", read_only=True),
                Field(name="IsWon", type="boolean", read_only=True),
                Field(name="Deal_Number__c", external_id=True),
                Field(name="Project_Start__c", type="date"),
                Field(name="Project_End__c", type="date"),
                Field(name="Project_Link__c", type="url"),
                *_texts("Type", "Legal_Entity__c", "Service_Line__c", "Rate_Card__c", "PO_Number__c"),
                *_texts("Tax_Treatment__c", "Project_Code__c", "Project_Status__c", "Tieout_Reference__c"),
            ],
        ),
        _object(
            "OpportunityLineItem",
            "00k",
            [
                Field(name="OpportunityId", type="reference", relation="Opportunity", to="Opportunity", required=True),
                Field(name="Product2Id", type="reference", relation="Product2", to="Product2"),
                _CURRENCY,
                Field(name="Quantity", type="double", required=True),
                Field(name="UnitPrice", type="currency"),
                Field(name="ServiceDate", type="date"),
                Field(name="Service_End__c", type="date"),
                Field(name="Skills__c", type="multipicklist"),
                *_texts("Description", "Location__c", "Line_Key__c"),
            ],
        ),
        _object(
            "Contract",
            "800",
            [
                _ACCOUNT,
                _OWNER,
                _CURRENCY,
                Field(name="ContractNumber", read_only=True),
                Field(name="Contract_Code__c", external_id=True),
                Field(name="Status", type="picklist"),
                Field(name="StatusCode", type="picklist", read_only=True),
                Field(name="StartDate", type="date"),
                Field(name="EndDate", type="date"),
                Field(name="Signed_Value__c", type="currency"),
                Field(name="NTE_Limit__c", type="currency"),
                *_texts("Name", "Legal_Entity__c", "PO_Number__c", "Tax_Treatment__c", "Billing_Frequency__c"),
                *_texts("Rate_Card__c", "Region__c", "Tieout_Reference__c"),
            ],
        ),
        _object("Product2", "01t", [Field(name="Name", required=True), Field(name="IsActive", type="boolean")]),
        _object("User", "005", [*_texts("Username", "Name", "Email"), Field(name="IsActive", type="boolean")]),
        _object(
            "OpportunityStage",
            "01J",
            [
                *_texts("ApiName", "MasterLabel"),
                Field(name="IsActive", type="boolean"),
                Field(name="IsClosed", type="boolean"),
                Field(name="IsWon", type="boolean"),
                Field(name="DefaultProbability", type="percent"),
                Field(name="SortOrder", type="int"),
            ],
            writable=False,
        ),
        _object(
            "ContractStatus",
            "01K",
            [*_texts("ApiName", "MasterLabel", "StatusCode"), Field(name="SortOrder", type="int")],
            writable=False,
        ),
    )
}
"""Every object that the org has, by name."""
