"""What people fill in: something to verify, and why a credential's standing changes."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from certification import inspection, wording
from certification.attachments import LARGEST_PDF
from certification.inspection import CannotRead
from certification.models.programme import check_clauses
from certification.shapes import LARGEST_BYTES


class VerifyForm(forms.Form):
    """An id, a link or the credential's text; or a file. Afterwards ``public_id`` or ``text`` is set."""

    asked = forms.CharField(
        label=_("Id, link or certificate data"),
        help_text=_(
            "The id printed under the QR code, the link behind it, or the contents of the JSON file."
        ),
        required=False,
        max_length=LARGEST_BYTES,
        strip=True,
        widget=forms.Textarea(
            attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off", "class": "code-input"}
        ),
    )
    file = forms.FileField(
        label=_("Certificate file"),
        help_text=_("The PDF or JSON file as the holder downloaded it, up to 4 MB."),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".pdf,.json,application/pdf,application/json"}),
    )

    def __init__(self, *args: Any, hosts: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hosts = hosts
        self.public_id = ""
        self.text = ""

    def clean_asked(self) -> str:
        asked = str(self.cleaned_data["asked"])
        try:
            self.public_id = inspection.public_id_in(asked, self.hosts) if asked else ""
        except CannotRead as error:
            raise forms.ValidationError(wording.CANNOT_READ[error.why], code="unreadable") from error
        if asked and not self.public_id and not asked.startswith("{"):
            raise forms.ValidationError(wording.CANNOT_READ["not a credential"], code="unreadable")
        self.text = "" if self.public_id else asked
        return asked

    def clean_file(self) -> UploadedFile | None:
        file: UploadedFile | None = self.cleaned_data["file"]
        if file is None:
            return None
        if file.size is None or file.size > LARGEST_PDF:
            raise forms.ValidationError(wording.CANNOT_READ["too large"], code="unreadable")
        try:
            self.text = inspection.credential_text(file.read())
        except CannotRead as error:
            raise forms.ValidationError(wording.CANNOT_READ[error.why], code="unreadable") from error
        self.public_id = ""
        return file

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not self.public_id and not self.text:
            self.add_error("asked", _("Give an id, a link or the certificate's data, or choose its file."))
        return cleaned


class ReasonForm(forms.Form):
    """Why an operator changes a credential's standing."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Kept in the history; shown to operators and to the holder."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ClausesField(forms.CharField):
    """Clause references, one a line, kept as a list."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        lines = [line.strip() for line in str(super().to_python(value)).splitlines()]
        return list(dict.fromkeys(line for line in lines if line))

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        check_clauses(value)

    def run_validators(self, value: list[str]) -> None:
        """The lines were checked one by one; CharField's own validators are for a single text."""
