"""Who may do what with credentials."""

import rules

from community.api import Role, User


@rules.predicate
def is_operator(person: User) -> bool:
    return isinstance(person, User) and person.has_role(Role.OPERATOR)


rules.add_perm("certification.run_register", is_operator)
