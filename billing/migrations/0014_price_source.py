"""Who said what a provider charges."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0013_hot_path"),
    ]

    operations = [
        migrations.AddField(
            model_name="upstreamprice",
            name="source",
            field=models.CharField(
                blank=True,
                help_text="Who says so, and when: a tariff page, a contract.",
                max_length=300,
                verbose_name="source",
            ),
        ),
    ]
