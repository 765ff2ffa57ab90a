"""The operators' page of incidents, which the status page tells people of."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.audit.audited_admin import AuditedAdmin
from accounts.audit.day_filter import DayFilter
from gateway.models import ServiceIncident


@admin.register(ServiceIncident)
class ServiceIncidentAdmin(AuditedAdmin):
    """An incident, written by hand; it is over once the time of its end is there."""

    list_display = ("title", "began_at", "ended_at")
    list_filter = (DayFilter.of("began_at"),)
    search_fields = ("title", "title_en", "text")
    search_help_text = _("Words of the title or of the text")
    ordering = ("-began_at",)
    fieldsets = (
        (_("In Russian"), {"fields": ("title", "text")}),
        (_("In English"), {"fields": ("title_en", "text_en")}),
        (_("Dates"), {"fields": ("began_at", "ended_at")}),
    )
