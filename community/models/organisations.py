"""Who joins the alliance, and which people belong to whom."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from modelcluster.fields import ParentalKey
from modelcluster.models import ClusterableModel

from community.models.people import User


class Organisation(ClusterableModel):
    """A member of the alliance: a company, a school, an institute."""

    slug = models.SlugField(_("short name in addresses"), max_length=60, unique=True)
    name_zh = models.CharField(_("name (Chinese)"), max_length=120)
    name_en = models.CharField(_("name (English)"), max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name in the language in use."""
        return self.name_en if (get_language() or settings.LANGUAGE_CODE).startswith("en") else self.name_zh

    @property
    def responsible(self) -> list[User]:
        """The active people who answer for this organisation now."""
        ties = self.memberships.current().filter(role=Membership.Role.RESPONSIBLE, person__is_active=True)
        return [tie.person for tie in ties.select_related("person").order_by("pk")]


class MembershipQuerySet(models.QuerySet["Membership"]):
    def current(self) -> Self:
        return self.filter(left_at=None)

    def of(self, person: models.Model) -> Self:
        return self.filter(person_id=person.pk)

    def responsible(self) -> Self:
        return self.filter(role=Membership.Role.RESPONSIBLE)


class Membership(models.Model):
    """A person's tie to an organisation, current until ``left_at``; the first current one pays for their labs."""

    class Role(models.TextChoices):
        MEMBER = "member", _("Member")
        RESPONSIBLE = "responsible", _("Responsible")

    organisation = ParentalKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="memberships",
        verbose_name=_("person"),
    )
    role = models.CharField(_("role"), max_length=20, choices=Role.choices, default=Role.MEMBER)
    joined_at = models.DateTimeField(_("joined at"), default=timezone.now)
    left_at = models.DateTimeField(_("left at"), null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ("joined_at", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "person"],
                condition=models.Q(left_at=None),
                name="one_current_membership_per_person_and_organisation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.organisation_id} {self.role}"


def organisations_of(person_ids: list[int]) -> dict[int, int]:
    """The organisation that pays for each person, by person; people without one are left out. One query."""
    ties = Membership.objects.current().filter(person_id__in=person_ids).order_by("-joined_at", "-pk")
    return dict(ties.values_list("person_id", "organisation_id"))


def organisation_of(person: models.Model) -> int | None:
    """The organisation that pays for ``person``: the one joined first of those they belong to now."""
    return organisations_of([person.pk]).get(person.pk)
