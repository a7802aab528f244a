"""One target system as the delivery engine sees it: its sink, what it declares, and the firm's policy for it.

``runtime`` builds targets from the firm's systems; ``engine`` drives them; ``transitions`` decides by their numbers.
"""

from dataclasses import dataclass
from decimal import Decimal

from tieout.connect.manifest import IdempotencyClass, Manifest, WriteCapability
from tieout.connect.sink import Sink
from tieout.errors import ConfigurationError
from tieout.model.firm import DeliveryPolicy

SEND_WINDOW_S = 2.0
"""The longest pause between a durable intent and the first byte sent; a sender that slept longer gives up."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A system that commands are delivered to."""

    system: str
    manifest: Manifest
    policy: DeliveryPolicy
    sink: Sink

    def capability(self, command_kind: str) -> WriteCapability:
        """What the sink can do with ``command_kind``; raises ConfigurationError when it cannot write it."""
        found = self.manifest.write(command_kind)
        if found is None:
            raise ConfigurationError(
                code="TIE-OUTBOUND-001",
                message=f"System {self.system} ({self.manifest.title}) cannot take {command_kind}.",
            )
        return found

    @property
    def longest_in_flight_s(self) -> float:
        """Seconds after sending during which a request may still take effect: as the firm says, else the connector."""
        said = self.policy.longest_in_flight_s
        return self.manifest.max_in_flight_s if said is None else float(said)

    def quarantine_s(self, command_kind: str) -> float:
        """Seconds after an intent during which the request may still take effect unseen.

        A key or a unique reference (classes K and U) makes a late first request harmless, so only the target's
        read lag counts; a target that can only be looked up (L) must be given its longest in-flight time.
        """
        lag_s = self.manifest.read_your_write_lag_s + float(self.policy.quarantine_s)
        if self.capability(command_kind).idempotency in {IdempotencyClass.K, IdempotencyClass.U}:
            return lag_s
        return SEND_WINDOW_S + self.longest_in_flight_s + lag_s


def backoff_s(policy: DeliveryPolicy, *, attempts: int, jitter: Decimal) -> Decimal:
    """Seconds to the next attempt: doubling from ``backoff_s`` to ``backoff_max_s``, times 0.5 to 1 by ``jitter``."""
    grown = min(policy.backoff_max_s, policy.backoff_s * (1 << min(attempts, 20)))
    return grown * (Decimal("0.5") + jitter / 2)
