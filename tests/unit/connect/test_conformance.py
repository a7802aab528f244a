"""The suite itself: a right connector passes all of it, and each way of being wrong fails the check made for it."""

from collections.abc import Callable, Iterator
from typing import cast

import msgspec
import pytest
from tests.unit.connect.specimen.connector import specimen
from tests.unit.connect.specimen.manifest import MANIFEST, Flaw

from tieout.connect.conformance import ALL_CHECKS, SimulatorHarness, Site, Verdict, conformance_class
from tieout.connect.conformance.check import Check
from tieout.connect.conformance.score import Result, Score
from tieout.connect.conformance.suite import SuiteRun
from tieout.connect.connector import Connector
from tieout.connect.manifest import IdempotencyClass, Manifest, ReadCapability, WriteCapability
from tieout.connect.simulator.control import Switches

SIMULATOR = "tests.unit.connect.specimen.simulator:SpecimenSimulator"
CHECKS = {check.name: check for check in ALL_CHECKS}

TestSpecimen = conformance_class(
    "specimen", harness=SimulatorHarness("specimen", connector=specimen(), simulator=SIMULATOR)
)


class _Opened(SimulatorHarness):
    """A harness over the site that this module keeps open."""

    def __init__(self, connector: Connector) -> None:
        super().__init__("specimen", connector=connector, simulator=SIMULATOR)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with SimulatorHarness("specimen", connector=specimen(), simulator=SIMULATOR).open() as opened:
        yield opened


def made(site: Site, check: str, connector: Connector) -> Result:
    return SuiteRun(_Opened(connector), site).make(CHECKS[check])


CAUGHT = [
    (Flaw.RETRIES_BLINDLY, "a_sink_never_retries_by_itself"),
    (Flaw.BELIEVES_200, "write_error_in_ok"),
    (Flaw.BELIEVES_200, "write_html_page"),
    (Flaw.LEAKS, "secrets_stay_secret"),
    (Flaw.SKIPS_ON_RESUME, "a_cursor_resumes_with_nothing_lost"),
    (Flaw.LOSES_A_PAGE, "nothing_seeded_is_lost_or_invented"),
    (Flaw.NO_OVERLAP, "a_late_commit_within_the_overlap_is_read"),
    (Flaw.NO_OVERLAP, "entries_of_the_same_instant_as_the_cursor_are_read"),
    (Flaw.PAGES_BY_TIME, "nothing_seeded_is_lost_or_invented"),
    (Flaw.DEFAULTS_ENUM, "drift_unknown_enum_is_told"),
    (Flaw.DEFAULTS_MISSING, "drift_missing_is_told"),
    (Flaw.TWO_DECIMALS, "rates_are_exact_in_every_currency"),
    (Flaw.RETRIES_500, "write_answer_500_after_commit"),
    (Flaw.RETRIES_500, "write_server_error"),
    (Flaw.TIMEOUT_IS_NOT_SENT, "write_answer_late"),
    (Flaw.TIMEOUT_IS_NOT_SENT, "write_answer_lost"),
    (Flaw.TIMEOUT_IS_NOT_SENT, "write_effect_late"),
    (Flaw.ABSENT_WHEN_FAILED, "a_failed_look_up_is_not_an_absence"),
    (Flaw.NO_KEY, "the_declared_idempotency_class_is_true"),
    (Flaw.NO_KEY, "the_same_command_at_once_has_one_effect"),
    (Flaw.NO_KEY, "a_repeat_after_a_lost_answer_has_one_effect"),
    (Flaw.OWN_HTTP, "every_write_goes_through_the_throttle"),
    (Flaw.OWN_HTTP, "no_more_requests_run_at_once_than_the_vendor_allows"),
    (Flaw.TOKEN_EACH, "an_expired_token_is_renewed_once"),
    (Flaw.REMEMBERS, "a_fresh_sink_knows_what_another_wrote"),
    (Flaw.REMEMBERS, "write_answer_lost"),
    (Flaw.IGNORES_DELETES, "a_deletion_is_seen_or_declared_unseen"),
    (Flaw.SHIFTS_DAYS, "work_dates_stay_on_days_when_clocks_change"),
    (Flaw.CLOSED_IS_INVALID, "a_closed_period_is_told_as_closed"),
    (Flaw.BATCH_STOPS, "one_bad_item_does_not_sink_the_rest"),
    (Flaw.LEDGER_INCLUSIVE, "the_ledger_is_read_by_half_open_days"),
    (Flaw.ECHOES_ITSELF, "an_altered_amount_is_visible"),
    (Flaw.ECHOES_ITSELF, "an_altered_currency_is_visible"),
    (Flaw.FORBIDDEN_IS_REJECTED, "write_forbidden"),
    (Flaw.RAISES, "write_dropped"),
    (Flaw.EMPTY_ON_404, "read_not_found"),
    (Flaw.IGNORES_RETRY_AFTER, "a_read_told_when_to_come_back_says_so"),
    (Flaw.IGNORES_RETRY_AFTER, "a_write_told_when_to_come_back_says_so"),
    (Flaw.LAX_JSON, "broken_text_is_a_contract_error"),
    (Flaw.STATIC_VERSION, "a_change_is_read_with_a_greater_version"),
]


@pytest.mark.parametrize(("flaw", "check"), CAUGHT, ids=[f"{check}-{flaw.name.lower()}" for flaw, check in CAUGHT])
def test_a_connector_that_is_wrong_in_one_thing_fails_the_check_for_it(site: Site, flaw: Flaw, check: str) -> None:
    result = made(site, check, specimen(flaw))
    assert result.verdict is Verdict.FAILED, result
    assert result.words


def test_every_flaw_is_caught() -> None:
    assert {flaw for flaw, _ in CAUGHT} == set(Flaw)


def replaced(**fields: object) -> Callable[[Manifest], Manifest]:
    return lambda manifest: msgspec.structs.replace(manifest, **fields)


def reads(**fields: object) -> tuple[ReadCapability, ...]:
    return (msgspec.structs.replace(MANIFEST.reads[0], **fields), *MANIFEST.reads[1:])


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("manifest_is_complete", replaced(documentation=())),
        ("manifest_is_complete", replaced(max_in_flight_s=1.0)),
        ("capabilities_are_declared_once_and_soundly", replaced(reads=reads(overlap_s=0.0))),
        ("capabilities_are_declared_once_and_soundly", replaced(reads=(*MANIFEST.reads, MANIFEST.reads[0]))),
        (
            "capabilities_are_declared_once_and_soundly",
            replaced(writes=(WriteCapability(command="post_money", idempotency=IdempotencyClass.K),)),
        ),
        ("manifest_matches_the_code", replaced(writes=())),
        ("settings_are_declared", replaced(settings=MANIFEST.settings[:1])),
        ("pages_end_and_keep_their_size", replaced(reads=reads(page_size=39))),
        ("every_declared_object_can_be_read", replaced(reads=(*MANIFEST.reads, reads(object="unheard_of")[0]))),
    ],
)
def test_a_manifest_that_is_not_true_fails(site: Site, check: str, change: Callable[[Manifest], Manifest]) -> None:
    assert made(site, check, specimen(change=change)).verdict is Verdict.FAILED


def test_a_class_that_the_target_does_not_keep_is_not_proven(site: Site) -> None:
    run = SuiteRun(_Opened(specimen()), cast("Site", _Behaving(site, Switches(dedup=False))))
    assert run.make(CHECKS["the_declared_idempotency_class_is_true"]).verdict is Verdict.FAILED
    assert run.score.idempotency == {}
    site.calm()


def test_what_is_not_declared_does_not_apply(site: Site) -> None:
    only_reading = Connector(
        manifest=msgspec.structs.replace(MANIFEST, writes=()),
        translator=specimen().translator,
        open_source=specimen().open_source,
    )
    run = SuiteRun(_Opened(only_reading), site)
    results = [run.make(check) for check in ALL_CHECKS if check.name.startswith("write_")]
    assert {result.verdict for result in results} == {Verdict.NOT_APPLICABLE}
    assert not run.score.conforms


def test_a_check_that_crashes_in_the_connector_is_that_connectors_failure(site: Site) -> None:
    def broken(_: object) -> None:
        raise KeyError("vendor")

    async def experiment(bench: object) -> None:
        broken(bench)

    check = Check(name="crash", proves="nothing", applies=lambda _connector, _site: True, experiment=experiment)
    result = SuiteRun(_Opened(specimen()), site).make(check)
    assert (result.verdict, result.words) == (Verdict.FAILED, "KeyError escaped: 'vendor'")


def test_the_suite_is_long_enough_and_every_check_says_what_it_proves() -> None:
    assert len(CHECKS) == len(ALL_CHECKS) >= 24
    assert all(check.proves.endswith(".") and len(check.proves) > 30 for check in ALL_CHECKS)


def test_the_score_tells_its_claim_each_class_and_every_failure() -> None:
    score = Score(
        connector="erp",
        claim="against a simulator",
        declared={"post_journal": "U", "upsert_customer": "K", "upsert_task": "L"},
        idempotency={"post_journal": "a second create is refused", "upsert_customer": "one effect"},
    )
    score.results += [Result(check="a", proves="p", verdict=Verdict.PASSED, seconds=0)] * 3
    score.results += [Result(check="b", proves="p", verdict=Verdict.NOT_APPLICABLE, seconds=0)] * 2
    score.results += [
        Result(check="c", proves="p", verdict=Verdict.FAILED, seconds=0, words="made two", class_of="upsert_customer")
    ]
    assert str(score).splitlines() == [
        "erp: 3 of 4 checks passed, 2 do not apply (against a simulator)",
        "  post_journal: U proven: a second create is refused",
        "  upsert_customer: K declared and NOT TRUE",
        "  upsert_task: L declared, not proven by this suite",
        "  FAILED c: made two",
    ]
    assert not score.conforms


class _Behaving:
    """The site behaving as the test says, whatever a check switches back."""

    def __init__(self, site: Site, switches: Switches) -> None:
        self._site = site
        self._switches = switches

    def __getattr__(self, name: str) -> object:
        return getattr(self._site, name)

    def calm(self) -> None:
        self._site.calm()
        self._site.switch(self._switches)


def declaring(idempotency: IdempotencyClass, flaw: Flaw | None = None) -> _Opened:
    def change(manifest: Manifest) -> Manifest:
        writes = tuple(msgspec.structs.replace(one, idempotency=idempotency) for one in manifest.writes)
        return msgspec.structs.replace(manifest, writes=writes)

    return _Opened(specimen(flaw, change=change))


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (IdempotencyClass.K, "K proven: 4 writes at once make one"),
        (IdempotencyClass.U, "U proven: 4 writes at once make one"),
        (IdempotencyClass.L, "L proven: a look-up sees it at once"),
        (IdempotencyClass.N, "N proven: never retried by the machine"),
    ],
)
def test_the_class_of_a_master_is_proven_as_it_is_declared(site: Site, declared: IdempotencyClass, words: str) -> None:
    run = SuiteRun(declaring(declared), site)
    for check in (one for one in ALL_CHECKS if one.class_of == "upsert_customer"):
        assert run.make(check).verdict is not Verdict.FAILED
    assert run.score.class_of("upsert_customer") == words


@pytest.mark.parametrize(
    ("declared", "flaw", "check"),
    [
        (IdempotencyClass.K, Flaw.NO_KEY, "the_declared_class_of_upsert_customer_is_true"),
        (IdempotencyClass.U, Flaw.NO_KEY, "the_declared_class_of_upsert_customer_is_true"),
        (IdempotencyClass.L, Flaw.REMEMBERS, "the_declared_class_of_upsert_customer_is_true"),
        (IdempotencyClass.K, Flaw.NO_KEY, "a_repeated_upsert_customer_after_a_lost_answer_has_one_effect"),
        (IdempotencyClass.L, Flaw.RETRIES_BLINDLY, "a_repeated_upsert_customer_after_a_lost_answer_has_one_effect"),
    ],
)
def test_a_class_of_a_master_that_is_not_kept_is_told_as_not_true(
    site: Site, declared: IdempotencyClass, flaw: Flaw, check: str
) -> None:
    run = SuiteRun(declaring(declared, flaw), site)
    assert run.make(CHECKS[check]).verdict is Verdict.FAILED
    assert run.score.class_of("upsert_customer") == f"{declared} declared and NOT TRUE"


def test_what_another_check_of_the_class_refutes_is_not_proven_either(site: Site) -> None:
    run = SuiteRun(_Opened(specimen()), site)
    assert run.make(CHECKS["the_declared_idempotency_class_is_true"]).verdict is Verdict.PASSED
    assert run.score.class_of("post_journal").startswith("K proven")
    unprotected = SuiteRun(_Opened(specimen()), cast("Site", _Behaving(site, Switches(dedup=False))))
    unprotected.score = run.score
    assert unprotected.make(CHECKS["the_same_command_at_once_has_one_effect"]).verdict is Verdict.FAILED
    assert run.score.class_of("post_journal") == "K declared and NOT TRUE"
    site.calm()
