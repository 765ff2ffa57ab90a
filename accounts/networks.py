"""What counts as one network of callers: an IPv4 /24 or an IPv6 /48."""

from ipaddress import ip_network

from accounts.client_address import Address, Network

NETWORK_BITS = {4: 24, 6: 48}
OWN: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7")
)
"""Loopback and private networks: whoever is seen there is a neighbour or an unnamed proxy."""


def network_of(address: Address | None) -> str:
    """Return the network of an address; an empty text where it is unknown or one of our own."""
    if address is None or any(address in network for network in OWN):
        return ""
    return str(ip_network((address, NETWORK_BITS[address.version]), strict=False))


def sender_of(address: Address | None) -> str:
    """Return the network by which attempts are counted; in a network of our own, the address itself."""
    return network_of(address) or ("unknown" if address is None else str(address))
