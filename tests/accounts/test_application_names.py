"""An application may not call itself XRouter, in whatever letters."""

import pytest

from accounts.oauth import applications, names
from tests.accounts.oauth_clients import CALLBACK, new_app, person

FORBIDDEN = (
    *(
        "XRouter",
        "xrouter",
        "XROUTER",
        "X Router",
        "X-R-o-u-t-e-r",
        "My XRouter",
        "XRouter Support",
    ),
    *(
        "ХRouter",
        "XRоuter",
        "ΧRoυter",
        "XRοuтеr",
        "хгоuтег",
        "ＸＲｏｕｔｅｒ",
        "𝐗𝐑𝐨𝐮𝐭𝐞𝐫",
        "XR0uter",
    ),
    *(
        "X\u200bRouter",
        "X\u00adRouter",
        "XŔőůṫėř",
        "X Я outer",
        "xr○uter",
        "✖Router",
        "ХРоутер",
        "Икс-Роутер",
    ),
)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_our_name_is_found_however_it_is_written(name):
    with pytest.raises(names.ReservedName):
        names.check(name)


@pytest.mark.parametrize(
    "name",
    ["Заметки", "OpenRouter", "Router X", "Роутер", "Notes for x", "Хорошо", "Express Route", ""],
)
def test_other_names_are_free(name):
    names.check(name)


@pytest.mark.django_db
def test_neither_a_new_nor_a_known_application_gets_it():
    with pytest.raises(names.ReservedName):
        new_app(name="XRouter")
    app = new_app().application
    with pytest.raises(names.ReservedName):
        applications.edit(application=app, name="Х-Router", addresses=[CALLBACK])
    app.refresh_from_db()
    assert (app.name, app.user) == ("Заметки", person("pierre@example.ru"))
