"""Every setting of the service, read from the environment once. .env.example says what each means."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from xrouter_site import env
from xrouter_site.oauth_settings import *  # noqa: F403 -- a part of this file, which is long
from xrouter_site.oauth_settings import OAUTH2_PROVIDER
from xrouter_site.sign_in_settings import *  # noqa: F403 -- another

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

# Where people reach the service
PORT = env.whole("PORT", 8000)
PUBLIC_URL = env.origin("PUBLIC_URL", f"http://localhost:{PORT}")
IS_HTTPS = PUBLIC_URL.startswith("https://")
DEBUG = env.flag("DEBUG")
PUBLIC_HOST = str(urlsplit(PUBLIC_URL).hostname)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [PUBLIC_HOST, "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS") or [PUBLIC_URL]
CORS_ALLOWED_ORIGINS = env.words("CORS_ALLOWED_ORIGINS", "*")
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")

# Stores
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'xrouter.sqlite3'}")
}
IS_POSTGRES = DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"
if IS_POSTGRES:
    DATABASES["default"] |= {
        "CONN_MAX_AGE": 0,
        "OPTIONS": DATABASES["default"].get("OPTIONS", {})
        | {
            "pool": {"min_size": 4, "max_size": 16, "timeout": 2, "reconnect_timeout": 3},
            "connect_timeout": 3,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 5000,
            "options": "-c statement_timeout=5000 -c lock_timeout=2000"
            " -c idle_in_transaction_session_timeout=10000",
        },
    }
else:
    Path(str(DATABASES["default"]["NAME"])).parent.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
REDIS_URL = env.text("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "xrouter_site.cache.SteadyRedisCache",
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
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if IS_HTTPS:
        raise ImproperlyConfigured("SECRET_KEY is needed when PUBLIC_URL is https.")
    SECRET_KEY = env.secret_beside(
        VAR_DIR / "secret_key"
        if IS_POSTGRES
        else Path(str(DATABASES["default"]["NAME"])).with_suffix(".secret_key")
    )
CREDENTIALS_KEYS = env.master_keys("CREDENTIALS_KEYS")

# Applications
INSTALLED_APPS = [
    "accounts.operator_desk.OperatorDesk",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "oauth2_provider",
    "csp",
    "rest_framework",
    "drf_spectacular_sidecar",
    "accounts",
    "billing",
    "gateway",
]
# The /v1 paths pass the first two alone: see wsgi.py.
MIDDLEWARE = [
    "xrouter_site.middleware.RequestIDMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.acting.ActingMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
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
AUTH_USER_MODEL = "accounts.User"
REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "gateway.api.errors.render_exception",
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
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
# wsgi.py drops the header unless a trusted proxy sent it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_SECURE = IS_HTTPS
if IS_HTTPS:  # the prefix makes browsers refuse such a cookie from a neighbouring host or over http
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
# W021: a place on the browsers' own lists binds all of a domain; it is the domain owner's to ask for.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# People who run the service, as its pages and mails name them
OPERATOR_NAME = env.text("OPERATOR_NAME")
SUPPORT_EMAIL = env.text("SUPPORT_EMAIL")
SUPPORT_TELEGRAM = env.text("SUPPORT_TELEGRAM")
SUPPORT_ISSUES_URL = env.text("SUPPORT_ISSUES_URL")
ALERT_EMAIL = env.text("ALERT_EMAIL")

# Requests
DATA_UPLOAD_MAX_MEMORY_SIZE = env.whole("REQUEST_MAX_BYTES", 20 * 1024 * 1024)
APPEND_SLASH = False
FREE_CONCURRENCY = env.whole("FREE_CONCURRENCY", 20)
PAID_CONCURRENCY = env.whole("PAID_CONCURRENCY", 500)
WEB_CONCURRENCY = env.whole("WEB_CONCURRENCY", 1)
WORKER_CAPACITY = env.whole("WORKER_CAPACITY", 1000 if IS_POSTGRES else 128)

# Providers
GIGACHAT_CREDENTIALS = env.text("GIGACHAT_CREDENTIALS")
GIGACHAT_SCOPE = env.text("GIGACHAT_SCOPE", "GIGACHAT_API_PERS")
GIGACHAT_AUTH_URL = env.text(
    "GIGACHAT_AUTH_URL", "https://ngw.devices.sberbank.ru:9443/api/v2/oauth"
)
GIGACHAT_BASE_URL = env.origin("GIGACHAT_BASE_URL", "https://api.giga.chat/v1")
GIGACHAT_CA_BUNDLE_FILE = env.text("GIGACHAT_CA_BUNDLE_FILE")
GIGACHAT_CONCURRENCY = env.optional_whole("GIGACHAT_CONCURRENCY")
YANDEX_API_KEY = env.text("YANDEX_API_KEY")
YANDEX_SERVICE_ACCOUNT_KEY_FILE = env.text("YANDEX_SERVICE_ACCOUNT_KEY_FILE")
YANDEX_FOLDER_ID = env.text("YANDEX_FOLDER_ID")
YANDEX_BASE_URL = env.origin("YANDEX_BASE_URL", "https://llm.api.cloud.yandex.net")
YANDEX_IAM_URL = env.text("YANDEX_IAM_URL", "https://iam.api.cloud.yandex.net/iam/v1/tokens")
YANDEX_CONCURRENCY = env.optional_whole("YANDEX_CONCURRENCY")
UPSTREAM_CONNECT_TIMEOUT_S = env.seconds("UPSTREAM_CONNECT_TIMEOUT", 3)
UPSTREAM_READ_TIMEOUT_S = env.seconds("UPSTREAM_READ_TIMEOUT", 60)
UPSTREAM_TOTAL_TIMEOUT_S = env.seconds("UPSTREAM_TOTAL_TIMEOUT", 600)

# Celery
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL") or REDIS_URL
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
        ("billing.tasks.send_low_balance_alerts", 60.0),
        ("billing.tasks.aggregate_usage", 600.0),
        ("billing.tasks.audit_books", 3600.0),
        ("billing.tasks.keep_generations", 3600.0),
        ("gateway.tasks.keep_provider_history", 600.0),
        ("accounts.tasks.clear_stale", 86_400.0),
    )
}
GENERATION_RETENTION_DAYS = env.whole("GENERATION_RETENTION_DAYS", 0, minimum=0)

# Money
# It acts when the catalogue is seeded; later `manage.py reprice` and the admin date other prices.
PRICE_MARGIN_PERCENT = env.percentage("PRICE_MARGIN_PERCENT")

# Payments
YOOKASSA_OFFICIAL_URL = "https://api.yookassa.ru/v3"
YOOKASSA_NETWORKS = (  # that notices come from: https://yookassa.ru/developers/using-api/webhooks
    "185.71.76.0/27, 185.71.77.0/27, 77.75.153.0/25, 77.75.154.128/25,"
    " 77.75.156.11, 77.75.156.35, 2a02:5180::/32"
)
YOOKASSA_SHOP_ID = env.text("YOOKASSA_SHOP_ID")
YOOKASSA_SECRET_KEY = env.text("YOOKASSA_SECRET_KEY")
YOOKASSA_BASE_URL = env.origin("YOOKASSA_BASE_URL", YOOKASSA_OFFICIAL_URL)
YOOKASSA_WEBHOOK_NETWORKS = env.networks(
    "YOOKASSA_WEBHOOK_NETWORKS",
    YOOKASSA_NETWORKS if YOOKASSA_BASE_URL == YOOKASSA_OFFICIAL_URL else "",
)

# Mail
EMAIL_BACKEND = "xrouter_site.log_mail.LogBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = f"XRouter <no-reply@{PUBLIC_HOST}>"
globals().update(env.mail("EMAIL_URL"))

# Logs
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "xrouter_site.log_format.JSONLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
