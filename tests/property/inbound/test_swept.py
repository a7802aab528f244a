"""Whatever a system holds: a sweep finds gone exactly what it holds no more, and its message says so item by item."""

from hypothesis import given
from hypothesis import strategies as st
from tests.worlds import inbound_firm as world

from tieout.connect.source import Readable
from tieout.inbound.canonical_translator import CanonicalTranslator
from tieout.inbound.swept import SWEPT, Found, ItemKey, Standing, SweptTranslator, compare, is_believed, payload_of
from tieout.model.reported import RecordType, ReportedRecord

_keys = st.frozensets(st.integers(0, 12).map(str))
KIND = RecordType.CLIENT.value


def _record(key: str) -> ReportedRecord:
    return ReportedRecord(type=RecordType.CLIENT, source_id=key, version=3, fields={"name": key})


@given(alive=_keys, swept=_keys, held=_keys)
def test_a_sweep_says_what_is_gone_and_what_is_back_and_nothing_else(
    alive: frozenset[str], swept: frozenset[str], held: frozenset[str]
) -> None:
    swept -= alive
    standing: dict[ItemKey, Standing] = {(KIND, key): Standing(said=_record(key)) for key in alive}
    standing |= {(KIND, key): Standing(said=_record(key), is_gone=True, is_swept=True) for key in swept}
    seen: dict[ItemKey, Readable | None] = {(KIND, key): _record(key) for key in held}
    found = compare(KIND, standing, seen)
    said = SweptTranslator(CanonicalTranslator()).translate(SWEPT, payload_of([found], swept_at=world.NOW))
    records = [one for one in said if isinstance(one, ReportedRecord)]
    assert {one.source_id for one in records if one.deleted} == alive - held
    assert {one.source_id for one in records if not one.deleted} == swept & held
    assert len(records) == len(said) == len((alive - held) | (swept & held))
    assert {one.version for one in records} <= {3}


@given(known=st.integers(0, 1000), data=st.data(), limit=st.integers(0, 99))
def test_the_more_is_gone_the_less_it_is_believed(known: int, data: st.DataObject, limit: int) -> None:
    gone = data.draw(st.integers(0, known))
    fewer = data.draw(st.integers(0, gone))

    def found(count: int) -> Found:
        return Found(kind=KIND, known_count=known, gone=tuple(_record(str(at)) for at in range(count)), returned=())

    assert is_believed(found(0), limit_percent=limit)
    assert is_believed(found(gone), limit_percent=100)
    if is_believed(found(gone), limit_percent=limit):
        assert is_believed(found(fewer), limit_percent=limit)
        assert gone <= 5 or gone * 100 <= limit * known
