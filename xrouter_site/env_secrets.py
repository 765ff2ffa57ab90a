"""Readers of secrets and of the files that hold them: what is refused is never shown."""

import base64
import contextlib
import json
import os
import pathlib
import re
import secrets
import ssl

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.core.exceptions import ImproperlyConfigured

from infra.secret_box import DERIVED_KEY_ID, KEY_BYTES
from xrouter_site import env, env_addresses

LEAST_SECRET_CHARS = 32
MADE = "python -c 'import secrets; print(secrets.token_urlsafe(50))' makes one."
PUBLISHED_SECRETS = ("django-insecure-", "of-a-local-run-alone-")

_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,50}")
_SENTRY_DSN = re.compile(r"https?://[^\s/@:]+(?::[^\s/@]+)?@[^\s/@]+/(?:[^\s/]+/)*\d{1,20}")
_CREDENTIAL = re.compile(r"[\x21-\x7e]+")


def secret_key(name: str, *, is_public: bool) -> str:
    """Return Django's secret, which a public service must have, and nobody may guess; or none."""
    value = env.text(name)
    if is_public and not value:
        env.refuse(name, f"a service over https needs one; {MADE}")
    if is_public and (why := _guessable(value)):
        env.refuse(name, f"{why}; {MADE}", is_secret=True)
    return value


def earlier_secret_keys(name: str, *, is_public: bool) -> list[str]:
    """Return earlier secrets, which a public service goes on believing: nobody may guess them either."""
    values = env.words(name)
    for value in values if is_public else ():
        if why := _guessable(value):
            env.refuse(name, f"{why}, in one of them; leave that one out.", is_secret=True)
    return values


def credential(name: str) -> str:
    """Return a secret that travels in a header: printable, without blanks; or none."""
    value = env.text(name)
    if value and not _CREDENTIAL.fullmatch(value):
        env.refuse(
            name, "write the secret alone, in printable ASCII without blanks.", is_secret=True
        )
    return value


def sentry_dsn(name: str) -> str:
    """Return the address of a Sentry project, which bears a key; or none."""
    value = env.text(name)
    if value and not (_SENTRY_DSN.fullmatch(value) and env_addresses.has_host(value)):
        env.refuse(name, "write https://key@host/number, as the project's page shows it.")
    return value


def master_keys(name: str) -> dict[str, bytes]:
    """Return AES-256 keys by id from a comma separated list of `id:base64`, in its order."""
    keys: dict[str, bytes] = {}
    for word in env.words(name):
        key_id, _, encoded = word.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not _KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES or key_id in keys:
            remedy = "write id:base64 of 32 random bytes, comma separated, each id once."
            env.refuse(name, remedy, is_secret=True)
        if key_id == DERIVED_KEY_ID:
            env.refuse(name, f"the id {DERIVED_KEY_ID} is the service's own.", is_secret=True)
        keys[key_id] = key
    return keys


def ca_bundle(name: str) -> str:
    """Return the path of a PEM file with certificates; or none."""
    value = env.text(name)
    if value:
        try:
            ssl.create_default_context(cafile=value)
        except (OSError, ValueError):  # SSLError is an OSError
            env.refuse(name, "write the path of a PEM file with certificates that can be read.")
    return value


def service_account_key(name: str) -> str:
    """Return the path of a JSON file that has a service account's private key; or none."""
    value = env.text(name)
    if value:
        try:
            document = json.loads(pathlib.Path(value).read_text())
            pem = str(document["private_key"]).encode()
            is_right = isinstance(load_pem_private_key(pem, password=None), RSAPrivateKey)
            is_right = is_right and {"id", "service_account_id"} <= document.keys()
        except (OSError, ValueError, TypeError, KeyError, RecursionError, UnsupportedAlgorithm):
            is_right = False
        if not is_right:
            env.refuse(
                name,
                "write the path of a JSON file that has id, service_account_id and a"
                " private_key in PEM, as `yc iam key create` writes it.",
            )
    return value


def _guessable(value: str) -> str:
    """Return why a secret can be guessed, or nothing."""
    if len(value) < LEAST_SECRET_CHARS:
        return f"it needs {LEAST_SECRET_CHARS} characters"
    if len(set(value)) == 1:
        return "it is one character repeated"
    if value.startswith(PUBLISHED_SECRETS):
        return "everybody can read it in published code"
    return ""


def secret_beside(path: pathlib.Path) -> str:
    """Return the secret kept in `path`, made at the first call and readable by the owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(50))
        value = path.read_text().strip()
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"SECRET_KEY is unset: set it, for none can be kept in {path}: {error}"
        ) from None
    if not value:
        raise ImproperlyConfigured(f"{path} is empty: delete it, and a new secret is made.")
    return value
