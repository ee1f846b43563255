"""Teaching: who is in a class, who sees whose session, raised hands, messages, and leave to type."""

import json
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.test import Client
from django.utils import timezone

from community.api import Role
from community.models import ApiToken
from community.roles import assign, ensure_roles
from labs.models import Deed, Mode, Place, TaughtClass, TeachingEvent, TypingLeave
from labs.models.teaching import RecordIsFinal
from labs.teaching import classes, helping
from tests.labs.factories import LearnerFactory, SessionFactory
from tests.labs.sockets import Screen, bearer

pytestmark = pytest.mark.django_db
MODEL = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def teacher():
    return LearnerFactory(first_name="Ming", last_name="Li")


@pytest.fixture
def taught(teacher):
    return classes.open_class(teacher, "Spring")


@pytest.fixture
def session(taught):
    session = SessionFactory()
    classes.join(session.learner, taught)
    return session


@pytest.fixture
def stranger():
    """An instructor of another class."""
    person = LearnerFactory()
    other = classes.open_class(person, "Autumn")
    classes.join(LearnerFactory(), other)
    return person


def deeds(session):
    return list(session.teaching_events.values_list("deed", flat=True))


def api_of(person):
    return Client(headers={"authorization": f"Bearer {ApiToken.issue(person)}", "accept-language": "en"})


def granted(session, teacher):
    leave = helping.ask_leave(teacher, session)
    helping.grant(session, leave.pk)
    return leave


class TestClasses:
    def test_a_code_is_found_however_it_is_typed(self, taught):
        code = taught.code
        assert classes.class_with(f" {code[:4].lower()}-{code[4:]} ") == taught

    def test_an_unknown_code_is_refused(self, taught):
        with pytest.raises(classes.NoSuchCode):
            classes.class_with("AAAA0000")

    def test_joining_twice_is_joining_once_and_makes_no_instructor_a_learner(self, taught, teacher):
        person = LearnerFactory()
        assert classes.join(person, taught) == classes.join(person, taught)
        assert classes.join(teacher, taught).role == Place.TEACHES

    def test_a_list_adds_by_user_name_or_address_and_names_who_is_unknown(self, taught):
        first, second = LearnerFactory(), LearnerFactory()
        names = [first.username.upper(), second.email, "", "nobody", first.username]
        listed = classes.add_listed(taught, [*names, second.username])
        assert (listed.added, listed.unknown) == (2, ("nobody",))
        assert classes.add_listed(taught, [first.username]).added == 0

    def test_the_last_instructor_cannot_leave(self, taught, teacher):
        assert not classes.leave(taught.places.get(person=teacher))
        classes.add_listed(taught, [LearnerFactory(username="other").username], Place.TEACHES)
        assert classes.leave(taught.places.get(person=teacher))

    def test_only_the_classs_own_instructors_see_a_learners_session(self, session, teacher, stranger):
        assert teacher.has_perm("labs.watch_session", session)
        assert not stranger.has_perm("labs.watch_session", session)
        assert not session.learner.has_perm("labs.watch_session", session)

    def test_a_learner_who_left_the_class_is_seen_no_more(self, session, teacher, taught):
        classes.leave(taught.places.get(person=session.learner))
        assert not teacher.has_perm("labs.watch_session", session)


class TestPages:
    @pytest.fixture
    def desk(self, client, teacher):
        client.force_login(teacher, MODEL)
        return client

    def test_an_instructor_opens_a_class(self, desk, teacher):
        ensure_roles()
        assign(teacher, Role.INSTRUCTOR)
        answer = desk.post("/en/labs/classes/", {"name": "Night school"}, follow=True)
        assert answer.status_code == 200
        assert TaughtClass.objects.get(name="Night school").code in answer.content.decode()

    def test_a_learner_opens_none(self, client):
        client.force_login(LearnerFactory(), MODEL)
        assert client.post("/en/labs/classes/", {"name": "Mine"}).status_code == 403

    def test_whoever_is_in_no_class_is_told_how_to_get_into_one(self, client):
        client.force_login(LearnerFactory(), MODEL)
        assert "gives you the code" in client.get("/en/labs/classes/").content.decode()

    def test_my_classes_are_searched_and_paged_in_a_bounded_number_of_queries(
        self, desk, teacher, django_assert_max_num_queries
    ):
        for number in range(25):
            classes.open_class(teacher, f"Group {number:02}")
        with django_assert_max_num_queries(16):
            page = desk.get("/en/labs/classes/?q=group").content.decode()
        assert "Group 19" in page
        assert "Group 20" not in page
        assert "Group 20" in desk.get("/en/labs/classes/?q=group&page=2").content.decode()
        assert "Group" not in desk.get("/en/labs/classes/?q=nothing").content.decode().replace("groups", "")

    def test_joining_by_link_says_first_what_instructors_see(self, client, taught):
        person = LearnerFactory()
        client.force_login(person, MODEL)
        page = client.get(f"/en/labs/classes/join/?code={taught.code}").content.decode()
        assert "see the terminals" in page
        assert "Spring" in page
        assert not taught.places.filter(person=person).exists()
        client.post("/en/labs/classes/join/", {"code": taught.code})
        assert taught.places.get(person=person).role == Place.LEARNS

    def test_a_wrong_code_is_answered_at_its_field(self, client):
        client.force_login(LearnerFactory(), MODEL)
        assert "No class has this code" in client.get("/en/labs/classes/join/?code=WRONG").content.decode()

    def test_people_are_added_and_removed_on_the_classs_page(self, desk, taught):
        person = LearnerFactory()
        page = desk.post(
            f"/en/labs/classes/{taught.pk}/",
            {"names": f"{person.username}\nnobody", "role": "learns"},
            follow=True,
        ).content.decode()
        assert person.username in page
        assert "Nobody here is called: nobody" in page
        place = taught.places.get(person=person)
        desk.post(f"/en/labs/classes/{taught.pk}/places/{place.pk}/leave/")
        assert not taught.places.filter(person=person).exists()

    def test_another_classs_instructor_finds_no_class(self, client, taught, stranger, session):
        client.force_login(stranger, MODEL)
        assert client.get(f"/en/labs/classes/{taught.pk}/").status_code == 404
        place = taught.places.get(person=session.learner)
        assert client.post(f"/en/labs/classes/{taught.pk}/places/{place.pk}/leave/").status_code == 404
        assert taught.places.filter(pk=place.pk).exists()

    def test_a_learner_of_the_class_finds_no_page_of_it(self, client, taught, session):
        client.force_login(session.learner, MODEL)
        assert client.get(f"/en/labs/classes/{taught.pk}/").status_code == 404


class TestHands:
    def test_a_raised_hand_is_up_once_until_it_is_lowered(self, session, teacher):
        helping.raise_hand(session, "why?")
        helping.raise_hand(session, "why not?")
        assert helping.help_body(session)["hand"]["words"] == "why not?"
        helping.lower_hand(session, teacher)
        helping.lower_hand(session, teacher)
        assert helping.help_body(session)["hand"] is None
        assert deeds(session) == [Deed.HAND_RAISED, Deed.HAND_LOWERED]

    def test_without_a_class_nobody_would_see_it(self):
        with pytest.raises(helping.NobodyTeaches):
            helping.raise_hand(SessionFactory())

    def test_an_exam_has_no_help(self, session, teacher):
        session.mode = Mode.EXAM
        session.save()
        with pytest.raises(helping.NoHelpHere):
            helping.raise_hand(session)
        with pytest.raises(helping.NoHelpHere):
            helping.ask_leave(teacher, session)
        assert helping.send(teacher, [session], "the answer") == 0
        assert not helping.help_body(session)["given"]


class TestMessages:
    def test_words_reach_one_learner_or_all_who_are_in_a_lab(self, session, teacher, taught):
        other = SessionFactory()
        classes.join(other.learner, taught)
        elsewhere = SessionFactory()
        api = api_of(teacher)

        def send(**wish):
            return api.post(
                f"/api/v1/classes/{taught.pk}/messages", json.dumps(wish), content_type="application/json"
            ).json()

        assert send(words="look again", session=str(session.pk)) == {"sent": 1}
        assert send(words="five minutes") == {"sent": 2}
        assert send(words="not yours", session=str(elsewhere.pk)) == {"sent": 0}
        assert [m["words"] for m in helping.help_body(session)["messages"]] == ["look again", "five minutes"]
        assert [m["from"] for m in helping.help_body(other)["messages"]] == ["Ming Li"]
        assert helping.help_body(elsewhere)["messages"] == []

    def test_another_classs_instructor_cannot_speak_to_it(self, session, stranger, taught):
        answer = api_of(stranger).post(
            f"/api/v1/classes/{taught.pk}/messages", '{"words": "hello"}', content_type="application/json"
        )
        assert answer.status_code == 404
        assert not session.teaching_messages.exists()


class TestLeave:
    def test_only_what_the_learner_granted_lets_an_instructor_type(self, session, teacher):
        leave = helping.ask_leave(teacher, session)
        assert helping.ask_leave(teacher, session) == leave
        assert not helping.may_type(teacher, session.pk)
        helping.grant(session, leave.pk)
        assert helping.may_type(teacher, session.pk)

    def test_it_is_for_that_instructor_and_that_session_alone(self, session, teacher, stranger):
        granted(session, teacher)
        assert not helping.may_type(stranger, session.pk)
        assert not helping.may_type(teacher, SessionFactory(learner=session.learner).pk)

    def test_it_ends_by_itself(self, session, teacher):
        leave = granted(session, teacher)
        past = timezone.now() - timedelta(seconds=1)
        TypingLeave.objects.filter(pk=leave.pk).update(
            granted_at=past - timedelta(minutes=1), expires_at=past
        )
        assert not helping.may_type(teacher, session.pk)
        assert helping.help_body(session)["leaves"] == []

    @pytest.mark.parametrize("who", ["learner", "teacher"])
    def test_either_side_ends_it_at_once(self, session, teacher, who):
        leave = granted(session, teacher)
        helping.end_leave(session, leave.pk, session.learner if who == "learner" else teacher)
        assert not helping.may_type(teacher, session.pk)
        assert deeds(session) == [Deed.LEAVE_ASKED, Deed.LEAVE_GRANTED, Deed.LEAVE_ENDED]

    def test_what_was_ended_cannot_be_granted_any_more(self, session, teacher):
        leave = helping.ask_leave(teacher, session)
        helping.end_leave(session, leave.pk, session.learner)
        with pytest.raises(TypingLeave.DoesNotExist):
            helping.grant(session, leave.pk)

    def test_granting_again_makes_it_no_longer(self, session, teacher):
        leave = granted(session, teacher)
        leave.refresh_from_db()
        helping.grant(session, leave.pk)
        assert TypingLeave.objects.get().expires_at == leave.expires_at

    def test_a_session_that_ended_or_became_an_exam_ends_it(self, session, teacher):
        granted(session, teacher)
        session.mode = Mode.EXAM
        session.save()
        assert not helping.may_type(teacher, session.pk)
        session.mode = Mode.PRACTICE
        session.save()
        session.close()
        assert not helping.may_type(teacher, session.pk)


class TestOverHttp:
    def call(self, person, method, session, path, body="{}"):
        address = f"/api/v1/lab-sessions/{session.pk}/{path}"
        return api_of(person).generic(method, address, body, content_type="application/json")

    def test_a_hand_goes_up_and_an_instructor_lowers_it(self, session, teacher):
        up = self.call(session.learner, "POST", session, "hand", '{"words": "help"}')
        assert up.json()["hand"]["words"] == "help"
        assert self.call(teacher, "DELETE", session, "hand").json()["hand"] is None

    def test_an_instructor_asks_the_learner_grants_and_withdraws(self, session, teacher):
        leave = self.call(teacher, "POST", session, "leaves").json()["leaves"][0]
        assert (leave["instructor"], leave["granted"]) == ("Ming Li", False)
        grant = self.call(session.learner, "POST", session, f"leaves/{leave['id']}/grant").json()
        assert grant["leaves"][0]["granted"]
        assert self.call(session.learner, "DELETE", session, f"leaves/{leave['id']}").json()["leaves"] == []

    def test_an_instructor_cannot_grant_it_to_themselves(self, session, teacher):
        leave = helping.ask_leave(teacher, session)
        assert self.call(teacher, "POST", session, f"leaves/{leave.pk}/grant").status_code == 404
        assert not helping.may_type(teacher, session.pk)

    @pytest.mark.parametrize(
        ("method", "path"), [("GET", "help"), ("POST", "hand"), ("DELETE", "hand"), ("POST", "leaves")]
    )
    def test_another_classs_instructor_finds_nothing(self, session, stranger, method, path):
        assert self.call(stranger, method, session, path).status_code == 404
        assert deeds(session) == []

    def test_nobody_ends_a_leave_of_others(self, session, teacher, stranger):
        leave = granted(session, teacher)
        assert self.call(stranger, "DELETE", session, f"leaves/{leave.pk}").status_code == 404
        assert helping.may_type(teacher, session.pk)


class TestRecord:
    def test_it_cannot_be_changed_or_taken_back(self, session, teacher):
        helping.raise_hand(session)
        event = TeachingEvent.objects.get()
        event.detail = "nothing happened"
        for change in (event.save, event.delete, TeachingEvent.objects.all().delete):
            with pytest.raises(RecordIsFinal):
                change()
        with pytest.raises(RecordIsFinal):
            TeachingEvent.objects.update(detail="nothing happened")
        assert TeachingEvent.objects.get().detail == ""


class TestLive:
    pytestmark = pytest.mark.django_db(
        transaction=True, available_apps=[app.name for app in apps.get_app_configs()]
    )

    async def test_the_learners_page_hears_of_words_and_of_who_asks_to_type(self, engine, session, teacher):
        token = bearer(await sync_to_async(ApiToken.issue)(session.learner))
        async with Screen(f"/ws/labs/sessions/{session.pk}/events/?lang=en", token) as page:
            await page.until_frame("session")
            await sync_to_async(helping.send)(teacher, [session], "look at line 3")
            assert (await page.until_frame("help"))["messages"][0]["words"] == "look at line 3"
            await sync_to_async(helping.ask_leave)(teacher, session)
            assert (await page.until_frame("help"))["leaves"][0]["instructor"] == "Ming Li"
