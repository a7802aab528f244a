"""The circuit breaker of a target: pure rules, and its row.

While a circuit is open nothing is sent to that target and no attempt is burned; one delivery at a time probes it.
Other targets have circuits of their own. Time is passed in, so that six hours pass in a test at once.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from psycopg import Connection
from psycopg.rows import class_row

from tieout.model.firm import DeliveryPolicy
from tieout.outbound.transitions import Health


class CircuitState(StrEnum):
    """closed: sends; open: waits for the probe; paused: refused by access, a person must act or the probe succeed."""

    CLOSED = "closed"
    OPEN = "open"
    PAUSED = "paused"


class Circuit(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one target's circuit; ``failures`` in a row."""

    system: str
    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    opened_at: datetime | None = None
    probe_at: datetime | None = None
    reason: str | None = None

    def allowance(self, now: datetime) -> int | None:
        """How many deliveries may be sent now: None without bound, 1 to probe, 0 to wait."""
        if self.state is CircuitState.CLOSED:
            return None
        return 1 if self.probe_at is None or self.probe_at <= now else 0


def after(circuit: Circuit, health: Health, *, policy: DeliveryPolicy, now: datetime, reason: str | None) -> Circuit:
    """The circuit after one outcome."""
    if health is Health.UP:
        return Circuit(system=circuit.system)
    failures = circuit.failures + 1
    if health is Health.FAILING and failures < policy.circuit_failures:
        return msgspec.structs.replace(circuit, failures=failures, reason=reason)
    beyond = max(0, failures - policy.circuit_failures)
    wait_s = min(policy.circuit_probe_max_s, policy.circuit_probe_s * (1 << min(beyond, 20)))
    return Circuit(
        system=circuit.system,
        state=CircuitState.PAUSED if health is Health.REFUSING_US else CircuitState.OPEN,
        failures=failures,
        opened_at=circuit.opened_at or now,
        probe_at=now + timedelta(seconds=float(wait_s)),
        reason=reason,
    )


def load(conn: Connection[tuple[object, ...]], system: str) -> Circuit:
    """The stored circuit of ``system``; a closed one where none is stored."""
    with conn.cursor(row_factory=class_row(Circuit)) as cur:
        cur.execute(
            "select system, state, failures, opened_at, probe_at, reason from circuit where system = %s", (system,)
        )
        return cur.fetchone() or Circuit(system=system)


def save(conn: Connection[tuple[object, ...]], circuit: Circuit, *, now: datetime) -> None:
    """Store the circuit of its system."""
    conn.execute(
        """
        insert into circuit (system, state, failures, opened_at, probe_at, reason, updated_at)
        values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (system) do update
           set state = excluded.state, failures = excluded.failures, opened_at = excluded.opened_at,
               probe_at = excluded.probe_at, reason = excluded.reason, updated_at = excluded.updated_at
        """,
        (circuit.system, circuit.state, circuit.failures, circuit.opened_at, circuit.probe_at, circuit.reason, now),
    )
