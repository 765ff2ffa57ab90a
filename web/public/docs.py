"""Documentation: the index with search, the pages, terms and privacy policy."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from web.public import manual
from web.public.code_samples import KEY_PLACEHOLDER
from web.public.operator_fields import fill
from web.public.search import find

LONGEST_QUERY = 100


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show the index, or what `?q=` finds."""
    query = " ".join(request.GET.get("q", "")[:LONGEST_QUERY].split())
    language = manual.language_of_reader()
    hits = find(query, language)
    context = {"shelves": manual.shelves(language), "query": query, "hits": hits}
    return render(request, "docs/index.html", context)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the document of this address, whatever the visitor's language."""
    found = manual.page_at(request.path)
    if found is None:
        raise Http404
    return _show(request, found)


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """Show the terms in the visitor's language."""
    return _show(request, manual.TERMS[manual.language_of_reader()])


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Show the privacy policy in the visitor's language."""
    return _show(request, manual.PRIVACY[manual.language_of_reader()])


def _show(request: HttpRequest, found: manual.Page) -> HttpResponse:
    """Render a document. The frame of an English one is English, else in the visitor's language."""
    language: manual.Language = "en" if found.language == "en" else manual.language_of_reader()
    twin = manual.twin(found)
    before, after = manual.neighbours(found)
    document = manual.document(found)
    with translation.override(language):
        context = {
            "shelves": manual.shelves(language),
            "page": found,
            "document": document,
            "body": mark_safe(fill(document.html, found.language)),  # noqa: S308  # no HTML of others
            "has_key": KEY_PLACEHOLDER in document.html,
            "twin": twin,
            "language_next": None if found.is_legal else twin.address,
            "before": before,
            "after": after,
        }
        response = render(request, "docs/page.html", context)
    response.headers["Content-Language"] = language
    return response
