"""Which records of different systems are proposed to be one, and which never are."""

from hypothesis import given
from hypothesis import strategies as st

from tieout.records.adoption import EXACT, Candidate, propose


def client(record_id: int, name: str, system: str, **facts: str) -> Candidate:
    return Candidate(record_id=record_id, type="client", name=name, keys={system: str(record_id)}, **facts)  # type: ignore[arg-type]  # facts are text


def pairs(*candidates: Candidate) -> list[tuple[int, int, int]]:
    return [(one.gone.record_id, one.kept.record_id, one.score) for one in propose(candidates)]


def test_a_tax_id_written_another_way_is_the_same() -> None:
    found = propose([client(1, "Acme", "crm", tax_id="DE 123.456"), client(2, "Umbrella", "erp", tax_id="de123456")])
    assert [(one.score, one.evidence) for one in found] == [(EXACT, "the same tax id")]


def test_names_resemble_each_other_whatever_their_legal_form_and_order() -> None:
    ((gone, kept, score),) = pairs(client(1, "Northwind Traders GmbH", "crm"), client(2, "Traders, Northwind", "erp"))
    assert (gone, kept) == (2, 1)
    assert score < EXACT


def test_names_that_only_share_a_word_are_not_proposed() -> None:
    assert pairs(client(1, "Northwind Traders", "crm"), client(2, "Northwind Hospital Trust", "erp")) == []


def test_what_one_system_keeps_apart_is_never_one() -> None:
    assert pairs(client(1, "Acme", "crm", tax_id="1"), client(2, "Acme", "crm", tax_id="1")) == []


def test_what_a_person_declined_is_not_asked_again() -> None:
    two = [client(1, "Acme", "crm"), client(2, "Acme", "erp")]
    assert len(propose(two)) == 1
    assert propose(two, [(1, 2)]) == propose(two, [(2, 1)]) == []


def test_the_record_with_a_code_is_kept() -> None:
    ((gone, kept, _),) = pairs(client(1, "Acme", "crm"), client(2, "Acme", "erp", code="C-1"))
    assert (gone, kept) == (1, 2)


def test_a_number_goes_before_a_likeness_and_each_record_is_asked_about_once() -> None:
    found = pairs(
        client(1, "Acme Corp", "crm", tax_id="77"),
        client(2, "Acme Corp", "erp"),
        client(3, "Something else", "erp", tax_id="77"),
    )
    assert found == [(3, 1, EXACT)]


def test_projects_of_two_customers_are_not_one_for_their_names() -> None:
    def project(record_id: int, system: str, customer: int) -> Candidate:
        return Candidate(record_id=record_id, type="project", name="Rollout", keys={system: "1"}, within=customer)

    assert propose([project(1, "psa", 7), project(2, "erp", 8)]) == []
    assert len(propose([project(1, "psa", 7), project(2, "erp", 7)])) == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Acme", "Acme Inc", "Acme Corp", "Beta", "Beta Systems", ""]),
            st.sampled_from(["crm", "erp", "psa"]),
            st.sampled_from([None, "1", "2"]),
        ),
        max_size=12,
    )
)
def test_no_proposal_names_a_record_twice_or_two_records_of_one_system(rows: list[tuple[str, str, str | None]]) -> None:
    candidates = [
        Candidate(record_id=at, type="client", name=name, keys={system: str(at)}, tax_id=tax_id)
        for at, (name, system, tax_id) in enumerate(rows)
    ]
    found = propose(candidates)
    ids = [record_id for one in found for record_id in (one.gone.record_id, one.kept.record_id)]
    assert len(ids) == len(set(ids))
    assert all(not one.gone.keys.keys() & one.kept.keys.keys() for one in found)
    assert found == propose(list(reversed(candidates)))
