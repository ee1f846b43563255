"""Who may do what, in one place: predicates on roles and the rules built from them."""

import rules
from rules.predicates import Predicate

from community.models import Membership, Organisation, Role, User


def holds(role: Role) -> Predicate:
    """A predicate that is true of active people with ``role``."""

    @rules.predicate(f"is_{role.value}")
    def predicate(person: User) -> bool:
        return isinstance(person, User) and person.has_role(role)

    return predicate


is_instructor = holds(Role.INSTRUCTOR)
is_editor = holds(Role.EDITOR)
is_operator = holds(Role.OPERATOR)


@rules.predicate
def answers_for(person: User, organisation: Organisation | None) -> bool:
    """Whether the person is responsible in the organisation now."""
    if organisation is None or not person.is_active:
        return False
    return Membership.objects.current().of(person).responsible().filter(organisation=organisation).exists()
