"""Whatever a user gets wrong is answered with what it is, a stable code and what to do next; nothing changes."""

import socket
from pathlib import Path

import pytest
from tests.acceptance.hub import TIEOUT, Hub

pytestmark = pytest.mark.timeout(400)

MISUSES = (
    ("nonsense",),
    ("exceptions", "show", "abc"),
    ("exceptions", "show", "999999"),
    ("exceptions", "retry"),
    ("exceptions", "retry", "--cause", "999999"),
    ("exceptions", "exclude", "1"),
    ("exceptions", "list", "--owner", "nobody"),
    ("exceptions", "list", "--code", "NOPE"),
    ("explain", "actual", "999999999"),
    ("check", "--firm", "no-such-directory"),
    ("apply", "--firm", "no-such-directory"),
    ("key", "create", "--system", "nope"),
    ("key", "create", "--system", "psa"),
    ("tie-out", "--bucket", "posted"),
    ("tie-out", "--bucket", "nope", "--entity", "US01", "--period", "2026-10", "--currency", "USD"),
    ("tie-out", "--entity", "XX99"),
    ("tie-out", "--entity", "US01", "--period", "1999-01"),
    ("tie-out", "--verify", "--entity", "US01"),
    ("up", "--port", "99999"),
    ("demo", "--seed", "77"),
)

MISTAKES = {
    "tieout.toml": ("name = ", "tieout.toml"),
    "systems/other.toml": ('connector = "nope"\naccount = "x"\nenvironment = "sandbox"\n', "systems/other.toml"),
    "mappings/department.csv": (
        "system,entity,source,target,valid_from,valid_to\n*,*,Strategy,100,2020-01-01,\n*,*,Design,,2020-01-01,\n",
        "mappings/department.csv:3",
    ),
    "mappings/legal_entities.csv": (
        "system,entity,source,target,valid_from,valid_to\n*,*,A,US01,2020-01-01,\n*,*,A,UK01,2021-01-01,\n",
        "mappings/legal_entities.csv:3",
    ),
    "mappings/bill_rates.csv": (
        "scope,price,currency,valid_from\nglobal,NaN,USD,2026-01-01\n",
        "mappings/bill_rates.csv:2",
    ),
    "mappings/cost_rates.csv": ("price,colour\n1,red\n", "mappings/cost_rates.csv:1"),
    "fx.csv": ("day,base,quote,rate\n2026-01-01,EUR,USD,0\n", "fx.csv:2"),
    "policies/US01.toml": ('functional_currency = "XXQ"\n', "policies/US01.toml"),
    "ownership.toml": ("[[rule]]\nobject = 5\n", "ownership.toml"),
}


@pytest.mark.parametrize("arguments", MISUSES, ids=" ".join)
def test_a_misuse_is_answered_in_words_with_code_and_next_step(demo_home: Path, arguments: tuple[str, ...]) -> None:
    assert Path(TIEOUT).exists()
    Hub(demo_home).refuses(*arguments)


def test_check_names_every_mistake_by_file_and_line_and_apply_changes_nothing(hub: Hub) -> None:
    for file, (content, _) in MISTAKES.items():
        (hub.home / "firm" / file).write_text(content)
    said = hub.refuses("check")
    for file, (_, place) in MISTAKES.items():
        assert f"x {place}: " in said, file
    assert "nothing was changed" in hub.refuses("apply")
    assert hub.statement().holds


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("mappings/department.csv", b"system,entity,source\xff\n"),
        ("mappings/department.csv", b'system,entity,source,target\n*,*,"open,100\n'),
        ("mappings/department.csv", b""),
        ("mappings/bill_rates.csv", b"scope,price,currency,valid_from\nglobal,1,EURO,2026-01-01\n"),
        ("fx.csv", b"day,base,quote,rate\n2026-13-01,EUR,USD,1\n"),
        ("fx.csv", b"day,base,quote,rate\n2026-01-01,EUR,EURO,1\n"),
        ("tieout.toml", b"\xff"),
        ("policies/default.toml", b"max_day_hours = nan\n"),
        ("systems/erp.toml", b'connector = "netsuite"\n'),
    ],
)
def test_a_broken_file_is_named_whatever_is_in_it(hub: Hub, file: str, content: bytes) -> None:
    (hub.home / "firm" / file).write_bytes(content)
    said = hub.refuses("check")
    assert Path(file).name in said or "policies/" in said


def test_a_port_that_is_taken_is_said_before_anything_starts(hub: Hub) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        said = hub.refuses("up", "--port", str(taken.getsockname()[1]))
    assert "TIE-API-005" in said
