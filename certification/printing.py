"""Print a certificate: one A4 page in both languages, with a QR code and the signed credential attached."""

from datetime import datetime
from pathlib import Path
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

import segno
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from weasyprint import CSS, HTML, Attachment
from weasyprint.urls import URLFetcher

from certification import attachments
from certification.models import Credential
from certification.reading import halves
from certification.shapes import BADGE, read
from certification.signing import take_apart
from certification.verification import Claims, claims_of

STYLE = Path(__file__).parent / "static" / "certification" / "certificate_pdf.css"
HOLDER_WIDTHS = (30, 56)
TITLE_WIDTHS = (36, 60)
CLAUSES_PRINTED = 6


class NothingIsFetched(URLFetcher):
    """A certificate is drawn from its own template alone."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> object:
        raise ValueError(f"a certificate needs nothing from outside, and asked for {url}")


def claims(credential: Credential) -> Claims:
    """What the signed document says; the page and the PDF show this and not the register."""
    document = read(credential.document)
    return claims_of(document, take_apart(document, BADGE).verification_method)


def qr_svg(link: str, scale: float = 4) -> SafeString:
    """The QR code of ``link`` as inline SVG, with a quiet zone, readable when a quarter of it is lost."""
    code = segno.make(link, error="q", micro=False)
    drawn = code.svg_inline(scale=scale, border=4, dark="#000", light="#fff", omitsize=True)
    return mark_safe(drawn)  # noqa: S308 - segno draws from our own link


def pdf(credential: Credential) -> bytes:
    """The certificate as PDF/A-3u; the attached file is the signed document, byte for byte."""
    said = claims(credential)
    title_zh, title_en = halves(said.title)
    about_zh, about_en = halves(said.description)
    markup = render_to_string(
        "certification/certificate_pdf.html",
        {
            "claims": said,
            "holder_size": size_for(said.holder, HOLDER_WIDTHS),
            "title_zh": title_zh,
            "title_en": title_en,
            "title_size": size_for(title_zh, TITLE_WIDTHS),
            "about_zh": about_zh,
            "about_en": about_en,
            "clauses": said.clauses[:CLAUSES_PRINTED],
            "more_clauses": max(len(said.clauses) - CLAUSES_PRINTED, 0),
            "issued": local_day(said.valid_from),
            "until": local_day(said.valid_until) if said.valid_until else None,
            "link": credential.link,
            "qr": qr_svg(credential.link),
            "public_id": credential.public_id,
        },
    )
    attachment = Attachment(
        string=credential.document,
        name=attachments.NAME,
        description="Open Badges 3.0 credential",
        relationship="Source",
        created=credential.issued_at,
        modified=credential.issued_at,
    )
    page = HTML(string=markup, url_fetcher=NothingIsFetched())
    made = page.write_pdf(
        stylesheets=[CSS(filename=STYLE)],
        attachments=[attachment],
        pdf_variant="pdf/a-3u",
        pdf_identifier=credential.public_id.encode(),
    )
    return bytes(made)


def size_for(text: str, widths: tuple[int, int]) -> str:
    """How large ``text`` may be set: a wide (Chinese) character counts as two."""
    width = sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
    return "large" if width <= widths[0] else "middle" if width <= widths[1] else "small-size"


def local_day(moment: datetime) -> str:
    """The day of ``moment`` where the issuer is, in digits."""
    return moment.astimezone(ZoneInfo(settings.TIME_ZONE)).date().isoformat()
