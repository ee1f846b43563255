"""Who may do what with courses and their cohorts."""

import rules

from community.api import Organisation, User, answers_for, is_operator
from courses.models import Cohort, CoursePage


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
