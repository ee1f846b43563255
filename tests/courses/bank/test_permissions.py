"""Who may read, write and review in a bank: its members and its owner, whatever role they hold on the site."""

import pytest

from community.api import Membership, Role, assign, ensure_roles
from courses.exams import bank as verbs
from courses.models import BankRole, QuestionBank
from tests.labs.factories import LearnerFactory

READ, WRITE, REVIEW, RUN = (
    "courses.read_questions",
    "courses.write_questions",
    "courses.review_questions",
    "courses.run_bank",
)


def held(person, bank):
    return {name for name in (READ, WRITE, REVIEW, RUN) if person.has_perm(name, bank)}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.TRAINEE, set()),
        (Role.INSTRUCTOR, set()),
        (Role.EDITOR, set()),
        (Role.EMPLOYER, set()),
        (Role.OPERATOR, {RUN}),
    ],
)
def test_no_role_of_the_site_reads_a_bank(world, role, expected):
    ensure_roles()
    person = LearnerFactory()
    assign(person, role)
    assert held(person, world.bank) == expected


def test_members_and_owner_do_what_they_are_there_for(world):
    assert held(world.author, world.bank) == {READ, WRITE}
    assert held(world.reviewer, world.bank) == {READ, REVIEW}
    assert held(world.owner, world.bank) == {READ, RUN}


def test_an_ordinary_member_of_the_organisation_reads_nothing(world):
    person = LearnerFactory()
    Membership.objects.create(organisation=world.bank.organisation, person=person)
    assert held(person, world.bank) == set()


def test_who_was_taken_out_or_is_no_longer_active_reads_nothing(world):
    verbs.take_out(world.bank.members.get(person=world.author))
    assert held(world.author, world.bank) == set()
    world.reviewer.is_active = False
    assert held(world.reviewer, world.bank) == set()


def test_the_list_of_banks_holds_what_one_may_read(world):
    stranger = LearnerFactory()
    for person, expected in ((world.author, [world.bank]), (world.owner, [world.bank]), (stranger, [])):
        assert list(QuestionBank.objects.read_by(person)) == expected


def test_who_writes_and_reviews_is_one_person_in_two_roles(world):
    verbs.let_in(world.bank, world.author, BankRole.REVIEWER)
    verbs.let_in(world.bank, world.author, BankRole.REVIEWER)
    assert world.bank.members.current().of(world.author).count() == 2
    assert list(QuestionBank.objects.read_by(world.author)) == [world.bank]
