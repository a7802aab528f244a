"""SuiteQL as the local account answers it: really parsed, typed by the catalogue, refused where it is not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.connectors.netsuite.account import QUERY_PATH, Account, journal

from tieout.connectors.netsuite.queries import text
from tieout.connectors.netsuite.simulator.suiteql_grammar import Literal, Membership, Select, SuiteQLError, parse
from tieout.connectors.netsuite.simulator.suiteql_plan import plan


async def rows(account: Account, query: str) -> list[dict[str, Any]]:
    return [{name: one[name] for name in one if name != "links"} for one in (await account.query(query))["items"]]


@pytest.fixture
async def posted(account: Account) -> Account:
    await account.post(*(journal(number, amount_minor=100 * number + 5) for number in (1, 2, 10)))
    return account


async def test_amounts_are_summed_and_compared_as_decimals(posted: Account) -> None:
    (total,) = await rows(posted, "SELECT SUM(debit) AS d, COUNT(*) AS n FROM transactionaccountingline")
    assert total == {"d": "13.15", "n": "6"}
    above = await rows(posted, "SELECT debit FROM transactionaccountingline WHERE debit > 2 ORDER BY debit DESC")
    assert [one["debit"] for one in above] == ["10.05", "2.05"]


async def test_rows_are_joined_grouped_and_ordered(posted: Account) -> None:
    found = await rows(
        posted,
        "SELECT t.externalid AS e, MAX(a.acctnumber) AS last, SUM(g.amount) AS balance FROM transaction t"
        " INNER JOIN transactionaccountingline g ON (g.transaction = t.id) LEFT JOIN account a ON a.id = g.account"
        " GROUP BY t.externalid, t.id HAVING SUM(g.debit) >= 2 ORDER BY t.id DESC",
    )
    assert [(one["last"], one["balance"]) for one in found] == [("4250", "0"), ("4250", "0")]


async def test_dates_are_compared_and_written_as_asked(posted: Account) -> None:
    (one, *_) = await rows(
        posted,
        "SELECT trandate, TO_CHAR(trandate, 'DD.MM.YYYY') AS day FROM transaction"
        " WHERE trandate BETWEEN TO_DATE('2026-08-14', 'YYYY-MM-DD') AND TO_DATE('2026-08-31', 'YYYY-MM-DD')",
    )
    assert one == {"trandate": "8/14/2026", "day": "14.08.2026"}


async def test_null_columns_are_left_out_and_can_be_replaced(account: Account) -> None:
    (bare,) = await rows(account, "SELECT externalid, entityid FROM customer WHERE entityid = 'ACME'")
    assert bare == {"entityid": "ACME"}
    (filled,) = await rows(account, "SELECT NVL(externalid, '-') AS e FROM customer WHERE entityid = 'ACME'")
    assert filled == {"e": "-"}


async def test_conditions_of_every_kind(account: Account) -> None:
    found = await rows(
        account,
        "SELECT entityid AS e FROM customer WHERE (entityid IN ('ACME', 'X') OR companyname LIKE 'O''Brien%')"
        " AND externalid IS NULL AND NOT entityid = 'Z' AND UPPER(entityid) NOT IN ('Q') ORDER BY 1",
    )
    assert [one["e"] for one in found] == ["ACME", "OBRIEN"]


async def test_a_cross_join_pairs_everything(account: Account) -> None:
    found = await rows(account, "SELECT COUNT(*) AS n FROM accountingperiod, subsidiary")
    assert found == [{"n": "6"}]


async def test_pages_tell_whether_there_is_more(posted: Account) -> None:
    page = await posted.query("SELECT id FROM transaction ORDER BY id", limit="2", offset="2")
    assert (page["count"], page["hasMore"], page["totalResults"], page["offset"]) == (1, False, 3, 2)
    first = await posted.query("SELECT id FROM transaction ORDER BY id FETCH FIRST 2 ROWS ONLY", limit="2")
    assert (first["count"], first["hasMore"], first["totalResults"]) == (2, False, 2)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "SELECT",
        "SELECT id",
        "SELECT id FROM",
        "SELECT id FROM nothing",
        "SELECT nothing FROM customer",
        "SELECT c.id FROM customer",
        "SELECT id FROM customer, job",
        "SELECT id FROM customer WHERE",
        "SELECT id FROM customer WHERE id",
        "SELECT id FROM customer WHERE id = 1 = 2",
        "SELECT id FROM customer c JOIN job c ON 1 = 1",
        "SELECT id FROM customer; DROP TABLE customer",
        "SELECT id FROM customer WHERE entityid = 'unclosed",
        "SELECT sqlite_version() FROM customer",
        "SELECT load_extension('x') FROM customer",
        "SELECT id FROM sqlite_master",
        "SELECT recorded_at FROM customer",
        "SELECT id FROM customer UNION SELECT id FROM job",
        "SELECT (SELECT id FROM job) FROM customer",
        'SELECT "id" FROM customer',
        "UPDATE customer SET entityid = 'x'",
        "SELECT id FROM customer WHERE " + "(" * 200 + "id = 1" + ")" * 200,
    ],
)
async def test_what_is_no_query_of_the_catalogue_is_refused(account: Account, query: str) -> None:
    answer = await account.api.post(QUERY_PATH, json={"q": query}, headers={"Prefer": "transient"})
    assert answer.status_code == 400
    assert answer.json()["o:errorDetails"][0]["o:errorCode"] == "INVALID_PARAMETER"


@given(st.text())
def test_any_text_survives_as_a_literal(value: str) -> None:
    query = parse(f"SELECT id FROM customer WHERE entityid IN ({text(value)})")
    assert isinstance(query, Select)
    assert isinstance(query.where, Membership)
    assert query.where.choices == (Literal(value),)


@given(st.text(alphabet="SELECTFROMcustomerid*(),.'<>=0123456789 \n-", max_size=60))
def test_the_parser_answers_or_refuses_and_never_crashes(query: str) -> None:
    try:
        plan(parse(query), visible_before=0.0)
    except SuiteQLError:
        return
