import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


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
