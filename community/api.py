"""The door of community for the apps above it."""

from community.authentication import BearerToken, SessionUser, person_with_token
from community.models import Role, User
from community.standards.references import ClauseLink, ClauseReference

__all__ = [
    "BearerToken",
    "ClauseLink",
    "ClauseReference",
    "Role",
    "SessionUser",
    "User",
    "person_with_token",
]
