"""What delivery asks of the process manager that built a command; ``streams`` answers, ``runtime`` wires.

Delivery knows nothing of journals: it asks for smaller ones when a target refuses a large one, and for another
accounting date when a period is closed.
"""

from datetime import date
from typing import Protocol

from psycopg import Cursor

from tieout.outbound.outbox import NewDelivery


class CommandBuilder(Protocol):
    """Rebuilds what it built, by delivery."""

    def halves(self, cur: Cursor[tuple[object, ...]], delivery_id: int) -> list[NewDelivery]:
        """Two deliveries that together stand for the same entries; empty when it stands for one."""
        ...

    def elsewhere(self, cur: Cursor[tuple[object, ...]], delivery_id: int, *, day: date) -> list[NewDelivery]:
        """The same entries for the system that posts on ``day``; empty where that is the delivery's own system."""
        ...

    def accounting_date(
        self, cur: Cursor[tuple[object, ...]], *, entity_id: int, planned: date, refused: bool
    ) -> date | None:
        """The day to post on instead of ``planned``, or ``planned`` itself while its period is open.

        ``refused`` says that the target called the period closed, whatever we know. None: a person must decide.
        """
        ...
