"""The door of community for the apps above it."""

from community.authentication import BearerToken, SessionUser, person_with_token, signed_in
from community.context import crumbs
from community.guards import append_only, frozen, kept_record
from community.models import (
    DraftPage,
    HomePage,
    Membership,
    NewsIndexPage,
    NewsPage,
    Organisation,
    Role,
    StandardsIndexPage,
    TextPage,
    User,
    organisation_of,
    organisations_of,
)
from community.permissions import answers_for, holds, is_editor, is_instructor, is_operator
from community.publishing import NotParallel, place_home, place_page, place_translation
from community.refusals import BaseRefusal
from community.refusals import Text as RefusalText
from community.registry import NavItem, Panel, RoleGrant, SearchHit, StatusPart, ThreadItem
from community.roles import assign, ensure_roles, grant
from community.standards.clauses import clause, clauses
from community.standards.references import ClauseLink, ClauseReference
from community.standards.texts import TextError, place_standard, read_standard
from community.words import excerpt, tidy

__all__ = [
    "BaseRefusal",
    "BearerToken",
    "ClauseLink",
    "ClauseReference",
    "DraftPage",
    "HomePage",
    "Membership",
    "NavItem",
    "NewsIndexPage",
    "NewsPage",
    "NotParallel",
    "Organisation",
    "Panel",
    "RefusalText",
    "Role",
    "RoleGrant",
    "SearchHit",
    "SessionUser",
    "StandardsIndexPage",
    "StatusPart",
    "TextError",
    "TextPage",
    "ThreadItem",
    "User",
    "answers_for",
    "append_only",
    "assign",
    "clause",
    "clauses",
    "crumbs",
    "ensure_roles",
    "excerpt",
    "frozen",
    "grant",
    "holds",
    "is_editor",
    "is_instructor",
    "is_operator",
    "kept_record",
    "organisation_of",
    "organisations_of",
    "person_with_token",
    "place_home",
    "place_page",
    "place_standard",
    "place_translation",
    "read_standard",
    "signed_in",
    "tidy",
]
