from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0002_seed_catalogue"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProviderHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider", models.SlugField(db_index=False, max_length=32)),
                ("began_at", models.DateTimeField(db_index=True)),
                ("requests", models.BigIntegerField()),
                ("failures", models.BigIntegerField()),
                ("first_token_ms", models.BigIntegerField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "began_at"), name="one_row_a_provider_and_hour"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("failures__gte", 0), ("requests__gte", models.F("failures"))
                        ),
                        name="provider_failures_are_requests",
                    ),
                ],
            },
        ),
    ]
