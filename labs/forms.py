"""What people may ask of the lab catalogue."""

from django import forms
from django.utils.translation import gettext_lazy as _

from labs.models import Level


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
