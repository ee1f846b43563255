"""What programs read: keys, credentials, status lists; and that nothing here ever asks the network."""

import json
import socket

import pytest
import time_machine

from certification import issuing, publishing, shapes
from certification.inspection import inspect_text
from certification.models import StatusList
from certification.status_list import Purpose, decode, is_set
from certification.verification import Outcome, verify
from tests.certification.conftest import complete, make_programme


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_issuing_and_verifying_ask_nothing_of_the_network(no_network, earned, learner, operator):
    credential = issuing.issue(earned, learner)
    assert inspect_text(credential.document).verdict.outcome is Outcome.VALID
    issuing.revoke(credential, operator, "Fraud")
    assert inspect_text(credential.document).verdict.outcome is Outcome.REVOKED


def test_the_published_did_document_and_lists_are_enough_to_verify(client, credential):
    """Everything a verifier needs is behind the addresses that the credential itself names."""
    document = json.loads(client.get("/.well-known/did.json").content)
    keys = {method["id"]: method["publicKeyMultibase"] for method in document["verificationMethod"]}
    signed = client.get(f"/credentials/{credential.public_id}").content
    method = json.loads(signed)["proof"]["verificationMethod"]
    assert method in keys
    assert method.startswith(f"{document['id']}#")
    assert document["id"] == json.loads(signed)["issuer"]["id"] == "did:web:testserver"

    def over_http(url, purpose):
        path = url.removeprefix("http://testserver")
        suffix = "/suspension" if purpose is Purpose.SUSPENSION else ""
        return client.get(path + suffix).content.decode()

    from certification import issuers, multibase

    issuer = issuers.Issuer(document["id"], "", "", {method: multibase.from_multikey(keys[method])})
    assert verify(signed, {issuer.did: issuer}, over_http, credential.issued_at).outcome is Outcome.VALID


def test_the_credential_door_gives_the_signed_text_to_programs_and_a_verdict_to_people(client, credential):
    url = f"/credentials/{credential.public_id}"
    response = client.get(url, HTTP_ACCEPT="application/vc")
    assert response.content == credential.document.encode()
    assert response["Content-Type"] == "application/vc"
    assert response["Access-Control-Allow-Origin"] == "*"
    response = client.get(url, HTTP_ACCEPT="text/html,*/*")
    assert response.url.endswith(f"/verify/{credential.public_id}/")


@pytest.mark.parametrize(
    ("accepted", "language"), [("en-GB,en", "en"), ("zh-CN", "zh-hans"), ("fr", "zh-hans")]
)
def test_the_qr_code_finds_the_readers_language(client, credential, accepted, language):
    response = client.get(f"/v/{credential.public_id}", HTTP_ACCEPT_LANGUAGE=accepted)
    assert response.url == f"/{language}/verify/{credential.public_id}/"


def test_the_link_in_the_qr_code_leads_to_the_verdict(client, credential):
    response = client.get(f"/v/{credential.public_id}", follow=True, HTTP_ACCEPT_LANGUAGE="en")
    assert "<h1>Valid</h1>" in response.content.decode()


def list_url(credential, suffix=""):
    return f"/credentials/status/{credential.status_list_id}{suffix}"


def bit(client, credential, suffix=""):
    document = json.loads(client.get(list_url(credential, suffix)).content)
    return is_set(decode(document["credentialSubject"]["encodedList"]), credential.status_index)


def test_a_revocation_is_in_the_very_next_answer_of_the_list(client, credential, operator):
    assert bit(client, credential) is False
    issuing.revoke(credential, operator, "Fraud")
    assert bit(client, credential) is True
    assert bit(client, credential, "/suspension") is False


def test_a_suspension_is_in_its_own_list_and_leaves_it_again(client, credential, operator):
    issuing.suspend(credential, operator, "Complaint")
    assert (bit(client, credential), bit(client, credential, "/suspension")) == (False, True)
    issuing.reinstate(credential, operator, "Unfounded")
    assert bit(client, credential, "/suspension") is False


def test_an_unchanged_list_is_not_sent_twice_and_a_changed_one_is(client, credential, operator):
    first = client.get(list_url(credential))
    assert "max-age=30" in first["Cache-Control"]
    again = client.get(list_url(credential), HTTP_IF_NONE_MATCH=first["ETag"])
    assert again.status_code == 304
    issuing.revoke(credential, operator, "Fraud")
    changed = client.get(list_url(credential), HTTP_IF_NONE_MATCH=first["ETag"])
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_a_list_is_signed_anew_before_it_is_too_old_to_be_relied_on(credential):
    first = publishing.published(credential.status_list_id, Purpose.REVOCATION)
    with time_machine.travel(credential.issued_at + publishing.SIGNED_ANEW_AFTER * 1.1, tick=False):
        later = publishing.published(credential.status_list_id, Purpose.REVOCATION)
    assert later != first
    with time_machine.travel(credential.issued_at + publishing.VALID_FOR * 3, tick=False):
        assert inspect_text(credential.document).verdict.outcome is Outcome.VALID


def test_an_unknown_list_is_not_found(client, db):
    for url in ("/credentials/status/4711", "/credentials/status/4711/suspension"):
        assert client.get(url, follow=True).status_code == 404


def test_when_the_list_cannot_be_signed_the_verdict_is_unknown(credential, settings, tmp_path):
    StatusList.objects.update(published_at=None)
    settings.CERTIFICATION_SIGNING_KEY_FILE = tmp_path / "nowhere" / "key.pem"
    settings.CERTIFICATION_MAKE_SIGNING_KEY = False
    assert inspect_text(credential.document).verdict.outcome is Outcome.UNKNOWN


def test_a_list_of_another_site_is_not_read(credential, monkeypatch, settings):
    settings.PUBLIC_URL = "http://moved.example"
    assert inspect_text(credential.document).verdict.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
def test_the_achievement_is_published_in_both_languages_and_names_the_other(client, programme, language):
    url = f"/credentials/achievements/{programme.slug}/{language}"
    document = json.loads(client.get(url).content)
    other = {"zh-Hans": "en", "en": "zh-Hans"}[language]
    assert document["id"] == f"http://testserver{url}"
    assert document["inLanguage"] == language
    assert document["related"][0]["inLanguage"] == other
    assert client.get(document["related"][0]["id"].removeprefix("http://testserver")).status_code == 200


def test_what_a_credential_links_to_can_be_read(client, credential):
    document = shapes.read(credential.document)
    subject = document["credentialSubject"]["achievement"]
    for link in (
        subject["id"],
        subject["criteria"]["id"],
        document["id"],
        "http://testserver/credentials/issuer",
    ):
        assert client.get(link.removeprefix("http://testserver"), follow=True).status_code == 200


def test_the_name_that_others_show_is_in_both_languages(credential):
    document = shapes.read(credential.document)
    assert document["name"] == "云计算基础 / Cloud foundations"
    assert document["credentialSubject"]["achievement"]["inLanguage"] == "zh-Hans"


def test_the_holder_is_an_identity_object_and_nothing_more(credential):
    subject = shapes.read(credential.document)["credentialSubject"]
    assert subject["identifier"] == [
        {"type": "IdentityObject", "hashed": False, "identityHash": "李雷", "identityType": "name"}
    ]
    assert "lilei" not in credential.document
    assert "example.org" not in credential.document


def test_two_credentials_of_one_person_do_not_tell_so(credential, learner):
    other = make_programme("second")
    complete(learner, other.course_ids[0])
    documents = [shapes.read(c.document) for c in (credential, issuing.issue(other, learner))]
    assert documents[0]["credentialSubject"]["id"] != documents[1]["credentialSubject"]["id"]
