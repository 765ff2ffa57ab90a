"""Names are judged whole: a validator searched for a good part of them."""

import re

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0004_provider_credentials"),
    ]

    operations = [
        migrations.AlterField(
            model_name="alias",
            name="name",
            field=models.CharField(
                max_length=100,
                unique=True,
                validators=[
                    django.core.validators.RegexValidator(
                        re.compile("\\A[a-z0-9][a-z0-9._:/-]*\\Z"),
                        "Write small Latin letters, digits and . _ : / - only.",
                    )
                ],
                verbose_name="name",
            ),
        ),
        migrations.AlterField(
            model_name="languagemodel",
            name="public_id",
            field=models.CharField(
                help_text="What callers write, say yandexgpt-lite:latest.",
                max_length=100,
                unique=True,
                validators=[
                    django.core.validators.RegexValidator(
                        re.compile("\\A[a-z0-9][a-z0-9._:/-]*\\Z"),
                        "Write small Latin letters, digits and . _ : / - only.",
                    )
                ],
                verbose_name="id",
            ),
        ),
    ]
