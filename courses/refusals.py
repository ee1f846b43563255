"""What courses may say no to, each with a code for programs and a remedy for people."""

from django.utils.translation import gettext_lazy as _

from community.api import BaseRefusal


class Refusal(BaseRefusal):
    """A wish about courses and cohorts that cannot be granted."""


class CohortOver(Refusal):
    code = "cohort_over"

    def __init__(self) -> None:
        super().__init__(
            _("This cohort is over, so nobody joins it any more."),
            _("Ask its organisation when the next one starts."),
        )


class NotAnnounced(Refusal):
    """The cohort is not for this person without a link that holds."""

    code = "not_announced"

    def __init__(self) -> None:
        super().__init__(
            _("You cannot join this cohort by yourself."),
            _("Ask one of its instructors for the link, and open that."),
        )


class TurnedDown(Refusal):
    """Its instructors refused or removed the person; only they can take that back."""

    code = "turned_down"

    def __init__(self) -> None:
        super().__init__(
            _("Its instructors decided that you are not in this cohort."),
            _("Write to one of them: they can let you in again."),
        )


class TeachesIt(Refusal):
    code = "teaches_it"

    def __init__(self) -> None:
        super().__init__(
            _("You teach this cohort, so you cannot learn in it."),
            _("Have yourself taken off its instructors first."),
        )


class CourseGone(Refusal):
    code = "course_gone"

    def __init__(self) -> None:
        super().__init__(
            _("The course of this cohort is not published."),
            _("Try again when its editors have published it."),
        )


class TooFewSeats(Refusal):
    code = "too_few_seats"

    def __init__(self, taken: int) -> None:
        super().__init__(
            _("%(taken)d seats are taken already.") % {"taken": taken},
            _("Give at least as many seats, or remove people first."),
        )


class NobodyCalledSo(Refusal):
    code = "nobody_called_so"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("Nobody here is called: %(names)s") % {"names": name},
            _("Give the user name or the e-mail address of an account."),
        )


class LearnsInIt(Refusal):
    code = "learns_in_it"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("%(name)s learns in this cohort, so they cannot teach it.") % {"name": name},
            _("Remove them from its learners first."),
        )


class LastInstructor(Refusal):
    code = "last_instructor"

    def __init__(self) -> None:
        super().__init__(
            _("A cohort needs an instructor."),
            _("Add another one first."),
        )


class DecidedMeanwhile(Refusal):
    code = "decided_meanwhile"

    def __init__(self) -> None:
        super().__init__(
            _("Somebody else decided on this place meanwhile."),
            _("Look at the list again."),
        )
