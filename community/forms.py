"""What people fill in about themselves."""

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from community.models import User


def tidy_name(name: str) -> str:
    """``name`` on one line with single spaces, as it will be printed."""
    return " ".join(name.split())


def clean_name(name: str) -> str:
    """``name`` as it will be printed. Raises ValidationError when it is empty or holds invisible characters."""
    tidied = tidy_name(name)
    if not tidied or not tidied.isprintable():
        raise forms.ValidationError(
            _("Write the name with letters, characters, spaces and punctuation only.")
        )
    return tidied


class PrintedNameForm(forms.Form):
    """The part of sign-up that is ours: the name certificates will carry."""

    printed_name = forms.CharField(
        label=_("Name on certificates"),
        max_length=100,
        help_text=_(
            "Printed on your certificates exactly as written here, for example 王小云 or Wang Xiaoyun."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    field_order = ("printed_name", "username", "email", "password1", "password2")

    def clean_printed_name(self) -> str:
        return clean_name(self.cleaned_data["printed_name"])

    def signup(self, request: HttpRequest, user: User) -> None:
        """Keeps the printed name on the account that allauth has just made."""
        user.printed_name = self.cleaned_data["printed_name"]
        user.save(update_fields=["printed_name"])


class PersonForm(forms.ModelForm):
    """A person's own particulars."""

    printed_name = PrintedNameForm.base_fields["printed_name"]
    clean_printed_name = PrintedNameForm.clean_printed_name

    class Meta:
        model = User
        fields = ("printed_name",)


class TokenForm(forms.Form):
    """A name that tells this token from the others."""

    name = forms.CharField(
        label=_("What is this token for"),
        max_length=80,
        help_text=_("For example: homework script on my laptop."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
