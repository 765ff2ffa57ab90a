import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.scopes


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_sign_in"),
        ("oauth2_provider", "0022_refreshtoken_token_family_index"),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OAuthApplication",
            fields=[],
            options={
                "verbose_name": "application",
                "verbose_name_plural": "applications",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("oauth2_provider.application",),
        ),
        migrations.CreateModel(
            name="OAuthToken",
            fields=[],
            options={
                "verbose_name": "access token",
                "verbose_name_plural": "access tokens",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("oauth2_provider.accesstoken",),
        ),
        migrations.AddField(
            model_name="applicationdetails",
            name="disabled_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="account",
            name="created_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, verbose_name="created"
            ),
        ),
        migrations.AlterField(
            model_name="account",
            name="name",
            field=models.CharField(max_length=254, verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="account",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="accounts",
                to=settings.AUTH_USER_MODEL,
                verbose_name="owner",
            ),
        ),
        migrations.AlterField(
            model_name="account",
            name="suspended_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="suspended"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="api_keys",
                to="accounts.account",
                verbose_name="account",
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="allowed_ips",
            field=models.JSONField(blank=True, default=list, verbose_name="allowed addresses"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="allowed_models",
            field=models.JSONField(blank=True, default=list, verbose_name="allowed models"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="application",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="api_keys",
                to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                verbose_name="application",
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="created_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now, editable=False, verbose_name="created"
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="disabled",
            field=models.BooleanField(default=False, verbose_name="switched off"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="head",
            field=models.CharField(max_length=12, verbose_name="first characters"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="is_test",
            field=models.BooleanField(default=False, verbose_name="test key"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="last_used_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="last used"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="limit_nano",
            field=models.BigIntegerField(blank=True, null=True, verbose_name="limit, nano-credits"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="limit_reset",
            field=models.CharField(
                blank=True,
                choices=[("daily", "daily"), ("weekly", "weekly"), ("monthly", "monthly")],
                max_length=7,
                null=True,
                verbose_name="limit reset",
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="made_by",
            field=models.CharField(blank=True, max_length=255, verbose_name="made by"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="name",
            field=models.CharField(max_length=100, verbose_name="name"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="rate_requests",
            field=models.PositiveIntegerField(
                blank=True, null=True, verbose_name="own rate, requests"
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="rate_window_s",
            field=models.PositiveIntegerField(
                blank=True, null=True, verbose_name="own rate, seconds"
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="revoked_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="revoked"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="scopes",
            field=models.JSONField(default=accounts.scopes.key_scopes, verbose_name="scopes"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="tail",
            field=models.CharField(max_length=4, verbose_name="last characters"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="api_keys",
                to=settings.AUTH_USER_MODEL,
                verbose_name="user",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="date_joined",
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name="signed up"),
        ),
        migrations.AlterField(
            model_name="user",
            name="email",
            field=models.EmailField(max_length=254, unique=True, verbose_name="e-mail"),
        ),
        migrations.AlterField(
            model_name="user",
            name="is_active",
            field=models.BooleanField(default=True, verbose_name="let in"),
        ),
        migrations.AlterField(
            model_name="user",
            name="is_staff",
            field=models.BooleanField(
                default=False,
                help_text="May come to the operators' desk, with a second factor.",
                verbose_name="operator",
            ),
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_index=True, verbose_name="time")),
                ("address", models.CharField(blank=True, max_length=45, verbose_name="address")),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("add", "added"),
                            ("change", "changed"),
                            ("delete", "deleted"),
                            ("issue", "issued"),
                            ("revoke", "revoked"),
                            ("suspend", "suspended"),
                            ("resume", "resumed"),
                            ("shut_out", "shut out"),
                            ("let_in", "let in"),
                            ("second_factor_off", "second factor taken away"),
                            ("enable", "enabled"),
                            ("disable", "disabled"),
                            ("disconnect", "disconnected"),
                            ("new_secret", "given a new secret"),
                            ("adjust", "balance adjusted"),
                            ("test_payment", "test payment"),
                        ],
                        max_length=20,
                        verbose_name="act",
                    ),
                ),
                ("object_kind", models.CharField(max_length=100, verbose_name="kind of object")),
                ("object_id", models.CharField(max_length=64, verbose_name="object id")),
                ("object_label", models.CharField(max_length=255, verbose_name="object")),
                ("detail", models.JSONField(verbose_name="details")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                (
                    "previous",
                    models.CharField(
                        max_length=64, unique=True, verbose_name="digest of the one before"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True, verbose_name="digest")),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
            ],
            options={
                "verbose_name": "journal entry",
                "verbose_name_plural": "journal entries",
                "indexes": [
                    models.Index(
                        fields=["object_kind", "object_id", "-id"], name="journal_of_an_object"
                    )
                ],
            },
        ),
    ]
