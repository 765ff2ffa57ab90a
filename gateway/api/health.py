"""GET /health: can this process serve? The database decides; the other parts are told."""

import logging

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from psycopg_pool import PoolTimeout

logger = logging.getLogger(__name__)

REDIS_TIMEOUT_S = 0.5


def health(request: HttpRequest) -> JsonResponse:
    """Answer 200, or 503 while the database is away: `{"status", "parts": {"database", "redis"}}`."""
    parts = {"database": _database(), "redis": _redis()}
    is_ready = parts["database"] == "ok"
    document = {"status": "ok" if is_ready else "unavailable", "parts": parts}
    return JsonResponse(document, status=200 if is_ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, PoolTimeout) as error:
        logger.warning("The database is away: %s", error)
        return "away"
    return "ok"


def _redis() -> str:
    """Return `embedded` where no Redis is configured: limits are kept in this process then."""
    if not settings.REDIS_URL:
        return "embedded"
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        socket_timeout=REDIS_TIMEOUT_S,
    )
    try:
        client.ping()
    except redis.RedisError as error:
        logger.warning("Redis is away: %s", error)
        return "away"
    finally:
        client.close()
    return "ok"
