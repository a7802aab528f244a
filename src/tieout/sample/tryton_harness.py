"""The conformance suite's way to the real Tryton: a server filled with the fixture firm, faults before it.

Registered as the harness of connector ``tryton``. What Tryton really holds is read by direct SQL, which the connector
never does; what a person does by hand is done over HTTP as the administrator, or in the database where Tryton would
not let anybody.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

import psycopg

from tieout.connect.conformance.fixture_firm import fixture_firm
from tieout.connect.conformance.score import NotApplicableError
from tieout.connect.connector import load_connector
from tieout.connect.simulator.control import (
    Change,
    ConnectionSheet,
    DeleteHolding,
    Holding,
    SetPeriod,
    SimulatorStatus,
    Switches,
)
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.process import SimulatorProcess
from tieout.connect.simulator.seed import SeedTimeEntry
from tieout.model.money import to_minor
from tieout.sample.tryton_faults import FAULTS
from tieout.sample.tryton_firm import firm_from_seed
from tieout.sample.tryton_projects import master_holdings
from tieout.sample.tryton_server import TrytonServer

HOME_VARIABLE: Final = "TIEOUT_TRYTON_HOME"
"""Where the server for tests is kept between runs; below the working directory's .tieout when not set."""

_HOLDINGS: Final = """
select move.id, move.state = 'posted', coalesce(sum(line.debit), 0), currency.code, move.date, party.code
from account_move move
join company_company company on company.id = move.company
join party_party party on party.id = company.party
join currency_currency currency on currency.id = company.currency
left join account_move_line line on line.move = move.id
where move.description = %s
group by move.id, move.state, currency.code, move.date, party.code
order by move.id
"""
_EMPLOYEES: Final = """
select employee.id, party.code from party_identifier identifier
join party_party party on party.id = identifier.party
join company_employee employee on employee.party = party.id
where identifier.code = %s
"""


def kept_home() -> Path:
    """The directory of the server for tests."""
    return Path(os.environ.get(HOME_VARIABLE, ".tieout/tryton-for-tests")).resolve()


@contextmanager
def exclusively(home: Path) -> Iterator[None]:
    """Wait until nobody else uses the server for tests, and keep others waiting."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "in-use").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class TrytonHarness:
    """Opens the one site there is."""

    claim: str = "tested against the real Tryton 8.2 on PostgreSQL"

    def __init__(self) -> None:
        self.connector = load_connector("tryton")

    @contextmanager
    def open(self) -> Iterator["TrytonSite"]:
        """Tryton with the fixture firm, and the fault proxy before it."""
        home = kept_home()
        with (
            exclusively(home),
            tempfile.TemporaryDirectory(prefix="tieout-faults-") as scratch,
            TrytonServer(home) as erp,
        ):
            erp.install()
            erp.set_up(firm_from_seed(fixture_firm()), fresh=True)
            erp.snapshot()
            upstream = erp.start()
            with SimulatorProcess(FAULTS, Path(scratch), upstream=upstream) as proxy:
                yield TrytonSite(erp, proxy)


class TrytonSite:
    """The real system as a site."""

    def __init__(self, erp: TrytonServer, proxy: SimulatorProcess) -> None:
        self._erp = erp
        self._proxy = proxy
        self.firm = fixture_firm()
        self.entries: Sequence[SeedTimeEntry] = ()
        self.supported_faults = frozenset(FaultKind(one) for one in proxy.admin.status().faults_supported)

    def sheet(self) -> ConnectionSheet:
        """Through the proxy."""
        settings = self._erp.connection_settings | {"base_url": self._proxy.base_url}
        return ConnectionSheet(
            settings=settings,
            secrets={"password": self._erp.service_password},
            custom_fields={"upsert_project": {"sequence": "7"}, "upsert_task": {"sequence": "3"}},
        )

    def reset(self) -> None:
        """The snapshot of the firm as it was set up."""
        self._erp.restore()

    def calm(self) -> None:
        """No faults; traffic counted afresh."""
        self._proxy.admin.clear_faults()
        self._proxy.admin.down(0)
        self._proxy.admin.reset_traffic()

    def force(self, *faults: Fault) -> None:
        """Ask the proxy."""
        missing = {fault.kind for fault in faults} - self.supported_faults
        if missing:
            raise NotApplicableError(f"the real system cannot be made to show {', '.join(sorted(missing))}")
        self._proxy.admin.force(*faults)

    def change(self, *changes: Change) -> None:
        """Work in Tryton by hand."""
        for one in changes:
            match one:
                case SetPeriod():
                    self._erp.set_period_state(one.entity, one.period, is_open=not one.closed)
                case DeleteHolding():
                    self._execute("delete from account_move where description = %s", one.reference)
                case _:
                    raise NotApplicableError(f"nobody does {type(one).__name__} in Tryton by hand")

    def switch(self, switches: Switches) -> None:
        """A real system's clock and reads are what they are."""
        raise NotApplicableError(f"the real system cannot be switched: {switches}")

    def down(self, seconds: float) -> None:
        """Close the proxy's port."""
        self._proxy.admin.down(seconds)

    def expire_tokens(self) -> None:
        """End every session, as Tryton does after five minutes without a request."""
        self._execute("delete from ir_session")

    def holdings(self, reference: str) -> list[Holding]:
        """What Tryton's database holds."""
        with psycopg.connect(self._erp.database_url) as conn:
            moves = conn.execute(_HOLDINGS, (reference,)).fetchall()
            employees = conn.execute(_EMPLOYEES, (reference,)).fetchall()
        held = [
            Holding(
                kind="post_journal",
                reference=reference,
                id=str(key),
                posted=posted,
                debit_minor=to_minor(Decimal(debit), currency),
                currency=currency,
                accounting_date=day.isoformat(),
                entity=entity,
            )
            for key, posted, debit, currency, day, entity in moves
        ]
        for key, code in employees:
            held.append(Holding(kind="upsert_employee", reference=reference, id=str(key), code=code))
        return held + [one for one in self.masters() if one.reference == reference]

    def masters(self) -> list[Holding]:
        """Every customer, project, task and status that Tryton's database holds, whoever made it."""
        return master_holdings(self._erp.database_url)

    def status(self) -> SimulatorStatus:
        """What the proxy counted."""
        return self._proxy.admin.status()

    def _execute(self, statement: str, *values: str) -> None:
        with psycopg.connect(self._erp.database_url) as conn:
            conn.execute(statement, values)


HARNESS: Final = TrytonHarness()
