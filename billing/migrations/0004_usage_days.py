import datetime
import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("billing", "0003_request_count"),
    ]

    operations = [
        migrations.CreateModel(
            name="JobLease",
            fields=[
                ("job", models.TextField(primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField()),
                ("holder", models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name="UsageWatermark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "counted_until",
                    models.UUIDField(default=uuid.UUID("00000000-0000-0000-0000-000000000000")),
                ),
                (
                    "kept_from",
                    models.UUIDField(default=uuid.UUID("00000000-0000-0000-0000-000000000000")),
                ),
                ("kept_day", models.DateField(default=datetime.date(1, 1, 1))),
            ],
        ),
        migrations.CreateModel(
            name="LowBalanceAlert",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                ("threshold_nano", models.BigIntegerField()),
                ("armed", models.BooleanField(default=True)),
                ("claimed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "low-balance alert",
                "verbose_name_plural": "low-balance alerts",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("threshold_nano__gt", 0)),
                        name="alert_threshold_is_positive",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount_nano", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("succeeded", "succeeded"),
                            ("canceled", "canceled"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("idempotence_key", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("provider_id", models.CharField(max_length=64, null=True, unique=True)),
                ("confirmation_url", models.TextField(default="")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "asked_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "entry",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.ledgerentry",
                    ),
                ),
            ],
            options={
                "verbose_name": "payment",
                "verbose_name_plural": "payments",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "pending")),
                        fields=["asked_at"],
                        name="payments_to_ask_for",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_nano__gt", 0)), name="payment_is_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("entry__isnull", False), ("status", "succeeded")),
                            models.Q(
                                models.Q(("status", "succeeded"), _negated=True),
                                ("entry__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="payment_succeeds_with_its_entry",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("credential_kind", models.CharField(max_length=7)),
                ("credential_id", models.BigIntegerField()),
                ("model_id", models.TextField()),
                ("requests", models.BigIntegerField()),
                ("errors", models.BigIntegerField()),
                ("tokens_prompt", models.BigIntegerField()),
                ("tokens_completion", models.BigIntegerField()),
                ("tokens_cached", models.BigIntegerField()),
                ("cost_nano", models.BigIntegerField()),
                ("upstream_cost_nano", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
            ],
            options={
                "verbose_name": "day of usage",
                "verbose_name_plural": "days of usage",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "day", "credential_kind", "credential_id", "model_id"),
                        name="one_row_a_day_credential_and_model",
                    )
                ],
            },
        ),
    ]
