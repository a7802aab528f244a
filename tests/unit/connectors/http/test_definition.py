"""A definition is read whole, and everything that is wrong with it is said at once."""

import pytest
from tests.unit.connectors.http.server import CLIENTS, HEAD

from tieout.connect.manifest import CursorKind, IdempotencyClass
from tieout.connectors.http.connector import CONNECTOR
from tieout.connectors.http.parsing import parse_definition
from tieout.connectors.http.simulator.rest_server import sample_definition
from tieout.errors import ConfigurationError

WRITE = """
[[write]]
command = "upsert_customer"
idempotency = "{idempotency}"
method = "{method}"
path = "/v1/clients/{{code}}"
{more}

[write.body]
name = "name"
"""
FIND = """
[write.find]
path = "/v1/clients"
reference = "external_ref"
"""


def problems(text: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        parse_definition(text)
    assert refused.value.code == "TIE-REST-003"
    return refused.value.message


def test_the_sample_makes_a_connector_with_everything_that_it_describes() -> None:
    connector = CONNECTOR.configured({"definition": sample_definition()})
    manifest = connector.manifest
    assert {one.object for one in manifest.reads} >= {"time_entries", "clients", "people"}
    assert len(manifest.writes) == 9
    entries = manifest.read("time_entries")
    assert entries is not None
    assert (entries.cursor, entries.overlap_s, entries.page_size) == (CursorKind.UPDATED_AT, 120.0, 50)
    journals = manifest.write("post_journal")
    assert journals is not None
    assert journals.idempotency is IdempotencyClass.U
    assert [one.name for one in manifest.settings if one.secret] == ["client_secret"]
    assert connector.open_ledger_reader is not None


def test_a_definition_that_only_reads_makes_a_connector_that_only_reads() -> None:
    connector = CONNECTOR.configured({"definition": HEAD + CLIENTS.format(paging='{ kind = "none" }', more="")})
    assert connector.open_source is not None
    assert connector.open_sink is None
    assert connector.open_ledger_reader is None


def test_before_it_is_configured_it_can_do_nothing() -> None:
    assert not CONNECTOR.manifest.reads
    assert CONNECTOR.open_source is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "client"', 'kind = "customer"', "'customer' is no kind"),
        ('kind = "client"', 'kind = "time"', "'code' is no field of time"),
        ('kind = "bearer"', 'kind = "basic"', "auth basic needs user"),
        ('kind = "bearer"', 'kind = "magic"', "Invalid enum value 'magic'"),
        ('documentation = ["its manual"]', "documentation = []", "documentation names no page"),
        ('kind = "none"', 'kind = "page"', "paging by page needs param"),
        ('kind = "none"', 'kind = "cursor", param = "c"', "paging by cursor needs next"),
        ('kind = "none"', 'kind = "none", size = 0', "a size above zero"),
        ('version = { path = "updated_at" }', 'changed = { param = "since" }', "changed needs version"),
        ('name = "name"', 'name = "name"\nx = { lookup = { a = "b" } }', "x needs exactly one of path, join"),
        ('name = "name"', 'name = { path = "a", constant = "b" }', "name needs exactly one of path, join"),
        ('name = "name"', 'name = { path = "a", plus_days = 1 }', "plus_days needs date"),
        ('name = "name"', 'name = { path = "a", group = "." }', "group needs decimal"),
        ('name = "name"', 'name = { path = "a", each = { b = "c" } }', "each is for lists that are written"),
        ('name = "name"', 'name = { pfad = "a" }', "pfad"),
        ('items = "data"', 'items = "data"\ndeletes = "tombstone"', "needs deleted"),
        ('items = "data"', 'items = "data"\ndeleted = { equals = ["x"] }', "deleted needs path or always"),
        ("title", "= title", "Invalid"),
    ],
)
def test_what_is_wrong_is_said_in_words(old: str, new: str, words: str) -> None:
    text = HEAD + CLIENTS.format(paging='{ kind = "none" }', more="")
    assert old in text
    assert words in problems(text.replace(old, new))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD, "it describes nothing to read and nothing to write"),
        (HEAD + 2 * CLIENTS.format(paging='{ kind = "none" }', more=""), "read clients is described twice"),
        (HEAD + WRITE.format(idempotency="L", method="PUT", more=""), "idempotency L needs find"),
        (HEAD + WRITE.format(idempotency="K", method="POST", more="") + FIND, "idempotency K needs key_header"),
        (
            HEAD + WRITE.format(idempotency="N", method="PUT", more="").replace("upsert_customer", "buy_customer"),
            "it is no command",
        ),
        (
            HEAD + WRITE.format(idempotency="N", method="PUT", more="").replace('name = "name"', 'name = "nom"'),
            "upsert_customer has no 'nom'",
        ),
        (
            HEAD + WRITE.format(idempotency="N", method="PUT", more="").replace("upsert_customer", "post_journal"),
            "needs a ledger",
        ),
    ],
)
def test_what_cannot_work_together_is_said_in_words(text: str, words: str) -> None:
    assert words in problems(text)


def test_all_mistakes_are_said_at_once() -> None:
    text = HEAD.replace('kind = "bearer"', 'kind = "basic"') + CLIENTS.format(paging='{ kind = "page" }', more="")
    words = problems(text)
    assert "auth basic needs user" in words
    assert "paging by page needs param" in words
