from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_the_audit_log_by_its_name"),
        migrations.swappable_dependency(settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="suspension_reason",
            field=models.CharField(blank=True, max_length=500, verbose_name="why suspended"),
        ),
        migrations.AddField(
            model_name="apikey",
            name="budget_keys",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="apikey",
            name="concurrency",
            field=models.PositiveIntegerField(
                blank=True, null=True, verbose_name="requests at once"
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="works until"),
        ),
        migrations.AddField(
            model_name="apikey",
            name="frozen_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="frozen"),
        ),
        migrations.AddField(
            model_name="apikey",
            name="frozen_reason",
            field=models.CharField(blank=True, max_length=200, verbose_name="why frozen"),
        ),
        migrations.AddField(
            model_name="apikey",
            name="last_used_network",
            field=models.CharField(blank=True, max_length=43, verbose_name="last used from"),
        ),
        migrations.AddField(
            model_name="apikey",
            name="slowed_requests_per_minute",
            field=models.PositiveIntegerField(
                blank=True, null=True, verbose_name="slowed to, requests a minute"
            ),
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
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("concurrency", None),
                    models.Q(("concurrency__gte", 1), ("concurrency__lte", 500)),
                    _connector="OR",
                ),
                name="api_key_concurrency_is_1_to_500",
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("slowed_requests_per_minute", None),
                    ("slowed_requests_per_minute__gte", 1),
                    _connector="OR",
                ),
                name="api_key_is_slowed_to_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("frozen_at", None), ("frozen_reason", "")),
                    models.Q(
                        ("frozen_at__isnull", False), models.Q(("frozen_reason", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="api_key_is_frozen_for_a_reason",
            ),
        ),
    ]
