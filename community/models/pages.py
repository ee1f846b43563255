"""The site's own pages: home, news, and running text."""

from typing import Any, Self

from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel
from wagtail.fields import StreamField
from wagtail.models import Page
from wagtail.models.pages import PageManager
from wagtail.query import PageQuerySet
from wagtail_localize.fields import SynchronizedField

from community.blocks import HomeBody, LinkBlock, TextBody
from community.words import Worded, tidy

NEWS_PER_PAGE = 10
NEWS_ON_HOME = 3
SAME_SLUG = SynchronizedField("slug", overridable=False)


class HomePage(Worded, Page):
    """The front door in one language."""

    headline = models.CharField(_("headline"), max_length=120)
    lede = models.TextField(_("first sentence"))
    actions = StreamField([("link", LinkBlock())], verbose_name=_("first steps"), blank=True, max_num=2)
    body = StreamField(HomeBody(), verbose_name=_("body"), blank=True)

    worded_fields = ("headline", "lede", "body")
    content_panels = [
        *Page.content_panels,
        FieldPanel("headline"),
        FieldPanel("lede"),
        FieldPanel("actions"),
        FieldPanel("body"),
    ]
    override_translatable_fields = [SAME_SLUG]
    parent_page_types = ["wagtailcore.Page"]
    template = "community/home.html"

    class Meta:
        verbose_name = _("home page")

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(request, *args, **kwargs)
        context["news"] = list(NewsPage.objects.descendant_of(self).live().newest()[:NEWS_ON_HOME])
        context["news_index"] = NewsIndexPage.objects.child_of(self).live().first()
        return context


class TextPage(Worded, Page):
    """Running text: about, how to contribute, privacy."""

    introduction = models.TextField(_("introduction"), blank=True)
    body = StreamField(TextBody(), verbose_name=_("body"), blank=True)

    worded_fields = ("introduction", "body")
    content_panels = [*Page.content_panels, FieldPanel("introduction"), FieldPanel("body")]
    override_translatable_fields = [SAME_SLUG]
    parent_page_types = ["community.HomePage", "community.TextPage"]
    subpage_types = ["community.TextPage"]
    template = "community/text.html"

    class Meta:
        verbose_name = _("text page")


class NewsIndexPage(Worded, Page):
    """All news, newest first."""

    introduction = models.TextField(_("introduction"), blank=True)

    worded_fields = ("introduction",)
    content_panels = [*Page.content_panels, FieldPanel("introduction")]
    override_translatable_fields = [SAME_SLUG]
    parent_page_types = ["community.HomePage"]
    subpage_types = ["community.NewsPage"]
    max_count_per_parent = 1
    template = "community/news_index.html"

    class Meta:
        verbose_name = _("news index")

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(request, *args, **kwargs)
        query = tidy(request.GET.get("q", ""))
        news = NewsPage.objects.child_of(self).live().newest()
        if query:
            news = news.filter(Q(title__icontains=query) | Q(summary__icontains=query))
        context["query"] = query
        context["page_query"] = urlencode({"q": query}) if query else ""
        context["page_of_news"] = Paginator(news, NEWS_PER_PAGE).get_page(request.GET.get("page"))
        return context


class NewsQuerySet(PageQuerySet):
    def newest(self) -> Self:
        return self.order_by("-published_on", "-pk")


class NewsPage(Worded, Page):
    """One piece of news."""

    published_on = models.DateField(_("date"), default=timezone.localdate)
    summary = models.TextField(_("summary"), help_text=_("One or two sentences for lists."))
    body = StreamField(TextBody(), verbose_name=_("body"), blank=True)

    worded_fields = ("summary", "body")
    content_panels = [
        *Page.content_panels,
        FieldPanel("published_on"),
        FieldPanel("summary"),
        FieldPanel("body"),
    ]
    override_translatable_fields = [SAME_SLUG, SynchronizedField("published_on", overridable=False)]
    parent_page_types = ["community.NewsIndexPage"]
    subpage_types: list[str] = []
    template = "community/news.html"

    objects = PageManager.from_queryset(NewsQuerySet)()

    class Meta:
        verbose_name = _("news")
