"""A deal as the CRM tells it, and as it stands once it was accepted. Values only.

``reader`` fills a ``Deal`` from golden records, ``validation`` judges it, ``specification`` makes a project of what was
accepted. Dates of an end are the first day after it; amounts of a ``Deal`` are exact decimals, of an ``AcceptedDeal``
minor units of its currency.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from tieout.model.identity import content_hash
from tieout.model.stream_policy import LeadToProject


class DealLine(msgspec.Struct, frozen=True, kw_only=True):
    """A role sold: ``role_id`` is None while no role of ours is known by ``role_said``, which is the CRM's word."""

    key: str
    role_said: str | None = None
    role_id: int | None = None
    role: str | None = None
    description: str | None = None
    hours: Decimal | None = None
    starts: date | None = None
    ends: date | None = None
    deleted: bool = False


class DealContract(msgspec.Struct, frozen=True, kw_only=True):
    """The contract of a deal as far as it is told; ``status`` is a ``model.contract.ContractState``."""

    record_id: int
    number: str | None = None
    name: str | None = None
    status: str | None = None
    currency: str | None = None
    signed_value: Decimal | None = None
    starts: date | None = None
    ends: date | None = None
    po_number: str | None = None
    tax_treatment: str | None = None
    client_id: int | None = None
    entity_id: int | None = None
    rate_card_id: int | None = None
    told: dict[str, str] = {}


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """One deal with its lines and contract; ids are golden record ids, ``..._said`` the CRM's own words.

    ``key`` is the CRM's own key, ``code`` its number for people. ``stage_since`` is since when the CRM says that
    the stage was reached. ``rate_card_ids`` are the rate cards that its rate card's name fits. ``client_tax_id`` and
    ``client_country`` are the CRM's own words, which count until the system that owns them knows the customer. ``told``
    are the fields that the firm's field mappings ask for, of a contract too.
    """

    record_id: int
    system: str
    key: str
    version: int
    name: str
    stage_since: datetime
    code: str | None = None
    stage: str | None = None
    is_won: bool | None = None
    is_closed: bool | None = None
    deleted: bool = False
    amount: Decimal | None = None
    currency: str | None = None
    close_date: date | None = None
    starts: date | None = None
    ends: date | None = None
    service_line: str | None = None
    rate_card_said: str | None = None
    rate_card_ids: tuple[int, ...] = ()
    contract_number: str | None = None
    contract: DealContract | None = None
    po_number: str | None = None
    tax_treatment: str | None = None
    project_code: str | None = None
    project_status: str | None = None
    owner_email: str | None = None
    client_id: int | None = None
    client_said: str | None = None
    client_tax_id: str | None = None
    client_country: str | None = None
    entity_id: int | None = None
    entity_said: str | None = None
    told: dict[str, str] = {}
    lines: tuple[DealLine, ...] = ()

    @property
    def number(self) -> str:
        """What people call it: its code, else the CRM's key."""
        return self.code or self.key

    @property
    def token(self) -> str:
        """The token of a change of this deal (``model.finding.Finding.depends_on``)."""
        return f"record:deal:{self.system}:{self.key}"


class Standing(StrEnum):
    """Where the CRM has a deal, as far as projects are concerned."""

    APPROVED = "approved"
    OPEN = "open"
    LOST = "lost"


def standing(deal: Deal, policy: LeadToProject) -> Standing:
    """Whether the deal has reached an approved stage; a deleted deal is a lost one."""
    if deal.deleted:
        return Standing.LOST
    won = deal.stage in policy.approved_stages if policy.approved_stages else deal.is_won is True
    if won:
        return Standing.APPROVED
    return Standing.LOST if deal.is_closed is True and deal.is_won is not True else Standing.OPEN


class SoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that became a task: ``number`` is given once in the project; ``gone`` since the CRM dropped it."""

    key: str
    number: int
    role: str
    name: str
    hours: Decimal
    starts: date | None = None
    ends: date | None = None
    gone: bool = False


class AcceptedContract(msgspec.Struct, frozen=True, kw_only=True):
    """The contract that an accepted deal stands on."""

    number: str
    name: str
    currency: str
    signed_value_minor: int | None = None
    starts: date | None = None
    ends: date | None = None
    po_number: str | None = None
    tax_treatment: str | None = None
    told: dict[str, str] = {}


class AcceptedDeal(msgspec.Struct, frozen=True, kw_only=True):
    """What a deal said when it was last accepted: what its project is made of, whatever the CRM says since.

    ``tax_category`` is the expected category of EN 16931 (S, AE, G, O, E, Z); ``client_tax_id`` what it was told by.
    ``told`` as of a ``Deal``.
    """

    system: str
    key: str
    number: str
    name: str
    client_id: int
    client_tax_id: str | None
    entity: str
    currency: str
    amount_minor: int
    starts: date
    ends: date
    service_line: str
    tax_category: str
    contract: AcceptedContract | None = None
    rate_card_id: int | None = None
    told: dict[str, str] = {}
    lines: tuple[SoldLine, ...] = ()

    def terms(self) -> bytes:
        """The hash of what an approval covers: customer, entity, money, dates, contract and what is sold.

        Names and numbers of tasks are not in it: a renamed deal needs no second approval.
        """
        return content_hash(
            {
                "client": self.client_id,
                "entity": self.entity,
                "currency": self.currency,
                "amount": self.amount_minor,
                "starts": self.starts,
                "ends": self.ends,
                "service_line": self.service_line,
                "contract": None if self.contract is None else self.contract.number,
                "rate_card": self.rate_card_id,
                "lines": [
                    {"key": one.key, "role": one.role, "hours": one.hours, "starts": one.starts, "ends": one.ends}
                    for one in self.lines
                    if not one.gone
                ],
            }
        )
