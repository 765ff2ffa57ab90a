import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


def _name_a_reason(apps, schema_editor):
    """Accounts that were suspended before reasons were kept need one."""
    suspended = apps.get_model("accounts", "Account").objects.filter(suspended_at__isnull=False)
    suspended.filter(suspension_reason="").update(suspension_reason="Причина не записана.")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_key_life"),
    ]

    operations = [
        migrations.CreateModel(
            name="CredentialChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("transaction_id", models.BigIntegerField(db_index=True, null=True)),
                (
                    "changed_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), db_index=True
                    ),
                ),
            ],
        ),
        migrations.RemoveField(
            model_name="account",
            name="credentials_epoch",
        ),
        migrations.AddField(
            model_name="apikey",
            name="successor",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="predecessor",
                to="accounts.apikey",
                verbose_name="replaced by",
            ),
        ),
        migrations.RunPython(_name_a_reason, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("suspended_at", None), ("suspension_reason", "")),
                    models.Q(
                        ("suspended_at__isnull", False),
                        models.Q(("suspension_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="account_is_suspended_for_a_reason",
            ),
        ),
    ]
