"""Forks workers that tell a payroll hours by file, for a killer to kill; see ``forks``."""

from pathlib import Path

import msgspec
from tests.faults.nursery import fork_for_each_line
from tests.worlds.inbound_database import Hub
from tests.worlds.payroll_hub import PayrollHub

from tieout.storage.pool import connect, sync_pool


class PayrollOrder(msgspec.Struct):
    """Tell the payroll behind the folders in ``root`` what ``url`` has, ``seconds`` after the beginning."""

    url: str
    root: str
    seconds: int


def work(order: PayrollOrder) -> None:
    """The life of one worker."""
    pool = sync_pool(order.url, application="nursery", size=4)
    with connect(order.url, autocommit=True) as conn:
        hub = PayrollHub(order.url, Hub(conn), pool, Path(order.root))
        hub.clock.advance(order.seconds)
        hub.deliver()
        hub.close()
    pool.close()


if __name__ == "__main__":
    fork_for_each_line(lambda line: work(msgspec.json.decode(line, type=PayrollOrder)))
