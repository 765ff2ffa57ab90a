"""Which certificates a connection to a provider trusts."""

import os
import pathlib
import ssl
from collections.abc import Sequence

import certifi

OPENSSL_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def client_context(
    ca_bundle_file: str | None = None, *, extra_roots: Sequence[pathlib.Path] = ()
) -> ssl.SSLContext:
    """Return the settings of a connection that speaks HTTP/1.1.

    A bundle of the operator's is all that is trusted. Without one the system's roots are, or those that
    SSL_CERT_FILE and SSL_CERT_DIR name; certifi's beside them where these are unset, for images without
    roots of their own; and `extra_roots`. Raises OSError where a file cannot be read.
    """
    if ca_bundle_file:
        context = ssl.create_default_context(cafile=ca_bundle_file)
    else:
        context = ssl.create_default_context()
        if not any(os.environ.get(name) for name in OPENSSL_VARIABLES):
            context.load_verify_locations(certifi.where())
        for path in extra_roots:
            context.load_verify_locations(path)
    context.set_alpn_protocols(["http/1.1"])
    return context
