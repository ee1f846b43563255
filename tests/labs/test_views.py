"""The labs' pages without a browser: what they show, what they refuse, and how often they ask the database."""

import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from labs.lifecycle import Reason, State
from labs.models import Host, Lab, LabSession
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory, node

pytestmark = pytest.mark.django_db


def url(name: str, *args: object, language: str = "en") -> str:
    with override(language):
        return reverse(f"labs:{name}", args=args)


@pytest.fixture
def browser(client: Client, learner: Any) -> Client:
    client.force_login(learner)
    return client


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


class TestCatalogue:
    def test_it_lists_every_published_lab_in_the_pages_language(self, client: Client) -> None:
        LabFactory(title_zh="进程", title_en="Processes")
        LabFactory(title_en="Gone", withdrawn_at=timezone.now())
        english, chinese = (
            text_of(client.get(url("catalogue", language=spoken))) for spoken in ("en", "zh-hans")
        )
        assert "Processes" in english
        assert "Gone" not in english
        assert "进程" in chinese

    def test_words_and_level_narrow_it(self, client: Client) -> None:
        LabFactory(title_en="Queues", level="advanced")
        LabFactory(title_en="Processes", level="beginner")
        by_word = text_of(client.get(url("catalogue"), {"q": "queue"}))
        by_level = text_of(client.get(url("catalogue"), {"level": "beginner"}))
        assert "Queues" in by_word
        assert "Processes" not in by_word
        assert "Processes" in by_level
        assert "Queues" not in by_level

    def test_an_unknown_level_and_a_page_beyond_the_last_do_no_harm(self, client: Client) -> None:
        LabFactory(title_en="Queues")
        assert "Queues" in text_of(client.get(url("catalogue"), {"level": "' or 1=1", "page": "999"}))

    def test_an_empty_catalogue_says_why(self, client: Client) -> None:
        assert "None has been published yet." in text_of(client.get(url("catalogue")))

    def test_a_search_without_a_match_offers_all_labs(self, client: Client) -> None:
        LabFactory()
        page = text_of(client.get(url("catalogue"), {"q": "nothing like it"}))
        assert "No lab matches what you asked for." in page
        assert "Show all labs" in page

    def test_it_goes_on_over_pages_and_keeps_the_question(self, client: Client) -> None:
        LabFactory.create_batch(13)
        page = text_of(client.get(url("catalogue"), {"q": "Processes"}))
        assert "?q=Processes&amp;page=2" in page

    def test_it_asks_the_database_as_often_for_ten_labs_as_for_one(
        self, browser: Client, django_assert_max_num_queries: Any
    ) -> None:
        LabFactory.create_batch(10)
        browser.get(url("catalogue"))
        with django_assert_max_num_queries(12):
            browser.get(url("catalogue"))


class TestLab:
    def test_it_says_what_is_done_and_checked_and_on_which_machines(self, client: Client) -> None:
        nodes = [node("lb", links=["web1"]), node("web1")]
        lab = LabFactory(nodes=nodes, steps={"one": {"greets": "web1"}})
        page = text_of(client.get(url("lab", lab.slug)))
        assert "It greets" in page
        assert "lb (base) talks to web1." in page
        assert "Sign in and start" in page

    def test_a_withdrawn_lab_is_not_found(self, client: Client) -> None:
        lab = LabFactory(withdrawn_at=timezone.now())
        assert client.get(url("lab", lab.slug)).status_code == 404

    def test_without_an_engine_the_cause_and_the_fix_stand_where_the_button_would_be(
        self, browser: Client, lab: Lab
    ) -> None:
        Host.objects.create(
            pk=1, problem="No engine runs.", remedy="service docker start", seen_at=timezone.now()
        )
        page = text_of(browser.get(url("lab", lab.slug)))
        assert "No engine runs." in page
        assert "service docker start" in page
        assert "Start the lab" not in page

    def test_another_running_lab_is_named_with_the_way_to_it(
        self, browser: Client, learner: Any, lab: Lab
    ) -> None:
        other = SessionFactory(learner=learner, lab=LabFactory(title_en="The other lab"))
        page = text_of(browser.get(url("lab", lab.slug)))
        assert "“The other lab” is still running." in page
        assert url("session", other.pk) in page
        assert "Start the lab" not in page

    def test_a_running_session_of_this_lab_is_gone_on_with(
        self, browser: Client, learner: Any, lab: Lab
    ) -> None:
        session = SessionFactory(learner=learner, lab=lab)
        page = text_of(browser.get(url("lab", lab.slug)))
        assert url("session", session.pk) in page
        assert "Go on working" in page


class TestStart:
    def test_it_opens_a_session_and_goes_there(self, browser: Client, learner: Any, lab: Lab) -> None:
        response = browser.post(url("start", lab.slug))
        assert response["Location"] == url("session", LabSession.objects.get(learner=learner).pk)

    def test_twice_gives_the_same_session(self, browser: Client, lab: Lab) -> None:
        first, second = (browser.post(url("start", lab.slug))["Location"] for _time in range(2))
        assert first == second

    def test_a_stranger_signs_in_first_and_comes_back_to_the_lab(self, client: Client, lab: Lab) -> None:
        response = client.post(url("start", lab.slug))
        assert response.status_code == 302
        assert response["Location"].endswith(f"?next={url('lab', lab.slug)}")
        assert not LabSession.objects.exists()

    def test_a_link_starts_nothing(self, browser: Client, lab: Lab) -> None:
        assert browser.get(url("start", lab.slug)).status_code == 405

    def test_a_host_too_small_for_the_lab_is_told_on_the_labs_own_page(
        self, browser: Client, lab: Lab, settings: Any
    ) -> None:
        settings.SANDBOX_CAPACITY_CPUS = 0.1
        page = text_of(browser.post(url("start", lab.slug), follow=True))
        assert "all labs together have 0.1" in page
        assert "Waiting does not help" in page

    def test_another_running_lab_stands_in_the_way(self, browser: Client, learner: Any, lab: Lab) -> None:
        SessionFactory(learner=learner)
        response = browser.post(url("start", lab.slug))
        assert response["Location"] == url("lab", lab.slug)
        assert not LabSession.objects.filter(lab=lab).exists()


class TestSession:
    def test_it_holds_what_its_scripts_start_from(self, browser: Client, learner: Any) -> None:
        session = SessionFactory(learner=learner)
        response = browser.get(url("session", session.pk))
        found = re.search(rb'<script id="lab-page" type="application/json">(.*?)</script>', response.content)
        assert found is not None
        data = json.loads(found[1])
        assert data["session"]["id"] == str(session.pk)
        assert data["session"]["nodes"][0]["terminal"].startswith("/ws/labs/sessions/")
        assert data["events"].endswith("?lang=en")

    def test_style_elements_need_this_pages_nonce_and_attributes_stay_forbidden(
        self, browser: Client, learner: Any
    ) -> None:
        session = SessionFactory(learner=learner)
        response = browser.get(url("session", session.pk))
        policy = dict(part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";"))
        nonce = re.search(rb'<script type="importmap" nonce="([^"]+)"', response.content)
        assert nonce is not None
        assert policy["style-src-elem"] == f"'self' 'nonce-{nonce[1].decode()}'"
        assert policy["style-src"] == "'self'"
        assert "unsafe" not in response["Content-Security-Policy"]

    def test_other_pages_keep_the_strict_policy(self, browser: Client, lab: Lab) -> None:
        policy = browser.get(url("lab", lab.slug))["Content-Security-Policy"]
        assert "style-src-elem" not in policy

    def test_somebody_elses_session_does_not_exist(self, browser: Client) -> None:
        session = SessionFactory(learner=LearnerFactory())
        assert browser.get(url("session", session.pk)).status_code == 404

    def test_a_stranger_is_asked_to_sign_in(self, client: Client) -> None:
        response = client.get(url("session", SessionFactory().pk))
        assert response.status_code == 302
        assert str(settings.LOGIN_URL) not in response["Location"]
        assert "/accounts/login/" in response["Location"]

    def test_it_is_never_kept_by_a_cache(self, browser: Client, learner: Any) -> None:
        session = SessionFactory(learner=learner)
        assert "no-store" in browser.get(url("session", session.pk))["Cache-Control"]

    @pytest.mark.parametrize(
        ("reason", "title"),
        [
            (Reason.EXPIRED, "The time was up"),
            (Reason.FAILED, "The machines were lost"),
            (Reason.ABANDONED, "You left this lab"),
            (Reason.IDLE, "Ended because nothing happened"),
            (Reason.QUOTA, "allowance for lab time is used up"),
            (Reason.FINISHED, "Finished without passing"),
            (Reason.ORPHANED, "This lab session has ended"),
        ],
    )
    def test_every_end_says_how_it_was_and_offers_a_new_start(
        self, browser: Client, learner: Any, reason: Reason, title: str
    ) -> None:
        session = SessionFactory(learner=learner, state=State.STOPPED)
        session.sandboxes.update(reason=reason, detail="the engine was gone")
        session.close()
        page = text_of(browser.get(url("session", session.pk)))
        assert title in page
        assert "Start the lab again" in page
        assert "It greets" in page
        assert "Do it." in page

    def test_a_passed_session_leads_on_to_the_dashboard(self, browser: Client, learner: Any) -> None:
        session = SessionFactory(learner=learner, state=State.STOPPED)
        session.record_pass(2, 2, ["yl-t-001:2026:service-health"])
        page = text_of(browser.get(url("session", session.pk)))
        assert "You have passed this lab." in page
        assert "2 of 2 points" in page
        assert "Go on: my dashboard" in page

    def test_while_machines_go_the_end_is_shown_already(self, browser: Client, learner: Any) -> None:
        session = SessionFactory(learner=learner, state=State.STOPPING)
        assert "labs/session.js" not in text_of(browser.get(url("session", session.pk)))

    def test_an_ended_session_shows_the_way_to_the_one_that_runs(
        self, browser: Client, learner: Any, lab: Lab
    ) -> None:
        ended = SessionFactory(learner=learner, lab=lab, state=State.STOPPED)
        ended.close()
        again = SessionFactory(learner=learner, lab=lab)
        assert url("session", again.pk) in text_of(browser.get(url("session", ended.pk)))

    def test_it_asks_the_database_as_often_for_many_steps_as_for_one(
        self, browser: Client, learner: Any, django_assert_max_num_queries: Any
    ) -> None:
        steps = {f"step{place}": {f"check{place}": "box"} for place in range(8)}
        session = SessionFactory(learner=learner, lab=LabFactory(steps=steps))
        browser.get(url("session", session.pk))
        with django_assert_max_num_queries(25):
            browser.get(url("session", session.pk))
