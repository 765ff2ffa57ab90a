"""The tables of money."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProcessLease",
            fields=[
                ("process_id", models.UUIDField(primary_key=True, serialize=False)),
                ("renewed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="CreditAccount",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="credits",
                        serialize=False,
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "posted_nano",
                    models.BigIntegerField(
                        db_default=0, default=0, editable=False, verbose_name="posted"
                    ),
                ),
                (
                    "held_nano",
                    models.BigIntegerField(
                        db_default=0, default=0, editable=False, verbose_name="held"
                    ),
                ),
            ],
            options={
                "verbose_name": "credit account",
                "verbose_name_plural": "credit accounts",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("posted_nano__gte", models.F("held_nano"))),
                        name="available_is_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("held_nano__gte", 0)), name="held_is_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model_id", models.TextField(verbose_name="model")),
                ("valid_from", models.DateTimeField(verbose_name="valid from")),
                ("prompt_nano", models.BigIntegerField(verbose_name="prompt")),
                ("completion_nano", models.BigIntegerField(verbose_name="completion")),
                ("cached_nano", models.BigIntegerField(verbose_name="cached prompt")),
            ],
            options={
                "verbose_name": "price",
                "verbose_name_plural": "prices",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("model_id", "valid_from"), name="one_price_a_model_and_moment"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cached_nano__gte", 0),
                            ("completion_nano__gte", 0),
                            ("prompt_nano__gt", 0),
                        ),
                        name="price_is_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Spending",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "credential_kind",
                    models.CharField(
                        choices=[("key", "key"), ("oauth", "OAuth"), ("session", "session")],
                        max_length=7,
                    ),
                ),
                ("credential_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("spent_nano", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("credential_kind", "credential_id", "day"),
                        name="credential_spends_in_one_row_a_day",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("spent_nano__gte", 0)), name="spending_is_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("amount_nano", models.BigIntegerField()),
                ("process_id", models.UUIDField()),
                ("user_id", models.BigIntegerField()),
                (
                    "credential_kind",
                    models.CharField(
                        choices=[("key", "key"), ("oauth", "OAuth"), ("session", "session")],
                        max_length=7,
                    ),
                ),
                ("credential_id", models.BigIntegerField()),
                ("is_test", models.BooleanField()),
                ("requested_model", models.TextField()),
                ("day", models.DateField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.creditaccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "hold",
                "verbose_name_plural": "holds",
                "indexes": [
                    models.Index(
                        condition=models.Q(("credential_kind", "key")),
                        fields=["credential_id"],
                        name="holds_of_a_key",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_nano__gte", 0)), name="hold_is_not_negative"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("top_up", "top-up"),
                            ("charge", "charge"),
                            ("refund", "refund"),
                            ("adjustment", "adjustment"),
                            ("write_off", "write-off"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("amount_nano", models.BigIntegerField(verbose_name="amount")),
                ("balance_nano", models.BigIntegerField(verbose_name="balance after it")),
                ("generation_id", models.UUIDField(null=True, verbose_name="generation")),
                ("payment_id", models.TextField(db_default="", default="", verbose_name="payment")),
                ("reason", models.TextField(db_default="", default="", verbose_name="reason")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="time"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
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
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger entries",
                "indexes": [models.Index(fields=["account", "-id"], name="entries_of_an_account")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount_nano__gt", 0),
                                ("kind__in", ["top_up", "refund", "write_off"]),
                            ),
                            models.Q(("amount_nano__lt", 0), ("kind", "charge")),
                            models.Q(
                                ("kind", "adjustment"), models.Q(("amount_nano", 0), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="entry_sign_fits_its_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("balance_nano__gte", 0)),
                        name="entry_balance_is_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "charge"), ("generation_id__isnull", False)),
                            models.Q(
                                ("kind", "top_up"), models.Q(("payment_id", ""), _negated=True)
                            ),
                            models.Q(
                                ("kind__in", ["refund", "adjustment", "write_off"]),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="entry_names_its_cause",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("generation_id__isnull", False)),
                        fields=("generation_id", "kind"),
                        name="generation_moves_money_once_a_kind",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("payment_id", ""), _negated=True),
                        fields=("kind", "payment_id"),
                        name="payment_moves_money_once_a_kind",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Generation",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False, verbose_name="id")),
                ("user_id", models.BigIntegerField(verbose_name="user")),
                (
                    "credential_kind",
                    models.CharField(
                        choices=[("key", "key"), ("oauth", "OAuth"), ("session", "session")],
                        max_length=7,
                        verbose_name="sent with",
                    ),
                ),
                ("credential_id", models.BigIntegerField(verbose_name="credential")),
                ("is_test", models.BooleanField(verbose_name="test key")),
                ("requested_model", models.TextField(verbose_name="asked for")),
                ("model_id", models.TextField(verbose_name="model")),
                ("provider", models.TextField(verbose_name="provider")),
                ("is_streamed", models.BooleanField(verbose_name="streamed")),
                ("is_cancelled", models.BooleanField(verbose_name="cancelled")),
                ("day", models.DateField(verbose_name="day")),
                ("created_at", models.DateTimeField(verbose_name="time")),
                ("tokens_prompt", models.BigIntegerField(verbose_name="tokens of the prompt")),
                ("tokens_completion", models.BigIntegerField(verbose_name="tokens of the answer")),
                ("tokens_cached", models.BigIntegerField(verbose_name="cached tokens")),
                (
                    "tokens_source",
                    models.CharField(
                        choices=[("provider", "provider"), ("estimated", "estimated")],
                        max_length=9,
                        verbose_name="counted by",
                    ),
                ),
                ("cost_nano", models.BigIntegerField(verbose_name="cost")),
                ("write_off_nano", models.BigIntegerField(verbose_name="written off")),
                (
                    "upstream_cost_nano",
                    models.BigIntegerField(null=True, verbose_name="cost upstream"),
                ),
                ("latency_ms", models.BigIntegerField(null=True, verbose_name="time, ms")),
                (
                    "time_to_first_token_ms",
                    models.BigIntegerField(null=True, verbose_name="time to the first token, ms"),
                ),
                ("finish_reason", models.TextField(verbose_name="finished")),
                (
                    "native_finish_reason",
                    models.TextField(verbose_name="finished, in the provider's words"),
                ),
                ("error_code", models.TextField(verbose_name="error")),
                ("attempts", models.JSONField(verbose_name="attempts")),
                ("adapted", models.JSONField(verbose_name="adapted")),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "price",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.price",
                        verbose_name="price",
                    ),
                ),
            ],
            options={
                "verbose_name": "generation",
                "verbose_name_plural": "generations",
                "indexes": [
                    models.Index(fields=["account", "-id"], name="generations_of_an_account"),
                    models.Index(
                        condition=models.Q(("credential_kind", "key")),
                        fields=["credential_id", "-id"],
                        name="generations_of_a_key",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("tokens_cached__gte", 0),
                            ("tokens_completion__gte", 0),
                            ("tokens_prompt__gte", models.F("tokens_cached")),
                        ),
                        name="generation_tokens_are_counts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cost_nano__gte", models.F("write_off_nano")),
                            ("write_off_nano__gte", 0),
                        ),
                        name="generation_write_off_is_part_of_its_cost",
                    ),
                ],
            },
        ),
    ]
