"""Who pays for the demo trainee's labs and who teaches them: an organisation with prices, a budget and a month paid, and a class."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from community.api import Membership, Organisation, User
from config.demo import texts
from labs.api import issue_statements, labs_by_slug, open_class, set_budget, set_prices, show_usage


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
    month = last_month()
    set_prices(organisation, note=wanted["rates"]["note"], valid_from=month, **rates)
    set_budget(organisation, Decimal(wanted["budget"]))
    load_month(organisation, month, table["last_month"])
    teachers, learners = people(table["class"]["teaches"]), people(table["class"]["learns"])
    if teachers:
        open_class(table["class"]["name"], teachers, learners)


def last_month() -> datetime:
    """When the month before this one began."""
    this = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (this - timedelta(days=1)).replace(day=1)


def load_month(organisation: Organisation, month: datetime, sittings: list[dict[str, Any]]) -> None:
    """What was learnt in the month before, for the statement that it ends in."""
    labs, persons = labs_by_slug(), {person.username: person for person in User.objects.all()}
    for sitting in sittings:
        lab, person = labs.get(sitting["lab"]), persons.get(sitting["who"])
        if lab is not None and person is not None:
            began_at = month.replace(day=sitting["day"], hour=sitting["hour"])
            show_usage(organisation, person, lab, began_at, sitting["minutes"], sitting["cpu_percent"])
    issue_statements()


def people(names: list[str]) -> list[User]:
    """Those of the names who have an account."""
    return list(User.objects.filter(username__in=names).order_by("username"))
