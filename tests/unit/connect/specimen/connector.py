"""A connector to the specimen that is right in everything, and that can be told to be wrong in one thing."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.unit.connect.specimen.manifest import MANIFEST, Flaw
from tests.unit.connect.specimen.reading import SpecimenSource, SpecimenTranslator
from tests.unit.connect.specimen.writing import SpecimenLedger, SpecimenSink

from tieout.connect.connector import Connection, Connector
from tieout.connect.manifest import Manifest


@dataclass(frozen=True)
class _Opener:
    flaw: Flaw | None

    def source(self, connection: Connection) -> SpecimenSource:
        return SpecimenSource(connection, self.flaw)

    def sink(self, connection: Connection) -> SpecimenSink:
        return SpecimenSink(connection, self.flaw)

    def ledger(self, connection: Connection) -> SpecimenLedger:
        return SpecimenLedger(connection, self.flaw)


def specimen(flaw: Flaw | None = None, change: Callable[[Manifest], Manifest] = lambda manifest: manifest) -> Connector:
    opener = _Opener(flaw)
    return Connector(
        manifest=change(MANIFEST),
        translator=SpecimenTranslator(flaw),
        open_source=opener.source,
        open_sink=opener.sink,
        open_ledger_reader=opener.ledger,
    )
