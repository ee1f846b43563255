"""A standard's text as a reviewable file: read, checked, and placed as one draft in every language."""

import datetime
import tomllib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from wagtail.models import Page

from community.models import DraftPage, Stage, StandardsIndexPage
from community.publishing import place_page, place_translation
from community.standards.references import ClauseReference

MARKDOWN = MarkdownIt("commonmark", {"html": False})
SOURCE_LANGUAGE = ("zh", "zh-hans")
TARGET_LANGUAGE = ("en", "en")


class TextError(ValueError):
    """A standard's file lacks something or says it in a way that cannot be placed."""


@dataclass(frozen=True)
class ClauseText:
    clause: str
    level: int
    kind: str
    title: dict[str, str]
    body: dict[str, str]


@dataclass(frozen=True)
class StandardText:
    """A whole standard as its file tells it; texts by ``zh`` and ``en``."""

    standard: str
    edition: str
    stage: Stage
    comments_until: datetime.date | None
    title: dict[str, str]
    abstract: dict[str, str]
    clauses: tuple[ClauseText, ...]


def read_standard(path: Path) -> StandardText:
    """The standard told by the TOML file at ``path``. Raises TextError naming the file and what is wrong."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        text = StandardText(
            standard=data["standard"],
            edition=data["edition"],
            stage=Stage(data["stage"]),
            comments_until=data.get("comments_until"),
            title=_both(data["title"]),
            abstract=_both(data["abstract"]),
            clauses=tuple(_clause(item) for item in data["clauses"]),
        )
        for item in text.clauses:
            ClauseReference.parse(f"{text.standard}:{text.edition}:{item.clause}")
    except KeyError as error:
        raise TextError(f"{path}: {error.args[0]} is missing") from error
    except ValueError as error:
        raise TextError(f"{path}: {error}") from error
    return text


def place_standard(index: StandardsIndexPage, text: StandardText) -> tuple[DraftPage, bool]:
    """The draft of ``text`` under ``index`` and its English translation, and whether it is new.

    Existing pages keep their edits. Clauses have the same block ids in every language and at every placing.
    """
    draft, new = place_page(index, _page(text, SOURCE_LANGUAGE[0]))
    place_translation(draft, _page(text, TARGET_LANGUAGE[0]), TARGET_LANGUAGE[1])
    return draft, new


def _both(texts: dict[str, str]) -> dict[str, str]:
    return {language: texts[language].strip() for language in (SOURCE_LANGUAGE[0], TARGET_LANGUAGE[0])}


def _clause(item: dict[str, Any]) -> ClauseText:
    return ClauseText(
        clause=item["id"],
        level=int(item["level"]),
        kind=item["kind"],
        title=_both(item["title"]),
        body=_both(item["body"]),
    )


def _page(text: StandardText, language: str) -> Page:
    name = f"{text.standard}:{text.edition}"
    return DraftPage(
        title=text.title[language],
        slug=f"{text.standard}-{text.edition}",
        standard_key=text.standard,
        edition=text.edition,
        stage=text.stage,
        comments_until=text.comments_until,
        abstract=text.abstract[language],
        clauses=[
            {
                "type": "clause",
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}:{item.clause}")),
                "value": {
                    "clause": item.clause,
                    "level": str(item.level),
                    "kind": item.kind,
                    "title": item.title[language],
                    "body": MARKDOWN.render(item.body[language]).replace("\n", ""),
                },
            }
            for item in text.clauses
        ],
    )
