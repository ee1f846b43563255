"""What the issuer publishes: public keys and signed status lists. No private key is ever a row."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from certification import multibase
from certification.status_list import ENTRIES, Purpose

# Half full, a random index is free at every second try; then a new list is opened.
FULL = ENTRIES // 2


class IssuerKey(models.Model):
    """A public key that signs or signed; it stays in the did document for as long as what it signed."""

    thumbprint = models.CharField(max_length=43, unique=True)
    public_multibase = models.CharField(max_length=64)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("issuer key")
        verbose_name_plural = _("issuer keys")
        ordering = ("added_at",)

    def __str__(self) -> str:
        return self.thumbprint

    @property
    def public_bytes(self) -> bytes:
        return multibase.from_multikey(self.public_multibase)


class StatusListQuerySet(models.QuerySet["StatusList"]):
    def with_room(self) -> Self:
        """Lists that are less than half full, the oldest first."""
        return (
            self.annotate(taken=models.Count("credentials"))
            .filter(taken__lt=FULL)
            .order_by("opened_at", "pk")
        )


class StatusList(models.Model):
    """131,072 entries, one for each credential that was given one; published once per purpose under one address."""

    opened_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    revocation_text = models.TextField(default="")
    suspension_text = models.TextField(default="")

    objects = StatusListQuerySet.as_manager()

    class Meta:
        verbose_name = _("status list")
        verbose_name_plural = _("status lists")

    def __str__(self) -> str:
        return f"{self.pk}"

    def text_for(self, purpose: Purpose) -> str:
        return self.revocation_text if purpose is Purpose.REVOCATION else self.suspension_text
