"""The pages of a question bank: the whole way by browser forms, lists with filters, and who sees what."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from community.api import Role, assign, ensure_roles
from courses.exams import bank as verbs
from courses.models import BankRole, QuestionVersion, VersionState
from courses.writing.kinds import question_form
from tests.courses.bank.worlds import CLAUSE
from tests.courses.questions import SAMPLES
from tests.labs.factories import LearnerFactory

pytestmark = pytest.mark.django_db
SINGLE = {
    "code": "elastic",
    "stem_zh": "什么是弹性？",
    "stem_en": "What is elasticity?",
    "option1_zh": "大",
    "option1_en": "Large",
    "option2_zh": "随需求变化",
    "option2_en": "Follows demand",
    "right": "2",
    "shuffle": "on",
    "marks": "2",
    "difficulty": "1",
    "tags": "elasticity",
    "clauses": CLAUSE,
}


def by(person) -> Client:
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def at(world, name: str, *arguments: str) -> str:
    return reverse(f"courses:{name}", args=[world.bank.slug, *arguments])


def read(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_a_question_goes_from_its_author_over_its_reviewer_into_use(world):
    author, reviewer = by(world.author), by(world.reviewer)
    page = author.post(f"{at(world, 'new_question')}?kind=single", SINGLE, follow=True)
    assert "什么是弹性" in read(page)
    tried = read(author.post(at(world, "question", "elastic"), {"answer": "b", "seed": "1"}))
    assert "status-good" in tried
    author.post(at(world, "question_act", "elastic", "submit"))
    seen = QuestionVersion.objects.get().content_hash
    assert author.get(at(world, "review_question", "elastic")).status_code == 403
    assert "随需求变化" in read(reviewer.get(at(world, "review_question", "elastic")))
    reviewer.post(at(world, "review_question", "elastic"), {"decision": "approve", "seen": seen})
    version = QuestionVersion.objects.get()
    assert (version.state, version.reviewer, version.marks) == (VersionState.APPROVED, world.reviewer, 2)
    assert version.asked.key == "b"


def test_a_refused_question_tells_its_author_why_and_comes_again_as_the_next_version(world):
    world.submitted("again")
    reviewer, author = by(world.reviewer), by(world.author)
    where = at(world, "review_question", "again")
    seen = QuestionVersion.objects.get().content_hash
    assert "alert" in read(reviewer.post(where, {"decision": "refuse", "seen": seen, "words": ""}))
    reviewer.post(where, {"decision": "refuse", "seen": seen, "words": "两个选项都对"})
    assert "两个选项都对" in read(author.get(at(world, "question_history", "again")))
    form = question_form(kind="single", version=QuestionVersion.objects.get())
    sent = {name: field.initial for name, field in form.fields.items() if field.initial not in (None, False)}
    sent |= {name: value for name, value in form.initial.items() if value} | {"stem_zh": "改好的题干"}
    author.post(at(world, "edit_question", "again"), sent)
    second = QuestionVersion.objects.get(number=2)
    assert second.asked.stem.zh == "改好的题干"
    history = read(author.get(at(world, "question_history", "again")))
    assert "<ins>改好的题干</ins>" in history


def test_a_decision_on_words_that_were_not_seen_is_not_taken(world):
    world.submitted("seen")
    answer = by(world.reviewer).post(
        at(world, "review_question", "seen"), {"decision": "approve", "seen": "0" * 64}
    )
    assert 'role="alert"' in read(answer)
    assert QuestionVersion.objects.get().state == VersionState.IN_REVIEW


def test_an_author_who_also_reviews_is_not_offered_their_own_question(world):
    verbs.let_in(world.bank, world.author, BankRole.REVIEWER)
    world.submitted("own")
    author = by(world.author)
    assert at(world, "review_question", "own") not in read(author.get(at(world, "question", "own")))
    assert author.get(at(world, "review_question", "own")).status_code == 302


@pytest.mark.parametrize("role", list(Role))
def test_no_role_of_the_site_opens_a_bank_it_does_not_belong_to(world, role):
    ensure_roles()
    world.approved("closed", stem={"zh": "机密题干", "en": "SECRET"})
    person = LearnerFactory()
    assign(person, role)
    client = by(person)
    for address in (
        at(world, "bank"),
        at(world, "new_question"),
        *(
            at(world, name, "closed")
            for name in ("question", "edit_question", "review_question", "question_history")
        ),
    ):
        assert client.get(address).status_code == 403
    assert client.post(at(world, "question_act", "closed", "retire"), {"words": "x"}).status_code == 403
    assert "机密题干" not in read(client.get(reverse("courses:banks")))
    assert client.get(at(world, "bank_people")).status_code == (200 if role == Role.OPERATOR else 403)


def test_nobody_reads_a_bank_without_signing_in(world):
    for address in (reverse("courses:banks"), at(world, "bank")):
        assert Client().get(address).status_code == 302


def test_the_list_takes_the_same_queries_however_many_questions_there_are(world):
    client = by(world.author)
    world.approved("first")
    client.get(at(world, "bank"))
    with CaptureQueriesContext(connection) as for_one:
        client.get(at(world, "bank"))
    for number in range(20):
        world.draft(f"q{number}")
    with CaptureQueriesContext(connection) as for_many:
        assert read(client.get(at(world, "bank"))).count('<th scope="row">') == 21
    assert len(for_many) == len(for_one) <= 20


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "均衡器"}, {"balance"}),
        ({"q": "BALANCE"}, {"balance"}),
        ({"kind": "essay"}, {"essay", "chinese"}),
        ({"state": "approved"}, {"balance"}),
        ({"state": "retired"}, {"gone"}),
        ({"tag": "rare"}, {"essay"}),
        ({"clause": "yl-t-001:2026:scope"}, {"essay"}),
        ({"lacks": "en"}, {"chinese"}),
        ({"q": "nothing like it"}, set()),
        ({}, {"balance", "essay", "chinese"}),
    ],
)
def test_a_list_shows_what_was_asked_for(world, asked, found):
    world.approved("balance", stem={"zh": "负载均衡器做什么？", "en": "What does a balancer do?"})
    world.draft("essay", "essay", tags=("rare",), clauses=("yl-t-001:2026:scope",))
    world.draft("chinese", "essay", stem={"zh": "只有中文"})
    gone = world.draft("gone")
    verbs.retire(gone.question, world.author, "outdated")
    page = read(by(world.author).get(at(world, "bank"), asked))
    assert {
        code for code in ("balance", "essay", "chinese", "gone") if f"<code>{code}</code>" in page
    } == found


def test_an_empty_bank_says_what_to_do_first(world):
    assert at(world, "new_question") in read(by(world.author).get(at(world, "bank")))
    assert at(world, "new_question") not in read(by(world.reviewer).get(at(world, "bank")))


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_every_kind_is_changed_by_its_form_without_losing_anything(world, kind):
    version = world.draft("kept", kind)
    empty = question_form(kind=kind, version=version)
    sent = {name: empty.get_initial_for_field(field, name) for name, field in empty.fields.items()}
    form = question_form(
        {name: value for name, value in sent.items() if value is not None and value is not False},
        kind=kind,
        version=version,
    )
    assert form.is_valid(), form.errors
    assert form.written.content == version.asked
    assert form.written.tags == ("scheduling",)


def test_what_is_wrong_with_a_question_is_said_at_its_field(world):
    broken = {**SAMPLES["matching"].content, "key": {"l1": "r9"}, "colour": "red"}
    sent = {"code": "m", "marks": "1", "difficulty": "1", "content": json.dumps(broken)}
    page = read(by(world.author).post(f"{at(world, 'new_question')}?kind=matching", sent))
    assert "colour: 此处没有这一项" in page
    assert 'id="id_content_error"' in page
    assert not QuestionVersion.objects.exists()


def test_a_right_answer_that_is_no_option_is_refused(world):
    page = read(by(world.author).post(f"{at(world, 'new_question')}?kind=single", {**SINGLE, "right": "4"}))
    assert "the right answer is none of the options" in page


def test_near_duplicates_are_shown_to_author_and_reviewer(world):
    stem = {"zh": "负载均衡器把请求分给两个后端，一个后端停止应答后会发生什么？"}
    world.approved("old", stem=stem)
    world.submitted("new", stem={"zh": stem["zh"].replace("两个", "三个")})
    old = at(world, "question", "old")
    assert old in read(by(world.author).get(at(world, "question", "new")))
    assert old in read(by(world.reviewer).get(at(world, "review_question", "new")))


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_the_page_of_every_kind_can_be_tried(world, kind):
    world.draft("tried", kind)
    client = by(world.author)
    assert 'id="answer-stem"' in read(client.get(at(world, "question", "tried")))
    assert 'id="tried"' in read(client.post(at(world, "question", "tried"), {"seed": "1"}))


def test_whoever_answers_for_the_organisation_names_the_people(world):
    person, owner = LearnerFactory(), by(world.owner)
    owner.post(at(world, "bank_people"), {"let_in": "1", "person": person.username, "role": "author"})
    member = world.bank.members.current().get(person=person)
    assert (member.role, member.let_in_by) == (BankRole.AUTHOR, world.owner)
    owner.post(at(world, "bank_people"), {"take_out": member.pk})
    assert not world.bank.members.current().of(person).exists()


def test_an_organisation_opens_a_bank(world):
    owner = by(world.owner)
    sent = {"organisation": world.bank.organisation_id, "slug": "second", "name_zh": "二", "name_en": "Two"}
    assert owner.post(reverse("courses:open_bank"), sent).status_code == 302
    assert by(world.author).get(reverse("courses:open_bank")).status_code == 403
    assert "id_slug_error" in read(owner.post(reverse("courses:open_bank"), sent))
