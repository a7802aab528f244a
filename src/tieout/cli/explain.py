"""``tieout explain``: how a figure came about, and why a record or a booking says what it says."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from tieout.cli.options import HOME, AsJson, Home
from tieout.cli.output import Words, print_json
from tieout.inbound.bookings_explanation import explain_fact
from tieout.inbound.bookings_reading import ASSIGNMENT, TIME_OFF
from tieout.ledger.explain import explain_actual
from tieout.model.reported import RecordType
from tieout.records.record_explanation import explain_record, explain_record_at
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect

app = typer.Typer(
    help="How a figure came about, and why a record says what it says.", no_args_is_help=True, add_completion=False
)

_RECORDS: Final = {
    "project": RecordType.PROJECT,
    "client": RecordType.CLIENT,
    "person": RecordType.RESOURCE,
    "contract": RecordType.CONTRACT,
    "deal": RecordType.DEAL,
}

_FACTS: Final = {"assignment": ASSIGNMENT, "absence": TIME_OFF}


@app.command("actual")
def actual(
    actual_id: Annotated[int, typer.Argument(help="Number of the actual.")], home: Home = HOME, as_json: AsJson = False
) -> None:
    """The rate line, the candidates and why each lost, the exchange rate, and the versions that made an amount."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        trace = explain_actual(conn, actual_id)
    if as_json:
        print_json(trace)
        return
    words = Words(whole=True)
    for line in trace.lines():
        words.print(line)


def _of_record(name: str, record_type: RecordType) -> Callable[..., None]:
    def explain(
        code: Annotated[str, typer.Argument(help="Its business code; of a person the e-mail address.")],
        field: Annotated[str | None, typer.Argument(help="One field; by default all.")] = None,
        at: Annotated[
            datetime | None, typer.Option(help="What it said then (UTC), by what is known now.", formats=["%Y-%m-%d"])
        ] = None,
        home: Home = HOME,
        as_json: AsJson = False,
    ) -> None:
        with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
            if at is None:
                found = explain_record(conn, record_type, code, field)
            else:
                day = at.replace(hour=23, minute=59, second=59, tzinfo=UTC)
                found = explain_record_at(conn, record_type, code, effective_at=day, known_at=SystemClock().now())
        if as_json:
            print_json(found)
            return
        words = Words(whole=True)
        for line in found.lines():
            words.print(line)

    explain.__doc__ = f"Who won each field of a {name}, since when, by which rule, and what each system says now."
    return explain


def _of_fact(name: str, kind: str) -> Callable[..., None]:
    def explain(
        system: Annotated[str, typer.Argument(help="The system that tells it.")],
        key: Annotated[str, typer.Argument(help="What the system calls it.")],
        home: Home = HOME,
        as_json: AsJson = False,
    ) -> None:
        with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
            found = explain_fact(conn, kind, system, key)
        if as_json:
            print_json(found)
            return
        words = Words(whole=True)
        for line in found.lines():
            words.print(line)

    explain.__doc__ = f"All that a system told of an {name}, what of it is in the plan, and what it was read from."
    return explain


for _name, _type in _RECORDS.items():
    app.command(_name)(_of_record(_name, _type))
for _name, _kind in _FACTS.items():
    app.command(_name)(_of_fact(_name, _kind))
