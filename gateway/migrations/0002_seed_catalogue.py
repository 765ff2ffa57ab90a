"""Fill the catalogue and its first prices."""

from django.db import migrations

from gateway.catalog.seed import seed_catalogue


def seed(apps, schema_editor):
    seed_catalogue(apps)


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0001_initial"),
        ("billing", "0006_upstream_price"),
        ("accounts", "0001_initial"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
