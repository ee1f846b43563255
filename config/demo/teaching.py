"""Who pays for the demo trainee's labs and who teaches them: an organisation with prices and a budget, and a class."""

from decimal import Decimal

from django.db import transaction

from community.api import Membership, Organisation, User
from config.demo import texts
from labs.api import open_class, set_budget, set_prices


@transaction.atomic
def load_teaching() -> None:
    """Both stand for the demo people; with an organisation that is there already everything stays as it is."""
    table = texts.table("teaching.toml")
    wanted = table["organisation"]
    if Organisation.objects.filter(slug=wanted["slug"]).exists():
        return
    organisation = Organisation.objects.create(
        slug=wanted["slug"], name_zh=wanted["zh"], name_en=wanted["en"]
    )
    for role, names in (
        (Membership.Role.RESPONSIBLE, wanted["responsible"]),
        (Membership.Role.MEMBER, wanted["members"]),
    ):
        for person in people(names):
            Membership.objects.create(organisation=organisation, person=person, role=role)
    rates = {name: Decimal(rate) for name, rate in wanted["rates"].items() if name != "note"}
    set_prices(organisation, note=wanted["rates"]["note"], **rates)
    set_budget(organisation, Decimal(wanted["budget"]))
    teachers, learners = people(table["class"]["teaches"]), people(table["class"]["learns"])
    if teachers:
        open_class(table["class"]["name"], teachers, learners)


def people(names: list[str]) -> list[User]:
    """Those of the names who have an account."""
    return list(User.objects.filter(username__in=names).order_by("username"))
