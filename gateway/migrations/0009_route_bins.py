"""How each model answered at each provider, in bins of ten minutes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0008_catalogue_of_today"),
    ]

    operations = [
        migrations.CreateModel(
            name="RouteBin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("model_id", models.TextField()),
                ("provider", models.SlugField(db_index=False, max_length=32)),
                ("began_at", models.DateTimeField(db_index=True)),
                ("requests", models.BigIntegerField()),
                ("failures", models.BigIntegerField()),
                ("first_token_ms", models.BigIntegerField(null=True)),
                ("latency_ms", models.BigIntegerField(null=True)),
                ("tokens_per_minute", models.BigIntegerField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("model_id", "provider", "began_at"),
                        name="one_row_a_model_provider_and_bin",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("failures__gte", 0), ("requests__gte", models.F("failures"))
                        ),
                        name="route_failures_are_requests",
                    ),
                ],
            },
        ),
    ]
