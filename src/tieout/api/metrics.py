"""The figures of the hub for Prometheus: names, help and labels; the counts are ``reconciliation.vitals``'s.

Counted from the database at each scrape, so that any number of hubs on it tell the same. No amount of money and no name
of a person is in it. ``docs/reference/metrics.md`` lists what is here.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tieout.reconciliation.vitals import Vitals

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

METRICS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "tieout_hubs": ("Hubs that are alive and deliver", ()),
    "tieout_messages_waiting": ("Stored messages that no step has read yet", ()),
    "tieout_message_oldest_seconds": ("How long the oldest of them has waited", ()),
    "tieout_entries_to_bill": ("Accepted entries that are in no journal yet", ()),
    "tieout_messages_repeated_total": ("Messages whose bytes had come before; they had no effect", ()),
    "tieout_entries_duplicate": ("Entries that are held as duplicates", ()),
    "tieout_records_drifted": ("Records that a target holds otherwise than it should", ()),
    "tieout_deliveries": ("Deliveries that are not done, by target and state", ("system", "state")),
    "tieout_delivery_oldest_seconds": ("How long the oldest of them is in its state", ("system", "state")),
    "tieout_desk_items": ("Open items on the desk, by owner and code", ("owner", "code")),
    "tieout_desk_hours": ("Hours at stake in them", ("owner", "code")),
    "tieout_desk_oldest_seconds": ("How long the oldest of them is open", ("owner", "code")),
    "tieout_object_paused": ("1 where an object of a system is not polled any more", ("system", "object")),
    "tieout_object_news_age_seconds": ("How long ago an object told anything new", ("system", "object")),
    "tieout_target_stopped": ("1 where a target is not sent to, by the state of its circuit", ("system", "state")),
    "tieout_posting_latency_seconds": (
        "From the storing of a message to the ledger's acknowledgement, of the journals of the last hour",
        ("system", "quantile"),
    ),
}
"""Every metric by name: its help and its labels."""


def exposition(vitals: Vitals, *, now: datetime) -> bytes:
    """The text that Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Vitals(vitals, now))
    return generate_latest(registry)


class _Vitals(Collector):
    def __init__(self, vitals: Vitals, now: datetime) -> None:
        self._vitals = vitals
        self._now = now

    def collect(self) -> Iterable[Metric]:
        """Every metric once, with a sample for each set of labels that occurs."""
        samples = dict[str, list[tuple[list[str], Decimal | float]]]()
        for name, where, value in self._samples():
            samples.setdefault(name, []).append((where, value))
        for name, (words, labels) in METRICS.items():
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            family = kind(name, words, labels=labels)
            for given, value in samples.get(name, []):
                family.add_metric(given, float(value))
            yield family

    def _samples(self) -> Iterator[tuple[str, list[str], Decimal | float]]:
        told = self._vitals
        yield "tieout_hubs", [], told.hubs
        yield "tieout_messages_waiting", [], told.messages_waiting
        yield "tieout_message_oldest_seconds", [], self._age(told.oldest_message)
        yield "tieout_entries_to_bill", [], told.entries_to_bill
        yield "tieout_messages_repeated_total", [], told.repeats
        yield "tieout_entries_duplicate", [], told.duplicates
        yield "tieout_records_drifted", [], told.drifted
        for delivery in told.deliveries:
            where = [delivery.system, delivery.state]
            yield "tieout_deliveries", where, delivery.count
            yield "tieout_delivery_oldest_seconds", where, self._age(delivery.oldest)
        for item in told.desk:
            where = [item.owner, item.code]
            yield "tieout_desk_items", where, item.items
            yield "tieout_desk_hours", where, item.hours
            yield "tieout_desk_oldest_seconds", where, self._age(item.oldest)
        yield from self._systems()

    def _systems(self) -> Iterator[tuple[str, list[str], Decimal | float]]:
        told = self._vitals
        for one in told.systems:
            yield "tieout_object_paused", [one.system, one.object], int(one.paused_at is not None)
            if one.last_news_at is not None:
                yield "tieout_object_news_age_seconds", [one.system, one.object], self._age(one.last_news_at)
        for circuit in told.circuits:
            yield "tieout_target_stopped", [circuit.system, circuit.state], 1
        for latency in told.latency:
            yield "tieout_posting_latency_seconds", [latency.system, "0.5"], latency.p50_s
            yield "tieout_posting_latency_seconds", [latency.system, "0.95"], latency.p95_s

    def _age(self, since: datetime | None) -> float:
        return 0.0 if since is None else max((self._now - since).total_seconds(), 0.0)
