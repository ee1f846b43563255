"""Who may do what with courses."""

import rules

from community.api import User, is_operator
from courses.models import CoursePage


@rules.predicate
def may_edit(person: User, course: CoursePage | None) -> bool:
    """An instructor of this course: their groups may edit its page."""
    return course is not None and person.is_authenticated and course.permissions_for_user(person).can_edit()


rules.add_perm("courses.enrol", rules.is_authenticated)
rules.add_perm("courses.view_learners", is_operator | may_edit)
