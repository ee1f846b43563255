"""The printed certificate: one page, both languages, a QR code that reads, the signed document inside."""

import subprocess
from io import BytesIO

import pytest
from pypdf import PdfReader, PdfWriter

from certification import attachments, issuing, printing
from certification.inspection import CannotRead, credential_text, inspect_text
from certification.verification import Outcome
from tests.certification.conftest import complete, make_programme, person

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file.*sRGB2014:ResourceWarning")


@pytest.fixture
def made(credential) -> bytes:
    return printing.pdf(credential)


def run(*argv, **options):
    return subprocess.run(argv, capture_output=True, timeout=60, check=True, **options).stdout


def test_the_pdf_carries_the_signed_document_byte_for_byte(credential, made):
    assert attachments.embedded_credential(made) == credential.document.encode()
    assert credential_text(made) == credential.document


def test_the_pdf_is_one_landscape_a4_page_of_archival_form(made):
    pages = PdfReader(BytesIO(made)).pages
    assert len(pages) == 1
    assert [round(float(side)) for side in pages[0].mediabox[2:]] == [842, 595]
    told = PdfReader(BytesIO(made)).trailer["/Root"]["/Metadata"].get_data()
    assert b'pdfaid:part="3"' in told or b"<pdfaid:part>3<" in told
    assert b'pdfaid:conformance="U"' in told or b"<pdfaid:conformance>U<" in told


def test_the_pdf_says_in_both_languages_who_earned_what(tmp_path, made):
    file = tmp_path / "c.pdf"
    file.write_bytes(made)
    said = run("pdftotext", "-layout", str(file), "-").decode()
    for words in (
        "李雷",
        "云计算基础",
        "Cloud foundations",
        "证书",
        "Certificate",
        "有效期至",
        "Valid until",
    ):
        assert words in said


@pytest.mark.parametrize("dpi", [110, 200])
def test_another_decoder_reads_the_qr_code_from_the_printed_page(tmp_path, credential, made, dpi):
    file = tmp_path / "c.pdf"
    file.write_bytes(made)
    run("pdftoppm", "-r", str(dpi), "-png", str(file), str(tmp_path / "page"))
    picture = next(tmp_path.glob("page*.png"))
    assert run("zbarimg", "-q", "--raw", str(picture)).decode().strip() == credential.link


@pytest.mark.django_db
def test_the_longest_texts_still_fit_on_one_page():
    learner = person("long", "王" * 50 + " Konstantinopoulos" * 2)
    programme = make_programme(
        title_zh="云" * 60,
        title_en="Cloud operations " * 7,
        description_zh="能部署并排查。" * 42,
        description_en="Can deploy and debug. " * 13,
        criteria_zh="完成课程。" * 380,
        criteria_en="Complete the course. " * 90,
    )
    complete(learner, programme.course_ids[0])
    credential = issuing.issue(programme, learner)
    assert inspect_text(credential.document).verdict.outcome is Outcome.VALID
    assert len(PdfReader(BytesIO(printing.pdf(credential))).pages) == 1


def test_fonts_are_embedded(tmp_path, made):
    file = tmp_path / "c.pdf"
    file.write_bytes(made)
    listed = run("pdffonts", str(file)).decode().splitlines()[2:]
    assert listed
    assert any("CJK" in line for line in listed)
    assert all(line.split()[-5] == "yes" for line in listed)


def test_drawing_a_certificate_fetches_nothing():
    with pytest.raises(ValueError, match="nothing from outside"):
        printing.NothingIsFetched().fetch("https://example.org/font.woff2")


def test_a_pdf_without_a_credential_says_so():
    empty = PdfWriter()
    empty.add_blank_page(100, 100)
    file = BytesIO()
    empty.write(file)
    with pytest.raises(CannotRead, match="no credential in the PDF"):
        credential_text(file.getvalue())


def test_a_pdf_with_another_attachment_says_so():
    other = PdfWriter()
    other.add_blank_page(100, 100)
    other.add_attachment("notes.txt", b"hello")
    file = BytesIO()
    other.write(file)
    with pytest.raises(CannotRead):
        credential_text(file.getvalue())


def test_a_pdf_whose_attachment_is_endless_costs_the_child_and_not_the_site():
    bomb = PdfWriter()
    bomb.add_blank_page(100, 100)
    bomb.add_attachment("credential.json", bytes(40_000_000))
    bomb.compress_identical_objects()
    for item in bomb._objects:
        if hasattr(item, "flate_encode"):
            bomb._replace_object(item.indirect_reference, item.flate_encode())
    file = BytesIO()
    bomb.write(file)
    assert len(file.getvalue()) < attachments.LARGEST_PDF
    with pytest.raises(CannotRead):
        credential_text(file.getvalue())


@pytest.mark.parametrize("content", [b"%PDF-1.7", b"%PDF-" + b"<<" * 100_000, b"%PDF-" + bytes(100_000)])
def test_a_broken_pdf_is_an_answer_and_not_an_accident(content):
    with pytest.raises(CannotRead):
        credential_text(content)


def test_a_child_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(attachments, "WALL_SECONDS", 0.01)
    with pytest.raises(attachments.NoCredentialInside):
        attachments.embedded_credential(b"%PDF-1.7")
