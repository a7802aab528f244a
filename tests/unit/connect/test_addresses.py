"""The hub speaks to no address that gives away secrets of its host or its cloud, however it is written."""

import pytest

from tieout.connect.addresses import Reach, refusal

CLOUD = ["169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "fe80::1", "fe80::1%eth0"]
NOBODY = ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1"]  # noqa: S104 - addresses that are refused
INSIDE = ["127.0.0.1", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "fd12::1", "100.64.0.1", "192.0.2.1"]
INTERNET = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]


@pytest.mark.parametrize("address", CLOUD + NOBODY)
@pytest.mark.parametrize("reach", Reach)
def test_clouds_credentials_and_addresses_of_no_host_are_never_reached(address: str, reach: Reach) -> None:
    assert refusal(address, reach) is not None


@pytest.mark.parametrize("address", INSIDE)
def test_the_firms_own_network_is_reached_for_what_the_firm_configured_only(address: str) -> None:
    assert refusal(address, Reach.CONFIGURED) is None
    assert refusal(address, Reach.PUBLIC) == f"{address} is no address of the internet"


@pytest.mark.parametrize("address", INTERNET)
@pytest.mark.parametrize("reach", Reach)
def test_the_internet_is_reached(address: str, reach: Reach) -> None:
    assert refusal(address, reach) is None


@pytest.mark.parametrize(
    "address",
    ["::ffff:169.254.169.254", "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe", "::ffff:127.0.0.1", "64:ff9b::a00:1"],
)
def test_an_address_in_the_coat_of_another_kind_is_judged_by_what_it_means(address: str) -> None:
    assert refusal(address, Reach.PUBLIC) is not None


def test_a_name_is_no_address() -> None:
    assert refusal("localhost", Reach.CONFIGURED) == "localhost is no address"
