"""When models end, who was told, and a provider more."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_the_audit_log_by_its_name"),
        ("gateway", "0006_a_slug_is_taken"),
    ]

    operations = [
        migrations.CreateModel(
            name="EndNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ends_on", models.DateField()),
                ("claimed_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="openaiserver",
            name="server_slug_is_its_own",
        ),
        migrations.AddField(
            model_name="languagemodel",
            name="deprecated_on",
            field=models.DateField(
                blank=True,
                help_text="Empty: the day on which the last day was set.",
                null=True,
                verbose_name="end announced on",
            ),
        ),
        migrations.AddField(
            model_name="languagemodel",
            name="ends_on",
            field=models.DateField(
                blank=True,
                help_text="Its users are told by mail; the day after it is served no more.",
                null=True,
                verbose_name="last day",
            ),
        ),
        migrations.AddField(
            model_name="languagemodel",
            name="status",
            field=models.CharField(
                choices=[
                    ("preview", "preview"),
                    ("current", "current"),
                    ("legacy", "legacy"),
                    ("ended", "ended"),
                ],
                default="current",
                max_length=16,
                verbose_name="status",
            ),
        ),
        migrations.AddField(
            model_name="languagemodel",
            name="successor",
            field=models.CharField(
                blank=True,
                help_text="The id of the model to use instead, under which lists show this one.",
                max_length=100,
                verbose_name="successor",
            ),
        ),
        migrations.AddField(
            model_name="languagemodel",
            name="waits_for",
            field=models.CharField(
                blank=True,
                choices=[
                    (
                        "price",
                        "Its provider publishes no price: read it there, set it, then offer.",
                    ),
                    ("cached_price", "The price of its cached tokens is not known: set it."),
                    ("old_price", "The price known is of February 2026: compare, then offer."),
                    ("context", "The size of its context is not published: set it, then offer."),
                    ("contract", "It is sold by contract: set the price of yours, then offer."),
                    ("resale", "It is free for a person within a limit, and not for resale."),
                    ("ended", "Its provider has ended it."),
                ],
                max_length=16,
                verbose_name="waits for",
            ),
        ),
        migrations.AlterField(
            model_name="providercredential",
            name="settings",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text=(
                    "gigachat: scope, chat_form, base_url, auth_url, ca_bundle_file; yandexgpt: folder_id,"
                    " base_url, iam_url; cloudru: base_url. What is absent is taken from the environment."
                ),
                verbose_name="settings",
            ),
        ),
        migrations.AddConstraint(
            model_name="languagemodel",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["preview", "current", "legacy", "ended"])),
                name="model_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="languagemodel",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("deprecated_on__isnull", True),
                    ("ends_on__gte", models.F("deprecated_on")),
                    _connector="OR",
                ),
                name="model_end_is_announced_before",
            ),
        ),
        migrations.AddConstraint(
            model_name="openaiserver",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("slug__in", ("gigachat", "yandexgpt", "cloudru")), _negated=True
                ),
                name="server_slug_is_its_own",
                violation_error_message="This slug is taken by the service itself.",
            ),
        ),
        migrations.AddField(
            model_name="endnotice",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.account",
            ),
        ),
        migrations.AddField(
            model_name="endnotice",
            name="model",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="gateway.languagemodel",
                verbose_name="model",
            ),
        ),
        migrations.AddConstraint(
            model_name="endnotice",
            constraint=models.UniqueConstraint(
                fields=("account", "model", "ends_on"), name="one_notice_an_account_and_end"
            ),
        ),
    ]
