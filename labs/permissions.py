"""Who may do what with which lab session."""

import rules

from community.api import User, is_operator
from labs.models import LabSession, Recording


@rules.predicate
def is_its_learner(person: User, session: LabSession | None) -> bool:
    return session is not None and person.is_active and session.learner_id == person.pk


def may_play_everybodys(person: User) -> bool:
    """Whether a person may play what any learner's terminals said: those who teach, and nobody by default."""
    return person.is_active and person.has_perm("labs.view_recording")


@rules.predicate
def may_play(person: User, recording: Recording | None) -> bool:
    return recording is not None and (
        is_its_learner(person, recording.session) or may_play_everybodys(person)
    )


rules.add_perm("labs.play_recording", may_play)
rules.add_perm("labs.work_in_session", is_its_learner)
rules.add_perm("labs.operate", is_operator)
