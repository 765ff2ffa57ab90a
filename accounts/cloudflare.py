"""The networks that Cloudflare's servers ask from, as Cloudflare publishes them.

Source: https://www.cloudflare.com/ips-v4 and https://www.cloudflare.com/ips-v6, in force since
28 September 2023, compared in November 2026.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPV4_NETWORKS = tuple(
    map(
        IPv4Network,
        (
            *("173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22"),
            *("141.101.64.0/18", "108.162.192.0/18", "190.93.240.0/20", "188.114.96.0/20"),
            *("197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13"),
            *("104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22"),
        ),
    )
)
IPV6_NETWORKS = tuple(
    map(
        IPv6Network,
        (
            *("2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32"),
            *("2405:8100::/32", "2a06:98c0::/29", "2c0f:f248::/32"),
        ),
    )
)


def is_cloudflare(address: IPv4Address | IPv6Address) -> bool:
    """Say whether an address, not an IPv4-mapped one, is of Cloudflare's servers."""
    if isinstance(address, IPv4Address):
        return any(address in network for network in IPV4_NETWORKS)
    return any(address in network for network in IPV6_NETWORKS)
