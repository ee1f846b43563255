"""Classes: opening one, joining it by its code, and whom its instructors put on its list."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from community.api import User
from labs.models import ClassPlace, LabSession, Place, TaughtClass, TypingLeave
from labs.refusals import Refusal


class NoSuchCode(Refusal):
    """No class has that code."""

    code = "no_such_code"

    def __init__(self) -> None:
        super().__init__(
            _("No class has this code."), _("Look at the code again, or ask your instructor for the link.")
        )


@dataclass(frozen=True)
class Listed:
    """What came of a list of names: how many are new in the class, and which names nobody has."""

    added: int
    unknown: tuple[str, ...]


@transaction.atomic
def open_class(instructor: User, name: str) -> TaughtClass:
    """A new class that ``instructor`` teaches."""
    taught = TaughtClass.objects.create(name=name)
    ClassPlace.objects.create(taught_class=taught, person=instructor, role=Place.TEACHES)
    return taught


def class_with(code: str) -> TaughtClass:
    """The class with this join code, however it was typed; one that is kept for others has none. Raises NoSuchCode."""
    plain = "".join(sign for sign in code.upper() if sign.isalnum())
    found = TaughtClass.objects.filter(code=plain, kept_for="").first()
    if found is None:
        raise NoSuchCode
    return found


def join(person: User, taught: TaughtClass, role: Place = Place.LEARNS) -> ClassPlace:
    """``person`` has a place in the class; an instructor stays one. Repeating changes nothing."""
    place, _new = ClassPlace.objects.get_or_create(
        taught_class=taught, person=person, defaults={"role": role}
    )
    return place


@transaction.atomic
def add_listed(taught: TaughtClass, names: Iterable[str], role: Place = Place.LEARNS) -> Listed:
    """Whoever has one of these user names or addresses is in the class; who is already there keeps their role."""
    wanted = {name.strip().lower(): name.strip() for name in names if name.strip()}
    people: dict[str, User] = {}
    for person in User.objects.filter(is_active=True).filter(
        Q(username__in=[*wanted, *wanted.values()]) | Q(email__in=[*wanted, *wanted.values()])
    ):
        people[person.username.lower()] = people[person.email.lower()] = person
    found = {person.pk for name, person in people.items() if name in wanted}
    present = set(taught.places.filter(person_id__in=found).values_list("person_id", flat=True))
    ClassPlace.objects.bulk_create(
        ClassPlace(taught_class=taught, person_id=pk, role=role) for pk in sorted(found - present)
    )
    return Listed(len(found - present), tuple(wanted[name] for name in wanted if name not in people))


@transaction.atomic
def leave(place: ClassPlace) -> bool:
    """The place is given up; False when it is the last instructor's, without whom nobody could see to the class."""
    teaching = place.taught_class.places.filter(role=Place.TEACHES)
    if place.role == Place.TEACHES and not teaching.exclude(pk=place.pk).exists():
        return False
    give_up([place])
    return True


def give_up(places: Iterable[ClassPlace]) -> None:
    """The places are gone; whoever goes takes with them what they may type, or let others type."""
    places = list(places)
    people = [place.person_id for place in places]
    theirs = Q(instructor__in=people) | Q(session__learner__in=people)
    TypingLeave.objects.standing().filter(theirs).update(ended_at=Now())
    ClassPlace.objects.filter(pk__in=[place.pk for place in places]).delete()


@transaction.atomic
def keep(key: str, name: str, teachers: Iterable[int], learners: Iterable[int]) -> TaughtClass:
    """The class kept for ``key`` has this name and exactly these people, by their ids; repeating changes nothing."""
    taught, _new = TaughtClass.objects.get_or_create(kept_for=key, defaults={"name": name})
    if taught.name != name:
        taught.name = name
        taught.save(update_fields=["name"])
    wanted = dict.fromkeys(learners, Place.LEARNS) | dict.fromkeys(teachers, Place.TEACHES)
    places = list(taught.places.all())
    gone = [place for place in places if wanted.get(place.person_id) != place.role]
    if gone:
        give_up(gone)
    there = {place.person_id for place in places} - {place.person_id for place in gone}
    ClassPlace.objects.bulk_create(
        ClassPlace(taught_class=taught, person_id=pk, role=role)
        for pk, role in wanted.items()
        if pk not in there
    )
    return taught


def open_sessions(taught: TaughtClass) -> list[LabSession]:
    """The open sessions of the class's learners, one query."""
    learners = taught.places.filter(role=Place.LEARNS).values("person")
    return list(LabSession.objects.open().filter(learner__in=learners))


def session_for(instructor: User, session_id: UUID | str) -> LabSession:
    """The session of somebody whom ``instructor`` teaches. Raises LabSession.DoesNotExist for any other."""
    session = LabSession.objects.select_related("lab", "learner").get(pk=session_id)
    if not instructor.has_perm("labs.watch_session", session):
        raise LabSession.DoesNotExist
    return session
