"""Named points at which a test can kill the process: one at every boundary where something becomes durable.

Unarmed they cost one comparison. Armed (``TIEOUT_FAULT_POINTS`` names a unix socket) the process reports each point
to whoever listens there and waits for one byte: ``g`` goes on; a killer sends SIGKILL instead. Neighbours:
``outbound``, ``inbound`` and connectors name the points; fault tests iterate over ``FAULT_POINTS``.
"""

import os
import socket
import threading
from collections.abc import Callable
from typing import Final, NamedTuple

SOCKET_VARIABLE: Final = "TIEOUT_FAULT_POINTS"
_GO_ON: Final = b"g"


class FaultPoint(NamedTuple):
    """A point's name, and what is durable when the process dies there."""

    name: str
    durable: str


FAULT_POINTS: Final = (
    FaultPoint("intake.page.received", "nothing of the page; the cursor stands before it"),
    FaultPoint("intake.page.before_commit", "nothing of the page; the cursor stands before it"),
    FaultPoint("intake.page.after_commit", "the page and the cursor behind it; the next step is not woken"),
    FaultPoint("inbound.batch.before_commit", "the messages; nothing of the batch"),
    FaultPoint("inbound.batch.after_commit", "entries, findings and totals of the batch; the next step is not woken"),
    FaultPoint("inbound.release.before_commit", "the release; the item is not judged again"),
    FaultPoint("inbound.release.after_commit", "the new reading of the released item"),
    FaultPoint("inbound.revaluation.before_commit", "the request to compare a range of entries; nothing of it is done"),
    FaultPoint(
        "inbound.revaluation.after_commit", "entries rated anew by the new configuration; the next step is not woken"
    ),
    FaultPoint("streams.journal.before_commit", "accepted entries; no journal of them"),
    FaultPoint("streams.journal.after_commit", "journals as deliveries; the delivery step is not woken"),
    FaultPoint("streams.provisioning.before_commit", "deals and outcomes; no decision on them"),
    FaultPoint("streams.provisioning.after_commit", "decisions, and the next steps as deliveries; nobody is woken"),
    FaultPoint("streams.plan.before_commit", "what changed of bookings, people and actuals; the plan is as it was"),
    FaultPoint("streams.plan.after_commit", "the plan with what changed; nobody is woken"),
    FaultPoint("streams.payroll.before_commit", "accepted hours; no file of them for the payroll"),
    FaultPoint("streams.payroll.after_commit", "files of hours as deliveries; the delivery step is not woken"),
    FaultPoint("delivery.intent.before_commit", "the delivery, ready; no intent"),
    FaultPoint("delivery.intent.after_commit", "the intent; nothing was sent"),
    FaultPoint("delivery.send.before", "the intent; nothing was sent"),
    FaultPoint("delivery.send.after", "the intent; the target has answered and nobody knows here"),
    FaultPoint("delivery.outcome.before_commit", "the intent; the target has answered and nobody knows here"),
    FaultPoint("delivery.outcome.after_commit", "the outcome; the acknowledgement is not acted on"),
    FaultPoint("delivery.look_up.before", "the doubt; nothing was looked up"),
    FaultPoint("delivery.look_up.after", "the doubt; what was found is lost and will be looked up again"),
    FaultPoint("sink.draft.created", "a draft in the target that is not posted"),
    FaultPoint("sink.draft.posted", "a posting in the target; its answer is lost"),
)
"""Every fault point of the product, in the order of a fact's way."""

FAULT_POINT_NAMES: Final = frozenset(point.name for point in FAULT_POINTS)


class _Reporter:
    """One connection per process to the killer; a forked child opens its own."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._pid = 0
        self._socket: socket.socket | None = None

    def report(self, name: str) -> None:
        """Say where we are and wait; a killer that is gone lets everything pass."""
        if name not in FAULT_POINT_NAMES:
            raise ValueError(f"fault point {name!r} is not registered in FAULT_POINTS")
        with self._lock:
            try:
                connection = self._connected()
                connection.sendall(f"{os.getpid()} {name}\n".encode())
                answered = connection.recv(1)
            except OSError:
                answered = b""
            if answered != _GO_ON:
                self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is None or self._pid != os.getpid():
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.connect(self._path)
            self._pid = os.getpid()
        return self._socket


_report: Callable[[str], None] | None = (
    _Reporter(os.environ[SOCKET_VARIABLE]).report if os.environ.get(SOCKET_VARIABLE) else None
)


def fault_point(name: str) -> None:
    """Mark a boundary called ``name`` (a row of ``FAULT_POINTS``); does nothing unless a test armed the process."""
    if _report is not None:
        _report(name)
