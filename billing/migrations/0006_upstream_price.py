from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_generation_months")]

    operations = [
        migrations.CreateModel(
            name="UpstreamPrice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "provider",
                    models.SlugField(db_index=False, max_length=32, verbose_name="provider"),
                ),
                (
                    "upstream_id",
                    models.CharField(
                        help_text="The provider's own name, as the routes write it.",
                        max_length=200,
                        verbose_name="upstream id",
                    ),
                ),
                ("valid_from", models.DateTimeField(verbose_name="valid from")),
                ("prompt_nano", models.BigIntegerField(verbose_name="prompt")),
                ("completion_nano", models.BigIntegerField(verbose_name="completion")),
                ("cached_nano", models.BigIntegerField(verbose_name="cached prompt")),
            ],
            options={
                "verbose_name": "upstream price",
                "verbose_name_plural": "upstream prices",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "upstream_id", "valid_from"),
                        name="one_upstream_price_a_model_and_moment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cached_nano__gte", 0),
                            ("completion_nano__gte", 0),
                            ("prompt_nano__gt", 0),
                        ),
                        name="upstream_price_is_positive",
                    ),
                ],
            },
        ),
    ]
