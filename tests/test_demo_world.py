"""The demo world: made once, whole in both languages, and never over what people changed."""

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from wagtail.models import GroupPagePermission, Page

from certification.api import Programme
from community.api import ClauseReference, HomePage, Role, User, clause
from config.demo import people, texts, world
from config.demo.questions import load_questions
from config.demo.teaching import load_teaching
from courses.api import CataloguePage, CoursePage, LessonPage
from courses.models import QuestionKind, QuestionVersion
from labs.api import labs_by_slug
from labs.metering import statements

CHINESE, ENGLISH = "zh-hans", "en"
USERNAMES = ["trainee", "instructor", "editor", "employer", "operator"]
STEMS = sorted(
    str(path.relative_to(texts.FOLDER)).removesuffix(".zh.md") for path in texts.FOLDER.rglob("*.zh.md")
)


@pytest.fixture(scope="module")
def var_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: Any, var_dir: Path) -> Any:
    """The world loaded once for this module, in a transaction that is taken back at its end."""
    with django_db_blocker.unblock(), override_settings(VAR_DIR=var_dir), translation.override(CHINESE):
        outer = transaction.atomic()
        outer.__enter__()
        try:
            yield world.load()
        finally:
            transaction.set_rollback(True)
            outer.__exit__(None, None, None)


@pytest.fixture
def here(loaded: world.World, django_db_blocker: Any) -> Any:
    """The loaded world; what one test changes in it is taken back."""
    with translation.override(CHINESE):
        inner = transaction.atomic()
        inner.__enter__()
        try:
            yield loaded
        finally:
            transaction.set_rollback(True)
            inner.__exit__(None, None, None)


def pages() -> Any:
    return Page.objects.filter(depth__gt=1).order_by("path")


def test_the_people_of_every_role_can_sign_in_with_the_passwords_printed(here):
    assert [person.username for person in here.people] == USERNAMES
    assert all(Client().login(username=person.username, password=person.password) for person in here.people)


def test_each_has_the_role_of_the_name_and_a_name_to_print(here):
    for person in User.objects.filter(username__in=USERNAMES):
        assert person.username == Role.TRAINEE.value or person.has_role(Role(person.username))
        assert person.printed_name


def test_the_passwords_are_readable_by_their_owner_alone(here, var_dir):
    assert stat.S_IMODE((var_dir / "people.json").stat().st_mode) == 0o600


def test_the_trainee_sees_what_a_lab_costs_and_the_instructor_who_pays_and_whom_they_teach(here):
    trainee, instructor = browser_of(here, "trainee"), browser_of(here, "instructor")
    assert "¥" in trainee.get("/en/labs/load-balancing/").content.decode()
    assert "200.00" in instructor.get("/en/labs/costs/budgets/example-works/").content.decode()
    assert "云计算实践 2026" in instructor.get("/en/labs/classes/").content.decode()
    assert "云计算实践 2026" in trainee.get("/en/labs/classes/").content.decode()


def test_the_month_before_is_paid_by_a_statement_that_agrees_with_the_ledger(here):
    responsible = User.objects.get(username="instructor")
    (statement,) = statements.visible_to(responsible).exclude(organisation=None)
    assert statement.month < timezone.localdate().replace(day=1)
    assert statement.total_minor > 0
    assert {line.learner_name for line in statement.lines.all()} >= {
        str(User.objects.get(username=name)) for name in ("trainee", "editor")
    }
    assert statements.differences(statement) == []


def test_an_organisation_that_is_there_is_left_as_people_made_it(here):
    with CaptureQueriesContext(connection) as queries:
        load_teaching()
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 1


def test_the_question_bank_asks_in_both_languages_and_was_reviewed_by_another(here):
    versions = list(QuestionVersion.objects.in_use())
    assert {version.kind for version in versions} == set(QuestionKind.values) - {"code", "lab_task"}
    assert all(version.in_chinese and version.in_english for version in versions)
    assert {(version.author.username, version.reviewer.username) for version in versions} == {
        ("editor", "instructor")
    }
    assert all(
        clause(ClauseReference.parse(text), ENGLISH) for version in versions for text in version.clause_list
    )
    load_questions()
    assert QuestionVersion.objects.count() == len(versions)


def browser_of(here, username):
    browser = Client(headers={"accept-language": "en"})
    person = next(person for person in here.people if person.username == username)
    assert browser.login(username=username, password=person.password)
    return browser


def test_loading_twice_is_loading_once(here):
    before = list(pages().values_list("pk", "latest_revision_id"))
    again = world.load()
    assert (again.fresh, again.people) == (False, here.people)
    assert list(pages().values_list("pk", "latest_revision_id")) == before


def test_loading_again_after_the_texts_changed_keeps_every_page_and_password(here, var_dir):
    (var_dir / "demo-world.json").unlink()
    before = list(pages().values_list("pk", "latest_revision_id"))
    again = world.load()
    assert (again.fresh, again.people) == (True, here.people)
    assert list(pages().values_list("pk", "latest_revision_id")) == before


def test_a_load_that_finds_nothing_to_do_takes_one_query(here, django_assert_num_queries):
    with django_assert_num_queries(1):
        world.load()


def test_what_people_edited_is_kept(here, var_dir):
    course = CoursePage.objects.get(slug="load-balancing-in-practice", locale__language_code=ENGLISH)
    course.title = "Edited by a person"
    course.save_revision().publish()
    Programme.objects.update(title_en="Renamed by a person")
    (var_dir / "demo-world.json").unlink()
    world.load()
    assert CoursePage.objects.get(pk=course.pk).title == "Edited by a person"
    assert set(Programme.objects.values_list("title_en", flat=True)) == {"Renamed by a person"}


def test_a_changed_password_is_never_reset_and_said_to_be_changed(here, var_dir):
    person = User.objects.get(username="trainee")
    person.set_password("a password of my own")
    person.save()
    (var_dir / "demo-world.json").unlink()
    told = {row.username: row.password for row in world.load().people}
    person.refresh_from_db()
    assert person.check_password("a password of my own")
    assert told["trainee"] == people.CHANGED
    people.write(here.people)


def test_a_lost_list_of_passwords_is_said_and_resets_nothing(here, var_dir):
    (var_dir / "people.json").unlink()
    hashes = list(User.objects.order_by("pk").values_list("password", flat=True))
    assert {row.password for row in world.load().people} == {people.UNKNOWN}
    assert list(User.objects.order_by("pk").values_list("password", flat=True)) == hashes
    people.write(here.people)


def test_a_new_database_gets_the_passwords_written_down_before(here, var_dir):
    User.objects.filter(username="trainee").delete()
    (var_dir / "demo-world.json").unlink()
    assert world.load().people == here.people or User.objects.get(username="trainee").check_password(
        here.people[0].password
    )
    people.write(here.people)


def test_every_page_has_its_counterpart_and_the_same_address_in_the_other_language(here):
    by_language = {
        language: {
            page.url.removeprefix(f"/{language}/"): page.translation_key
            for page in pages().filter(locale__language_code=language, live=True)
        }
        for language in (CHINESE, ENGLISH)
    }
    assert len(by_language[CHINESE]) > 25
    assert by_language[CHINESE] == by_language[ENGLISH]


@pytest.mark.parametrize("language", [CHINESE, ENGLISH])
def test_every_page_answers(here, language):
    client = Client()
    answers = {
        page.url: client.get(page.url, follow=True).status_code
        for page in pages().filter(locale__language_code=language)
    }
    assert set(answers.values()) == {200}, answers


def test_no_english_page_is_left_in_chinese(here):
    chinese = [
        lesson.url
        for lesson in LessonPage.objects.filter(locale__language_code=ENGLISH)
        if any(
            "\u4e00" <= character <= "\u9fff" for character in lesson.words + lesson.title + lesson.summary
        )
    ]
    assert chinese == []


def test_both_courses_lead_to_their_labs_and_programmes(here):
    labs = labs_by_slug()
    embedded = {
        course.slug: {lab for lesson in LessonPage.objects.descendant_of(course) for lab in lesson.lab_ids}
        for course in CoursePage.objects.filter(locale__language_code=CHINESE)
    }
    assert embedded == {
        "cloud-computing-in-practice": {
            labs[slug].pk for slug in ("linux-processes", "load-balancing", "message-queue")
        },
        "load-balancing-in-practice": {labs["load-balancing"].pk},
    }
    keys = {str(key) for key in CoursePage.objects.values_list("translation_key", flat=True)}
    assert {course for programme in Programme.objects.all() for course in programme.course_ids} == keys


@pytest.mark.parametrize("language", [CHINESE, ENGLISH])
def test_every_clause_the_courses_and_labs_name_stands_in_the_draft(here, language):
    taught = {clause for lesson in LessonPage.objects.all() for clause in lesson.clause_list}
    named = {text for programme in Programme.objects.all() for text in programme.clauses} | taught
    assert len(named) > 10
    assert [text for text in named if clause(ClauseReference.parse(text), language) is None] == []


def test_instructors_may_edit_courses_and_editors_standards_and_nothing_else(here):
    granted = {
        (permission.group.name, permission.page.specific_class.__name__)
        for permission in GroupPagePermission.objects.filter(group__name__in=["instructor", "editor"])
    }
    assert granted == {("instructor", "CataloguePage"), ("editor", "StandardsIndexPage")}
    instructor = User.objects.get(username="instructor")
    for catalogue in CataloguePage.objects.all():
        assert catalogue.permissions_for_user(instructor).can_edit()
        assert not catalogue.get_parent().permissions_for_user(instructor).can_edit()


@pytest.mark.parametrize("language", [CHINESE, ENGLISH])
def test_an_instructor_opens_courses_and_lessons_to_edit_them_in_either_language(here, language):
    client = Client()
    client.force_login(User.objects.get(username="instructor"))
    lesson = LessonPage.objects.filter(locale__language_code=language).latest("pk")
    for page in (lesson, lesson.get_parent(), lesson.get_parent().get_parent()):
        assert client.get(f"/admin/pages/{page.pk}/edit/").status_code == 200
    assert client.get(f"/admin/pages/{HomePage.objects.first().pk}/edit/").status_code == 302


def test_the_command_prints_the_people_as_json(here):
    printed = io.StringIO()
    call_command("load_demo", json=True, stdout=printed)
    assert [row["username"] for row in json.loads(printed.getvalue())] == USERNAMES


@pytest.mark.parametrize("stem", STEMS)
def test_the_two_languages_of_a_text_are_parallel(stem):
    chinese, english = texts.read(stem, CHINESE), texts.read(stem, ENGLISH)
    assert [(block["type"], block["id"]) for block in chinese.blocks] == [
        (block["type"], block["id"]) for block in english.blocks
    ]
    assert shapes(chinese) == shapes(english)


def shapes(text: texts.Text) -> list[Any]:
    """What must be equal in both languages: paragraphs, rows, diagrams, labs and clauses."""
    found: list[Any] = []
    for block in text.blocks:
        value = block["value"]
        match block["type"]:
            case "text":
                found.append([value.count(f"<{tag}>") for tag in ("p", "li", "h2", "h3")])
            case "callout":
                found.append((value["kind"], bool(value["title"]), value["text"].count("<p>")))
            case "table":
                found.append([row.count("|") for row in value["rows"].splitlines()])
            case "diagram":
                found.append((value["name"], bool(value["caption"])))
            case "lab" | "clause":
                found.append(value)
    return found


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["# T", "> s", "", "```shell", "ls"], ":4: ```shell has no closing"),
        (["# T", "> s", "", ":::nonsense", ":::"], ":4: no block is called nonsense"),
        (["T", "> s", "text"], ":1: begin with"),
    ],
)
def test_a_badly_written_text_is_refused_with_its_line(tmp_path, monkeypatch, lines, told):
    monkeypatch.setattr(texts, "FOLDER", tmp_path)
    (tmp_path / "bad.zh.md").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(texts.BadText, match=r"bad\.zh\.md") as refused:
        texts.read("bad", CHINESE)
    assert told in str(refused.value)
