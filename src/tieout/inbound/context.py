"""What the steps of ``inbound`` need besides a connection; ``runtime`` makes one per worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tieout.connect.source import Translator
from tieout.inbound.changes import Recut
from tieout.inbound.drift import SHARE_PERCENT
from tieout.inbound.rule_context import RuleContextCache
from tieout.ledger.rate_book import RateBookCache
from tieout.model.clock import Clock
from tieout.model.identity import IdFactory
from tieout.records.reference_book import BookCache

TIME_OBJECTS = ("time_entries",)


@dataclass(frozen=True, kw_only=True)
class InboundContext:
    """``translators`` by the firm's name of the system; ``recut`` takes an entry out of a delivery not sent yet.

    ``time_objects`` are the sources' names of the objects that hold time; all others (masters, bookings) go first.
    A page of which ``unreadable_percent`` cannot be read has another form.
    """

    clock: Clock
    ids: IdFactory
    translators: Mapping[str, Translator]
    books: BookCache
    recut: Recut
    rates: RateBookCache = field(default_factory=RateBookCache)
    rules: RuleContextCache = field(default_factory=RuleContextCache)
    time_objects: tuple[str, ...] = TIME_OBJECTS
    unreadable_percent: int = SHARE_PERCENT
