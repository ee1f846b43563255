"""What people may ask of the labs' pages, and set for their organisation."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from community.api import Organisation, User
from labs.models import Budget, Lab, Level, Place, TaughtClass
from labs.scheduling.bookings import Wish


class CatalogueFilter(forms.Form):
    """Words and a level; anything else in the address is as good as not asked."""

    q = forms.CharField(label=_("Search the labs"), max_length=200, required=False)
    level = forms.ChoiceField(
        label=_("Level"), choices=[("", _("All levels")), *Level.choices], required=False
    )

    @property
    def wish(self) -> dict[str, str]:
        """What was asked, by field; empty where nothing usable was."""
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in self.fields}


class StopReason(forms.Form):
    """Why an operator stops somebody's sandbox."""

    words = forms.CharField(
        label=_("Why it is stopped"),
        help_text=_("Kept in the log of acts, where other operators read it."),
        max_length=300,
    )


class NewClass(forms.Form):
    """The name of a class to open."""

    name = forms.CharField(label=_("Name of the class"), max_length=120)


class JoinCode(forms.Form):
    """The code that an instructor gave out."""

    code = forms.CharField(
        label=_("Code of the class"), max_length=20, help_text=_("Eight letters and digits.")
    )


class ListedNames(forms.Form):
    """User names or addresses, one a line, and what they do in the class."""

    names = forms.CharField(
        label=_("User names or e-mail addresses, one a line"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    role = forms.ChoiceField(label=_("They are"), choices=Place.choices, initial=Place.LEARNS)


class BudgetForm(forms.ModelForm):
    """A budget of ``organisation``: for everybody in it, for one of its people, or for a group of them."""

    class Meta:
        model = Budget
        fields = ("learner", "group", "amount", "stops")
        labels = {"learner": _("For one person"), "group": _("For a group")}
        help_texts = {
            "learner": _("Leave person and group empty for a budget that counts everybody."),
        }

    def __init__(self, *args: Any, organisation: Organisation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.organisation = organisation
        people = User.objects.filter(memberships__organisation=organisation, memberships__left_at=None)
        self.fields["learner"] = forms.ModelChoiceField(
            people.distinct(),
            required=False,
            label=self.fields["learner"].label,
            help_text=self.fields["learner"].help_text,
            empty_label=_("Nobody in particular"),
        )
        self.fields["group"] = forms.ModelChoiceField(
            Group.objects.filter(user__in=people).distinct(),
            required=False,
            label=self.fields["group"].label,
            empty_label=_("No group"),
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("learner") and cleaned.get("group"):
            self.add_error("group", _("Choose a person or a group, not both."))
        return cleaned


class BookingForm(forms.Form):
    """Seats of a lab for a class, at a time."""

    lab = forms.ModelChoiceField(label=_("Lab"), queryset=Lab.objects.none())
    taught_class = forms.ModelChoiceField(
        label=_("Your class"),
        queryset=TaughtClass.objects.none(),
        required=False,
        empty_label=_("None; list who attends, or hand out the link"),
        help_text=_("Whoever learns in it when the time comes attends."),
    )
    title = forms.CharField(
        label=_("What the class is called"),
        max_length=120,
        required=False,
        help_text=_("Left empty, it is called as your class is."),
    )
    seats = forms.IntegerField(label=_("Seats"), min_value=1, max_value=1000)
    begins_at = forms.DateTimeField(
        label=_("Begins"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )
    minutes = forms.IntegerField(
        label=_("Lasts, in minutes"),
        min_value=5,
        max_value=60 * 24,
        initial=90,
        help_text=_("The seats are kept for all of this time; a session ends with its class at the latest."),
    )
    names = forms.CharField(
        label=_("Who attends"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_(
            "User names or e-mail addresses, one per line. Leave it empty to hand out the link instead."
        ),
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        classes = TaughtClass.objects.taught_by(person)
        self.fields["taught_class"].queryset = classes  # type: ignore[attr-defined]
        labs = Lab.objects.published()
        self.fields["lab"].queryset = labs  # type: ignore[attr-defined]
        slug = self.initial.get("lab")
        self.initial["lab"] = labs.filter(slug=slug).first() if slug else None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        names = {name.strip() for name in cleaned.get("names", "").splitlines() if name.strip()}
        people = list(User.objects.filter(Q(username__in=names) | Q(email__in=names), is_active=True))
        known = {person.username for person in people} | {person.email for person in people}
        if unknown := sorted(names - known):
            self.add_error("names", _("Nobody here is called: %(names)s") % {"names": ", ".join(unknown)})
        taught = cleaned.get("taught_class")
        if not cleaned.get("title"):
            cleaned["title"] = taught.name if taught else ""
        if not cleaned["title"] and "title" not in self.errors:
            self.add_error("title", _("Say what the class is called, or choose one of yours."))
        learners = taught.places.filter(role=Place.LEARNS).count() if taught else 0
        if cleaned.get("seats") and learners > cleaned["seats"]:
            words = ngettext(
                "The class has %(count)d learner; book a seat for each.",
                "The class has %(count)d learners; book a seat for each.",
                learners,
            )
            self.add_error("seats", words % {"count": learners})
        if cleaned.get("seats") and len(people) > cleaned["seats"]:
            self.add_error("names", _("These are more people than seats."))
        cleaned["people"] = people
        return cleaned

    @property
    def wish(self) -> Wish:
        """What was asked, once the form is valid."""
        asked = self.cleaned_data
        return Wish(
            lab=asked["lab"],
            title=asked["title"],
            taught_class=asked["taught_class"],
            seats=asked["seats"],
            begins_at=asked["begins_at"],
            ends_at=asked["begins_at"] + timedelta(minutes=asked["minutes"]),
        )
