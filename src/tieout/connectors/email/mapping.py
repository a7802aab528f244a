"""A notice as a message (RFC 5322). Pure.

Plain text only; the header fields are built by the library, which lets no line end into one. The Message-ID is made of
the notice's reference, so that whoever gets a second one can tell.
"""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from tieout.model.command import SendNotice, Severity

_SUBJECT_CHARS: Final = 200
_PRIORITY: Final = {Severity.CRITICAL: "1 (Highest)", Severity.WARNING: "3 (Normal)", Severity.INFO: "5 (Lowest)"}
_BREAKS: Final = str.maketrans({"\r": " ", "\n": " "})


def message_id(reference: str, sender: str) -> str:
    """The Message-ID of the notice ``reference``."""
    return f"<{reference}@{sender.rpartition('@')[2]}>"


def to_message(command: SendNotice, *, sender: str, now: datetime) -> bytes:
    """The whole message, its lines ended by CRLF; marked so that no automatic answer is sent to it."""
    facts = [f"{name}: {value}".translate(_BREAKS) for name, value in command.facts.items()]
    link = [] if command.link is None else [f"Open in Tieout: {command.link}"]
    parts = [command.body, "\n".join(facts), "\n".join(link)]
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = command.address
    message["Subject"] = " ".join(command.subject.split())[:_SUBJECT_CHARS]
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(command.reference, sender)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Priority"] = _PRIORITY[command.severity]
    message.set_content("\n\n".join(one for one in parts if one))
    return message.as_bytes()
