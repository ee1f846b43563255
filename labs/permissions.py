"""Who may do what with which lab session, and in which class."""

import rules

from community.api import User, answers_for, is_instructor, is_operator
from labs.models import Booking, ClassPlace, Lab, LabSession, Mode, Place, Recording, TaughtClass


@rules.predicate
def is_its_learner(person: User, session: LabSession | None) -> bool:
    return session is not None and person.is_active and session.learner_id == person.pk


@rules.predicate
def may_play(person: User, recording: Recording | None) -> bool:
    return (
        recording is not None
        and person.is_active
        and Recording.objects.shown_to(person).filter(pk=recording.pk).exists()
    )


rules.add_perm("labs.play_recording", may_play)


@rules.predicate
def teaches_its_learner(person: User, session: LabSession | None) -> bool:
    """Whether ``person`` teaches a class in which the session's learner learns."""
    if session is None or not person.is_active:
        return False
    learns = ClassPlace.objects.filter(person_id=session.learner_id, role=Place.LEARNS)
    return TaughtClass.objects.taught_by(person).filter(pk__in=learns.values("taught_class")).exists()


@rules.predicate
def teaches_class(person: User, taught_class: TaughtClass | None) -> bool:
    if taught_class is None or not person.is_active:
        return False
    return taught_class.places.filter(person_id=person.pk, role=Place.TEACHES).exists()


@rules.predicate
def may_open_classes(person: User) -> bool:
    return person.is_active and is_instructor(person)


@rules.predicate
def is_its_instructor(person: User, booking: Booking | None) -> bool:
    return booking is not None and person.is_active and booking.instructor_id == person.pk


@rules.predicate
def sits_its_exam(person: User, lab: Lab | None) -> bool:
    return LabSession.objects.open().of(person).filter(lab=lab, mode=Mode.EXAM).exists()


@rules.predicate
def teaches_lab(person: User, lab: Lab | None) -> bool:
    """Whether a class of theirs uses the lab, and none in which they learn."""
    if lab is None or not TaughtClass.objects.taught_by(person).exists():
        return False
    using = TaughtClass.objects.that_use(lab)
    return using.taught_by(person).exists() and not using.learnt_by(person).exists()


@rules.predicate
def may_play_solution(person: User, lab: Lab | None) -> bool:
    """Operators, whoever writes labs, and who teaches a class that uses it; nobody while they sit its exam."""
    if lab is None or not lab.solutions or not person.is_active:
        return False
    may = is_operator(person) or is_instructor(person) or teaches_lab(person, lab)
    return (may or person.has_perm("labs.change_lab")) and not sits_its_exam(person, lab)


rules.add_perm("labs.play_solution", may_play_solution)
rules.add_perm("labs.book_seats", is_instructor | is_operator)
rules.add_perm("labs.keep_booking", is_its_instructor | is_operator)
rules.add_perm("labs.work_in_session", is_its_learner)
rules.add_perm("labs.operate", is_operator)
rules.add_perm("labs.watch_session", teaches_its_learner)
rules.add_perm("labs.see_network", is_its_learner | teaches_its_learner | is_operator)
rules.add_perm("labs.teach_class", teaches_class)
rules.add_perm("labs.open_classes", may_open_classes)


rules.add_perm("labs.set_budgets", answers_for | is_operator)
