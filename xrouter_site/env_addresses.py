"""Readers of addresses in the environment: origins, networks, databases, stores, mail servers."""

import ipaddress
import os
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES

from xrouter_site import env

POSTGRESQL_NAME_CHARS = 63
SOCKET_PATH_BYTES = 107
SQLITE_HEAD = b"SQLite format 3\0"
POSTGRESQL_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
SYSTEM_ROOTS = ("sslrootcert", "system")
REDIS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
NO_FOLDER = "/dev/null/of-no-socket"

_LABEL = re.compile(r"\w(?:[\w-]*\w)?")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def hosts(name: str) -> list[str]:
    """Return host names, as Django's ALLOWED_HOSTS has them."""
    found = env.words(name)
    if not all(host == "*" or _is_allowed(host.removeprefix(".")) for host in found):
        env.refuse(name, "write host names without scheme, port and path, such as api.example.ru.")
    return found


def origins(name: str, default: str = "", *, wildcard: str) -> list[str]:
    """Return origins, each a scheme and a host.

    The wildcard is `*` for any of them, or `*.` before a host for those below it.
    """
    found = env.words(name, default)
    for each in found:
        if each == wildcard == "*":
            continue
        parts = _split(each.replace("://*.", "://", 1) if wildcard == "*." else each)
        is_bare = parts is not None and not (parts.path or parts.query or parts.fragment)
        if not is_bare or not each.isascii():
            env.refuse(name, "write origins such as https://api.example.ru, without a path.")
    return found


def networks(name: str, default: str = "") -> list[Network]:
    """Return a list of CIDR networks."""
    try:
        return [ipaddress.ip_network(part, strict=False) for part in env.words(name, default)]
    except ValueError:
        env.refuse(name, "write networks such as 10.0.0.0/8, comma separated.")


def origin(name: str, default: str) -> str:
    """Return an http(s) address of scheme and host alone."""
    value = env.text(name, default).rstrip("/")
    parts = _split(value)
    if parts is None or parts.path or parts.query or parts.fragment or not value.isascii():
        env.refuse(
            name,
            "write scheme and host without a path, such as https://api.example.ru;"
            " a Cyrillic host in its form of xn--.",
        )
    return value


def mail_domain(host: str) -> str:
    """Return a host as it stands behind the @ of an address: RFC 5321 has brackets around an IP address."""
    found = _ip_address(host)
    if found is None:
        return host
    return f"[IPv6:{found}]" if found.version == 6 else f"[{found}]"


def address(name: str, default: str = "", *, ending: str = "", is_base: bool = False) -> str:
    """Return an http(s) address without a trailing slash, which ends as it must; or none.

    One that `is_base` has paths appended, so nothing may stand behind its own.
    """
    value = env.text(name, default).rstrip("/")
    if value and _split(value) is None:
        env.refuse(name, "write an address such as https://host/path.")
    if is_base and ("?" in value or "#" in value):
        env.refuse(name, "write an address such as https://host/path, without ? and #.")
    if not value.endswith(ending):
        env.refuse(name, f"write an address that ends in {ending}.")
    return value


def listener(name: str, port: int) -> str:
    """Return what gunicorn binds to, from an address, `address:port` or `unix:/path`."""
    value = env.text(name, "0.0.0.0")  # noqa: S104 -- containers need it
    if value.startswith("unix:"):
        path = pathlib.Path(value.removeprefix("unix:"))
        if not path.is_absolute() or len(os.fsencode(path)) > SOCKET_PATH_BYTES:
            env.refuse(
                name,
                f"write the socket's whole path, {SOCKET_PATH_BYTES} bytes at most,"
                " such as unix:/run/xrouter.sock.",
            )
        if not path.parent.is_dir() or (path.exists() and not path.is_socket()):
            env.refuse(name, "name a socket, or nothing yet, in a folder that there is.")
        return value
    try:
        if (found := _ip_address(value)) is not None:
            return f"[{found}]:{port}" if found.version == 6 else f"{found}:{port}"
        parts = urlsplit(f"//{value}")
        host = parts.hostname or ""
        is_right = value.isascii() and _is_host(host) and not parts.path and "@" not in value
        if is_right and parts.port != 0:
            return f"{f'[{host}]' if ':' in host else host}:{parts.port or port}"
    except ValueError:
        pass
    env.refuse(name, "write an address, address:port or unix:/path, such as 127.0.0.1:8000.")


def database(name: str, default: str) -> dict[str, Any]:
    """Return Django's settings of the database that a URL names; SQLite's folder is made."""
    value = env.text(name, default)
    remedy = "write postgres://user:password@host:port/name or sqlite:///path."
    if not value.startswith(("postgres://", "postgresql://", "sqlite:///")):
        env.refuse(name, remedy)
    try:
        found: dict[str, Any] = dict(environ.Env.db_url_config(value))
        parts = urlsplit(value)
        is_place = parts.port != 0 and all(map(_is_database_host, str(found["HOST"]).split(",")))
    except (ValueError, KeyError, ImproperlyConfigured):
        env.refuse(name, remedy)
    if not is_place or not found["NAME"] or found["NAME"] == ":memory:":
        env.refuse(name, remedy)
    if value.startswith("postgres"):
        if len(found["NAME"]) > POSTGRESQL_NAME_CHARS:
            env.refuse(name, f"a database's name has {POSTGRESQL_NAME_CHARS} characters at most.")
        options = {key: each[0] for key, each in parse_qs(parts.query).items()}
        if fault := _fault_of_options(options) or _unreadable(options, POSTGRESQL_FILES):
            env.refuse(name, f"correct what stands behind the question mark: {fault}.")
    elif parts.query:
        env.refuse(name, "write sqlite:///path without options.")
    else:
        file = pathlib.Path(str(found["NAME"]))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            is_usable = os.access(file.parent, os.W_OK) and _is_sqlite(file)
        except OSError:
            is_usable = False
        if not is_usable:
            env.refuse(
                name,
                f"{file} cannot be made or is no SQLite database:"
                " name a file in a folder that can be written to.",
            )
    return found


def replica(name: str, *, has_primary: bool) -> dict[str, Any]:
    """Return Django's settings of a replica of the database, or none; only PostgreSQL has one."""
    value = env.text(name)
    if not value:
        return {}
    if not has_primary:
        env.refuse(name, "leave it out, or name in DATABASE_URL the PostgreSQL that it copies.")
    if not value.startswith(("postgres://", "postgresql://")):
        env.refuse(name, "write postgres://user:password@host:port/name.")
    return database(name, value)


def redis_url(name: str) -> str:
    """Return the URL of a Redis; or none. Redis's own client judges it."""
    value = env.text(name)
    if value:
        from redis import Redis, RedisError  # long to load, and only needed here

        try:
            pool = Redis.from_url(value).connection_pool
            pool.make_connection()  # it is not connected yet
            parts = urlsplit(value)
            is_place = bool(parts.path) if parts.scheme == "unix" else _is_redis(parts)
            is_right = is_place and pool.connection_kwargs.get("db", 0) >= 0
            fault = _unreadable(pool.connection_kwargs, REDIS_FILES)
        except (ValueError, TypeError, RedisError):
            is_right, fault = False, ""
        if fault:
            env.refuse(name, f"correct what stands behind the question mark: {fault}.")
        if not is_right:
            env.refuse(name, "write a URL with its scheme, such as redis://host:6379/0.")
    return value


def broker_url(name: str, redis: str) -> str:
    """Return the URL of Celery's broker, by default the Redis; or none. Celery's own client judges it."""
    value = env.text(name, redis.replace("unix:", "redis+socket:", 1))
    if value and not all(map(_is_broker, value.split(";"))):
        why = "" if env.text(name) else "Celery cannot use REDIS_URL as it stands; "
        env.refuse(name, f"{why}write a URL with its scheme, such as redis://host:6379/0.")
    return value


def mail(name: str) -> dict[str, Any]:
    """Return Django's settings of the mail server that a URL names; none when it is unset."""
    value = env.text(name)
    if not value:
        return {}
    remedy = (
        "write smtp://user:password@host:port, or so with smtp+tls:// (STARTTLS) or smtp+ssl://."
    )
    if not value.startswith(("smtp://", "smtp+tls://", "smtp+ssl://")):
        env.refuse(name, remedy)
    try:
        parts = urlsplit(value)
        is_server = _is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        env.refuse(name, remedy)
    if not is_server or parts.path not in {"", "/"} or parts.query or parts.fragment:
        env.refuse(name, remedy)
    return {
        **environ.Env.email_url_config(value),
        "EMAIL_BACKEND": "xrouter_site.smtp_mail.CountingBackend",
    }


def _is_sqlite(file: pathlib.Path) -> bool:
    """Say whether this is a database, or will be one. Raises OSError, also for a folder."""
    if not file.exists():
        return True
    with file.open("rb") as opened:
        return opened.read(len(SQLITE_HEAD)) in {b"", SQLITE_HEAD}


def _is_database_host(host: str) -> bool:
    """Say whether this is a host, a socket's folder, or left to libpq."""
    return not host or host.startswith("/") or _is_host(host)


def _fault_of_options(options: dict[str, str]) -> str:
    """Return what libpq has against options of a connection; it gets as far as a socket that is not there."""
    from psycopg import ProgrammingError, pq  # long to load, and SQLite does without
    from psycopg.conninfo import make_conninfo

    try:
        where = make_conninfo(**options | {"host": NO_FOLDER, "hostaddr": ""})
    except ProgrammingError as error:
        return str(error).strip()
    attempt = pq.PGconn.connect_start(where.encode())
    message = attempt.error_message.decode().strip()
    is_taken = attempt.status != pq.ConnStatus.BAD or NO_FOLDER in message
    attempt.finish()
    return "" if is_taken else message.partition("\n")[0]


def _unreadable(options: Mapping[str, str], names: Iterable[str]) -> str:
    """Return which of the files that options name cannot be read, or nothing."""
    for name in names:
        file = options.get(name)
        if file and not env.is_file(file) and (name, file) != SYSTEM_ROOTS:
            return f"{name} names no file that can be read"
    return ""


def has_host(url: str) -> bool:
    """Say whether a URL names a host, and a port that there may be."""
    try:
        parts = urlsplit(url)
        return _is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        return False


def _split(value: str) -> SplitResult | None:
    """Return the parts of an http(s) address without user and password; None for anything else."""
    try:
        parts = urlsplit(value)
        is_right = (
            parts.scheme in {"http", "https"}
            and _is_host(parts.hostname or "")
            and parts.port != 0
            and "@" not in parts.netloc
            and value.isprintable()
            and " " not in value
        )
    except ValueError:
        return None
    return parts if is_right else None


def _is_allowed(host: str) -> bool:
    """Say whether Django may find this in a Host header: an IPv6 address stands in brackets there."""
    if ":" in host:
        return host.startswith("[") and host.endswith("]") and _is_host(host[1:-1])
    return host.isascii() and "_" not in host and _is_host(host)


def _is_redis(parts: SplitResult) -> bool:
    """Say whether these are a host, and the number of a database or none."""
    path = parts.path.removeprefix("/")
    return _is_host(parts.hostname or "") and parts.port != 0 and (not path or path.isdigit())


def _is_broker(url: str) -> bool:
    try:
        Connection(url)
        parts = urlsplit(url)
        if parts.scheme in {"redis", "rediss"}:
            return _is_redis(parts)
        is_known = parts.scheme in {*TRANSPORT_ALIASES, "redis+socket"}
        return is_known and "//" in url and parts.port != 0
    except (ValueError, TypeError, KeyError, ImportError):
        return False


def _is_host(value: str) -> bool:
    """Say whether this is an IP address, or may be the name of a host."""
    labels = value.split(".")
    is_name = all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return is_name or _ip_address(value) is not None


def _ip_address(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        return None
