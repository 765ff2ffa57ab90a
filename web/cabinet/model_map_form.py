"""The rows of the model map's form: a name or a pattern, and the model that it stands for."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.errors import InvalidModelMap
from accounts.model_map.matching import ENTRIES_MAX, NAME_MAX_CHARS, check_names
from gateway.api.error_texts import translated
from gateway.pipeline.admission.model_map import check_targets

EMPTY_ROWS = 3
NAMES = "names"


class EntryForm(forms.Form):
    """One row; without a name it is none."""

    name = forms.CharField(
        label=gettext_lazy("Name or pattern"),
        required=False,
        max_length=NAME_MAX_CHARS,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    model = forms.ChoiceField(label=gettext_lazy("Answered by"), required=False)

    def __init__(self, *args: Any, model_ids: Iterable[str], **options: Any):
        """Offer these models, and the one that stands there though it is not served any more."""
        super().__init__(*args, **options)
        named = dict.fromkeys([*model_ids, self.initial.get("model", "")])
        field = cast("forms.ChoiceField", self.fields["model"])
        field.choices = [("", "—"), *((model, model) for model in named if model)]

    @property
    def entry(self) -> tuple[str, str]:
        """The name and the model; both are empty in a row that was left empty."""
        return self.cleaned_data.get("name", ""), self.cleaned_data.get("model", "")


class _Entries(forms.BaseFormSet):  # type: ignore[type-arg]  # Django's own takes no argument
    def clean(self) -> None:
        """Put what the domain refuses at its row."""
        if any(self.errors):
            return
        seen: set[str] = set()
        for form in self.forms:
            name, model = form.entry
            if not name:
                continue
            if not model:
                form.add_error("model", _("Choose the model that answers."))
            elif name.lower() in seen:
                form.add_error("name", _("This name stands above already."))
            else:
                self._check(form, {name: model})
            seen.add(name.lower())

    def _check(self, form: EntryForm, entry: Mapping[str, str]) -> None:
        try:
            check_names(entry)
            check_targets(entry)
        except InvalidModelMap as error:
            form.add_error("name", translated(f"{error.name} {error}", get_language() or "ru"))

    @property
    def entries(self) -> dict[str, str]:
        """Return the names with their models."""
        return dict(form.entry for form in self.forms if form.entry[0])


EntriesFormSet = forms.formset_factory(
    EntryForm,
    formset=_Entries,
    extra=EMPTY_ROWS,
    max_num=ENTRIES_MAX,
    absolute_max=ENTRIES_MAX,
    validate_max=True,
)


def entries_form(
    entries: Mapping[str, str], model_ids: Iterable[str], data: Mapping[str, Any] | None = None
) -> _Entries:
    """Return the form with these entries and some empty rows, bound to `data` where that is given."""
    rows = [{"name": name, "model": model} for name, model in entries.items()]
    form = EntriesFormSet(
        data, initial=rows, prefix=NAMES, form_kwargs={"model_ids": list(model_ids)}
    )
    return cast("_Entries", form)
