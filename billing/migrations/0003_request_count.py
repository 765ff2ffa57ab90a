from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_ledger_append_only")]

    operations = [
        migrations.CreateModel(
            name="RequestCount",
            fields=[
                (
                    "owner",
                    models.CharField(max_length=40, primary_key=True, serialize=False),
                ),
                ("day", models.DateField()),
                ("day_requests", models.PositiveIntegerField()),
                ("stamps", models.TextField()),
            ],
        ),
    ]
