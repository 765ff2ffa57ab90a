"""Build the adapter of a credential: the only place where its secret is decrypted."""

from django.core.exceptions import ImproperlyConfigured

from gateway.providers import registry
from gateway.providers.base import Adapter
from gateway.providers.registry import BUILT_IN
from gateway.upstreams.environment import timeouts, variable
from gateway.upstreams.pool import PooledCredential
from infra import secret_box


def built(credential: PooledCredential) -> Adapter:
    """Build the adapter.

    Raises ImproperlyConfigured, SecretUnreadable, ValueError, OSError.
    """
    secret = ""
    if credential.sealed is not None:
        secret = secret_box.unseal(credential.sealed, owner=credential.id)
    if (built_in := BUILT_IN.get(credential.provider)) is not None:
        if credential.sealed is None:
            secret = built_in.read_secret(variable)
        settings = built_in.complete(dict(credential.settings), variable)
        return built_in.build(secret, settings, timeouts())
    if credential.server is None:
        raise ImproperlyConfigured(f"There is no provider {credential.provider}.")
    return registry.server(
        credential.provider,
        base_url=credential.server.base_url,
        api_key=secret or None,
        ca_bundle_file=credential.server.ca_bundle_file,
        timeouts=timeouts(),
    )
