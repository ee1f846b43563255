"""Every note and refusal has its sentence, in English and Chinese, with the arguments it is given."""

import ast
import re
from pathlib import Path

import polib

from courses.exams import interchange
from courses.exams.interchange.base import Note
from courses.exams.interchange.wording import MESSAGES

FOLDER = Path(interchange.__file__).parent
TELLING = {"lost", "changed", "info", "refuse", "LeftOut", "Refused"}
SLOT = re.compile(r"\{(\w+)\}")


def told() -> list[tuple[str, set[str]]]:
    """The code and the names of the arguments of each note and refusal in the sources."""
    found = []
    for path in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if name in TELLING and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.append((first.value, {keyword.arg or "" for keyword in node.keywords}))
    return found


def test_every_note_has_a_sentence_and_gives_it_what_it_says():
    notes = told()
    assert len(notes) > 80
    wrong = [
        (code, sorted(given))
        for code, given in notes
        if code not in MESSAGES or set(SLOT.findall(MESSAGES[code])) != given
    ]
    assert wrong == []


def test_every_sentence_is_said_in_chinese_with_its_arguments():
    path = FOLDER.parents[1] / "locale/zh_Hans/LC_MESSAGES/django.po"
    chinese = {entry.msgid: entry.msgstr for entry in polib.pofile(str(path))}
    for words in MESSAGES.values():
        assert set(SLOT.findall(chinese[words])) == set(SLOT.findall(words))


def test_a_note_is_said_in_another_language_with_the_words_of_the_file():
    note = Note("file_too_large", "a.xml", 0, {"most": "{most}"})
    assert (
        note.said({MESSAGES["file_too_large"]: "文件大于 {most} 字节。"}.__getitem__)
        == "文件大于 {most} 字节。"
    )
