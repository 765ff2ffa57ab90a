"""The operator's credentials, sealed, and the OpenAI-compatible providers that they add."""

import re
import uuid

import django.core.validators
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0003_provider_hour"),
    ]

    operations = [
        migrations.AlterField(
            model_name="route",
            name="provider",
            field=models.SlugField(
                help_text="gigachat, yandexgpt, or the slug of an OpenAI-compatible provider.",
                max_length=32,
                verbose_name="provider",
            ),
        ),
        migrations.CreateModel(
            name="OpenAIServer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "slug",
                    models.SlugField(
                        help_text="What routes, preferences and callers write, say ollama.",
                        max_length=32,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                re.compile("\\A[a-z0-9][a-z0-9_-]*\\Z"),
                                "Write small Latin letters, digits and _ - only.",
                            )
                        ],
                        verbose_name="slug",
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "base_url",
                    models.CharField(
                        help_text="/chat/completions is appended, so it mostly ends in /v1.",
                        max_length=500,
                        verbose_name="address",
                    ),
                ),
                (
                    "ca_bundle_file",
                    models.CharField(
                        blank=True,
                        help_text="A PEM file on the server. Empty: the usual roots.",
                        max_length=500,
                        verbose_name="CA bundle",
                    ),
                ),
                (
                    "concurrency",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Requests at once, where it asks for no key. Empty: no cap of ours.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="slots",
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
            ],
            options={
                "verbose_name": "OpenAI-compatible provider",
                "verbose_name_plural": "OpenAI-compatible providers",
                "ordering": ("slug",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("slug", django.db.models.functions.text.Lower("slug")),
                            models.Q(("slug", ""), _negated=True),
                        ),
                        name="server_slug_is_lower",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("slug__in", ("gigachat", "yandexgpt")), _negated=True),
                        name="server_slug_is_its_own",
                        violation_error_message="This slug is taken by the service itself.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("concurrency__isnull", True), ("concurrency__gt", 0), _connector="OR"
                        ),
                        name="server_has_slots",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderCredential",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "provider",
                    models.SlugField(db_index=False, max_length=32, verbose_name="provider"),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="How journals, alerts and metrics call it.",
                        max_length=50,
                        validators=[
                            django.core.validators.RegexValidator(
                                re.compile("\\A[a-z0-9][a-z0-9._-]*\\Z"),
                                "Write small Latin letters, digits and . _ - only.",
                            )
                        ],
                        verbose_name="name",
                    ),
                ),
                (
                    "settings",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="gigachat: scope, base_url, auth_url, ca_bundle_file; yandexgpt: folder_id,"
                        " base_url, iam_url. What is absent is taken from the environment.",
                        verbose_name="settings",
                    ),
                ),
                (
                    "concurrency",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Requests at once upstream. Empty: no cap of ours.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="slots",
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("ciphertext", models.BinaryField()),
                ("nonce", models.BinaryField()),
                (
                    "key_id",
                    models.CharField(editable=False, max_length=50, verbose_name="master key"),
                ),
                (
                    "fingerprint",
                    models.CharField(editable=False, max_length=4, verbose_name="fingerprint"),
                ),
                ("secret_set_at", models.DateTimeField(editable=False, verbose_name="secret set")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
            ],
            options={
                "verbose_name": "provider credential",
                "verbose_name_plural": "provider credentials",
                "ordering": ("provider", "name"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "name"), name="one_credential_a_provider_and_name"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("provider", django.db.models.functions.text.Lower("provider")),
                            models.Q(("provider", ""), _negated=True),
                        ),
                        name="credential_provider_is_lower",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("name__in", ["", "environment", "keyless"]), _negated=True
                        ),
                        name="credential_name_is_its_own",
                        violation_error_message="This name is taken by the service itself.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("concurrency__isnull", True), ("concurrency__gt", 0), _connector="OR"
                        ),
                        name="credential_has_slots",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("key_id", ""), _negated=True),
                        name="credential_is_sealed",
                    ),
                ],
            },
        ),
    ]
