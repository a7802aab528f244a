"""Applied configurations are numbered, kept whole and found again."""

import msgspec
import pytest
from tests.worlds.inbound_firm import NOW, firm

from tieout.errors import ConfigurationError
from tieout.governance import firm_version, reference_state
from tieout.model.firm import FirmConfig
from tieout.storage.pool import connect


def stored(url: str, config: FirmConfig) -> int:
    with connect(url) as conn, conn.cursor() as cur:
        return firm_version.store(cur, config, applied_by="ada", now=NOW)


def test_without_a_configuration_every_step_says_what_to_do(database_url: str) -> None:
    with connect(database_url) as conn:
        assert firm_version.newest(conn) is None
        with pytest.raises(ConfigurationError, match="TIE-FIRM-001"):
            firm_version.current(conn)


def test_a_version_comes_back_as_it_was_with_its_number(database_url: str) -> None:
    assert stored(database_url, firm()) == 1
    with connect(database_url) as conn:
        assert firm_version.current(conn) == msgspec.structs.replace(firm(), version=1)


def test_the_same_content_again_is_the_same_version(database_url: str) -> None:
    stored(database_url, firm())
    with connect(database_url) as conn:
        before = reference_state.current(conn)
    assert stored(database_url, firm()) == 1
    with connect(database_url) as conn:
        assert reference_state.current(conn) == before


def test_going_back_to_an_earlier_content_is_a_new_version(database_url: str) -> None:
    other = msgspec.structs.replace(firm(), content_hash="other", name="Other")
    assert [stored(database_url, one) for one in (firm(), other, firm())] == [1, 2, 3]
    with connect(database_url) as conn:
        assert firm_version.at_version(conn, 2).name == "Other"
        assert firm_version.current(conn).name == firm().name
        with pytest.raises(ConfigurationError, match="TIE-FIRM-002"):
            firm_version.at_version(conn, 4)


def test_every_system_gets_a_number_and_keeps_it(database_url: str) -> None:
    stored(database_url, firm())
    with connect(database_url) as conn:
        before = conn.execute("select name, system_id from system_name order by 1").fetchall()
        assert [row[0] for row in before] == ["erp", "psa", "timeapp"]
    stored(database_url, msgspec.structs.replace(firm(), content_hash="2", systems=firm().systems[:1]))
    with connect(database_url) as conn:
        assert conn.execute("select name, system_id from system_name order by 1").fetchall() == before
