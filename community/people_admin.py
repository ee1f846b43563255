"""People in Wagtail's administration: the printed name, and nothing that lets an operator make administrators."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from wagtail.users.forms import UserCreationForm, UserEditForm
from wagtail.users.views.users import CreateView, EditView, UserViewSet

from community.forms import clean_name
from community.models import Role


class Particulars(forms.ModelForm):
    """What both forms add to Wagtail's: our name field, and limits for those who are no administrators."""

    def limit(self, acting_is_superuser: bool) -> None:
        """Only administrators make administrators or use groups that are no roles."""
        for name in ("first_name", "last_name"):
            self.fields[name].required = False
        if not acting_is_superuser:
            self.fields.pop("is_superuser", None)
            self.fields["groups"].queryset = Group.objects.filter(name__in=Role.values)  # type: ignore[attr-defined]

    def clean_printed_name(self) -> str:
        name = self.cleaned_data["printed_name"]
        return clean_name(name) if name else ""


class PersonCreationForm(Particulars, UserCreationForm):
    def __init__(self, *args: Any, acting_is_superuser: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limit(acting_is_superuser)

    class Meta(UserCreationForm.Meta):
        fields = UserCreationForm.Meta.fields | {"printed_name"}


class PersonEditForm(Particulars, UserEditForm):
    def __init__(self, *args: Any, acting_is_superuser: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limit(acting_is_superuser)

    class Meta(UserEditForm.Meta):
        fields = UserEditForm.Meta.fields | {"printed_name"}


class PersonCreateView(CreateView):
    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"acting_is_superuser": self.request.user.is_superuser}


class PersonEditView(EditView):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuses anyone but an administrator who would edit an administrator."""
        if self.object.is_superuser and not request.user.is_superuser:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"acting_is_superuser": self.request.user.is_superuser}


class PersonViewSet(UserViewSet):
    add_view_class = PersonCreateView
    edit_view_class = PersonEditView

    def get_form_class(self, for_update: bool = False) -> type[forms.ModelForm]:
        return PersonEditForm if for_update else PersonCreationForm
