"""The pages of the API reference: their HTML, which is rendered once, and the views around it."""

import functools

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from web.public import manual
from web.public.reference.sections import Reference, ReferenceSection, reference


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show what holds for every operation, the list of them, and every error code."""
    language = manual.language_of_reader()
    found = reference(language, settings.PUBLIC_URL)
    body = _body("docs/_api_index.html", None, language, settings.PUBLIC_URL)
    return render(request, "docs/api.html", _context(language, found) | {"body": body})


@require_safe
def section(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the operations of one tag."""
    language = manual.language_of_reader()
    found = reference(language, settings.PUBLIC_URL)
    one = _section(found, slug)
    if one is None:
        raise Http404
    body = _body("docs/_api_section.html", slug, language, settings.PUBLIC_URL)
    context = _context(language, found) | {"section": one, "body": body}
    return render(request, "docs/api_section.html", context)


def _context(language: manual.Language, found: Reference) -> dict[str, object]:
    return {
        "shelves": manual.shelves(language),
        "reference": found,
        "reference_sections": found.sections,
    }


def _section(found: Reference, slug: str | None) -> ReferenceSection | None:
    return next((section for section in found.sections if section.slug == slug), None)


@functools.cache
def _body(
    template: str, slug: str | None, language: manual.Language, public_url: str
) -> SafeString:
    """Return what is the same for every reader of a language."""
    found = reference(language, public_url)
    context = {
        "reference": found,
        "section": _section(found, slug),
        "errors_address": manual.ERRORS[language].address,
    }
    with translation.override(language):
        return render_to_string(template, context)
