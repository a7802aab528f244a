"""What the steps need to know of a golden record, as small frozen values: ids resolved, dates and currencies typed.

``reference_book`` makes them; ``inbound`` validates with them, ``ledger`` rates with them. Ids are golden record ids.
Pure: rules may import this module.
"""

from datetime import date

import msgspec

from tieout.model.firm import EntityPolicy


class EntityFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A legal entity. ``policy`` is None when the firm's configuration has none: then nothing of it can be posted.

    ``functional_number`` is the ISO 4217 numeric code of ``functional_currency``.
    """

    record_id: int
    code: str
    name: str
    functional_currency: str
    functional_number: int
    country: str | None = None
    time_zone: str | None = None
    policy: EntityPolicy | None = None
    poster: str | None = None


class ClientFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A client; ``code`` is its business code, equal in all systems. ``country`` is an ISO 3166 code.

    ``told`` are the fields that the firm's field mappings ask for, as text.
    """

    record_id: int
    code: str | None
    name: str
    currency: str | None = None
    tax_id: str | None = None
    country: str | None = None
    entity: EntityFacts | None = None
    told: dict[str, str] = {}
    deleted: bool = False


class ProjectFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A project. ``entity`` is None while its legal entity is not mapped (the owner's word for it: ``entity_said``).

    ``starts`` is its first day, ``ends`` the first one after it. ``currency`` is the contract's, None when not told or
    not a currency of ISO 4217. ``told`` are the fields that the firm's field mappings ask for, as text.
    """

    record_id: int
    code: str | None
    name: str
    status: str | None = None
    entity: EntityFacts | None = None
    entity_said: str | None = None
    client_id: int | None = None
    currency: str | None = None
    currency_number: int = 0
    rate_card_id: int | None = None
    starts: date | None = None
    ends: date | None = None
    service_line: str | None = None
    told: dict[str, str] = {}
    deleted: bool = False

    @property
    def entity_id(self) -> int | None:
        """Id of its legal entity, where mapped."""
        return None if self.entity is None else self.entity.record_id

    @property
    def entity_code(self) -> str | None:
        """Code of its legal entity, where mapped."""
        return None if self.entity is None else self.entity.code


class TaskFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task of a project. ``open_for_time`` and ``billable`` are None when the source does not tell."""

    record_id: int
    name: str
    project_id: int | None = None
    parent_id: int | None = None
    open_for_time: bool | None = None
    billable: bool | None = None
    deleted: bool = False


class RoleFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A role; ``code`` is the name that the firm's mapping gives it, its own name otherwise."""

    record_id: int
    code: str | None
    name: str
    deleted: bool = False


class ResourceFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person or generic resource. ``employment_to`` is the first day after the employment."""

    record_id: int
    name: str
    email: str | None = None
    kind: str | None = None
    grade: str | None = None
    employment_type: str | None = None
    entity: EntityFacts | None = None
    entity_said: str | None = None
    role_id: int | None = None
    employment_from: date | None = None
    employment_to: date | None = None
    deleted: bool = False

    @property
    def entity_id(self) -> int | None:
        """Id of the employing legal entity, where mapped."""
        return None if self.entity is None else self.entity.record_id


class RateCardFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rate card that projects are bound to."""

    record_id: int
    code: str | None
    name: str
    currency: str | None = None
    deleted: bool = False
