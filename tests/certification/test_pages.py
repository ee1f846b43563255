"""What people see: the form, verdicts, the wallet, the register; who may do what; and how often."""

import html
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from certification import issuing, limits
from certification.models import Act, Credential
from certification.status_list import Purpose, is_set
from community.models import Role
from tests.certification.conftest import complete, make_programme, person, published_bits

# WeasyPrint leaves its colour profile to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")
LANGUAGES = ("zh-hans", "en")
VERIFY = "/en/verify/"


def text_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.mark.parametrize(
    ("language", "word", "title"), [("zh-hans", "有效", "云计算基础"), ("en", "Valid", "Cloud foundations")]
)
def test_the_verdict_says_the_human_answer_first_in_the_readers_language(
    client, credential, language, word, title
):
    response = client.get(f"/{language}/verify/{credential.public_id}/")
    page = text_of(response)
    assert f"<h1>{word}</h1>" in page
    assert page.index(f"<h1>{word}</h1>") < page.index("李雷") < page.index('class="checks"')
    assert title in page


def test_each_check_is_told_separately(client, credential):
    page = text_of(client.get(f"/en/verify/{credential.public_id}/"))
    for question in ("Form of the document", "Issuer", "Signature", "Validity period", "Revocation"):
        assert f"<h3>{question}</h3>" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_needs_no_account_and_no_script(client, db, language):
    response = client.get(f"/{language}/verify/")
    assert response.status_code == 200
    assert 'method="post"' in text_of(response)


def ways_to_ask(credential):
    return [
        credential.public_id,
        credential.public_id.upper(),
        f"  {credential.public_id}\n",
        credential.link,
        f"http://testserver/credentials/{credential.public_id}",
        f"http://testserver/en/verify/{credential.public_id}/",
        f"http://testserver/zh-hans/verify/{credential.public_id}/?utm_source=x#top",
    ]


@pytest.mark.parametrize("way", range(7))
def test_an_id_or_any_link_of_ours_leads_to_the_verdict(client, credential, way):
    response = client.post(VERIFY, {"asked": ways_to_ask(credential)[way]})
    assert response.url == f"/en/verify/{credential.public_id}/"


def test_the_pasted_text_of_a_credential_gets_its_verdict(client, credential):
    response = client.post(VERIFY, {"asked": json.dumps(json.loads(credential.document), indent=2)})
    assert "<h1>Valid</h1>" in text_of(response)


def test_a_tampered_text_is_invalid_and_its_claims_are_not_shown_as_facts(client, credential):
    response = client.post(VERIFY, {"asked": credential.document.replace("李雷", "韩梅梅")})
    page = text_of(response)
    assert "<h1>Invalid</h1>" in page
    assert "韩梅梅" not in page.split("<main")[1].split("<details")[0]


def test_switching_language_keeps_the_verdict_on_what_was_handed_in(client, credential):
    tampered = credential.document.replace("李雷", '<b>"韩梅梅"')
    page = client.post(VERIFY, {"asked": tampered}).content.decode()
    switch = page.split('<form method="post" action="/zh-hans/verify/">')[1].split("</form>")[0]
    again = html.unescape(re.search(r'name="asked" value="([^"]*)"', switch)[1])
    assert again == tampered
    assert "<h1>无效</h1>" in text_of(client.post("/zh-hans/verify/", {"asked": again}))


def test_an_uploaded_json_or_pdf_gets_its_verdict(client, credential, learner):
    client.force_login(learner)
    for kind in ("json", "pdf"):
        content = client.get(f"/en/certificates/{credential.public_id}.{kind}").content
        response = client.post(VERIFY, {"file": SimpleUploadedFile(f"c.{kind}", content)})
        assert "<h1>Valid</h1>" in text_of(response), kind


@pytest.mark.parametrize(
    "asked",
    ["hello", "http://evil.example/v/abc", "http://testserver/en/labs/", "http://[", "12345", "javascript:1"],
)
def test_what_is_no_certificate_is_answered_with_what_to_do_and_keeps_what_was_typed(client, db, asked):
    response = client.post(VERIFY, {"asked": asked})
    assert response.status_code == 422
    assert response.context["form"].errors["asked"]
    assert asked in text_of(response)


def test_an_empty_form_says_what_to_give(client, db):
    response = client.post(VERIFY, {})
    assert response.status_code == 422
    assert "Give an id, a link" in text_of(response)


@pytest.mark.parametrize(
    "content",
    [b"", b"%PDF-1.7 nothing", b"\x89PNG\r\n", b"\xff\xfe\x00", b"x" * 70_000, b"%PDF-" + b"(" * 50_000],
)
def test_a_file_that_is_no_certificate_is_an_answer_and_not_an_accident(client, db, content):
    response = client.post(VERIFY, {"file": SimpleUploadedFile("c.bin", content)})
    assert response.status_code in {200, 422}
    assert "<h1>Valid</h1>" not in text_of(response)


def test_a_file_too_large_for_any_certificate_is_refused_unread(client, db):
    for size, status in ((4_300_000, 422), (5_000_000, 413)):
        response = client.post(VERIFY, {"file": SimpleUploadedFile("c.pdf", b"%PDF-" + bytes(size))})
        assert response.status_code == status
        assert response.context["form"].errors["file"] == [
            "This file is larger than any certificate of ours."
        ]


def test_every_unknown_id_gets_one_and_the_same_answer(client, credential):
    guesses = ["0" * 26, "x", credential.public_id[:-1], "z" * 26, "%00", "a b"]
    answers = []
    for guess in guesses:
        response = client.get(f"/en/verify/{guess}/")
        assert response.status_code == 404
        main = text_of(response).split("<main")[1].split("</main>")[0]
        answers.append(re.sub(r"Checked on [^<]*", "", main))
    assert len(set(answers)) == 1


def test_guessing_ids_ends_in_429_with_the_time_to_wait(client, credential, settings):
    settings.CERTIFICATION_VERIFY_PER_MINUTE = 5
    for number in range(5):
        assert client.get(f"/en/verify/guess{number}/").status_code == 404
    for url in (f"/en/verify/{credential.public_id}/", f"/credentials/{credential.public_id}"):
        response = client.get(url)
        assert response.status_code == 429
        assert 0 < int(response["Retry-After"]) <= limits.WINDOW_SECONDS
    assert client.post(VERIFY, {"asked": credential.public_id}).status_code == 429
    assert client.get(VERIFY).status_code == 200


def test_one_address_does_not_use_up_the_limit_of_another(client, credential, settings):
    settings.CERTIFICATION_VERIFY_PER_MINUTE = 1
    client.get(f"/en/verify/{credential.public_id}/")
    assert client.get(f"/en/verify/{credential.public_id}/").status_code == 429
    other = client.get(f"/en/verify/{credential.public_id}/", REMOTE_ADDR="192.0.2.7")
    assert other.status_code == 200


def test_a_verdict_is_neither_kept_by_caches_nor_indexed(client, credential):
    response = client.get(f"/en/verify/{credential.public_id}/")
    assert "no-store" in response["Cache-Control"]
    assert 'name="robots" content="noindex"' in text_of(response)


def test_the_verdict_page_works_from_a_few_queries(client, credential, django_assert_max_num_queries):
    client.get(f"/en/verify/{credential.public_id}/")
    with django_assert_max_num_queries(10):
        client.get(f"/en/verify/{credential.public_id}/")


# --- the holder ----------------------------------------------------------------------------------------------------


def test_the_wallet_shows_the_holders_certificates_and_nobody_elses(client, credential, learner, operator):
    client.force_login(learner)
    assert "Cloud foundations" in text_of(client.get("/en/certificates/"))
    client.force_login(operator)
    assert credential.public_id not in text_of(client.get("/en/certificates/"))


def test_an_empty_wallet_offers_the_first_step(client, learner):
    client.force_login(learner)
    assert reverse_in("en", "certification:programmes") in text_of(client.get("/en/certificates/"))


def reverse_in(language, name, *args):
    with override(language):
        return reverse(name, args=args)


@pytest.mark.parametrize("kind", ["/", ".json", ".pdf"])
def test_only_the_holder_opens_the_certificate_page_and_its_files(
    client, credential, operator, learner, kind
):
    url = f"/en/certificates/{credential.public_id}{kind}"
    assert client.get(url).status_code == 302
    client.force_login(operator)
    assert client.get(url).status_code == 404
    client.force_login(learner)
    assert client.get(url).status_code == 200


def test_the_json_is_the_signed_document_byte_for_byte(client, credential, learner):
    client.force_login(learner)
    response = client.get(f"/en/certificates/{credential.public_id}.json")
    assert response.content == credential.document.encode()
    assert "attachment" in response["Content-Disposition"]


def test_the_certificate_page_offers_linkedin_the_link_and_the_downloads(client, credential, learner):
    client.force_login(learner)
    response = client.get(f"/en/certificates/{credential.public_id}/")
    page = text_of(response)
    assert credential.link in page
    assert f"/en/certificates/{credential.public_id}.pdf" in page
    fields = parse_qs(urlsplit(response.context["linkedin_url"]).query)
    assert fields["certId"] == [credential.public_id]
    assert fields["certUrl"] == [credential.link]
    assert fields["name"] == ["Cloud foundations"]


def queries_for(client, url):
    client.get(url)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(url).status_code == 200
    return len(asked)


def test_the_wallet_asks_as_much_for_many_certificates_as_for_one(client, credential, learner):
    client.force_login(learner)
    for_one = queries_for(client, "/en/certificates/")
    for number in range(6):
        other = make_programme(f"programme-{number}")
        complete(learner, other.course_ids[0])
        issuing.issue(other, learner)
    assert queries_for(client, "/en/certificates/") == for_one <= 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_programme_says_what_must_be_shown(client, programme, language):
    page = text_of(client.get(f"/{language}/programmes/{programme.slug}/"))
    assert (programme.criteria_zh if language == "zh-hans" else programme.criteria_en) in page


def test_a_closed_programme_stays_readable_but_is_not_offered(client, programme):
    programme.active = False
    programme.save()
    assert client.get(f"/en/programmes/{programme.slug}/").status_code == 200
    assert "Cloud foundations" not in text_of(client.get("/en/programmes/"))


# --- the operator --------------------------------------------------------------------------------------------------


def change_url(credential, verb):
    return f"/en/certificates/register/{credential.public_id}/{verb}/"


@pytest.mark.parametrize("role", [None, *(role for role in Role if role is not Role.OPERATOR)])
@pytest.mark.parametrize("verb", ["revoke", "suspend", "reinstate", "issue-again"])
def test_nobody_but_an_operator_may_change_a_standing(client, credential, role, verb):
    client.force_login(person("other", role=role))
    for url in ("/en/certificates/register/", f"/en/certificates/register/{credential.public_id}/"):
        assert client.get(url).status_code == 403
    assert client.get(change_url(credential, verb)).status_code == 403
    assert client.post(change_url(credential, verb), {"reason": "x"}).status_code == 403
    assert credential.events.count() == 1


def test_a_visitor_is_not_let_into_the_register(client, credential):
    for url in ("/en/certificates/register/", change_url(credential, "revoke")):
        assert client.get(url).status_code == 403


def test_an_operator_revokes_with_a_reason_and_everybody_sees_it_at_once(client, credential, operator):
    client.force_login(operator)
    assert "Revoke this certificate?" in text_of(client.get(change_url(credential, "revoke")))
    client.post(change_url(credential, "revoke"), {"reason": "Obtained by fraud"})
    client.logout()
    page = text_of(client.get(f"/en/verify/{credential.public_id}/"))
    assert "<h1>Revoked</h1>" in page
    assert "Obtained by fraud" not in page
    assert is_set(published_bits(credential, Purpose.REVOCATION), credential.status_index)
    event = credential.events.get(act=Act.REVOKED)
    assert (event.actor, event.reason) == (operator, "Obtained by fraud")


def test_a_change_without_a_reason_asks_for_one_and_changes_nothing(client, credential, operator):
    client.force_login(operator)
    response = client.post(change_url(credential, "revoke"), {"reason": "   "})
    assert response.status_code == 422
    credential.refresh_from_db()
    assert credential.revoked_at is None


def test_a_double_click_on_revoke_is_told_and_harms_nothing(client, credential, operator):
    client.force_login(operator)
    for _ in range(2):
        response = client.post(change_url(credential, "revoke"), {"reason": "Fraud"}, follow=True)
    assert "standing has changed meanwhile" in text_of(response)
    assert credential.events.filter(act=Act.REVOKED).count() == 1


def test_an_operator_suspends_and_reinstates(client, credential, operator):
    client.force_login(operator)
    client.post(change_url(credential, "suspend"), {"reason": "Complaint"})
    assert "<h1>Suspended</h1>" in text_of(client.get(f"/en/verify/{credential.public_id}/"))
    client.post(change_url(credential, "reinstate"), {"reason": "Unfounded"})
    assert "<h1>Valid</h1>" in text_of(client.get(f"/en/verify/{credential.public_id}/"))


def test_an_operator_issues_again_after_a_revocation(client, credential, operator, learner):
    client.force_login(operator)
    client.post(change_url(credential, "revoke"), {"reason": "Name misspelt"})
    client.post(change_url(credential, "issue-again"), {"reason": "Name corrected"})
    assert Credential.objects.of(learner).standing().count() == 1


def test_a_verb_that_does_not_exist_is_not_found(client, credential, operator):
    client.force_login(operator)
    assert client.get(change_url(credential, "delete")).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        ("李雷", 1),
        ("foundations", 2),
        ("云计算", 2),
        ("lilei", 1),
        ("nobody", 0),
    ],
)
def test_the_register_is_searched_by_name_programme_or_username(client, credential, operator, query, found):
    other = person("han", "韩梅梅")
    complete(other, credential.programme.course_ids[0])
    issuing.issue(credential.programme, other)
    client.force_login(operator)
    response = client.get("/en/certificates/register/", {"q": query})
    assert response.context["page"].paginator.count == found


@pytest.mark.parametrize(("state", "found"), [("", 2), ("standing", 1), ("suspended", 0), ("revoked", 1)])
def test_the_register_is_filtered_by_standing(client, credential, operator, state, found):
    other = person("han", "韩梅梅")
    complete(other, credential.programme.course_ids[0])
    issuing.revoke(issuing.issue(credential.programme, other), operator, "Fraud")
    client.force_login(operator)
    response = client.get("/en/certificates/register/", {"state": state})
    assert response.context["page"].paginator.count == found


def test_the_register_is_paged_and_asks_as_much_for_a_full_page_as_for_one_row(client, credential, operator):
    client.force_login(operator)
    for_one = queries_for(client, "/en/certificates/register/")
    for number in range(30):
        someone = person(f"learner{number}")
        complete(someone, credential.programme.course_ids[0])
        issuing.issue(credential.programme, someone)
    assert queries_for(client, "/en/certificates/register/") == for_one <= 12
    response = client.get("/en/certificates/register/")
    assert len(response.context["held"]) == 25
    assert response.context["page"].paginator.num_pages == 2


# --- the frame -----------------------------------------------------------------------------------------------------


def test_the_dashboard_and_the_menus_lead_to_certificates(client, credential, learner, operator):
    client.force_login(learner)
    page = text_of(client.get("/en/dashboard/"))
    assert f"/en/certificates/{credential.public_id}/" in page
    assert "/en/verify/" in page
    assert "/en/certificates/register/" not in page
    client.force_login(operator)
    assert "/en/certificates/register/" in text_of(client.get("/en/dashboard/"))


def test_search_finds_programmes_in_both_languages(client, programme):
    for language, words in (("zh-hans", "负载均衡"), ("en", "load-balanced")):
        page = text_of(client.get(f"/{language}/search/", {"q": words}))
        assert f"/{language}/programmes/{programme.slug}/" in page


def test_a_clause_shows_the_programmes_that_attest_it(db):
    from certification.wagtail_hooks import attesting_programmes
    from community.api import ClauseReference

    programme = make_programme(clauses=["yl-t-001:2026:service-health"])
    make_programme("other", clauses=["yl-t-001:2026:scope"])
    found = attesting_programmes(ClauseReference.parse("yl-t-001:2026:service-health"))
    assert [item.title for item in found] == [str(programme)]
