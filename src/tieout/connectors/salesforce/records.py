"""The types that Salesforce answers with, where they are the same in every org; rows are read by ``fields.Row``.

An error names its code ``errorCode`` in a refusal and ``statusCode`` in the result of one item of several.
"""

import msgspec


class SalesforceToken(msgspec.Struct, frozen=True, kw_only=True):
    """The token endpoint's answer. It names no lifetime: that is the org's session policy."""

    access_token: str
    instance_url: str


class SalesforceTokenError(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal of the token endpoint."""

    error: str
    error_description: str = ""


class SalesforceError(msgspec.Struct, frozen=True, kw_only=True):
    """One error of a refused request, which is answered with a list of them."""

    message: str
    error_code: str = msgspec.field(name="errorCode")
    fields: list[str] = []


class SalesforceItemError(msgspec.Struct, frozen=True, kw_only=True):
    """One error of one item of several."""

    message: str
    status_code: str = msgspec.field(name="statusCode")
    fields: list[str] = []


class SalesforceSaved(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record: the answer to one, and each item of the answer to several."""

    success: bool
    id: str | None = None
    created: bool | None = None
    errors: list[SalesforceItemError] = []


class SalesforceField(msgspec.Struct, frozen=True, kw_only=True):
    """What a description says of one field, as far as it matters for writing."""

    name: str
    external_id: bool = msgspec.field(name="externalId", default=False)
    unique: bool = False
    updateable: bool = False
    createable: bool = False


class SalesforceDescription(msgspec.Struct, frozen=True, kw_only=True):
    """The description of an object (page "sObject Describe")."""

    fields: list[SalesforceField]


class SalesforceDeletedWindow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a window of deletions covers, and the first instant of which deletions are still known."""

    earliest_date_available: str
    latest_date_covered: str


class ChangeEventHeader(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What changed (page "Change Event Header Fields"); of the fields nothing is taken, the records are read again."""

    entity_name: str
    change_type: str
    commit_timestamp: int
    record_ids: list[str] = []


class ChangeEventPayload(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of a change event, of which only the header counts."""

    header: ChangeEventHeader = msgspec.field(name="ChangeEventHeader")


class ChangeEventPosition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where an event stands in its channel."""

    replay_id: int


class ChangeEventData(msgspec.Struct, frozen=True, kw_only=True):
    """One change event with its position."""

    payload: ChangeEventPayload
    event: ChangeEventPosition


class BayeuxMessage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One message of the Bayeux protocol: the answer to one of ours (``/meta/...``), or an event."""

    channel: str
    successful: bool | None = None
    client_id: str | None = None
    error: str = ""
    data: ChangeEventData | None = None
