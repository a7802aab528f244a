"""The head of the audit chain is written down where whoever runs the database cannot reach it."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tieout.connect.simulator.process import SimulatorProcess
from tieout.errors import ConfigurationError
from tieout.governance import audit
from tieout.governance.audit_chain import AuditEntry, verify
from tieout.model.firm import AnchorPlace, AuditPolicy, Environment, FirmConfig, SystemConfig
from tieout.runtime.anchoring import anchor_head, read_anchors
from tieout.storage.pool import connect, in_transaction

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


class Standing:
    def now(self) -> datetime:
        return NOW


def firm(*places: AnchorPlace) -> FirmConfig:
    return FirmConfig(name="Northwind", version=1, content_hash="", audit=AuditPolicy(anchors=places))


def act(url: str, number: int) -> None:
    entry = AuditEntry(principal="ada", action="item.assigned", object_kind="desk_item", object_id=str(number))
    with connect(url, autocommit=True) as conn:
        in_transaction(conn, lambda cur: audit.append(cur, entry, now=NOW))


def test_each_anchor_is_a_line_that_proves_the_chain_up_to_it(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    place = AnchorPlace(kind="file", place=str(file))
    act(database_url, 1)
    assert [one.problem for one in anchor_head(database_url, firm(place), Standing())] == [None]
    act(database_url, 2)
    act(database_url, 3)
    assert [one.seq for one in anchor_head(database_url, firm(place), Standing())] == [3]
    anchors = read_anchors([file])
    assert [one.seq for one in anchors] == [1, 3]
    with connect(database_url) as conn:
        verdict = verify(audit.links(conn), anchors)
        noted = audit.newest_anchor(conn, place=str(file))
    assert (verdict.breaks, verdict.anchored_seq) == ((), 3)
    assert noted is not None
    assert noted.seq == 3


def test_a_place_that_fails_is_told_and_keeps_nobody_else_from_it(database_url: str, tmp_path: Path) -> None:
    gone = AnchorPlace(kind="file", place=str(tmp_path / "nowhere" / "anchors.jsonl"))
    unreachable = AnchorPlace(kind="webhook", place="https://127.0.0.1:9/anchors")
    good = AnchorPlace(kind="file", place=str(tmp_path / "anchors.jsonl"))
    act(database_url, 1)
    done = anchor_head(database_url, firm(gone, unreachable, good), Standing())
    assert [(one.problem or "")[:13] for one in done] == ["TIE-AUDIT-001", "TIE-HTTP-001:", ""]
    with connect(database_url) as conn:
        assert audit.newest_anchor(conn, place=gone.place) is None


def test_an_empty_chain_is_anchored_nowhere(database_url: str, tmp_path: Path) -> None:
    assert anchor_head(database_url, firm(AnchorPlace(kind="file", place=str(tmp_path / "a"))), Standing()) == []
    assert not (tmp_path / "a").exists()


def test_a_file_that_holds_no_anchors_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    file.write_text('{"seq": 1}\n')
    with pytest.raises(ConfigurationError, match="TIE-AUDIT-002"):
        read_anchors([file])


def test_a_mailbox_keeps_an_anchor_that_proves_the_chain(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(database_url, 1)
    with SimulatorProcess("email", tmp_path / "email") as server:
        sheet = server.admin.connection()
        monkeypatch.setenv("MAIL_PASSWORD", sheet.secrets["password"])
        mail = SystemConfig(
            name="mail",
            connector="email",
            account="mail",
            environment=Environment.SANDBOX,
            settings=sheet.settings,
            secrets={"password": "env:MAIL_PASSWORD"},
            takes=("send_notice",),
        )
        auditor = AnchorPlace(kind="email", place="auditor@firm.example", system="mail")
        nobody = AnchorPlace(kind="email", place="nobody@firm.example", system="mail")
        config = msgspec.structs.replace(firm(auditor, nobody), systems=(mail,))
        done = anchor_head(database_url, config, Standing())
        [kept] = server.admin.holdings()
    assert [(one.place, (one.problem or "")[:13]) for one in done] == [
        (auditor.place, ""),
        (nobody.place, "TIE-AUDIT-001"),
    ]
    assert kept.code == auditor.place
    saved = tmp_path / "anchor.eml"
    saved.write_bytes(b"Subject: kept\n\n" + kept.facts["body"].encode())
    with connect(database_url) as conn:
        verdict = verify(audit.links(conn), read_anchors([saved]))
    assert (verdict.breaks, verdict.anchored_seq) == ((), 1)


def test_a_mail_without_an_anchor_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.eml"
    file.write_text("Subject: hello\n\nNothing here.\n")
    with pytest.raises(ConfigurationError, match="TIE-AUDIT-002"):
        read_anchors([file])
