"""What community registers with Wagtail and with its own hooks."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy, pgettext
from django.utils.translation import gettext as _
from wagtail import hooks
from wagtail.admin.panels import FieldPanel, InlinePanel, MultiFieldPanel
from wagtail.models import Page
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet

from community.models import NewsIndexPage, Organisation, StandardsIndexPage, TextPage, User
from community.registry import NavItem, SearchHit, StatusPart
from community.search import find_pages
from community.views.machine import database_answers


class OrganisationViewSet(SnippetViewSet):
    """Operators keep the members of the alliance, and who belongs to them."""

    model = Organisation
    icon = "group"
    menu_label = gettext_lazy("Organisations")
    menu_name = "organisations"
    add_to_admin_menu = True
    list_display = ["name_zh", "name_en", "slug"]
    search_fields = ["slug", "name_zh", "name_en"]
    panels = [
        MultiFieldPanel(
            [FieldPanel("name_zh"), FieldPanel("name_en"), FieldPanel("slug")], heading=gettext_lazy("Name")
        ),
        InlinePanel(
            "memberships",
            panels=[FieldPanel("person"), FieldPanel("role"), FieldPanel("joined_at"), FieldPanel("left_at")],
            heading=gettext_lazy("People"),
        ),
    ]


register_snippet(OrganisationViewSet)


def _first(model: type[Page]) -> Page | None:
    """The live page of ``model`` in the active language."""
    return model.objects.live().filter(locale__language_code=get_language()).first()


@hooks.register("navigation_items")
def standards_and_news(request: HttpRequest) -> list[NavItem]:
    items = []
    for order, label, page in [
        (30, _("Standards"), _first(StandardsIndexPage)),
        (50, _("News"), _first(NewsIndexPage)),
    ]:
        if page is not None:
            items.append(NavItem(order, label, url=page.get_url(request) or ""))
    return items


@hooks.register("account_items")
def administration(request: HttpRequest) -> NavItem | None:
    if not request.user.has_perm("wagtailadmin.access_admin"):
        return None
    return NavItem(90, _("Edit the site"), url=reverse("wagtailadmin_home"))


@hooks.register("footer_items")
def footer(request: HttpRequest) -> list[NavItem]:
    pages = TextPage.objects.live().in_menu().filter(locale__language_code=get_language(), depth=3)
    items = [NavItem(10, page.title, url=page.get_url(request) or "") for page in pages]
    return [
        *items,
        NavItem(80, pgettext("site", "Status"), url_name="status"),
        NavItem(90, _("API"), url_name="api-1:openapi-view"),
    ]


@hooks.register("insert_global_admin_js")
def date_choosers() -> str:
    return format_html('<script src="{}"></script>', static("community/admin.js"))


@hooks.register("insert_global_admin_css")
def own_mark() -> str:
    return format_html('<link rel="stylesheet" href="{}">', static("community/admin.css"))


@hooks.register("before_bulk_action")
def only_administrators_change_administrators(
    request: HttpRequest, action_type: str, objects: list[object], action: object
) -> None:
    if (
        any(isinstance(item, User) and item.is_superuser for item in objects)
        and not request.user.is_superuser
    ):
        raise PermissionDenied


@hooks.register("search_providers")
def pages(query: str, language: str) -> list[SearchHit]:
    return find_pages(query, language)


@hooks.register("status_parts")
def database(request: HttpRequest) -> StatusPart:
    if database_answers():
        return StatusPart(10, _("Database"))
    return StatusPart(
        10, _("Database"), _("does not answer"), _("Start the database server; DATABASE_URL names it.")
    )
