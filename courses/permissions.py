"""Who may do what with courses, their cohorts and question banks."""

import rules

from community.api import Organisation, User, answers_for, is_operator
from courses.models import Attempt, BankRole, Cohort, CoursePage, Exam, QuestionBank


@rules.predicate
def may_edit(person: User, course: CoursePage | None) -> bool:
    """An instructor of this course: their groups may edit its page."""
    return course is not None and person.is_authenticated and course.permissions_for_user(person).can_edit()


rules.add_perm("courses.enrol", rules.is_authenticated)
rules.add_perm("courses.view_learners", is_operator | may_edit)


@rules.predicate
def answers_for_its_organisation(person: User, cohort: Cohort | None) -> bool:
    return cohort is not None and answers_for(person, Organisation(pk=cohort.organisation_id))


@rules.predicate
def teaches_cohort(person: User, cohort: Cohort | None) -> bool:
    if cohort is None or not person.is_active:
        return False
    return cohort.instructors.filter(person_id=person.pk).exists()


# Whoever answers for an organisation opens its cohorts and names their instructors; these see to the people in them.
rules.add_perm("courses.open_cohorts", is_operator | answers_for)
rules.add_perm("courses.change_cohort", is_operator | answers_for_its_organisation)
rules.add_perm("courses.run_cohort", is_operator | teaches_cohort | answers_for_its_organisation)


@rules.predicate
def answers_for_its_owner(person: User, bank: QuestionBank | None) -> bool:
    return bank is not None and answers_for(person, Organisation(pk=bank.organisation_id))


def in_bank(role: BankRole) -> rules.predicates.Predicate:
    """A predicate that is true of people who have ``role`` in the bank now."""

    @rules.predicate(f"is_{role.value}_in_bank")
    def predicate(person: User, bank: QuestionBank | None) -> bool:
        if bank is None or not person.is_active:
            return False
        return bank.members.current().of(person).filter(role=role).exists()

    return predicate


writes, reviews = in_bank(BankRole.AUTHOR), in_bank(BankRole.REVIEWER)
# Words and keys are for those who work on them and for the owner. An operator sees to the people, and is no reader.
rules.add_perm("courses.open_bank", is_operator | answers_for)
rules.add_perm("courses.run_bank", is_operator | answers_for_its_owner)
rules.add_perm("courses.read_questions", writes | reviews | answers_for_its_owner)
rules.add_perm("courses.write_questions", writes)
rules.add_perm("courses.review_questions", reviews)


@rules.predicate
def is_announced_to(person: User, exam: Exam | None) -> bool:
    reader = person if person.is_authenticated else None
    return exam is not None and Exam.objects.announced_to(reader).filter(pk=exam.pk).exists()


@rules.predicate
def staffs_exam(person: User, exam: Exam | None) -> bool:
    return (
        exam is not None
        and person.is_authenticated
        and Exam.objects.staffed_by(person).filter(pk=exam.pk).exists()
    )


@rules.predicate
def sits_it(person: User, attempt: Attempt | None) -> bool:
    return attempt is not None and attempt.person_id == person.pk


rules.add_perm("courses.see_exam", is_announced_to | staffs_exam | is_operator)
rules.add_perm("courses.sit_attempt", sits_it)
