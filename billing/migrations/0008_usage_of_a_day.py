from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_audit"),
        ("billing", "0007_generation_routing"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="usageday",
            index=models.Index(fields=["day"], name="usage_of_a_day"),
        ),
    ]
