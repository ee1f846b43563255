"""Finding things by any substring, Chinese included: plain containment, no query language, so no input can fail."""

import re

from community import registry
from community.registry import SearchHit

LONGEST = 200
CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def tidy(query: str) -> str:
    """``query`` on one line without control characters, at most 200 long."""
    return " ".join(CONTROL.sub(" ", query).split())[:LONGEST]


def find(query: str, language: str) -> list[SearchHit]:
    """Everything that contains ``query``, titles first."""
    hits = registry.search_hits(query, language)
    lowered = query.lower()
    return sorted(hits, key=lambda hit: lowered not in hit.title.lower())
