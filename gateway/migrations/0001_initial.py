"""The tables of the catalogue."""

import re

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="LanguageModel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.CharField(
                        help_text="What callers write, say yandexgpt-lite:latest.",
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                re.compile("[a-z0-9][a-z0-9._:/-]*\\Z"),
                                "Write small Latin letters, digits and . _ : / - only.",
                            )
                        ],
                        verbose_name="id",
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "description",
                    models.TextField(blank=True, verbose_name="description in Russian"),
                ),
                (
                    "description_en",
                    models.TextField(blank=True, verbose_name="description in English"),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("chat", "chat"), ("embeddings", "embeddings")],
                        default="chat",
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("owned_by", models.CharField(max_length=50, verbose_name="owner")),
                (
                    "context_tokens",
                    models.PositiveIntegerField(
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="context, tokens",
                    ),
                ),
                (
                    "max_output_tokens",
                    models.PositiveIntegerField(
                        help_text="0 for embeddings.", verbose_name="longest answer, tokens"
                    ),
                ),
                (
                    "is_free",
                    models.BooleanField(
                        default=False,
                        help_text="May be used without credits; with them it is charged.",
                        verbose_name="free",
                    ),
                ),
                (
                    "is_auto",
                    models.BooleanField(
                        default=False,
                        help_text="Has no routes of its own: another model is chosen to answer.",
                        verbose_name="automatic",
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
            ],
            options={
                "verbose_name": "language model",
                "verbose_name_plural": "language models",
                "ordering": ("public_id",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("public_id", django.db.models.functions.text.Lower("public_id")),
                            models.Q(("public_id", ""), _negated=True),
                        ),
                        name="model_id_is_lower",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["chat", "embeddings"])),
                        name="model_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("context_tokens__gt", 0)),
                        name="model_context_is_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind", "embeddings"), ("max_output_tokens__gt", 0), _connector="OR"
                        ),
                        name="model_answers_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("is_auto", False),
                            models.Q(("is_free", False), ("kind", "chat")),
                            _connector="OR",
                        ),
                        name="model_auto_is_paid_chat",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Alias",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=100,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                re.compile("[a-z0-9][a-z0-9._:/-]*\\Z"),
                                "Write small Latin letters, digits and . _ : / - only.",
                            )
                        ],
                        verbose_name="name",
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="aliases",
                        to="gateway.languagemodel",
                        verbose_name="model",
                    ),
                ),
            ],
            options={
                "verbose_name": "alias",
                "verbose_name_plural": "aliases",
                "ordering": ("name",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("name", django.db.models.functions.text.Lower("name")),
                            models.Q(("name", ""), _negated=True),
                        ),
                        name="alias_is_lower",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Route",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "provider",
                    models.SlugField(
                        help_text="gigachat, yandexgpt.", max_length=32, verbose_name="provider"
                    ),
                ),
                (
                    "upstream_id",
                    models.CharField(
                        help_text="The provider's own name, say GigaChat-2-Pro or yandexgpt/rc.",
                        max_length=200,
                        verbose_name="upstream id",
                    ),
                ),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="The lowest is tried first.", verbose_name="priority"
                    ),
                ),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=1,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="weight",
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "profile",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="What the upstream model can do: the fields of a ModelProfile.",
                        verbose_name="profile",
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="routes",
                        to="gateway.languagemodel",
                        verbose_name="model",
                    ),
                ),
            ],
            options={
                "verbose_name": "route",
                "verbose_name_plural": "routes",
                "ordering": ("priority", "pk"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("model", "provider", "upstream_id"), name="route_is_unique"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("provider", django.db.models.functions.text.Lower("provider")),
                            models.Q(("provider", ""), _negated=True),
                        ),
                        name="route_provider_is_lower",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("upstream_id", ""), _negated=True),
                        name="route_upstream_is_named",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("weight__gt", 0)), name="route_weight_is_positive"
                    ),
                ],
            },
        ),
    ]
