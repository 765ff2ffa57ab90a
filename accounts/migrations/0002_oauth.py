"""OAuth: what is kept beside the toolkit's tables, and which application made a key."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("oauth2_provider", "0022_refreshtoken_token_family_index"),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApplicationDetails",
            fields=[
                (
                    "application",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="details",
                        serialize=False,
                        to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL,
                    ),
                ),
                ("homepage", models.URLField(blank=True)),
            ],
            options={
                "verbose_name": "application details",
                "verbose_name_plural": "application details",
            },
        ),
        migrations.AddField(
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
        migrations.AddField(
            model_name="apikey",
            name="made_by",
            field=models.CharField(blank=True, max_length=255, verbose_name="made by"),
        ),
        migrations.CreateModel(
            name="IssuedToken",
            fields=[
                (
                    "token",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="issued",
                        serialize=False,
                        to=settings.OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL,
                    ),
                ),
                ("code_digest", models.CharField(max_length=64, unique=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_from", models.CharField(blank=True, max_length=43)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "verbose_name": "issued token",
                "verbose_name_plural": "issued tokens",
                "constraints": [
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            django.db.models.functions.text.Length("code_digest"), 64
                        ),
                        name="issued_token_code_is_sha256",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OneClickCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("callback_host", models.CharField(max_length=255)),
                ("code_challenge", models.CharField(max_length=43)),
                ("expires_at", models.DateTimeField()),
                (
                    "api_key",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.apikey",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "one-click code",
                "verbose_name_plural": "one-click codes",
                "constraints": [
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            django.db.models.functions.text.Length("digest"), 64
                        ),
                        name="one_click_code_is_sha256",
                    )
                ],
            },
        ),
    ]
