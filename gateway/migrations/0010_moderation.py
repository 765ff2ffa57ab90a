"""The rules of moderation, and the events of what they found."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_the_audit_log_by_its_name"),
        ("gateway", "0009_route_bins"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModerationRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.SlugField(
                        help_text="How events call it.",
                        max_length=64,
                        unique=True,
                        verbose_name="name",
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("weapons", "weapons"),
                            ("drugs", "drugs"),
                            ("self_harm", "self_harm"),
                            ("sexual_minors", "sexual_minors"),
                            ("extremism", "extremism"),
                            ("harassment", "harassment"),
                            ("harassment/threatening", "harassment/threatening"),
                            ("hate", "hate"),
                            ("hate/threatening", "hate/threatening"),
                            ("illicit", "illicit"),
                            ("illicit/violent", "illicit/violent"),
                            ("self-harm", "self-harm"),
                            ("self-harm/instructions", "self-harm/instructions"),
                            ("self-harm/intent", "self-harm/intent"),
                            ("sexual", "sexual"),
                            ("sexual/minors", "sexual/minors"),
                            ("violence", "violence"),
                            ("violence/graphic", "violence/graphic"),
                        ],
                        max_length=32,
                        verbose_name="category",
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("block", "refuse the request"),
                            ("flag", "let it pass and count it"),
                        ],
                        default="flag",
                        help_text="Try a new rule by counting what it finds, for a day, before it refuses.",
                        max_length=5,
                        verbose_name="action",
                    ),
                ),
                (
                    "tier",
                    models.CharField(
                        choices=[
                            ("all", "everybody"),
                            ("free", "the free tier"),
                            ("paid", "the paid tier"),
                        ],
                        default="all",
                        max_length=4,
                        verbose_name="holds for",
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "words",
                    models.TextField(
                        blank=True,
                        help_text="Words or phrases with commas between, each in all its forms. word* is a "
                        "beginning, =word is meant as it stands.",
                        max_length=20000,
                        verbose_name="words",
                    ),
                ),
                (
                    "near",
                    models.TextField(
                        blank=True,
                        help_text="One of each line must stand near; a comma at its end continues a line.",
                        max_length=20000,
                        verbose_name="near",
                    ),
                ),
                (
                    "unless",
                    models.TextField(
                        blank=True,
                        help_text="Where one of these stands near, the rule does not hold.",
                        max_length=20000,
                        verbose_name="unless",
                    ),
                ),
                (
                    "within_words",
                    models.PositiveSmallIntegerField(
                        default=6,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(30),
                        ],
                        verbose_name="how near, in words",
                    ),
                ),
                (
                    "pattern",
                    models.TextField(
                        blank=True,
                        help_text="Instead of words: an RE2 expression for small letters without punctuation.",
                        max_length=1000,
                        verbose_name="pattern",
                    ),
                ),
                (
                    "forms",
                    models.JSONField(
                        blank=True, default=dict, editable=False, verbose_name="forms"
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
            ],
            options={
                "verbose_name": "moderation rule",
                "verbose_name_plural": "moderation rules",
                "ordering": ("category", "name"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(models.Q(("words", ""), _negated=True), ("pattern", "")),
                            models.Q(
                                ("near", ""),
                                ("unless", ""),
                                ("words", ""),
                                models.Q(("pattern", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="moderation_rule_has_words_or_a_pattern",
                        violation_error_message="Write words, or a pattern and nothing beside it.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "category__in",
                                (
                                    "weapons",
                                    "drugs",
                                    "self_harm",
                                    "sexual_minors",
                                    "extremism",
                                    "harassment",
                                    "harassment/threatening",
                                    "hate",
                                    "hate/threatening",
                                    "illicit",
                                    "illicit/violent",
                                    "self-harm",
                                    "self-harm/instructions",
                                    "self-harm/intent",
                                    "sexual",
                                    "sexual/minors",
                                    "violence",
                                    "violence/graphic",
                                ),
                            )
                        ),
                        name="moderation_rule_category_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("action__in", ["block", "flag"])),
                        name="moderation_rule_action_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tier__in", ["all", "free", "paid"])),
                        name="moderation_rule_tier_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("within_words__gte", 1), ("within_words__lte", 30)),
                        name="moderation_rule_is_near_enough",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ModerationEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_index=True, default=django.utils.timezone.now, verbose_name="time"
                    ),
                ),
                ("credential_kind", models.CharField(max_length=7, verbose_name="credential")),
                ("credential_id", models.BigIntegerField(verbose_name="number of the credential")),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("test", "test"),
                            ("weapons", "weapons"),
                            ("drugs", "drugs"),
                            ("self_harm", "self_harm"),
                            ("sexual_minors", "sexual_minors"),
                            ("extremism", "extremism"),
                            ("harassment", "harassment"),
                            ("harassment/threatening", "harassment/threatening"),
                            ("hate", "hate"),
                            ("hate/threatening", "hate/threatening"),
                            ("illicit", "illicit"),
                            ("illicit/violent", "illicit/violent"),
                            ("self-harm", "self-harm"),
                            ("self-harm/instructions", "self-harm/instructions"),
                            ("self-harm/intent", "self-harm/intent"),
                            ("sexual", "sexual"),
                            ("sexual/minors", "sexual/minors"),
                            ("violence", "violence"),
                            ("violence/graphic", "violence/graphic"),
                        ],
                        max_length=32,
                        verbose_name="category",
                    ),
                ),
                ("rule", models.CharField(max_length=64, verbose_name="rule")),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("block", "refuse the request"),
                            ("flag", "let it pass and count it"),
                        ],
                        max_length=5,
                        verbose_name="action",
                    ),
                ),
                ("excerpt", models.CharField(max_length=100, verbose_name="excerpt")),
                (
                    "request_id",
                    models.CharField(blank=True, max_length=128, verbose_name="request"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                        verbose_name="account",
                    ),
                ),
            ],
            options={
                "verbose_name": "moderation event",
                "verbose_name_plural": "moderation events",
                "ordering": ("-created_at", "-pk"),
                "indexes": [
                    models.Index(fields=["rule", "created_at"], name="moderation_event_of_a_rule")
                ],
            },
        ),
    ]
