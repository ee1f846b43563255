"""One search over pages, clauses, labs and courses."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from community import search
from community.words import tidy

PER_PAGE = 20


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    query = tidy(request.GET.get("q", ""))
    hits = search.find(query, get_language() or "zh-hans") if query else []
    page = Paginator(hits, PER_PAGE).get_page(request.GET.get("page"))
    context = {"query": query, "page": page, "page_query": urlencode({"q": query})}
    return render(request, "community/search.html", context)
