"""The journal is called the audit log: a change of words, no statement."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_audit_append_only")]

    operations = [
        migrations.AlterModelOptions(
            name="auditentry",
            options={
                "verbose_name": "audit log entry",
                "verbose_name_plural": "audit log entries",
            },
        ),
    ]
