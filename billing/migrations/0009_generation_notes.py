"""Generations bear what the caller noted on the request, its HTTP request's id and its wait for a slot.

All columns may be null and have no default: on PostgreSQL that changes the catalogue alone, in every partition,
and a release that does not know them goes on inserting.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_usage_of_a_day")]

    operations = [
        migrations.AddField(
            "generation",
            "queued_ms",
            models.BigIntegerField("waited for a slot, ms", null=True),
        ),
        migrations.AddField(
            "generation", "end_user", models.TextField("the caller's user", null=True)
        ),
        migrations.AddField("generation", "session_id", models.TextField("dialogue", null=True)),
        migrations.AddField(
            "generation", "metadata", models.JSONField("the caller's notes", null=True)
        ),
        migrations.AddField(
            "generation", "request_id", models.TextField("id of the HTTP request", null=True)
        ),
    ]
