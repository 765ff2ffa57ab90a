"""Texts of Django's own admin that this project translates anew.

Django's Russian for them takes whatever was added for masculine: «Цена … был успешно добавлен».
The project's catalogue goes before Django's.
"""

from django.utils.translation import gettext_noop, ngettext_lazy

TRANSLATED_ANEW = (
    gettext_noop("The {name} “{obj}” was added successfully."),
    gettext_noop("The {name} “{obj}” was added successfully. You may add another {name} below."),
    gettext_noop("The {name} “{obj}” was changed successfully."),
    gettext_noop("The {name} “{obj}” was changed successfully. You may edit it again below."),
    gettext_noop("The {name} “{obj}” was changed successfully. You may add another {name} below."),
    gettext_noop("The %(name)s “%(obj)s” was deleted successfully."),
    ngettext_lazy(
        "%(count)s %(name)s was changed successfully.",
        "%(count)s %(name)s were changed successfully.",
        "count",
    ),
)
