"""The verify page in a real browser: QR pictures are read on the spot, dropped files are handed in, all accessible."""

import base64
from email.parser import BytesParser
from email.policy import HTTP
from io import BytesIO
from pathlib import Path

import pytest
import segno
from django.test import Client

from tests.browser.conftest import StaticSite, axe_violations, complaints_of, sideways_overflow

pytestmark = pytest.mark.browser

LINK = "http://testserver/v/3t7ajpjsypfz09gnsz0c98nr3v"
DROP = """
async ([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));
  const frame = document.querySelector("[data-drop]");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    frame.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
  }
}
"""


@pytest.fixture
def markup(db: None) -> str:
    """The page as the product renders it; rendered before the browser wakes."""
    return Client().get("/en/verify/").content.decode()


@pytest.fixture
def verify_page(markup, static_site: StaticSite, open_page):
    """The page, open, with everything that it hands in caught in ``handed_in``."""
    url = static_site.hang("/en/verify/", markup)
    page = open_page(language="en")
    page.handed_in = []

    def caught(route):
        if route.request.method == "POST":
            page.handed_in.append(fields_of(route.request))
            route.fulfill(body="<title>handed in</title>", content_type="text/html")
        else:
            route.fallback()

    page.route("**/en/verify/", caught)
    page.goto(url)
    page.wait_for_selector("[data-scan]:not([hidden])")
    return page


def fields_of(request) -> dict[str, bytes]:
    """The fields of a multipart form by name."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.post_data_buffer)
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in message.iter_parts()
    }


def qr_png(text: str, scale: int = 5) -> bytes:
    drawn = BytesIO()
    segno.make(text, error="q").save(drawn, kind="png", scale=scale)
    return drawn.getvalue()


def wait_until_handed_in(page) -> dict[str, bytes]:
    page.wait_for_function("document.title === 'handed in'")
    return page.handed_in[0]


def test_a_picture_of_the_qr_code_is_read_in_the_browser_and_its_link_handed_in(verify_page, tmp_path: Path):
    picture = tmp_path / "qr.png"
    picture.write_bytes(qr_png(LINK))
    verify_page.set_input_files("[data-picture]", picture)
    fields = wait_until_handed_in(verify_page)
    assert fields["asked"].decode().strip() == LINK
    assert fields["file"] == b""
    assert complaints_of(verify_page) == []


def test_a_dropped_picture_of_the_qr_code_is_read_too(verify_page):
    verify_page.evaluate(DROP, ["qr.png", "image/png", base64.b64encode(qr_png(LINK, 12)).decode()])
    assert wait_until_handed_in(verify_page)["asked"].decode().strip() == LINK


def test_a_dropped_file_is_handed_in_as_it_is(verify_page):
    content = b'{"@context": []}'
    verify_page.evaluate(DROP, ["c.json", "application/json", base64.b64encode(content).decode()])
    assert wait_until_handed_in(verify_page)["file"].strip() == content


def test_a_picture_without_a_code_is_told_and_nothing_is_handed_in(verify_page, tmp_path: Path):
    picture = tmp_path / "broken.png"
    picture.write_bytes(b"\x89PNG not a picture")
    verify_page.set_input_files("[data-picture]", picture)
    verify_page.get_by_text("No QR code was found in this picture").wait_for()
    assert verify_page.handed_in == []


def test_the_page_is_accessible_and_fits_a_phone(markup, static_site, open_page):
    url = static_site.hang("/en/verify/", markup)
    for scheme in ("light", "dark"):
        page = open_page(language="en", phone=True, color_scheme=scheme)
        page.goto(url)
        page.wait_for_selector("[data-scan]:not([hidden])")
        assert axe_violations(page) == []
        assert sideways_overflow(page) == 0


def test_the_form_is_whole_without_scripts(markup, static_site, open_page):
    url = static_site.hang("/en/verify/", markup)
    page = open_page(language="en", java_script_enabled=False)
    page.goto(url)
    assert page.locator("[name=asked]").is_visible()
    assert page.locator("[name=file]").is_visible()
    assert not page.locator("[data-picture]").is_visible()
