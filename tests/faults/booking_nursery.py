"""Forks workers that take assignments and absences in, for a killer to kill; see ``forks``."""

import msgspec
from tests.faults.nursery import fork_for_each_line
from tests.worlds.inbound_database import Hub

from tieout.storage.pool import connect


class BookingOrder(msgspec.Struct):
    """Work on the database ``url`` until nothing waits."""

    url: str


def work(order: BookingOrder) -> None:
    """The life of one worker."""
    with connect(order.url, autocommit=True) as conn:
        Hub(conn).work()


if __name__ == "__main__":
    fork_for_each_line(lambda line: work(msgspec.json.decode(line, type=BookingOrder)))
