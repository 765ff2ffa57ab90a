from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_upstream_price")]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="routing",
            field=models.JSONField(null=True, verbose_name="routing"),
        ),
    ]
