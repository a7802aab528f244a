"""What targets hold otherwise: the command says it in words and as data, and its exit code tells whether it is so."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.unit.cli.conftest import CommandLine
from tests.worlds.drift_hub import CUSTOMER, DriftHub, open_drift_hub

from tieout.runtime.drift_sweep import ComparedKind


class _Done(msgspec.Struct):
    compared: list[ComparedKind]


@pytest.fixture
def target(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DriftHub]:
    with open_drift_hub("kantata", database_url, tmp_path, monkeypatch) as opened:
        yield opened


def test_a_target_that_holds_what_it_acknowledged_is_well(tieout: CommandLine, target: DriftHub) -> None:
    assert tieout("drift").out == "No target has acknowledged any master yet.\n"
    target.deliver(CUSTOMER)
    [client] = msgspec.json.decode(tieout("drift", "target", "--json").json(), type=_Done).compared
    assert client == ComparedKind(system="target", kind="client", outcome="compared", compared_count=1)


def test_a_target_that_holds_something_else_is_a_no_and_an_item_on_the_desk(
    tieout: CommandLine, target: DriftHub
) -> None:
    target.deliver(CUSTOMER)
    target.write_behind(msgspec.structs.replace(CUSTOMER, name="Mine"))
    said = tieout("drift")
    assert said.code == 1
    assert said.out.splitlines()[-1].split() == ["target", "client", "1", "1", "0", "0", "compared"]
    assert "DRIFT" in tieout("exceptions", "list").out
    [item] = target.desk()
    assert "name is 'Mine', acknowledged 'Ünïcode & Sons'" in " ".join(
        tieout("exceptions", "show", str(item.item_id)).out.split()
    )
    assert tieout("exceptions", "retry", str(item.item_id), "--reason", "Ours is right.").code == 0
    target.run()
    assert tieout("drift").code == 0
    assert target.desk() == []


def test_a_target_out_of_reach_is_said_and_judged_by_nothing(tieout: CommandLine, target: DriftHub) -> None:
    target.deliver(CUSTOMER)
    target.simulator.admin.down(60)
    said = tieout("drift")
    assert said.code == 1
    assert "interrupted:" in said.out
    assert target.desk() == []


def test_a_system_that_the_firm_does_not_have_cannot_be_compared(tieout: CommandLine, target: DriftHub) -> None:
    assert target.firm.system("nowhere") is None
    assert "TIE-FIRM-007" in tieout.refuses("drift", "nowhere")
