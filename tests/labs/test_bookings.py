"""Seats for a class: promised and kept, or refused with a better time."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from community.api import Role, assign, ensure_roles
from labs import provisioning, queueing, sessions
from labs.lifecycle import Reason, StartKind
from labs.models import Booking, Expectation, Lab, LabSession
from labs.refusals import BookingRefused, PromisedToOthers
from labs.scheduling import bookings
from labs.scheduling.bookings import Wish
from labs.teaching import classes
from tests.labs.factories import LabFactory, LearnerFactory, node

pytestmark = pytest.mark.django_db


@pytest.fixture
def instructor(db):
    ensure_roles()
    person = LearnerFactory(username="instructor")
    assign(person, Role.INSTRUCTOR)
    return person


@pytest.fixture(autouse=True)
def four_seats(settings, engine):
    """A host with room for four sandboxes of half a processor."""
    settings.SANDBOX_CAPACITY_CPUS = 2


def in_minutes(minutes: float):
    return timezone.now() + timedelta(minutes=minutes)


def booked(instructor, lab, seats, *, begins=0, lasts=60, attendees=()) -> Booking:
    wish = Wish(lab, "Class 1", seats, in_minutes(begins), in_minutes(begins + lasts))
    return bookings.book(instructor, wish, attendees)


def of_a_class(instructor, lab, seats, pupils, **when) -> Booking:
    taught = classes.open_class(instructor, "Spring")
    for pupil in pupils:
        classes.join(pupil, taught)
    begins, lasts = when.get("begins", 0), when.get("lasts", 60)
    wish = Wish(lab, "Spring", seats, in_minutes(begins), in_minutes(begins + lasts), taught)
    return bookings.book(instructor, wish, when.get("attendees", ()))


def people(count: int, prefix: str) -> list:
    return [LearnerFactory(username=f"{prefix}{number}") for number in range(count)]


def test_who_attends_starts_at_once_though_others_wait(instructor, lab):
    pupils = people(2, "pupil")
    booked(instructor, lab, 2, attendees=pupils)
    others = [sessions.start_lab(person, lab) for person in people(4, "other")]
    assert [session.sandbox is not None for session in others] == [True, True, False, False]
    for pupil in pupils:
        session = sessions.start_lab(pupil, lab)
        assert session.sandbox is not None
        assert session.kind == StartKind.CLASS
    assert LabSession.objects.waiting().count() == 2


def test_a_class_attends_with_whoever_learns_in_it_when_the_time_comes(instructor, lab):
    early, late, gone = people(3, "pupil")
    booking = of_a_class(instructor, lab, 2, [early, gone])
    for other in people(4, "other"):
        sessions.start_lab(other, lab)
    classes.leave(booking.taught_class.places.get(person=gone))
    classes.join(late, booking.taught_class)
    kinds = [sessions.start_lab(person, lab).kind for person in (early, late, gone)]
    assert kinds == [StartKind.CLASS, StartKind.CLASS, StartKind.PRACTICE]
    assert set(booking.people()) == {early, late}


def test_more_of_a_class_than_seats_leave_those_of_the_list_theirs(instructor, lab):
    listed, *pupils = people(3, "pupil")
    booking = of_a_class(instructor, lab, 2, pupils, attendees=[listed])
    kinds = [sessions.start_lab(person, lab).kind for person in (*pupils, listed)]
    assert kinds == [StartKind.CLASS, StartKind.PRACTICE, StartKind.CLASS]
    assert booking.sessions.count() == 2


def test_who_learns_in_the_class_has_a_seat_by_the_link_already(instructor, lab):
    pupil, stranger = people(2, "pupil")
    booking = of_a_class(instructor, lab, 1, [pupil])
    bookings.join(pupil, booking.code)
    assert not booking.attendees.exists()
    with pytest.raises(BookingRefused):
        bookings.join(stranger, booking.code)


def test_a_booking_for_a_class_lets_its_instructors_play_the_labs_solution(lab):
    teacher = LearnerFactory()
    Lab.objects.filter(pk=lab.pk).update(solutions={"first.box": "true\n"})
    lab.refresh_from_db()
    of_a_class(teacher, lab, 1, [])
    assert teacher.has_perm("labs.play_solution", lab)


def test_a_seat_that_is_left_is_kept_until_the_class_ends(instructor, lab):
    (pupil,) = people(1, "pupil")
    booked(instructor, lab, 4, attendees=[pupil])
    first = sessions.start_lab(pupil, lab)
    provisioning.stop(first.sandbox.pk, Reason.FINISHED)
    assert sessions.start_lab(LearnerFactory(), lab).sandbox is None
    assert sessions.start_lab(pupil, lab).sandbox is not None


def test_once_the_class_is_over_its_seats_are_everybodys(instructor, lab):
    booking = booked(instructor, lab, 4)
    waiting = sessions.start_lab(LearnerFactory(), lab)
    assert waiting.sandbox is None
    Booking.objects.filter(pk=booking.pk).update(begins_at=in_minutes(-60), ends_at=in_minutes(-1))
    assert len(queueing.admit().provision) == 1


def test_nobody_starts_who_would_still_be_there_when_the_class_begins(instructor):
    long, short = LabFactory(minutes=45), LabFactory(minutes=20)
    booked(instructor, long, 4, begins=30)
    assert sessions.start_lab(LearnerFactory(), long).sandbox is None
    LabSession.objects.all().delete()
    assert sessions.start_lab(LearnerFactory(), short).sandbox is not None


def test_nobody_stays_longer_by_an_extension_into_promised_seats(instructor, settings):
    lab = LabFactory(minutes=20)
    inside = sessions.start_lab(LearnerFactory(), lab)
    booked(instructor, lab, 4, begins=30)
    with pytest.raises(PromisedToOthers):
        sessions.extend_time(inside)
    settings.LABS_EXTEND_MINUTES = 5
    sessions.extend_time(inside)


def test_what_cannot_be_kept_is_not_promised_and_the_first_time_that_fits_is_said(instructor, lab):
    first = booked(instructor, lab, 3, begins=30, lasts=60)
    with pytest.raises(BookingRefused) as refusal:
        booked(instructor, lab, 2, begins=60)
    assert refusal.value.fits_at == first.ends_at
    assert booked(instructor, lab, 1, begins=60)
    assert booked(instructor, lab, 4, begins=121)


def test_who_is_inside_when_the_class_begins_counts_against_it(instructor):
    lab = LabFactory(minutes=45)
    inside = sessions.start_lab(LearnerFactory(), lab)
    with pytest.raises(BookingRefused) as refusal:
        booked(instructor, lab, 4, begins=30)
    assert refusal.value.fits_at == inside.expires_at


def test_more_than_the_host_can_ever_hold_is_refused_with_what_it_can(instructor, lab):
    with pytest.raises(BookingRefused) as refusal:
        booked(instructor, lab, 5)
    assert "4" in str(refusal.value.remedy)


def test_a_cancelled_booking_keeps_nothing(instructor, lab):
    booking = booked(instructor, lab, 4)
    assert bookings.cancel(booking)
    assert not bookings.cancel(booking)
    assert sessions.start_lab(LearnerFactory(), lab).sandbox is not None


def test_a_session_ends_with_its_class(instructor):
    lab = LabFactory(minutes=45)
    (pupil,) = people(1, "pupil")
    booking = booked(instructor, lab, 1, lasts=20, attendees=[pupil])
    assert sessions.start_lab(pupil, lab).expires_at == booking.ends_at


def test_classes_one_after_the_other_both_keep_their_promise(instructor):
    lab = LabFactory(minutes=45)
    pupils = people(4, "pupil")
    booked(instructor, lab, 4, lasts=30, attendees=pupils)
    booked(instructor, lab, 4, begins=31)
    assert all(sessions.start_lab(pupil, lab).sandbox is not None for pupil in pupils)


def test_before_the_class_begins_its_seats_are_not_given_out(instructor, lab):
    (pupil,) = people(1, "pupil")
    booked(instructor, lab, 4, begins=10, attendees=[pupil])
    assert sessions.start_lab(pupil, lab).kind == StartKind.PRACTICE


def test_whoever_has_the_link_takes_a_seat_while_there_are_seats(instructor, lab):
    booking = booked(instructor, lab, 1)
    first, second = people(2, "pupil")
    assert bookings.join(first, booking.code) == booking
    assert bookings.join(first, booking.code) == booking
    with pytest.raises(BookingRefused):
        bookings.join(second, booking.code)


def test_the_pool_is_told_of_a_class_before_it_begins(instructor, lab):
    booked(instructor, lab, 3, begins=30)
    queueing.prepare_classes(timezone.now())
    assert not Expectation.objects.exists()
    queueing.prepare_classes(in_minutes(21))
    assert Expectation.objects.get().seats == 3


def test_booked_seats_of_one_lab_are_not_for_another(instructor, lab):
    (pupil,) = people(1, "pupil")
    booked(instructor, lab, 4, attendees=[pupil])
    assert sessions.start_lab(pupil, LabFactory(nodes=[node()])).sandbox is None


class TestPages:
    @pytest.fixture
    def desk(self, instructor):
        return signed_in(instructor)

    def test_an_instructor_books_and_sees_the_link(self, desk, lab):
        pupil = LearnerFactory(username="pupil")
        begins = timezone.localtime(in_minutes(60)).strftime("%Y-%m-%dT%H:%M")
        form = {
            "lab": lab.pk,
            "title": "Class 7",
            "seats": 3,
            "begins_at": begins,
            "minutes": 60,
            "names": "pupil",
        }
        page = desk.post("/en/labs/bookings/new/", form, follow=True).content.decode()
        booking = Booking.objects.get()
        assert list(booking.attendees.all()) == [pupil]
        assert f"/en/labs/bookings/seats/{booking.code}/" in page
        assert "3, of which 2 free" in page

    def test_a_refusal_is_said_at_the_field_and_keeps_what_was_typed(self, desk, lab):
        begins = timezone.localtime(in_minutes(60)).strftime("%Y-%m-%dT%H:%M")
        form = {"lab": lab.pk, "title": "Class 7", "seats": 9, "begins_at": begins, "minutes": 60}
        answer = desk.post("/en/labs/bookings/new/", form)
        assert answer.status_code == 422
        assert "There will never be room for 9 at once." in answer.content.decode()
        assert "Class 7" in answer.content.decode()

    def test_one_of_my_classes_needs_no_name_nor_list_but_seats_for_all(self, desk, instructor, lab):
        taught, other = (classes.open_class(who, "Spring") for who in (instructor, LearnerFactory()))
        for pupil in people(2, "pupil"):
            classes.join(pupil, taught)
        begins = timezone.localtime(in_minutes(60)).strftime("%Y-%m-%dT%H:%M")
        form = {"lab": lab.pk, "taught_class": taught.pk, "seats": 1, "begins_at": begins, "minutes": 60}
        answer = desk.post("/en/labs/bookings/new/", form)
        assert "The class has 2 learners; book a seat for each." in answer.content.decode()
        assert desk.post("/en/labs/bookings/new/", {**form, "taught_class": other.pk}).status_code == 422
        page = desk.post("/en/labs/bookings/new/", {**form, "seats": 3}, follow=True).content.decode()
        assert Booking.objects.get().title == "Spring"
        assert "3, of which 1 free" in page
        assert "2 / 3" in desk.get("/en/labs/bookings/").content.decode()

    def test_names_nobody_has_are_told(self, desk, lab):
        form = {"lab": lab.pk, "title": "C", "seats": 2, "minutes": 60, "names": "nobody-here"}
        assert (
            "Nobody here is called: nobody-here" in desk.post("/en/labs/bookings/new/", form).content.decode()
        )

    def test_the_list_is_searched_and_says_when_it_is_empty(self, desk, instructor, lab):
        assert "Your classes will be listed here" in desk.get("/en/labs/bookings/").content.decode()
        booked(instructor, lab, 1)
        assert "Class 1" in desk.get("/en/labs/bookings/?q=class").content.decode()
        assert "Nothing here matches" in desk.get("/en/labs/bookings/?q=zebra").content.decode()

    def test_cancelling_asks_first(self, desk, instructor, lab):
        booking = booked(instructor, lab, 1)
        assert "Cancel this booking?" in desk.get(f"/en/labs/bookings/{booking.pk}/cancel/").content.decode()
        assert Booking.objects.standing().count() == 1
        desk.post(f"/en/labs/bookings/{booking.pk}/cancel/")
        assert Booking.objects.standing().count() == 0

    def test_a_learner_takes_a_seat_and_sees_it_on_the_lab(self, instructor, lab):
        booking = booked(instructor, lab, 1)
        pupil = signed_in(LearnerFactory())
        assert "Take a seat" in pupil.get(f"/en/labs/bookings/seats/{booking.code}/").content.decode()
        page = pupil.post(f"/en/labs/bookings/seats/{booking.code}/", follow=True).content.decode()
        assert "A seat is kept for you" in page

    def test_bookings_are_not_for_trainees_nor_for_other_instructors(self, instructor, lab):
        booking = booked(instructor, lab, 1)
        trainee, colleague = LearnerFactory(), LearnerFactory()
        assign(colleague, Role.INSTRUCTOR)
        assert signed_in(trainee).get("/en/labs/bookings/").status_code == 403
        assert signed_in(colleague).get(f"/en/labs/bookings/{booking.pk}/").status_code == 404
        assert "Class 1" not in signed_in(colleague).get("/en/labs/bookings/").content.decode()


def signed_in(person) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client
