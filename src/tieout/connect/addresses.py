"""Which addresses the hub may speak to: it must not be made to ask its own host or its cloud for secrets. Pure.

``http`` asks about the address that a connection was really made to, before a byte of the request leaves, so that a
name that resolves to something else a moment later gains nothing. Neighbour: whoever takes an address from outside the
firm directory (subscriptions of the API) asks for ``Reach.PUBLIC``.
"""

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address


class Reach(StrEnum):
    """How far a connection may reach.

    ``public``: addresses of the internet only. ``configured``: also the firm's own networks and this host, for systems
    that an applied firm directory names; never where clouds hand out credentials, nor addresses of no single host.
    """

    PUBLIC = "public"
    CONFIGURED = "configured"


_METADATA: Final = frozenset(
    ip_address(one) for one in ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")
)
"""Where clouds hand out credentials of the machine to whoever asks from it."""
_NAT64: Final = ip_network("64:ff9b::/96")


def refusal(text: str, reach: Reach) -> str | None:
    """Why the address ``text`` must not be spoken to; None where it may."""
    try:
        address = _unwrapped(ip_address(text.partition("%")[0]))
    except ValueError:
        return f"{text} is no address"
    if address in _METADATA or address.is_link_local:
        return f"{text} is where a cloud hands out credentials"
    if address.is_unspecified or address.is_multicast or (address.is_reserved and not address.is_loopback):
        return f"{text} is the address of no single host"
    if reach is Reach.PUBLIC and not address.is_global:
        return f"{text} is no address of the internet"
    return None


def _unwrapped(address: Address) -> Address:
    """The address that is meant where an IPv6 address carries an IPv4 one (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address.teredo is not None:
        inner = address.teredo[1]
    return address if inner is None else inner
