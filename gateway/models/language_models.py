"""The catalogue's tables: language models, their other names, and the routes that serve them."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.providers.profile import read_profile

_name = RegexValidator(
    re.compile(r"\A[a-z0-9][a-z0-9._:/-]*\Z"),
    _("Write small Latin letters, digits and . _ : / - only."),
)


def _is_lower(field: str) -> models.Q:
    return models.Q(**{field: Lower(field)}) & ~models.Q(**{field: ""})


class LanguageModel(models.Model):
    """A model as callers know it. What it costs stands in billing, who serves it in its routes."""

    class Purpose(models.TextChoices):
        CHAT = "chat", _("chat")
        EMBEDDINGS = "embeddings", _("embeddings")

    class ModelStatus(models.TextChoices):
        PREVIEW = "preview", _("preview")
        CURRENT = "current", _("current")
        LEGACY = "legacy", _("legacy")
        ENDED = "ended", _("ended")

    class WaitsFor(models.TextChoices):
        """What an operator must do before a model of the seed can be offered."""

        PRICE = "price", _("Its provider publishes no price: read it there, set it, then offer.")
        CACHED_PRICE = "cached_price", _("The price of its cached tokens is not known: set it.")
        OLD_PRICE = "old_price", _("The price known is of February 2026: compare, then offer.")
        CONTEXT = "context", _("The size of its context is not published: set it, then offer.")
        CONTRACT = "contract", _("It is sold by contract: set the price of yours, then offer.")
        RESALE = "resale", _("It is free for a person within a limit, and not for resale.")
        ENDED = "ended", _("Its provider has ended it.")

    public_id = models.CharField(
        _("id"),
        max_length=100,
        unique=True,
        validators=[_name],
        help_text=_("What callers write, say yandexgpt-lite:latest."),
    )
    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description in Russian"), blank=True)
    description_en = models.TextField(_("description in English"), blank=True)
    kind = models.CharField(_("kind"), max_length=16, choices=Purpose.choices, default=Purpose.CHAT)
    owned_by = models.CharField(_("owner"), max_length=50)
    context_tokens = models.PositiveIntegerField(
        _("context, tokens"), validators=[MinValueValidator(1)]
    )
    max_output_tokens = models.PositiveIntegerField(
        _("longest answer, tokens"), help_text=_("0 for embeddings.")
    )
    is_free = models.BooleanField(
        _("free"),
        default=False,
        help_text=_("May be used without credits; with them it is charged."),
    )
    is_auto = models.BooleanField(
        _("automatic"),
        default=False,
        help_text=_("Has no routes of its own: another model is chosen to answer."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    status = models.CharField(
        _("status"), max_length=16, choices=ModelStatus.choices, default=ModelStatus.CURRENT
    )
    deprecated_on = models.DateField(
        _("end announced on"),
        null=True,
        blank=True,
        help_text=_("Empty: the day on which the last day was set."),
    )
    ends_on = models.DateField(
        _("last day"),
        null=True,
        blank=True,
        help_text=_("Its users are told by mail; the day after it is served no more."),
    )
    successor = models.CharField(
        _("successor"),
        max_length=100,
        blank=True,
        help_text=_("The id of the model to use instead, under which lists show this one."),
    )
    waits_for = models.CharField(
        _("waits for"), max_length=16, choices=WaitsFor.choices, blank=True
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("language model")
        verbose_name_plural = _("language models")
        ordering = ("public_id",)
        constraints = (
            models.CheckConstraint(condition=_is_lower("public_id"), name="model_id_is_lower"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["chat", "embeddings"]), name="model_kind_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(context_tokens__gt=0), name="model_context_is_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="embeddings") | models.Q(max_output_tokens__gt=0),
                name="model_answers_something",
            ),
            models.CheckConstraint(
                condition=models.Q(is_auto=False) | models.Q(kind="chat", is_free=False),
                name="model_auto_is_paid_chat",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["preview", "current", "legacy", "ended"]),
                name="model_status_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(deprecated_on__isnull=True)
                | models.Q(ends_on__gte=models.F("deprecated_on")),
                name="model_end_is_announced_before",
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Date the announcement of an end that has none."""
        if self.ends_on is None:
            self.deprecated_on = None
        elif self.deprecated_on is None:
            self.deprecated_on = min(timezone.localdate(), self.ends_on)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        errors = {}
        if self.kind == "chat" and self.max_output_tokens == 0:
            errors["max_output_tokens"] = _("A chat model answers with a token at least.")
        if self.is_auto and (self.kind != "chat" or self.is_free):
            errors["is_auto"] = _("An automatic model is a chat model that is paid for.")
        if self.deprecated_on and self.ends_on and self.deprecated_on > self.ends_on:
            errors["deprecated_on"] = _("The end is announced on the last day at the latest.")
        if self.successor and (
            self.successor == self.public_id
            or not LanguageModel.objects.filter(public_id=self.successor).exists()
        ):
            errors["successor"] = _("Name the id of another model of the catalogue.")
        if Alias.objects.filter(name=self.public_id).exclude(model=self.pk).exists():
            errors["public_id"] = _("This name is an alias of another model.")
        if errors:
            raise ValidationError(errors)


class Alias(models.Model):
    """Another name of a model."""

    name = models.CharField(_("name"), max_length=100, unique=True, validators=[_name])
    model = models.ForeignKey(
        LanguageModel, on_delete=models.CASCADE, related_name="aliases", verbose_name=_("model")
    )
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("alias")
        verbose_name_plural = _("aliases")
        ordering = ("name",)
        constraints = (models.CheckConstraint(condition=_is_lower("name"), name="alias_is_lower"),)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if LanguageModel.objects.filter(public_id=self.name).exists():
            raise ValidationError({"name": _("A model has this id.")})


class Route(models.Model):
    """One way to serve a model. Routes of a lower `priority` come first; equals share by `weight`.

    `profile` is what `gateway.providers.profile.read_profile` reads.
    """

    model = models.ForeignKey(
        LanguageModel, on_delete=models.CASCADE, related_name="routes", verbose_name=_("model")
    )
    provider = models.SlugField(
        _("provider"),
        max_length=32,
        help_text=_("gigachat, yandexgpt, or the slug of an OpenAI-compatible provider."),
    )
    upstream_id = models.CharField(
        _("upstream id"),
        max_length=200,
        help_text=_("The provider's own name, say GigaChat-2-Pro or yandexgpt/rc."),
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"), default=0, help_text=_("The lowest is tried first.")
    )
    weight = models.PositiveSmallIntegerField(
        _("weight"), default=1, validators=[MinValueValidator(1)]
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    profile = models.JSONField(
        _("profile"),
        default=dict,
        blank=True,
        help_text=_("What the upstream model can do: the fields of a ModelProfile."),
    )
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("route")
        verbose_name_plural = _("routes")
        ordering = ("priority", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("model", "provider", "upstream_id"), name="route_is_unique"
            ),
            models.CheckConstraint(condition=_is_lower("provider"), name="route_provider_is_lower"),
            models.CheckConstraint(
                condition=~models.Q(upstream_id=""), name="route_upstream_is_named"
            ),
            models.CheckConstraint(
                condition=models.Q(weight__gt=0), name="route_weight_is_positive"
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider}: {self.upstream_id}"

    def clean(self) -> None:
        if self.provider != self.provider.lower():
            raise ValidationError({"provider": _("Write the provider in small letters.")})
        try:
            read_profile(self.profile, context_tokens=1, max_output_tokens=1)
        except ValueError as error:
            raise ValidationError({"profile": str(error)}) from error
