"""From a clause reference to the clause as printed."""

from collections.abc import Iterable

from community.models import DraftPage
from community.standards.references import ClauseLink, ClauseReference


def clauses(references: Iterable[ClauseReference], language: str) -> dict[ClauseReference, ClauseLink]:
    """Where each of ``references`` leads in ``language``; unknown ones are left out."""
    wanted = set(references)
    found: dict[ClauseReference, ClauseLink] = {}
    if not wanted:
        return found
    drafts = DraftPage.objects.live().filter(
        standard_key__in={reference.standard for reference in wanted},
        edition__in={reference.edition for reference in wanted},
        locale__language_code=language,
    )
    for draft in drafts:
        url = draft.get_url() or ""
        for clause in draft.numbered_clauses:
            if clause.reference in wanted:
                found[clause.reference] = ClauseLink(
                    reference=clause.reference,
                    number=clause.number,
                    title=clause.title,
                    standard_title=draft.title,
                    url=f"{url}#{clause.anchor}",
                )
    return found


def clause(reference: ClauseReference, language: str) -> ClauseLink | None:
    """Where ``reference`` leads in ``language``, or None when no published draft there has it."""
    return clauses([reference], language).get(reference)
