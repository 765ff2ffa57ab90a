"""What operators tell people on the status page: an incident, while it lasts and for some days after."""

import datetime as dt
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

SHOWN_DAYS = 30
FIRST_YEAR, LAST_YEAR = 2000, 2199
"""Of a mistyped year before the first one PostgreSQL may keep a moment that cannot be read back."""


class ServiceIncident(models.Model):
    """An incident in both languages; without English words it is told in Russian. Open until `ended_at`."""

    title = models.CharField(_("title"), max_length=120)
    title_en = models.CharField(_("title in English"), max_length=120, blank=True)
    text = models.TextField(_("text"), blank=True, max_length=4000)
    text_en = models.TextField(_("text in English"), blank=True, max_length=4000)
    began_at = models.DateTimeField(_("began"), default=timezone.now, db_index=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        app_label = "gateway"
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="an_incident_ends_after_it_began",
                condition=models.Q(ended_at=None) | models.Q(ended_at__gte=models.F("began_at")),
                violation_error_message=_("An incident ends after it began."),
            )
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Refuse what nobody would be shown, and moments that would take the page down."""
        errors = {
            name: _("Check the year: an incident is between 2000 and 2199.")
            for name in ("began_at", "ended_at")
            if (moment := getattr(self, name)) and not FIRST_YEAR <= moment.year <= LAST_YEAR
        }
        if self.text_en and not self.title_en:
            errors["title_en"] = _("Write the title too: without it nobody is shown the text.")
        if errors:
            raise ValidationError(errors)

    @property
    def is_over(self) -> bool:
        """Say whether the moment of its end has come."""
        return self.ended_at is not None and self.ended_at <= timezone.now()

    @property
    def is_english(self) -> bool:
        """Say whether the reader gets English words."""
        return bool(self.title_en) and (get_language() or "").startswith("en")

    @property
    def shown_title(self) -> str:
        """Return the title in the reader's language, else in Russian."""
        return self.title_en if self.is_english else self.title

    @property
    def shown_text(self) -> str:
        """Return the text in the language of the shown title."""
        return self.text_en if self.is_english else self.text


def shown() -> list[ServiceIncident]:
    """Return the incidents that have begun and last, and those that ended of late, the newest first.

    Raises django.db.Error.
    """
    now = timezone.now()
    lately = models.Q(ended_at=None) | models.Q(ended_at__gte=now - dt.timedelta(days=SHOWN_DAYS))
    return list(
        ServiceIncident.objects.filter(lately, began_at__lte=now).order_by("-began_at", "-pk")
    )
