"""The tables of prices, each dated: what callers pay, and what providers charge us."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _


class Price(models.Model):
    """What a model's tokens cost from a moment on, in nano-credits per token."""

    model_id = models.TextField(_("model"))
    valid_from = models.DateTimeField(_("valid from"))
    prompt_nano = models.BigIntegerField(_("prompt"))
    completion_nano = models.BigIntegerField(_("completion"))
    cached_nano = models.BigIntegerField(_("cached prompt"))

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                name="one_price_a_model_and_moment", fields=["model_id", "valid_from"]
            ),
            models.CheckConstraint(
                name="price_is_positive",
                condition=Q(prompt_nano__gt=0, completion_nano__gte=0, cached_nano__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id}, {_moment(self.valid_from)}"


class UpstreamPrice(models.Model):
    """What the tokens of a provider's model cost us from a moment on, in nano-credits per token."""

    provider = models.SlugField(_("provider"), max_length=32, db_index=False)
    upstream_id = models.CharField(
        _("upstream id"),
        max_length=200,
        help_text=_("The provider's own name, as the routes write it."),
    )
    valid_from = models.DateTimeField(_("valid from"))
    prompt_nano = models.BigIntegerField(_("prompt"))
    completion_nano = models.BigIntegerField(_("completion"))
    cached_nano = models.BigIntegerField(_("cached prompt"))
    source = models.CharField(
        _("source"),
        max_length=300,
        blank=True,
        help_text=_("Who says so, and when: a tariff page, a contract."),
    )

    class Meta:
        verbose_name = _("upstream price")
        verbose_name_plural = _("upstream prices")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                name="one_upstream_price_a_model_and_moment",
                fields=["provider", "upstream_id", "valid_from"],
            ),
            models.CheckConstraint(
                name="upstream_price_is_positive",
                condition=Q(prompt_nano__gt=0, completion_nano__gte=0, cached_nano__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.upstream_id}, {_moment(self.valid_from)}"


def _moment(at: datetime) -> str:
    """Return Moscow's date and time as the reader's language writes them."""
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")
