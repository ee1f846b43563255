"""What reaches an import from strangers: packages and XML are read whole or refused with a reason and a line."""

import io
import stat
import struct
import zipfile

import pytest

from courses.exams.interchange import base, formats, packages, trees
from courses.exams.interchange.base import Notes, Refused


def notes() -> Notes:
    return Notes("questions.zip")


def zipped(**files: bytes) -> bytes:
    return zipped_names({name.replace("__", "."): content for name, content in files.items()})


def zipped_names(files: dict[str, bytes], **attributes: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            for attribute, value in attributes.items():
                setattr(entry, attribute, value)
            package.writestr(entry, content)
    return target.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        packages.unpack(data, notes())
    return refused.value.told.code


def test_a_package_is_read_whole_and_packed_again_with_the_same_bytes():
    files = {"imsmanifest.xml": b"<manifest/>", "items/题目.xml": b"<item/>"}
    packed = packages.pack(files)
    assert dict(packages.unpack(packed, notes())) == files
    assert packages.pack(dict(reversed(files.items()))) == packed


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/passwd", "C:/a", "a\\..\\b", "./a", "a//b", "a\nb", "..", "a/.."]
)
def test_a_name_that_leads_elsewhere_is_refused(name):
    assert refusal(zipped_names({name: b"x"})) == "package_path"


def test_a_name_with_a_nul_is_refused():
    data = zipped_names({"aXb": b"x"}).replace(b"aXb", b"a\0b")
    assert refusal(data) == "package_path"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_and_devices_are_refused(kind):
    assert refusal(zipped_names({"a": b"/etc/passwd"}, external_attr=(kind | 0o777) << 16)) == "package_link"


def test_an_encrypted_package_is_refused():
    data = bytearray(zipped(a=b"x"))
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<H", data, central + 8, 1)
    assert refusal(bytes(data)) == "package_encrypted"


def test_an_unusual_packing_is_refused():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as package:
        package.writestr("a", b"x")
    assert refusal(target.getvalue()) == "package_method"


@pytest.mark.parametrize("other", ["A.xml", "a.xml", "\uff41.xml", "a.xml/"])
def test_names_that_are_one_name_on_some_machine_are_refused(other):
    with pytest.warns() if other == "a.xml" else pytest.MonkeyPatch.context():
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as package:
            package.writestr("a.xml", b"1")
            package.writestr(other, b"" if other.endswith("/") else b"2")
    assert refusal(target.getvalue()) == "package_twice"


def test_composed_and_decomposed_names_are_the_same():
    assert refusal(zipped_names({"\u00e9.xml": b"1", "e\u0301.xml": b"2"})) == "package_twice"


def test_what_grows_too_much_is_refused_while_it_is_unpacked():
    assert refusal(zipped(a=b"\0" * 2**20)) == "package_ratio"


def test_a_package_that_lies_about_a_size_is_no_larger_than_it_says():
    data = bytearray(zipped(a=b"\0" * 2**20))
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, 10)
    with pytest.raises(Refused):
        packages.unpack(bytes(data), notes())


def test_the_limits_of_one_file_of_all_and_of_their_number_hold(monkeypatch):
    data = zipped(a=bytes(range(256)) * 8, b=bytes(range(256)) * 8)
    monkeypatch.setattr(packages, "MOST_UNPACKED", 3000)
    assert refusal(data) == "package_too_large"
    monkeypatch.setattr(packages, "MOST_ENTRY", 2000)
    assert refusal(data) == "package_entry_too_large"
    monkeypatch.setattr(packages, "MOST_ENTRIES", 1)
    assert refusal(data) == "package_too_many_entries"


def test_a_package_in_the_package_stays_closed_and_is_noted():
    told = notes()
    inner = zipped(a=b"x")
    assert dict(packages.unpack(zipped_names({"inner.zip": inner, "b": b"y"}), told)) == {"b": b"y"}
    assert [(note.code, note.arguments["name"]) for note in told.all] == [("package_nested", "inner.zip")]


@pytest.mark.parametrize("cut", [10, 40, 80])
def test_a_torn_package_is_refused(cut):
    assert refusal(zipped(a=b"some words")[:cut]) == "package_broken"


def test_a_package_with_a_changed_byte_is_refused():
    data = zipped_names({"a": b"some words"}, compress_type=zipfile.ZIP_STORED)
    assert refusal(data.replace(b"words", b"swords"[:5])) == "package_broken"


LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [
 <!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
]>
<quiz>&c;</quiz>"""


@pytest.mark.parametrize(
    ("data", "line", "code"),
    [
        (LAUGHS, 2, "xml_doctype"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', 1, "xml_doctype"),
        (
            b'<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY % p SYSTEM "http://localhost/x">%p;]><a/>',
            2,
            "xml_doctype",
        ),
        (b"<a>\n&nbsp;</a>", 2, "xml_broken"),
        (b"<a>\n\n\0</a>", 3, "xml_broken"),
        (b"<a>\n\xff</a>", 2, "xml_broken"),
        (b"<a>\n<b>\n</a>", 3, "xml_broken"),
        (b"<a/>\n<b/>", 2, "xml_broken"),
        (b"", 1, "xml_broken"),
        (b'<?xml version="1.0" encoding="x-unknown"?><a/>', 1, "xml_broken"),
        (b'<?xml version="1.0" encoding="gb2312"?>\n<a>\xff\xff</a>', 2, "encoding_broken"),
        (b"<a>" * 100 + b"</a>" * 100, 1, "xml_too_deep"),
    ],
)
def test_what_is_no_plain_xml_is_refused_at_its_line(data, line, code):
    with pytest.raises(Refused) as refused:
        trees.read_xml(data, notes())
    assert (refused.value.told.code, refused.value.told.line) == (code, line)


def test_a_file_of_too_many_elements_is_refused(monkeypatch):
    monkeypatch.setattr(trees, "MOST_ELEMENTS", 10)
    with pytest.raises(Refused, match="more than 10 elements"):
        trees.read_xml(b"<a>" + b"<b/>" * 10 + b"</a>", notes())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb2312", "gb18030", "big5"])
def test_chinese_is_read_in_the_encoding_the_file_declares(encoding):
    declared = encoding.removesuffix("-sig")
    words = "云" if encoding == "big5" else "云计算"
    data = f'<?xml version="1.0" encoding="{declared}"?>\n<a>{words}</a>'.encode(encoding)
    assert trees.read_xml(data, notes()).text == words


def test_elements_and_their_words_know_their_lines():
    root = trees.read_xml(b'<q>\n <text\n  lang="en"><![CDATA[\n<p>x]]>y</text>\n</q>', notes())
    text = root.first("text")
    assert (text.line, text.text_line, text.text) == (2, 3, "\n<p>xy")


def test_html_that_nobody_closed_is_read_as_browsers_do():
    root = trees.read_html("<ul><li>a<li>b<ul><li>c</ul></ul><p>d<p>e<br>f", notes(), 5)
    items = root.first("ul").all("li")
    assert [item.own_text for item in items] == ["a", "b"]
    assert [paragraph.text for paragraph in root.all("p")] == ["d", "ef"]


def test_html_nested_without_end_is_refused_at_its_line():
    with pytest.raises(Refused) as refused:
        trees.read_html("\n" + "<b>" * 10_000, notes(), 7)
    assert (refused.value.told.code, refused.value.told.line) == ("xml_too_deep", 8)


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "file_empty"), (b" \n", "file_empty"), (b"\x89PNG\r\n\x1a\n\0\0", "format_unknown")],
)
def test_a_file_that_is_nothing_we_read_is_refused(data, code):
    with pytest.raises(Refused) as refused:
        formats.read(data, "questions.bin")
    assert refused.value.told.code == code


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(formats, "MOST_BYTES", 10)
    with pytest.raises(Refused, match="larger than 10 bytes"):
        formats.read(b"x" * 11, "questions.txt")


def test_a_note_is_told_once_in_words_and_with_its_line():
    told = notes()
    for _twice in range(2):
        told.lost("field_lost", 3, field="hint", value="a  long\nstory")
    assert [(note.line, note.severity, note.message) for note in told.all] == [
        (3, base.Severity.LOST, "hint cannot be kept: a long story.")
    ]


def test_notes_without_end_are_a_reason_to_refuse(monkeypatch):
    monkeypatch.setattr(base, "MOST_NOTES", 3)
    told = notes()
    for line in range(3):
        told.lost("field_lost", line, field="a", value="b")
    with pytest.raises(Refused, match="More than 3 things"):
        told.lost("field_lost", 3, field="a", value="b")


def test_items_refuse_labels_that_are_no_line():
    from courses.exams.content import read_content
    from tests.courses.questions import SAMPLES

    with pytest.raises(ValueError, match="no line"):
        base.Item(read_content(SAMPLES["single"].content), title="a\nb")
