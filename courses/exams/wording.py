"""The words of a question, by language: what is searched, compared, and missing."""

from collections.abc import Iterator

from courses.exams.content import write_content
from courses.exams.shapes import Question

LANGUAGES = ("zh", "en")
# What is said after the answer, or to the marker, makes no two questions alike.
ASIDE = frozenset({"explanation", "feedback", "rubric"})


def words(question: Question, language: str, *, aside: bool = True) -> str:
    """Every text of ``question`` in ``language`` ("zh", "en"), a line each; without what is said aside on request."""
    return "\n".join(text for text in _texts(write_content(question), language, aside) if text.strip())


def speaks(question: Question, language: str) -> bool:
    """Whether every text of ``question`` has words in ``language``."""
    return all(text.strip() for text in _texts(write_content(question), language, True))


def _texts(value: object, language: str, aside: bool) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) <= set(LANGUAGES) and value:
            yield str(value.get(language, ""))
            return
        for name, inner in value.items():
            if aside or name not in ASIDE:
                yield from _texts(inner, language, aside)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, language, aside)
