"""A notice as a message of Slack. Pure.

The words of others are shown as they are: plain text objects know no markup, and in the one text that does, the three
characters that Slack reads as markup are escaped (page "Formatting message text").
"""

from typing import Final

from tieout.connect.json_codec import JsonValue
from tieout.model.command import SendNotice

EVENT_TYPE: Final = "tieout_notice"
REFERENCE: Final = "reference"
_HEADER_CHARS: Final = 150
_SECTION_CHARS: Final = 3000
_FIELD_CHARS: Final = 2000
_FIELDS: Final = 10
_FALLBACK_CHARS: Final = 1000


def to_message(command: SendNotice) -> dict[str, JsonValue]:
    """The body of ``chat.postMessage``."""
    subject = " ".join(command.subject.split())
    blocks: list[JsonValue] = [
        {"type": "header", "text": _plain(subject, _HEADER_CHARS)},
        {"type": "section", "text": _plain(command.body, _SECTION_CHARS)},
    ]
    if command.facts:
        facts = list(command.facts.items())[:_FIELDS]
        blocks.append(
            {"type": "section", "fields": [_plain(f"{name}\n{value}", _FIELD_CHARS) for name, value in facts]}
        )
    if command.link is not None:
        words = f"<{escaped(command.link)}|Open in Tieout>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": words}})
    return {
        "channel": command.address,
        "text": escaped(_cut(f"{subject}: {command.body}", _FALLBACK_CHARS)),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {REFERENCE: command.reference}},
    }


def escaped(text: str) -> str:
    """``text`` without what Slack reads as markup of links and mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str, most: int) -> JsonValue:
    return {"type": "plain_text", "text": _cut(text, most) or "-", "emoji": False}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
