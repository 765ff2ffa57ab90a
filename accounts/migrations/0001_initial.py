"""The first tables: users, accounts, API keys."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.scopes


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without "
                        "explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail")),
                ("email_folded", models.CharField(editable=False, max_length=320, unique=True)),
                ("is_active", models.BooleanField(default=True, verbose_name="let in")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="May come to the operators' desk, with a second factor.",
                        verbose_name="operator",
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="signed up"
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all "
                        "permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=254, verbose_name="name")),
                ("credentials_epoch", models.PositiveBigIntegerField(default=0, editable=False)),
                (
                    "suspended_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="suspended"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accounts",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
            },
        ),
        migrations.CreateModel(
            name="APIKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("head", models.CharField(max_length=12, verbose_name="first characters")),
                ("tail", models.CharField(max_length=4, verbose_name="last characters")),
                ("is_test", models.BooleanField(default=False, verbose_name="test key")),
                (
                    "scopes",
                    models.JSONField(default=accounts.scopes.key_scopes, verbose_name="scopes"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="last used"),
                ),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="revoked")),
                ("disabled", models.BooleanField(default=False, verbose_name="switched off")),
                (
                    "allowed_models",
                    models.JSONField(blank=True, default=list, verbose_name="allowed models"),
                ),
                (
                    "allowed_ips",
                    models.JSONField(blank=True, default=list, verbose_name="allowed addresses"),
                ),
                (
                    "limit_nano",
                    models.BigIntegerField(
                        blank=True, null=True, verbose_name="limit, nano-credits"
                    ),
                ),
                (
                    "limit_reset",
                    models.CharField(
                        blank=True,
                        choices=[("daily", "daily"), ("weekly", "weekly"), ("monthly", "monthly")],
                        max_length=7,
                        null=True,
                        verbose_name="limit reset",
                    ),
                ),
                (
                    "rate_requests",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="own rate, requests"
                    ),
                ),
                (
                    "rate_window_s",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="own rate, seconds"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_keys",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_keys",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
                "constraints": [
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            django.db.models.functions.text.Length("digest"), 64
                        ),
                        name="api_key_digest_is_sha256",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            django.db.models.lookups.Exact(
                                django.db.models.functions.text.Length("head"), 12
                            ),
                            django.db.models.lookups.Exact(
                                django.db.models.functions.text.Length("tail"), 4
                            ),
                        ),
                        name="api_key_shows_12_and_4",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="api_key_has_a_name"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit_nano", None), ("limit_nano__gte", 0), _connector="OR"
                        ),
                        name="api_key_limit_is_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit_reset", None),
                            ("limit_reset__in", ["daily", "weekly", "monthly"]),
                            _connector="OR",
                        ),
                        name="api_key_limit_reset_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("rate_requests", None), ("rate_window_s", None)),
                            models.Q(
                                ("rate_requests__gt", 0),
                                ("rate_requests__isnull", False),
                                ("rate_window_s__gt", 0),
                                ("rate_window_s__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="api_key_rate_is_whole_or_absent",
                    ),
                ],
            },
        ),
    ]
