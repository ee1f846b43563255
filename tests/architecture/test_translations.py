"""The apps' catalogues are one catalogue to Django: the first app that has a word words it for all, Wagtail included."""

from collections import defaultdict
from pathlib import Path

import polib
import wagtail.admin

from config.launch.translations import APPS, CATALOGUE, ROOT

# Words of Wagtail's administration that we mean to say otherwise, or that read as well there in our words.
REWORDED = {"Account", "Back", "Email", "History", "Name", "Next", "Show"}


def words(path: Path) -> dict[tuple[str, str], str]:
    """What the catalogue makes of each context and word."""
    return {
        (entry.msgctxt or "", entry.msgid): entry.msgstr or entry.msgstr_plural[0]
        for entry in polib.pofile(str(path))
        if entry.translated()
    }


def test_no_two_apps_word_one_phrase_differently():
    worded = defaultdict(dict)
    for app in APPS:
        for phrase, chinese in words(ROOT / app / CATALOGUE).items():
            worded[phrase][app] = chinese
    assert {phrase: by for phrase, by in worded.items() if len(set(by.values())) > 1} == {}


def test_no_word_of_ours_changes_the_administration_by_accident():
    theirs = words(Path(wagtail.admin.__file__).parent / CATALOGUE)
    ours = {phrase: chinese for app in APPS for phrase, chinese in words(ROOT / app / CATALOGUE).items()}
    changed = {
        word for (context, word), chinese in theirs.items() if ours.get((context, word), chinese) != chinese
    }
    assert changed - REWORDED == set()
