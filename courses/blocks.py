"""What a lesson may be built from."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from wagtail import blocks
from wagtail.images.blocks import ImageBlock
from wagtail.snippets.blocks import SnippetChooserBlock

from community.api import ClauseReference

TEXT_FEATURES = ["h2", "h3", "bold", "italic", "code", "ol", "ul", "link", "document-link"]
SHORT_FEATURES = ["bold", "italic", "code", "ol", "ul", "link"]
CODE_LANGUAGES = [
    ("text", _("Plain text")),
    ("shell", "Shell"),
    ("output", _("Output")),
    ("config", _("Configuration")),
    ("python", "Python"),
    ("yaml", "YAML"),
    ("json", "JSON"),
    ("dockerfile", "Dockerfile"),
    ("c", "C"),
    ("http", "HTTP"),
]
CALLOUT_KINDS = [
    ("note", _("Note")),
    ("tip", _("Tip")),
    ("example", _("Example")),
    ("warning", _("Take care")),
]
# Each is a template courses/diagrams/<name>.html, drawn with the site's tokens and worded through gettext.
DIAGRAMS = [
    ("elasticity", _("Fixed and elastic capacity against demand")),
    ("service-models", _("Who runs which layer")),
    ("isolation", _("Virtual machines and containers side by side")),
    ("cgroup", _("A process, its cgroup and its limits")),
    ("balancing", _("A load balancer in front of two backends")),
    ("health", _("A backend leaves and returns to rotation")),
    ("queue", _("Producer, broker and consumer")),
    ("metering", _("From counters to an invoice")),
]


def check_clause(text: str) -> None:
    """Raises ValidationError when ``text`` is no clause reference."""
    try:
        ClauseReference.parse(text)
    except ValueError:
        raise ValidationError(
            _("%(text)s is no clause reference. Write standard:edition:clause, e.g. yl-t-001:2026:scope."),
            params={"text": text},
        ) from None


class CodeBlock(blocks.StructBlock):
    """Code with its language named and a button that copies it."""

    language = blocks.ChoiceBlock(choices=CODE_LANGUAGES, default="shell", label=_("language"))
    code = blocks.TextBlock(label=_("code"), rows=8)
    caption = blocks.CharBlock(required=False, label=_("caption"))

    class Meta:
        icon = "code"
        label = _("Code")
        template = "courses/blocks/code.html"

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        context["language"] = dict(CODE_LANGUAGES).get(value["language"], value["language"])
        return context


class CalloutBlock(blocks.StructBlock):
    """A remark set apart from the running text."""

    kind = blocks.ChoiceBlock(choices=CALLOUT_KINDS, default="note", label=_("kind"))
    title = blocks.CharBlock(required=False, label=_("title"), help_text=_("Empty: the kind is shown."))
    text = blocks.RichTextBlock(features=SHORT_FEATURES, label=_("text"))

    class Meta:
        icon = "warning"
        label = _("Callout")
        template = "courses/blocks/callout.html"

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        context["heading"] = value["title"] or dict(CALLOUT_KINDS).get(value["kind"], "")
        return context


class PictureBlock(blocks.StructBlock):
    """An uploaded picture with its text alternative and a caption."""

    picture = ImageBlock(label=_("picture"))
    caption = blocks.CharBlock(required=False, label=_("caption"))

    class Meta:
        icon = "image"
        label = _("Picture")
        template = "courses/blocks/picture.html"


class DiagramBlock(blocks.StructBlock):
    """One of the site's own diagrams; it follows the reader's language and theme."""

    name = blocks.ChoiceBlock(choices=DIAGRAMS, label=_("diagram"))
    caption = blocks.CharBlock(required=False, label=_("caption"))

    class Meta:
        icon = "desktop"
        label = _("Diagram")
        template = "courses/blocks/diagram.html"

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        context["diagram"] = f"courses/diagrams/{value['name']}.html"
        return context


def cells(line: str) -> list[str]:
    """The cells of one line of a table, written ``first | second``."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


class TableBlock(blocks.StructBlock):
    """A table written as text, one row a line, so that it can be translated and reviewed like text."""

    caption = blocks.CharBlock(label=_("caption"))
    rows = blocks.TextBlock(
        label=_("rows"),
        rows=6,
        help_text=_("One row a line, cells separated by |. The first line holds the column headings."),
    )

    class Meta:
        icon = "table"
        label = _("Table")
        template = "courses/blocks/table.html"

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        lines = [cells(line) for line in cleaned["rows"].splitlines() if line.strip()]
        columns = len(lines[0]) if lines else 0
        for number, row in enumerate(lines, start=1):
            if len(row) != columns:
                message = ngettext(
                    "Row %(number)d has %(found)d cell; the headings have %(columns)d.",
                    "Row %(number)d has %(found)d cells; the headings have %(columns)d.",
                    len(row),
                ) % {"number": number, "found": len(row), "columns": columns}
                raise blocks.StructBlockValidationError(block_errors={"rows": ValidationError(message)})
        return cleaned

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        lines = [cells(line) for line in value["rows"].splitlines() if line.strip()]
        context["headings"], context["lines"] = (lines[0], lines[1:]) if lines else ([], [])
        return context


class LabBlock(SnippetChooserBlock):
    """A lab in the middle of a lesson; passing it completes the lesson."""

    class Meta:
        icon = "desktop"
        label = _("Lab")
        template = "courses/blocks/lab.html"

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        context["card"] = (parent_context or {}).get("lab_cards", {}).get(value.pk) if value else None
        return context


class ClauseBlock(blocks.RegexBlock):
    """A clause of a standard that this lesson teaches, shown as a link to it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("regex", r"^[a-z0-9][a-z0-9-]*:[0-9a-z][0-9a-z.-]*:[a-z][a-z0-9-]*$")
        kwargs.setdefault(
            "error_messages",
            {"invalid": _("Write standard:edition:clause, e.g. yl-t-001:2026:scope.")},
        )
        super().__init__(**kwargs)

    class Meta:
        icon = "link"
        label = _("Clause of a standard")
        template = "courses/blocks/clause.html"

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        context["clause"] = (parent_context or {}).get("clause_links", {}).get(value)
        return context


class LessonBody(blocks.StreamBlock):
    """The body of a lesson."""

    text = blocks.RichTextBlock(features=TEXT_FEATURES, label=_("Text"), template="courses/blocks/text.html")
    picture = PictureBlock()
    diagram = DiagramBlock()
    code = CodeBlock()
    callout = CalloutBlock()
    table = TableBlock()
    lab = LabBlock("labs.Lab")
    clause = ClauseBlock()
