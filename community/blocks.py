"""What pages of the site and clauses of a draft are built from."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.images.blocks import ImageBlock

from community.standards.numbering import DEEPEST, misplaced

TEXT_FEATURES = ["h2", "h3", "bold", "italic", "code", "ol", "ul", "link", "document-link"]
CLAUSE_FEATURES = ["bold", "italic", "code", "ol", "ul", "link"]
CLAUSE_ID = r"^[a-z][a-z0-9-]{1,59}$"
# Ids the page's frame already uses.
TAKEN_IDS = frozenset({"main", "outline", "abstract", "site-search"})


class FixedValue:
    """Mixed into a block whose value is the same in every language: wagtail-localize copies it."""

    def get_translatable_segments(self, value: Any) -> list[Any]:
        return []

    def restore_translated_segments(self, value: Any, segments: Any) -> Any:
        return value


class PathBlock(FixedValue, blocks.RegexBlock):
    """An address on this site without its language, so that one value serves every language."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("regex", r"^/(?:[a-z0-9-]+/)*(?:\?[A-Za-z0-9=&-]+)?$")
        kwargs.setdefault(
            "error_messages", {"invalid": _("Write an address like /labs/, without the language.")}
        )
        super().__init__(**kwargs)


class LinkBlock(blocks.StructBlock):
    """A link by words: to a page, or to an address of the site."""

    label = blocks.CharBlock(max_length=60, label=_("words"))
    page = blocks.PageChooserBlock(required=False, label=_("page"))
    path = PathBlock(required=False, label=_("or address"), help_text=_("Without the language, e.g. /labs/."))

    class Meta:
        icon = "link"
        label = _("Link")
        template = "community/blocks/link.html"

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        if not cleaned["page"] and not cleaned["path"]:
            raise blocks.StructBlockValidationError(
                block_errors={"path": ValidationError(_("Choose a page or write an address."))}
            )
        return cleaned

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        context["href"] = address(value)
        return context


def address(link: Any) -> str:
    """Where a LinkBlock's value leads in the active language; empty without a target."""
    if link["page"]:
        return link["page"].localized.url or ""
    return f"/{get_language() or settings.LANGUAGE_CODE}{link['path']}" if link["path"] else ""


class OfferBlock(blocks.StructBlock):
    """One thing a visitor can do here."""

    title = blocks.CharBlock(max_length=80, label=_("title"))
    text = blocks.TextBlock(label=_("text"))
    link = LinkBlock()

    class Meta:
        icon = "pick"
        label = _("Offer")

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        context["href"] = address(value["link"])
        return context


class StationBlock(blocks.StructBlock):
    """One station of a way: its name, what happens there, an example."""

    title = blocks.CharBlock(max_length=60, label=_("title"))
    text = blocks.TextBlock(label=_("text"))
    example = blocks.CharBlock(max_length=120, required=False, label=_("example"))

    class Meta:
        icon = "arrow-right"
        label = _("Station")


class OffersBlock(blocks.StructBlock):
    heading = blocks.CharBlock(max_length=80, label=_("heading"))
    offers = blocks.ListBlock(OfferBlock(), label=_("offers"))

    class Meta:
        icon = "list-ul"
        label = _("Offers")
        template = "community/blocks/offers.html"

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context = super().get_context(value, parent_context=parent_context)
        context["offers"] = [(offer, address(offer["link"])) for offer in value["offers"]]
        return context


class WayBlock(blocks.StructBlock):
    """Stations in their order, drawn as one line."""

    heading = blocks.CharBlock(max_length=80, label=_("heading"))
    text = blocks.TextBlock(required=False, label=_("text"))
    stations = blocks.ListBlock(StationBlock(), min_num=2, label=_("stations"))

    class Meta:
        icon = "arrow-right"
        label = _("Way")
        template = "community/blocks/way.html"


class PictureBlock(blocks.StructBlock):
    """An uploaded picture with its text alternative and a caption."""

    picture = ImageBlock(label=_("picture"))
    caption = blocks.CharBlock(required=False, label=_("caption"))

    class Meta:
        icon = "image"
        label = _("Picture")
        template = "community/blocks/picture.html"


class TextBody(blocks.StreamBlock):
    """Running text with pictures and links."""

    text = blocks.RichTextBlock(
        features=TEXT_FEATURES, label=_("Text"), template="community/blocks/text.html"
    )
    picture = PictureBlock()
    link = LinkBlock()


class HomeBody(TextBody):
    """The parts of a home page under its headline."""

    way = WayBlock()
    offers = OffersBlock()


class ClauseIdBlock(FixedValue, blocks.RegexBlock):
    """The author's stable anchor of a clause."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("regex", CLAUSE_ID)
        kwargs.setdefault("max_length", 60)
        kwargs.setdefault(
            "error_messages",
            {
                "invalid": _(
                    "Write a clause id of lower-case letters, digits and hyphens, e.g. isolation-network."
                )
            },
        )
        super().__init__(**kwargs)


class ClauseBlock(blocks.StructBlock):
    """One clause of a draft. Its number is computed from order and level; its id never changes."""

    clause = ClauseIdBlock(
        label=_("clause id"),
        help_text=_("The stable anchor others refer to. Keep it when the clause moves or is reworded."),
    )
    level = blocks.ChoiceBlock(
        choices=[(str(level), str(level)) for level in range(1, DEEPEST + 1)],
        default="1",
        label=pgettext_lazy("clause", "level"),
    )
    kind = blocks.ChoiceBlock(
        choices=[("normative", _("Normative")), ("informative", _("Informative"))],
        default="normative",
        label=pgettext_lazy("clause", "kind"),
    )
    title = blocks.CharBlock(max_length=120, label=_("title"))
    body = blocks.RichTextBlock(required=False, features=CLAUSE_FEATURES, label=_("text"))

    class Meta:
        icon = "list-ol"
        label = _("Clause")
        label_format = "{level}  {clause}  {title}"


class ClausesBlock(blocks.StreamBlock):
    """The clauses of a draft in their order."""

    clause = ClauseBlock()

    def clean(self, value: Any) -> Any:
        """Raises StreamBlockValidationError at the clause that repeats an id or skips a level."""
        cleaned = super().clean(value)
        problems: dict[int, ValidationError] = {}
        first_use: dict[str, int] = {}
        gaps = set(misplaced([int(child.value["level"]) for child in cleaned]))
        for index, child in enumerate(cleaned):
            clause = child.value["clause"]
            errors: dict[str, ValidationError] = {}
            if clause in TAKEN_IDS:
                errors["clause"] = ValidationError(_("The page itself uses this id. Choose another."))
            elif clause in first_use:
                errors["clause"] = ValidationError(
                    _("Clause %(position)d already has the id “%(clause)s”. Each id may stand once."),
                    params={"position": first_use[clause] + 1, "clause": clause},
                )
            if index in gaps:
                errors["level"] = ValidationError(
                    _("A clause may be at most one level below the one before it; the first is at level 1.")
                )
            first_use.setdefault(clause, index)
            if errors:
                problems[index] = blocks.StructBlockValidationError(block_errors=errors)
        if problems:
            raise blocks.StreamBlockValidationError(block_errors=problems)
        return cleaned
