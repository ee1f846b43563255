"""Putting pages into the tree from text that came with the product, in every language, without touching edits."""

from django.db import transaction
from wagtail.models import Locale, Page, Site
from wagtail_localize.models import StringTranslation, Translation, TranslationSource
from wagtail_localize.segments import StringSegmentValue
from wagtail_localize.segments.extract import extract_segments

from community.models import HomePage

WELCOME_DEPTH = 2


class NotParallel(ValueError):
    """Two language versions of a page differ in structure, so one cannot be the translation of the other."""


@transaction.atomic
def place_page(parent: Page, page: Page) -> tuple[Page, bool]:
    """The page with this slug under ``parent``, and whether it is new; an existing one keeps its edits."""
    existing = parent.get_children().filter(slug=page.slug).first()
    if existing is not None:
        return existing.specific, False
    page.locale = parent.locale
    page.live = False
    parent.add_child(instance=page)
    page.save_revision().publish()
    page.refresh_from_db()
    return page, True


@transaction.atomic
def place_home(page: HomePage) -> tuple[Page, bool]:
    """The site's home page in the site's first language, and whether it is new; Wagtail's welcome page goes."""
    locale = Locale.get_default()
    existing = HomePage.objects.filter(locale=locale, depth=WELCOME_DEPTH).first()
    if existing is not None:
        return existing, False
    root = Page.objects.get(depth=1)
    page.locale = locale
    page.slug = "yunlian"
    page.live = False
    root.add_child(instance=page)
    page.save_revision().publish()
    site = Site.objects.filter(is_default_site=True).first() or Site(
        hostname="localhost", is_default_site=True
    )
    site.root_page = page
    site.site_name = page.title
    site.save()
    for welcome in Page.objects.filter(depth=WELCOME_DEPTH, slug="home").exact_type(Page):
        welcome.delete()
    page.refresh_from_db()
    return page, True


@transaction.atomic
def place_translation(page: Page, counterpart: Page, language: str) -> Page:
    """The live translation of ``page`` into ``language``, in the words of the unsaved ``counterpart``.

    An existing translation keeps its edits. The two must be parallel: same blocks with the same ids, same number
    of paragraphs. Raises NotParallel naming the first place where they are not.
    """
    locale, _ = Locale.objects.get_or_create(language_code=language)
    existing = page.get_translation_or_none(locale)
    if existing is not None and not existing.alias_of_id:
        return existing.specific
    counterpart.locale = locale
    counterpart.slug = counterpart.slug or page.slug
    source, _ = TranslationSource.update_or_create_from_instance(page)
    translation, _ = Translation.objects.get_or_create(source=source, target_locale=locale)
    _tell(source, locale, _pairs(page, counterpart))
    translation.save_target(publish=False)
    placed = page.get_translation(locale).specific
    placed.get_latest_revision().publish()
    placed.refresh_from_db()
    return placed


def _tell(
    source: TranslationSource, locale: Locale, pairs: list[tuple[StringSegmentValue, StringSegmentValue]]
) -> None:
    """The strings of ``source`` are translated, all in one statement: a lesson has a hundred of them."""
    rows = source.stringsegment_set.values_list("context__path", "order", "string_id", "context_id")
    places = {(path, order): (string, context) for path, order, string, context in rows}
    told: dict[tuple[int, int], str] = {
        places[mine.path, mine.order]: theirs.string.get_translatable_html() for mine, theirs in pairs
    }
    StringTranslation.objects.bulk_create(
        [
            StringTranslation(
                translation_of_id=string,
                context_id=context,
                locale=locale,
                data=data,
                translation_type=StringTranslation.TRANSLATION_TYPE_MANUAL,
            )
            for (string, context), data in told.items()
        ],
        update_conflicts=True,
        unique_fields=["locale", "translation_of", "context"],
        update_fields=["data", "translation_type"],
    )


def _pairs(page: Page, counterpart: Page) -> list[tuple[StringSegmentValue, StringSegmentValue]]:
    mine, theirs = _strings(page), _strings(counterpart)
    for here, there in zip(mine, theirs, strict=False):
        if here.path != there.path:
            raise NotParallel(f"{page.slug}: {here.path} stands where the other language has {there.path}")
    if len(mine) != len(theirs):
        raise NotParallel(f"{page.slug}: {len(mine)} texts here, {len(theirs)} in the other language")
    return list(zip(mine, theirs, strict=True))


def _strings(page: Page) -> list[StringSegmentValue]:
    return [segment for segment in extract_segments(page) if isinstance(segment, StringSegmentValue)]
