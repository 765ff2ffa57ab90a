import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_audit"),
        ("billing", "0007_generation_routing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="creditaccount",
            name="account",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                primary_key=True,
                related_name="credits",
                serialize=False,
                to="accounts.account",
                verbose_name="account",
            ),
        ),
        migrations.AlterField(
            model_name="creditaccount",
            name="held_nano",
            field=models.BigIntegerField(
                db_default=0, default=0, editable=False, verbose_name="held"
            ),
        ),
        migrations.AlterField(
            model_name="creditaccount",
            name="posted_nano",
            field=models.BigIntegerField(
                db_default=0, default=0, editable=False, verbose_name="posted"
            ),
        ),
        migrations.AlterField(
            model_name="generation",
            name="account",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.account",
                verbose_name="account",
            ),
        ),
        migrations.AlterField(
            model_name="generation",
            name="adapted",
            field=models.JSONField(verbose_name="adapted"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="attempts",
            field=models.JSONField(verbose_name="attempts"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="cost_nano",
            field=models.BigIntegerField(verbose_name="cost"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="created_at",
            field=models.DateTimeField(verbose_name="time"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="credential_id",
            field=models.BigIntegerField(verbose_name="credential"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="credential_kind",
            field=models.CharField(
                choices=[("key", "key"), ("oauth", "OAuth"), ("session", "session")],
                max_length=7,
                verbose_name="sent with",
            ),
        ),
        migrations.AlterField(
            model_name="generation",
            name="day",
            field=models.DateField(verbose_name="day"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="error_code",
            field=models.TextField(verbose_name="error"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="finish_reason",
            field=models.TextField(verbose_name="finished"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="id",
            field=models.UUIDField(primary_key=True, serialize=False, verbose_name="id"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="is_cancelled",
            field=models.BooleanField(verbose_name="cancelled"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="is_streamed",
            field=models.BooleanField(verbose_name="streamed"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="is_test",
            field=models.BooleanField(verbose_name="test key"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="latency_ms",
            field=models.BigIntegerField(null=True, verbose_name="time, ms"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="model_id",
            field=models.TextField(verbose_name="model"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="native_finish_reason",
            field=models.TextField(verbose_name="finished, in the provider's words"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="price",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.price",
                verbose_name="price",
            ),
        ),
        migrations.AlterField(
            model_name="generation",
            name="provider",
            field=models.TextField(verbose_name="provider"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="requested_model",
            field=models.TextField(verbose_name="asked for"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="routing",
            field=models.JSONField(null=True, verbose_name="routing"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="time_to_first_token_ms",
            field=models.BigIntegerField(null=True, verbose_name="time to the first token, ms"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="tokens_cached",
            field=models.BigIntegerField(verbose_name="cached tokens"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="tokens_completion",
            field=models.BigIntegerField(verbose_name="tokens of the answer"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="tokens_prompt",
            field=models.BigIntegerField(verbose_name="tokens of the prompt"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="tokens_source",
            field=models.CharField(
                choices=[("provider", "provider"), ("estimated", "estimated")],
                max_length=9,
                verbose_name="counted by",
            ),
        ),
        migrations.AlterField(
            model_name="generation",
            name="upstream_cost_nano",
            field=models.BigIntegerField(null=True, verbose_name="cost upstream"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="user_id",
            field=models.BigIntegerField(verbose_name="user"),
        ),
        migrations.AlterField(
            model_name="generation",
            name="write_off_nano",
            field=models.BigIntegerField(verbose_name="written off"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.account",
                verbose_name="account",
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="actor",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="who",
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="amount_nano",
            field=models.BigIntegerField(verbose_name="amount"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="balance_nano",
            field=models.BigIntegerField(verbose_name="balance after it"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="created_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), verbose_name="time"
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="generation_id",
            field=models.UUIDField(null=True, verbose_name="generation"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.CharField(
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
        migrations.AlterField(
            model_name="ledgerentry",
            name="payment_id",
            field=models.TextField(db_default="", default="", verbose_name="payment"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="reason",
            field=models.TextField(db_default="", default="", verbose_name="reason"),
        ),
        migrations.AddIndex(
            model_name="usageday",
            index=models.Index(fields=["day"], name="usage_of_a_day"),
        ),
    ]
