"""Forms of a question bank: opening one, its people, and what its list shows."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from community.api import Organisation, User
from courses.models import BankRole, QuestionBank, QuestionKind, QuestionVersion


class BankForm(forms.Form):
    """A new bank of an organisation that the person answers for."""

    organisation = forms.ModelChoiceField(Organisation.objects.none(), label=_("Organisation"))
    slug = forms.SlugField(label=_("Short name in addresses"), max_length=60)
    name_zh = forms.CharField(label=_("Name (Chinese)"), max_length=120)
    name_en = forms.CharField(label=_("Name (English)"), max_length=120)

    def __init__(self, *args: Any, organisations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations  # type: ignore[attr-defined]

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if QuestionBank.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("Another bank has this short name already."))
        return slug


class MemberForm(forms.Form):
    """Somebody who writes or reviews in the bank from now on."""

    person = forms.CharField(label=_("User name or e-mail address"), max_length=254)
    role = forms.ChoiceField(label=pgettext_lazy("question bank", "role"), choices=BankRole.choices)

    def clean_person(self) -> User:
        told = self.cleaned_data["person"].strip()
        found = User.objects.filter(is_active=True).filter(**_called(told)).first()
        if found is None:
            raise forms.ValidationError(_("Nobody here is called: %(names)s"), params={"names": told})
        return found


def _called(told: str) -> dict[str, str]:
    return {"email__iexact": told} if "@" in told else {"username": told}


class QuestionFilter(forms.Form):
    """What a list of questions shows; anything else in the address is as good as not asked."""

    q = forms.CharField(label=_("Search words or code"), max_length=200, required=False)
    kind = forms.ChoiceField(
        label=pgettext_lazy("question", "Kind"),
        choices=[("", _("All kinds")), *QuestionKind.choices],
        required=False,
    )
    state = forms.ChoiceField(label=pgettext_lazy("question", "State"), required=False)
    tag = forms.CharField(label=_("Tag"), max_length=40, required=False)
    clause = forms.CharField(label=_("Clause reference"), max_length=120, required=False)
    lacks = forms.ChoiceField(
        label=_("Language missing"),
        choices=[
            ("", _("Does not matter")),
            ("zh", _("Chinese is missing")),
            ("en", _("English is missing")),
        ],
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        from_model = QuestionVersion._meta.get_field("state").choices or []
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = [  # type: ignore[attr-defined]
            ("", _("In use or in work")),
            *from_model,
            ("retired", pgettext_lazy("question", "Retired")),
        ]

    @property
    def wish(self) -> dict[str, str]:
        self.is_valid()
        return {name: str(self.cleaned_data.get(name, "")).strip() for name in self.fields}
