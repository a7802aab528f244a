"""Settings are checked when a connection is opened, with words that name the setting."""

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from tests.unit.connectors.netsuite.account import MachineClock

from tieout.connect.connector import Connection
from tieout.connect.http import HttpSettings
from tieout.connect.throttle import NoThrottle
from tieout.connectors.netsuite.client import _signing_key
from tieout.connectors.netsuite.options import options_of
from tieout.errors import ConfigurationError

PLAIN = {"account_id": "1234567_SB1", "client_id": "c", "certificate_id": "k"}
PEM = ECKey.generate_key("P-256").as_pem(private=True).decode()


def connection(**settings: str) -> Connection:
    return Connection(
        system="erp",
        account="erp",
        settings={**PLAIN, **settings},
        secrets={"private_key": settings.pop("private_key", PEM)},
        throttle=NoThrottle(),
        clock=MachineClock(),
        http=HttpSettings(),
    )


def test_the_address_follows_from_the_account() -> None:
    assert options_of(connection()).base_url == "https://1234567-sb1.suitetalk.api.netsuite.com"


def test_defaults_are_those_of_the_manifest() -> None:
    options = options_of(connection())
    assert (options.concurrency, options.async_batches, options.read_back) == (5, False, True)
    assert options.dimension_fields == {"department": "department", "class": "class", "location": "location"}
    assert options.period_lock_record == "customrecord_tieout_period_lock"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("concurrency", "0"),
        ("concurrency", "many"),
        ("journal_writes", "fast"),
        ("read_back", "maybe"),
        ("async_deadline_s", "-1"),
        ("subsidiaries", "US01"),
        ("subsidiaries", "US01=one"),
        ("subsidiaries", "US01=1,US01=2"),
        ("dimension_fields", "practice=custbody_x"),
        ("project_statuses", "running=In Progress"),
        ("project_fields", "service_line=class"),
        ("project_fields", "name=custentity_name"),
        ("period_lock_record", "subsidiary; DROP"),
        ("client_id", ""),
    ],
)
def test_a_setting_that_cannot_be_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        options_of(connection(**{name: value}))


@pytest.mark.parametrize(
    ("pem", "algorithm"),
    [
        (ECKey.generate_key("P-256").as_pem(private=True), "ES256"),
        (ECKey.generate_key("P-384").as_pem(private=True), "ES384"),
        (RSAKey.generate_key(3072).as_pem(private=True), "PS256"),
    ],
)
def test_the_algorithm_follows_from_the_key(pem: bytes, algorithm: str) -> None:
    assert _signing_key(options_of(connection(private_key=pem.decode())))[1] == algorithm


@pytest.mark.parametrize(
    "key",
    [
        "no key",
        ECKey.generate_key("P-256").as_pem(private=False).decode(),
        ECKey.generate_key("secp256k1").as_pem(private=True).decode(),
        OctKey.generate_key(256).as_dict()["k"],
    ],
    ids=["no key", "only public", "another curve", "a shared secret"],
)
def test_a_key_that_netsuite_does_not_take_is_refused_without_showing_it(key: object) -> None:
    with pytest.raises(ConfigurationError) as refused:
        _signing_key(options_of(connection(private_key=str(key))))
    assert str(key) not in str(refused.value)
