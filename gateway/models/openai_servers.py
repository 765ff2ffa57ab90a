"""The table of OpenAI-compatible servers that an operator adds: vLLM, Ollama, Yandex's own endpoint."""

import re
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from gateway.providers import registry
from gateway.providers.registry import BUILT_IN

KEYLESS = "keyless"
"""The name of the credential of a server that needs none."""

_slug = RegexValidator(
    re.compile(r"\A[a-z0-9][a-z0-9_-]*\Z"), _("Write small Latin letters, digits and _ - only.")
)


class OpenAIServer(models.Model):
    """One server. Its models are routes with its slug; its keys, where it needs any, are credentials."""

    slug = models.SlugField(
        _("slug"),
        max_length=32,
        unique=True,
        validators=[_slug],
        help_text=_("What routes, preferences and callers write, say ollama."),
    )
    name = models.CharField(_("name"), max_length=100)
    base_url = models.CharField(
        _("address"),
        max_length=500,
        help_text=_("/chat/completions is appended, so it mostly ends in /v1."),
    )
    ca_bundle_file = models.CharField(
        _("CA bundle"),
        max_length=500,
        blank=True,
        help_text=_("A PEM file on the server. Empty: the usual roots."),
    )
    concurrency = models.PositiveIntegerField(
        _("slots"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Requests at once, where it asks for no key. Empty: no cap of ours."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        app_label = "gateway"
        verbose_name = _("OpenAI-compatible provider")
        verbose_name_plural = _("OpenAI-compatible providers")
        ordering = ("slug",)
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="server_slug_is_lower",
                condition=models.Q(slug=Lower("slug")) & ~models.Q(slug=""),
            ),
            models.CheckConstraint(
                name="server_slug_is_its_own",
                condition=~models.Q(slug__in=tuple(BUILT_IN)),
                violation_error_message=_("This slug is taken by the service itself."),
            ),
            models.CheckConstraint(
                name="server_has_slots",
                condition=models.Q(concurrency__isnull=True) | models.Q(concurrency__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        try:
            registry.server(
                self.slug,
                base_url=self.base_url,
                api_key=None,
                ca_bundle_file=self.ca_bundle_file,
                timeouts={},
            )
        except (ValueError, OSError) as error:
            if isinstance(error, ValueError):
                why = _("Write an address that begins with http:// or https://.")
                raise ValidationError({"base_url": why}) from error
            unread = _("It cannot be read: %(cause)s") % {"cause": error}
            raise ValidationError({"ca_bundle_file": unread}) from error
