"""Routes and sends notices in whatever worker comes first, with links to the address that the firm gave the hub.

``outbound.notices`` does it; ``TIEOUT_PUBLIC_URL`` is the address that people type.
"""

import os
from typing import Final

from psycopg import Connection

from tieout.governance import firm_version
from tieout.model.clock import Clock
from tieout.outbound import notices
from tieout.records.reference_book import BookCache
from tieout.storage.pool import in_transaction

_PUBLIC_URL: Final = "TIEOUT_PUBLIC_URL"


def send_notices(conn: Connection[tuple[object, ...]], books: BookCache, clock: Clock) -> int:
    """Whatever is new or due; returns how much there was to do."""
    policy = firm_version.current(conn).notices

    def entity_id(code: str) -> int | None:
        found = books.get(conn).entity_by_code.get(code)
        return None if found is None else found.record_id

    return in_transaction(
        conn,
        lambda cur: notices.advance(
            cur, policy, now=clock.now(), public_url=os.environ.get(_PUBLIC_URL) or None, entity_id=entity_id
        ),
    )
