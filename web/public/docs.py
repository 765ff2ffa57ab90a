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
    language = _language()
    hits = find(query, language)
    in_russian = () if language == "ru" else dict.fromkeys(hit.page for hit in find(query, "ru"))
    context = {**_shelf(), "query": query, "hits": hits, "pages_in_russian": tuple(in_russian)}
    return render(request, "docs/index.html", context)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the document of this address, whatever the visitor's language."""
    found = manual.page_at(request.path)
    if found is None:
        raise Http404
    return _show(request, found)


@require_safe
def api_reference(request: HttpRequest) -> HttpResponse:
    """Show the OpenAPI document with Swagger UI, all of whose files are our own static ones."""
    return render(request, "docs/api.html")


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    """Show the terms in the visitor's language."""
    return _show(request, manual.TERMS if _language() == "ru" else manual.TERMS_IN_ENGLISH)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Show the privacy policy in the visitor's language."""
    return _show(request, manual.PRIVACY if _language() == "ru" else manual.PRIVACY_IN_ENGLISH)


def _show(request: HttpRequest, found: manual.Page) -> HttpResponse:
    """Render a document. The frame of an English one is English, else in the visitor's language."""
    language: manual.Language = "en" if found.language == "en" else _language()
    twin = manual.twin(found)
    before, after = manual.neighbours(found)
    document = manual.document(found)
    with translation.override(language):
        context = {
            **_shelf(),
            "page": found,
            "document": document,
            "body": mark_safe(fill(document.html, found.language)),  # noqa: S308  # no HTML of others
            "has_key": KEY_PLACEHOLDER in document.html,
            "twin": twin,
            "language_next": twin.address if twin and not found.is_legal else None,
            "before": before,
            "after": after,
        }
        response = render(request, "docs/page.html", context)
    response.headers["Content-Language"] = language
    return response


def _shelf() -> dict[str, object]:
    """Return the entries of the side navigation."""
    return {
        "groups": manual.GROUPS,
        "legal_pages": (manual.TERMS, manual.PRIVACY, manual.POLICY),
        "english_pages": tuple(page for page in manual.PAGES if page.language == "en"),
    }


def _language() -> manual.Language:
    return "en" if translation.get_language() == "en" else "ru"
