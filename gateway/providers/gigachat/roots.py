"""Russia's national root certificate, which Sber's hosts are signed by, trusted for them alone.

Source: https://www.gosuslugi.ru/crt; SHA-256 of the certificate D2:6D:2D:02:31:B7:C3:9F:92:CC:73:85:12:BA:
54:10:35:19:E4:40:5D:68:B5:BD:70:3E:97:88:CA:8E:CF:31, valid until 27 February 2032.
"""

import pathlib
from collections.abc import Sequence
from urllib.parse import urlsplit

NATIONAL_ROOT = pathlib.Path(__file__).parent / "russian_trusted_root_ca.pem"
HOSTS_OF_SBER = ("sberbank.ru", "sber.ru", "giga.chat", "sberdevices.ru")


def extra_roots(url: str) -> Sequence[pathlib.Path]:
    """Return the files of roots to trust at an address beside the usual ones."""
    host = urlsplit(url).hostname or ""
    is_of_sber = any(host == name or host.endswith(f".{name}") for name in HOSTS_OF_SBER)
    return (NATIONAL_ROOT,) if is_of_sber else ()
