"""Who uses the site, and the tokens their programs use."""

import hashlib
import secrets
from typing import Self

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a person does here; each but trainee is a Django group of the same name, made by ``load_demo``."""

    TRAINEE = "trainee", _("Trainee")
    INSTRUCTOR = "instructor", _("Instructor")
    EDITOR = "editor", _("Standards editor")
    EMPLOYER = "employer", _("Employer")
    OPERATOR = "operator", _("Operator")


class User(AbstractUser):
    """A person with an account."""

    printed_name = models.CharField(
        _("name on certificates"),
        max_length=100,
        blank=True,
        help_text=_("Printed on your certificates exactly as written here."),
    )

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return self.name_to_print

    @property
    def name_to_print(self) -> str:
        """The name for certificates; the username when the person gave none."""
        return self.printed_name or self.get_full_name() or self.username

    def has_role(self, role: Role) -> bool:
        """Whether this person is an active member of the role's group (superusers hold every role)."""
        return self.is_active and (self.is_superuser or role.value in self.role_names)

    @cached_property
    def role_names(self) -> frozenset[str]:
        """The groups of this person, asked for once: a page asks for several roles."""
        return frozenset(self.groups.values_list("name", flat=True))


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> Self:
        return self.filter(revoked_at=None, person__is_active=True)

    def matching(self, plaintext: str) -> Self:
        return self.filter(digest=ApiToken.digest_of(plaintext))


class ApiToken(models.Model):
    """A bearer token; only its SHA-256 digest is kept, so a stolen database opens no door."""

    person = models.ForeignKey("community.User", on_delete=models.CASCADE, related_name="bearer_tokens")
    name = models.CharField(_("name"), max_length=80, default="", blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.name or self.pk} ({self.person_id})"

    @staticmethod
    def digest_of(plaintext: str) -> str:
        return hashlib.sha256(plaintext.encode()).hexdigest()

    @classmethod
    def issue(cls, person: User, name: str = "") -> str:
        """The plaintext of a new token of ``person``; it can never be read again."""
        plaintext = f"yl_{secrets.token_urlsafe(32)}"
        cls.objects.create(person=person, name=name, digest=cls.digest_of(plaintext))
        return plaintext

    def revoke(self) -> None:
        """No request with this token is answered any more; repeating keeps the first date."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])
