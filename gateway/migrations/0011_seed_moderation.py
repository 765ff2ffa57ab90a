"""Fill the moderation rules."""

from django.db import migrations

from gateway.moderation.seed import seed_rules


def seed(apps, schema_editor):
    seed_rules(apps)


class Migration(migrations.Migration):
    dependencies = [("gateway", "0010_moderation")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
