"""Small worlds of courses: a catalogue in two languages, a course with modules and lessons, passed labs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from wagtail.models import Locale, Page, Site

from community.api import HomePage
from courses.models import CataloguePage, CoursePage, LessonPage, ModulePage
from labs.models import Lab, LabSession

CHINESE, ENGLISH = "zh-hans", "en"


@dataclass
class CourseWorld:
    """One course in Chinese and English, grown lesson by lesson."""

    catalogues: dict[str, CataloguePage]
    courses: dict[str, CoursePage] = field(default_factory=dict)
    modules: dict[str, ModulePage] = field(default_factory=dict)
    reading: UUID = field(default_factory=uuid4)
    practice: UUID = field(default_factory=uuid4)

    @property
    def key(self) -> UUID:
        return self.courses[CHINESE].translation_key

    def lesson(
        self,
        title: str,
        labs: tuple[Lab, ...] = (),
        languages: tuple[str, ...] = (CHINESE, ENGLISH),
        **fields: Any,
    ) -> UUID:
        """A lesson of that title in the languages; answers with the key they share."""
        key = uuid4()
        body = [("text", f"<p>{title} text</p>"), *(("lab", lab) for lab in labs)]
        body += fields.pop("blocks", [])
        for language in languages:
            page = LessonPage(
                title=f"{title} {language}",
                slug=title.lower().replace(" ", "-"),
                body=body,
                translation_key=key,
                locale=self.modules[language].locale,
                **fields,
            )
            self.modules[language].add_child(instance=page)
        return key

    def page(self, key: UUID, language: str = CHINESE) -> LessonPage:
        return LessonPage.objects.get(translation_key=key, locale__language_code=language)


def site_in_two_languages() -> dict[str, CataloguePage]:
    """Home pages and an empty catalogue in each language; the tree's root too where a flush took it along."""
    for language in (CHINESE, ENGLISH):
        Locale.objects.get_or_create(language_code=language)
    root = Page.objects.filter(depth=1).first() or Page.add_root(title="Root", slug="root")
    home_key, catalogue_key = uuid4(), uuid4()
    catalogues: dict[str, CataloguePage] = {}
    for language in (CHINESE, ENGLISH):
        locale, _ = Locale.objects.get_or_create(language_code=language)
        home = HomePage(
            title="云联",
            slug=f"front-{language}",
            headline="Headline",
            lede="Lede",
            locale=locale,
            translation_key=home_key,
        )
        root.add_child(instance=home)
        if language == CHINESE:
            Site.objects.update_or_create(
                is_default_site=True, defaults={"hostname": "testserver", "root_page": home}
            )
        catalogue = CataloguePage(
            title=f"Courses {language}", slug="courses", locale=locale, translation_key=catalogue_key
        )
        home.add_child(instance=catalogue)
        catalogues[language] = catalogue
    return catalogues


def course_in(
    catalogues: dict[str, CataloguePage],
    slug: str = "balancing",
    languages: tuple[str, ...] = (CHINESE, ENGLISH),
    **fields: Any,
) -> CourseWorld:
    """A course with one module and no lessons yet."""
    world = CourseWorld(catalogues)
    course_key, module_key = uuid4(), uuid4()
    for language in languages:
        locale = catalogues[language].locale
        course = CoursePage(
            **{
                "title": f"{slug} {language}",
                "slug": slug,
                "summary": f"{slug} summary",
                "outcomes": "Do one thing\nDo another",
                "locale": locale,
                "translation_key": course_key,
                **fields,
            }
        )
        catalogues[language].add_child(instance=course)
        module = ModulePage(
            title=f"Module {language}", slug="module", locale=locale, translation_key=module_key
        )
        course.add_child(instance=module)
        world.courses[language], world.modules[language] = course, module
    return world


def passed(learner: Any, lab: Lab, at: datetime | None = None) -> LabSession:
    """The learner passed the lab at that time."""
    at = at or timezone.now()
    return LabSession.objects.create(
        learner=learner, lab=lab, opened_at=at, expires_at=at, closed_at=at, passed_at=at
    )
