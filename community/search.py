"""Finding things by any substring, Chinese included: plain containment, no query language, so no input can fail."""

from django.db.models import Q
from django.utils.translation import gettext as _
from wagtail.models import Page

from community import registry
from community.models import DraftPage, HomePage, NewsIndexPage, NewsPage, StandardsIndexPage, TextPage
from community.registry import SearchHit
from community.words import excerpt

MOST_PER_KIND = 50


def find(query: str, language: str) -> list[SearchHit]:
    """Everything that contains ``query``, those with it in the title first."""
    lowered = query.lower()
    hits = registry.search_hits(query, language)
    return sorted(hits, key=lambda hit: lowered not in hit.title.lower())


def find_pages(query: str, language: str) -> list[SearchHit]:
    """Community's own pages in ``language`` that contain ``query``, and the clauses that do."""
    kinds: list[tuple[type[Page], str]] = [
        (HomePage, _("Home page")),
        (StandardsIndexPage, _("Standards")),
        (NewsIndexPage, _("News")),
        (TextPage, _("Page")),
        (NewsPage, _("News")),
    ]
    hits = []
    for model, kind in kinds:
        for page in _containing(model, query, language)[:MOST_PER_KIND]:
            hits.append(SearchHit(page.title, page.get_url() or "", kind, excerpt(page.words, query)))
    for draft in _containing(DraftPage, query, language)[:MOST_PER_KIND]:
        hits.extend(_hits_in(draft, query))
    return hits


def _containing(model: type[Page], query: str, language: str) -> list[Page]:
    pages = model.objects.live().public().filter(locale__language_code=language)
    return pages.filter(Q(title__icontains=query) | Q(words__icontains=query)).order_by("title")


def _hits_in(draft: DraftPage, query: str) -> list[SearchHit]:
    """The clauses of ``draft`` that contain ``query``; the draft itself when it is only in its head."""
    url = draft.get_url() or ""
    lowered = query.lower()
    hits = []
    for clause in draft.numbered_clauses:
        if lowered in clause.title.lower() or lowered in clause.text.lower():
            title = f"{draft.designation} {clause.number} {clause.title}"
            hits.append(SearchHit(title, f"{url}#{clause.anchor}", _("Clause"), excerpt(clause.text, query)))
    head = f"{draft.title} {draft.designation} {draft.abstract}"
    if not hits or lowered in head.lower():
        hits.insert(0, SearchHit(draft.title, url, _("Standard draft"), excerpt(draft.abstract, query)))
    return hits[:MOST_PER_KIND]
