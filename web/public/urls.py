"""The paths of the public pages."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.generic import RedirectView

from web.public import docs
from web.public.landing import landing
from web.public.model_comparison import compare
from web.public.models import model, models
from web.public.reference import pages as reference_pages
from web.public.robots_txt import robots_txt
from web.public.security_txt import security_txt
from web.public.status import status

urlpatterns: list[URLPattern | URLResolver] = [
    path("", landing, name="landing"),
    path("models/", models, name="models"),
    path("models/compare/", compare, name="compare"),
    path("models/compare", RedirectView.as_view(pattern_name="compare", query_string=True)),
    path("models/<path:model_id>/", model, name="model"),
    path("models/<path:model_id>", model),
    path("status/", status, name="status"),
    path("docs/", docs.index, name="docs"),
    path("docs/api/", reference_pages.index),
    re_path(r"^docs/api/(?P<slug>[a-z]+)/$", reference_pages.section),
    re_path(r"^docs/(?:en/)?[a-z-]+/$", docs.page, name="docs_page"),
    path("terms/", docs.terms, name="terms"),
    path("privacy/", docs.privacy, name="privacy"),
    path(".well-known/security.txt", security_txt, name="security_txt"),
    path("robots.txt", robots_txt),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}favicon.svg")),
]
