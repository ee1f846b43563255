"""Who may do what with which lab session."""

import rules

from community.api import User, is_operator
from labs.models import LabSession


@rules.predicate
def is_its_learner(person: User, session: LabSession | None) -> bool:
    return session is not None and person.is_active and session.learner_id == person.pk


rules.add_perm("labs.work_in_session", is_its_learner)
rules.add_perm("labs.operate", is_operator)
