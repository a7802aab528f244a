"""A notice as an adaptive card. Pure. Texts are cut so that the whole stays below what a workflow takes (28 KB)."""

from typing import Final

from tieout.connect.json_codec import JsonValue
from tieout.model.command import SendNotice, Severity

_SCHEMA: Final = "http://adaptivecards.io/schemas/adaptive-card.json"
_BODY_BYTES: Final = 16_000
_SUBJECT_BYTES: Final = 1_000
_FACT_BYTES: Final = 300
_FACTS: Final = 20
_COLOURS: Final = {Severity.INFO: "Default", Severity.WARNING: "Warning", Severity.CRITICAL: "Attention"}
_MARKUP: Final = str.maketrans({one: f"\\{one}" for one in "\\*_[]#`~"})


def to_message(command: SendNotice) -> dict[str, JsonValue]:
    """The body of the request."""
    subject = " ".join(command.subject.split())
    body: list[JsonValue] = [
        {**_text(subject, _SUBJECT_BYTES), "weight": "Bolder", "size": "Medium", "color": _COLOURS[command.severity]},
        _text(command.body, _BODY_BYTES),
    ]
    if command.facts:
        facts: list[JsonValue] = [
            {"title": _cut(name, _FACT_BYTES), "value": escaped(_cut(value, _FACT_BYTES))}
            for name, value in list(command.facts.items())[:_FACTS]
        ]
        body.append({"type": "FactSet", "facts": facts})
    card: dict[str, JsonValue] = {"$schema": _SCHEMA, "type": "AdaptiveCard", "version": "1.4", "body": body}
    if command.link is not None:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Tieout", "url": command.link}]
    attachment: JsonValue = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def escaped(text: str) -> str:
    """``text`` without what a card reads as Markdown."""
    return text.translate(_MARKUP)


def _text(text: str, most_bytes: int) -> dict[str, JsonValue]:
    return {"type": "TextBlock", "text": escaped(_cut(text, most_bytes)) or "-", "wrap": True}


def _cut(text: str, most_bytes: int) -> str:
    encoded = text.encode()
    return text if len(encoded) <= most_bytes else f"{encoded[:most_bytes].decode(errors='ignore')}…"
