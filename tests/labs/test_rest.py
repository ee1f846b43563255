"""The API over HTTP: what it answers to whom, and that no request can make it stumble."""

import json
import uuid
from functools import partial

import pytest
import redis.exceptions
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from django.test import AsyncClient, Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from community.models import ApiToken
from labs import grading, provisioning
from labs.drivers.base import RunResult
from labs.lifecycle import Reason, State
from labs.models import Host, LabSession, Sandbox
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory, node

pytestmark = pytest.mark.django_db

SESSIONS = "/api/v1/lab-sessions"


@pytest.fixture
def api(learner):
    """A program with the learner's token."""
    return Client(headers={"authorization": f"Bearer {ApiToken.issue(learner)}"})


@pytest.fixture
def opened(engine, learner):
    session = SessionFactory(
        learner=learner, lab=LabFactory(nodes=[node("a"), node("b")], steps={"first": {"greets": "a"}})
    )
    engine.create(session.sandbox.spec())
    return session


def post(client, path, body=None):
    return client.post(path, json.dumps(body or {}), content_type="application/json")


def test_the_labs_on_offer_are_listed_with_what_they_are_to_me(api, learner, opened):
    LabFactory(slug="gone", withdrawn_at=timezone.now())
    passed = LabFactory(slug="passed")
    LabSession.objects.create(
        learner=learner,
        lab=passed,
        expires_at=timezone.now(),
        closed_at=timezone.now(),
        passed_at=timezone.now(),
    )
    labs = {lab["slug"]: lab for lab in api.get("/api/v1/labs").json()}
    assert set(labs) == {opened.lab.slug, "passed"}
    assert labs[opened.lab.slug]["session"] == str(opened.pk)
    assert (labs["passed"]["passed"], labs["passed"]["session"]) == (True, None)


def test_the_list_is_searched_in_either_language(api):
    LabFactory(slug="queue", title_zh="消息队列", title_en="Message queue")
    LabFactory(slug="balance")
    for words in ("消息", "queue", "MESSAGE que"):
        assert [lab["slug"] for lab in api.get("/api/v1/labs", {"q": words}).json()] == ["queue"]


def test_the_list_takes_as_many_queries_for_many_labs_as_for_one(api, django_assert_max_num_queries):
    for _lab in range(12):
        LabFactory()
    with django_assert_max_num_queries(5):
        assert len(api.get("/api/v1/labs").json()) == 12


def test_starting_opens_a_session_and_starting_again_gives_the_same(engine, api, lab):
    first = post(api, SESSIONS, {"lab": lab.slug})
    again = post(api, SESSIONS, {"lab": lab.slug})
    assert (first.status_code, again.status_code) == (201, 200)
    body = first.json()
    assert body["id"] == again.json()["id"]
    assert (body["state"], body["reason"]) == ("requested", "")
    (node,) = body["nodes"]
    assert (node["name"], node["state"]) == ("box", "requested")
    assert node["terminal"] == f"/ws/labs/sessions/{body['id']}/nodes/box/terminals/1/"
    assert (node["size"]["cpus"], node["size"]["memory_mib"]) == (0.5, 64)


def test_the_state_reaches_ready(engine, api, lab):
    body = post(api, SESSIONS, {"lab": lab.slug}).json()
    provisioning.provision(Sandbox.objects.get().pk)
    assert api.get(f"{SESSIONS}/{body['id']}").json()["state"] == "ready"


def test_a_second_lab_is_too_many(engine, api, lab):
    post(api, SESSIONS, {"lab": lab.slug})
    refused = post(api, f"{SESSIONS}?lang=en", {"lab": LabFactory().slug})
    assert refused.status_code == 429
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert refused.json()["code"] == "quota_exceeded"
    assert "still running" in refused.json()["detail"]
    assert refused.json()["remedy"]


def test_a_full_host_says_when_to_come_back(engine, api, lab, settings):
    settings.SANDBOX_CAPACITY_MIB = 1
    refused = post(api, SESSIONS, {"lab": lab.slug})
    assert (refused.status_code, refused.json()["code"]) == (503, "host_full")
    assert int(refused.headers["retry-after"]) > 0


def test_without_an_engine_cause_and_fix_are_answered(api, lab):
    Host.objects.create(pk=1, problem="No engine.", remedy="Start it.", seen_at=timezone.now())
    refused = post(api, SESSIONS, {"lab": lab.slug})
    assert refused.status_code == 503
    assert refused.json() == {"detail": "No engine.", "code": "no_engine", "remedy": "Start it."}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"lab": 1}', b"{}", b'{"lab": null}', b'{"lab": "%s"}' % (b"x" * 99)],
)
def test_a_body_that_is_not_as_documented_is_said_to_be_so(api, body):
    answer = api.post(SESSIONS, body, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert {"detail", "code", "remedy"} <= set(answer.json())


def test_an_unknown_or_withdrawn_lab_is_not_found(api):
    LabFactory(slug="gone", withdrawn_at=timezone.now())
    for slug in ("gone", "never"):
        assert post(api, SESSIONS, {"lab": slug}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("delete", ""),
        ("post", "/extend"),
        ("post", "/finish"),
        ("post", "/checks/first"),
        ("post", "/nodes/a/restart"),
    ],
)
def test_nobody_elses_session_is_to_be_found(opened, method, path):
    stranger = Client(headers={"authorization": f"Bearer {ApiToken.issue(LearnerFactory())}"})
    answer = getattr(stranger, method)(f"{SESSIONS}/{opened.pk}{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("headers", "body"),
    [({}, "{}"), ({"authorization": "Bearer yl_wrong"}, "{}"), ({"authorization": "Basic eA=="}, "{}")],
)
def test_nobody_is_answered_without_signing_in(lab, headers, body):
    for answer in (
        Client(headers=headers).get("/api/v1/labs"),
        Client(headers=headers).post(SESSIONS, body, content_type="application/json"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_a_revoked_token_opens_nothing(api):
    ApiToken.objects.update(revoked_at=timezone.now())
    assert api.get("/api/v1/labs").status_code == 401


def test_a_cookie_alone_starts_nothing(engine, learner, lab):
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner)
    assert post(client, SESSIONS, {"lab": lab.slug}).status_code == 403
    assert not LabSession.objects.exists()


def test_a_page_of_ours_starts_with_cookie_and_csrf_token(engine, learner, lab):
    client = Client(enforce_csrf_checks=True)
    client.force_login(learner)
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post(
        SESSIONS,
        json.dumps({"lab": lab.slug}),
        content_type="application/json",
        headers={"x-csrftoken": "a" * 32},
    )
    assert answer.status_code == 201


def test_extending_answers_with_the_new_end_until_none_is_left(api, opened, settings):
    settings.LABS_EXTEND_TIMES = 1
    extended = api.post(f"{SESSIONS}/{opened.pk}/extend")
    assert (extended.status_code, extended.json()["extensions_left"]) == (200, 0)
    refused = api.post(f"{SESSIONS}/{opened.pk}/extend")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_extensions_left")


def test_abandoning_ends_the_session_and_may_be_repeated(api, opened, committed):
    for _time in range(2):
        answer = committed(api.delete, f"{SESSIONS}/{opened.pk}")
        assert answer.status_code == 200
        assert answer.json()["reason"] == "abandoned"
    assert api.get(f"{SESSIONS}/{opened.pk}").json()["state"] == "stopped"


def test_restarting_a_node_is_taken_up(api, opened):
    answer = api.post(f"{SESSIONS}/{opened.pk}/nodes/b/restart")
    assert answer.status_code == 202
    assert [n["state"] for n in answer.json()["nodes"]] == ["ready", "restarting"]
    assert api.post(f"{SESSIONS}/{opened.pk}/nodes/none/restart").status_code == 404


def test_a_closed_session_refuses_with_its_code(api, opened):
    provisioning.stop(opened.sandbox.pk, Reason.EXPIRED)
    for path in ("extend", "finish", "checks/first", "nodes/a/restart"):
        answer = api.post(f"{SESSIONS}/{opened.pk}/{path}")
        assert (path, answer.status_code, answer.json()["code"]) == (path, 409, "session_closed")


def test_machines_that_still_start_are_not_checked(api, learner):
    session = SessionFactory(learner=learner, state=State.PROVISIONING)
    answer = api.post(f"{SESSIONS}/{session.pk}/finish")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")


def test_a_step_that_the_lab_does_not_have_is_not_found(api, opened):
    assert api.post(f"{SESSIONS}/{opened.pk}/checks/none").status_code == 404


def test_one_session_takes_a_bounded_number_of_queries(api, learner, django_assert_max_num_queries):
    steps = {f"s{n}": {f"c{n}{m}": "box" for m in range(3)} for n in range(6)}
    session = SessionFactory(learner=learner, lab=LabFactory(steps=steps))
    with django_assert_max_num_queries(15):
        body = api.get(f"{SESSIONS}/{session.pk}").json()
    assert (len(body["steps"]), body["points_of"]) == (6, 36)


def test_words_come_in_the_language_asked_for(api, opened):
    path = f"{SESSIONS}/{opened.pk}"
    assert api.get(path, {"lang": "en"}).json()["title"] == "Processes"
    assert api.get(path, {"lang": "zh-hans"}).json()["title"] == "进程"
    assert api.get(path, headers={"accept-language": "en"}).json()["title"] == "Processes"
    assert api.get(path, {"lang": "xx"}, headers={"accept-language": "en"}).json()["title"] == "Processes"


def test_the_api_describes_itself(api):
    described = api.get("/api/v1/openapi.json").json()
    verbs = {(method, path) for path, methods in described["paths"].items() for method in methods}
    one = "/api/v1/lab-sessions/{session_id}"
    node, files = f"{one}/nodes/{{node}}", f"{one}/nodes/{{node}}/files"
    fork, kept = "/api/v1/lab-forks", "/api/v1/lab-snapshots"
    assert {
        ("get", "/api/v1/labs"),
        ("get", "/api/v1/lab-allowances"),
        ("get", f"{one}/network"),
        ("post", "/api/v1/lab-sessions"),
        ("get", one),
        ("delete", one),
        *(
            ("post", f"{one}/{verb}")
            for verb in ("extend", "finish", "suspend", "resume", "snapshots", "forks")
        ),
        ("post", f"{one}/checks/{{step}}"),
        ("post", f"{one}/checks/{{step}}/{{check}}/hints/{{number}}"),
        ("get", f"{one}/help"),
        ("post", f"{one}/hand"),
        ("delete", f"{one}/hand"),
        ("post", f"{one}/leaves"),
        ("post", f"{one}/leaves/{{leave}}/grant"),
        ("delete", f"{one}/leaves/{{leave}}"),
        ("post", "/api/v1/classes/{class_id}/messages"),
        *(("post", f"{node}/{verb}") for verb in ("restart", "undo-restart", "size")),
        ("get", f"{node}/size"),
        ("get", files),
        ("delete", files),
        ("get", f"{files}/text"),
        ("get", f"{files}/download"),
        ("put", f"{files}/content"),
        ("post", f"{files}/folders"),
        ("post", f"{files}/moves"),
        ("get", fork),
        ("post", f"{fork}/open"),
        ("delete", f"{fork}/{{fork_id}}"),
        ("get", kept),
        ("patch", f"{kept}/{{snapshot_id}}"),
        ("delete", f"{kept}/{{snapshot_id}}"),
        ("post", f"{kept}/{{snapshot_id}}/resume"),
        ("post", f"{kept}/{{snapshot_id}}/undelete"),
    } == verbs
    for methods in described["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["description"]
            assert "401" in operation["responses"]


junk = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text(), max_size=3)
)


@given(
    method=st.sampled_from(["get", "post", "put", "patch", "delete"]),
    parts=st.lists(
        st.one_of(
            st.sampled_from(
                ["lab-sessions", "labs", "checks", "extend", "finish", "nodes", "restart", "first"]
            ),
            st.uuids().map(str),
            st.text(st.characters(codec="utf-8", exclude_characters="/?#"), min_size=1, max_size=12),
        ),
        min_size=1,
        max_size=4,
    ),
    body=st.dictionaries(st.sampled_from(["lab", "x"]), junk, max_size=2),
)
@hypothesis_settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_asked_no_request_makes_it_stumble(api, method, parts, body):
    path = "/api/v1/" + "/".join(part.replace("%", "%25") for part in parts)
    answer = api.generic(method.upper(), path, json.dumps(body), content_type="application/json")
    assert answer.status_code < 500


def test_a_session_id_that_is_no_uuid_is_not_found(api):
    assert api.get(f"{SESSIONS}/4711").status_code == 404
    assert api.get(f"{SESSIONS}/{uuid.uuid4()}").status_code == 404


class TestWaiting:
    """Checks and finish wait for the worker, on the channel layer, with the row as the truth."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def waiting(self, learner):
        return partial(AsyncClient().post, headers={"authorization": f"Bearer {ApiToken.issue(learner)}"})

    async def test_a_check_answers_with_what_it_found(self, engine, waiting, opened):
        engine.answer("check greets", RunResult(1, "silent\n", 3))
        answer = await waiting(f"{SESSIONS}/{opened.pk}/checks/first?lang=en")
        assert answer.status_code == 200
        result = answer.json()["result"]
        assert (result["state"], result["passed"], result["failing"]) == ("done", False, ["greets"])
        assert result["checks"][0]["reason"] == "It says nothing"
        assert answer.json()["steps"][0]["checks"][0]["hint"] == "first"

    async def test_a_check_is_answered_while_the_channel_layers_broker_is_away(
        self, engine, waiting, opened, monkeypatch
    ):
        async def away(*_arguments):
            raise redis.exceptions.ConnectionError("no broker")

        for verb in ("group_add", "group_send", "group_discard", "receive"):
            monkeypatch.setattr(InMemoryChannelLayer, verb, away)
        answer = await waiting(f"{SESSIONS}/{opened.pk}/checks/first")
        assert (answer.status_code, answer.json()["result"]["state"]) == (200, "done")

    async def test_a_finish_that_passes_says_so(self, engine, waiting, opened):
        answer = await waiting(f"{SESSIONS}/{opened.pk}/finish")
        body = answer.json()
        assert (answer.status_code, body["result"]["passed"]) == (200, True)
        assert body["passed_at"]
        assert body["reason"] == "finished"

    async def test_a_worker_that_is_slow_means_202_and_later(
        self, engine, waiting, opened, settings, monkeypatch
    ):
        settings.LABS_CHECK_WAIT_SECONDS = 0.2
        with monkeypatch.context() as patch:
            patch.setattr(grading, "check_work", lambda _pk: None)
            answer = await waiting(f"{SESSIONS}/{opened.pk}/checks/first")
        assert (answer.status_code, answer.json()["result"]["state"]) == (202, "running")
        assert answer.json()["steps"][0]["checking"] is True
        request = await sync_to_async(opened.check_requests.get)()
        await sync_to_async(grading.check_work)(request.pk)
        await request.arefresh_from_db()
        assert request.passed is True

    async def test_asking_twice_at_once_runs_the_checks_once(
        self, engine, waiting, opened, settings, monkeypatch
    ):
        settings.LABS_CHECK_WAIT_SECONDS = 0.2
        with monkeypatch.context() as patch:
            patch.setattr(grading, "check_work", lambda _pk: None)
            first = await waiting(f"{SESSIONS}/{opened.pk}/checks/first")
            again = await waiting(f"{SESSIONS}/{opened.pk}/checks/first")
        assert first.json()["result"]["id"] == again.json()["result"]["id"]


def test_machines_are_frozen_and_woken(api, opened, committed):
    answer = committed(post, api, f"{SESSIONS}/{opened.pk}/suspend")
    assert answer.status_code == 202
    body = api.get(f"{SESSIONS}/{opened.pk}").json()
    assert (body["state"], body["waking"]) == ("suspended", False)
    assert "any key wakes it" in api.get(f"{SESSIONS}/{opened.pk}?lang=en").json()["message"]
    assert post(api, f"{SESSIONS}/{opened.pk}/resume").json()["waking"] is True
    opened.sandbox.wish(State.SUSPENDED, "learner")
    committed(post, api, f"{SESSIONS}/{opened.pk}/resume")
    assert api.get(f"{SESSIONS}/{opened.pk}").json()["state"] == "ready"


@pytest.mark.parametrize("verb", ["suspend", "resume"])
def test_nobody_freezes_or_wakes_the_machines_of_others(opened, verb):
    other = Client(headers={"authorization": f"Bearer {ApiToken.issue(LearnerFactory())}"})
    assert post(other, f"{SESSIONS}/{opened.pk}/{verb}").status_code == 404
    assert opened.sandbox.wish_count == 0


def test_a_running_machine_is_resized_within_its_labs_range(api, learner, engine, committed):
    lab = LabFactory(nodes=[node("a", cpus_max=1.0, memory_mib_max=128)])
    session = SessionFactory(learner=learner, lab=lab)
    engine.create(session.sandbox.spec())
    path = f"{SESSIONS}/{session.pk}/nodes/a/size"
    answer = committed(post, api, path, {"cpus": 0.75, "memory_mib": 96})
    assert answer.status_code == 202
    size = api.get(f"{SESSIONS}/{session.pk}").json()["nodes"][0]["size"]
    assert (size["cpus"], size["memory_mib"], size["changing"], size["problem"]) == (0.75, 96, False, "")
    assert (size["cpus_range"], size["memory_mib_range"], size["can_change"]) == ([0.5, 1.0], [64, 128], True)
    refused = post(api, path, {"cpus": 8, "memory_mib": 96})
    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_range")
    assert post(api, path, {"cpus": 0, "memory_mib": 96}).status_code == 422
    assert (
        post(api, f"{SESSIONS}/{session.pk}/nodes/b/size", {"cpus": 1, "memory_mib": 96}).status_code == 404
    )
