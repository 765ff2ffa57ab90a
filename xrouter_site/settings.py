"""Every setting of the service, read from the environment once. .env.example says what each means."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF

from xrouter_site import env, env_addresses, env_secrets, env_traces, error_reports
from xrouter_site.oauth_settings import *  # noqa: F403 -- a part of this file, which is long
from xrouter_site.oauth_settings import OAUTH2_PROVIDER
from xrouter_site.payment_settings import *  # noqa: F403 -- another
from xrouter_site.sign_in_settings import *  # noqa: F403 -- another

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

# Where people reach the service
PORT = env.whole("PORT", 8000, maximum=65_535)
BIND = env_addresses.listener("BIND", PORT)
PUBLIC_URL = env_addresses.origin("PUBLIC_URL", f"http://localhost:{PORT}")
IS_HTTPS = PUBLIC_URL.startswith("https://")
DEBUG = env.flag("DEBUG")
if DEBUG and IS_HTTPS:
    env.refuse("DEBUG", "it shows secrets to strangers; unset it where PUBLIC_URL is https.")
PUBLIC_HOST = str(urlsplit(PUBLIC_URL).hostname)
if "_" in PUBLIC_HOST:
    env.refuse("PUBLIC_URL", "name a host without underscores: Django answers none that has them.")
ALLOWED_HOSTS = env_addresses.hosts("ALLOWED_HOSTS") or [
    f"[{PUBLIC_HOST}]" if ":" in PUBLIC_HOST else PUBLIC_HOST,
    "localhost",
    "127.0.0.1",
    "[::1]",
]
CSRF_TRUSTED_ORIGINS = env_addresses.origins("CSRF_TRUSTED_ORIGINS", wildcard="*.") or [PUBLIC_URL]
CORS_ALLOWED_ORIGINS = env_addresses.origins("CORS_ALLOWED_ORIGINS", "*", wildcard="*")
TRUSTED_PROXIES = env_addresses.networks("TRUSTED_PROXIES")
CLOUDFLARE = env.flag("CLOUDFLARE")

# Stores
DATABASES: dict[str, dict[str, Any]] = {
    "default": env_addresses.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'xrouter.sqlite3'}")
}
IS_POSTGRES = DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"
PGBOUNCER = env.flag("PGBOUNCER")
if DATABASE_REPLICA := env_addresses.replica("DATABASE_REPLICA_URL", has_primary=IS_POSTGRES):
    DATABASES["replica"] = DATABASE_REPLICA  # what is read there: see infra/replica.py
    DATABASE_ROUTERS = ["infra.replica.Router"]
if IS_POSTGRES:
    for _alias, _database in DATABASES.items():
        _database |= {
            "ENGINE": "infra.postgresql",
            "CONN_MAX_AGE": 0,
            "DISABLE_SERVER_SIDE_CURSORS": PGBOUNCER,
            "OPTIONS": _database.get("OPTIONS", {})
            | {
                "pool": {
                    "min_size": 4 if _alias == "default" else 0,
                    "max_size": 16,
                    "timeout": 2,
                    "reconnect_timeout": 3,
                },
                "connect_timeout": 3,
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": 5000,
                "session": {
                    "statement_timeout": "5s",
                    "lock_timeout": "2s",
                    "idle_in_transaction_session_timeout": "10s",
                },
            },
        }
else:
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DATABASE_PREPARED_STATEMENTS = env.flag("DATABASE_PREPARED_STATEMENTS", default=not PGBOUNCER)
REDIS_URL = env_addresses.redis_url("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "infra.fallback_cache.FallbackRedisCache",
        "LOCATION": REDIS_URL,
    }
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},  # counts of attempts live here; the default is 300
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Secrets
SECRET_KEY = env_secrets.secret_key("SECRET_KEY", is_public=IS_HTTPS) or env_secrets.secret_beside(
    VAR_DIR / "secret_key"
    if IS_POSTGRES
    else Path(str(DATABASES["default"]["NAME"])).with_suffix(".secret_key")
)
SECRET_KEY_FALLBACKS = env_secrets.earlier_secret_keys("SECRET_KEY_FALLBACKS", is_public=IS_HTTPS)
CREDENTIALS_KEYS = env_secrets.master_keys("CREDENTIALS_KEYS")

# Applications
INSTALLED_APPS = [
    "accounts.admin_app.OperatorDesk",
    "django.contrib.auth",
    "django.forms",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "oauth2_provider",
    "csp",
    "rest_framework",
    "infra",
    "accounts",
    "billing",
    "gateway",
    "web",
]
# The /v1 paths pass but two of them, the first and SecurityMiddleware: see wsgi.py.
MIDDLEWARE = [
    "xrouter_site.middleware.RequestIDMiddleware",
    "xrouter_site.page_headers.PageHeadersMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "xrouter_site.whole_form.WholeFormMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.audit.acting.ActingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.signin.session_list.LastSeenMiddleware",
    "xrouter_site.not_allowed.NotAllowedPageMiddleware",
]
ROOT_URLCONF = "xrouter_site.urls"
WSGI_APPLICATION = "xrouter_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "xrouter_site.context.site",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # widgets of the admin are ours too
AUTH_USER_MODEL = "accounts.User"
REST_FRAMEWORK = {
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
}

# OAuth: see oauth_settings.py
OAUTH2_PROVIDER |= {"OIDC_ISS_ENDPOINT": PUBLIC_URL}

# Language and time
LANGUAGE_CODE = "ru"
LANGUAGES = [("ru", "Русский"), ("en", "English")]
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = IS_HTTPS
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["xrouter_site.formats"]
TIME_ZONE = "Europe/Moscow"
USE_TZ = True

# Static files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# Transport security
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_SSL_HOST = urlsplit(PUBLIC_URL).netloc
SECURE_REDIRECT_EXEMPT = [r"^health(/|$)", r"^metrics/?$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
# wsgi.py drops the header unless a trusted proxy sent it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_ENGINE = "accounts.signin.session_store"
SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_SECURE = IS_HTTPS
if IS_HTTPS:  # the prefix makes browsers refuse such a cookie from a neighbouring host or over http
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    LANGUAGE_COOKIE_NAME = "__Host-language"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# W021: a place on the browsers' own lists binds all of a domain; it is the domain owner's to ask for.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "worker-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# People who run the service, as its pages and mails name them
OPERATOR_NAME = env.text("OPERATOR_NAME")
SUPPORT_EMAIL = env.email("SUPPORT_EMAIL")
SUPPORT_TELEGRAM = env_addresses.address("SUPPORT_TELEGRAM")
SUPPORT_ISSUES_URL = env_addresses.address("SUPPORT_ISSUES_URL")
ALERT_EMAIL = env.email("ALERT_EMAIL")

# Requests
DATA_UPLOAD_MAX_MEMORY_SIZE = env.whole("REQUEST_MAX_BYTES", 20 * 1024 * 1024)
FREE_CONCURRENCY = env.whole("FREE_CONCURRENCY", 20)
PAID_CONCURRENCY = env.whole("PAID_CONCURRENCY", 500)
FREE_TIER = env.flag("FREE_TIER", default=True)
SIGN_UPS_A_DAY = env.whole("SIGN_UPS_A_DAY", 50)
CREDENTIAL_CACHE_MAX = env.whole("CREDENTIAL_CACHE_MAX", 100_000)
WEB_CONCURRENCY = env.whole("WEB_CONCURRENCY", 1)
if WEB_CONCURRENCY > 1 and not REDIS_URL:
    env.refuse(
        "WEB_CONCURRENCY", "more than one worker needs REDIS_URL, where they count together."
    )
WORKER_CAPACITY = env.whole("WORKER_CAPACITY", 1000 if IS_POSTGRES else 128)

# Providers
SANDBOX = env.flag("SANDBOX")
GIGACHAT_CREDENTIALS = env_secrets.credential("GIGACHAT_CREDENTIALS")
GIGACHAT_SCOPE = env.choice(
    "GIGACHAT_SCOPE",
    "GIGACHAT_API_PERS",
    ("GIGACHAT_API_PERS", "GIGACHAT_API_B2B", "GIGACHAT_API_CORP"),
)
GIGACHAT_AUTH_URL = env_addresses.address(
    "GIGACHAT_AUTH_URL", "https://ngw.devices.sberbank.ru:9443/api/v2/oauth"
)
GIGACHAT_BASE_URL = env_addresses.address(
    "GIGACHAT_BASE_URL", "https://api.giga.chat/v1", is_base=True
)
GIGACHAT_CHAT_FORM = env.choice("GIGACHAT_CHAT_FORM", "AUTO", ("AUTO", "V1", "V2"))
GIGACHAT_CA_BUNDLE_FILE = env_secrets.ca_bundle("GIGACHAT_CA_BUNDLE_FILE")
GIGACHAT_CONCURRENCY = env.optional_whole("GIGACHAT_CONCURRENCY")
YANDEX_API_KEY = env_secrets.credential("YANDEX_API_KEY")
YANDEX_SERVICE_ACCOUNT_KEY_FILE = env_secrets.service_account_key("YANDEX_SERVICE_ACCOUNT_KEY_FILE")
YANDEX_FOLDER_ID = env.identifier("YANDEX_FOLDER_ID")
if (YANDEX_API_KEY or YANDEX_SERVICE_ACCOUNT_KEY_FILE) and not YANDEX_FOLDER_ID:
    env.refuse("YANDEX_FOLDER_ID", "a Yandex credential needs the folder that it is billed to.")
YANDEX_BASE_URL = env_addresses.origin("YANDEX_BASE_URL", "https://llm.api.cloud.yandex.net")
YANDEX_IAM_URL = env_addresses.address(
    "YANDEX_IAM_URL", "https://iam.api.cloud.yandex.net/iam/v1/tokens"
)
YANDEX_CONCURRENCY = env.optional_whole("YANDEX_CONCURRENCY")
CLOUDRU_API_KEY = env_secrets.credential("CLOUDRU_API_KEY")
CLOUDRU_BASE_URL = env_addresses.address(
    "CLOUDRU_BASE_URL", "https://foundation-models.api.cloud.ru/v1", is_base=True
)
CLOUDRU_CONCURRENCY = env.optional_whole("CLOUDRU_CONCURRENCY")
PROVIDER_QUEUE_WAIT_S = env.seconds("PROVIDER_QUEUE_WAIT", 60, allows_zero=True)
UPSTREAM_CONNECT_TIMEOUT_S = env.seconds("UPSTREAM_CONNECT_TIMEOUT", 3)
UPSTREAM_READ_TIMEOUT_S = env.seconds("UPSTREAM_READ_TIMEOUT", 60)
UPSTREAM_TOTAL_TIMEOUT_S = env.seconds("UPSTREAM_TOTAL_TIMEOUT", 600)

# Celery
CELERY_BROKER_URL = env_addresses.broker_url("CELERY_BROKER_URL", REDIS_URL)
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Without a broker, threads of the server run the same tasks: see billing/periodic.py.
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": every_s, "options": {"expires": every_s}}
    for task, every_s in (
        ("billing.tasks.poll_payments", 20.0),
        ("billing.tasks.top_up_automatically", 30.0),
        ("billing.tasks.find_refunds", 600.0),
        ("billing.tasks.send_low_balance_alerts", 60.0),
        ("billing.tasks.find_spending_surges", 30.0),
        ("billing.tasks.aggregate_usage", 600.0),
        ("billing.tasks.audit_books", 3600.0),
        ("billing.tasks.keep_generations", 3600.0),
        ("gateway.tasks.keep_provider_history", 600.0),
        ("gateway.tasks.watch_certificates", 21_600.0),
        ("gateway.tasks.delete_old_moderation_events", 3600.0),
        ("gateway.tasks.tell_of_ending_models", 3600.0),
        ("accounts.tasks.clear_stale", 86_400.0),
    )
}
GENERATION_RETENTION_DAYS = env.whole("GENERATION_RETENTION_DAYS", 0, minimum=0)

# Money
# It acts when the catalogue is seeded; later `manage.py reprice` and the admin date other prices.
PRICE_MARGIN_PERCENT = env.percentage("PRICE_MARGIN_PERCENT")

# Mail
EMAIL_BACKEND = "xrouter_site.log_mail.LogBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = (
    env.email("DEFAULT_FROM_EMAIL")
    or f"XRouter <no-reply@{env_addresses.mail_domain(PUBLIC_HOST)}>"
)
globals().update(env_addresses.mail("EMAIL_URL"))

# Metrics, traces, error reports
METRICS_TOKEN = env_secrets.credential("METRICS_TOKEN")
OTEL_TRACES_URL = env_traces.url()
SENTRY_DSN = env_secrets.sentry_dsn("SENTRY_DSN")

# Logs
logging.captureWarnings(True)  # Python's own are lines of the log too
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "xrouter_site.log_format.JSONLines"}},
    "filters": {  # an answer of 5xx alone is told by the line of its request
        "with_error": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: bool(record.exc_info),
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env.choice("LOG_LEVEL", "INFO", LOG_LEVELS)},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        "django.request": {"level": "ERROR", "filters": ["with_error"]},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "psycopg.pool": {"level": "ERROR"},  # many lines of one outage
        "pymorphy3": {"level": "WARNING"},
    },
}
if SENTRY_DSN:
    error_reports.start(SENTRY_DSN)
