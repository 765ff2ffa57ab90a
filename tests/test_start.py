"""What the service refuses to start with: one line that names the variable, its value and the remedy."""

import json
import os
import runpy
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.message import sanitize_address
from yookassa.domain.models.receipt_data.receipt_item import PaymentMode, PaymentSubject

from sandbox.core.credentials import make_service_account_key
from tests.servers import PROJECT, variables
from xrouter_site.payment_settings import PAYMENT_MODES, PAYMENT_SUBJECTS

SECRET_KEY = "k3Yq8vN1sT6wZ0xC4bM7jH2gF5dS9aPq-lOiUyTrEwQ_mNbVcXz"
PUBLIC = {
    "PUBLIC_URL": "https://api.example.ru",
    "SECRET_KEY": SECRET_KEY,
    "EMAIL_URL": "smtp://mail.example.ru:25",
}
COMMANDS = {
    "manage.py": ["manage.py", "check"],
    "gunicorn": ["-m", "gunicorn", "xrouter_site.wsgi", "-c", "gunicorn.conf.py"],
    "worker": ["-m", "celery", "-A", "xrouter_site", "worker"],
    "beat": ["-m", "celery", "-A", "xrouter_site", "beat"],
}


def run(command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"DJANGO_SETTINGS_MODULE": "xrouter_site.settings"} | environment
    return subprocess.run(
        [sys.executable, *COMMANDS[command], *arguments],
        cwd=PROJECT, env=os.environ | given, capture_output=True, text=True, check=False,
    )  # fmt: skip


def read(**environment: str) -> dict[str, Any]:
    """Return all settings as they are read from this environment. Raises ImproperlyConfigured."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.delitem(sys.modules, "xrouter_site.payment_settings", raising=False)
        return runpy.run_path(str(PROJECT / "xrouter_site" / "settings.py"))


def refusal(**environment: str) -> str:
    """Return the one line with which the start is refused."""
    with pytest.raises(ImproperlyConfigured) as refused:
        read(**environment)
    [line] = str(refused.value).splitlines()
    return line


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("environment", [{"PORT": "many"}, PUBLIC | {"SECRET_KEY": "short"}])
def test_every_process_refuses_in_the_same_single_line(command, environment):
    result = run(command, **environment)
    assert result.returncode == 1
    assert result.stderr.strip() == refusal(**environment)
    assert not result.stdout


WRONG = [
    ("PORT", "0"),
    ("PORT", "65536"),
    ("PORT", "²"),
    ("PORT", "9" * 5000),
    ("BIND", "everywhere at all"),
    ("BIND", "256.1.1.1"),
    ("BIND", "a..b"),
    ("BIND", "127.0.0.1:0"),
    ("BIND", "127.0.0.1:70000"),
    ("BIND", "http://127.0.0.1"),
    ("BIND", "unix:here.sock"),
    ("BIND", "unix:/no/such/folder/x.sock"),
    ("BIND", f"unix:{PROJECT}"),
    ("BIND", f"unix:{PROJECT}/README.md"),
    ("BIND", "unix:/" + "x" * 120),
    ("WEB_CONCURRENCY", "-1"),
    ("WEB_CONCURRENCY", "1.5"),
    ("WORKER_CAPACITY", "0"),
    ("CREDENTIAL_CACHE_MAX", "0"),
    ("REQUEST_MAX_BYTES", "20 MiB"),
    ("FREE_CONCURRENCY", "0"),
    ("PAID_CONCURRENCY", "1e3"),
    ("GIGACHAT_CONCURRENCY", "0"),
    ("YANDEX_CONCURRENCY", "ten"),
    ("GENERATION_RETENTION_DAYS", "-1"),
    ("PRICE_MARGIN_PERCENT", "ten"),
    ("UPSTREAM_CONNECT_TIMEOUT", "0"),
    ("UPSTREAM_READ_TIMEOUT", "-1"),
    ("UPSTREAM_READ_TIMEOUT", "nan"),
    ("UPSTREAM_TOTAL_TIMEOUT", "inf"),
    ("UPSTREAM_TOTAL_TIMEOUT", "1e300"),
    ("DEBUG", "perhaps"),
    ("CLOUDFLARE", "perhaps"),
    ("SANDBOX", "perhaps"),
    ("LOG_LEVEL", "loud"),
    ("PUBLIC_URL", "api.example.ru"),
    ("PUBLIC_URL", "ftp://api.example.ru"),
    ("PUBLIC_URL", "https://api.example.ru/v1"),
    ("PUBLIC_URL", "https://api.example.ru?a=b"),
    ("PUBLIC_URL", "http://api.example.ru:port"),
    ("PUBLIC_URL", "http://[::1"),
    ("PUBLIC_URL", "http://"),
    ("PUBLIC_URL", "http://a..b"),
    ("PUBLIC_URL", "http://x,y.ru"),
    ("PUBLIC_URL", "http://<script>"),
    ("PUBLIC_URL", "https://*.ru"),
    ("PUBLIC_URL", "http://10.0.0.256"),
    ("PUBLIC_URL", "http://x_router:8000"),
    ("PUBLIC_URL", "https://пример.рф"),
    ("ALLOWED_HOSTS", "https://api.example.ru"),
    ("ALLOWED_HOSTS", "api.example.ru:8000"),
    ("ALLOWED_HOSTS", "[::1]:8000"),
    ("ALLOWED_HOSTS", "..."),
    ("CSRF_TRUSTED_ORIGINS", "api.example.ru"),
    ("CSRF_TRUSTED_ORIGINS", "*"),
    ("CSRF_TRUSTED_ORIGINS", "https://*"),
    ("CSRF_TRUSTED_ORIGINS", "https://a.*.ru"),
    ("CORS_ALLOWED_ORIGINS", "https://*.example.ru"),
    ("CORS_ALLOWED_ORIGINS", "https://a.example.ru/path"),
    ("TRUSTED_PROXIES", "10.0.0.0/99"),
    ("TRUSTED_PROXIES", "proxy"),
    ("DATABASE_URL", "mysql://host/name"),
    ("DATABASE_URL", "postgres://host:port/name"),
    ("DATABASE_URL", "postgres://host"),
    ("DATABASE_URL", "postgres://host:0/name"),
    ("DATABASE_URL", "postgres://a..b/name"),
    ("DATABASE_URL", "postgres://host/" + "n" * 64),
    ("DATABASE_URL", "postgres://host/name?sslmode=foo"),
    ("DATABASE_URL", "postgres://host/name?nonsense=1"),
    ("DATABASE_URL", "postgres://host/name?sslmode=verify-full&sslrootcert=/none/ca.pem"),
    ("DATABASE_URL", "postgres://host/name?conn_max_age=1"),
    ("DATABASE_URL", "sqlite:////tmp/xrouter.sqlite3?nonsense=1"),
    ("DATABASE_URL", f"sqlite:///{PROJECT}/README.md"),
    ("DATABASE_URL", "sqlite:///"),
    ("DATABASE_URL", "sqlite:////proc/none/xrouter.sqlite3"),
    ("DATABASE_REPLICA_URL", "mysql://replica/name"),
    ("REDIS_URL", "localhost:6379"),
    ("REDIS_URL", "http://localhost:6379"),
    ("REDIS_URL", "redis://localhost:port"),
    ("REDIS_URL", "redis://localhost/0?foo=bar"),
    ("REDIS_URL", "redis://localhost:6379/abc"),
    ("REDIS_URL", "redis://localhost/-1"),
    ("REDIS_URL", "redis://localhost?db=-1"),
    ("REDIS_URL", "redis:///0"),
    ("REDIS_URL", "rediss://:6379/0"),
    ("REDIS_URL", "redis://a..b/0"),
    ("REDIS_URL", "rediss://localhost/0?ssl_cert_reqs=bad"),
    ("REDIS_URL", "redis://localhost/0?protocol=9"),
    ("REDIS_URL", "rediss://localhost/0?ssl_ca_certs=/none/ca.pem"),
    ("REDIS_URL", "unix:///run/redis.sock?db=abc"),
    ("REDIS_URL", "unix://"),
    ("CELERY_BROKER_URL", "localhost"),
    ("CELERY_BROKER_URL", "redis://localhost/0?foo=bar"),
    ("CELERY_BROKER_URL", "redis://localhost/abc"),
    ("CELERY_BROKER_URL", "redis:///0"),
    ("CELERY_BROKER_URL", "rediss://localhost/0?ssl_cert_reqs=bad"),
    ("CELERY_BROKER_URL", "amqp://localhost:0"),
    ("CELERY_BROKER_URL", "carrier-pigeon://localhost"),
    ("EMAIL_URL", "mail.example.ru:25"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318?a=b"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:4318"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
    ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "-1"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip"),
    ("OTEL_BSP_SCHEDULE_DELAY", "often"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/none/ca.pem"),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/none/key.pem"),
    ("OTEL_RESOURCE_ATTRIBUTES", "a=b,c"),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "many"),
    ("OTEL_TRACES_SAMPLER", "sometimes"),
    ("OTEL_TRACES_EXPORTER", "jaeger"),
    ("OTEL_SDK_DISABLED", "perhaps"),
    ("EMAIL_URL", "smtp://"),
    ("EMAIL_URL", "smtp://mail.example.ru:port"),
    ("EMAIL_URL", "smtp://mail.example.ru:25/path"),
    ("EMAIL_URL", "smtp://mail.example.ru?foo=bar"),
    ("EMAIL_URL", "smtp://a..b:25"),
    ("DEFAULT_FROM_EMAIL", "nobody"),
    ("ALERT_EMAIL", "nobody"),
    ("ALERT_EMAIL", "oncall@example.ru, nobody"),
    ("ALERT_EMAIL", "oncall@example.ru, office@example.ru"),
    ("ALERT_EMAIL", "oncall@example.ru; office@example.ru"),
    ("ALERT_EMAIL", "oncall@example.ru office@example.ru"),
    ("SUPPORT_EMAIL", "nobody@"),
    ("SUPPORT_TELEGRAM", "@example"),
    ("SUPPORT_ISSUES_URL", "javascript:alert(1)"),
    ("GIGACHAT_SCOPE", "GIGACHAT_API"),
    ("GIGACHAT_AUTH_URL", "ngw.devices.sberbank.ru"),
    ("GIGACHAT_BASE_URL", "api.giga.chat"),
    ("GIGACHAT_BASE_URL", "https://api.giga.chat/v1?a=b"),
    ("GIGACHAT_BASE_URL", "https://api.giga.chat/v1#a"),
    ("CLOUDRU_BASE_URL", "https://foundation-models.api.cloud.ru/v1?"),
    ("YANDEX_BASE_URL", "https://llm.api.cloud.yandex.net?a=b"),
    ("GIGACHAT_CA_BUNDLE_FILE", "/none/ca.pem"),
    ("GIGACHAT_CA_BUNDLE_FILE", "README.md"),
    ("YANDEX_BASE_URL", "https://llm.api.cloud.yandex.net/v1"),
    ("YANDEX_IAM_URL", "iam.api.cloud.yandex.net"),
    ("YANDEX_SERVICE_ACCOUNT_KEY_FILE", "/none/key.json"),
    ("YANDEX_SERVICE_ACCOUNT_KEY_FILE", "README.md"),
    ("YANDEX_SERVICE_ACCOUNT_KEY_FILE", "docs/openapi.json"),
    ("YANDEX_FOLDER_ID", "b1g/other"),
    ("YANDEX_FOLDER_ID", "каталог"),
    ("YOOKASSA_BASE_URL", "https://api.yookassa.ru"),
    ("YOOKASSA_BASE_URL", "https://api.yookassa.ru/?/v3"),
    ("YOOKASSA_BASE_URL", "https://api.yookassa.ru/#/v3"),
    ("YOOKASSA_WEBHOOK_NETWORKS", "77.75.156"),
    ("YOOKASSA_VAT_CODE", "20%"),
    ("YOOKASSA_TAX_SYSTEM_CODE", "7"),
    ("YOOKASSA_PAYMENT_SUBJECT", "a service"),
    ("YOOKASSA_PAYMENT_SUBJECT", "services"),
    ("YOOKASSA_PAYMENT_MODE", "FULL"),
    ("YOOKASSA_PAYMENT_MODE", "full"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_named_with_what_to_write_instead(name, value):
    shown, _, remedy = refusal(**{name: value}).removeprefix(f"{name} is ").partition(": ")
    assert shown.strip("'…").removesuffix("?***") in value
    assert remedy
    assert len(shown) < 300


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "hunter2"),
        ("CREDENTIALS_KEYS", "2026:hunter2"),
        ("SECRET_KEY_FALLBACKS", f"{SECRET_KEY}1, hunter2"),
        ("SECRET_KEY_FALLBACKS", f"django-insecure-hunter2-{SECRET_KEY}"),
        ("SECRET_KEY_FALLBACKS", "hunter2".center(50, "x")[:31]),
        ("GIGACHAT_CREDENTIALS", "hunter2 hunter2"),
        ("YANDEX_API_KEY", "hunter2\thunter2"),
        ("YOOKASSA_SECRET_KEY", "hunter2"),
        ("DATABASE_URL", "mysql://user:hunter2@host/name"),
        ("DATABASE_URL", "user:hunter2@host/name"),
        ("REDIS_URL", "http://:hunter2@host"),
        ("REDIS_URL", "redis://:hunter2@host:port"),
        ("CELERY_BROKER_URL", "none://user:p@hunter2/hunter2@host"),
        ("CELERY_BROKER_URL", "sqs://key:hunter2@"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization:hunter2"),
        ("SENTRY_DSN", "https://hunter2@localhost:99999/1"),
        ("SENTRY_DSN", "https://hunter2@localhost:port/1"),
        ("SENTRY_DSN", "https://hunter2@a..b/1"),
        ("SENTRY_DSN", f"https://hunter2@localhost/{'9' * 5000}"),
        ("EMAIL_URL", "user:hunter2@mail.example.ru"),
        ("PUBLIC_URL", "https://user:hunter2@api.example.ru"),
        ("SUPPORT_ISSUES_URL", "file://host?token=hunter2"),
    ],
)
def test_a_secret_is_never_shown(name, value):
    line = refusal(**PUBLIC | {name: value})
    assert name in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("secret_key", "why"),
    [
        ("", "needs one"),
        ("k3Yq8vN1sT6wZ0xC4bM7jH2gF5dS9aP", "32 characters"),
        ("x" * 60, "repeated"),
        (f"django-insecure-{SECRET_KEY}", "published"),
        ("of-a-local-run-alone-0123456789abcdef0123456789abcdef", "published"),
    ],
)
def test_over_https_the_secret_is_one_that_nobody_can_guess(secret_key, why):
    line = refusal(**PUBLIC | {"SECRET_KEY": secret_key})
    assert line.startswith("SECRET_KEY is ")
    assert why in line


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        (PUBLIC | {"DEBUG": "true"}, "DEBUG"),
        ({"YOOKASSA_SHOP_ID": "1234567"}, "YOOKASSA_SECRET_KEY"),
        ({"YOOKASSA_SECRET_KEY": "test_secret"}, "YOOKASSA_SHOP_ID"),
        ({"YANDEX_API_KEY": "AQVN"}, "YANDEX_FOLDER_ID"),
        ({"WEB_CONCURRENCY": "2", "REDIS_URL": ""}, "WEB_CONCURRENCY"),
        ({"REDIS_URL": "redis://localhost?socket_timeout=1"}, "CELERY_BROKER_URL"),
    ],
)
def test_what_does_not_go_together_is_refused(environment, name):
    assert refusal(**environment).startswith(f"{name} is ")


def test_an_empty_variable_is_an_unset_one():
    empty = read(**dict.fromkeys(set(variables()) - {"DATABASE_URL"}, " "))
    assert empty["SECRET_KEY"].strip()
    assert (empty["PORT"], empty["REDIS_URL"], empty["DEBUG"]) == (8000, "", False)


@pytest.mark.parametrize(
    ("public_url", "domain", "allowed"),
    [
        ("http://127.0.0.1:8105", "[127.0.0.1]", "127.0.0.1"),
        ("http://192.168.1.10:8000", "[192.168.1.10]", "192.168.1.10"),
        ("https://10.0.0.5", "[10.0.0.5]", "10.0.0.5"),
        ("http://[2001:db8::1]:8000", "[IPv6:2001:db8::1]", "[2001:db8::1]"),
        ("http://xrouter:8000", "xrouter", "xrouter"),
        ("http://localhost:8000", "localhost", "localhost"),
    ],
)
def test_a_host_without_a_name_of_the_internet_is_served_and_sends_mail(
    public_url, domain, allowed
):
    settings = read(**PUBLIC | {"PUBLIC_URL": public_url})
    sender = settings["DEFAULT_FROM_EMAIL"]
    assert sender == f"XRouter <no-reply@{domain}>"
    assert sanitize_address(sender, "utf-8") == sender
    assert settings["ALLOWED_HOSTS"][0] == allowed


@pytest.mark.parametrize(
    ("name", "value", "setting", "expected"),
    [
        ("GIGACHAT_SCOPE", "gigachat_api_corp", "GIGACHAT_SCOPE", "GIGACHAT_API_CORP"),
        ("PUBLIC_URL", "http://api.example.ru/", "PUBLIC_URL", "http://api.example.ru"),
        (
            "PUBLIC_URL",
            "http://api.example.ru",
            "DEFAULT_FROM_EMAIL",
            "XRouter <no-reply@api.example.ru>",
        ),
        ("DEFAULT_FROM_EMAIL", "Us <us@example.ru>", "DEFAULT_FROM_EMAIL", "Us <us@example.ru>"),
        ("SECRET_KEY_FALLBACKS", "one, two", "SECRET_KEY_FALLBACKS", ["one", "two"]),
        ("CLOUDFLARE", "true", "CLOUDFLARE", True),
        (
            "CSRF_TRUSTED_ORIGINS",
            "https://*.example.ru",
            "CSRF_TRUSTED_ORIGINS",
            ["https://*.example.ru"],
        ),
        ("EMAIL_URL", "smtp://mail.example.ru:25/", "EMAIL_HOST", "mail.example.ru"),
        ("SUPPORT_TELEGRAM", "https://t.me/a?b=c", "SUPPORT_TELEGRAM", "https://t.me/a?b=c"),
        (
            "ALLOWED_HOSTS",
            "*, .a.ru, 10.0.0.5, [::1]",
            "ALLOWED_HOSTS",
            ["*", ".a.ru", "10.0.0.5", "[::1]"],
        ),
        (
            "DATABASE_URL",
            "postgres://host/name?sslmode=verify-full&application_name=xr",
            "IS_POSTGRES",
            True,
        ),
        ("DATABASE_URL", "postgres:////run/postgresql/name", "IS_POSTGRES", True),
        (
            "DATABASE_URL",
            "postgres://h/n?sslmode=verify-full&sslrootcert=system",
            "IS_POSTGRES",
            True,
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://h:4318/",
            "OTEL_TRACES_URL",
            "http://h:4318/v1/traces",
        ),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h/x/", "OTEL_TRACES_URL", "http://h/x/"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "5", "OTEL_TRACES_URL", ""),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "OTEL_TRACES_URL", ""),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,c=d=", "OTEL_TRACES_URL", ""),
        ("REDIS_URL", "rediss://:p@r.ru/2", "REDIS_URL", "rediss://:p@r.ru/2"),
        ("REDIS_URL", "unix:///r.sock", "CELERY_BROKER_URL", "redis+socket:///r.sock"),
        ("REDIS_URL", "redis://h/2", "CELERY_BROKER_URL", "redis://h/2"),
        (
            "CELERY_BROKER_URL",
            "amqp://h:1;amqp://h:2",
            "CELERY_BROKER_URL",
            "amqp://h:1;amqp://h:2",
        ),
        ("BIND", "127.0.0.1", "BIND", "127.0.0.1:8000"),
        ("BIND", "::", "BIND", "[::]:8000"),
        ("BIND", "localhost:81", "BIND", "localhost:81"),
        ("BIND", "[::1]:81", "BIND", "[::1]:81"),
        ("BIND", "unix:/run/x.sock", "BIND", "unix:/run/x.sock"),
    ],
)
def test_a_right_value_is_taken(name, value, setting, expected):
    assert read(**{name: value})[setting] == expected


@pytest.mark.parametrize("off", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}])
def test_opentelemetrys_own_switches_hold(off):
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318"}
    assert read(**given)["OTEL_TRACES_URL"] == "http://h:4318/v1/traces"
    assert read(**given, **off)["OTEL_TRACES_URL"] == ""


def test_the_share_of_sampled_traces_is_one():
    wrong = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "7"}
    assert refusal(**wrong).startswith("OTEL_TRACES_SAMPLER_ARG is '7'")
    assert read(**wrong | {"OTEL_TRACES_SAMPLER_ARG": "0.1"})["OTEL_TRACES_URL"] == ""


def test_earlier_secrets_are_as_hard_to_guess():
    fallbacks = read(**PUBLIC | {"SECRET_KEY_FALLBACKS": f"{SECRET_KEY}1,{SECRET_KEY}2"})
    assert fallbacks["SECRET_KEY_FALLBACKS"] == [f"{SECRET_KEY}1", f"{SECRET_KEY}2"]


def test_the_key_of_a_service_account_is_one_that_signs(tmp_path):
    made = make_service_account_key()
    file = tmp_path / "key.json"
    given = {"YANDEX_SERVICE_ACCOUNT_KEY_FILE": str(file), "YANDEX_FOLDER_ID": "b1g"}
    file.write_text(json.dumps(made))
    assert read(**given)["YANDEX_SERVICE_ACCOUNT_KEY_FILE"] == str(file)
    for wrong in ("no PEM", made["private_key"][:200], None):
        file.write_text(json.dumps(made | {"private_key": wrong}))
        assert refusal(**given).startswith("YANDEX_SERVICE_ACCOUNT_KEY_FILE is ")


def test_the_words_of_a_receipt_are_the_shops_own():
    for ours, theirs in ((PAYMENT_SUBJECTS, PaymentSubject), (PAYMENT_MODES, PaymentMode)):
        assert set(ours) == {text for name, text in vars(theirs).items() if name.isupper()}


def test_a_public_service_starts_with_all_that_it_needs():
    assert run("manage.py", **PUBLIC).returncode == 0


def test_the_letter_case_of_the_log_level_does_not_matter():
    assert read(LOG_LEVEL="info")["LOGGING"]["root"]["level"] == "INFO"


def test_workers_that_the_command_line_asks_for_are_counted_too():
    result = run("gunicorn", "--workers", "2", REDIS_URL="")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "--workers is 2: more than one worker needs REDIS_URL."


def refused_by_the_doctor(**variables: str) -> list[str]:
    """Return the names of the failures, in order."""
    given = {"DJANGO_SETTINGS_MODULE": "xrouter_site.settings"} | variables
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        cwd=PROJECT, env=os.environ | given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    checks = json.loads(done.stdout)["checks"]
    assert done.returncode == 1
    assert all(check["status"] == "failure" and check["remedy"] for check in checks)
    return sorted(check["name"].removeprefix("settings ") for check in checks)


def test_the_doctor_names_every_refused_variable_instead_of_crashing():
    wrong = {
        "PORT": "0",
        "PUBLIC_URL": "https://api.example.ru/v1",
        "REDIS_URL": "localhost",
        "SENTRY_DSN": "https://key@localhost:99999/1",
    }
    assert refused_by_the_doctor(**wrong) == sorted(wrong)


@pytest.mark.parametrize(
    ("refused", "others"),
    [
        ({"SECRET_KEY": "short"}, {"PUBLIC_URL": "https://api.example.ru"}),
        ({"SECRET_KEY": "", "METRICS_TOKEN": "a b"}, {"PUBLIC_URL": "https://api.example.ru"}),
        ({"DATABASE_URL": "localhost"}, {"DATABASE_REPLICA_URL": "postgres://replica/xrouter"}),
        ({"REDIS_URL": "localhost"}, {"WEB_CONCURRENCY": "2"}),
        ({"YANDEX_FOLDER_ID": "a b"}, {"YANDEX_API_KEY": "key"}),
        ({"YOOKASSA_SECRET_KEY": "a b"}, {"YOOKASSA_SHOP_ID": "1"}),
    ],
)
def test_the_doctor_blames_no_variable_for_another_that_is_refused(
    refused: dict[str, str], others: dict[str, str]
):
    assert refused_by_the_doctor(**refused, **others) == sorted(refused)
