"""Plain words of pages, kept beside their markup, so that any substring can be found, Chinese included."""

import re
from typing import Any

from django.db import models
from wagtail.fields import StreamField

LONGEST = 200
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
AROUND = 60


def tidy(query: str) -> str:
    """``query`` on one line without control characters, at most 200 long."""
    return " ".join(CONTROL.sub(" ", query).split())[:LONGEST]


def excerpt(text: str, query: str) -> str:
    """The part of ``text`` around the first ``query``; its beginning when it does not contain it."""
    at = max(text.lower().find(query.lower()), 0)
    start = max(at - AROUND, 0)
    end = min(at + len(query) + 2 * AROUND, len(text))
    return ("…" if start else "") + text[start:end].strip() + ("…" if end < len(text) else "")


class Worded(models.Model):
    """Mixed into a page: ``words`` is the text of ``worded_fields``, renewed at each save."""

    worded_fields: tuple[str, ...] = ()
    words = models.TextField(default="", blank=True, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.words = " ".join(" ".join(self._texts()).split())
        super().save(*args, **kwargs)

    def _texts(self) -> list[str]:
        found: list[str] = []
        for name in self.worded_fields:
            value = getattr(self, name)
            if isinstance(self._meta.get_field(name), StreamField):
                found.extend(str(text) for text in value.stream_block.get_searchable_content(value))
            else:
                found.append(str(value))
        return found
