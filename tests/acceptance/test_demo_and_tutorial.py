"""The first hour with Tieout: the demo ties out, and the tutorial does what it says."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from tests.acceptance.conftest import MISSING_LINE, demo_result_of
from tests.acceptance.hub import Hub, Statement, figures

pytestmark = pytest.mark.timeout(400)

SIDES = ("posted", "in_exception", "in_doubt", "excluded", "in_progress")
FIGURES = ("count", "hours", "amount", "unpriced_count", "unpriced_hours")


def re_add(statement: Statement) -> None:
    for row in statement.tie_out:
        for name in FIGURES:
            parts = sum((Decimal(getattr(figures(row, side), name)) for side in SIDES), Decimal(0))
            assert parts == getattr(row.taken_in, name), (row, name)


def test_the_demo_ends_tied_out_and_writes_decimals_as_text(demo_home: Path) -> None:
    result = json.loads(demo_result_of(demo_home).read_text(), parse_float=pytest.fail)
    assert {"tie_out", "exceptions", "elapsed_s", "hub_rss_mb"} <= result.keys()
    assert isinstance(result["elapsed_s"], str)
    assert result["tie_out"]
    for row in result["tie_out"]:
        assert row["holds"] is True
        for name in FIGURES:
            parts = [Decimal(row[side][name]) for side in SIDES]
            assert sum(parts) == Decimal(row["taken_in"][name]), row
        for side in ("taken_in", *SIDES):
            assert isinstance(row[side]["hours"], str)
            assert isinstance(row[side]["amount"], str)
    assert {row["currency"] for row in result["tie_out"]} >= {"USD", "GBP", "EUR", "JPY"}
    held = {one["code"]: one for one in result["exceptions"]}
    assert {"DIMENSION_MISSING", "RATE_EXPIRED", "DUPLICATE_NATURAL", "SCHEMA_INVALID", "PERIOD_CLOSED"} <= held.keys()
    assert all(isinstance(one["hours"], str) and one["owner"] for one in held.values())
    assert all(isinstance(amount, str) for one in held.values() for amount in one["amount"].values())


def test_what_the_exceptions_hold_is_what_the_statement_says_is_in_exception(demo_home: Path) -> None:
    hub = Hub(demo_home)
    statement, causes = hub.statement(), hub.causes()
    assert statement.holds
    re_add(statement)
    assert sum(one.count for one in causes) == statement.total("in_exception")
    assert statement.total("in_progress") == statement.total("in_doubt") == 0


def test_every_figure_opens_down_to_entries_that_add_up_to_it(demo_home: Path) -> None:
    hub = Hub(demo_home)
    for row in hub.statement("--entity", "DE01").tie_out:
        for side in ("posted", "in_exception"):
            entries = hub.entries(row, side)
            assert len(entries) == figures(row, side).count
            assert sum((one.hours for one in entries), Decimal(0)) == figures(row, side).hours
            assert all(one.message_id is not None for one in entries)
            assert all((one.reference is not None) == (side == "posted") for one in entries)


def test_a_posted_amount_explains_itself(demo_home: Path) -> None:
    hub = Hub(demo_home)
    posted = hub.entries(hub.statement("--entity", "DE01").row("DE01", "2026-10", "USD"), "posted")
    billable = next(one for one in posted if one.amount_minor)
    cost, sale = billable.actual_ids
    assert "cost of" in hub.does("explain", "actual", str(cost))
    said = hub.does("explain", "actual", str(sale))
    for word in ("Rate line", "Candidates", "Exchange rate", "firm version 1", "reference version", "message"):
        assert word in said
    assert str(billable.reference) in said
    assert str(Decimal(billable.amount_minor or 0) / 100) in said


def test_adding_the_missing_mapping_line_releases_the_held_entries_and_they_post(hub: Hub, tmp_path: Path) -> None:
    before = hub.statement()
    causes = hub.causes()
    held = sum(one.count for one in causes if one.code == "DIMENSION_MISSING")
    assert held
    hub.append("mappings/department.csv", MISSING_LINE)
    assert "No mistakes" in " ".join(hub.does("check").split())
    assert f"{held} exception(s) are judged again" in " ".join(hub.does("apply").split())
    assert "nothing has changed" in hub.does("apply")
    hub.demo(tmp_path / "again.json")
    after = hub.statement()
    assert after.holds
    assert hub.causes("DIMENSION_MISSING") == []
    assert after.total("taken_in") == before.total("taken_in")
    released = after.total("posted") - before.total("posted")
    assert released == before.total("in_exception") - after.total("in_exception")
    elsewhere = {one.cause_id: one.count for one in hub.causes()}
    others = {one.cause_id: one.count for one in causes if one.code != "DIMENSION_MISSING"}
    assert released == held - (sum(elsewhere.values()) - sum(others.values()))
    assert released > held * 0.8


def test_a_rate_of_the_firms_own_releases_what_an_expired_rate_held(hub: Hub, tmp_path: Path) -> None:
    causes = hub.causes("RATE_EXPIRED")
    before = hub.statement()
    assert causes
    books = {"US01": "USD", "UK01": "GBP", "DE01": "EUR", "JP01": "JPY"}
    hub.write(
        "mappings/bill_rates.csv",
        "scope,entity,price,currency,valid_from,valid_to,role",
        *(f"legal_entity,{code},250,{currency},2026-10-16,,Senior Consultant" for code, currency in books.items()),
    )
    hub.does("check")
    hub.does("apply")
    hub.demo(tmp_path / "again.json")
    after = hub.statement()
    assert after.holds
    assert hub.causes("RATE_EXPIRED") == []
    both = {"before": before, "after": after}
    assert after.total("posted") > before.total("posted")
    assert after.total("taken_in") == before.total("taken_in")
    unpriced = {name: sum(row.in_exception.unpriced_count for row in one.tie_out) for name, one in both.items()}
    assert unpriced["after"] <= unpriced["before"] - sum(one.count for one in causes)
