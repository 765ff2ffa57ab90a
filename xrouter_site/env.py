"""Typed readers of the environment: a value that cannot be read stops the start and names its variable."""

import base64
import ipaddress
import os
import pathlib
import re
import secrets
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from billing.pricing import percent_of
from gateway.secret_box import DERIVED_KEY_ID, KEY_BYTES

_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,50}")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def text(name: str, default: str = "") -> str:
    """Return the variable without surrounding blanks; an empty one counts as unset."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool = False) -> bool:
    """Return a yes or no, written as 1/0, true/false, yes/no, on/off."""
    value = text(name).lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}: write true or false.")


def whole(name: str, default: int, *, minimum: int = 1) -> int:
    """Return a whole number that is `minimum` or more."""
    value = text(name)
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or int(value) < minimum:
        raise ImproperlyConfigured(f"{name} is {value!r}: write a whole number from {minimum} up.")
    return int(value)


def seconds(name: str, default: float) -> float:
    """Return a positive number of seconds."""
    value = text(name)
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ImproperlyConfigured(f"{name} is {value!r}: write a positive number of seconds.")
    return number


def percentage(name: str) -> Decimal:
    """Return a percentage from 0 up, exactly; 0 when the variable is unset."""
    try:
        return percent_of(text(name, "0"))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def optional_whole(name: str) -> int | None:
    """Return a positive whole number, or None when the variable is unset."""
    return whole(name, 0) or None


def words(name: str, default: str = "") -> list[str]:
    """Return the parts of a comma separated list."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def networks(name: str, default: str = "") -> list[Network]:
    """Return a list of CIDR networks."""
    try:
        return [ipaddress.ip_network(part, strict=False) for part in words(name, default)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}. Write networks such as 10.0.0.0/8.") from None


def origin(name: str, default: str) -> str:
    """Return an http(s) address without a trailing slash."""
    value = text(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ImproperlyConfigured(f"{name} is {value!r}: write an address such as https://host.")
    return value


def database(name: str, default: str) -> dict[str, Any]:
    """Return Django's settings of the database that a URL names."""
    value = text(name, default)
    if not value.startswith(("postgres://", "postgresql://", "sqlite:///")):
        raise ImproperlyConfigured(f"{name} must begin with postgres:// or sqlite:///.")
    return dict(environ.Env.db_url_config(value))


def mail(name: str) -> dict[str, Any]:
    """Return Django's settings of the mail server that a URL names; none when it is unset."""
    value = text(name)
    if not value:
        return {}
    if not value.startswith(("smtp://", "smtp+tls://", "smtp+ssl://")):
        raise ImproperlyConfigured(
            f"{name} must begin with smtp://, smtp+tls:// (STARTTLS) or smtp+ssl://."
        )
    return dict(environ.Env.email_url_config(value))


def master_keys(name: str) -> dict[str, bytes]:
    """Return AES-256 keys by id from a comma separated list of `id:base64`, in its order."""
    keys: dict[str, bytes] = {}
    for word in words(name):
        key_id, _, encoded = word.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        # The value is never quoted: it is a secret.
        if not _KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES or key_id in keys:
            raise ImproperlyConfigured(
                f"{name}: write id:base64 of 32 random bytes, comma separated, each id once."
            )
        if key_id == DERIVED_KEY_ID:
            raise ImproperlyConfigured(f"{name}: the id {DERIVED_KEY_ID} is the service's own.")
        keys[key_id] = key
    return keys


def secret_beside(path: pathlib.Path) -> str:
    """Return the secret kept in `path`, made at the first call and readable by the owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    value = path.read_text().strip()
    if not value:
        raise ImproperlyConfigured(f"{path} is empty: delete it, and a new secret is made.")
    return value
