"""The form of a page as a browser would send it, filled in as it is shown."""

from html.parser import HTMLParser

from django.http.response import HttpResponseBase

Fields = dict[str, list[str]]


class _Reader(HTMLParser):
    """Collects the fields of the forms whose method is POST."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: Fields = {}
        self._is_inside = False
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self._is_inside = given.get("method", "get").lower() == "post"
        elif not self._is_inside or "__prefix__" in name:
            return
        elif tag == "input" and name and "disabled" not in given:
            kind = given.get("type", "text")
            is_box = kind in {"checkbox", "radio"}
            if kind not in {"submit", "file"} and ("checked" in given or not is_box):
                self._add(name, given.get("value", "on" if is_box else ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self._add(self._select, given.get("value", ""))
        elif tag == "textarea":
            self._textarea = name
            self.fields[name] = [""]

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.fields[self._textarea] = [self.fields[self._textarea][0] + data]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._textarea:
            # A browser drops the first line break, which the template wrote.
            text = self.fields[self._textarea][0]
            self.fields[self._textarea] = [text.removeprefix("\r").removeprefix("\n")]
            self._textarea = ""

    def _add(self, name: str, value: str) -> None:
        self.fields.setdefault(name, []).append(value)


def fields_of(page: HttpResponseBase) -> Fields:
    """Return what would be sent, by the name of the field."""
    reader = _Reader()
    reader.feed(b"".join(page).decode())
    return reader.fields
