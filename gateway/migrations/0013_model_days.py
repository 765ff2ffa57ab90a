"""How each model answered, by days in Moscow."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0012_service_incident"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model_id", models.TextField()),
                ("day", models.DateField(db_index=True)),
                ("requests", models.BigIntegerField()),
                ("failures", models.BigIntegerField()),
                ("first_token_ms", models.BigIntegerField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("model_id", "day"), name="one_row_a_model_and_day"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("failures__gte", 0), ("requests__gte", models.F("failures"))
                        ),
                        name="model_failures_are_requests",
                    ),
                ],
            },
        ),
    ]
