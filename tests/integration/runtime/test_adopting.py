"""A firm that has been running is taken over: what its systems hold already becomes one record each."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.worlds.inbound_database import Hub, master

from tieout.errors import ConfigurationError
from tieout.model.reported import FieldValue, RecordType
from tieout.records.adoption_store import Decision, proposals
from tieout.records.reference_book import load
from tieout.runtime.adopt import adopt, read_decisions, write_proposals
from tieout.storage.control_totals import verify_control_totals
from tieout.storage.pool import connect


@pytest.fixture
def hub(database_url: str) -> Iterator[Hub]:
    with connect(database_url, autocommit=True) as conn:
        opened = Hub(conn)
        opened.open_firm()
        opened.report(master(RecordType.CLIENT, "77", {"code": "0001", "name": "ACME, Inc."}), system="erp")
        yield opened


def decided(tmp_path: Path, hub: Hub, word: str) -> Path:
    """The file of proposals with ``word`` as every decision."""
    out = io.StringIO()
    write_proposals(out, proposals(hub.conn, "client"))
    head, *rows = out.getvalue().splitlines()
    path = tmp_path / "decisions.csv"
    path.write_text("\n".join([head, *(row + word for row in rows)]) + "\n")
    return path


def carry_out(hub: Hub, url: str, path: Path) -> tuple[int, int, int]:
    decisions, undecided = read_decisions(path)
    done = adopt(url, decisions, undecided=undecided, actor="ada", clock=hub.clock)
    return done.joined, done.apart, done.undecided


def test_what_a_person_confirms_is_one_record_with_the_keys_of_both(
    hub: Hub, database_url: str, tmp_path: Path
) -> None:
    assert carry_out(hub, database_url, decided(tmp_path, hub, "yes")) == (1, 0, 0)
    keys = hub.rows(
        """
        select system, source_id from cross_reference where record_id =
            (select record_id from cross_reference where system = 'erp' and type = 'client') order by 1
        """
    )
    assert keys == [("erp", "77"), ("psa", "c1")]
    assert load(hub.conn).by_code("client", "ACME") is not None
    assert hub.rows("select decision, actor from adoption") == [("joined", "ada")]
    assert proposals(hub.conn, "client") == []
    verify_control_totals(hub.conn)


def test_what_a_person_declines_stays_apart_and_is_not_asked_again(hub: Hub, database_url: str, tmp_path: Path) -> None:
    assert carry_out(hub, database_url, decided(tmp_path, hub, "no")) == (0, 1, 0)
    assert proposals(hub.conn, "client") == []
    assert hub.rows("select count(*) from golden_record where type = 'client' and not tombstone") == [(2,)]


def test_what_is_not_decided_is_asked_again(hub: Hub, database_url: str, tmp_path: Path) -> None:
    assert carry_out(hub, database_url, decided(tmp_path, hub, "")) == (0, 0, 1)
    assert len(proposals(hub.conn, "client")) == 1


def test_a_later_report_of_either_system_still_means_the_one_record(
    hub: Hub, database_url: str, tmp_path: Path
) -> None:
    carry_out(hub, database_url, decided(tmp_path, hub, "yes"))
    told: dict[str, FieldValue] = {"code": "0001", "name": "ACME, Inc.", "email": "a@acme.example"}
    hub.report(master(RecordType.CLIENT, "77", told, 2), system="erp")
    assert hub.rows("select count(*) from golden_record where type = 'client' and not tombstone") == [(1,)]


@pytest.mark.parametrize(
    ("gone", "kept", "code"),
    [
        (("erp", "999"), ("psa", "c1"), "TIE-RECORD-005"),
        (("psa", "c1"), ("psa", "c1"), "TIE-RECORD-006"),
    ],
)
def test_what_cannot_be_one_is_refused_and_changes_nothing(
    hub: Hub, database_url: str, gone: tuple[str, str], kept: tuple[str, str], code: str
) -> None:
    decision = Decision(type="client", gone=gone, kept=kept, is_one=True)
    with pytest.raises(ConfigurationError) as refused:
        adopt(database_url, [decision], undecided=0, actor="ada", clock=hub.clock)
    assert refused.value.code == code
    assert hub.rows("select count(*) from adoption") == [(0,)]


def test_two_records_of_one_system_are_not_made_one(hub: Hub, database_url: str) -> None:
    hub.report(master(RecordType.CLIENT, "c5", {"code": "OTHER", "name": "Other"}))
    decision = Decision(type="client", gone=("psa", "c5"), kept=("psa", "c1"), is_one=True)
    with pytest.raises(ConfigurationError, match="cannot be one: psa has both"):
        adopt(database_url, [decision], undecided=0, actor="ada", clock=hub.clock)


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "type,system,key,kept_system,kept_key,decision\nclient,a,1,b,2,maybe\n"]
)
def test_a_file_that_cannot_be_understood_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"decisions\.csv line"):
        read_decisions(path)


def test_a_name_that_a_spreadsheet_would_run_is_written_as_text(hub: Hub) -> None:
    hub.report(master(RecordType.CLIENT, "78", {"code": "0002", "name": "=ACME()", "tax_id": "9"}), system="erp")
    hub.report(master(RecordType.CLIENT, "c8", {"code": "X2", "name": "Acme two", "tax_id": "9"}))
    out = io.StringIO()
    write_proposals(out, proposals(hub.conn, "client"))
    assert ",=ACME()" not in out.getvalue()
    assert "'=ACME()" in out.getvalue()
