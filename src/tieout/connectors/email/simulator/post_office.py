"""The office behind the mail server: one user, the firm's own domain, and everything that was taken, durably."""

import re
import secrets
import ssl
from collections.abc import Iterable
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import ClassVar, Final

from tieout.connect.simulator.base import SimulatorOptions
from tieout.connect.simulator.control import ConnectionSheet, Holding
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.other_door import OtherDoorSimulator
from tieout.connectors.email.simulator.certificate import self_signed
from tieout.connectors.email.simulator.smtp_door import SmtpDoor

USER: Final = "tieout"
SENDER: Final = "tieout@firm.example"
DESK: Final = "finance@firm.example"
_LOCAL: Final = "@firm.example"
_UNKNOWN: Final = "nobody@firm.example"
_LINK: Final = "Open in Tieout: "
_FACT: Final = re.compile(r"[a-z_ ]+: .*")
_SCHEMA: Final = """
create table if not exists message (
    id integer primary key autoincrement, reference text not null, sender text not null, recipients text not null,
    content blob not null);
"""


class EmailSimulator(OtherDoorSimulator):
    """One mail server."""

    name: ClassVar[str] = "email"
    schema: ClassVar[str] = _SCHEMA
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset(FaultKind) - {
        FaultKind.COMMIT_THEN_DROP,
        FaultKind.COMMIT_THEN_DELAY,
        FaultKind.CUT_BODY,
        FaultKind.DROP,
        FaultKind.DELAY,
        FaultKind.HTTP_429,
        FaultKind.HTTP_503,
        FaultKind.TOKEN_EXPIRED,
        FaultKind.FORBIDDEN,
        FaultKind.NOT_FOUND,
        FaultKind.UNPROCESSABLE,
    }

    def __init__(self, options: SimulatorOptions) -> None:
        super().__init__(options)
        self._certificate = options.state_dir / "certificate.pem"
        self._key = options.state_dir / "key.pem"
        if not self.state.get("password", ""):
            self.state.put("password", secrets.token_urlsafe(16))
            certificate, key = self_signed("127.0.0.1", self.now())
            self._certificate.write_text(certificate, encoding="ascii")
            self._key.write_text(key, encoding="ascii")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)
        self.door = SmtpDoor(self, context, port=self.state.get("port", 0))

    def seed(self, firm_dir: Path) -> None:
        """Empty mailboxes; a firm's masters mean nothing here."""
        del firm_dir
        self.state.run("delete from message")

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """Server, user and the authority to trust."""
        del base_url
        return ConnectionSheet(
            settings={
                "server": f"127.0.0.1:{self.door.port}",
                "sender": SENDER,
                "username": USER,
                "ca_file": str(self._certificate.resolve()),
            },
            secrets={"password": self.state.get("password", "")},
            address=DESK,
        )

    def object_counts(self) -> dict[str, int]:
        """Messages that were taken."""
        row = self.state.row("select count(*) as n from message")
        return {"message": 0 if row is None else int(row["n"])}

    def holdings(self) -> Iterable[Holding]:
        """Every message, as a reader sees it."""
        for row in self.state.rows("select * from message order by id"):
            yield Holding(
                kind="send_notice",
                reference=row["reference"],
                id=str(row["id"]),
                code=row["recipients"],
                facts=_seen(row["content"], row["recipients"]),
            )

    def fault(self) -> Fault | None:
        """See ``smtp_door.Office``."""
        self.traffic.begin("write")
        return self.plan.pick(method="POST", path="/", kind_of_request="write")

    def ended(self) -> None:
        """See ``smtp_door.Office``."""
        self.traffic.end()

    def passes(self, user: str, password: str) -> bool:
        """See ``smtp_door.Office``."""
        right: str = self.state.get("password", "")
        return user == USER and secrets.compare_digest(password.encode(), right.encode())

    def refuses_sender(self, address: str) -> bool:
        """See ``smtp_door.Office``."""
        return address != SENDER

    def knows(self, address: str) -> bool:
        """See ``smtp_door.Office``."""
        return address.endswith(_LOCAL) and address != _UNKNOWN

    def take(self, sender: str, recipients: list[str], content: bytes) -> str:
        """See ``smtp_door.Office``."""
        message_id = str(message_from_bytes(content, policy=default)["Message-ID"] or "")
        with self.state.transaction() as rows:
            made = rows.execute(
                "insert into message (reference, sender, recipients, content) values (?, ?, ?, ?)",
                (message_id.strip().strip("<>").partition("@")[0], sender, ",".join(recipients), content),
            ).lastrowid
        return f"{made:08X}"


def _seen(content: bytes, recipients: str) -> dict[str, str]:
    """Subject, text, and from the lines at its end the facts and the link."""
    message = message_from_bytes(content, policy=default)
    parts = message.get_content().replace("\r\n", "\n").rstrip("\n").split("\n\n")
    seen = {"subject": str(message["Subject"]), "recipients": recipients}
    if parts[-1].startswith(_LINK):
        seen["link"] = parts.pop().removeprefix(_LINK)
    if len(parts) > 1 and all(_FACT.fullmatch(one) for one in parts[-1].split("\n")):
        seen |= {f"fact:{name}": value for name, _, value in (one.partition(": ") for one in parts.pop().split("\n"))}
    seen["body"] = "\n\n".join(parts)
    return seen
