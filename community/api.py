"""The door of community for the apps above it."""

from community.authentication import BearerToken, SessionUser, person_with_token, signed_in
from community.models import Role, User
from community.registry import NavItem, Panel, SearchHit, StatusPart, ThreadItem
from community.standards.references import ClauseLink, ClauseReference

__all__ = [
    "BearerToken",
    "ClauseLink",
    "ClauseReference",
    "NavItem",
    "Panel",
    "Role",
    "SearchHit",
    "SessionUser",
    "StatusPart",
    "ThreadItem",
    "User",
    "person_with_token",
    "signed_in",
]
