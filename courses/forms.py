"""What an organisation sets for its cohorts."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from courses.cohorts import Terms
from courses.models import WayIn


def day(label: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, input_formats=["%Y-%m-%d"])


class CohortForm(forms.Form):
    """The terms of a cohort."""

    name = forms.CharField(label=_("Name of the cohort"), max_length=120)
    starts_on = day(_("First day"))
    ends_on = day(_("Last day"))
    seats = forms.IntegerField(
        label=_("Seats"),
        min_value=1,
        max_value=100_000,
        required=False,
        help_text=_("Left empty, there is no limit. Who comes when all are taken waits for one."),
    )
    way_in = forms.ChoiceField(label=_("How people come in"), choices=WayIn.choices)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("starts_on"), cleaned.get("ends_on")
        if first and last and last < first:
            self.add_error("ends_on", _("The last day cannot be before the first."))
        return cleaned

    @property
    def terms(self) -> Terms:
        """What was asked, once the form is valid."""
        asked = self.cleaned_data
        return Terms(
            name=asked["name"],
            starts_on=asked["starts_on"],
            ends_on=asked["ends_on"],
            seats=asked["seats"],
            way_in=WayIn(asked["way_in"]),
        )


class NewCohortForm(CohortForm):
    """A cohort to open: of which course, under which terms, taught by whom."""

    course = forms.ChoiceField(label=_("Course"))
    instructor = forms.CharField(
        label=_("Its instructor"),
        max_length=254,
        required=False,
        help_text=_("User name or e-mail address. Left empty, it is you; others can be added later."),
    )
    field_order = ("course", "name", "starts_on", "ends_on", "seats", "way_in", "instructor")

    def __init__(self, *args: Any, courses: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["course"].choices = courses  # type: ignore[attr-defined]


class InstructorForm(forms.Form):
    name = forms.CharField(
        label=_("Add an instructor"),
        max_length=254,
        help_text=_("User name or e-mail address."),
    )
