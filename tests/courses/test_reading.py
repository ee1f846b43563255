"""The pages a reader meets, and what their doors cost."""

import pytest
from django.urls import reverse

from courses import enrolling
from courses.models import CoursePage, Enrolment
from courses.views import reading
from tests.courses.worlds import CHINESE, ENGLISH, course_in, passed
from tests.labs.factories import LabFactory

CLAUSE = "yl-t-001:2026:service-health"


def url_of(course, key, language=CHINESE):
    return course.page(key, language).url


@pytest.mark.parametrize("language", [CHINESE, ENGLISH])
def test_every_page_of_the_tree_is_read_without_an_account(client, course, language):
    for page in (course.catalogues[language], course.courses[language]):
        assert client.get(page.url).status_code == 200
    for key in (course.reading, course.practice):
        assert client.get(url_of(course, key, language)).status_code == 200


def test_a_module_leads_to_its_place_in_the_outline(client, course):
    answer = client.get(course.modules[CHINESE].url)
    assert (answer.status_code, answer["Location"]) == (302, f"{course.courses[CHINESE].url}#module-1")


def test_the_language_switch_keeps_the_lesson(client, course):
    page = client.get(url_of(course, course.reading)).content.decode()
    assert url_of(course, course.reading, ENGLISH) in page


def test_the_catalogue_finds_any_substring_and_keeps_the_query(client, course, catalogues):
    course_in(catalogues, "queues", title="消息队列实践")
    page = client.get(catalogues[CHINESE].url, {"q": "队列"})
    assert [entry.course.title for entry in page.context["courses"]] == ["消息队列实践"]
    assert 'value="队列"' in page.content.decode()


def test_the_catalogue_says_when_nothing_matches_and_offers_the_whole(client, course, catalogues):
    page = client.get(catalogues[ENGLISH].url, {"q": "zzz"})
    assert page.context["courses"] == []
    assert "No course matches" in page.content.decode()


def test_the_catalogue_says_when_there_is_nothing_yet(client, catalogues):
    assert "Courses will be listed here" in client.get(catalogues[ENGLISH].url).content.decode()


def test_the_catalogue_filters_by_level_and_ignores_nonsense(client, course, catalogues):
    course_in(catalogues, "hard", level="advanced")
    chosen = client.get(catalogues[CHINESE].url, {"level": "advanced"})
    assert [entry.course.level for entry in chosen.context["courses"]] == ["advanced"]
    everything = client.get(catalogues[CHINESE].url, {"level": "'; --", "page": "x"})
    assert len(everything.context["courses"]) == 2


def test_the_catalogue_is_paged(client, catalogues, monkeypatch):
    monkeypatch.setattr(reading, "COURSES_PER_PAGE", 2)
    for number in range(3):
        course_in(catalogues, f"course-{number}", languages=(CHINESE,))
    first = client.get(catalogues[CHINESE].url)
    second = client.get(catalogues[CHINESE].url, {"page": 2})
    assert (len(first.context["courses"]), len(second.context["courses"])) == (2, 1)


def test_a_catalogue_that_was_renamed_is_still_found_from_the_menu(client, catalogues):
    catalogue = catalogues[CHINESE]
    catalogue.slug = "classes"
    catalogue.save_revision().publish()
    answer = client.get("/zh-hans/courses/")
    assert (answer.status_code, answer["Location"]) == (302, "/zh-hans/classes/")


def test_without_a_catalogue_the_menu_leads_to_not_found(client, catalogues):
    for catalogue in catalogues.values():
        catalogue.unpublish()
    assert client.get("/en/courses/").status_code == 404


def test_progress_is_shown_as_counted_from_evidence(client, course, learner, lab):
    enrolling.enrol(learner, course.key)
    passed(learner, lab)
    client.force_login(learner)
    page = client.get(course.courses[ENGLISH].url)
    assert page.context["progress"].done == {course.practice}
    assert "1 of 2 lessons done" in page.content.decode()


def test_reading_a_lesson_remembers_where_to_resume(client, course, learner):
    enrolling.enrol(learner, course.key)
    client.force_login(learner)
    client.get(url_of(course, course.practice, ENGLISH))
    assert Enrolment.objects.get().last_lesson_key == course.practice
    assert client.get(course.courses[CHINESE].url).context["resume"].key == course.practice


def test_reading_without_an_enrolment_leaves_no_trace(client, course, learner):
    client.force_login(learner)
    client.get(url_of(course, course.practice))
    assert not Enrolment.objects.exists()


def test_a_lesson_names_the_one_before_and_the_one_after(client, course):
    page = client.get(url_of(course, course.practice))
    assert page.context["previous_lesson"].key == course.reading
    assert page.context["next_lesson"] is None


def test_an_embedded_lab_shows_whether_it_is_passed(client, course, learner, lab):
    client.force_login(learner)
    address = url_of(course, course.practice, ENGLISH)
    assert "Not passed yet" in client.get(address).content.decode()
    passed(learner, lab)
    assert "Open the lab again" in client.get(address).content.decode()


def test_a_withdrawn_lab_leaves_its_lesson_readable(client, course, lab):
    type(lab).objects.update(withdrawn_at="2026-11-22T00:00:00Z")
    page = client.get(url_of(course, course.practice, ENGLISH))
    assert "This lab is not available" in page.content.decode()


def test_every_kind_of_block_is_drawn(client, course):
    key = course.lesson(
        "All",
        blocks=[
            ("code", {"language": "shell", "code": "echo '<b>'", "caption": "Say it"}),
            ("callout", {"kind": "tip", "title": "", "text": "<p>Look</p>"}),
            ("table", {"caption": "Numbers", "rows": "a | b\n1 | 2"}),
            ("diagram", {"name": "queue", "caption": "A queue"}),
            ("clause", CLAUSE),
        ],
    )
    text = client.get(url_of(course, key, ENGLISH)).content.decode()
    for drawn in ("echo &#x27;&lt;b&gt;&#x27;", "Tip</p>", "<caption", "Producer</text>", CLAUSE):
        assert drawn in text


def test_every_diagram_on_offer_can_be_drawn_in_both_languages(client, course):
    diagrams = dict(
        course.page(course.reading)
        .body.stream_block.child_blocks["diagram"]
        .child_blocks["name"]
        .field.choices
    )
    names = [name for name in diagrams if name]
    key = course.lesson("Drawn", blocks=[("diagram", {"name": name, "caption": ""}) for name in names])
    for language in (CHINESE, ENGLISH):
        assert client.get(url_of(course, key, language)).content.decode().count('role="img"') == len(names)


def test_an_unpublished_course_can_be_previewed(rf, course):
    page = CoursePage(
        title="Draft", slug="draft", summary="s", outcomes="o", locale=course.courses[CHINESE].locale
    )
    course.catalogues[CHINESE].add_child(instance=page)
    page.unpublish()
    assert page.make_preview_request().status_code == 200


@pytest.mark.parametrize("which", ["reading", "practice"])
def test_a_lesson_can_be_previewed(course, which):
    assert course.page(getattr(course, which)).make_preview_request().status_code == 200


@pytest.fixture
def crowd(catalogues):
    """Five courses of three lessons, each with a lab."""
    worlds = [course_in(catalogues, f"course-{number}", languages=(CHINESE,)) for number in range(5)]
    for world in worlds:
        lab = LabFactory()
        for number in range(3):
            world.lesson(f"Lesson {number}", labs=(lab,) if number else (), languages=(CHINESE,))
    return worlds


def test_the_catalogue_costs_the_same_for_five_courses_as_for_one(
    client, crowd, learner, django_assert_max_num_queries
):
    for world in crowd:
        enrolling.enrol(learner, world.key)
    client.force_login(learner)
    client.get("/zh-hans/courses/")
    with django_assert_max_num_queries(30) as counted:
        page = client.get("/zh-hans/courses/")
    assert len(page.context["courses"]) == 5
    with django_assert_max_num_queries(len(counted)):
        client.get("/zh-hans/courses/", {"q": "course-0"})


def test_a_course_stays_within_its_query_budget(client, crowd, learner, django_assert_max_num_queries):
    enrolling.enrol(learner, crowd[0].key)
    client.force_login(learner)
    address = crowd[0].courses[CHINESE].url
    client.get(address)
    with django_assert_max_num_queries(32):
        client.get(address)


def test_a_lesson_stays_within_its_query_budget(client, crowd, learner, django_assert_max_num_queries):
    enrolling.enrol(learner, crowd[0].key)
    client.force_login(learner)
    lesson = crowd[0].courses[CHINESE].get_descendants().last()
    client.get(lesson.url)
    with django_assert_max_num_queries(40):
        client.get(lesson.url)


def test_the_dashboard_shows_my_courses_and_the_lesson_to_go_on_with(client, course, learner):
    enrolling.enrol(learner, course.key)
    client.force_login(learner)
    text = client.get(reverse("dashboard")).content.decode()
    assert course.courses[CHINESE].title in text
    assert url_of(course, course.reading) in text


def test_the_dashboard_offers_the_catalogue_to_who_has_no_course(client, learner):
    client.force_login(learner)
    assert reverse("courses:catalogue") in client.get(reverse("dashboard")).content.decode()


def test_the_site_search_finds_courses_and_words_inside_lessons(client, course):
    course.lesson("Inner", blocks=[("text", "<p>控制组的限额对整组进程生效</p>")])
    text = client.get("/zh-hans/search/", {"q": "整组进程"}).content.decode()
    assert "Inner zh-hans" in text
    assert (
        course.courses[CHINESE].title in client.get("/zh-hans/search/", {"q": "balancing"}).content.decode()
    )
