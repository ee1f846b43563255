"""What every page's frame needs: menus, the same page in the other language, the theme."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse, translate_url
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, override
from wagtail.models import Page

from community import registry
from community.registry import NavItem

HTML_LANGUAGES = {"zh-hans": "zh-Hans", "en": "en"}
LANGUAGE_NAMES = {"zh-hans": "中文", "en": "English"}
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Alternate:
    """This page in one language."""

    language: str
    lang: str
    label: str
    url: str
    absolute_url: str
    current: bool


@dataclass(frozen=True)
class MenuLink:
    label: str
    url: str
    current: str


@dataclass(frozen=True)
class Crumb:
    """One step of "you are here"; the last has no address."""

    title: str
    url: str = ""


def site_shell(request: HttpRequest) -> dict[str, Any]:
    """The frame's values; those that ask the database do so only when a template draws them."""
    language = get_language() or settings.LANGUAGE_CODE
    return {
        "html_lang": HTML_LANGUAGES.get(language, language),
        "theme": theme_of(request),
        "version": settings.VERSION,
        "home_url": reverse("wagtail_serve", args=[""]),
        "login_next": _login_next(request),
        "alternates": SimpleLazyObject(lambda: alternates(request)),
        "breadcrumbs": SimpleLazyObject(lambda: _page_crumbs(request)),
        "navigation": SimpleLazyObject(lambda: _menu(request, registry.navigation_items(request))),
        "account_menu": SimpleLazyObject(lambda: _menu(request, registry.account_items(request))),
        "footer_links": SimpleLazyObject(lambda: _menu(request, registry.footer_items(request))),
    }


def theme_of(request: HttpRequest) -> str:
    """``light`` or ``dark`` as chosen; empty follows the system."""
    chosen = request.COOKIES.get("theme", "")
    return chosen if chosen in THEMES else ""


def alternates(request: HttpRequest) -> list[Alternate]:
    """This page in every language, the query string kept; where it does not exist, its nearest ancestor."""
    current = get_language() or settings.LANGUAGE_CODE
    pages = _page_urls(request)
    query = request.META.get("QUERY_STRING", "")
    found = []
    for language, _name in settings.LANGUAGES:
        if pages is None:
            url = _view_url(request, language)
        else:
            url = pages.get(language) or _home(language)
            url += f"?{query}" if query else ""
        found.append(
            Alternate(
                language=language,
                lang=HTML_LANGUAGES[language],
                label=LANGUAGE_NAMES[language],
                url=url,
                absolute_url=f"{settings.PUBLIC_URL}{url}",
                current=language == current,
            )
        )
    return found


def _home(language: str) -> str:
    with override(language):
        return reverse("wagtail_serve", args=[""])


def _view_url(request: HttpRequest, language: str) -> str:
    """The same view in ``language``; that language's home page when the address has no language."""
    path = request.get_full_path()
    url = translate_url(path, language)
    return url if url.startswith(f"/{language}/") else _home(language)


def _page_urls(request: HttpRequest) -> dict[str, str] | None:
    """Addresses by language of the Wagtail page shown, or None when the page is not Wagtail's."""
    route = getattr(request, "_wagtail_route_for_request", None)
    if route is None:
        return None
    page: Page = route.page
    urls: dict[str, str] = {page.locale.language_code: page.get_url(request)}
    for candidate in [page, *reversed(page.get_ancestors().filter(depth__gt=1))]:
        for translation in candidate.get_translations().live().select_related("locale"):
            urls.setdefault(translation.locale.language_code, translation.get_url(request))
        if len(urls) == len(settings.LANGUAGES):
            break
    return urls


def crumbs(page: Page, request: HttpRequest) -> list[Crumb]:
    """The way from the home page to ``page``; empty for the home page itself."""
    ancestors = page.get_ancestors().filter(depth__gt=1).live()
    way = [Crumb(ancestor.title, ancestor.get_url(request) or "") for ancestor in ancestors]
    return [*way, Crumb(page.title)] if way else []


def _page_crumbs(request: HttpRequest) -> list[Crumb]:
    route = getattr(request, "_wagtail_route_for_request", None)
    return crumbs(route.page, request) if route is not None else []


def _menu(request: HttpRequest, items: list[NavItem]) -> list[MenuLink]:
    links = []
    for item in items:
        url = item.href
        current = "page" if request.path == url else "true" if request.path.startswith(url) else ""
        links.append(MenuLink(label=str(item.label), url=url, current=current))
    return links


def _login_next(request: HttpRequest) -> str:
    """Where to return after signing in; nothing on the account's own pages."""
    return "" if "/accounts/" in request.path else request.get_full_path()
