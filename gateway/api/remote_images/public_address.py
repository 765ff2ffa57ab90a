"""Which addresses on the network are public: what is not may be ours, and is never connected to.

Source: https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry, which `is_global` of old Pythons is behind.
"""

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

_V4_REFUSED = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved, broadcast
        ),
    )
)
_V6_UNICAST = IPv6Network("2000::/3")
"""All that is routed; mapped, translated, local and multicast addresses lie outside."""
_V6_REFUSED = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # Teredo, ORCHID and other protocols
            "2001:db8::/32",
            "2002::/16",  # 6to4, which bears an IPv4 address
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)


def public_address(text: str) -> str | None:
    """Return the address in its usual form where it is public, else None."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return str(address) if _is_public(address) else None


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _V4_REFUSED)
    if address.ipv4_mapped is not None or address.scope_id is not None:
        return False
    return (
        address.is_global
        and address in _V6_UNICAST
        and not any(address in network for network in _V6_REFUSED)
    )
