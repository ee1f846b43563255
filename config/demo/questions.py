"""The demo organisation's question bank: written by one person and approved by another."""

from decimal import Decimal
from typing import Any

from django.db import transaction

from community.api import Organisation, User
from config.demo import texts
from courses.exams import bank as banks
from courses.exams.bank import Written
from courses.exams.content import read_content
from courses.models import BankRole, QuestionBank


@transaction.atomic
def load_questions() -> None:
    """The bank stands; one that is there already stays as people made it, and without its people there is none."""
    table = texts.table("questions.toml")
    wanted = table["bank"]
    organisation = Organisation.objects.filter(slug=wanted["organisation"]).first()
    if organisation is None or QuestionBank.objects.filter(slug=wanted["slug"]).exists():
        return
    authors = list(User.objects.filter(username__in=wanted["authors"]))
    reviewers = list(User.objects.filter(username__in=wanted["reviewers"]))
    if not authors or not reviewers:
        return
    bank = banks.open_bank(organisation, wanted["slug"], wanted["zh"], wanted["en"])
    for role, people in ((BankRole.AUTHOR, authors), (BankRole.REVIEWER, reviewers)):
        for person in people:
            banks.let_in(bank, person, role)
    for entry in table["questions"]:
        version = banks.create(bank, authors[0], entry["code"], written(entry))
        banks.submit(version, authors[0])
        banks.approve(version, reviewers[0])


def written(entry: dict[str, Any]) -> Written:
    return Written(
        content=read_content(entry["content"]),
        marks=Decimal(entry.get("marks", "1")),
        difficulty=entry["difficulty"],
        tags=tuple(entry["tags"]),
        objectives=tuple(entry.get("objectives", ())),
        clauses=tuple(entry["clauses"]),
    )
