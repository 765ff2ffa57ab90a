"""The language of a person's mails: the one in which they logged in, or which they chose since."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import check_for_language
from django.views import i18n

from accounts.models import User


def remember(user: User, language: str) -> None:
    """Write to the person in this language from now on."""
    if user.language != language:
        user.language = language
        user.save(update_fields=["language"])


def set_language(request: HttpRequest) -> HttpResponseBase:
    """Show the pages in the language that is posted, as Django's view does, and remember it."""
    answer = i18n.set_language(request)
    language = request.POST.get("language", "")
    if isinstance(request.user, User) and check_for_language(language):
        remember(request.user, language)
    return answer
