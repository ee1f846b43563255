"""The class that labs keep for a cohort: its instructors see the open labs of its learners, and book seats for them."""

from django.utils import timezone

from courses.models import Cohort
from labs.api import keep_class, kept_learners

PREFIX = "cohort-"


def key_of(cohort_pk: int) -> str:
    """What labs know the cohort by."""
    return f"{PREFIX}{cohort_pk}"


def keep(cohort: Cohort) -> None:
    """The cohort's class has its name, its instructors and who is enrolled; after the last day nobody learns in it."""
    teachers = cohort.instructors.values_list("person_id", flat=True)
    enrolled = cohort.places.enrolled().values_list("person_id", flat=True)
    keep_class(key_of(cohort.pk), cohort.name, list(teachers), [] if cohort.is_over() else list(enrolled))


def settle() -> int:
    """No class of a cohort that is over has learners any more; says how many still had. Costs two queries."""
    over = Cohort.objects.exclude(pk__in=Cohort.objects.going(timezone.localdate()).values("pk"))
    cohorts = {key_of(cohort.pk): cohort for cohort in over}
    owed = kept_learners(cohorts)
    for key in owed:
        keep(cohorts[key])
    return len(owed)
