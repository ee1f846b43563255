"""A statement on paper: A4 in both languages, drawn from its own template alone."""

from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from weasyprint import CSS, HTML
from weasyprint.urls import URLFetcher

from labs.costs import statement_facts
from labs.models import Statement

STYLE = Path(__file__).parent / "static" / "labs" / "statement_pdf.css"


class NothingIsFetched(URLFetcher):
    """A statement needs nothing from outside."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> object:
        raise ValueError(f"a statement needs nothing from outside, and asked for {url}")


def pdf(statement: Statement) -> bytes:
    """The statement as PDF; the same statement gives the same identifier."""
    facts: dict[str, Any] = statement_facts(statement)
    markup = render_to_string(
        "labs/statement_pdf.html",
        facts | {"issued": timezone.localtime(statement.issued_at).date().isoformat()},
    )
    page = HTML(string=markup, url_fetcher=NothingIsFetched())
    made = page.write_pdf(stylesheets=[CSS(filename=STYLE)], pdf_identifier=statement.number.encode())
    return bytes(made)
