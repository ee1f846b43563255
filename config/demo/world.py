"""The demo world, made from the texts beside this module; what stands already is left as people made it."""

import hashlib
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from wagtail.models import Locale, Page

from certification.api import Programme
from community.api import (
    HomePage,
    NewsIndexPage,
    NewsPage,
    Role,
    StandardsIndexPage,
    TextPage,
    ensure_roles,
    grant,
    place_home,
    place_page,
    place_standard,
    place_translation,
    read_standard,
)
from config.demo import texts
from config.demo.cohorts import load_cohort
from config.demo.exams import load_exam
from config.demo.people import Person, ensure_people, kept
from config.demo.questions import load_questions
from config.demo.teaching import load_teaching
from config.demo.texts import Block, Text, block_id, spoken
from courses.api import CataloguePage, CoursePage, LessonPage, ModulePage, course_clauses
from labs.api import labs_by_slug

CHINESE, ENGLISH = "zh-hans", "en"
COURSES = ("cloud-computing-in-practice", "load-balancing-in-practice")
SOURCES = (texts.FOLDER, settings.LABS_BUNDLE_DIR)


@dataclass(frozen=True)
class World:
    """What a load made or found; ``fresh`` is False when nothing had changed since the last one."""

    people: list[Person]
    fresh: bool


def load() -> World:
    """The demo world stands: pages in both languages, labs, courses, programmes, people, who pays and who teaches.

    Running again costs a query or two while texts, labs and code are as they were. Pages, programmes, people and the
    organisation that exist are never changed.
    """
    if is_loaded():
        return World(people=list(kept().values()), fresh=False)
    with transaction.atomic():
        load_content()
    people = ensure_people()
    load_teaching()
    load_cohort()
    load_questions()
    load_exam()
    keep_loaded()
    return World(people=people, fresh=True)


def load_content() -> None:
    """Roles, labs, pages and programmes stand."""
    call_command("import_labs", stdout=io.StringIO())
    home = load_home()
    load_pages(home)
    load_articles(home)
    load_standards(home)
    load_courses(home)
    load_programmes()
    ensure_roles()


# --- is there anything to do ---


def digest() -> str:
    """Changes whenever a text, a lab or the code that loads them does."""
    found = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted(
            file for file in Path(folder).rglob("*") if file.suffix != ".pyc" and file.is_file()
        ):
            found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def marker() -> Path:
    return settings.VAR_DIR / "demo-world.json"


def state_of_database() -> str:
    """Names this very database: its home page's random key; empty before the first load."""
    key = HomePage.objects.order_by("pk").values_list("translation_key", flat=True).first()
    return str(key or "")


def is_loaded() -> bool:
    if not marker().exists() or not kept():
        return False
    seen = json.loads(marker().read_text(encoding="utf-8"))
    return bool(seen == {"digest": digest(), "database": state_of_database()})


def keep_loaded() -> None:
    marker().write_text(json.dumps({"digest": digest(), "database": state_of_database()}), encoding="utf-8")


# --- pages ---


def place(parent: Page, make: Callable[[str], Page]) -> Page:
    """The Chinese page that ``make`` builds, under ``parent``, with its English translation."""
    page, _ = place_page(parent, make(CHINESE))
    place_translation(page, make(ENGLISH), ENGLISH)
    return page


def load_home() -> Page:
    for language in (CHINESE, ENGLISH):
        Locale.objects.get_or_create(language_code=language)
    table = texts.table("home.toml")
    home, _ = place_home(home_page(table, CHINESE))
    place_translation(home, home_page(table, ENGLISH), ENGLISH)
    return home


def home_page(table: dict[str, Any], language: str) -> HomePage:
    way, offers = table["way"], table["offers"]
    return HomePage(
        title=spoken(table["title"], language),
        slug="yunlian",
        headline=spoken(table["headline"], language),
        lede=spoken(table["lede"], language),
        actions=[
            block("link", {"label": spoken(link, language), "path": link["path"]}, "home", "action", number)
            for number, link in enumerate(table["actions"])
        ],
        body=[
            block(
                "way",
                {
                    "heading": spoken(way, language),
                    "text": spoken(way["text"], language),
                    "stations": items(
                        "station", (station_value(station, language) for station in way["stations"])
                    ),
                },
                "home",
                "way",
            ),
            block(
                "offers",
                {
                    "heading": spoken(offers, language),
                    "offers": items("offer", (offer_value(offer, language) for offer in offers["list"])),
                },
                "home",
                "offers",
            ),
        ],
    )


def station_value(station: dict[str, Any], language: str) -> dict[str, str]:
    return {
        "title": spoken(station["title"], language),
        "text": spoken(station["words"], language),
        "example": spoken(station["example"], language),
    }


def offer_value(offer: dict[str, Any], language: str) -> dict[str, Any]:
    return {
        "title": spoken(offer["title"], language),
        "text": spoken(offer["words"], language),
        "link": {"label": spoken(offer["link"], language), "path": offer["path"]},
    }


def block(kind: str, value: Any, *place_in_world: object) -> Block:
    return {"type": kind, "value": value, "id": block_id(*place_in_world)}


def items(kind: str, values: Iterable[Any]) -> list[Block]:
    """A ListBlock's entries, each with its own id."""
    return [
        {"type": "item", "value": value, "id": block_id("home", kind, number)}
        for number, value in enumerate(values)
    ]


def load_pages(home: Page) -> None:
    for entry in texts.table("site.toml")["pages"]:
        place(home, partial(text_page, entry["slug"]))


def text_page(slug: str, language: str) -> TextPage:
    text = texts.read(f"pages/{slug}", language)
    return TextPage(
        title=text.title, slug=slug, introduction=text.summary, body=list(text.blocks), show_in_menus=True
    )


def load_articles(home: Page) -> None:
    table = texts.table("site.toml")
    index = place(home, partial(index_page, NewsIndexPage, table["news"]))
    for entry in table["articles"]:
        place(index, partial(article, entry))


def index_page(model: type[Page], entry: dict[str, Any], language: str) -> Page:
    return model(
        title=spoken(entry["title"], language),
        slug=entry["slug"],
        introduction=spoken(entry["introduction"], language),
    )


def article(entry: dict[str, Any], language: str) -> NewsPage:
    text = texts.read(f"news/{entry['slug']}", language)
    return NewsPage(
        title=text.title,
        slug=entry["slug"],
        published_on=entry["published_on"],
        summary=text.summary,
        body=list(text.blocks),
    )


def load_standards(home: Page) -> None:
    table = texts.table("site.toml")["standards"]
    index = place(home, partial(index_page, StandardsIndexPage, table))
    place_standard(index, read_standard(texts.FOLDER / "standard_yl_t_001.toml"))


# --- courses ---


def load_courses(home: Page) -> None:
    """The catalogue and its courses; instructors may edit them in both languages."""
    entry = texts.table("site.toml")["catalogue"]
    catalogue = place(home, partial(catalogue_page, entry))
    labs = {slug: lab.pk for slug, lab in labs_by_slug().items()}
    for slug in COURSES:
        load_course(catalogue, slug, labs)
    for edition in CataloguePage.objects.all():
        grant(Role.INSTRUCTOR, edition)


def catalogue_page(entry: dict[str, Any], language: str) -> CataloguePage:
    return CataloguePage(
        title=spoken(entry["title"], language), slug=entry["slug"], intro=spoken(entry["intro"], language)
    )


def load_course(catalogue: Page, slug: str, labs: dict[str, int]) -> None:
    table = texts.table(f"courses/{slug}/course.toml")
    course = place(catalogue, partial(course_page, table))
    for entry in table["modules"]:
        module = place(course, partial(module_page, entry))
        for lesson in entry["lessons"]:
            place(module, partial(lesson_page, labs, slug, lesson))


def course_page(table: dict[str, Any], language: str) -> CoursePage:
    return CoursePage(
        title=spoken(table["title"], language),
        slug=table["slug"],
        level=table["level"],
        summary=spoken(table["summary"], language),
        outcomes=spoken(table["outcomes"], language),
        prerequisites=spoken(table["prerequisites"], language),
        intro=texts.rich_text(spoken(table["intro"], language)),
        clauses="\n".join(table["clauses"]),
    )


def module_page(entry: dict[str, Any], language: str) -> ModulePage:
    return ModulePage(
        title=spoken(entry["title"], language), slug=entry["slug"], summary=spoken(entry["summary"], language)
    )


def lesson_page(labs: dict[str, int], course: str, slug: str, language: str) -> LessonPage:
    text = texts.read(f"courses/{course}/{slug}", language)
    return LessonPage(title=text.title, slug=slug, summary=text.summary, body=with_labs(text, labs))


def with_labs(text: Text, labs: dict[str, int]) -> list[Block]:
    """The text's blocks, each lab's slug replaced by the lab."""
    return [{**part, "value": labs[part["value"]]} if part["type"] == "lab" else part for part in text.blocks]


# --- programmes ---


def load_programmes() -> None:
    """One programme for each demo course; an existing one keeps its edits."""
    for course_slug, entry in texts.table("programmes.toml").items():
        course = CoursePage.objects.filter(slug=course_slug).first()
        if course is None or Programme.objects.filter(slug=entry["slug"]).exists():
            continue
        course_id = str(course.translation_key)
        Programme.objects.create(
            slug=entry["slug"],
            title_zh=spoken(entry["title"], CHINESE),
            title_en=spoken(entry["title"], ENGLISH),
            description_zh=spoken(entry["description"], CHINESE),
            description_en=spoken(entry["description"], ENGLISH),
            criteria_zh=spoken(entry["criteria"], CHINESE),
            criteria_en=spoken(entry["criteria"], ENGLISH),
            course_ids=[course_id],
            clauses=course_clauses(course_id),
        )
