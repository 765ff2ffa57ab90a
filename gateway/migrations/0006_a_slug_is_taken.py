"""Give way to the built-in provider cloudru: an operator's server of that slug goes on as cloudru-own."""

from django.db import migrations

TAKEN, OWN = "cloudru", "cloudru-own"


def rename(apps, schema_editor):
    servers = apps.get_model("gateway", "OpenAIServer").objects
    if not servers.filter(slug=TAKEN).exists() or servers.filter(slug=OWN).exists():
        return
    servers.filter(slug=TAKEN).update(slug=OWN)
    for app, table in (
        ("gateway", "Route"),
        ("gateway", "ProviderCredential"),
        ("gateway", "ProviderHour"),
        ("billing", "UpstreamPrice"),
    ):
        apps.get_model(app, table).objects.filter(provider=TAKEN).update(provider=OWN)


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0005_names_are_whole"),
        ("billing", "0006_upstream_price"),
    ]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
