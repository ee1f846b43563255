"""Kept files over HTTP and on pages: to their learner alone, and to whoever has the link of a copy."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from community.models import ApiToken
from labs import keeping, provisioning
from labs.lifecycle import State
from labs.models import Fork, LabSession, Snapshot
from tests.labs.factories import LabFactory, LearnerFactory, SessionFactory, node

pytestmark = pytest.mark.django_db

API = "/api/v1"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def session(engine, learner):
    session = SessionFactory(learner=learner, state=State.REQUESTED, lab=LabFactory(nodes=[node("a")]))
    provisioning.provision(session.sandbox.pk)
    engine.sandboxes[session.sandbox.ref].nodes["a"].home["./notes.txt"] = b"mine"
    return session


@pytest.fixture
def saved(session, committed):
    return committed(keeping.save, session, "before lunch")


def program(person):
    return Client(headers={"authorization": f"Bearer {ApiToken.issue(person)}"})


def browser(person):
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def send(client, verb, path, body=None):
    return getattr(client, verb)(f"{API}{path}", json.dumps(body or {}), content_type="application/json")


def test_a_program_saves_lists_renames_deletes_and_takes_back(session, learner, committed):
    api = program(learner)
    made = committed(send, api, "post", f"/lab-sessions/{session.pk}/snapshots", {"name": "one"})
    assert made.status_code == 202
    (listed,) = api.get(f"{API}/lab-snapshots").json()
    assert (listed["name"], listed["ready"], listed["nodes"]) == ("one", True, ["a"])
    path = f"/lab-snapshots/{listed['id']}"
    assert send(api, "patch", path, {"name": "two"}).json()["name"] == "two"
    assert send(api, "delete", path).json()["ready"] is False
    assert send(api, "post", f"{path}/undelete").json()["ready"] is True
    resumed = committed(send, api, "post", f"{path}/resume")
    assert (resumed.status_code, resumed.json()["id"]) == (201, str(session.pk))


def test_a_restart_is_undone_over_http_and_the_body_says_that_it_can_be(session, learner, committed):
    api = program(learner)
    path = f"/lab-sessions/{session.pk}/nodes/a"
    assert send(api, "post", f"{path}/undo-restart").status_code == 409
    committed(send, api, "post", f"{path}/restart")
    assert api.get(f"{API}/lab-sessions/{session.pk}").json()["homes"]["can_undo"] == ["a"]
    assert committed(send, api, "post", f"{path}/undo-restart").status_code == 202
    assert api.get(f"{API}/lab-sessions/{session.pk}").json()["homes"]["problem"] == ""


def test_a_copy_is_shared_opened_seen_and_revoked_over_http(session, learner, committed):
    api, helper = program(learner), LearnerFactory()
    link = committed(send, api, "post", f"/lab-sessions/{session.pk}/forks").json()
    token = link["url"].rstrip("/").rpartition("/")[2]
    opened = committed(send, program(helper), "post", "/lab-forks/open", {"token": token})
    assert opened.status_code == 201
    (mine,) = api.get(f"{API}/lab-forks").json()
    assert [opening["person"] for opening in mine["openings"]] == [str(helper)]
    assert send(api, "delete", f"/lab-forks/{mine['id']}").json()["open"] is False
    assert send(program(helper), "post", "/lab-forks/open", {"token": token}).status_code == 404


def test_others_find_none_of_it(session, saved, committed):
    fork = committed(keeping.fork, session)
    other = LearnerFactory()
    api, page = program(other), browser(other)
    assert api.get(f"{API}/lab-snapshots").json() == []
    assert api.get(f"{API}/lab-forks").json() == []
    for verb, path in (
        ("delete", f"/lab-snapshots/{saved.pk}"),
        ("post", f"/lab-snapshots/{saved.pk}/resume"),
        ("delete", f"/lab-forks/{fork.pk}"),
        ("post", f"/lab-sessions/{session.pk}/snapshots"),
        ("post", f"/lab-sessions/{session.pk}/forks"),
        ("post", f"/lab-sessions/{session.pk}/nodes/a/undo-restart"),
    ):
        assert send(api, verb, path).status_code == 404, path
    assert page.post(reverse("labs:kept_change", args=[saved.pk, "delete"])).status_code == 404
    assert page.post(reverse("labs:fork_revoke", args=[fork.pk])).status_code == 404
    assert Snapshot.objects.filter(deleted_at=None).count() == 2
    assert Fork.objects.get().is_open


def test_the_page_of_saved_files_lists_and_changes_them(saved, session, learner, committed):
    page = browser(learner)
    committed(keeping.fork, session)
    shown = page.get(reverse("labs:kept")).content.decode()
    assert "before lunch" in shown
    assert "/labs/forks/" in shown
    page.post(reverse("labs:kept_change", args=[saved.pk, "rename"]), {"name": "after lunch"})
    assert "after lunch" in page.get(reverse("labs:kept")).content.decode()
    page.post(reverse("labs:kept_change", args=[saved.pk, "delete"]))
    saved.refresh_from_db()
    assert saved.deleted_at is not None
    page.post(reverse("labs:kept_change", args=[saved.pk, "undelete"]))
    gone_on = committed(page.post, reverse("labs:kept_change", args=[saved.pk, "resume"]))
    assert gone_on.headers["location"] == reverse("labs:session", args=[session.pk])
    assert page.post(reverse("labs:kept_change", args=[saved.pk, "nonsense"])).status_code == 404


def test_the_page_of_a_copy_opens_it_for_whoever_is_signed_in(session, learner, committed):
    address = reverse("labs:fork", args=[committed(keeping.fork, session).token])
    assert Client().get(address).status_code == 302
    helper = LearnerFactory()
    page = browser(helper)
    assert str(learner) in page.get(address).content.decode()
    assert not LabSession.objects.of(helper).exists()
    opened = committed(page.post, address)
    assert opened.headers["location"] == reverse(
        "labs:session", args=[LabSession.objects.of(helper).get().pk]
    )
    assert page.get(reverse("labs:fork", args=["nonsense"])).status_code == 404
