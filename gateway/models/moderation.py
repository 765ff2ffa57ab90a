"""The tables of moderation: the rules that operators write, and the events of what they found."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.moderation.categories import CATEGORIES, TEST
from gateway.moderation.rules import BadRule, SearchRule, compiled_pattern, groups, words_of
from gateway.moderation.search import FLAGGED_INPUT_CHARACTERS
from gateway.moderation.word_forms import word_forms

MOST_WORDS_WITHIN = 30
MOST_CHARACTERS = 20_000


class ModerationRule(models.Model):
    """A rule as it is written: `forms` has all forms of its words, looked up when it is saved."""

    class RuleAction(models.TextChoices):
        BLOCK = "block", _("refuse the request")
        FLAG = "flag", _("let it pass and count it")

    class RuleTier(models.TextChoices):
        ALL = "all", _("everybody")
        FREE = "free", _("the free tier")
        PAID = "paid", _("the paid tier")

    name = models.SlugField(
        _("name"), max_length=64, unique=True, help_text=_("How events call it.")
    )
    category = models.CharField(
        _("category"), max_length=32, choices=[(name, name) for name in CATEGORIES]
    )
    action = models.CharField(
        _("action"),
        max_length=5,
        choices=RuleAction.choices,
        default=RuleAction.FLAG,
        help_text=_("Try a new rule by counting what it finds, for a day, before it refuses."),
    )
    tier = models.CharField(
        _("holds for"), max_length=4, choices=RuleTier.choices, default=RuleTier.ALL
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    words = models.TextField(
        _("words"),
        blank=True,
        max_length=MOST_CHARACTERS,
        help_text=_(
            "Words or phrases with commas between, each in all its forms. word* is a beginning, =word is"
            " meant as it stands."
        ),
    )
    near = models.TextField(
        _("near"),
        blank=True,
        max_length=MOST_CHARACTERS,
        help_text=_("One of each line must stand near; a comma at its end continues a line."),
    )
    unless = models.TextField(
        _("unless"),
        blank=True,
        max_length=MOST_CHARACTERS,
        help_text=_("Where one of these stands near, the rule does not hold."),
    )
    within_words = models.PositiveSmallIntegerField(
        _("how near, in words"),
        default=6,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_WORDS_WITHIN)],
    )
    pattern = models.TextField(
        _("pattern"),
        blank=True,
        max_length=1000,
        help_text=_("Instead of words: an RE2 expression for small letters without punctuation."),
    )
    forms = models.JSONField(_("forms"), default=dict, blank=True, editable=False)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        app_label = "gateway"
        verbose_name = _("moderation rule")
        verbose_name_plural = _("moderation rules")
        ordering = ("category", "name")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="moderation_rule_has_words_or_a_pattern",
                condition=(~models.Q(words="") & models.Q(pattern=""))
                | (models.Q(words="", near="", unless="") & ~models.Q(pattern="")),
                violation_error_message=_("Write words, or a pattern and nothing beside it."),
            ),
            models.CheckConstraint(
                name="moderation_rule_category_is_known",
                condition=models.Q(category__in=CATEGORIES),
            ),
            models.CheckConstraint(
                name="moderation_rule_action_is_known",
                condition=models.Q(action__in=["block", "flag"]),
            ),
            models.CheckConstraint(
                name="moderation_rule_tier_is_known",
                condition=models.Q(tier__in=["all", "free", "paid"]),
            ),
            models.CheckConstraint(
                name="moderation_rule_is_near_enough",
                condition=models.Q(within_words__gte=1, within_words__lte=MOST_WORDS_WITHIN),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        """Save the rule with the forms of its words, unless only other fields are saved."""
        if kwargs.get("update_fields") is None:
            self.forms = word_forms(words_of(self.words, self.near, self.unless))
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def clean(self) -> None:
        errors = {}
        for field in ("words", "near", "unless"):
            try:
                groups(getattr(self, field), {})
            except BadRule as error:
                errors[field] = str(error)
        try:
            if self.pattern:
                compiled_pattern(self.pattern)
        except BadRule as error:
            errors["pattern"] = str(error)
        if self.words and "words" not in errors and not groups(self.words, {}):
            errors["words"] = str(_("Write a word."))
        if errors:
            raise ValidationError(errors)

    def as_rule(self) -> SearchRule:
        """Return what is compiled. Raises BadRule."""
        if self.pattern:
            compiled_pattern(self.pattern)
        return SearchRule(
            name=self.name,
            category=self.category,
            action="block" if self.action == self.RuleAction.BLOCK else "flag",
            tier="all" if self.tier == "all" else "free" if self.tier == "free" else "paid",
            phrases=sum(groups(self.words, self.forms), ()),
            near=groups(self.near, self.forms),
            unless=sum(groups(self.unless, self.forms), ()),
            within_words=self.within_words,
            pattern=self.pattern,
        )


class ModerationEvent(models.Model):
    """A request that a rule refused, or would have. Kept for EVENT_RETENTION_DAYS, then deleted.

    `rule` is the rule's name then. `excerpt` is all that is kept of the text.
    """

    created_at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)
    account = models.ForeignKey(
        "accounts.Account",
        on_delete=models.CASCADE,
        db_constraint=False,  # a batch of events must not fail for an account that is gone
        related_name="+",
        verbose_name=_("account"),
    )
    credential_kind = models.CharField(_("credential"), max_length=7)
    credential_id = models.BigIntegerField(_("number of the credential"))
    category = models.CharField(
        _("category"), max_length=32, choices=[(name, name) for name in (TEST, *CATEGORIES)]
    )
    rule = models.CharField(_("rule"), max_length=64)
    action = models.CharField(_("action"), max_length=5, choices=ModerationRule.RuleAction.choices)
    excerpt = models.CharField(_("excerpt"), max_length=FLAGGED_INPUT_CHARACTERS)
    request_id = models.CharField(_("request"), max_length=128, blank=True)

    class Meta:
        app_label = "gateway"
        verbose_name = _("moderation event")
        verbose_name_plural = _("moderation events")
        ordering = ("-created_at", "-pk")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="moderation_event_of_a_rule", fields=["rule", "created_at"])
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.excerpt}"
