"""A list of the admin whose address may ask for anything: for what cannot be, it leads to the whole list."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db import DataError, OperationalError
from django.http import HttpRequest
from django.utils.translation import gettext
from psycopg.errors import QueryCanceled

UNREADABLE = (ValueError, OverflowError, DataError)
"""What comes of years, numbers and characters that no date, column or database can have."""


class CheckedList(ChangeList):
    """Reads its rows at once, so that a wrong filter is found before a page of them is begun.

    Raises IncorrectLookupParameters.
    """

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(request, *args, **kwargs)
            len(self.result_list)  # the query keeps what it has read
        except UNREADABLE as error:
            raise IncorrectLookupParameters from error
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            messages.warning(request, gettext("The list is too long for that: choose days too."))
            raise IncorrectLookupParameters from error
