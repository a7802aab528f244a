"""What the Web API of Slack answers, as far as the connector looks at it."""

import msgspec


class SlackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Any answer: ``ok`` tells success, whatever the status; ``error`` is the vendor's code."""

    ok: bool
    error: str | None = None
    channel: str | None = None
    ts: str | None = None


class SlackMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What an app left beside a message."""

    event_type: str
    event_payload: dict[str, msgspec.Raw] = {}


class SlackMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a channel."""

    ts: str
    metadata: SlackMetadata | None = None


class SlackCursor(msgspec.Struct, frozen=True, kw_only=True):
    """Where the next page begins; empty at the end."""

    next_cursor: str = ""


class SlackHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a channel's history."""

    ok: bool
    error: str | None = None
    messages: list[SlackMessage] = []
    has_more: bool = False
    response_metadata: SlackCursor = SlackCursor()
