"""Security events and their confirmations, where accounts came from, and whose mailbox is whose."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from accounts.email_address import mailbox_of


def fill_mailboxes(apps, schema_editor):
    """Of several people with one mailbox the first has it; the others stay as they are."""
    people = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    taken = set()
    for user_id, email in people.order_by("pk").values_list("pk", "email").iterator():
        mailbox = mailbox_of(email)
        if mailbox not in taken:
            taken.add(mailbox)
            people.filter(pk=user_id).update(mailbox=mailbox)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_credential_changes"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="mailbox",
            field=models.CharField(editable=False, max_length=320, null=True, unique=True),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("add", "added"),
                    ("change", "changed"),
                    ("delete", "deleted"),
                    ("issue", "issued"),
                    ("revoke", "revoked"),
                    ("rotate", "replaced"),
                    ("freeze", "frozen"),
                    ("thaw", "thawed"),
                    ("slow", "slowed"),
                    ("unslow", "slowed no more"),
                    ("confirm", "confirmed"),
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
        migrations.CreateModel(
            name="SecurityEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_index=True, default=django.utils.timezone.now, verbose_name="time"
                    ),
                ),
                (
                    "signal",
                    models.CharField(
                        choices=[
                            ("refused_credentials", "many refused credentials from one network"),
                            ("many_networks", "a key used from many networks"),
                            ("unusual_spending", "unusual spending"),
                            ("many_sign_ups", "many new accounts from one network"),
                            ("moderation_refusals", "many requests refused by moderation"),
                            ("abandoned_requests", "many requests left before their answer"),
                            ("leaked_key", "a key reported as leaked"),
                        ],
                        max_length=20,
                        verbose_name="signal",
                    ),
                ),
                ("network", models.CharField(blank=True, max_length=43, verbose_name="network")),
                ("evidence", models.JSONField(verbose_name="evidence")),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="security_events",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="security_events",
                        to="accounts.apikey",
                        verbose_name="API key",
                    ),
                ),
            ],
            options={
                "verbose_name": "security event",
                "verbose_name_plural": "security events",
            },
        ),
        migrations.CreateModel(
            name="EventConfirmation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="time"),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="confirmation",
                        to="accounts.securityevent",
                    ),
                ),
            ],
            options={
                "verbose_name": "confirmation of an event",
                "verbose_name_plural": "confirmations of events",
            },
        ),
        migrations.CreateModel(
            name="SignUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("network", models.CharField(blank=True, max_length=43)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sign_up",
                        to="accounts.account",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="securityevent",
            index=models.Index(
                fields=["signal", "account", "network", "-id"], name="security_event_of_a_subject"
            ),
        ),
        migrations.AddIndex(
            model_name="signup",
            index=models.Index(fields=["network", "at"], name="sign_ups_of_a_network"),
        ),
        migrations.RunPython(fill_mailboxes, migrations.RunPython.noop),
    ]
