"""Sign-in: consents, and for everybody who is there already a confirmed e-mail address."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def confirm_known_people(apps, schema_editor):
    """They came by `issue_key`, `createsuperuser` or an operator's hand: all three confirm."""
    alias = schema_editor.connection.alias
    addresses = apps.get_model("account", "EmailAddress").objects.using(alias)
    people = apps.get_model("accounts", "User").objects.using(alias)
    known = addresses.filter(primary=True).values("user")
    for user_id, email in people.exclude(pk__in=known).values_list("pk", "email").iterator():
        addresses.create(user_id=user_id, email=email.lower(), primary=True, verified=True)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_oauth"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "document",
                    models.CharField(
                        choices=[("terms", "Terms"), ("privacy", "Processing of personal data")],
                        max_length=7,
                    ),
                ),
                ("version", models.CharField(max_length=16)),
                (
                    "given_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("given_from", models.GenericIPAddressField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "document", "version"), name="consent_is_given_once"
                    )
                ],
            },
        ),
        migrations.RunPython(confirm_known_people, migrations.RunPython.noop),
    ]
