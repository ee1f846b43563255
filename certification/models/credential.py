"""A credential as issued, its standing, and every change of it."""

import secrets
import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from certification.status_list import ENTRIES

# 32 characters that nobody confuses when reading them aloud: 26 of them carry 130 random bits.
ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz0"
ID_LENGTH = 26


def new_public_id() -> str:
    """An id that cannot be guessed: 130 random bits."""
    return "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


def new_subject_id() -> str:
    """An id of the holder in one credential only, so that two credentials do not tell who is the same person."""
    return f"urn:uuid:{uuid.uuid4()}"


class Act(models.TextChoices):
    """What can happen to a credential."""

    ISSUED = "issued", pgettext_lazy("act", "Issued")
    SUSPENDED = "suspended", pgettext_lazy("act", "Suspended")
    REINSTATED = "reinstated", pgettext_lazy("act", "Reinstated")
    REVOKED = "revoked", pgettext_lazy("act", "Revoked")


class CredentialQuerySet(models.QuerySet["Credential"]):
    def standing(self) -> Self:
        """Not revoked; it may be suspended or expired."""
        return self.filter(revoked_at=None)

    def revoked(self) -> Self:
        return self.exclude(revoked_at=None)

    def suspended(self) -> Self:
        return self.exclude(suspended_at=None)

    def of(self, holder: models.Model) -> Self:
        return self.filter(holder=holder)

    def matching(self, words: str) -> Self:
        """Those whose printed name, programme or id holds ``words``."""
        return self.filter(
            models.Q(printed_name__icontains=words)
            | models.Q(public_id=words.lower())
            | models.Q(programme__title_zh__icontains=words)
            | models.Q(programme__title_en__icontains=words)
            | models.Q(holder__username__iexact=words)
        )


class Credential(models.Model):
    """One holder's credential; ``document`` is the signed text, byte for byte, and the truth about what it says."""

    public_id = models.CharField(max_length=ID_LENGTH, unique=True, default=new_public_id, editable=False)
    programme = models.ForeignKey(
        "certification.Programme", on_delete=models.PROTECT, related_name="credentials"
    )
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="credentials"
    )
    printed_name = models.CharField(_("printed name"), max_length=150)
    issued_at = models.DateTimeField(_("issued"))
    valid_until = models.DateTimeField(_("valid until"), null=True)
    status_list = models.ForeignKey(
        "certification.StatusList", on_delete=models.PROTECT, related_name="credentials"
    )
    status_index = models.PositiveIntegerField()
    document = models.TextField()
    suspended_at = models.DateTimeField(_("suspended"), null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        ordering = ("-issued_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=("status_list", "status_index"), name="one_credential_per_status_index"
            ),
            models.UniqueConstraint(
                fields=("holder", "programme"),
                condition=models.Q(revoked_at=None),
                name="one_standing_credential_per_holder_and_programme",
            ),
            models.CheckConstraint(
                condition=models.Q(status_index__lt=ENTRIES), name="a_status_index_is_in_its_list"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until=None) | models.Q(valid_until__gt=models.F("issued_at")),
                name="validity_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=models.Q(revoked_at=None) | models.Q(suspended_at=None),
                name="a_revoked_credential_is_not_also_suspended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.printed_name}: {self.programme}"

    def get_absolute_url(self) -> str:
        """Where anybody may check it."""
        return reverse("certification:verify_id", args=[self.public_id])

    @property
    def link(self) -> str:
        """The short address that the QR code carries; it finds the reader's language."""
        return f"{settings.PUBLIC_URL}/v/{self.public_id}"


class CredentialEvent(models.Model):
    """One change of a credential's standing: what, when, by whom and why. Never edited."""

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="events")
    act = models.CharField(max_length=12, choices=Act)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("change of a credential")
        verbose_name_plural = _("changes of credentials")
        ordering = ("-at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(act=Act.ISSUED) | ~models.Q(reason=""),
                name="a_change_of_standing_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.credential_id}: {self.act}"
