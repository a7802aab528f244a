"""The one number that grows with every change of reference: golden records, rates, the firm's configuration.

Readers compare it with the number of the snapshot they hold (one primary-key read). Writers take its row first, so
that changes of reference happen one after the other: two processes never create the same master twice.
"""

import psycopg
from psycopg import Cursor

from tieout.errors import InvariantError


def lock(cur: Cursor[tuple[object, ...]]) -> int:
    """Wait for other writers of reference and keep them out until this transaction ends; returns the version."""
    cur.execute("select version from reference_state for update")
    return _only(cur.fetchone())


def bump(cur: Cursor[tuple[object, ...]]) -> int:
    """Count one more change; returns the version that holds from the commit of this transaction on."""
    cur.execute("update reference_state set version = version + 1 returning version")
    return _only(cur.fetchone())


def current(conn: psycopg.Connection[tuple[object, ...]]) -> int:
    """The version of the reference as committed."""
    return _only(conn.execute("select version from reference_state").fetchone())


def _only(row: tuple[object, ...] | None) -> int:
    if row is None or not isinstance(row[0], int):
        raise InvariantError(code="TIE-RECORD-001", message="The table reference_state has lost its only row.")
    return row[0]
